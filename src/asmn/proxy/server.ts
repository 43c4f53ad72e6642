/**
 * The reflector's side of the TLS proxy (ASM-75): agents connect, say whose BGP session it is, and are taken
 * if the gate knows that instance with the very key that TLS has seen. Behind that the connection carries
 * BGP, in this process: nothing else on the machine can take its place. Who cannot be taken is told why and
 * closed; an instance that loses trust loses its sessions here.
 *
 * A handshake costs a millisecond of the thread that BGP runs on: there is a limit to them, before TLS.
 */
import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { toHex } from "../../util/bytes.js";
import type { Log } from "../../util/log.js";
import { readFirstFrame, tlsServer } from "../link/index.js";
import type { TlsIdentity, TlsPeer } from "../link/index.js";
import { proxyLink } from "../protocol/agent-messages.js";
import type { ProxyMessage } from "../protocol/agent-messages.js";
import { ALPN } from "../protocol/transport.js";
import type { Fault, Reason } from "../protocol/words.js";
import type { AsmnEndpoint } from "../settings.js";
import { Handshakes } from "./handshakes.js";

/** Octets of a Bind, generously. */
const BIND_MAX = 512;
const BIND_MS = 5000;
const MOST = 4096;

/** What an agent says, and what TLS knows of it. */
export interface ProxyClaim {
  readonly tenant: string;
  /** The instance's ID, hex. */
  readonly id: string;
  /** Of the TLS connection, hex. */
  readonly publicKey: string;
  /** Where it comes from. */
  readonly address: string;
}

export type ProxyAnswer =
  { readonly ok: true; readonly audience: string } | ({ readonly ok: false } & Fault);

export interface ProxyServerParts {
  readonly listen: AsmnEndpoint;
  readonly identity: TlsIdentity;
  /** Whether this instance may have a session, and the key is its own. */
  readonly admit: (claim: ProxyClaim) => ProxyAnswer;
  /** Takes the connection; from here on it carries BGP. Nothing is read from it yet. */
  readonly accept: (claim: ProxyClaim, stream: TLSSocket) => void;
  readonly log: Log;
}

export class ProxyServer {
  private readonly parts: ProxyServerParts;
  private readonly server: Server;
  private readonly handshakes = new Handshakes();
  private readonly waiting = new Set<TLSSocket>();
  private readonly sessions = new Map<TLSSocket, string>();

  private constructor(parts: ProxyServerParts) {
    this.parts = parts;
    this.server = tlsServer({
      alpn: ALPN.bgp,
      identity: parts.identity,
      most: MOST,
      onPeer: (peer) => void this.greet(peer),
    });
    this.server.prependListener("connection", (socket: Socket) => {
      if (!this.handshakes.take(socket.remoteAddress ?? "", performance.now())) socket.destroy();
    });
  }

  /** Rejects with the system's error when it cannot listen. */
  static start(parts: ProxyServerParts): Promise<ProxyServer> {
    const proxy = new ProxyServer(parts);
    const { address, port } = parts.listen;
    return new Promise((resolve, reject) => {
      proxy.server.once("error", reject);
      proxy.server.listen({ host: address, port }, () => {
        proxy.server.off("error", reject);
        proxy.server.on("error", (err: Error) =>
          parts.log.warn({ err }, "the BGP proxy's socket failed"),
        );
        resolve(proxy);
      });
    });
  }

  /** As bound. */
  get port(): number {
    const address = this.server.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  /** Ends the sessions of an instance. @returns how many there were */
  cut(id: string): number {
    const found = [...this.sessions].filter(([, each]) => each === id);
    for (const [socket] of found) socket.destroy();
    return found.length;
  }

  /** Sessions of an instance. */
  count(id: string): number {
    return [...this.sessions.values()].filter((each) => each === id).length;
  }

  /** Sessions end with it. */
  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of [...this.waiting, ...this.sessions.keys()]) socket.destroy();
    await closed;
  }

  private async greet({ socket, publicKey }: TlsPeer): Promise<void> {
    this.waiting.add(socket);
    socket.once("close", () => {
      this.waiting.delete(socket);
      this.sessions.delete(socket);
    });
    try {
      const message = proxyLink.decode(await readFirstFrame(socket, BIND_MAX, BIND_MS));
      if (!message.ok) return this.refuse(socket, "malformed", message.sentence);
      if (message.value.kind !== "bind") {
        return this.refuse(socket, "order", `${message.value.kind} where bind was expected`);
      }
      const { tenant, id } = message.value;
      this.decide(socket, {
        tenant,
        id: toHex(id),
        publicKey: toHex(publicKey),
        address: socket.remoteAddress ?? "",
      });
    } catch (error) {
      const { message } = error as Error;
      this.parts.log.debug(
        { address: socket.remoteAddress },
        `a connection of an agent ${message}`,
      );
      socket.destroy();
    }
  }

  private decide(socket: TLSSocket, claim: ProxyClaim): void {
    const answer = this.parts.admit(claim);
    if (!answer.ok) {
      const { reason, sentence } = answer;
      this.parts.log.info({ ...claim, reason }, `a BGP session was refused: ${sentence}`);
      return this.refuse(socket, reason, sentence);
    }
    if (socket.destroyed) return;
    this.waiting.delete(socket);
    this.sessions.set(socket, claim.id);
    socket.write(proxyLink.encode({ kind: "bound", audience: answer.audience }));
    this.parts.accept(claim, socket);
  }

  private refuse(socket: TLSSocket, reason: Reason, sentence: string): void {
    const message: ProxyMessage = { kind: "refused", reason, sentence };
    socket.end(proxyLink.encode(message));
    socket.resume();
    socket.setTimeout(BIND_MS, () => socket.destroy());
  }
}
