/**
 * What a verdict must be before anybody acts on it. One checker belongs to one reader (a gate, a gateway, an
 * agent) with its audience; it works offline, from pinned roots, and knows the highest epoch and serial of
 * each instance. It takes verdicts from the reader's own connection to the Sec-EM only.
 */
import { toHex } from "../../util/bytes.js";
import type { KeyRing } from "./key-certificate.js";
import { openVerdict } from "./verdict.js";
import type { Verdict } from "./verdict.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

/** A verdict that was issued this much after the last heartbeat's time is refused. */
const FUTURE_MS = 30_000;

export interface AcceptedVerdict {
  readonly verdict: Verdict;
  /** From now on, by the reader's monotonic clock. Over 0. */
  readonly remainingMs: number;
}

interface Seen {
  readonly epoch: number;
  readonly serial: number;
}

/** Highest epoch for each instance's ID (hex) and for each `<tenant> <VNF> <instance>`. */
export type Epochs = Readonly<Record<string, number>>;

export class VerdictChecker {
  private readonly audience: string;
  private readonly ring: KeyRing;
  private readonly seen = new Map<string, Seen>();
  private readonly epochs: Map<string, number>;

  /** @param epochs as `epochsSeen()` gave them before the restart */
  constructor(audience: string, ring: KeyRing, epochs: Epochs = {}) {
    this.audience = audience;
    this.ring = ring;
    this.epochs = new Map(Object.entries(epochs));
  }

  /**
   * Verifies and, if it passes, remembers epoch and serial: the same octets do not pass twice.
   * @param secEmTime the Sec-EM's time now, as its heartbeats tell it; undefined: no heartbeat yet
   * @param secEm name of the Sec-EM whose connection it came from
   */
  accept(
    octets: Uint8Array,
    secEm: string,
    secEmTime: number | undefined,
  ): Checked<AcceptedVerdict> {
    const opened = openVerdict(octets);
    if (!opened.ok) return opened;
    const { value: verdict, signedBy } = opened.value;
    if (verdict.secEm !== secEm)
      return fail("issuer", `a verdict of ${verdict.secEm} on the connection of ${secEm}`);
    const key = this.ring.findById("verdict", verdict.secEm, verdict.issuer);
    if (!key.ok) return key;
    if (!signedBy(key.value.publicKey))
      return fail("signature", "the verdict's signature is wrong");
    if (verdict.audience !== this.audience)
      return fail("audience", `the verdict is for ${verdict.audience}, not for ${this.audience}`);
    if (secEmTime === undefined)
      return fail("unreachable", "no heartbeat has told this Sec-EM's time yet");
    const fresh = this.checkOrder(verdict);
    if (!fresh.ok) return fresh;
    const age = secEmTime - verdict.issued;
    if (age < -FUTURE_MS)
      return fail("future", `the verdict was issued ${Math.round(-age / 1000)} s from now`);
    const remainingMs = verdict.lifetimeSeconds * 1000 - Math.max(0, age);
    if (remainingMs <= 0) return fail("expired", "the verdict's lifetime is over");
    this.remember(verdict);
    return pass({ verdict, remainingMs });
  }

  /** The instance was removed: nothing is kept but the epoch under its names. */
  forget(id: Uint8Array): void {
    this.seen.delete(toHex(id));
    this.epochs.delete(toHex(id));
  }

  /** To be stored before a verdict with a new epoch is acted on. */
  epochsSeen(): Epochs {
    return Object.fromEntries(this.epochs);
  }

  private checkOrder(verdict: Verdict): Checked<undefined> {
    const [byId, byName] = keysOf(verdict);
    const epoch = Math.max(this.epochs.get(byId) ?? 0, this.epochs.get(byName) ?? 0);
    if (verdict.epoch < epoch)
      return fail(
        "epoch",
        `${verdict.secEm} was replaced: epoch ${verdict.epoch} is below ${epoch}`,
      );
    const last = this.seen.get(byId);
    if (last !== undefined && last.epoch === verdict.epoch && verdict.serial <= last.serial)
      return fail("serial", `serial ${verdict.serial} is not above ${last.serial}`);
    return pass(undefined);
  }

  private remember(verdict: Verdict): void {
    const [byId, byName] = keysOf(verdict);
    this.epochs.set(byId, verdict.epoch);
    this.epochs.set(byName, verdict.epoch);
    this.seen.set(byId, { epoch: verdict.epoch, serial: verdict.serial });
  }
}

function keysOf({ id, tenant, vnf, instance }: Verdict): readonly [string, string] {
  return [toHex(id), `${tenant} ${vnf} ${instance}`];
}
