/**
 * MACs that are sticky at one place and claimed by another, sticky or not: an alarm, never a move (RFC 7432
 * section 15.2). A sticky route wins, so only entries with a sticky winner can have a conflict.
 */
import type { CandidateRing, Candidates } from "./candidates.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import { FibEventKind } from "./events.js";
import type { FibTeller } from "./fib-teller.js";
import { EntryFlag, type MacEntries } from "./mac-entries.js";

/** Candidates looked at, from the last, for one that contradicts the winner. */
const RIVALS = 16;

export class StickyConflicts {
  /** MACs that have one now. */
  count = 0;
  private readonly entries: MacEntries;
  private readonly candidates: Candidates;
  private readonly ofEntry: CandidateRing;
  private readonly segments: EthernetSegments;
  private readonly teller: FibTeller;

  constructor(
    entries: MacEntries,
    candidates: Candidates,
    ofEntry: CandidateRing,
    segments: EthernetSegments,
    teller: FibTeller,
  ) {
    this.entries = entries;
    this.candidates = candidates;
    this.ofEntry = ofEntry;
    this.segments = segments;
    this.teller = teller;
  }

  /** Looks at an entry whose winner is `head`; told once when a conflict begins, and when it ends. */
  look(entry: number, head: number, sticky: boolean): void {
    const { entries } = this;
    const rival = sticky ? this.rival(head) : 0;
    const was = entries.hasFlag(entry, EntryFlag.Conflict);
    if (was === (rival !== 0)) return;
    entries.setFlag(entry, EntryFlag.Conflict, !was);
    this.count += was ? -1 : 1;
    const kind = was ? FibEventKind.StickyConflictEnded : FibEventKind.StickyConflict;
    this.teller.mac(kind, entry, head, rival === 0 ? 0 : this.candidates.pe(rival));
  }

  /** The entry goes. */
  gone(entry: number): void {
    if (this.entries.hasFlag(entry, EntryFlag.Conflict)) this.count--;
  }

  /** A candidate of another place than a sticky winner, 0 for none: those that say the same stand together. */
  rival(head: number): number {
    const { ofEntry, candidates, segments } = this;
    const own = candidates.attachment(head);
    let at = ofEntry.previous(head);
    for (let looked = 0; at !== head && looked < RIVALS; looked++, at = ofEntry.previous(at)) {
      if (candidates.sameContent(at, head)) return 0;
      const other = candidates.attachment(at);
      const same =
        own !== 0 && other !== 0 && segments.segmentOf(own) === segments.segmentOf(other);
      if (!same && candidates.pe(at) !== candidates.pe(head)) return at;
    }
    return 0;
  }
}
