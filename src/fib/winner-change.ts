/**
 * What a change of a MAC's candidates came to: the winner as it was, the winner as it is, and which event says
 * the difference: learnt, moved, looks otherwise, or nothing at all. Moves are handed to duplicate
 * detection when a PE announced the MAC away from another (`MoveSink`).
 */
import type { Candidates } from "./candidates.js";
import { FibEventKind } from "./events.js";
import type { FibTables, MoveSink } from "./fib-tables.js";
import type { FibTeller } from "./fib-teller.js";
import { EntryFlag, type MacEntries } from "./mac-entries.js";
import type { Mobility } from "./mobility.js";
import { FactFlag } from "./route-facts.js";
import type { StickyConflicts } from "./sticky-conflicts.js";

/** The winner as it was; `pe` 0 = there was none. */
export interface Before {
  pe: number;
  facts: number;
  segment: number;
  label: number;
  /** The winner went, and an older route wins: nobody announced the MAC away from it. */
  fallback: boolean;
}

/** Of `Change.cause`. */
export const GONE = 0;
export const SEVERAL = -1;

/** The change under way. */
export interface Change {
  /** The entry that it is about, and whether an event has named it. */
  entry: number;
  named: boolean;
  /** Routes of a PE that left their segment go: that was told once, for all of them. */
  silent: boolean;
  /** The candidate that came or changed; GONE when one went, SEVERAL when they are looked at together. */
  cause: number;
  /** Wall-clock seconds. */
  nowSeconds: number;
}

export class WinnerChange {
  /** The winner before the change. */
  readonly before: Before = { pe: 0, facts: 0, segment: 0, label: 0, fallback: false };
  private readonly tables: FibTables;
  private readonly moves: MoveSink;
  private readonly teller: FibTeller;
  private readonly entries: MacEntries;
  private readonly candidates: Candidates;
  private readonly mobility: Mobility;
  private readonly conflicts: StickyConflicts;
  private readonly change: Change;

  constructor(
    tables: FibTables,
    moves: MoveSink,
    teller: FibTeller,
    entries: MacEntries,
    candidates: Candidates,
    mobility: Mobility,
    conflicts: StickyConflicts,
    change: Change,
  ) {
    this.tables = tables;
    this.moves = moves;
    this.teller = teller;
    this.entries = entries;
    this.candidates = candidates;
    this.mobility = mobility;
    this.conflicts = conflicts;
    this.change = change;
  }

  /** What the change came to. */
  settle(entry: number, before: Before, merged: boolean): void {
    const { entries, candidates } = this;
    const { facts, segments } = this.tables;
    const head = entries.head(entry);
    const of = candidates.factsOf(head);
    const sticky = (facts.flags(of) & FactFlag.Sticky) !== 0;
    if (before.pe === 0) {
      this.change.named = true;
      this.settleNew(entry, head, !sticky);
      return;
    }
    this.noteWrap(entry, head);
    if (sticky || entries.hasFlag(entry, EntryFlag.Conflict)) {
      this.conflicts.look(entry, head, sticky && !merged);
    }
    const attachment = candidates.attachment(head);
    const segment = attachment === 0 ? 0 : segments.segmentOf(attachment);
    const sameLabel = candidates.label(head) === before.label;
    if (of === before.facts && segment === before.segment && sameLabel) return;
    const oneMac = merged || (segment !== 0 && segment === before.segment);
    const samePe = facts.pe(of) === before.pe;
    const seen = !sameLabel || segment !== before.segment || !facts.looksLike(of, before.facts);
    if (seen) entries.setLastChange(entry, this.change.nowSeconds);
    if (oneMac || samePe) {
      // Where the segment is still the MAC's, what happened to it is the segment's to tell.
      if (this.change.silent && segment === before.segment) return;
      if (!seen) return;
      this.teller.mac(FibEventKind.Update, entry, head, samePe ? 0 : before.pe);
      this.change.named = true;
      return;
    }
    this.change.named = true;
    if (sticky || (facts.flags(before.facts) & FactFlag.Sticky) !== 0) {
      // What is fixed to a place does not move: RFC 7432 section 15.2 has an alarm for it.
      this.teller.mac(FibEventKind.Update, entry, head, before.pe);
      return;
    }
    entries.countMove(entry);
    this.teller.mac(FibEventKind.Move, entry, head, before.pe);
    if (this.isArrival(head, before)) this.moves.moved(entry, before.pe, before.segment);
  }

  /** A MAC that was elsewhere lately has moved, though nobody had it for a moment. */
  private settleNew(entry: number, head: number, counts: boolean): void {
    const from = this.moves.learnt(entry, counts);
    if (from === 0) {
      this.teller.mac(FibEventKind.Learn, entry, head, 0);
      return;
    }
    this.entries.countMove(entry);
    this.teller.mac(FibEventKind.Move, entry, head, from);
    this.tables.pes.release(from);
    if (counts) this.moves.returned(entry);
  }

  /** Whether the winner's PE announced something that made it win, not another one withdraw. */
  private isArrival(head: number, before: Before): boolean {
    const { candidates } = this;
    const { cause } = this.change;
    if (cause === SEVERAL) return !before.fallback;
    return cause !== GONE && candidates.pe(cause) === candidates.pe(head);
  }

  private noteWrap(entry: number, head: number): void {
    const { entries, mobility } = this;
    const wrapped = mobility.nearWrap && mobility.wrapped;
    if (entries.hasFlag(entry, EntryFlag.Wrapped) === wrapped) return;
    entries.setFlag(entry, EntryFlag.Wrapped, wrapped);
    if (!wrapped) return;
    this.teller.mac(FibEventKind.SequenceWrap, entry, head, 0);
    this.change.named = true;
  }

  /** The winner went, and one of another place wins: perhaps for a moment only, as its PE replaces its routes. */
  fallsBack(head: number, merged: boolean): boolean {
    const { before, candidates } = this;
    if (merged || before.pe === 0 || candidates.pe(head) === before.pe) return false;
    const attachment = candidates.attachment(head);
    const { segments } = this.tables;
    return attachment === 0 || segments.segmentOf(attachment) !== before.segment;
  }

  remember(head: number): void {
    const { candidates } = this;
    const { before } = this;
    if (head === 0) {
      before.pe = 0;
      return;
    }
    const attachment = candidates.attachment(head);
    before.facts = candidates.factsOf(head);
    before.pe = this.tables.facts.pe(before.facts);
    before.segment = attachment === 0 ? 0 : this.tables.segments.segmentOf(attachment);
    before.label = candidates.label(head);
  }
}
