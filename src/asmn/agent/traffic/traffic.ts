/**
 * TCP connections between this VNF and others, through their agents (ASM-23): programs here connect to a route's
 * address, other agents to ours. Nothing passes without trust on both sides, a catalog that allows it, and a
 * channel of its own; everything ends when one of these does.
 */
import { connect, createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { toHex } from "../../../util/bytes.js";
import { addressBlock, BLOCK_SHARE } from "../../../util/address-block.js";
import type { Clock } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { Catalog } from "../../catalog/index.js";
import type { SigningKey } from "../../crypto/index.js";
import type { Verdict } from "../../protocol/verdict.js";
import type { AsmnEndpoint } from "../../settings.js";
import { portError } from "../binding/bindings.js";
import type { PeerQuery, PeerVerdict } from "../inquiry.js";
import { formatPlace } from "../place.js";
import type { AgentSettings, TrafficRoute } from "../settings.js";
import { entryFor, opensPort } from "./allowed.js";
import { carry } from "./carrier.js";
import { meet, receive } from "./handshake.js";
import type { AskAbout, Met, Self } from "./handshake.js";

const CONNECT_MS = 5000;
/** Connections at one door; more are closed as they come. */
const MOST = 256;
/** Other agents that are not known yet, from one address, and of an IPv6 /64 that many times: each costs signatures. */
const MOST_GREETING = 8;
/** Whoever is not trusted is not asked about again for so long. */
const REFUSED_MS = 2000;
const MOST_REFUSED = 1024;

export interface Peers {
  readonly ask: AskAbout;
  watch(id: Uint8Array, lost: (why: string) => void): (() => void) | undefined;
}

export interface TrafficParts {
  readonly settings: AgentSettings;
  readonly key: SigningKey;
  readonly catalog: () => Catalog | undefined;
  readonly peers: Peers;
  readonly clock: Clock;
  readonly log: Log;
  readonly onChange: () => void;
}

type Way = "from" | "to";

export class Traffic {
  private readonly parts: TrafficParts;
  private readonly servers: Server[] = [];
  private readonly sockets = new Set<Socket>();
  private readonly counts: Record<Way, number> = { from: 0, to: 0 };
  private readonly greeting = new Map<string, number>();
  private readonly refused = new Map<
    string,
    { readonly until: number; readonly answer: PeerVerdict }
  >();
  private own: { readonly id: Uint8Array } | undefined;

  constructor(parts: TrafficParts) {
    this.parts = parts;
  }

  /** Connections from and to other VNFs. */
  get carried(): { readonly from: number; readonly to: number } {
    return { ...this.counts };
  }

  /** Rejects with `HomeError` when a port cannot be had. */
  async open(): Promise<void> {
    const { traffic } = this.parts.settings;
    if (traffic === undefined) return;
    if (traffic.listen !== undefined) {
      await this.listen("traffic.listen", traffic.listen, (socket) => this.incoming(socket));
    }
    for (const route of traffic.connect) {
      await this.listen("traffic.connect", route.listen, (socket) => this.outgoing(socket, route));
    }
  }

  trust(own: { readonly id: Uint8Array } | undefined): void {
    this.own = own;
    if (own === undefined) for (const socket of this.sockets) socket.destroy();
  }

  async close(): Promise<void> {
    const closed = this.servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    );
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(closed);
  }

  private listen(
    key: string,
    { address, port }: AsmnEndpoint,
    take: (socket: Socket) => Promise<void>,
  ): Promise<void> {
    const { log } = this.parts;
    // Each side of a connection ends by itself: a carried one may be half closed.
    const options = { pauseOnConnect: true, allowHalfOpen: true };
    const server = createServer(options, (socket) => {
      this.keep(socket);
      take(socket).catch((error: unknown) => {
        log.info({}, `traffic at ${formatPlace({ address, port })}: ${(error as Error).message}`);
        socket.end();
        socket.resume();
        setTimeout(() => socket.destroy(), 1000).unref();
      });
    });
    server.maxConnections = MOST;
    return new Promise((resolve, reject) => {
      const failed = (error: Error): void =>
        reject(portError(key, formatPlace({ address, port }), error));
      server.once("error", failed);
      server.listen({ host: address, port }, () => {
        server.off("error", failed);
        server.on("error", (err: Error) => log.warn({ err }, "a socket for traffic failed"));
        this.servers.push(server);
        resolve();
      });
    });
  }

  /** A program of this VNF wants a port of another. */
  private async outgoing(plain: Socket, route: TrafficRoute): Promise<void> {
    const { settings, peers, catalog } = this.parts;
    const { vnf, instance, port, agent } = route;
    const self = this.self();
    if (entryFor(catalog(), settings.vnf, vnf, port) === undefined) {
      throw new Error(
        `the catalog has no entry from ${settings.vnf} to ${vnf} for TCP port ${port}`,
      );
    }
    const known = await peers.ask({ vnf, instance });
    if (known === undefined) throw new Error("the Sec-EM does not answer");
    if (!known.trusted || known.verdict === undefined) {
      throw new Error(`${vnf}/${instance} is not trusted: ${known.why}`);
    }
    const sealed = await this.dial(agent);
    try {
      this.join("to", plain, sealed, await meet(sealed, self, known.verdict, port));
    } catch (error) {
      sealed.destroy();
      throw error;
    }
  }

  /** Another agent wants a port of this VNF. */
  private async incoming(sealed: Socket): Promise<void> {
    const from = sealed.remoteAddress ?? "";
    const block = addressBlock(from);
    const many = (who: string): number => this.greeting.get(who) ?? 0;
    const isFull = block !== undefined && many(block) >= MOST_GREETING * BLOCK_SHARE;
    if (isFull || many(from) >= MOST_GREETING) {
      sealed.destroy();
      throw new Error(`too many handshakes of ${isFull ? block : from} at once`);
    }
    const counted = block === undefined ? [from] : [from, block];
    for (const who of counted) this.greeting.set(who, many(who) + 1);
    try {
      await this.meetCaller(sealed);
    } finally {
      for (const who of counted) {
        if (many(who) > 1) this.greeting.set(who, many(who) - 1);
        else this.greeting.delete(who);
      }
    }
  }

  private async meetCaller(sealed: Socket): Promise<void> {
    const { settings, catalog } = this.parts;
    const accepted = settings.traffic?.accept ?? [];
    const met = await receive(sealed, this.self(), {
      ask: (query) => this.askAbout(query),
      opens: (port) =>
        accepted.some((one) => one.port === port) && opensPort(catalog(), settings.vnf, port)
          ? undefined
          : "closed",
      admits: ({ vnf }: Verdict, port) =>
        entryFor(catalog(), vnf, settings.vnf, port) === undefined
          ? `the catalog has no entry from ${vnf} to ${settings.vnf} for TCP port ${port}`
          : undefined,
    });
    const to = accepted.find((one) => one.port === met.port)?.to;
    if (to === undefined) throw new Error(`port ${met.port} is not accepted`);
    this.join("from", await this.dial(to), sealed, met);
  }

  /** A caller that was refused a moment ago costs the Sec-EM nothing more. */
  private async askAbout(query: PeerQuery): Promise<PeerVerdict | undefined> {
    const { clock, peers } = this.parts;
    const key = toHex(query.id ?? new Uint8Array(0));
    const known = this.refused.get(key);
    if (known !== undefined && clock.now() < known.until) return known.answer;
    this.refused.delete(key);
    const answer = await peers.ask(query);
    if (answer?.trusted === false) {
      if (this.refused.size >= MOST_REFUSED) this.refused.clear();
      this.refused.set(key, { until: clock.now() + REFUSED_MS, answer });
    }
    return answer;
  }

  private self(): Self {
    const { settings, key } = this.parts;
    if (this.own === undefined) throw new Error("this instance is not trusted");
    return { key, id: this.own.id, tenant: settings.tenant };
  }

  private join(way: Way, plain: Socket, sealed: Socket, { channel, verdict }: Met): void {
    const { log, peers, onChange } = this.parts;
    const name = `${verdict.vnf}/${verdict.instance}`;
    const cut = (why: string): void => {
      log.warn({}, `traffic with ${name} ends: ${why}`);
      plain.resetAndDestroy();
      sealed.destroy();
    };
    const unwatch = peers.watch(verdict.id, cut);
    if (this.own === undefined || unwatch === undefined) {
      plain.destroy();
      throw new Error("trust was lost meanwhile");
    }
    this.counts[way] += 1;
    onChange();
    carry(plain, sealed, channel, (trouble) => {
      unwatch();
      this.counts[way] -= 1;
      if (trouble !== undefined) log.warn({}, `traffic with ${name} ended: ${trouble}`);
      onChange();
    });
  }

  private dial({ address, port }: AsmnEndpoint): Promise<Socket> {
    return new Promise((resolve, reject) => {
      const socket = connect({ host: address, port, allowHalfOpen: true });
      this.keep(socket);
      const failed = (why: string): void => {
        clearTimeout(timer);
        socket.destroy();
        reject(new Error(`${formatPlace({ address, port })}: ${why}`));
      };
      const refused = (error: NodeJS.ErrnoException): void => failed(error.code ?? error.message);
      const timer = setTimeout(() => failed("no answer in time"), CONNECT_MS);
      socket.once("error", refused);
      socket.once("connect", () => {
        clearTimeout(timer);
        socket.off("error", refused);
        resolve(socket);
      });
    });
  }

  private keep(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on("error", () => undefined);
    socket.once("close", () => this.sockets.delete(socket));
  }
}
