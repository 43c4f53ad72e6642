/**
 * Carries the router's BGP session inside TLS to the reflector's proxy. The router peers with an address of
 * this machine; its connections wait here while the instance is not trusted yet, so that the session begins
 * the moment it is, and end when it is no longer.
 */
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import type { Clock } from "../../../util/clock.js";
import { joinStreams } from "../../../util/join-streams.js";
import type { Log } from "../../../util/log.js";
import { toHex } from "../../../util/bytes.js";
import { openTls, readFirstFrame } from "../../link/index.js";
import type { TlsIdentity, TlsPeer } from "../../link/index.js";
import { proxyLink } from "../../protocol/agent-messages.js";
import { ALPN } from "../../protocol/transport.js";
import type { AgentBinding } from "../settings.js";
import type { BindingState } from "../status.js";

export type ProxyBinding = Extract<AgentBinding, { kind: "tls-proxy" }>;

const OPEN_MS = 5000;
const ANSWER_MAX = 2048;
/** Longer than any router waits for a connection to say something; then it tries anew. */
const WAIT_MS = 30_000;
const MOST = 16;

/** Who the session belongs to, once that is proven. */
export interface ProxyIdentity {
  readonly tenant: string;
  readonly id: Uint8Array;
}

export interface TlsProxyParts {
  readonly binding: ProxyBinding;
  readonly identity: TlsIdentity;
  readonly clock: Clock;
  readonly log: Log;
  readonly onState: (state: BindingState) => void;
}

export class TlsProxy {
  private readonly parts: TlsProxyParts;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();
  private who: ProxyIdentity | undefined;
  private readonly waiting = new Map<Socket, () => void>();
  private carriedNow = 0;

  private constructor(parts: TlsProxyParts) {
    this.parts = parts;
    this.server = createServer({ pauseOnConnect: true }, (socket) => this.take(socket));
    this.server.maxConnections = MOST;
  }

  /** Rejects with the system's error when it cannot listen. */
  static start(parts: TlsProxyParts): Promise<TlsProxy> {
    const proxy = new TlsProxy(parts);
    const { address, port } = parts.binding.listen;
    return new Promise((resolve, reject) => {
      proxy.server.once("error", reject);
      proxy.server.listen({ host: address, port }, () => {
        proxy.server.off("error", reject);
        proxy.server.on("error", (err: Error) =>
          parts.log.warn({ err }, "the router's socket failed"),
        );
        parts.onState(proxy.state());
        resolve(proxy);
      });
    });
  }

  /** Sessions of the router that are carried. */
  get carried(): number {
    return this.carriedNow;
  }

  /** Trusted as this instance, or no longer: then what is carried ends at once. */
  trust(who: ProxyIdentity | undefined): void {
    this.who = who;
    if (who === undefined) {
      for (const socket of this.sockets) if (!this.waiting.has(socket)) socket.destroy();
      return;
    }
    const waiting = [...this.waiting.values()];
    this.waiting.clear();
    for (const go of waiting) go();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await closed;
  }

  private take(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    const timer = this.parts.clock.setTimer(WAIT_MS, () => {
      if (this.waiting.delete(socket)) socket.destroy();
    });
    socket.once("close", () => {
      timer.cancel();
      this.sockets.delete(socket);
      this.waiting.delete(socket);
    });
    if (this.who !== undefined) void this.carry(socket, this.who);
    else this.waiting.set(socket, () => this.who && void this.carry(socket, this.who));
  }

  private async carry(router: Socket, who: ProxyIdentity): Promise<void> {
    const { log } = this.parts;
    let peer: TlsPeer;
    try {
      peer = await this.open(who, router);
    } catch (error) {
      const why = (error as Error).message;
      log.warn({}, `the reflector's proxy did not take the session: ${why}`);
      this.parts.onState(this.state(why));
      router.destroy();
      return;
    }
    if (router.destroyed || this.who === undefined) {
      peer.socket.destroy();
      router.destroy();
      return;
    }
    this.carriedNow += 1;
    this.parts.onState(this.state());
    log.info({}, "the router's session goes through TLS to the reflector");
    joinStreams(router, peer.socket, () => {
      this.carriedNow -= 1;
      this.parts.onState(this.state());
    });
  }

  private async open({ tenant, id }: ProxyIdentity, router: Socket): Promise<TlsPeer> {
    const { binding, identity } = this.parts;
    const { reflector, publicKey, source } = binding;
    const target = { ...reflector, alpn: ALPN.bgp, identity, source, timeoutMs: OPEN_MS };
    const peer = await openTls(target);
    if (toHex(peer.publicKey) !== publicKey) {
      peer.socket.destroy();
      throw new Error("its key is not the one in binding.key");
    }
    const address = router.remoteAddress;
    peer.socket.write(
      proxyLink.encode({ kind: "bind", tenant, id, router: address?.replace(/^::ffff:/, "") }),
    );
    try {
      const answer = proxyLink.decode(await readFirstFrame(peer.socket, ANSWER_MAX, OPEN_MS));
      if (!answer.ok) throw new Error(answer.sentence);
      if (answer.value.kind === "bound") return peer;
      const { kind } = answer.value;
      throw new Error(kind === "refused" ? answer.value.sentence : `it answered with ${kind}`);
    } catch (error) {
      peer.socket.destroy();
      throw error;
    }
  }

  private state(trouble?: string): BindingState {
    const detail =
      trouble === undefined
        ? this.carriedNow > 0
          ? "the router's session goes through TLS to the reflector"
          : "the router has no session yet"
        : `the reflector's proxy did not take the session: ${trouble}`;
    return { kind: "tls-proxy", bound: this.carriedNow > 0, detail };
  }
}
