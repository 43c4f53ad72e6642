/**
 * Runs operations through the reflector and the model side by side. Everything the reflector sends
 * is decoded at once and held against the model; see `receiver.ts`.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import type { DecodeFault } from "../../../src/fast-bgp-codec/fault.js";
import { Severity } from "../../../src/fast-bgp-codec/fault.js";
import type { PolicySettings } from "../../../src/bgp/policy/rules/settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import type {
  EstablishedSession,
  ReflectorSink,
  SessionDown,
} from "../../../src/bgp/session/types.js";
import type { Clock, TimerHandle } from "../../../src/util/clock.js";
import { silentLog, type Log } from "../../../src/util/log.js";
import { check, decodeMessages, type Decoded } from "./decode.js";
import { FakeClock, FakeSession, SoonQueue } from "./fake.js";
import { keyIn, Model } from "./model.js";
import { encodeOp, judge, type Op, type UpdateOp } from "./ops.js";
import { CLUSTER_ID, EVPN_ONLY, has, optionsOf, OWN_AS, OWN_ID, type PeerSpec } from "./peer.js";
import { Receiver } from "./receiver.js";
import type { Loss } from "./retention.js";
import { POLICY_SETTINGS } from "./rules.js";
import { endOfRib } from "./wire.js";

/** The part of the reflector that a run needs. */
export interface ReflectorUnderTest extends ReflectorSink {
  audit(): readonly string[];
  stats(): Readonly<Record<string, number>>;
  reconfigured(session: EstablishedSession, before: PeerOptions): string | undefined;
  readonly policies: {
    configure(policies: readonly PolicySettings[]): void;
    refresh(): readonly string[];
  };
}

export interface ReflectorSettings {
  readonly as: number;
  readonly routerId: number;
  readonly clusterId: number;
  readonly compareMobility: boolean;
  readonly flushIntervalMs: number;
  readonly log: Log;
  readonly clock: Clock;
  readonly soon: (run: () => void) => void;
}

export type MakeReflector = (settings: ReflectorSettings) => ReflectorUnderTest;

const FLUSH_INTERVAL_MS = 1;
/** RFC 4684 section 6. */
const MEMBERSHIP_WAIT_MS = 60_000;

/** How long the reflector may take for what a timer of its own begins, or an option changes. */
const WORK_MS = 500;

const DOWNS: Readonly<Record<Loss, SessionDown>> = {
  lost: { reason: "tcp", detail: "connection lost" },
  notification: { reason: "notification-received", detail: "", code: 4, subcode: 0 },
  hard: { reason: "notification-received", detail: "", code: 6, subcode: 9, hard: true },
};

interface Line {
  readonly session: FakeSession;
  readonly receiver: Receiver;
  /** What the peer wrote while the reflector did not want to read. */
  readonly inbox: UpdateOp[];
}

export class Harness {
  readonly model: Model;
  readonly reflector: ReflectorUnderTest;
  readonly clock: FakeClock;
  private readonly queue = new SoonQueue();
  /** As they would come up now. */
  private readonly peers: PeerSpec[];
  /** Counts the occasions on which the reflector may be behind the model for a while. */
  private occasions = 0;
  private isBehind = false;
  private expiry: { readonly at: number; readonly timer: TimerHandle } | undefined;
  private readonly lines = new Map<number, Line>();
  private nextSessionId = 1;
  /** Peers whose sessions the reflector may end, and why it did. */
  readonly resets = new Map<number, string | undefined>();
  /** Buffers in flight and what they held when they were given away. */
  private flight = new Map<Uint8Array, { copy: Buffer; forms: Map<string, Decoded[]> }>();

  /** @param drift see `FakeClock` */
  constructor(
    make: MakeReflector,
    peers: readonly PeerSpec[],
    compareMobility: boolean,
    drift = 0,
  ) {
    this.peers = [...peers];
    this.clock = new FakeClock(drift);
    this.model = new Model(compareMobility);
    this.reflector = make({
      as: OWN_AS,
      routerId: OWN_ID,
      clusterId: CLUSTER_ID,
      compareMobility,
      flushIntervalMs: FLUSH_INTERVAL_MS,
      log: silentLog,
      clock: this.clock,
      soon: this.queue.soon,
    });
    this.reflector.policies.configure(POLICY_SETTINGS);
  }

  /** The receiving end of a session that is up. */
  receiver(index: number): Receiver {
    const line = this.lines.get(index);
    check(line !== undefined, `session ${String(index)} is down`);
    return line.receiver;
  }

  /** The session's own messages (KEEPALIVE) join what is pending. */
  addPending(index: number, octets: number): void {
    const line = this.lines.get(index);
    if (line !== undefined) line.session.pendingBytes += octets;
  }

  apply(op: Op): void {
    this.deliverInboxes();
    switch (op.kind) {
      case "up":
        return this.up(op.peer, op.over ?? {});
      case "down":
        return this.down(op.peer, op.loss ?? "lost");
      case "change":
        return this.change(op.peer, op.over, op.rest);
      case "update":
        return this.update(op);
      case "end-of-rib":
        return this.withLine(op.peer, ({ session, receiver }) => {
          if (session.paused || !has(receiver.peer.families, op.family)) return;
          if (op.family === Family.RouteTarget) this.release(op.peer, session);
          this.loosenFor(this.model.endOfRib(op.peer, op.family));
          if (op.family === Family.RouteTarget) receiver.touched(this.model.targetedKeys());
          this.give(session, endOfRib(op.family));
        });
      case "refresh":
        return this.withLine(op.peer, (line) => this.refresh(line, op.family, op.subtype));
      case "block":
        return this.withLine(op.peer, ({ session }) => {
          session.block(op.pending);
        });
      case "drain":
        return this.withLine(op.peer, ({ session }) => this.drain(session, op.to, op.choke));
      case "soon":
        return this.queue.runOnce();
      case "tick":
        return this.clock.advance(op.milliseconds);
      case "settle":
        return this.settle();
    }
  }

  /** The model alone takes the UPDATE. */
  believe(op: Op): void {
    if (op.kind !== "update") return;
    const word = judge(op, this.receiver(op.peer).peer);
    if (word !== "reset") this.touched(this.model.update(op.peer, word));
  }

  /** The reflector alone takes the UPDATE. */
  tellOnly(op: Op): void {
    if (op.kind !== "update") return;
    this.withLine(op.peer, ({ session, receiver }) =>
      this.give(session, encodeOp(op, receiver.peer)),
    );
  }

  /** Runs what is queued and due, with the slow peers left asleep. */
  run(): void {
    for (let turns = 0, quiet = 0; quiet < 20; turns++) {
      check(turns < 100_000, "the reflector never comes to rest");
      if (this.queue.length > 0) {
        this.queue.runOnce();
        quiet = 0;
      } else {
        this.clock.advance(FLUSH_INTERVAL_MS * 2);
        quiet++;
      }
      this.deliverInboxes();
    }
  }

  settle(): void {
    this.run();
    for (const { session } of this.lines.values()) this.drain(session, 0);
    this.run();
    this.catchUp();
    this.touched(this.model.own.settled(this.clock.now()));
    for (const [index, { session, receiver, inbox }] of this.lines) {
      check(!session.paused && inbox.length === 0, `session ${String(index)} is paused for ever`);
      this.naming(index, () => receiver.settled());
    }
    for (const [buffer, { copy }] of this.flight)
      check(copy.equals(buffer), "a buffer was changed after it had been given away");
    this.flight = new Map();
    this.audit();
  }

  /** The reflector gets the time for all it may be behind with. */
  private catchUp(): void {
    while (this.isBehind) {
      const before = this.occasions;
      this.clock.advance(WORK_MS);
      this.run();
      this.isBehind = this.occasions !== before;
    }
  }

  /** The reflector may be behind the model from now on, for a while. */
  private loosen(): void {
    this.occasions++;
    this.isBehind = true;
    for (const { receiver } of this.lines.values()) receiver.forgive();
  }

  private loosenFor(keys: readonly string[]): void {
    this.touched(keys);
    if (keys.length > 0) this.loosen();
  }

  audit(): void {
    const findings = this.reflector.audit();
    check(findings.length === 0, `audit: ${findings.slice(0, 5).join("; ")}`);
  }

  /** Everybody leaves; nothing may stay behind. `still` names the counts that are of living things. */
  end(still: (name: string) => boolean): void {
    for (const index of [...this.lines.keys()]) this.down(index, "hard");
    this.run();
    // What the reflector wants itself lingers.
    for (let minutes = 0; minutes < 3; minutes++) {
      this.clock.advance(60_000);
      this.run();
    }
    this.audit();
    for (const [name, count] of Object.entries(this.reflector.stats()))
      if (still(name))
        check(count === 0, `${name} is ${String(count)} after all sessions are gone`);
  }

  /**
   * The routes of lost sessions go in slices, a session a turn; until then others may be sent what
   * the model has forgotten. It counts only once nobody is leaving, and nothing else is under way.
   */
  private isExact(): boolean {
    return !this.isBehind && this.reflector.stats()["leaving_sessions"] === 0;
  }

  private withLine(index: number, act: (line: Line) => void): void {
    const line = this.lines.get(index);
    if (line !== undefined) this.naming(index, () => act(line));
  }

  private naming(index: number, act: () => void): void {
    try {
      act();
    } catch (error) {
      if (error instanceof Error && !error.message.startsWith("session "))
        error.message = `session ${String(index)}: ${error.message}`;
      throw error;
    }
  }

  private up(index: number, over: Partial<PeerSpec>): void {
    const known = this.peers[index];
    if (known === undefined || this.lines.has(index)) return;
    const peer = { ...known, ...over };
    const kept = this.model.up(peer, this.clock.time);
    this.touched(this.model.renewOwn(this.clock.time));
    const receiver = new Receiver(peer, this.model, () => this.isExact());
    const session = new FakeSession(
      this.nextSessionId++,
      peer,
      (buffer) => this.deliver(index, receiver, buffer),
      (why) => {
        check(this.resets.has(index), `session ${String(index)} was reset: ${why}`);
        this.resets.set(index, why);
        this.down(index, "hard");
      },
    );
    this.lines.set(index, { session, receiver, inbox: [] });
    this.loosenFor(kept);
    this.armExpiry();
    if (has(peer.families, Family.RouteTarget))
      this.clock.setTimer(MEMBERSHIP_WAIT_MS, () => this.release(index, session));
    this.reflector.established(session);
  }

  private release(index: number, session: FakeSession): void {
    const line = this.lines.get(index);
    if (line?.session !== session || this.model.isReleased(index)) return;
    this.model.release(index);
    line.receiver.released();
  }

  private down(index: number, loss: Loss, before: () => void = () => undefined): void {
    const line = this.lines.get(index);
    if (line === undefined) return;
    this.lines.delete(index);
    const keys = this.model.down(index, loss, this.clock.time);
    this.touched(keys);
    if (this.model.nextExpiry() < Infinity) this.loosenFor(keys);
    this.touched(this.model.renewOwn(this.clock.time));
    this.armExpiry();
    before();
    line.session.isOpen = false;
    this.reflector.closed(line.session, DOWNS[loss]);
  }

  /** The model's timers of what is kept are set before the reflector's, and run before them. */
  private armExpiry(): void {
    const at = this.model.nextExpiry();
    if (this.expiry?.at === at) return;
    this.expiry?.timer.cancel();
    this.expiry = undefined;
    if (at === Infinity) return;
    const timer = this.clock.setTimer(Math.max(0, at - this.clock.time), () => {
      this.expiry = undefined;
      this.loosenFor(this.model.expire(this.clock.time));
      this.armExpiry();
    });
    this.expiry = { at, timer };
  }

  /** As a reload does it: the session has its new options, then the reflector is told. */
  private change(index: number, over: Partial<PeerSpec>, rest: boolean): void {
    const line = this.lines.get(index);
    const known = this.peers[index];
    if (line === undefined || known === undefined) return;
    this.peers[index] = { ...known, ...over };
    const { session, receiver } = line;
    const peer = { ...receiver.peer, ...over };
    const before = session.options;
    session.options = optionsOf(peer);
    receiver.peer = peer;
    this.touched(this.model.change(index, peer));
    this.touched(this.model.renewOwn(this.clock.time));
    receiver.compareAll();
    this.loosen();
    const obstacle = this.reflector.reconfigured(session, before);
    this.reflector.policies.refresh();
    if (obstacle !== undefined) {
      this.down(index, "hard");
      this.up(index, {});
    }
    if (!rest) return;
    this.run();
    this.catchUp();
  }

  private update(op: UpdateOp): void {
    const line = this.lines.get(op.peer);
    if (line === undefined) return;
    if (line.session.paused || line.inbox.length > 0) {
      line.inbox.push(op);
      return;
    }
    const { peer } = line.receiver;
    const word = judge(op, peer);
    const bytes = encodeOp(op, peer);
    if (word === "reset") {
      this.down(op.peer, "notification", () => {
        const fault = this.giveRaw(line.session, bytes);
        check(fault?.severity === Severity.SessionReset, "a session reset was due");
      });
      return;
    }
    this.touched(this.model.update(op.peer, word));
    if (saysMemberships(op)) line.receiver.touched(this.model.targetedKeys());
    this.give(line.session, bytes);
  }

  private refresh(line: Line, family: Family, subtype: 0 | 1 | 2): void {
    const { session, receiver } = line;
    const { peer } = receiver;
    if (session.paused || !has(peer.families, family)) return;
    if (subtype !== 0 && !peer.enhancedRefresh) return;
    if (subtype === 0) receiver.requested(family);
    if (subtype === 1) this.model.refreshBegins(peer.index, family);
    if (subtype === 2) {
      // Sweeps take turns with other long work.
      this.loosenFor(this.model.refreshEnds(peer.index, family));
    }
    if (family === Family.RouteTarget) receiver.touched(this.model.targetedKeys());
    this.reflector.routeRefresh(session, family, subtype);
  }

  private drain(session: FakeSession, to: number, choke = false): void {
    if (session.slow && session.drain(to, choke)) this.reflector.drained(session);
  }

  private deliverInboxes(): void {
    for (const { session, inbox } of [...this.lines.values()]) {
      if (session.paused || inbox.length === 0) continue;
      for (const op of inbox.splice(0)) this.update(op);
    }
  }

  private touched(names: readonly string[]): void {
    const keys = names.map(keyIn);
    for (const { receiver } of this.lines.values()) receiver.touched(keys);
  }

  private give(session: FakeSession, bytes: Buffer): void {
    const fault = this.giveRaw(session, bytes);
    check(
      fault === undefined || fault.severity !== Severity.SessionReset,
      `session reset for a harmless message: ${fault?.detail ?? ""}`,
    );
  }

  /** The bytes lie somewhere in a read buffer, and are overwritten by the next read. */
  private giveRaw(session: FakeSession, bytes: Buffer): DecodeFault | undefined {
    const room = new Uint8Array(bytes.length + 48).fill(0xa5);
    room.set(bytes, 7);
    const fault = this.reflector.update(session, room, 7, 7 + bytes.length);
    room.fill(0x5a);
    return fault;
  }

  private deliver(index: number, receiver: Receiver, buffer: Uint8Array): number {
    let known = this.flight.get(buffer);
    if (known === undefined) {
      known = { copy: Buffer.from(buffer), forms: new Map() };
      this.flight.set(buffer, known);
    }
    const { as4, takesPaths } = receiver.peer;
    const addPath = takesPaths === undefined ? 0 : EVPN_ONLY;
    const form = `${String(as4)} ${String(addPath)}`;
    const messages = known.forms.get(form) ?? decodeMessages(known.copy, as4, addPath);
    known.forms.set(form, messages);
    check(known.copy.equals(buffer), "a buffer was changed after it had been given away");
    this.naming(index, () => {
      for (const message of messages) receiver.take(message);
    });
    return messages.length;
  }
}

function saysMemberships({ parts: { reach, unreach } }: UpdateOp): boolean {
  return reach?.family === Family.RouteTarget || unreach?.family === Family.RouteTarget;
}
