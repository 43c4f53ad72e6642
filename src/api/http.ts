/**
 * The API's door: JSON over HTTP/1.1 for evpnctl, health checks and Prometheus; gRPC on the same port.
 *
 * It knows the speaker only as `SpeakerControl`, the FIB as `FibControl`. Every request is checked (`guard.ts`), every
 * operation is a row of the service layer (`service/`), every refusal is a status and a sentence (`error.ts`). Sizes and times
 * are bounded, so that a client that misbehaves costs a connection and nothing else.
 */
import { fastify } from "fastify";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { RequestListener } from "node:http";
import { isIPv4, type AddressInfo } from "node:net";
import { TLSSocket } from "node:tls";
import type { HttpBackend } from "./backend.js";
import { Desk } from "./desk.js";
import { answer, HttpError, refusal } from "./error.js";
import { createFront, renewTls } from "./front.js";
import { GrpcGate } from "./grpc-gate.js";
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
const KEEP_ALIVE_MS = 30_000;

type Front = ReturnType<typeof createFront>;

/**
 * @param settings asked at each request, as a reload may change it
 * @param front makes the listening side; without it requests can only be injected
 */
export function buildServer(
  backend: HttpBackend,
  settings: () => HttpSettings,
  front?: (handler: RequestListener) => Front,
  desk = new Desk(backend, settings),
): FastifyInstance {
  const server = fastify({
    logger: false,
    bodyLimit: BODY_MAX,
    keepAliveTimeout: KEEP_ALIVE_MS,
    forceCloseConnections: true,
    routerOptions: { maxParamLength: 1024 },
    ...(front !== undefined && { serverFactory: (handler: RequestListener) => front(handler) }),
  }) as FastifyInstance;
  // Before the body is read: who is refused here has no place for long.
  server.addHook("onRequest", (request, _reply, done) => {
    const { host, origin } = request.headers;
    checkRequest({ method: request.method, host, origin }, settings());
    if (request.is404) throw nothingAt(request);
    done();
  });
  server.setErrorHandler((error, request, reply) => {
    const refused = refusal(error);
    if (refused !== undefined) {
      if (refused.status === 401) void reply.header("www-authenticate", "Bearer");
      return reply.code(refused.status).send(refused.body);
    }
    backend.log.error({ err: error, url: request.url }, "request failed");
    const bug = answer(500, "bug", "evpnd failed to answer; its log has the reason");
    return reply.code(bug.status).send(bug.body);
  });
  addOperations(server, desk, (request) => {
    const { socket } = request.raw;
    return {
      address: request.ip,
      via: "http",
      authorization: request.headers.authorization,
      certificate:
        socket instanceof TLSSocket && socket.authorized ? socket.getPeerCertificate() : undefined,
    };
  });
  return server;
}

function nothingAt({ method, url }: FastifyRequest): HttpError {
  const path = url.split("?", 1)[0] ?? "";
  return new HttpError(
    404,
    "not-found",
    `there is nothing at ${method} ${path}; docs/http.md lists what there is`,
  );
}

/** Binds and serves; rejects with the system's error when it cannot. */
export async function openHttpDoor(
  backend: HttpBackend,
  settings: HttpSettings,
): Promise<HttpDoor | undefined> {
  const { listen } = settings;
  if (listen === undefined) return undefined;
  let rules = settings;
  const desk = new Desk(backend, () => rules);
  const gate = new GrpcGate(desk, () => rules.grpc ?? true);
  const front = (handler: RequestListener): Front =>
    createFront(handler, {
      tls: settings.tls,
      most: CONNECTIONS_MAX,
      http2: (socket) => gate.take(socket),
    });
  const server = buildServer(backend, () => rules, front, desk);
  await server.listen({ host: listen.address, port: listen.port });
  const { port } = server.server.address() as AddressInfo;
  const host = isIPv4(listen.address) ? listen.address : `[${listen.address}]`;
  return {
    address: `${host}:${port}`,
    setRules: (next) => {
      if (next.tls !== undefined) {
        try {
          renewTls(server.server, next.tls);
        } catch (error) {
          backend.log.error({ err: error }, "the API keeps its certificates: the new ones fail");
        }
      }
      rules = next;
      gate.rulesChanged();
    },
    stopListening: () => {
      server.server.close();
      return Promise.resolve();
    },
    close: async () => {
      gate.close();
      desk.close();
      await server.close();
    },
  };
}
