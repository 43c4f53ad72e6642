/** Routes of the table, of a peer, or sent to a peer. */
import type { RouteQuery } from "../../bgp/control.js";
import { HttpError } from "../error.js";
import { checkedMac, FAMILY, familyNumber } from "./fields.js";
import { page, text, VNI, type FieldRules, type Operation, type PageInput } from "./operation.js";

/** What names routes. */
export const ROUTE_RULES: FieldRules = {
  family: FAMILY,
  type: { minimum: 1, maximum: 255 },
  rd: text(64),
  mac: text(64),
  ip: text(64),
  vni: VNI,
};

export interface RouteInput {
  readonly family?: string;
  readonly type?: number;
  readonly rd?: string;
  readonly mac?: string;
  readonly ip?: string;
  readonly vni?: number;
}

interface ListInput extends RouteInput, PageInput {
  readonly table?: RouteQuery["table"];
  readonly peer?: string;
  readonly rt?: string;
}

/** In the speaker's own words. */
export function toRouteFilter(input: RouteInput): Omit<RouteQuery, "table"> {
  return {
    ...(input.family !== undefined && { family: familyNumber(input.family) }),
    ...(input.type !== undefined && { routeType: input.type }),
    ...(input.rd !== undefined && { rd: input.rd }),
    ...(input.mac !== undefined && { mac: checkedMac(input.mac) }),
    ...(input.ip !== undefined && { ip: input.ip }),
    ...(input.vni !== undefined && { vni: input.vni }),
  };
}

function toRouteQuery(input: ListInput): RouteQuery {
  const { table = "best", peer, rt, cursor, limit } = input;
  if ((table === "received" || table === "advertised") && peer === undefined) {
    throw new HttpError(400, "invalid", `table=${table} needs peer=ADDRESS: whose routes?`);
  }
  return {
    table,
    ...toRouteFilter(input),
    ...(peer !== undefined && { peer }),
    ...(rt !== undefined && { rt }),
    ...(cursor !== undefined && { cursor }),
    ...(limit !== undefined && { limit }),
  };
}

export const ROUTE_OPERATIONS: readonly Operation[] = [
  page({
    id: "ListRoutes",
    dump: "DumpRoutes",
    group: "Routes",
    summary: "Routes of the table, of a peer, or sent to a peer",
    role: "viewer",
    http: { method: "GET", path: "/v1/routes" },
    input: "ListRoutesRequest",
    output: "ListRoutesResponse",
    rows: "routes",
    row: "Route",
    rules: {
      table: { enum: ["best", "all", "received", "advertised"] },
      peer: text(64),
      ...ROUTE_RULES,
      rt: text(64),
    },
    run: async ({ control }, input: ListInput) => {
      const { routes, next } = await control.routes(toRouteQuery(input));
      return { rows: routes, next };
    },
  }),
];
