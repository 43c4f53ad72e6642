/**
 * The relay's only door: what CLI, HTTP and metrics may ask. `service.ts` implements it in the
 * relay's own thread; everything here is plain data.
 */
import type { DynamicCounters } from "./dynamic/counters.js";
import type { RadsecCounters } from "./radsec/counters.js";
import type { Session, SessionEvent } from "./session/session.js";
import type { SessionEventBatch } from "./session/session-events.js";
import type { SilentEnd } from "./session/silent-ends.js";
import type { RadiusSettings } from "./settings.js";
import type { ClientCounters } from "./statistics/client-counters.js";
import type { HomeServerCounters, ListenerCounters } from "./statistics/counters.js";
import type { HealthState, Kind } from "./upstream/upstream.js";

/**
 * - `off`: the relay is not configured, or its thread is being started again.
 * - `not-found`: there is no such tenant, client or session. `invalid`: the question makes no sense.
 */
export type RadiusErrorCode = "off" | "not-found" | "invalid";

export class RadiusError extends Error {
  readonly code: RadiusErrorCode;
  constructor(code: RadiusErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

export interface ServerRow {
  readonly tenant: string;
  readonly kind: Kind;
  /** Empty with port 0: no UDP port, clients come over TLS. */
  readonly address: string;
  readonly port: number;
  /** It finishes what is pending, and takes nothing new. */
  readonly draining: boolean;
  /** Fingerprints stand for secrets. */
  readonly clients: readonly {
    readonly name: string;
    readonly prefix: string;
    readonly fingerprints: readonly string[];
  }[];
}

export interface HomeServerRow {
  readonly tenant: string;
  readonly kind: Kind;
  readonly name: string;
  readonly state: HealthState;
  readonly pending: number;
  readonly counters: HomeServerCounters;
}

export interface StatisticsQuery {
  readonly tenant?: string | undefined;
  readonly kind?: Kind | undefined;
  /** One client's address; all of them otherwise. */
  readonly client?: string | undefined;
  /** Since the baseline. */
  readonly delta?: boolean | undefined;
  /** A row for each client address, instead of one for all. */
  readonly byClient?: boolean | undefined;
}

export interface StatisticsRow {
  readonly tenant: string;
  readonly kind: Kind;
  /** Undefined: the sum of all; "" = sources that are no clients. */
  readonly client: string | undefined;
  readonly counters: ListenerCounters;
}

export interface Statistics {
  /** Wall clock of the baseline, milliseconds; undefined when none is set or none was asked for. */
  readonly baseline: number | undefined;
  readonly rows: readonly StatisticsRow[];
}

export interface UdpChecksum {
  readonly enabled: boolean;
  readonly badChecksums: number | undefined;
  readonly source: string;
}

export interface SpoolView {
  readonly tenant: string;
  /** Accounting requests that wait for a home server. */
  readonly waiting: number;
  /** Of those: not answered while others were. They are tried every minute, and the others pass them. */
  readonly parked: number;
  readonly octets: number;
  /** The disk does not take more: what no home server takes is not acknowledged. */
  readonly failing: boolean;
  /** Why, and what to do. */
  readonly problem: string | undefined;
}

/** Fields that are given must all fit. */
export interface SessionQuery {
  readonly tenant?: string | undefined;
  /** In any form of writing. */
  readonly mac?: string | undefined;
  readonly accessPoint?: string | undefined;
  readonly userName?: string | undefined;
  readonly client?: string | undefined;
  readonly address?: string | undefined;
  readonly vlan?: string | undefined;
  /** 1 to 10,000; 1,000 without it. */
  readonly limit?: number | undefined;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface SessionPage {
  readonly rows: readonly Session[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

export interface SilentPage {
  readonly rows: readonly SilentEnd[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

export interface SessionCount {
  readonly tenant: string;
  readonly count: number;
  /** MACs that have more than one. */
  readonly twice: number;
}

/** What became of an operator's disconnect. */
export interface DisconnectResult {
  /** The session is over here; not so where its access point refused to let the subscriber go. */
  readonly ended: boolean;
  /** `silent`: no answer yet, it is asked for half a minute. `none`: it takes no Disconnect-Requests. */
  readonly accessPoint: "ack" | "nak" | "silent" | "none";
  /** RFC 5176 section 3.5, where it gave one. */
  readonly errorCause: number | undefined;
}

/** A TLS port for clients, and what became of the connections to it. */
export interface RadsecRow {
  readonly tenant: string;
  readonly address: string;
  readonly port: number;
  readonly connections: readonly {
    readonly client: string;
    readonly address: string;
    /** `TLSv1.3` */
    readonly protocol: string;
    /** Seconds that it stands, and since it was heard. */
    readonly ageSeconds: number;
    readonly silentSeconds: number;
  }[];
  readonly counters: RadsecCounters;
}

/** Disconnect and CoA of a tenant. */
export interface DynamicRow {
  readonly tenant: string;
  readonly enabled: boolean;
  /** As bound. */
  readonly ports: readonly number[];
  readonly counters: DynamicCounters;
}

/** All methods reject with `RadiusError`. */
export interface RadiusControl {
  servers(): Promise<readonly ServerRow[]>;
  homeServers(): Promise<readonly HomeServerRow[]>;
  statistics(query: StatisticsQuery): Promise<Statistics>;
  /** @returns wall clock of the baseline, milliseconds */
  baseline(): Promise<number>;
  udpChecksum(): Promise<UdpChecksum>;
  /** Counters of each network of clients, for metrics; client "" = sources that are none. */
  clientCounters(): Promise<readonly ClientCounters[]>;
  sessions(query: SessionQuery): Promise<SessionPage>;
  sessionCounts(): Promise<readonly SessionCount[]>;
  /**
   * What happened to sessions, in order.
   * @param after `next` of the batch before; undefined: from now on
   * @param waitMs how long it may take until something comes
   */
  sessionEvents(
    after: number | undefined,
    most: number,
    waitMs: number,
  ): Promise<SessionEventBatch>;
  /**
   * Ends a session by an operator's word, and tells its access point; takes up to five seconds. Rejects
   * with `invalid` when the MAC has several, and no access point says which.
   * @returns undefined when there is none
   */
  disconnect(
    tenant: string,
    mac: string,
    accessPoint?: string,
  ): Promise<DisconnectResult | undefined>;
  /** Whose session ended for silence, and who has none since. @param after `next` of the page before */
  silentEnds(after: string | undefined): Promise<SilentPage>;
  /** Tenants with a TLS port. */
  radsec(): Promise<readonly RadsecRow[]>;
  dynamic(): Promise<readonly DynamicRow[]>;
  spools(): Promise<readonly SpoolView[]>;
  /**
   * Finish what is pending, take nothing new; or take requests again.
   * @param tenant without it all, those included that a reload brings later
   */
  drain(on: boolean, tenant?: string): Promise<void>;
}

/** What the relay's owner does with it, beside asking. */
export interface RadiusRelay extends RadiusControl {
  /**
   * Other settings, live: only what differs changes. Rejects, with everything as before, when a port
   * cannot be opened; `stateDirectory` and `dictionaries` must be those of the start.
   */
  configure(settings: RadiusSettings): Promise<void>;
  stop(): Promise<void>;
}

export type SessionListener = (event: SessionEvent) => void;
