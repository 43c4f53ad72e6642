/**
 * All peers: configured ones, and dynamic ones that come into being when somebody connects from a
 * configured range and vanish a while after their last session.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import { isLinkLocal } from "../../fast-bgp-codec/values/ip.js";
import { systemClock, type Clock, type TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import { fileKey } from "../../util/settings-diff.js";
import type { DynamicRange, PeerOptions, SpeakerSettings } from "../settings.js";
import { AcceptGate } from "./accept-gate.js";
import { Admission } from "./admission.js";
import { canonicalPeerAddress, DynamicRanges } from "./dynamic-ranges.js";
import { State, type Fault } from "./fsm.js";
import { Peer, type Gate, type OpenGate, type PeerContext } from "./peer.js";
import { statusOf, type PeerStatus } from "./peer-status.js";
import { refuse } from "./refuse.js";
import type { Cause } from "./session-end.js";
import { compareOptions } from "./settings-change.js";
import { afterNextPoll, TimerWheel, type AfterPoll } from "./timers.js";
import type {
  Connection,
  Dialer,
  EstablishedSession,
  ReflectorSink,
  TappedSession,
  TapPoint,
} from "./types.js";

/** How long a dynamic peer without a session is remembered (its last error, its damping). */
export const DYNAMIC_LINGER_MS = 300_000;
const SWEEP_MS = 10_000;
/** Strangers named in the log per sweep; the rest are counted. */
const STRANGERS_LOGGED = 10;

const NO_DATA = new Uint8Array(0);
const PASSIVE = "its settings say passive";

export interface PeerTableOptions {
  readonly settings: SpeakerSettings;
  readonly dialer: Dialer;
  readonly sink: ReflectorSink;
  readonly log: Log;
  readonly clock?: Clock;
  /** Why a peer with these options cannot be served (no MD5 or TTL security here); undefined when it can. */
  readonly gap?: (options: PeerOptions) => string | undefined;
  /** Where whoever wants to see every message puts a tap in. */
  readonly taps?: TapPoint;
  /** This evpnd has just restarted: said in OPENs (RFC 4724). */
  readonly restarting?: () => boolean;
  /** A peer got or lost a session, was shut down, changed or removed. */
  readonly observe?: (peer: ObservedPeer) => void;
  /** Why a dynamic peer is not taken now: there is no room for it. */
  readonly full?: (address: string) => string | undefined;
  /** Why the peer may not begin a session yet; asked again when `proceed` is called. */
  readonly gate?: Gate;
  /** Why a session may not go on, with the peer's OPEN in hand: Cease 6/5. */
  readonly gateOpen?: OpenGate;
  /** TCP MD5 key of a peer in the place of its settings' own. */
  readonly keyFor?: (address: string, options: PeerOptions) => string | undefined;
  /** For tests. */
  readonly random?: () => number;
  readonly afterPoll?: AfterPoll;
}

/** A peer as those see it who follow its life. */
export interface ObservedPeer {
  readonly address: string;
  readonly dynamic: boolean;
  readonly options: PeerOptions;
  readonly adminDown: boolean;
  readonly removed: boolean;
  /** Its Established session. */
  readonly up: EstablishedSession | undefined;
}

export interface PeerTableStats {
  /** Connections from addresses that no peer or range covers. */
  strangers: number;
  /** Connections refused for any reason. */
  refused: number;
  /** Connections closed at once: too many strangers, or one address too often. */
  shed: number;
}

export class PeerTable {
  readonly stats: PeerTableStats = { strangers: 0, refused: 0, shed: 0 };
  private settings: SpeakerSettings;
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly wheel: TimerWheel;
  private readonly context: PeerContext;
  private readonly peers = new Map<string, Peer>();
  private ranges: DynamicRanges;
  private readonly gate: AcceptGate;
  private readonly admission: Admission;
  private readonly observe: (peer: ObservedPeer) => void;
  private readonly full: (address: string) => string | undefined;
  private sweepTimer: TimerHandle | undefined;
  private strangersLogged = 0;
  private hastyLogged = 0;
  private started = false;
  private stopped = false;
  /** Dynamic peers between accept and Established. */
  private readonly inHandshake = new Set<Peer>();

  constructor(options: PeerTableOptions) {
    const { settings, dialer, sink, log, clock = systemClock } = options;
    this.settings = settings;
    this.observe = options.observe ?? (() => {});
    this.full = options.full ?? (() => undefined);
    this.log = log;
    this.clock = clock;
    this.wheel = new TimerWheel(clock, options.afterPoll ?? afterNextPoll);
    this.context = {
      local: () => this.settings,
      sink,
      dialer,
      clock,
      log,
      wheel: this.wheel,
      random: options.random ?? Math.random,
      restarting: options.restarting ?? (() => false),
      taps: options.taps ?? { tap: undefined },
      gap: options.gap ?? (() => undefined),
      gate: options.gate ?? (() => undefined),
      gateOpen: options.gateOpen ?? (() => undefined),
      keyFor: options.keyFor ?? (() => undefined),
      logRate: new LogRate(clock),
      isCrowded: (peer) => this.isCrowded(peer),
      changed: (peer) => this.peerChanged(peer),
    };
    this.ranges = new DynamicRanges(settings.dynamic);
    this.gate = new AcceptGate(
      clock,
      settings.acceptRate,
      (address) => this.optionsFor(address) !== undefined,
    );
    this.admission = new Admission(
      clock,
      settings.maxHandshakes,
      () => this.inHandshake.size,
      (connection) => this.admit(connection),
    );
    for (const peer of settings.peers) {
      const address = canonicalPeerAddress(peer.address);
      this.peers.set(address, new Peer(address, peer, false, this.context));
    }
  }

  /** Starts dialling and takes connections. */
  start(): void {
    this.started = true;
    for (const peer of this.peers.values()) this.observe(peer);
    for (const peer of this.peers.values()) peer.start();
    this.sweepLater();
  }

  /**
   * Whether a connection from this canonical address is worth a look. Who is not is closed by the caller
   * before anything is made for it.
   */
  admits(address: string): boolean {
    const verdict = this.gate.judge(address);
    if (verdict === "known") return true;
    if (verdict === "stranger") {
      if (this.strangersLogged < STRANGERS_LOGGED) return true;
      this.stats.strangers++;
    } else if (this.hastyLogged++ < STRANGERS_LOGGED) {
      this.log.warn({ from: address }, "connection closed: this address connects too often");
    }
    this.stats.shed++;
    return false;
  }

  /** A connection from the listener, unread. */
  accept(connection: Connection): void {
    // Not a word before the start: a NOTIFICATION would make a peer forget what it keeps for our return.
    if (!this.started) return connection.destroy();
    if (this.stopped) return this.refuse(connection, Cease.ConnectionRejected);
    const { remoteAddress } = connection;
    const peer = this.peers.get(remoteAddress);
    if (peer !== undefined && !peer.dynamic) return peer.incoming(connection);
    const range = this.ranges.find(remoteAddress);
    if (range === undefined) return this.refuseStranger(connection);
    const full = this.fullFor(remoteAddress);
    if (full !== undefined) {
      const suppressed = this.context.logRate.pass(`${remoteAddress} full`);
      const fields = { peer: remoteAddress, why: full };
      if (suppressed !== undefined) {
        this.log.warn({ ...fields, ...LogRate.fields(suppressed) }, "connection refused");
      }
      return this.refuse(connection, Cease.OutOfResources);
    }
    if (peer === undefined && this.isFull(range)) {
      this.log.warn(
        { peer: remoteAddress, range: range.prefix, maxPeers: range.maxPeers },
        "connection refused: the dynamic range has as many peers as max-peers allows",
      );
      return this.refuse(connection, Cease.OutOfResources);
    }
    this.admission.enter(connection);
  }

  /** After a restart of ours: connects to a peer that was up before, even where we wait for it otherwise. */
  recall(address: string, localAddress: string): void {
    const range = this.peers.has(address) ? undefined : this.ranges.find(address);
    if (range !== undefined) {
      const peer = new Peer(address, range, true, this.context);
      this.peers.set(address, peer);
      peer.start();
    }
    this.peers.get(address)?.recall(localAddress);
  }

  endRecall(): void {
    for (const peer of this.peers.values()) peer.endRecall();
  }

  /** Options of whoever may connect from this canonical address; undefined for strangers. */
  optionsFor(address: string): PeerOptions | undefined {
    const peer = this.peers.get(address);
    return peer !== undefined && !peer.dynamic ? peer.options : this.ranges.find(address);
  }

  /** The Established session with this address. */
  session(address: string): EstablishedSession | undefined {
    return this.find(address)?.up;
  }

  /** All that are Established, as a tap sees them. */
  *establishedSessions(): Generator<TappedSession> {
    for (const peer of this.peers.values()) if (peer.up !== undefined) yield peer.up;
  }

  views(): PeerStatus[] {
    return [...this.peers.values()].map((peer) => statusOf(peer, this.settings.as));
  }

  view(address: string): PeerStatus | undefined {
    const peer = this.find(address);
    return peer === undefined ? undefined : statusOf(peer, this.settings.as);
  }

  get size(): number {
    return this.peers.size;
  }

  /** Ends the Established session, if there is one, for a reason from outside BGP. */
  end(address: string, fault: Fault, cause: Cause): void {
    this.find(address)?.up?.stop("automaticStop", fault, cause);
  }

  /** What `gate` said holds no longer. */
  proceed(address: string): void {
    this.find(address)?.proceed();
  }

  /**
   * The same, and it is connected to at once instead of when its timer is due; so is one of a range whose settings let
   * evpnd connect. It is not remembered for longer than others of its range if it never answers.
   */
  hasten(address: string): void {
    const peer = this.find(address);
    if (peer !== undefined && !peer.dynamic) return peer.hasten();
    if (this.waitsFor(address) !== undefined) return peer?.hasten();
    if (peer !== undefined) return peer.call();
    const range = this.ranges.find(address);
    if (range === undefined || this.stopped || !this.started) return;
    const made = new Peer(canonicalPeerAddress(address), range, true, this.context);
    this.peers.set(made.address, made);
    made.call();
  }

  /** Why evpnd waits for whoever is there instead of connecting; undefined when it connects. */
  waitsFor(address: string): string | undefined {
    const peer = this.find(address);
    if (peer !== undefined && !peer.dynamic) return peer.options.passive ? PASSIVE : undefined;
    const range = this.ranges.find(address);
    if (range === undefined) return undefined;
    if (range.passive) return `${PASSIVE} (${range.prefix})`;
    if (isLinkLocal(address)) return "a link-local address does not say by which interface";
    if (peer?.isCalled === true || peer?.up !== undefined) return undefined;
    const full = this.fullFor(address);
    if (full !== undefined) return full;
    return this.isFull(range, true) ? `max-peers of ${range.prefix} are there` : undefined;
  }

  /** The key on connections that are up; false when one cannot have it. */
  rekey(address: string, key: string): boolean {
    return this.find(address)?.rekey(key) ?? true;
  }

  /** Connections that wait for admission. */
  get waiting(): number {
    return this.admission.waiting;
  }

  /** KEEPALIVEs that are due go out: call now and then from work that takes longer than a tick. */
  pulse(): void {
    this.wheel.pulse();
  }

  /** False when there is no such peer; so the next three. */
  reset(address: string, text: string): boolean {
    const peer = this.find(address);
    peer?.reset(text);
    return peer !== undefined;
  }

  shutdown(address: string, text: string): boolean {
    const peer = this.find(address);
    peer?.shutdown(text);
    if (peer !== undefined) this.observe(peer);
    return peer !== undefined;
  }

  enable(address: string): boolean {
    const peer = this.find(address);
    if (peer === undefined) return false;
    peer.enable();
    this.observe(peer);
    return true;
  }

  /**
   * New settings. Sessions of peers whose own settings did not change are left alone, unless our AS,
   * router-id or (iBGP) cluster-id did. Returns what was done, a line each. The listener's keys are `Listener.protect`'s.
   */
  applySettings(next: SpeakerSettings): string[] {
    const before = this.settings;
    this.settings = next;
    this.ranges = new DynamicRanges(next.dynamic);
    this.admission.limit = next.maxHandshakes;
    this.gate.rate = next.acceptRate;
    const global = globalReset(before, next);
    const done: string[] = [];
    const configured = new Map(
      next.peers.map((peer) => [canonicalPeerAddress(peer.address), peer] as const),
    );
    for (const peer of [...this.peers.values()]) {
      const options = configured.get(peer.address) ?? this.rangeOf(peer);
      const gone = options === undefined || peer.dynamic === configured.has(peer.address);
      if (gone) {
        this.removePeer(peer);
        done.push(`${peer.address}: removed`);
      } else {
        const what = this.change(peer, options, global(peer));
        if (what !== undefined) done.push(`${peer.address}: ${what}`);
      }
    }
    for (const [address, options] of configured) {
      if (this.peers.has(address)) continue;
      const peer = new Peer(address, options, false, this.context);
      this.peers.set(address, peer);
      if (this.started && !this.stopped) peer.start();
      done.push(`${address}: added`);
    }
    for (const peer of this.peers.values()) this.observe(peer);
    this.admission.next();
    return done;
  }

  /**
   * Cease (administrative shutdown) to everybody, or with `keep` the plain end of the connection to those
   * who keep our routes until we are back (graceful restart, mode "full"). Resolves when all connections are
   * gone, after the linger at most.
   */
  async stop(text = "", keep = false): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.sweepTimer?.cancel();
    this.admission.close(Cease.AdministrativeShutdown);
    await Promise.all([...this.peers.values()].map((peer) => peer.close(text, keep)));
  }

  private find(address: string): Peer | undefined {
    return this.peers.get(address) ?? this.peers.get(canonicalPeerAddress(address));
  }

  private rangeOf(peer: Peer): DynamicRange | undefined {
    return peer.dynamic ? this.ranges.find(peer.address) : undefined;
  }

  private change(peer: Peer, options: PeerOptions, global: string | undefined): string | undefined {
    const change = compareOptions(peer.options, options);
    if (global !== undefined || change.needsReset) {
      peer.reconfigure(options);
      return `reset, ${global ?? change.resetBy.map(fileKey).join(", ")} changed`;
    }
    if (change.none) {
      peer.options = options;
      return undefined;
    }
    const names = change.changed.map(fileKey).join(", ");
    const obstacle = peer.adopt(options, change);
    if (obstacle === undefined) return `${names} changed without a reset`;
    peer.reconfigure(options);
    return `reset, ${names} changed and ${obstacle}`;
  }

  private removePeer(peer: Peer): void {
    this.peers.delete(peer.address);
    const fault = { code: 6, subcode: Cease.PeerDeconfigured, data: NO_DATA };
    peer.remove(fault, "peer removed from the configuration");
    this.inHandshake.delete(peer);
    this.observe(peer);
  }

  /** Why there is no room for a dynamic peer. One whose routes wait for it costs nothing more. */
  private fullFor(address: string): string | undefined {
    if (this.peers.get(address)?.up !== undefined) return undefined;
    return this.context.sink.retains?.(address) === true ? undefined : this.full(address);
  }

  /** Peers whose routes wait for their return count as well: who comes and goes from many addresses is bounded. */
  private isFull(range: DynamicRange, withCalled = false): boolean {
    if (range.maxPeers === 0) return false;
    let count = 0;
    for (const peer of this.peers.values()) {
      if (!peer.dynamic || this.ranges.find(peer.address) !== range) continue;
      const isThere = peer.hasSessions || (withCalled && peer.isCalled);
      if (isThere || this.context.sink.retains?.(peer.address) === true) count++;
    }
    return count >= range.maxPeers;
  }

  private isCrowded(peer: Peer): boolean {
    const range = this.rangeOf(peer);
    if (range === undefined || this.fullFor(peer.address) !== undefined) return true;
    const hasPlace = peer.hasSessions || this.context.sink.retains?.(peer.address) === true;
    return !hasPlace && this.isFull(range);
  }

  private admit(connection: Connection): void {
    const { remoteAddress } = connection;
    const range = this.ranges.find(remoteAddress);
    if (range === undefined) return this.refuseStranger(connection);
    let peer = this.peers.get(remoteAddress);
    if (peer === undefined) {
      // Who is refused for good is not remembered here: a prefix has many addresses.
      const { instance } = connection;
      if (this.context.gate(remoteAddress, range, instance) !== undefined) {
        return this.refuse(connection, Cease.ConnectionRejected);
      }
      peer = new Peer(remoteAddress, range, true, this.context);
      this.peers.set(remoteAddress, peer);
      peer.start();
    }
    peer.incoming(connection);
    this.peerChanged(peer);
  }

  /** Keeps the count of handshakes: a dynamic peer with a session that is not Established. */
  private peerChanged(peer: Peer): void {
    this.observe(peer);
    if (!peer.dynamic) return;
    const handshaking = peer.sessions.length > 0 && peer.state !== State.Established;
    if (handshaking) this.inHandshake.add(peer);
    else if (this.inHandshake.delete(peer)) this.admission.next();
  }

  private refuse(connection: Connection, subcode: number): void {
    this.stats.refused++;
    refuse(connection, subcode);
  }

  private refuseStranger(connection: Connection): void {
    this.stats.strangers++;
    if (this.strangersLogged++ < STRANGERS_LOGGED) {
      this.log.warn(
        { from: connection.remoteAddress, to: connection.localAddress },
        "connection refused: no peer and no dynamic range has this address",
      );
    }
    this.refuse(connection, Cease.ConnectionRejected);
  }

  private sweepLater(): void {
    this.sweepTimer = this.clock.setTimer(SWEEP_MS, () => {
      this.strangersLogged = 0;
      this.hastyLogged = 0;
      const oldest = this.clock.now() - DYNAMIC_LINGER_MS;
      for (const peer of this.peers.values()) {
        if (!peer.dynamic || peer.hasSessions || peer.adminDown || peer.quietSince > oldest)
          continue;
        if (this.context.sink.retains?.(peer.address) === true) continue;
        peer.remove({ code: 6, subcode: Cease.PeerDeconfigured, data: NO_DATA }, "gone");
        this.peers.delete(peer.address);
      }
      this.sweepLater();
    });
  }
}

/** Which peers a change of who we are resets, and why: the loops that their routes were checked for are others. */
export function globalReset(
  before: SpeakerSettings,
  next: SpeakerSettings,
): (peer: { readonly options: PeerOptions }) => string | undefined {
  if (before.as !== next.as) return () => "our AS";
  if (before.routerId !== next.routerId) return () => "our router-id";
  if (before.clusterId === next.clusterId) return () => undefined;
  return ({ options }) =>
    options.peerAs === undefined || options.peerAs === next.as ? "our cluster-id" : undefined;
}
