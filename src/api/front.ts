/**
 * The one listening socket of the API: HTTP/1.1 and gRPC share its port, with TLS and without. A
 * connection that begins with HTTP/2's preface (or agreed on `h2` in its TLS handshake) goes to gRPC, any
 * other to HTTP. TLS is 1.2 or later; a client certificate is asked for where we could check it.
 */
import { createServer as createHttpServer } from "node:http";
import type { RequestListener, Server as HttpServer } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import type { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { boundConnections, boundHandshakes, TAKE_MS } from "./connections.js";
import type { TlsSettings } from "./settings.js";

export interface FrontParts {
  readonly tls: TlsSettings | undefined;
  /** Most connections at once. */
  readonly most: number;
  /** Takes a connection for good; nothing has been read from it. */
  readonly http2: (socket: Socket) => void;
  /** Until a request is whole; default 10 s. */
  readonly requestMs?: number;
  /** For a client that takes nothing of its answer, and as long again where it took some; default `TAKE_MS`. */
  readonly takeMs?: number;
}

/** Until a connection has said what it is, and shaken hands. */
const SILENCE_MS = 10_000;
const REQUEST_MS = 10_000;
const KEEP_ALIVE_MS = 30_000;
/** First octets of HTTP/2 (RFC 9113 section 3.4) that no method of HTTP/1.1 has. */
const PREFACE = Buffer.from("PRI ");

export function createFront(
  handler: RequestListener,
  { tls, most, http2, requestMs = REQUEST_MS, takeMs = TAKE_MS }: FrontParts,
): HttpServer | HttpsServer {
  const times = {
    requestTimeout: requestMs,
    headersTimeout: requestMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    // By default Node.js looks every 30 s.
    connectionsCheckingInterval: Math.min(1000, requestMs),
  };
  const server =
    tls === undefined
      ? createHttpServer(times, handler)
      : createHttpsServer({ ...times, ...secureOptions(tls) }, handler);
  server.timeout = takeMs;
  if (tls !== undefined) boundHandshakes(server, most);
  const event = tls === undefined ? "connection" : "secureConnection";
  const http1 = server.listeners(event) as ((this: unknown, socket: Socket) => void)[];
  server.removeAllListeners(event);
  const { release } = boundConnections(server, most, event);
  const choose = (socket: Socket, isHttp2: boolean): void => {
    if (!isHttp2) {
      for (const listener of http1) listener.call(server, socket);
      return;
    }
    release(socket);
    http2(socket);
  };
  server.on(event, (socket: Socket) => {
    if (tls === undefined) sniff(socket, (isHttp2) => choose(socket, isHttp2));
    else choose(socket, (socket as TLSSocket).alpnProtocol === "h2");
  });
  return server;
}

/** New certificates for connections to come; throws when they cannot be used. */
export function renewTls(server: HttpServer | HttpsServer, tls: TlsSettings): void {
  if ("setSecureContext" in server) server.setSecureContext(secureOptions(tls));
}

function secureOptions({ cert, key, clientCa }: TlsSettings) {
  return {
    cert,
    key,
    ...(clientCa !== undefined && { ca: clientCa }),
    requestCert: clientCa !== undefined,
    // Who shows none, or one of another CA, is told so by the answer to his request.
    rejectUnauthorized: false,
    minVersion: "TLSv1.2" as const,
    // The first that the client has, too: browsers and curl have both, gRPC's clients only h2.
    ALPNProtocols: ["http/1.1", "h2"],
    handshakeTimeout: SILENCE_MS,
  };
}

/** Reads as much as it takes to tell, and puts it back. */
function sniff(socket: Socket, decide: (isHttp2: boolean) => void): void {
  let head: Buffer = Buffer.alloc(0);
  const give = (): void => {
    stop();
    socket.destroy();
  };
  const stop = (): void => {
    socket.off("readable", look);
    socket.off("end", give);
    socket.off("error", give);
    socket.off("timeout", give);
    socket.setTimeout(0);
  };
  const look = (): void => {
    const chunk = socket.read() as Buffer | null;
    if (chunk === null) return;
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    const compared = Math.min(head.length, PREFACE.length);
    const isSame = PREFACE.compare(head, 0, compared, 0, compared) === 0;
    if (isSame && compared < PREFACE.length) return;
    stop();
    socket.unshift(head);
    decide(isSame);
  };
  socket.setTimeout(SILENCE_MS);
  socket.on("readable", look);
  socket.on("end", give);
  socket.on("error", give);
  socket.on("timeout", give);
}
