/**
 * One server that clients see: its port, its way in, and the flow behind it. A reload gives it other
 * clients where it stands, or moves it to another address with what it has counted.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { ListenerSettings } from "../settings.js";
import type { Kind } from "../upstream/upstream.js";
import type { Exchange } from "./exchange.js";
import { Ingress } from "./ingress.js";
import { UdpListener } from "./udp-listener.js";

/** What is done with checked requests. */
export interface Flow {
  /** A request nobody has seen before. */
  onRequest(exchange: Exchange): void;
  /** The client asks again while its request waits. */
  onRepeat(exchange: Exchange): void;
  /** The client gave its request up. */
  onGone(exchange: Exchange): void;
  /** Servers died: what waits for them moves on. */
  moveFrom(dead: (exchange: Exchange) => boolean): void;
  /** Called a few times a second. */
  expire(now: number): void;
}

export interface SideParts {
  readonly kind: Kind;
  readonly clock: Clock;
  readonly log: Log;
  profile(): "seed" | "modern";
  draining(): boolean;
  /** @param ingress for the answers */
  flow(side: Side): Flow;
}

export class Side {
  readonly kind: Kind;
  readonly ingress: Ingress;
  readonly flow: Flow;
  settings: ListenerSettings;
  /** As bound. */
  port = 0;
  private listening: UdpListener;
  private readonly refusals: LogRate;

  constructor(settings: ListenerSettings, parts: SideParts) {
    this.kind = parts.kind;
    this.settings = settings;
    this.refusals = new LogRate(parts.clock);
    this.ingress = new Ingress({
      kind: parts.kind,
      clock: parts.clock,
      settings: () => this.settings,
      profile: () => parts.profile(),
      draining: () => parts.draining(),
      onRequest: (exchange) => this.flow.onRequest(exchange),
      onRepeat: (exchange) => this.flow.onRepeat(exchange),
      onGone: (exchange) => this.flow.onGone(exchange),
      onRefused: ({ client, address }, why) => {
        const suppressed = this.refusals.pass(`${address} ${why}`);
        if (suppressed === undefined) return;
        const { name } = client.settings;
        const fields = { client: name, address, ...LogRate.fields(suppressed) };
        parts.log.warn(fields, `RADIUS ${parts.kind}: a packet ${why}`);
      },
    });
    this.flow = parts.flow(this);
    this.listening = this.makeListener(settings);
  }

  get listener(): UdpListener {
    return this.listening;
  }

  /** Rejects with the system's error. */
  async open(): Promise<void> {
    this.port = await this.listening.listen();
  }

  /**
   * Gets ready for other settings without changing anything: a new port is bound beside the old one.
   * @returns what makes it so, and what gives it up. Rejects with the system's error
   */
  async prepare(next: ListenerSettings): Promise<Prepared> {
    const { address, port } = this.settings;
    if (next.address === address && next.port === port) {
      return { commit: () => Promise.resolve(this.reconfigure(next)), discard: () => {} };
    }
    const other = this.makeListener(next);
    // Our own old socket has that port: it must go first.
    if (next.port === port && port !== 0) {
      return { commit: () => this.moveLate(other, next), discard: () => other.close() };
    }
    const bound = await other.listen();
    return {
      commit: () => Promise.resolve(this.move(other, next, bound)),
      discard: () => other.close(),
    };
  }

  close(): void {
    this.listening.close();
  }

  private makeListener(settings: ListenerSettings): UdpListener {
    return new UdpListener(settings, {
      take: (origin, bytes) => this.ingress.take(origin, bytes),
      leave: (origin) => this.ingress.leave(origin),
    });
  }

  private reconfigure(next: ListenerSettings): void {
    const same = JSON.stringify(next.clients) === JSON.stringify(this.settings.clients);
    this.settings = next;
    if (!same) this.listening.configure(next);
  }

  private move(other: UdpListener, next: ListenerSettings, port: number): void {
    other.inherit(this.listening);
    this.listening.close();
    this.listening = other;
    this.settings = next;
    this.port = port;
  }

  private async moveLate(other: UdpListener, next: ListenerSettings): Promise<void> {
    const before = this.listening;
    before.close();
    try {
      this.move(other, next, await other.listen());
    } catch (error) {
      const again = this.makeListener(this.settings);
      again.inherit(before);
      this.listening = again;
      this.port = await again.listen();
      throw error;
    }
  }
}

/** A change that was made ready. */
export interface Prepared {
  commit(): Promise<void>;
  discard(): void;
}
