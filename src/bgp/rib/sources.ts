/**
 * Who routes come from, by slot: one slot per session, kept until the last of its routes is gone.
 * Slots index bit masks, so they are small numbers and are used again.
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";

/** `Local`: routes of our own. A session is never that. */
export const SourceKind = { Client: 0, NonClient: 1, Ebgp: 2, Local: 3 } as const;
export type SourceKind = (typeof SourceKind)[keyof typeof SourceKind];

export class Sources {
  /** Indexed by slot. */
  readonly kind: SourceKind[] = [];
  readonly routerId: number[] = [];
  /** Address in a form whose string order is the numeric order; IPv4 before IPv6. */
  readonly addressKey: string[] = [];
  readonly peerAs: number[] = [];
  /** As text, for views. */
  readonly address: string[] = [];
  /** First path of the slot, 0 for none; this and what follows by `slot * FAMILIES.length + family`. */
  readonly firstPath: number[] = [];
  /** Last path of the list that starts there: the one that was announced longest ago. */
  readonly lastPath: number[] = [];
  /** Low octet of the number of the newest mark (`source-list.ts`): paths with another one are stale. */
  readonly refreshRound: number[] = [];
  /** Marks made, whoever had the slot: never reset, so that a sweep cannot mistake its successor's paths. */
  readonly marks: number[] = [];
  /** Paths held, and those of them that are stale. */
  readonly pathCounts: number[] = [];
  readonly staleCounts: number[] = [];
  private readonly free: number[] = [];
  /** Every slot in use is below this. */
  limit = 0;

  take(
    kind: SourceKind,
    routerId: number,
    address: string,
    addressKey: string,
    peerAs: number,
  ): number {
    const slot = this.free.pop() ?? this.limit++;
    this.kind[slot] = kind;
    this.routerId[slot] = routerId >>> 0;
    this.address[slot] = address;
    this.addressKey[slot] = addressKey;
    this.peerAs[slot] = peerAs;
    for (let family = 0; family < FAMILIES.length; family++) {
      const row = slot * FAMILIES.length + family;
      this.firstPath[row] = 0;
      this.lastPath[row] = 0;
      this.refreshRound[row] = 0;
      this.marks[row] ??= 0;
      this.pathCounts[row] = 0;
      this.staleCounts[row] = 0;
    }
    return slot;
  }

  give(slot: number): void {
    this.free.push(slot);
  }

  count(slot: number, family: number): number {
    return this.pathCounts[slot * FAMILIES.length + family]!;
  }

  staleCount(slot: number, family: number): number {
    return this.staleCounts[slot * FAMILIES.length + family]!;
  }
}
