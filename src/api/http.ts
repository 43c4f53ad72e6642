/**
 * The HTTP door: JSON over HTTP/1.1 for evpnctl, health checks and Prometheus.
 *
 * It knows the speaker only as `SpeakerControl`, the FIB as `FibControl`. Every request is checked (`guard.ts`), every
 * operation is a row of the service layer (`service/`), every refusal is a status and a sentence (`error.ts`). Sizes and times
 * are bounded, so that a client that misbehaves costs a connection and nothing else.
 */
import { fastify } from "fastify";
import type { FastifyInstance } from "fastify";
import { isIPv4 } from "node:net";
import type { HttpBackend } from "./backend.js";
import { boundConnections } from "./connections.js";
import { answer, refusal } from "./error.js";
import { checkRequest } from "./guard.js";
import { addOperations } from "./http-operations.js";
import type { HttpSettings } from "./settings.js";

export interface HttpDoor {
  /** Address and port in use. */
  readonly address: string;
  /** New rules for requests; the address stays. */
  setRules(settings: HttpSettings): void;
  /** Gives the address back at once; answers under way still go out. */
  stopListening(): Promise<void>;
  close(): Promise<void>;
}

const BODY_MAX = 16 * 1024;
const CONNECTIONS_MAX = 256;

/** @param settings asked at each request, as a reload may change it */
export function buildServer(backend: HttpBackend, settings: () => HttpSettings): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_MAX,
    requestTimeout: 10_000,
    keepAliveTimeout: 30_000,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
    ajv: { customOptions: { removeAdditional: false, coerceTypes: true, allErrors: true } },
  });
  boundConnections(server.server, CONNECTIONS_MAX);
  server.addHook("onRequest", (request, _reply, done) => {
    const { host, origin } = request.headers;
    checkRequest({ method: request.method, host, origin }, settings());
    done();
  });
  server.setErrorHandler((error, request, reply) => {
    const refused = refusal(error);
    if (refused !== undefined) return reply.code(refused.status).send(refused.body);
    backend.log.error({ err: error, url: request.url }, "request failed");
    const bug = answer(500, "bug", "evpnd failed to answer; its log has the reason");
    return reply.code(bug.status).send(bug.body);
  });
  server.setNotFoundHandler((request, reply) => {
    const path = request.url.split("?", 1)[0] ?? "";
    const missing = answer(
      404,
      "not-found",
      `there is nothing at ${request.method} ${path}; docs/http.md lists what there is`,
    );
    return reply.code(missing.status).send(missing.body);
  });
  addOperations(server, backend, (request) => ({
    name: "local",
    role: "operator",
    address: request.ip,
    via: "http",
  }));
  return server;
}

/** Binds and serves; rejects with the system's error when it cannot. */
export async function openHttpDoor(
  backend: HttpBackend,
  settings: HttpSettings,
): Promise<HttpDoor | undefined> {
  const { listen } = settings;
  if (listen === undefined) return undefined;
  let rules = settings;
  const server = buildServer(backend, () => rules);
  await server.listen({ host: listen.address, port: listen.port });
  const bound = server.server.address();
  const port = typeof bound === "object" && bound !== null ? bound.port : listen.port;
  const host = isIPv4(listen.address) ? listen.address : `[${listen.address}]`;
  return {
    address: `${host}:${port}`,
    setRules: (next) => {
      rules = next;
    },
    stopListening: () => {
      server.server.close();
      return Promise.resolve();
    },
    close: () => server.close(),
  };
}
