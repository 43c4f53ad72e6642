/**
 * Which candidate is where the MAC is (RFC 7432 sections 8.4, 15 and 15.2), as a pure function of the
 * set of candidates: it cannot depend on the order of arrival.
 *
 *  1. Sticky beats what is not.
 *  2. Candidates of one non-zero ESI are one multihomed MAC: the best sequence among them is that of
 *     all, and they are not compared with each other by it. In a domain of backbone MACs (RFC 7623) all
 *     candidates are one.
 *  3. Higher sequence. Absent is 0. Where the set holds both a number of 0xFFFF0000 or more and one
 *     of 1 to 0xFFFF, the small ones have wrapped and rank above; absent never has.
 *  4. Lowest PE address, IPv4 before IPv6. Inside the segment it leads to, a PE that has seen the MAC
 *     itself comes before one that speaks for another (proxy).
 *  5. Several routes of that PE: higher LOCAL_PREF, shorter AS_PATH, lower ORIGIN, lower route key. MED
 *     is left out, for it is not transitive and one PE's routes do not differ in it.
 *
 * Candidates are kept in a ring. Its head is the winner, those that say the same as the winner follow
 * it, the rest stands in any order. So a MAC with thousands of IP addresses, all on one PE, changes
 * in constant time a route: `insert` and `remove` look at the whole ring only when the winner's class
 * ends, when a new candidate could win, or when sequences are about to wrap. In a long ring even that is
 * put off (`deferred`): its owner has it arranged once for all the changes of a turn.
 */
import type { CandidateRing, Candidates } from "./candidates.js";
import type { RemotePes } from "./remote-pes.js";
import { FactFlag } from "./route-facts.js";

/** The rule that left one candidate. */
export const WinnerReason = {
  OnlyCandidate: 0,
  Sticky: 1,
  Sequence: 2,
  WrappedSequence: 3,
  SameSegment: 4,
  LowestPe: 5,
  NotProxy: 6,
  LocalPref: 7,
  AsPathLength: 8,
  Origin: 9,
  RouteKey: 10,
  SameWord: 11,
} as const;
export type WinnerReason = (typeof WinnerReason)[keyof typeof WinnerReason];

/** What the comparison reads beside the candidates. */
export interface MobilityContext {
  readonly candidates: Candidates;
  readonly pes: RemotePes;
  /** Orders two candidates by the keys of their routes; 0 only for one route. */
  compareKeys(a: number, b: number): number;
}

export const WRAP_HIGH = 0xffff0000;
export const WRAP_LOW = 0xffff;
const WRAP = 0x1_0000_0000;
const STICKY = 0x8_0000_0000;
/** Rings of up to so many candidates are arranged at once. */
const SHORT_RING = 32;
/** The one group of everything. */
const EVERYTHING = -1;

/** @param wrapped some sequence beside it is about to wrap, and some has */
export function rankOfSequence(sequence: number, wrapped: boolean): number {
  return wrapped && sequence >= 1 && sequence <= WRAP_LOW ? sequence + WRAP : sequence;
}

export class Mobility {
  /** Of the last `insert`, `remove` or `arrange`: whether the ring holds a sequence near its wrap. */
  nearWrap = false;
  /** With `nearWrap`: small sequences in the ring count as wrapped around. */
  wrapped = false;
  /** Of the last `insert` or `remove`: the ring is long, and is to be arranged later, once for many changes. */
  deferred = false;
  /** Of the last `lift`: the head is the winner of what is left. */
  settled = false;
  private readonly candidates: Candidates;
  private readonly pes: RemotePes;
  private readonly compareKeys: (a: number, b: number) => number;
  private readonly ring: CandidateRing;
  private readonly ofIp: boolean;
  private readonly tied = new Set<number>();

  /** @param of what the rings are: candidates for one MAC, or for one IP address, where segments do not count and MACs differ */
  constructor(context: MobilityContext, ring: CandidateRing, of: "mac" | "ip") {
    this.candidates = context.candidates;
    this.pes = context.pes;
    this.compareKeys = (a, b) => context.compareKeys(a, b);
    this.ring = ring;
    this.ofIp = of === "ip";
  }

  /**
   * Adds a candidate with content; returns the new head.
   * @param settled whether `head` is the winner of what is in the ring
   * @param merged whether all candidates are one (backbone MACs)
   */
  insert(head: number, id: number, settled: boolean, nearWrap: boolean, merged: boolean): number {
    const { ring } = this;
    const high = this.sequence(id) >= WRAP_HIGH;
    this.deferred = false;
    if (head === 0) {
      this.nearWrap = high;
      this.wrapped = false;
      ring.alone(id);
      return id;
    }
    this.nearWrap = nearWrap || high;
    if (settled && !this.nearWrap) {
      if (this.sameWord(head, id)) {
        ring.insertAfter(head, id);
        return head;
      }
      ring.insertLast(head, id);
      if (this.surelyLoses(id, head, merged)) return head;
      return this.surelyWins(id, head, merged) ? id : this.arrangeShort(head, merged);
    }
    ring.insertLast(head, id);
    return this.arrangeShort(head, merged);
  }

  /** Takes a candidate out, content unchanged; returns the new head, 0 when the ring is empty. */
  remove(head: number, id: number, settled: boolean, nearWrap: boolean, merged: boolean): number {
    const left = this.lift(head, id, settled, nearWrap, merged);
    this.deferred = false;
    this.nearWrap = nearWrap && left !== 0;
    return left === 0 || this.settled ? left : this.arrangeShort(left, merged);
  }

  /** Takes a candidate out like `remove`, but leaves the choice to the `insert` that follows at once; `this.settled` says what to tell it. */
  lift(head: number, id: number, settled: boolean, nearWrap: boolean, merged: boolean): number {
    const next = this.ring.remove(id);
    if (next === 0) return 0;
    if (!settled || nearWrap) {
      this.settled = false;
      return id === head ? next : head;
    }
    if (id === head) {
      this.settled = this.sameWord(next, id);
      return next;
    }
    this.settled = this.sameWord(head, id) || !this.mayHoldUp(id, head, merged);
    return head;
  }

  /** Finds the winner and makes it the head, those of the same content behind it. */
  arrange(head: number, merged: boolean): number {
    const { ring } = this;
    const winner = this.select(head, merged);
    let last = winner;
    let at = ring.next(winner);
    this.deferred = false;
    while (at !== winner) {
      const next = ring.next(at);
      if (this.sameWord(winner, at)) {
        if (ring.next(last) !== at) {
          ring.remove(at);
          ring.insertAfter(last, at);
        }
        last = at;
      }
      at = next;
    }
    return winner;
  }

  /** The winner, whatever the order of the ring. */
  select(head: number, merged: boolean, usable?: (id: number) => boolean): number {
    this.survey(head, usable);
    const top = this.topRank(head, merged, usable);
    let best = 0;
    for (let at = head, first = true; first || at !== head; at = this.ring.next(at)) {
      first = false;
      if (usable !== undefined && !usable(at)) continue;
      if (!this.isCandidate(at, top, merged)) continue;
      if (best === 0 || this.compare(at, best) < 0) best = at;
    }
    return best === 0 ? head : this.firstHand(head, best, merged, usable);
  }

  /** Why `winner` stands before `loser`, both of one ring and, if that is asked, usable. */
  reason(
    head: number,
    winner: number,
    loser: number,
    merged: boolean,
    usable?: (id: number) => boolean,
  ): WinnerReason {
    if (this.sameWord(winner, loser)) return WinnerReason.SameWord;
    this.survey(head, usable);
    const top = this.topRank(head, merged, usable);
    if (!this.isCandidate(loser, top, merged)) {
      const rank = this.rank(loser);
      if (top >= STICKY && rank < STICKY) return WinnerReason.Sticky;
      return this.wrapped && top % STICKY >= WRAP
        ? WinnerReason.WrappedSequence
        : WinnerReason.Sequence;
    }
    if (
      this.isOne(winner, loser, merged) &&
      this.candidates.pe(winner) !== this.candidates.pe(loser)
    ) {
      return WinnerReason.SameSegment;
    }
    return this.compareReason(winner, loser);
  }

  /** Whether two candidates are one multihomed MAC. */
  isOne(a: number, b: number, merged: boolean): boolean {
    const group = this.group(a, merged);
    return group !== 0 && group === this.group(b, merged);
  }

  /** Arranges the ring, or puts it off when that would be a long walk. */
  private arrangeShort(head: number, merged: boolean): number {
    let at = this.ring.next(head);
    for (let walked = 1; at !== head; walked++, at = this.ring.next(at)) {
      if (walked < SHORT_RING) continue;
      this.deferred = true;
      return head;
    }
    return this.arrange(head, merged);
  }

  private sameWord(a: number, b: number): boolean {
    const { candidates } = this;
    return (
      candidates.sameContent(a, b) && (!this.ofIp || candidates.entry(a) === candidates.entry(b))
    );
  }

  private group(id: number, merged: boolean): number {
    if (this.ofIp) return 0;
    return merged ? EVERYTHING : this.candidates.attachment(id);
  }

  private flags(id: number): number {
    return this.candidates.facts.flags(this.candidates.factsOf(id));
  }

  private sequence(id: number): number {
    return this.candidates.facts.sequence(this.candidates.factsOf(id));
  }

  private rank(id: number): number {
    const rank = rankOfSequence(this.sequence(id), this.wrapped);
    return (this.flags(id) & FactFlag.Sticky) !== 0 ? rank + STICKY : rank;
  }

  /** Sets `wrapped` and `nearWrap` for the ring. */
  private survey(head: number, usable?: (id: number) => boolean): void {
    let high = false;
    let low = false;
    for (let at = head, first = true; first || at !== head; at = this.ring.next(at)) {
      first = false;
      if (usable !== undefined && !usable(at)) continue;
      const sequence = this.sequence(at);
      if (sequence >= WRAP_HIGH) high = true;
      else if (sequence >= 1 && sequence <= WRAP_LOW) low = true;
    }
    this.wrapped = high && low;
    this.nearWrap = high;
  }

  /** The best rank; leaves in `tied` the groups that have it. */
  private topRank(head: number, merged: boolean, usable?: (id: number) => boolean): number {
    const { tied } = this;
    let top = -1;
    tied.clear();
    for (let at = head, first = true; first || at !== head; at = this.ring.next(at)) {
      first = false;
      if (usable !== undefined && !usable(at)) continue;
      const rank = this.rank(at);
      if (rank < top) continue;
      if (rank > top) tied.clear();
      top = rank;
      const group = this.group(at, merged);
      if (group !== 0) tied.add(group);
    }
    return top;
  }

  private isCandidate(id: number, top: number, merged: boolean): boolean {
    if (this.rank(id) === top) return true;
    const group = this.group(id, merged);
    return group !== 0 && this.tied.has(group);
  }

  /** Steps 4 and 5; 0 for one and the same route only. */
  private compare(a: number, b: number): number {
    const { candidates } = this;
    const pes = this.pes.compare(candidates.pe(a), candidates.pe(b));
    if (pes !== 0) return pes;
    const { facts } = candidates;
    const fa = candidates.factsOf(a);
    const fb = candidates.factsOf(b);
    if (fa !== fb) {
      const ordinary =
        facts.localPref(fb) - facts.localPref(fa) ||
        facts.asPathLength(fa) - facts.asPathLength(fb) ||
        facts.origin(fa) - facts.origin(fb);
      if (ordinary !== 0) return ordinary;
    }
    return this.compareKeys(a, b);
  }

  private compareReason(winner: number, loser: number): WinnerReason {
    const { candidates } = this;
    if (candidates.pe(winner) !== candidates.pe(loser)) return WinnerReason.LowestPe;
    const { facts } = candidates;
    const a = candidates.factsOf(winner);
    const b = candidates.factsOf(loser);
    if ((this.flags(winner) & FactFlag.Proxy) === 0 && (this.flags(loser) & FactFlag.Proxy) !== 0)
      return WinnerReason.NotProxy;
    if (facts.localPref(a) !== facts.localPref(b)) return WinnerReason.LocalPref;
    if (facts.asPathLength(a) !== facts.asPathLength(b)) return WinnerReason.AsPathLength;
    if (facts.origin(a) !== facts.origin(b)) return WinnerReason.Origin;
    return WinnerReason.RouteKey;
  }

  /** The best of the same group that is no proxy, if `best` is one. */
  private firstHand(
    head: number,
    best: number,
    merged: boolean,
    usable?: (id: number) => boolean,
  ): number {
    const group = this.group(best, merged);
    if (group === 0 || (this.flags(best) & FactFlag.Proxy) === 0) return best;
    let found = 0;
    for (let at = head, first = true; first || at !== head; at = this.ring.next(at)) {
      first = false;
      if (usable !== undefined && !usable(at)) continue;
      if (this.group(at, merged) !== group || (this.flags(at) & FactFlag.Proxy) !== 0) continue;
      if (found === 0 || this.compare(at, found) < 0) found = at;
    }
    return found === 0 ? best : found;
  }

  /** A new candidate changes nothing: of the winner's group but behind it, or alone and behind. No wrap is about. */
  private surelyLoses(id: number, winner: number, merged: boolean): boolean {
    const group = this.group(id, merged);
    if (group !== 0) {
      if (group !== this.group(winner, merged)) return false;
      const idProxy = this.flags(id) & FactFlag.Proxy;
      const winnerProxy = this.flags(winner) & FactFlag.Proxy;
      return idProxy === winnerProxy ? this.compare(winner, id) < 0 : idProxy !== 0;
    }
    this.wrapped = false;
    const behind = this.rank(winner) - this.rank(id);
    return behind > 0 || (behind === 0 && this.compare(winner, id) < 0);
  }

  /** A new candidate is the winner: it and the winner are alone, and it is before. No wrap is about. */
  private surelyWins(id: number, winner: number, merged: boolean): boolean {
    if (this.group(id, merged) !== 0 || this.group(winner, merged) !== 0) return false;
    const ahead = this.rank(id) - this.rank(winner);
    return ahead > 0 || (ahead === 0 && this.compare(id, winner) < 0);
  }

  /** Whether the winner may owe its place to this candidate of its group, by rank or by address. */
  private mayHoldUp(id: number, winner: number, merged: boolean): boolean {
    if (!this.isOne(id, winner, merged)) return false;
    this.wrapped = false;
    return (
      this.rank(id) > this.rank(winner) ||
      this.pes.compare(this.candidates.pe(id), this.candidates.pe(winner)) < 0
    );
  }
}
