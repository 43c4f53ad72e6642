/**
 * One run of the state machine over one connection, from OpenSent to its end: performs the actions of
 * `fsm.ts`, frames messages, counts, keeps the timers' numbers.
 *
 * UPDATE and KEEPALIVE of an Established session, which are all but a handful of messages, take a short
 * way that is what the machine says for them: restart the hold timer, hand on.
 */
import { FAMILIES, familyOf } from "../../fast-bgp-codec/family.js";
import { isFault, Severity, type DecodeFault } from "../../fast-bgp-codec/fault.js";
import {
  checkHeader,
  HEADER_LENGTH,
  headerFault,
  MAX_LENGTH,
} from "../../fast-bgp-codec/header.js";
import { MessageType } from "../../fast-bgp-codec/iana.js";
import { KEEPALIVE } from "../../fast-bgp-codec/keepalive.js";
import { decodeNotification, encodeNotification } from "../../fast-bgp-codec/notification.js";
import { decodeOpen, encodeOpen, type Open } from "../../fast-bgp-codec/open.js";
import { decodeRouteRefresh } from "../../fast-bgp-codec/route-refresh.js";
import { readU8, toHex } from "../../util/bytes.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { PeerOptions } from "../settings.js";
import { step, State, type Action, type Event, type Fault } from "./fsm.js";
import { MessageCounters } from "./message-counters.js";
import { isHard, wrapHardReset } from "./hard-reset.js";
import { buildOpen, negotiate, type LocalSpeaker } from "./negotiate.js";
import {
  describeEnd,
  faultCause,
  silenceDetail,
  tcpDetail,
  unexpectedCause,
  type Cause,
  type SessionEnd,
  type Told,
} from "./session-end.js";
import { SessionTimers } from "./session-timers.js";
import { isSocketOption, type SettingsChange } from "./settings-change.js";
import { sendHoldSeconds, type Ticking, type TimerWheel } from "./timers.js";
import type {
  Connection,
  EstablishedSession,
  Negotiated,
  ReflectorSink,
  SentOctets,
  TappedSession,
  TapPoint,
} from "./types.js";

/** How long a NOTIFICATION may take to leave before the connection is cut. */
export const LINGER_MS = 2000;

/** What all sessions of a speaker share. */
export interface SessionContext {
  readonly local: () => LocalSpeaker;
  readonly sink: ReflectorSink;
  readonly wheel: TimerWheel;
  readonly log: Log;
  readonly random: () => number;
  /** This evpnd has just restarted and its peers may keep its routes: said in OPENs. */
  readonly restarting?: () => boolean;
  readonly taps: TapPoint;
  /** Failures that a peer can repeat as often as it connects have a line each now and then. */
  readonly logRate: LogRate;
}

/** The peer, as its sessions see it. */
export interface SessionOwner {
  readonly address: string;
  options: PeerOptions;
  readonly openWaitSeconds: number;
  /** The peer's OPEN is good. */
  opened(session: Session): OpenVerdict;
  established(): void;
  /** The first message after that. */
  confirmed(session: Session): void;
  ended(session: Session, end: SessionEnd): void;
  /** The connection of an ended session is really gone. */
  disconnected?(): void;
}

/** Go on; this connection lost a collision and is closed; or its OPEN rests until `proceed`. */
export type OpenVerdict = "go" | "lost" | "wait";

const NO_LIVE_SOCKET = "the live connection cannot take that";

let lastId = 0;

export class Session implements EstablishedSession, TappedSession, Ticking {
  readonly id = ++lastId;
  readonly connection: Connection;
  readonly counters = new MessageCounters();
  state: State = State.Active;
  /** The peer's OPEN, once it came. */
  open: Open | undefined;
  openSent: Uint8Array | undefined;
  openReceived: Uint8Array | undefined;
  /** What `negotiated` gives, undefined before the peer's OPEN is accepted. */
  agreed: Negotiated | undefined;
  private readonly context: SessionContext;
  private readonly owner: SessionOwner;
  private over = false;
  private everEstablished = false;
  private failureLogged = false;
  private maxIn = MAX_LENGTH;
  private cause: Cause = { reason: "", detail: "" };
  private message: { bytes: Uint8Array; start: number; end: number } | undefined;

  /** Established, and the peer sent something since: it is Established, too. */
  confirmed = false;
  /** The peer's OPEN waits for the outcome of a collision; so may its KEEPALIVE. */
  private resting = false;
  private keepaliveRested = false;
  private readonly timers: SessionTimers;
  private confirming = false;

  constructor(connection: Connection, owner: SessionOwner, context: SessionContext) {
    this.connection = connection;
    this.owner = owner;
    this.context = context;
    this.timers = new SessionTimers(context.wheel, context.random, connection);
  }

  /** Sends our OPEN and starts reading. */
  start(): void {
    const { connection, context } = this;
    connection.onBytes = (bytes, start, end) => this.received(bytes, start, end);
    connection.onClosed = (error) => this.tcpClosed(error);
    connection.onDrain = () => this.drained();
    context.wheel.add(this);
    this.run({ kind: connection.initiator === "local" ? "tcpConnected" : "tcpAccepted" });
    if (!this.over) connection.resume();
  }

  get peerAddress(): string {
    return this.owner.address;
  }

  get localAddress(): string {
    return this.connection.localAddress;
  }

  get instance(): string | undefined {
    return this.connection.instance;
  }

  get localAs(): number {
    return this.agreed?.localAs ?? this.context.local().as;
  }

  get options(): PeerOptions {
    return this.owner.options;
  }

  /** Only once the peer's OPEN is accepted. */
  get negotiated(): Negotiated {
    if (this.agreed === undefined) throw new Error("session has not negotiated yet");
    return this.agreed;
  }

  get ended(): boolean {
    return this.over;
  }

  get pendingBytes(): number {
    return this.connection.pendingBytes;
  }

  octets(): SentOctets | undefined {
    return this.connection.octets?.();
  }

  send(bytes: Uint8Array): void {
    if (this.over) return;
    this.counters.sent(readU8(bytes, HEADER_LENGTH - 1), 1);
    this.timers.sent(bytes.length);
    this.context.taps.tap?.sent(this, bytes);
    this.connection.write(bytes);
  }

  sendMany(buffers: readonly Uint8Array[], messages: number): void {
    if (this.over) return;
    this.counters.sent(MessageType.Update, messages);
    for (const bytes of buffers) this.timers.sent(bytes.length);
    const { tap } = this.context.taps;
    if (tap !== undefined) for (const bytes of buffers) tap.sent(this, bytes);
    this.connection.writeMany(buffers);
  }

  pause(): void {
    if (this.timers.paused || this.over) return;
    this.timers.pause();
    this.connection.pause();
  }

  resume(): void {
    if (!this.timers.paused || this.over) return;
    this.timers.resume();
    this.connection.resume();
  }

  reset(code: number, subcode: number, data: Uint8Array, why: string, hard = false): void {
    this.stop(
      "automaticStop",
      { code, subcode, data, hard },
      { reason: "notification-sent", detail: why },
    );
  }

  /** Ends the session with a NOTIFICATION; `manualStop` without damping. */
  stop(kind: "manualStop" | "automaticStop" | "collisionDump", fault: Fault, cause: Cause): void {
    if (!this.over) this.run({ kind, fault }, cause);
  }

  /** We stop and shall be back: no NOTIFICATION, so that the peer keeps our routes (RFC 4724 section 4.1). */
  depart(): void {
    if (this.over) return;
    this.run({ kind: "tcpFails" }, { reason: "restart", detail: "evpnd is restarting" });
  }

  /** The peer restarted and another connection takes over: no NOTIFICATION (RFC 4724 section 5). */
  replace(): void {
    if (this.over) return;
    const cause = { reason: "replaced", detail: "the peer restarted and connected again" };
    this.connection.destroy();
    this.run({ kind: "tcpFails" }, cause);
  }

  /** Takes over the owner's new options; returns why it cannot, undefined when it has. */
  adopt(before: PeerOptions, change: SettingsChange): string | undefined {
    const { options, connection } = this;
    if (change.socket) {
      const more = change.changed.some((name) => name !== "password" && isSocketOption(name));
      if (more && connection.protect?.(options) !== true) return NO_LIVE_SOCKET;
      const { password } = options;
      const rekey = password !== before.password && password !== undefined;
      if (rekey && connection.rekey?.(password) !== true) return NO_LIVE_SOCKET;
    }
    if (this.state !== State.Established) return undefined;
    const { holdTime } = this.negotiated;
    this.timers.armSendHold(sendHoldSeconds(options.sendHoldTime, holdTime));
    return change.work ? this.context.sink.reconfigured?.(this, before) : undefined;
  }

  tick(): void {
    const { timers } = this;
    if (timers.keepaliveDue()) this.run({ kind: "keepaliveExpires" });
    timers.watchOutput();
    if (!this.confirming && (timers.holdExpired() || timers.sendHoldExpired())) {
      this.confirming = true;
      this.context.wheel.afterPoll(() => this.confirmExpiry());
    }
  }

  private confirmExpiry(): void {
    const { timers } = this;
    this.confirming = false;
    if (this.over) return;
    timers.watchOutput();
    if (timers.holdExpired()) {
      this.run(
        { kind: "holdExpires" },
        { reason: "hold-timer", detail: silenceDetail(this.state, timers.holdTime) },
      );
    } else if (timers.sendHoldExpired()) {
      const detail = `the peer took no data for ${timers.sendHoldTime} s (send hold timer, RFC 9687)`;
      // A NOTIFICATION could not leave either (RFC 9687 section 4).
      this.connection.destroy();
      this.run({ kind: "sendHoldExpires" }, { reason: "send-hold-timer", detail });
    }
  }

  private drained(): void {
    if (this.state === State.Established && !this.over) this.context.sink.drained(this);
  }

  private tcpClosed(error: Error | undefined): void {
    if (this.over) return;
    this.run({ kind: "tcpFails" }, { reason: "tcp", detail: tcpDetail(this.state, error) });
  }

  private received(bytes: Uint8Array, start: number, end: number): number {
    this.context.wheel.pulse();
    let at = start;
    while (end - at >= HEADER_LENGTH) {
      const length = checkHeader(bytes, at, this.maxIn);
      if (length < 0) {
        this.badHeader(bytes, at, end);
        return end - start;
      }
      if (length > end - at) break;
      this.dispatch(bytes, at, at + length);
      if (this.over) return end - start;
      at += length;
    }
    return at - start;
  }

  private dispatch(bytes: Uint8Array, start: number, end: number): void {
    const type = readU8(bytes, start + HEADER_LENGTH - 1);
    this.counters.received(type);
    this.context.taps.tap?.received(this, bytes, start, end);
    if (this.state === State.Established) {
      // A NOTIFICATION may come from a peer that never got there.
      if (!this.confirmed && type !== MessageType.Notification) {
        this.confirmed = true;
        this.owner.confirmed(this);
      }
      if (type === MessageType.Update) return this.update(bytes, start, end);
      if (type === MessageType.Keepalive) {
        this.timers.heard();
        return;
      }
    }
    switch (type) {
      case MessageType.Open:
        return this.openMessage(bytes, start, end);
      case MessageType.Update:
        return this.run({ kind: "update" }, unexpectedCause("UPDATE", this.state));
      case MessageType.Notification:
        return this.notification(bytes, start, end);
      case MessageType.Keepalive:
        if (this.resting) {
          this.keepaliveRested = true;
          return;
        }
        return this.run({ kind: "keepalive" }, unexpectedCause("KEEPALIVE", this.state));
      default:
        this.message = { bytes, start, end };
        this.run({ kind: "routeRefresh" }, unexpectedCause("ROUTE-REFRESH", this.state));
        this.message = undefined;
    }
  }

  private update(bytes: Uint8Array, start: number, end: number): void {
    this.timers.heard();
    const fault = this.context.sink.update(this, bytes, start, end);
    if (fault === undefined || fault.severity !== Severity.SessionReset || this.over) return;
    this.logBytes(fault, bytes, start, end);
    this.run({ kind: "updateError", fault }, faultCause(fault));
  }

  private badHeader(bytes: Uint8Array, at: number, end: number): void {
    const fault = headerFault(bytes, at, this.maxIn)!;
    this.logBytes(fault, bytes, at, Math.min(end, at + HEADER_LENGTH));
    this.run({ kind: "headerError", fault }, faultCause(fault));
  }

  private openMessage(bytes: Uint8Array, start: number, end: number): void {
    if (this.state !== State.OpenSent) {
      return this.run({ kind: "open" }, unexpectedCause("OPEN", this.state));
    }
    const open = decodeOpen(bytes, start, end);
    if (isFault(open)) return this.badOpen(open, bytes, start, end);
    this.open = open;
    this.openReceived = bytes.slice(start, end);
    const agreed = negotiate(this.context.local(), this.options, open);
    if (isFault(agreed)) return this.badOpen(agreed, bytes, start, end);
    this.agreed = agreed;
    this.maxIn = agreed.maxMessageIn;
    const verdict = this.owner.opened(this);
    if (verdict === "go") this.run({ kind: "open" });
    this.resting = verdict === "wait";
  }

  /** The other connection of a collision is gone: what rested goes on. */
  proceed(): void {
    if (!this.resting || this.over) return;
    this.resting = false;
    this.run({ kind: "open" });
    if (this.keepaliveRested) this.run({ kind: "keepalive" });
  }

  private badOpen(fault: DecodeFault, bytes: Uint8Array, start: number, end: number): void {
    this.logBytes(fault, bytes, start, end);
    this.run({ kind: "openError", fault }, faultCause(fault));
  }

  private notification(bytes: Uint8Array, start: number, end: number): void {
    const told = { ...decodeNotification(bytes, start, end), fromPeer: true };
    const kind = told.code === 2 && told.subcode === 1 ? "versionNotification" : "notification";
    this.run({ kind }, { reason: "notification-received", detail: "" }, told);
  }

  private refresh(): void {
    const { bytes, start, end } = this.message!;
    const request = decodeRouteRefresh(bytes, start, end);
    if (isFault(request)) {
      this.logBytes(request, bytes, start, end);
      return this.run({ kind: "updateError", fault: request }, faultCause(request));
    }
    const { afi, safi, subtype } = request;
    const family = familyOf(afi, safi);
    if (family === undefined || (this.negotiated.families & (1 << family)) === 0 || subtype > 2) {
      const why = subtype > 2 ? "unknown subtype" : "family not negotiated";
      // Not above debug: a peer can send as many as it likes.
      this.context.log.debug(
        { peer: this.peerAddress, afi, safi, subtype, bytes: toHex(bytes, start, end) },
        `ROUTE-REFRESH ignored: ${why}`,
      );
      return;
    }
    this.context.log.debug(
      { peer: this.peerAddress, family: FAMILIES[family]!.name, subtype },
      "ROUTE-REFRESH received",
    );
    this.context.sink.routeRefresh(this, family, subtype);
  }

  /** Gives the event to the machine and does what it says. */
  private run(event: Event, cause?: Cause, received?: Told): void {
    const before = this.state;
    const { next, actions } = step(before, event);
    if (cause !== undefined) this.cause = cause;
    this.state = next;
    if (next !== before) {
      this.context.taps.tap?.state(this, before, next);
      this.context.log.debug(
        { peer: this.peerAddress, session: this.id, from: before, to: next, event: event.kind },
        "session state",
      );
    }
    let told = received;
    for (const action of actions) {
      if (action.kind === "notify") told = { ...action.fault, fromPeer: false };
      this.perform(action, next, told);
    }
  }

  private perform(action: Action, next: State, told: Told | undefined): void {
    switch (action.kind) {
      case "send":
        return action.message === "keepalive" ? this.sendKeepalive() : this.sendOpen();
      case "notify":
        this.counters.sent(MessageType.Notification, 1);
        return this.sendNotification(encodeNotification(this.wrapped(action.fault)));
      case "arm":
        if (action.timer === "hold") this.armHold(action.time);
        else if (action.timer === "keepalive") {
          this.timers.armKeepalive(this.negotiated.keepaliveTime);
        }
        return;
      case "established":
        return this.becomeEstablished();
      case "refresh":
        return this.refresh();
      case "close":
        return this.finish(next, action.damp, told);
      case "update":
      case "connect":
      case "disarm":
        // UPDATE took the short way; the others are the peer's, see peer.ts.
        return;
    }
  }

  private sendOpen(): void {
    this.openSent = encodeOpen(
      buildOpen(this.context.local(), this.options, this.context.restarting?.()),
    );
    this.send(this.openSent);
  }

  private sendNotification(bytes: Uint8Array): void {
    this.context.taps.tap?.sent(this, bytes);
    this.connection.write(bytes);
  }

  /** As the peer is to understand it: in notification mode it would keep our routes after any other (RFC 8538). */
  private wrapped(fault: Fault): Fault {
    const hard = fault.hard === true || isHard(fault.code, fault.subcode);
    const mode = this.everEstablished && this.agreed?.gracefulRestart?.notification === true;
    return hard && mode ? wrapHardReset(fault) : fault;
  }

  private sendKeepalive(): void {
    if (this.timers.keepaliveQueued()) return;
    this.send(KEEPALIVE);
    this.timers.keepaliveSent();
  }

  private armHold(time: "large" | "negotiated"): void {
    if (time === "large") return this.timers.armHold(this.owner.openWaitSeconds);
    const { holdTime } = this.negotiated;
    this.timers.armHold(holdTime);
    this.timers.armSendHold(sendHoldSeconds(this.options.sendHoldTime, holdTime));
  }

  private becomeEstablished(): void {
    this.everEstablished = true;
    this.context.log.info(
      {
        peer: this.peerAddress,
        session: this.id,
        as: this.negotiated.peerAs,
        routerId: this.negotiated.peerIdText,
        holdTime: this.negotiated.holdTime,
        initiator: this.connection.initiator,
      },
      "session established",
    );
    this.owner.established();
    this.context.sink.established(this);
    this.context.taps.tap?.established(this);
  }

  private finish(next: State, damp: boolean, told: Told | undefined): void {
    if (this.over) return;
    this.over = true;
    this.context.wheel.remove(this);
    this.connection.end(LINGER_MS, () => this.owner.disconnected?.());
    const down = describeEnd(this.cause, told);
    const fields = { session: this.id, reason: down.reason, detail: down.detail };
    if (this.everEstablished) {
      this.context.log.warn({ peer: this.peerAddress, ...fields }, "session down");
    } else this.logFailure("info", fields, "session failed");
    if (this.everEstablished) this.context.sink.closed(this, down);
    this.context.taps.tap?.ended(this, down, this.everEstablished);
    this.owner.ended(this, { down, next, damp, wasEstablished: this.everEstablished });
  }

  private logBytes(fault: DecodeFault, bytes: Uint8Array, start: number, end: number): void {
    const fields = {
      session: this.id,
      code: fault.code,
      subcode: fault.subcode,
      bytes: toHex(bytes, start, end),
    };
    if (this.everEstablished) {
      this.context.log.warn({ peer: this.peerAddress, ...fields }, fault.detail);
    } else this.logFailure("warn", fields, fault.detail);
  }

  /** A handshake that failed: one line, and no more than one in a while for each peer. */
  private logFailure(level: "info" | "warn", fields: object, message: string): void {
    if (this.failureLogged) return;
    this.failureLogged = true;
    const suppressed = this.context.logRate.pass(this.peerAddress);
    if (suppressed === undefined) return;
    const more = LogRate.fields(suppressed);
    this.context.log[level]({ peer: this.peerAddress, ...fields, ...more }, message);
  }
}
