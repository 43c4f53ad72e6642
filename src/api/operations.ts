/** Maintenance mode, and what peers want by route target. */
import type { FastifyInstance } from "fastify";
import type { SpeakerControl } from "../bgp/control.js";
import { checkedText, noQuerySchema, peerParamsSchema } from "./query.js";

/** Longest time that peers can be given to turn to other paths. */
const DRAIN_MOST_SECONDS = 86_400;

const peersSchema = {
  anyOf: [
    { type: "string", enum: ["all"] },
    {
      type: "array",
      minItems: 1,
      maxItems: 10_000,
      items: { type: "string", minLength: 1, maxLength: 64 },
    },
  ],
} as const;

const beginSchema = {
  type: "object",
  additionalProperties: false,
  required: ["peers"],
  properties: {
    peers: peersSchema,
    drainSeconds: { type: "integer", minimum: 0, maximum: DRAIN_MOST_SECONDS, default: 60 },
    then: { type: "string", enum: ["nothing", "shutdown"], default: "nothing" },
    text: { type: "string", maxLength: 128, default: "maintenance" },
  },
} as const;

const endSchema = {
  type: "object",
  additionalProperties: false,
  required: ["peers"],
  properties: { peers: peersSchema },
} as const;

interface BeginBody {
  readonly peers: readonly string[] | "all";
  readonly drainSeconds: number;
  readonly then: "nothing" | "shutdown";
  readonly text: string;
}

export function addOperationRoutes(server: FastifyInstance, control: SpeakerControl): void {
  const look = { schema: { querystring: noQuerySchema } };
  server.get("/v1/maintenance", look, () => control.maintenance());
  server.post<{ Body: BeginBody }>(
    "/v1/maintenance/begin",
    { schema: { querystring: noQuerySchema, body: beginSchema } },
    ({ body }) => control.beginMaintenance({ ...body, text: checkedText(body.text) }),
  );
  server.post<{ Body: Pick<BeginBody, "peers"> }>(
    "/v1/maintenance/end",
    { schema: { querystring: noQuerySchema, body: endSchema } },
    (request) => control.endMaintenance(request.body.peers),
  );

  server.get("/v1/interest", look, async () => ({ peers: await control.interests() }));
  server.get<{ Params: { address: string } }>(
    "/v1/interest/:address",
    { schema: { querystring: noQuerySchema, params: peerParamsSchema } },
    (request) => control.interest(request.params.address),
  );
}
