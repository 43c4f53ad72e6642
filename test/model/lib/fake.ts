/** Clock, end-of-turn queue and session, as a test holds them in its hand. */
import type { Clock, TimerHandle } from "../../../src/util/clock.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import type { EstablishedSession, Negotiated } from "../../../src/bgp/session/types.js";
import { LOCAL_ADDRESS } from "./model.js";
import { negotiatedOf, optionsOf, type PeerSpec } from "./peer.js";

export class FakeClock implements Clock {
  private passed = 1000;
  private timers: { readonly at: number; readonly run: () => void }[] = [];
  private readonly drift: number;

  /** @param drift milliseconds that pass at every look at the clock: makes work run over its time budget */
  constructor(drift = 0) {
    this.drift = drift;
  }

  now(): number {
    this.passed += this.drift;
    return this.passed;
  }

  /** The time, without a look at it. */
  get time(): number {
    return this.passed;
  }

  wall(): number {
    return 1_700_000_000_000 + this.time;
  }

  setTimer(milliseconds: number, run: () => void): TimerHandle {
    const timer = { at: this.time + milliseconds, run };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((one) => one !== timer);
      },
    };
  }

  /** Runs what falls due on the way, in order. */
  advance(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.timers.filter((one) => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.passed = Math.max(this.passed, due.at);
      due.run();
    }
    this.passed = end;
  }
}

/** The queue behind `soon`: what the event loop would run after this turn's reads. */
export class SoonQueue {
  private queue: (() => void)[] = [];

  readonly soon = (run: () => void): void => {
    this.queue.push(run);
  };

  get length(): number {
    return this.queue.length;
  }

  /** What was queued by now; what that queues waits for the next turn. */
  runOnce(): void {
    const now = this.queue;
    this.queue = [];
    for (const run of now) run();
  }
}

/** Beyond so many pending octets a session is full; it is told of when it has drained below the others. */
export const HIGH_WATER = 256 * 1024;
export const LOW_WATER = 64 * 1024;
/** Pending octets of a session that takes nothing. */
export const FULL = HIGH_WATER + 1;

export class FakeSession implements EstablishedSession {
  readonly id: number;
  readonly peerAddress: string;
  readonly localAddress = LOCAL_ADDRESS;
  options: PeerOptions;
  readonly negotiated: Negotiated;
  pendingBytes = 0;
  /** The peer does not read: what is sent stays pending. */
  slow = false;
  /** The next send fills it: for a peer that reads just one portion. */
  private choke = false;
  /** Has drained, and nothing has been sent since: nothing can have piled up. */
  private isDrained = false;
  /** Has been full, and has not drained since. */
  private congested = false;
  paused = false;
  isOpen = true;
  private readonly deliver: (buffer: Uint8Array) => number;
  private readonly onReset: (why: string) => void;

  /** @param deliver takes a buffer of whole messages and returns how many there were */
  constructor(
    id: number,
    peer: PeerSpec,
    deliver: (buffer: Uint8Array) => number,
    onReset: (why: string) => void,
  ) {
    this.id = id;
    this.peerAddress = peer.address;
    this.options = optionsOf(peer);
    this.negotiated = negotiatedOf(peer);
    this.deliver = deliver;
    this.onReset = onReset;
  }

  send(bytes: Uint8Array): void {
    this.sendMany([bytes], -1);
  }

  sendMany(buffers: readonly Uint8Array[], messages: number): void {
    if (!this.isOpen) throw new Error("something is sent to a closed session");
    if (this.pendingBytes > HIGH_WATER) throw new Error("something is sent to a full session");
    this.isDrained = false;
    let sent = 0;
    for (const buffer of buffers) {
      sent += this.deliver(buffer);
      if (this.slow) this.pendingBytes += buffer.length;
    }
    if (this.choke) this.block(FULL);
    this.choke = false;
    this.congested ||= this.pendingBytes > HIGH_WATER;
    if (messages >= 0 && sent !== messages)
      throw new Error(`${String(sent)} messages were sent and ${String(messages)} counted`);
  }

  /** The peer stops reading with so much pending, if that may be. */
  block(pending: number): void {
    this.slow = true;
    if (this.isDrained && pending <= HIGH_WATER) return;
    this.pendingBytes = Math.max(this.pendingBytes, pending);
    this.congested ||= this.pendingBytes > HIGH_WATER;
  }

  /** The peer reads until so much is pending; true when the reflector is to be told. */
  drain(pending: number, choke: boolean): boolean {
    this.choke = choke;
    this.pendingBytes = Math.min(this.pendingBytes, pending);
    if (pending === 0) this.slow = false;
    if (!this.congested || this.pendingBytes >= LOW_WATER) return false;
    this.congested = false;
    this.isDrained = true;
    return true;
  }

  pause(): void {
    this.paused = true;
  }

  resume(): void {
    this.paused = false;
  }

  reset(_code: number, _subcode: number, _data: Uint8Array, why: string): void {
    this.onReset(why);
  }
}
