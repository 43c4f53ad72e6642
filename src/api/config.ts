/** The configuration: what runs, what another one would change, reload, confirm, rollback. */
import type { FastifyInstance } from "fastify";
import type { HttpBackend, ReloadResult } from "./backend.js";
import { HttpError } from "./error.js";
import { noQuerySchema } from "./query.js";

/** Largest candidate text; more would hold the BGP thread while it is read. */
const TEXT_MAX = 512 * 1024;
const CONFIRM_MAX = 86_400;

const reloadBodySchema = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { confirm: { type: "integer", minimum: 1, maximum: CONFIRM_MAX } },
} as const;

const diffBodySchema = {
  type: ["object", "null"],
  additionalProperties: false,
  properties: { text: { type: "string", maxLength: TEXT_MAX } },
} as const;

type ReloadBody = { readonly confirm?: number } | null | undefined;
type DiffBody = { readonly text?: string } | null | undefined;

export function addConfigRoutes(server: FastifyInstance, backend: HttpBackend): void {
  const schema = { querystring: noQuerySchema };

  server.post<{ Body: ReloadBody }>(
    "/v1/reload",
    { schema: { ...schema, body: reloadBodySchema } },
    async (request) => done(await backend.reload(request.body?.confirm)),
  );

  const { config } = backend;
  if (config === undefined) return;
  server.get("/v1/config", { schema }, () => Promise.resolve(config.running()));
  server.post<{ Body: DiffBody }>(
    "/v1/config/diff",
    { schema: { ...schema, body: diffBodySchema }, bodyLimit: 2 * TEXT_MAX },
    (request) => config.diff(request.body?.text),
  );
  server.post("/v1/config/confirm", { schema }, async () => done(await config.confirm()));
  server.post("/v1/config/rollback", { schema }, async () => done(await config.rollback()));
}

function done(result: ReloadResult): { readonly done: readonly string[] } {
  if (result.ok) return { done: result.lines };
  throw new HttpError(
    422,
    "invalid-configuration",
    `refused, and the running configuration stays:\n${result.lines.join("\n")}`,
  );
}
