/**
 * A peer: its settings, its Idle, Connect and Active, and up to two connections that run the rest of
 * the state machine (`session.ts`) until collision resolution leaves one.
 *
 * Two departures from RFC 4271 that spare a reflector's clients a wait of minutes: a connection that comes in
 * while we damp (Idle) is held unread until the damping is over instead of refused, and a dial goes on
 * beside an accepted connection until one of them is Established.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import { shutdownData } from "../../fast-bgp-codec/notification.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { PeerOptions } from "../settings.js";
import { resolveCollision } from "./collision.js";
import { step, State, type Event, type Fault } from "./fsm.js";
import { beganUnsigned, dropUnsigned, KeyedConnections } from "./instance-keys.js";
import { MessageCounters } from "./message-counters.js";
import { bgpIdNumber } from "./negotiate.js";
import { refuse } from "./refuse.js";
import type { SettingsChange } from "./settings-change.js";
import { Session, type OpenVerdict, type SessionContext, type SessionOwner } from "./session.js";
import { dialDetail, type SessionEnd } from "./session-end.js";
import { describe, foremostOf } from "./standing.js";
import { idleHoldMs, jitter, limitRestartSeconds, OPEN_WAIT_SECONDS } from "./timers.js";
import type { Connection, Dialer } from "./types.js";

/** A dynamic peer holds one of few places while it says nothing. */
const DYNAMIC_OPEN_WAIT_SECONDS = 30;
/** A session that lived this long was no failure: damping starts anew. */
const STABLE_MS = 30_000;

const NO_DATA = new Uint8Array(0);

export interface PeerContext extends SessionContext {
  readonly clock: Clock;
  readonly dialer: Dialer;
  /** Why a peer with these options cannot be served here; undefined when it can. */
  readonly gap: (options: PeerOptions) => string | undefined;
  /** Why a session may not begin yet; undefined when it may. */
  readonly gate: Gate;
  /** Why it may not go on, with the peer's OPEN in hand. */
  readonly gateOpen: OpenGate;
  /** TCP MD5 key in the place of the settings' own. */
  readonly keyFor: (address: string, options: PeerOptions) => string | undefined;
  /** Its range has no place for one more session. */
  readonly isCrowded: (peer: Peer) => boolean;
  /** A handshake ended one way or the other, or a dynamic peer's last session did. */
  readonly changed: (peer: Peer) => void;
  readonly log: Log;
}

/** @param instance whose TLS proxy brings the connection, if one does */
export type Gate = (address: string, options: PeerOptions, instance?: string) => string | undefined;

export type OpenGate = (
  address: string,
  options: PeerOptions,
  open: {
    readonly as: number;
    readonly routerId: string;
    readonly instance: string | undefined;
  },
) => string | undefined;

type OwnState = typeof State.Idle | typeof State.Connect | typeof State.Active;

export class Peer implements SessionOwner {
  readonly address: string;
  readonly dynamic: boolean;
  options: PeerOptions;
  lastError: string | undefined;
  /** Wall-clock milliseconds of the last change to or from Established. */
  since: number;
  establishedCount = 0;
  /** Clock's milliseconds when the last session ended, or when the peer was made. */
  quietSince: number;
  adminDown: boolean;
  /** Messages of sessions that are over. */
  readonly past = new MessageCounters();
  private readonly context: PeerContext;
  private ownState: OwnState = State.Idle;
  sessions: readonly Session[] = [];
  private dialling: { cancel(): void } | undefined;
  private retryTimer: TimerHandle | undefined;
  private idleTimer: TimerHandle | undefined;
  private readonly keyed = new KeyedConnections();
  private parked: Connection | undefined;
  private failures = 0;
  private establishedAt = 0;
  private heldDown = false;
  /** Of a range, and connected to all the same: see `call`. */
  private called = false;
  /** Our address that the peer talked to before our restart, while we connect to it for a change. */
  private recalledFrom: string | undefined;
  removed = false;
  /** Connections not gone yet, those of ended sessions included. */
  private lingering = 0;
  private onGone: () => void = () => {};

  constructor(address: string, options: PeerOptions, dynamic: boolean, context: PeerContext) {
    this.address = address;
    this.options = options;
    this.dynamic = dynamic;
    this.context = context;
    this.since = context.clock.wall();
    this.quietSince = context.clock.now();
    this.adminDown = options.shutdown;
  }

  get passive(): boolean {
    const waits = this.options.passive || (this.dynamic && !this.called);
    return this.recalledFrom === undefined && waits;
  }

  /**
   * We have restarted, and the peer may keep our routes: then it may as well wait for us to connect (RFC 4724
   * leaves that open, and FRR does), so we do.
   */
  recall(localAddress: string): void {
    if (!this.passive || this.adminDown || this.removed || this.ownState !== State.Active) return;
    this.recalledFrom = localAddress;
    if (this.sessions.length === 0) this.run({ kind: "connectRetryExpires" });
  }

  endRecall(): void {
    if (this.recalledFrom === undefined) return;
    this.recalledFrom = undefined;
    if (!this.passive) return;
    this.disarmRetry();
    this.cancelDial();
    if (this.ownState === State.Connect) this.enter(State.Active);
  }

  get openWaitSeconds(): number {
    return this.dynamic ? DYNAMIC_OPEN_WAIT_SECONDS : OPEN_WAIT_SECONDS;
  }

  /** The furthest of its machines. */
  get state(): State {
    return this.foremost?.state ?? this.ownState;
  }

  /** The session that is Established, or nearest to it. */
  get foremost(): Session | undefined {
    return foremostOf(this.sessions);
  }

  get up(): Session | undefined {
    return this.sessions.find((session) => session.state === State.Established);
  }

  get hasSessions(): boolean {
    return this.sessions.length > 0 || this.parked !== undefined;
  }

  start(): void {
    if (this.adminDown || this.removed || this.unservable() || this.gated()) return;
    this.run({ kind: this.passive ? "automaticStartPassive" : "automaticStart" });
  }

  /** The peer connected to us. */
  incoming(connection: Connection): void {
    this.keyed.began(connection, this.hasKey);
    // Without a word: a NOTIFICATION would put our reason for the shutdown out of the peer's display.
    if (this.adminDown) return connection.destroy();
    const { password } = this.options;
    if ((this.hasKey || password !== undefined) && beganUnsigned(connection)) {
      return dropUnsigned(connection, this.address, this.context);
    }
    if (this.removed || this.heldDown || this.gated(connection.instance)) {
      return refuse(connection, Cease.ConnectionRejected);
    }
    // Its proxy calls: there is nothing to dial, and no dial has begun.
    if (connection.instance !== undefined && this.isAtRest) {
      this.run({ kind: "automaticStartPassive" });
    }
    if (this.ownState === State.Idle && this.sessions.length === 0) {
      if (this.idleTimer === undefined) return refuse(connection, Cease.ConnectionRejected);
      this.parked?.destroy();
      this.parked = connection;
      return;
    }
    // A second connection from the same side: the peer gave up the first.
    for (const session of [...this.sessions]) {
      if (session.connection.initiator === "remote" && session.state !== State.Established) {
        this.dump(session, "the peer opened another connection");
      }
    }
    if (this.sessions.length >= 2) return refuse(connection, Cease.Collision);
    this.open(connection);
  }

  /** Cease, administrative shutdown with text (RFC 9003), until `enable`. */
  shutdown(text: string): void {
    this.adminDown = true;
    const detail = text === "" ? "administrative shutdown" : `administrative shutdown: ${text}`;
    this.stopAll(
      { code: 6, subcode: Cease.AdministrativeShutdown, data: shutdownData(text) },
      detail,
    );
    this.lastError = detail;
    this.abandon(detail);
  }

  enable(): void {
    if (!this.adminDown && !this.heldDown) return;
    this.adminDown = false;
    this.failures = 0;
    this.heldDown = false;
    this.lastError = undefined;
    this.start();
  }

  /** Cease, administrative reset with text; ends damping and hold-down as well. */
  reset(text: string): void {
    this.restart(
      { code: 6, subcode: Cease.AdministrativeReset, data: shutdownData(text) },
      "administrative reset",
    );
    this.abandon("administrative reset");
  }

  /** Settings that need a new session. */
  reconfigure(options: PeerOptions): void {
    const before = this.options.shutdown;
    this.options = options;
    if (options.shutdown !== before) this.adminDown = options.shutdown;
    if (this.adminDown) return this.shutdown("");
    const fault = { code: 6, subcode: Cease.ConfigurationChange, data: NO_DATA };
    this.restart(fault, "configuration changed");
  }

  /** For ever: no timer and no session of this peer remains. */
  remove(fault: Fault, detail: string): void {
    this.removed = true;
    this.stopAll(fault, detail);
    this.abandon(detail);
  }

  /** Ends what is kept of the peer for its return, whether it has a session now or not. */
  private abandon(why: string): void {
    this.context.sink.abandon?.(this.address, why);
  }

  /**
   * The speaker stops for ever: Cease to the peer. Resolves when its connections are gone.
   * @param keep a peer that would keep our routes is left without NOTIFICATION instead
   */
  close(text: string, keep = false): Promise<void> {
    if (keep && this.options.gracefulRestart.mode === "full") {
      for (const session of this.sessions) {
        if (session.agreed?.gracefulRestart !== undefined) session.depart();
      }
    }
    this.remove(
      { code: 6, subcode: Cease.AdministrativeShutdown, data: shutdownData(text) },
      "shutdown",
    );
    if (this.lingering === 0) return Promise.resolve();
    return new Promise((done) => (this.onGone = done));
  }

  /** Another TCP MD5 key of its instance: a call under way begins again; see `KeyedConnections`. */
  rekey(key: string): boolean {
    if (this.parked !== undefined && this.keyed.isKeyless(this.parked)) {
      this.parked.destroy();
      this.parked = undefined;
    }
    if (this.dialling !== undefined) this.dial();
    return this.keyed.rekey(this.sessions, key);
  }

  private get hasKey(): boolean {
    return this.context.keyFor(this.address, this.options) !== undefined;
  }

  /** Settings that a running session, if any, can take over. Returns why it cannot; undefined when it has. */
  adopt(options: PeerOptions, change: SettingsChange): string | undefined {
    const before = this.options;
    this.options = options;
    for (const session of this.sessions) {
      const obstacle = session.adopt(before, change);
      if (obstacle !== undefined) return obstacle;
    }
    if (this.heldDown && !change.none) this.endHoldDown();
    else if (change.changed.includes("passive") && this.sessions.length === 0)
      this.restartQuietly();
    return undefined;
  }

  /** Beyond a limit under the settings before: these get their chance. */
  private endHoldDown(): void {
    this.heldDown = false;
    this.failures = 0;
    this.hold(idleHoldMs(0, this.options.idleHold, this.options.idleHoldMax));
  }

  /** Without a session: who dials is another one now. */
  private restartQuietly(): void {
    if (this.ownState === State.Idle || this.adminDown || this.removed) return;
    this.disarmRetry();
    this.cancelDial();
    this.enter(State.Idle);
    this.start();
  }

  // From sessions.

  disconnected(): void {
    this.lingering--;
    if (this.lingering === 0) this.onGone();
  }

  opened(session: Session): OpenVerdict {
    const { negotiated } = session;
    const why = this.context.gateOpen(this.address, this.options, {
      as: negotiated.peerAs,
      routerId: negotiated.peerIdText,
      instance: session.instance,
    });
    if (why !== undefined) {
      const fault = { code: 6, subcode: Cease.ConnectionRejected, data: NO_DATA };
      session.stop("automaticStop", fault, { reason: "notification-sent", detail: why });
      return "lost";
    }
    const local = { id: bgpIdNumber(this.context.local().routerId), as: negotiated.localAs };
    const remote = { id: negotiated.peerId, as: negotiated.peerAs };
    let verdict: OpenVerdict = "go";
    for (const other of [...this.sessions]) {
      if (other === session) continue;
      switch (resolveCollision(session.connection.initiator, describe(other), local, remote)) {
        case "this":
          this.dump(session, "connection collision");
          return "lost";
        case "other":
          this.dump(other, "connection collision");
          break;
        case "other-quietly":
          other.replace();
          break;
        case "wait":
          verdict = "wait";
          break;
        case "none":
          break;
      }
    }
    return verdict;
  }

  established(): void {
    this.cancelDial();
    this.enter(State.Active);
    this.establishedAt = this.context.clock.now();
    this.since = this.context.clock.wall();
    this.establishedCount++;
    this.lastError = undefined;
    this.context.changed(this);
  }

  /** The peer is Established on this one as well: no other connection has a future. */
  confirmed(session: Session): void {
    for (const other of [...this.sessions]) {
      if (other !== session) this.dump(other, "connection collision");
    }
  }

  ended(session: Session, end: SessionEnd): void {
    this.sessions = this.sessions.filter((other) => other !== session);
    this.past.add(session.counters);
    const now = this.context.clock.now();
    this.quietSince = now;
    if (end.wasEstablished) {
      this.since = this.context.clock.wall();
      if (now - this.establishedAt >= STABLE_MS) this.failures = 0;
    }
    // What a collision costs is no news while the other connection lives.
    if (this.sessions.length === 0) {
      this.lastError = end.down.detail;
      if (!this.adminDown && !this.removed) this.goOn(end);
    }
    for (const other of this.sessions) other.proceed();
    this.context.changed(this);
  }

  private goOn(end: SessionEnd): void {
    if (end.next === State.Active) {
      // A dial under way is the next try already.
      if (this.dialling === undefined) this.enter(State.Active);
      this.armRetry();
      return;
    }
    this.cancelDial();
    this.enter(State.Idle);
    const { code, subcode } = end.down;
    const limit = code === 6 && subcode === Cease.MaximumPrefixes && end.down.reason !== RECEIVED;
    if (limit) {
      this.heldDown = true;
      const seconds = limitRestartSeconds(this.options);
      if (seconds > 0) this.hold(1000 * seconds);
      return;
    }
    this.hold(idleHoldMs(this.failures, this.options.idleHold, this.options.idleHoldMax));
    if (end.damp) this.failures++;
  }

  /** Rests in Idle until somebody says `proceed`. */
  private gated(instance?: string): boolean {
    const why = this.context.gate(this.address, this.options, instance);
    if (why !== undefined && this.sessions.length === 0) this.lastError = why;
    return why !== undefined;
  }

  /** Nothing stands in the way of a session any more. */
  proceed(): void {
    if (this.isAtRest) this.start();
  }

  private get isAtRest(): boolean {
    const idle = this.ownState === State.Idle && this.sessions.length === 0;
    return idle && this.idleTimer === undefined;
  }

  /** `hasten`, also for one of a range: it is known to be there, and connected to from now on. */
  call(): void {
    if (!this.options.passive) this.called = true;
    this.hasten();
  }

  /** It takes a place of its range, with a session or before. */
  get isCalled(): boolean {
    return this.called && this.dynamic;
  }

  /** `proceed`, and no timer is waited for: the peer is there now. */
  hasten(): void {
    if (this.adminDown || this.removed || this.heldDown || this.sessions.length > 0) return;
    this.failures = 0;
    if (this.parked !== undefined) return;
    if (this.ownState === State.Idle) {
      this.idleTimer?.cancel();
      this.idleTimer = undefined;
      this.start();
    } else if (!this.passive && !this.gated()) {
      // A SYN that met no key, or nobody, comes again by itself only after a long time.
      this.disarmRetry();
      this.run({ kind: "connectRetryExpires" });
    }
  }

  /** Never less protected than configured: such a peer stays in Idle. */
  private unservable(): boolean {
    const gap = this.context.gap(this.options);
    if (gap === undefined) return false;
    this.lastError = gap;
    this.context.log.error({ peer: this.address, why: gap }, "peer not started");
    return true;
  }

  private hold(milliseconds: number): void {
    this.idleTimer?.cancel();
    this.idleTimer = this.context.clock.setTimer(milliseconds, () => {
      this.idleTimer = undefined;
      this.heldDown = false;
      const { parked } = this;
      this.parked = undefined;
      if (this.unservable() || this.gated()) return parked?.destroy();
      // With the peer at the door there is no need to dial.
      this.run({ kind: "idleHoldExpires", passive: this.passive || parked !== undefined });
      if (parked !== undefined) this.incoming(parked);
    });
  }

  private run(event: Event): void {
    const { next, actions } = step(this.ownState, event);
    if (next !== State.OpenSent) this.enter(next as OwnState);
    for (const action of actions) {
      if (action.kind === "connect") this.dial();
      else if (action.kind === "close") this.cancelDial();
      else if (action.kind === "arm" && action.timer === "connectRetry") this.armRetry();
      else if (action.kind === "disarm") this.disarmRetry();
    }
  }

  private enter(next: OwnState): void {
    const before = this.ownState;
    if (next === before) return;
    this.ownState = next;
    this.context.log.debug({ peer: this.address, from: before, to: next }, "peer state");
  }

  /** A passive peer never dials, so it has nothing to retry. */
  private armRetry(): void {
    this.disarmRetry();
    if (this.passive) return;
    const wait = jitter(1000 * this.options.connectRetry, this.context.random);
    this.retryTimer = this.context.clock.setTimer(wait, () => {
      this.retryTimer = undefined;
      if (this.sessions.length === 0) this.run({ kind: "connectRetryExpires" });
    });
  }

  private disarmRetry(): void {
    this.retryTimer?.cancel();
    this.retryTimer = undefined;
  }

  private dial(): void {
    this.cancelDial();
    if (this.gated()) {
      this.disarmRetry();
      this.enter(State.Idle);
      return;
    }
    const { hasKey } = this;
    this.dialling = this.context.dialer.dial(
      { address: this.address, options: this.dialOptions() },
      (connection) => {
        this.dialling = undefined;
        if (this.isCalled && this.context.isCrowded(this)) return this.callInVain(connection);
        this.keyed.began(connection, hasKey);
        this.open(connection);
      },
      (error) => {
        this.dialling = undefined;
        if (this.sessions.length > 0) return this.enter(State.Active);
        this.lastError = dialDetail(error, this.options);
        const suppressed = this.context.logRate.pass(`${this.address} dial`);
        if (suppressed !== undefined) {
          const fields = { peer: this.address, error: error.message };
          this.context.log.info({ ...fields, ...LogRate.fields(suppressed) }, "connect failed");
        }
        this.run({ kind: "tcpFails" });
      },
    );
  }

  /** Others of its range have come meanwhile, as many as it has places for. */
  private callInVain(connection: Connection): void {
    refuse(connection, Cease.OutOfResources);
    this.called = false;
    this.disarmRetry();
    this.enter(State.Active);
  }

  private dialOptions(): PeerOptions {
    const { options, recalledFrom } = this;
    const localAddress = options.localAddress ?? recalledFrom;
    const password = this.context.keyFor(this.address, options) ?? options.password;
    if (localAddress === options.localAddress && password === options.password) return options;
    return { ...options, localAddress, password };
  }

  private cancelDial(): void {
    this.dialling?.cancel();
    this.dialling = undefined;
  }

  private open(connection: Connection): void {
    this.disarmRetry();
    if (connection.initiator === "local") this.enter(State.Active);
    const session = new Session(connection, this, this.context);
    this.sessions = [...this.sessions, session];
    this.lingering++;
    session.start();
  }

  private dump(session: Session, detail: string): void {
    const fault = { code: 6, subcode: Cease.Collision, data: NO_DATA };
    session.stop("collisionDump", fault, { reason: "collision", detail });
  }

  /** Ends everything and begins again after the shortest wait. */
  private restart(fault: Fault, detail: string): void {
    if (this.adminDown || this.removed) return;
    this.stopAll(fault, detail);
    this.failures = 0;
    this.heldDown = false;
    this.lastError = detail;
    this.hold(idleHoldMs(0, this.options.idleHold, this.options.idleHoldMax));
  }

  private stopAll(fault: Fault, detail: string): void {
    this.disarmRetry();
    this.cancelDial();
    const { parked } = this;
    this.parked = undefined;
    if (parked !== undefined) refuse(parked, fault.subcode);
    for (const session of [...this.sessions]) {
      session.stop("manualStop", fault, { reason: "shutdown", detail });
    }
    this.idleTimer?.cancel();
    this.idleTimer = undefined;
    this.enter(State.Idle);
  }
}

const RECEIVED = "notification-received";
