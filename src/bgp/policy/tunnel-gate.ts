/**
 * What happens to routes whose next hop lies behind a tunnel that does not carry: they are held, or become the
 * last choice. Stands behind import rules and the peers' own gates, for all peers; there is none while nobody
 * asked for it.
 */
import type { AttrStore } from "../rib/attr-store.js";
import { HoldReason } from "../rib/hold.js";
import { LowestPreference } from "./lowest-preference.js";

export type TunnelEffect = "hold" | "depreference";

/** Whether the next hop in `bytes` is cut off; octets are 4 or 16. */
export interface CutNextHops {
  cuts(bytes: Uint8Array, at: number, octets: number): boolean;
  /** Why, in words, of one that is. */
  why(bytes: Uint8Array, at: number, octets: number): string;
}

export class TunnelGate {
  /** Of the last `pass`: the set that counts, 0 when the route is held. Alive until `endBatch`. */
  attr = 0;
  hold: HoldReason = HoldReason.None;
  private readonly attrs: AttrStore;
  private readonly effect: TunnelEffect;
  private readonly nextHops: CutNextHops;
  private readonly lowest: LowestPreference;

  constructor(attrs: AttrStore, effect: TunnelEffect, nextHops: CutNextHops) {
    this.attrs = attrs;
    this.effect = effect;
    this.nextHops = nextHops;
    this.lowest = new LowestPreference(attrs);
  }

  /** @param attr the set that rules and gates before it leave, not 0 */
  pass(attr: number): void {
    this.attr = attr;
    this.hold = HoldReason.None;
    const octets = octetsOf(this.attrs, attr);
    if (octets === 0) return;
    if (!this.nextHops.cuts(this.attrs.bytes, this.attrs.nextHopStart(attr), octets)) return;
    if (this.effect === "depreference") {
      this.attr = this.lowest.of(attr);
      return;
    }
    this.attr = 0;
    this.hold = HoldReason.Tunnel;
  }

  endBatch(): void {
    this.lowest.endBatch();
  }

  /** Why a path with that set is held. */
  why(attr: number): string | undefined {
    const octets = octetsOf(this.attrs, attr);
    const start = this.attrs.nextHopStart(attr);
    if (octets === 0 || !this.nextHops.cuts(this.attrs.bytes, start, octets)) return undefined;
    return this.nextHops.why(this.attrs.bytes, start, octets);
  }
}

/** Of the next hop; an IPv6 one of 32 octets counts by its global half. 0 for what is none of ours to judge. */
export function octetsOf(attrs: AttrStore, attr: number): 0 | 4 | 16 {
  const length = attrs.nextHopLength(attr);
  if (length === 4) return 4;
  return length === 16 || length === 32 ? 16 : 0;
}
