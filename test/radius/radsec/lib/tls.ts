/** A TLS port with fake ways in, and TLS ends that speak to it, all on the loopback. */
import { connect, createServer } from "node:tls";
import type { ConnectionOptions, Server, TLSSocket } from "node:tls";
import { setTimeout as sleep } from "node:timers/promises";
import { RadsecListener } from "../../../../src/radius/radsec/listener.js";
import { PacketFramer } from "../../../../src/radius/radsec/framer.js";
import { RADSEC_SECRET } from "../../../../src/radius/radsec/settings.js";
import type {
  ClientProof,
  RadsecClientSettings,
  RadsecListenerSettings,
} from "../../../../src/radius/radsec/settings.js";
import type { TlsSide } from "../../../../src/radius/radsec/connection.js";
import { Ingress } from "../../../../src/radius/server/ingress.js";
import type { Exchange } from "../../../../src/radius/server/exchange.js";
import { ownAnswer } from "../../../../src/radius/server/own-answer.js";
import { requestField, signMessage } from "../../../../src/radius/packet/authenticator.js";
import { Code, HEADER } from "../../../../src/radius/packet/iana.js";
import { Secret } from "../../../../src/radius/packet/md5.js";
import { PacketWriter } from "../../../../src/radius/packet/writer.js";
import { listenerCounters } from "../../../../src/radius/statistics/counters.js";
import { systemClock } from "../../../../src/util/clock.js";
import type { Clock } from "../../../../src/util/clock.js";
import { silentLog } from "../../../../src/util/log.js";
import { pki } from "../../../lib/pki.js";

export const SECRET = RADSEC_SECRET;
export const PSK = "00112233445566778899aabbccddeeff";

export const CREDENTIALS = {
  cert: pki("server.crt"),
  key: pki("server.key"),
  ca: pki("ca.crt"),
  crl: undefined,
};
/** Certificate and key of a client. */
export const shows = (name: string): { readonly cert: string; readonly key: string } => ({
  cert: pki(`${name}.crt`),
  key: pki(`${name}.key`),
});

export function client(name: string, proof: ClientProof): RadsecClientSettings {
  return { name, proof, network: undefined, requireMessageAuthenticator: "no", rateLimit: 0 };
}
export const dashboard = client("dashboard", { kind: "name", name: "DNS:dashboard.example" });

export function listenerSettings(
  changes: Partial<RadsecListenerSettings> = {},
): RadsecListenerSettings {
  return {
    address: "127.0.0.1",
    port: 0,
    credentials: CREDENTIALS,
    clients: [dashboard],
    maxConnections: 100,
    maxConnectionsPerClient: 10,
    handshakeMs: 10_000,
    idleMs: 0,
    ...changes,
  };
}

/** A way in that answers each request itself, or holds it. */
export function makeSide(kind: "authentication" | "accounting", clock: Clock, hold = false) {
  const counters = listenerCounters();
  const held: Exchange[] = [];
  const repeated: Exchange[] = [];
  const given: Exchange[] = [];
  const code = kind === "authentication" ? Code.AccessAccept : Code.AccountingResponse;
  const ingress = new Ingress({
    kind,
    clock,
    profile: () => "modern",
    settings: () => ({ cacheMs: 5000, pendingMax: 1000 }),
    draining: () => false,
    onRequest: (exchange) => {
      held.push(exchange);
      if (!hold) release(exchange);
    },
    onRepeat: (exchange) => repeated.push(exchange),
    onGone: (exchange) => given.push(exchange),
  });
  const release = (exchange: Exchange): void => {
    const answer = ownAnswer(exchange, code);
    counters[kind === "authentication" ? "accepts" : "responses"]++;
    if (answer !== undefined) ingress.answer(exchange, answer);
  };
  const side: TlsSide = {
    isOn: () => true,
    counters: () => counters,
    take: (origin, bytes) => ingress.take(origin, bytes),
    repeat: (exchange) => repeated.push(exchange),
    gone: (origin) => ingress.leave(origin),
  };
  return { side, counters, held, repeated, given, release };
}

export interface Rig {
  readonly listener: RadsecListener;
  readonly port: number;
  readonly authentication: ReturnType<typeof makeSide>;
  readonly accounting: ReturnType<typeof makeSide>;
  readonly answers: Uint8Array[];
  close(): void;
}

export async function startListener(
  settings: RadsecListenerSettings,
  { clock = systemClock, hold = false }: { readonly clock?: Clock; readonly hold?: boolean } = {},
): Promise<Rig> {
  const authentication = makeSide("authentication", clock, hold);
  const accounting = makeSide("accounting", clock, hold);
  const answers: Uint8Array[] = [];
  const listener = new RadsecListener({
    settings,
    clock,
    log: silentLog,
    sides: { authentication: authentication.side, accounting: accounting.side },
    onAnswer: (_, bytes) => answers.push(bytes),
    onGone: () => {},
  });
  const port = await listener.listen();
  return { listener, port, authentication, accounting, answers, close: () => listener.close() };
}

/** One end of a TLS connection: packets in, packets out. */
export class End {
  readonly packets: Uint8Array[] = [];
  readonly socket: TLSSocket;
  closed = false;
  error = "";

  constructor(socket: TLSSocket) {
    this.socket = socket;
    const framer = new PacketFramer();
    socket.on("data", (chunk: Buffer) => framer.push(chunk, (one) => this.packets.push(one) > 0));
    socket.on("error", (error: Error) => (this.error = error.message));
    socket.on("close", () => (this.closed = true));
  }

  send(...packets: readonly Uint8Array[]): void {
    this.socket.write(Buffer.concat(packets));
  }

  async packet(index: number): Promise<Uint8Array> {
    await until(() => this.packets.length > index || this.closed);
    const packet = this.packets[index];
    if (packet === undefined) throw new Error(`closed without packet ${index}: ${this.error}`);
    return packet;
  }
}

/** Resolves with the end once TLS stands, or has failed (`closed`). */
export async function dial(port: number, options: ConnectionOptions): Promise<End> {
  const socket = connect({ host: "127.0.0.1", port, ca: pki("ca.crt"), ...options });
  const end = new End(socket);
  let up = false;
  socket.once("secureConnect", () => (up = true));
  await until(() => up || end.closed);
  return end;
}

/** A TLS server of a test's own. */
export async function serve(
  onEnd: (end: End) => void,
  options: object = {},
): Promise<{ readonly server: Server; readonly port: number }> {
  const { cert, key, ca } = CREDENTIALS;
  const server = createServer({ cert, key, ca, requestCert: true, ...options }, (socket) =>
    onEnd(new End(socket)),
  );
  server.on("tlsClientError", () => {});
  const port = await new Promise<number>((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : 0);
    });
  });
  return { server, port };
}

export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

export function statusServer(secretText: string, identifier = 1): Uint8Array {
  const secret = new Secret(secretText);
  const packet = new PacketWriter()
    .begin(Code.StatusServer, identifier)
    .authenticator(new Uint8Array(16).fill(5))
    .placeMessageAuthenticator()
    .finish();
  if (packet === undefined) throw new Error("the test's packet is too long");
  signMessage(packet, HEADER, requestField(packet), secret);
  return packet;
}
