/**
 * Maintenance mode: peers are to turn to other paths before a session, or evpnd, goes down (RFC 8326).
 * Everything a concerned peer is sent, or was, comes with the community GRACEFUL_SHUTDOWN, and inside the
 * AS with LOCAL_PREF 0, without a session reset; new sessions get it so from the start. Where another
 * reflector has the same routes, the peer prefers its copies from then on, and loses nothing when we go.
 *
 * Per session: marking (the whole table goes out once more), unacknowledged (until the peer's TCP has it
 * all), draining (the time given), drained; then, if asked for, Cease, administrative shutdown. A peer
 * that does not take its routes is shut down all the same, STUCK_MS after it was asked to.
 *
 * The order is kept in memory: a reload leaves it, a restart of evpnd ends it.
 */
import type { Clock, TimerHandle } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import type { MaintenanceOrder, MaintenancePeerView, MaintenanceView } from "./control.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { RouteTable } from "./rib/route-table.js";

const POLL_MS = 200;
/** A peer that has not taken its routes for so long, beyond the time it was given, counts as stuck. */
const STUCK_MS = 300_000;

export interface MaintenanceHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  livePeers(): Iterable<ReflectedPeer>;
  /** There is something to send. */
  wake(): void;
  /** Cease, administrative shutdown, until `enablePeer`. */
  shutdownPeer(address: string, text: string): void;
  enablePeer(address: string): void;
}

interface Standing {
  readonly order: MaintenanceOrder;
  /** Monotonic, and wall-clock for people. */
  readonly at: number;
  readonly since: number;
}

interface Drain {
  readonly peer: ReflectedPeer;
  readonly standing: Standing;
  readonly began: number;
  /** Log position that the session must have read. */
  readonly tail: number;
  state: MaintenancePeerView["state"];
  /** Octets written when all had been handed over. */
  written: number;
  acknowledgedAt: number;
}

export class Maintenance {
  private readonly host: MaintenanceHost;
  private readonly clock: Clock;
  private readonly log: Log;
  private everyone: Standing | undefined;
  private readonly named = new Map<string, Standing>();
  /** By slot. */
  private readonly drains = new Map<number, Drain>();
  /** Shut down by us, to be enabled again. */
  private readonly stopped = new Map<string, Standing>();
  private timer: TimerHandle | undefined;

  constructor(host: MaintenanceHost, clock: Clock, log: Log) {
    this.host = host;
    this.clock = clock;
    this.log = log;
  }

  /** From now on, for the peers named or all; a peer that is in maintenance already starts again. */
  begin(order: MaintenanceOrder): void {
    const standing = { order, at: this.clock.now(), since: this.clock.wall() };
    if (order.peers === "all") {
      this.everyone = standing;
      this.named.clear();
    } else for (const address of order.peers) this.named.set(address, standing);
    this.log.info({ peers: order.peers, then: order.then }, "maintenance begins");
    for (const peer of this.host.livePeers()) {
      if (this.standingOf(peer) !== standing) continue;
      const marked = peer.inMaintenance;
      this.enter(peer, standing);
      if (!marked) this.host.out.reconfigure(peer.receiver(), true);
    }
    this.host.wake();
  }

  /** Over for the peers named or all; those that it shut down are enabled. Whether any of them was in maintenance. */
  end(peers: readonly string[] | "all"): boolean {
    const affects = (address: string): boolean => peers === "all" || peers.includes(address);
    const before = this.named.size + (this.everyone === undefined ? 0 : 1);
    if (peers === "all") this.everyone = undefined;
    for (const address of [...this.named.keys()]) if (affects(address)) this.named.delete(address);
    for (const peer of this.host.livePeers()) {
      if (!peer.inMaintenance || this.standingOf(peer) !== undefined) continue;
      peer.inMaintenance = false;
      this.drains.delete(peer.slot);
      this.host.out.reconfigure(peer.receiver(), true);
    }
    for (const address of [...this.stopped.keys()]) {
      if (!affects(address)) continue;
      this.stopped.delete(address);
      this.host.enablePeer(address);
    }
    this.host.wake();
    const found = before !== this.named.size + (this.everyone === undefined ? 0 : 1);
    if (found) this.log.info({ peers }, "maintenance ends");
    return found;
  }

  /** A peer named alone while all are in maintenance cannot be taken out. */
  get coversAll(): boolean {
    return this.everyone !== undefined;
  }

  /** A session comes up; call before it is added to the adj-RIB-out. */
  admit(peer: ReflectedPeer): void {
    const standing = this.standingOf(peer);
    if (standing === undefined) return;
    this.stopped.delete(peer.session.peerAddress);
    this.enter(peer, standing);
  }

  leave(peer: ReflectedPeer): void {
    if (this.drains.get(peer.slot)?.peer === peer) this.drains.delete(peer.slot);
  }

  view(): MaintenanceView {
    const orders = [...(this.everyone ? [this.everyone] : []), ...new Set(this.named.values())];
    const now = this.clock.now();
    const peers = [...this.drains.values()].map(({ peer, state, standing, acknowledgedAt }) => {
      const rest = acknowledgedAt + standing.order.drainSeconds * 1000 - now;
      return {
        peer: peer.session.peerAddress,
        state,
        since: standing.since,
        secondsLeft: state === "draining" ? Math.max(0, Math.ceil(rest / 1000)) : undefined,
      };
    });
    for (const [address, { since }] of this.stopped) {
      peers.push({ peer: address, state: "shut-down", since, secondsLeft: undefined });
    }
    return {
      active: orders.length > 0,
      all: this.everyone !== undefined,
      named: [...this.named.keys()],
      since: orders.length === 0 ? undefined : Math.min(...orders.map(({ since }) => since)),
      then: orders.some(({ order }) => order.then === "shutdown") ? "shutdown" : "nothing",
      drained: peers.every(({ state }) => state === "drained" || state === "shut-down"),
      peers,
    };
  }

  private standingOf(peer: ReflectedPeer): Standing | undefined {
    return this.named.get(peer.session.peerAddress) ?? this.everyone;
  }

  private enter(peer: ReflectedPeer, standing: Standing): void {
    peer.inMaintenance = true;
    this.drains.set(peer.slot, {
      peer,
      standing,
      began: this.clock.now(),
      tail: this.host.table.log.tail,
      state: "marking",
      written: 0,
      acknowledgedAt: 0,
    });
    this.timer ??= this.clock.setTimer(POLL_MS, () => this.poll());
  }

  private poll(): void {
    this.timer = undefined;
    let waiting = false;
    for (const drain of [...this.drains.values()]) {
      this.step(drain);
      if (drain.state !== "drained") waiting = true;
    }
    if (waiting) this.timer ??= this.clock.setTimer(POLL_MS, () => this.poll());
  }

  private step(drain: Drain): void {
    const { peer, standing } = drain;
    const { session } = peer;
    const now = this.clock.now();
    if (drain.state === "marking" && this.isMarked(drain)) {
      drain.state = "unacknowledged";
      drain.written = session.octets?.()?.written ?? 0;
    }
    if (drain.state === "unacknowledged" && isAcknowledged(drain)) {
      drain.state = "draining";
      drain.acknowledgedAt = now;
    }
    const { drainSeconds, then } = standing.order;
    const stuck = drain.state !== "draining" && now - drain.began >= STUCK_MS + drainSeconds * 1000;
    if (drain.state === "draining" && now - drain.acknowledgedAt >= drainSeconds * 1000) {
      drain.state = "drained";
      this.log.info({ peer: session.peerAddress }, "drained: the peer has all routes marked");
    }
    if (then !== "shutdown" || (drain.state !== "drained" && !stuck)) return;
    if (stuck) {
      this.log.warn({ peer: session.peerAddress }, "shut down though it did not take its routes");
    }
    this.drains.delete(peer.slot);
    this.stopped.set(session.peerAddress, standing);
    this.host.shutdownPeer(session.peerAddress, standing.order.text);
  }

  /** All that the session should have has been handed over in its new form. */
  private isMarked({ peer, tail }: Drain): boolean {
    const cursor = this.host.out.cursor(peer.slot);
    if (cursor === undefined) return false;
    const owed = cursor.refreshPending | cursor.initialPending | cursor.syncPending | cursor.held;
    const paths = this.host.out.addPathCursor(peer.slot);
    if (paths !== undefined && (paths.dump !== undefined || paths.refreshPending !== 0))
      return false;
    return owed === 0 && cursor.dump === undefined && cursor.position >= tail;
  }
}

/** Where the system does not tell what has been acknowledged, what it has taken counts. */
function isAcknowledged({ peer, written }: Drain): boolean {
  const octets = peer.session.octets?.();
  if (octets?.acknowledged === undefined) return peer.session.pendingBytes === 0;
  return octets.acknowledged >= written;
}
