/** RADIUS over TLS, Disconnect and CoA: who is connected, and what was counted. */
import { unary, type Operation } from "./operation.js";
import { radiusOf } from "./radius.js";

export const RADIUS_DOOR_OPERATIONS: readonly Operation[] = [
  unary({
    id: "GetRadiusDoors",
    group: "RadiusDoors",
    summary: "TLS ports of the RADIUS relay and who is connected; Disconnect and CoA",
    role: "viewer",
    http: { method: "GET", path: "/v1/radius/doors" },
    input: "GetRadiusDoorsRequest",
    output: "RadiusDoorsState",
    run: async (backend) => {
      const radius = radiusOf(backend);
      const [tls, dynamic] = await Promise.all([radius.radsec(), radius.dynamic()]);
      return { tls, dynamic };
    },
  }),
];
