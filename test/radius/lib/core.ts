/**
 * A relay without sockets, disk and threads: ingress, authentication or accounting, one home server. What it
 * sends is kept; time passes by hand.
 */
import { builtInDictionary } from "../../../src/radius/dictionary/built-in.js";
import { Accounting } from "../../../src/radius/relay/accounting.js";
import { Authentication } from "../../../src/radius/relay/authentication.js";
import { Dispatch } from "../../../src/radius/relay/dispatch.js";
import { RouteTable } from "../../../src/radius/relay/routing.js";
import { createClient } from "../../../src/radius/server/client-table.js";
import { KeptAnswers } from "../../../src/radius/server/kept-answers.js";
import type { Exchange, Origin } from "../../../src/radius/server/exchange.js";
import { Ingress } from "../../../src/radius/server/ingress.js";
import { SessionTable } from "../../../src/radius/session/session-table.js";
import type {
  ClientSettings,
  HomeServerSettings,
  ListenerSettings,
} from "../../../src/radius/settings.js";
import { listenerCounters } from "../../../src/radius/statistics/counters.js";
import { HomeServer } from "../../../src/radius/upstream/home-server.js";
import { Pool } from "../../../src/radius/upstream/pool.js";
import { IdentifierRing } from "../../../src/radius/upstream/port.js";
import type { UpstreamPort } from "../../../src/radius/upstream/port.js";
import type { Kind } from "../../../src/radius/upstream/upstream.js";
import type { Clock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";

export const CORE_CLIENT_SECRET = "from-the-access-point";
export const CORE_HOME_SECRET = "towards-the-home-server";
export const CORE_CACHE_MS = 5000;
export const CORE_TIMEOUT_MS = 20_000;

/** Time that only `advance` moves; timers fire in order. */
export class HandClock implements Clock {
  private time = 1000;
  private timers: { at: number; run: () => void }[] = [];

  now(): number {
    return this.time;
  }

  wall(): number {
    return 1_700_000_000_000 + this.time;
  }

  setTimer(milliseconds: number, run: () => void): { cancel(): void } {
    const timer = { at: this.time + milliseconds, run };
    this.timers.push(timer);
    return { cancel: () => void (this.timers = this.timers.filter((one) => one !== timer)) };
  }

  advance(milliseconds: number): void {
    this.time += milliseconds;
    const due = this.timers.filter(({ at }) => at <= this.time).sort((a, b) => a.at - b.at);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { run } of due) run();
  }
}

class KeptPort extends IdentifierRing implements UpstreamPort {
  readonly sent: Uint8Array[] = [];
  private readonly keep: (port: KeptPort, bytes: Uint8Array) => void;

  constructor(keep: (port: KeptPort, bytes: Uint8Array) => void) {
    super();
    this.keep = keep;
  }

  send(bytes: Uint8Array): void {
    this.keep(this, bytes);
  }

  close(): void {}
}

export interface CoreChanges {
  readonly kind?: Kind;
  readonly client?: Partial<ClientSettings>;
  readonly home?: Partial<HomeServerSettings>;
  readonly listener?: Partial<ListenerSettings>;
}

export class Core {
  readonly clock = new HandClock();
  readonly counters = listenerCounters();
  readonly ingress: Ingress;
  readonly home: HomeServer;
  readonly ports: UpstreamPort[] = [];
  /** What went to the client, and to the home server with the port it left by. */
  toClient: Uint8Array[] = [];
  toHome: { readonly port: UpstreamPort; readonly bytes: Uint8Array }[] = [];
  private readonly flow: Authentication | Accounting;
  private readonly client;
  private readonly origins = new Map<number, Origin>();

  constructor(changes: CoreChanges = {}) {
    const { kind = "authentication" } = changes;
    const { clock } = this;
    const listener: ListenerSettings = {
      ...{ address: "127.0.0.1", port: 0, clients: [], queueMax: 8192, pendingMax: 16_384 },
      ...{ cacheMs: CORE_CACHE_MS, timeoutMs: CORE_TIMEOUT_MS, onFailure: "silent" },
      ...changes.listener,
    };
    this.client = createClient({
      ...{ name: "ap", prefix: "127.0.0.0/8", secrets: [CORE_CLIENT_SECRET], proxy: false },
      ...{ requireMessageAuthenticator: "yes", limitProxyState: true, rateLimit: 0 },
      ...changes.client,
    });
    this.home = new HomeServer({
      settings: {
        ...{ name: "home", address: "127.0.0.1", authenticationPort: 1, accountingPort: 2 },
        ...{ secrets: [CORE_HOME_SECRET], requireMessageAuthenticator: true, watchdog: "none" },
        ...{ suspectAfterMs: 1e9, probeIntervalMs: 1e9, probesUntilDead: 3, deadIntervalMs: 1e9 },
        ...changes.home,
      },
      ...{ kind, clock, log: silentLog, dictionary: builtInDictionary(), secure: false },
      relayAddress: () => Uint8Array.of(127, 0, 0, 1),
      openPort: () => {
        const port = new KeptPort((from, bytes) => this.toHome.push({ port: from, bytes }));
        this.ports.push(port);
        return port;
      },
      onHealth: () => undefined,
    });
    const sessions = new SessionTable({
      tenant: "default",
      rules: () => ({ profile: "modern", sessionIdleMs: 86_400_000 }),
      wall: () => clock.wall(),
      onEvent: () => undefined,
    });
    const routes = new RouteTable([{ authenticationPool: "main", accountingPool: "main" }]);
    const common = {
      ...{ clock, log: silentLog, sessions, dispatch: new Dispatch(clock) },
      settings: () => listener,
      routes: () => routes,
      pools: new Map([["main", new Pool("main", [this.home], false)]]),
      ingress: () => this.ingress,
    };
    this.flow =
      kind === "authentication"
        ? new Authentication({ ...common, requireServiceAttributes: () => false })
        : new Accounting({ ...common, disk: undefined, stopped: () => false });
    this.ingress = new Ingress({
      ...{ kind, clock },
      settings: () => listener,
      profile: () => "modern",
      draining: () => false,
      onRequest: (exchange) => this.flow.onRequest(exchange),
      onRepeat: (exchange) => this.flow.onRepeat(exchange),
      onGone: (exchange) => this.flow.onGone(exchange),
    });
  }

  /** A datagram from the client's source port. Counts it as the listener does. */
  take(bytes: Uint8Array, port = 1): void {
    this.counters.received++;
    this.ingress.take(this.origin(port), bytes);
  }

  /** The place a client's source port has. */
  origin(port: number): Origin {
    let origin = this.origins.get(port);
    if (origin === undefined) {
      origin = {
        ...{ client: this.client, address: "127.0.0.1", identity: "127.0.0.1", port },
        counters: this.counters,
        identity: "127.0.0.1",
        slots: new Map<number, Exchange>(),
        kept: new KeptAnswers(),
        send: (bytes) => void this.toClient.push(Buffer.from(bytes)),
      };
      this.origins.set(port, origin);
    }
    return origin;
  }

  /** A datagram from the home server, to the port that sent to it. */
  heard(bytes: Uint8Array, port: UpstreamPort | undefined): void {
    if (port !== undefined) this.home.onDatagram(port, bytes);
  }

  /** Time passes, and is noticed. */
  advance(milliseconds: number): void {
    this.clock.advance(milliseconds);
    this.flow.expire(this.clock.now());
    this.ingress.expire(this.clock.now());
  }

  /** Entries of the duplicate cache, pending ones included. */
  get remembered(): number {
    return [...this.origins.values()].reduce((sum, { slots }) => sum + slots.size, 0);
  }
}
