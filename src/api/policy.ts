/** Policies: what there is, a trial of other ones, and which rules decided on a route. */
import type { FastifyInstance } from "fastify";
import type { PolicyTestOptions, RouteQuery } from "../bgp/control.js";
import type { HttpBackend } from "./backend.js";
import { HttpError } from "./error.js";
import { checkedMac, familyNumber, noQuerySchema, routesQuerySchema } from "./query.js";

/** Largest candidate text; more would hold the BGP thread while it is read. */
const TEXT_MAX = 512 * 1024;

interface TestBody extends PolicyTestOptions {
  readonly text: string;
}

const testBodySchema = {
  type: "object",
  additionalProperties: false,
  required: ["text"],
  properties: {
    text: { type: "string", maxLength: TEXT_MAX },
    peer: { type: "string", minLength: 2, maxLength: 64 },
    direction: { type: "string", enum: ["in", "out"] },
    examples: { type: "integer", minimum: 0, maximum: 1000 },
  },
} as const;

const { family, type, rd, mac, ip, vni } = routesQuerySchema.properties;
const explainQuerySchema = {
  type: "object",
  additionalProperties: false,
  properties: { family, type, rd, mac, ip, vni },
} as const;

interface ExplainQuery {
  readonly family?: string;
  readonly type?: number;
  readonly rd?: string;
  readonly mac?: string;
  readonly ip?: string;
  readonly vni?: number;
}

export function addPolicyRoutes(server: FastifyInstance, backend: HttpBackend): void {
  const { control } = backend;
  server.get("/v1/policy", { schema: { querystring: noQuerySchema } }, async () => ({
    policies: await control.policies(),
  }));

  server.post<{ Body: TestBody }>(
    "/v1/policy/test",
    { schema: { querystring: noQuerySchema, body: testBodySchema }, bodyLimit: 2 * TEXT_MAX },
    (request) => {
      const { text, ...options } = request.body;
      const result = backend.candidate?.(text);
      if (result === undefined)
        throw new HttpError(409, "off", "this evpnd cannot read candidates");
      if (!result.ok) {
        throw new HttpError(422, "invalid-configuration", `refused:\n${result.issues.join("\n")}`);
      }
      return control.testPolicy(result.candidate, options);
    },
  );

  server.get<{ Querystring: ExplainQuery }>(
    "/v1/policy/explain",
    { schema: { querystring: explainQuerySchema } },
    (request) => control.explainRoutes(toQuery(request.query)),
  );
}

function toQuery(query: ExplainQuery): RouteQuery {
  if (Object.keys(query).length === 0) {
    throw new HttpError(400, "invalid", "which route? say mac, ip, rd, vni, type or family");
  }
  return {
    table: "all",
    ...(query.family !== undefined && { family: familyNumber(query.family) }),
    ...(query.type !== undefined && { routeType: query.type }),
    ...(query.rd !== undefined && { rd: query.rd }),
    ...(query.mac !== undefined && { mac: checkedMac(query.mac) }),
    ...(query.ip !== undefined && { ip: query.ip }),
    ...(query.vni !== undefined && { vni: query.vni }),
  };
}
