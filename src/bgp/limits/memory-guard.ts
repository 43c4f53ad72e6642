/**
 * The ceiling on memory as a whole, and what is given up to stay below it, in this order:
 *
 * 1. from 80 % of the ceiling: caches and flight recorders;
 * 2. from 90 %: no new dynamic peers, and nobody back who was closed for his share;
 * 3. from 100 %: reading stops for a moment, and the peer that costs most is closed (Cease 6/8, out of
 *    resources) if that is more than its fair share, routes kept for a lost peer's return included. One
 *    at a time: the next only when the one before has left and memory has been measured again.
 *
 * Nobody is closed while all routes together are less than 5 % of the ceiling: that would not help.
 *
 * A level is left 5 % below where it began. Measured is the resident memory without what is free inside
 * it: tables keep the room that lost routes leave, and use it again. What a peer costs are its paths,
 * their NLRI, and its share of the attribute sets they use, so that many different sets count as much
 * as many routes.
 *
 * No I/O here: `MemoryHost` measures and acts. Nothing is done while there is no ceiling.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";

export const MemoryLevel = {
  Normal: 0,
  Caches: 1,
  NoNewPeers: 2,
  Closing: 3,
} as const;
export type MemoryLevel = (typeof MemoryLevel)[keyof typeof MemoryLevel];

/** Indexed by `MemoryLevel`: the words for people. */
export const MEMORY_LEVELS = [
  "normal",
  "shedding caches",
  "no new peers",
  "closing peers",
] as const;

/** Shares of the ceiling at which a level begins. */
const BEGINS = [0, 0.8, 0.9, 1];
const HYSTERESIS = 0.05;
const INTERVAL_MS = 1000;
/** Caches fill again: they are shed again after so long. */
const SHED_AGAIN_MS = 30_000;
/** Between two closed peers: the routes of the first must be gone, and the kernel's pages with them. */
const SETTLE_MS = 3000;
/** Who was closed for his share stays away for so long at least, and while there are no new peers. */
export const AWAY_MS = 60_000;
/** Growth of the tables, octets, after which memory is measured at once. */
const MEASURE_AFTER = 16 << 20;

/** All routes together cost less than this share of the ceiling: to close peers would not help. */
const USELESS = 0.05;
const COMPLAIN_AGAIN_MS = 60_000;

/** What a source of routes costs. */
export interface PeerCost {
  readonly address: string;
  readonly octets: number;
  readonly routes: number;
}

export interface MemoryHost {
  /** Octets used by the process, without what is free inside. */
  used(): number;
  /** Octets of the tables: cheap. */
  tableOctets(): number;
  shedCaches(): void;
  /** Octets by peer, worked out in slices; then `done`. */
  costs(done: (costs: readonly PeerCost[]) => void): void;
  /** Routes of closed peers are still being removed. */
  isSettling(): boolean;
  /** Reading from everybody stops, or goes on. */
  brake(on: boolean): void;
  /** Cease, out of resources; what is kept for the peer's return goes, too. */
  close(address: string, why: string): void;
  /** The peer may come back. */
  proceed(address: string): void;
}

export interface MemoryView {
  /** Octets; 0 = no ceiling. */
  readonly limit: number;
  readonly used: number;
  readonly level: (typeof MEMORY_LEVELS)[number];
  /** Times each of these was done. */
  readonly shed: number;
  readonly refused: number;
  readonly closed: number;
}

export class MemoryGuard {
  private readonly host: MemoryHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private limit = 0;
  private level: MemoryLevel = MemoryLevel.Normal;
  private used = 0;
  private timer: TimerHandle | undefined;
  private shedAt = -Infinity;
  private closedAt = -Infinity;
  private complainedAt = -Infinity;
  private choosing = false;
  private tables = 0;
  private readonly away = new Map<string, number>();
  private readonly count = { shed: 0, refused: 0, closed: 0 };

  constructor(host: MemoryHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
  }

  /** @param octets the ceiling from now on, 0 for none */
  setLimit(octets: number): void {
    this.limit = octets;
    if (octets === 0) {
      this.close();
      this.enter(MemoryLevel.Normal);
      this.forget(Infinity);
      return;
    }
    if (this.timer === undefined) this.tick();
  }

  /** Now and then from work that fills the tables: measures early when they have grown. */
  pulse(): void {
    if (this.timer === undefined) return;
    if (this.host.tableOctets() - this.tables < MEASURE_AFTER) return;
    this.look();
  }

  /** Why a session of this peer must not begin now; undefined when it may. */
  refuses(address: string, dynamic: boolean): string | undefined {
    const away = (this.away.get(address) ?? -Infinity) > this.clock.now();
    const full = this.level >= MemoryLevel.NoNewPeers;
    if (!away && !(full && (dynamic || this.away.has(address)))) return undefined;
    this.count.refused++;
    return away
      ? "closed a moment ago for its share of the memory (memory-limit)"
      : "no new peers: memory is close to its ceiling (memory-limit)";
  }

  view(): MemoryView {
    const { limit, used, level, count } = this;
    return { limit, used, level: MEMORY_LEVELS[level], ...count };
  }

  /** Metric names without prefix. */
  stats(): Record<string, number> {
    const { limit, used, level, count } = this;
    return {
      memory_limit_bytes: limit,
      memory_used_bytes: used,
      memory_level: level,
      memory_sheds_total: count.shed,
      memory_refused_total: count.refused,
      memory_closed_peers_total: count.closed,
    };
  }

  close(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  private tick(): void {
    this.timer = this.clock.setTimer(INTERVAL_MS, () => this.tick());
    this.look();
  }

  private look(): void {
    this.tables = this.host.tableOctets();
    this.used = this.host.used();
    this.enter(levelOf(this.used / this.limit, this.level));
    const now = this.clock.now();
    if (this.level >= MemoryLevel.Caches && now - this.shedAt >= SHED_AGAIN_MS) {
      this.shedAt = now;
      this.count.shed++;
      this.host.shedCaches();
    }
    if (this.level === MemoryLevel.Normal) this.forget(now);
    if (this.used >= this.limit) this.closeWorst(now);
  }

  private enter(level: MemoryLevel): void {
    if (level === this.level) return;
    const worse = level > this.level;
    this.level = level;
    const fields = { used: mebibytes(this.used), limit: mebibytes(this.limit) };
    this.log[worse ? "warn" : "info"](
      { ...fields, level: MEMORY_LEVELS[level] },
      worse
        ? "memory is close to its ceiling (memory-limit)"
        : "memory is less close to its ceiling",
    );
  }

  private closeWorst(now: number): void {
    if (this.choosing || now - this.closedAt < SETTLE_MS || this.host.isSettling()) return;
    this.choosing = true;
    this.host.brake(true);
    this.host.costs((costs) => {
      this.choosing = false;
      this.host.brake(false);
      if (this.timer === undefined || this.used < this.limit) return;
      const worst = worstOf(costs);
      if (worst === undefined) return;
      if (totalOf(costs) < USELESS * this.limit) return this.complain(costs);
      this.closedAt = this.clock.now();
      this.away.set(worst.address, this.closedAt + AWAY_MS);
      this.count.closed++;
      const fields = {
        peer: worst.address,
        routes: worst.routes,
        cost: mebibytes(worst.octets),
        fairShare: mebibytes(fairShare(costs)),
        used: mebibytes(this.used),
        limit: mebibytes(this.limit),
      };
      this.log.error(fields, "peer closed: memory is at its ceiling and it costs most");
      this.host.close(worst.address, "out of memory: it costs more than its share (memory-limit)");
    });
  }

  /** Closing everybody would not help: something else fills the memory, or the ceiling is too low. */
  private complain(costs: readonly PeerCost[]): void {
    this.closedAt = this.clock.now();
    if (this.closedAt - this.complainedAt < COMPLAIN_AGAIN_MS) return;
    this.complainedAt = this.closedAt;
    const fields = {
      used: mebibytes(this.used),
      limit: mebibytes(this.limit),
      routes: mebibytes(totalOf(costs)),
    };
    this.log.error(fields, "memory is at its ceiling, not for routes: raise memory-limit");
  }

  private forget(now: number): void {
    for (const [address, until] of this.away) {
      if (until > now) continue;
      this.away.delete(address);
      this.host.proceed(address);
    }
  }
}

/** The level for a share of the ceiling: left only well below where it began. */
export function levelOf(share: number, before: MemoryLevel): MemoryLevel {
  let level: MemoryLevel = MemoryLevel.Normal;
  for (const each of Object.values(MemoryLevel)) {
    const begin = BEGINS[each]! - (each <= before ? HYSTERESIS : 0);
    if (each > 0 && share >= begin) level = each;
  }
  return level;
}

export function fairShare(costs: readonly PeerCost[]): number {
  return costs.length === 0 ? 0 : totalOf(costs) / costs.length;
}

function totalOf(costs: readonly PeerCost[]): number {
  return costs.reduce((sum, { octets }) => sum + octets, 0);
}

/** Who costs most, if that is more than the fair share: with one peer alone, that one. */
export function worstOf(costs: readonly PeerCost[]): PeerCost | undefined {
  let worst: PeerCost | undefined;
  for (const cost of costs) {
    if (worst === undefined || cost.octets > worst.octets) worst = cost;
  }
  return worst === undefined || worst.octets === 0 ? undefined : worst;
}

function mebibytes(octets: number): string {
  return `${Math.round(octets / 1048576)} MiB`;
}
