/**
 * Heartbeats: signed, counted, bound to the reader's nonce. They say that the Sec-EM lives, what time it has,
 * and how many revocations there are; a recorded one says nothing (docs/asmn-protocol.md, "Feed"). Whoever
 * slows the stream down shows: the signed time falls behind the reader's monotonic clock.
 */
import { equalSecrets, keyId } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { defineDocument } from "./document.js";
import type { KeyRing } from "./key-certificate.js";
import { name, octets, u16, u64 } from "./kinds.js";
import { defineStruct, field } from "./struct.js";
import { fail, MODE, pass } from "./words.js";
import type { Checked } from "./words.js";

export const HEARTBEAT_SECONDS = 5;
export const STALE_SECONDS = 15;
/** The first one must come this soon after it was asked for: it says how late the others are. */
export const FIRST_SECONDS = 5;
/** Clocks may run apart by this part of the time that passes, */
const DRIFT = 0.001;
/** and by this much on one subscription: who slows the stream down slowly gains no more. */
const DRIFT_MS = 4000;

export interface HeartbeatDocument {
  readonly mode: "sound";
  readonly issuer: Uint8Array;
  readonly secEm: string;
  readonly audience: string;
  /** Of `Subscribe`; on an agent's connection the TLS exporter. */
  readonly nonce: Uint8Array;
  /** From 1, up by one on each subscription. */
  readonly sequence: number;
  readonly time: number;
  readonly epoch: number;
  readonly revocation: number;
  readonly intervalSeconds: number;
}

const document = defineDocument<HeartbeatDocument>(
  "heartbeat",
  defineStruct("heartbeat", {
    mode: field(1, MODE),
    issuer: field(2, octets(16)),
    secEm: field(3, name),
    audience: field(4, name),
    nonce: field(5, octets(32)),
    sequence: field(6, u64),
    time: field(7, u64),
    epoch: field(8, u64),
    revocation: field(9, u64),
    intervalSeconds: field(10, u16),
  }),
);

export function signHeartbeat(
  heartbeat: Omit<HeartbeatDocument, "issuer" | "mode">,
  key: SigningKey,
): Uint8Array {
  return document.sign({ ...heartbeat, mode: "sound", issuer: keyId(key.publicKey) }, key);
}

/** What a reader knows of a Sec-EM from before, also over a restart when it stores it. */
export interface KnownSecEm {
  readonly epoch: number;
  readonly revocation: number;
}

export interface HeartbeatSource {
  readonly secEm: string;
  readonly audience: string;
  /** 32 random octets, new for each subscription; on an agent's connection the TLS exporter. */
  readonly nonce: Uint8Array;
  /** Monotonic milliseconds at which it was asked for. */
  readonly askedAt: number;
  readonly known?: KnownSecEm | undefined;
  readonly staleSeconds?: number | undefined;
}

/** One subscription's heartbeats, on the reader's side. */
export class HeartbeatWatch {
  private readonly source: HeartbeatSource;
  private readonly ring: KeyRing;
  private readonly staleMs: number;
  private last: HeartbeatDocument | undefined;
  private lastAt = 0;
  /** Own clock - signed time of the earliest heartbeat, where drift has not moved beyond it; and when. */
  private offset = Infinity;
  private offsetAt = 0;
  private least = Infinity;
  private shown = 0;

  constructor(source: HeartbeatSource, ring: KeyRing) {
    this.source = source;
    this.ring = ring;
    this.staleMs = (source.staleSeconds ?? STALE_SECONDS) * 1000;
  }

  /**
   * Reasons: malformed, issuer, key-expired, signature, audience, expired, serial, epoch.
   * @param now monotonic milliseconds
   */
  accept(octets: Uint8Array, now: number): Checked<HeartbeatDocument> {
    const opened = document.open(octets);
    if (!opened.ok) return opened;
    const { value, signedBy } = opened.value;
    const { secEm, audience, nonce } = this.source;
    if (value.secEm !== secEm)
      return fail("issuer", `a heartbeat of ${value.secEm} on the connection of ${secEm}`);
    const key = this.ring.findById("verdict", value.secEm, value.issuer);
    if (!key.ok) return key;
    if (!signedBy(key.value.publicKey))
      return fail("signature", "the heartbeat's signature is wrong");
    if (value.audience !== audience)
      return fail("audience", `the heartbeat is for ${value.audience}`);
    if (!equalSecrets(value.nonce, nonce))
      return fail("expired", "the heartbeat belongs to another subscription");
    const order = this.checkOrder(value, now);
    if (!order.ok) return order;
    this.remember(value, now);
    return pass(value);
  }

  /** A revocation came, or a snapshot that contains all up to this one. */
  revocationShown(sequence: number): void {
    this.shown = Math.max(this.shown, sequence);
  }

  /** The Sec-EM knows of a revocation that did not come: stale, and a new subscription. */
  get missing(): boolean {
    return (this.last?.revocation ?? 0) > this.shown;
  }

  /** The Sec-EM's time at `now`, the latest that its heartbeats allow; undefined before the first. */
  secEmTime(now: number): number | undefined {
    return this.last === undefined ? undefined : now - this.baseline(now);
  }

  /** How late the last heartbeat was against the earliest one, milliseconds. */
  lagMs(): number {
    if (this.last === undefined) return 0;
    return Math.max(0, this.lastAt - this.last.time - this.baseline(this.lastAt));
  }

  /** None yet, none for too long, or the stream has fallen behind by as much. */
  isStale(now: number): boolean {
    return this.last === undefined || now >= this.staleAt();
  }

  /** Monotonic milliseconds at which it is stale if nothing more comes; in the past if it is. */
  staleAt(): number {
    if (this.last === undefined) return this.source.askedAt + FIRST_SECONDS * 1000;
    return this.lastAt - this.lagMs() + this.staleMs;
  }

  /** To be stored by who wants to notice a Sec-EM that goes back. */
  known(): KnownSecEm | undefined {
    return this.last ?? this.source.known;
  }

  private checkOrder(value: HeartbeatDocument, now: number): Checked<undefined> {
    const { secEm, askedAt } = this.source;
    const known = this.known();
    const sequence = (this.last?.sequence ?? 0) + 1;
    if (value.sequence !== sequence)
      return fail("serial", `heartbeat ${value.sequence} where ${sequence} is due`);
    if (this.last === undefined && now - askedAt > FIRST_SECONDS * 1000)
      return fail("expired", `the first heartbeat took more than ${FIRST_SECONDS} s`);
    if (known === undefined) return pass(undefined);
    if (value.epoch < known.epoch)
      return fail("epoch", `${secEm} was replaced: epoch ${value.epoch} is below ${known.epoch}`);
    if (value.epoch === known.epoch && value.revocation < known.revocation)
      return fail(
        "serial",
        `${secEm} knows of ${value.revocation} revocations and had ${known.revocation}: if it was restored from an older copy, take over with a higher epoch`,
      );
    return pass(undefined);
  }

  private remember(value: HeartbeatDocument, now: number): void {
    const offset = now - value.time;
    this.least = Math.min(this.least, offset);
    if (this.last === undefined || offset < this.baseline(now)) {
      this.offset = offset;
      this.offsetAt = now;
    }
    this.last = value;
    this.lastAt = now;
  }

  private baseline(now: number): number {
    const moved = this.offset + DRIFT * (now - this.offsetAt);
    return Math.min(moved, this.least + DRIFT_MS);
  }
}
