/**
 * MAC/IP routes (RFC 7432 sections 7.2, 9, 10, 15; RFC 9135) into MAC entries and IP bindings.
 *
 * `apply` makes what the FIB holds of a route equal to what the table holds of it now, whatever
 * either was before. A route is a candidate in each of its domains; a domain's entry for the MAC picks the
 * winner among its candidates (`mobility.ts`), the binding of the IP address likewise. What a route
 * costs is a few table operations; nothing is allocated.
 *
 * Events say what a change came to, not what arrived: a MAC that moves with five addresses is one move,
 * for the winner moves once.
 */
import { readU24, readU32, readU8 } from "../util/bytes.js";
import { SharedTables } from "../util/shared-tables.js";
import { CandidateRing, Candidates, SECOND_LABEL } from "./candidates.js";
import { FibEventKind } from "./events.js";
import type { FibTables, MoveSink } from "./fib-tables.js";
import { FibTeller } from "./fib-teller.js";
import { IpBindings } from "./ip-bindings.js";
import { EntryFlag, MacEntries } from "./mac-entries.js";
import { Mobility, WRAP_HIGH, WRAP_LOW, type MobilityContext } from "./mobility.js";
import { FactFlag } from "./route-facts.js";
import { compareRoutes } from "./route-order.js";
import { SequenceRegressions } from "./sequence-regressions.js";
import { StickyConflicts } from "./sticky-conflicts.js";
import { GONE, SEVERAL, WinnerChange, type Before, type Change } from "./winner-change.js";

export type { FibTables, MoveSink } from "./fib-tables.js";

/** Whoever announces what follows MACs and addresses: told of what may be otherwise. */
export interface Followers {
  entry(entry: number): void;
  binding(binding: number): void;
  /** The binding is about to go. */
  gone(binding: number): void;
}

/** The MAC that had an address; `high` -1 = none. */
interface BeforeIp {
  high: number;
  low: number;
}

/** Offsets in the NLRI. */
const ESI = 10;
const TAG = 20;
const MAC = 25;
const IP_BITS = 31;
const IP = 32;
/** Routes looked at for another one that binds the same address to the same MAC. */
const NEIGHBOURS = 8;

export class MacFib {
  readonly entries: MacEntries;
  readonly bindings: IpBindings;
  readonly candidates: Candidates;
  readonly ofEntry: CandidateRing;
  readonly ofBinding: CandidateRing;
  readonly mobility: Mobility;
  readonly ipMobility: Mobility;
  /** For the fabric check. */
  readonly regressions = new SequenceRegressions();
  /** Host routes; undefined without any. */
  followers: Followers | undefined;
  private readonly tables: FibTables;
  private readonly moves: MoveSink;
  private readonly teller: FibTeller;
  /** Entries and bindings with long rings whose winner is found at the end of the turn, and what it was. */
  private readonly unsettled = new Map<number, Before>();
  private readonly unsettledBindings = new Map<number, BeforeIp>();
  private readonly beforeIp: BeforeIp = { high: 0, low: 0 };
  /** Places of which routes went so in this turn, and not all of them; and their segments. */
  private readonly thinned = new Map<number, number>();
  readonly conflicts: StickyConflicts;
  private readonly change: Change = {
    entry: 0,
    named: false,
    silent: false,
    cause: GONE,
    nowSeconds: 0,
  };
  private readonly winner: WinnerChange;

  constructor(tables: FibTables, moves: MoveSink, shared = new SharedTables()) {
    this.tables = tables;
    this.moves = moves;
    this.entries = new MacEntries(tables.domains, shared);
    this.bindings = new IpBindings(tables.domains, shared);
    this.candidates = new Candidates(tables.facts, shared);
    this.ofEntry = CandidateRing.ofEntries(this.candidates);
    this.ofBinding = CandidateRing.ofBindings(this.candidates);
    const context: MobilityContext = {
      candidates: this.candidates,
      pes: tables.pes,
      compareKeys: (a, b) => {
        const { candidates } = this;
        // Who reads in another thread has no routes, and asks for where the MAC is, not by which of them.
        if (shared.isAttached && candidates.sameWay(a, b)) return 0;
        return compareRoutes(tables.routes, candidates.dest(a), candidates.dest(b));
      },
    };
    this.teller = new FibTeller(tables, this.entries, this.bindings, this.candidates);
    this.mobility = new Mobility(context, this.ofEntry, "mac");
    this.ipMobility = new Mobility(context, this.ofBinding, "ip");
    const { entries, candidates, ofEntry, teller, mobility } = this;
    this.conflicts = new StickyConflicts(entries, candidates, ofEntry, tables.segments, teller);
    this.winner = new WinnerChange(
      tables,
      moves,
      teller,
      entries,
      candidates,
      mobility,
      this.conflicts,
      this.change,
    );
  }

  /** Wall-clock seconds; set by the owner before each batch. */
  set nowSeconds(seconds: number) {
    this.change.nowSeconds = seconds;
  }

  /**
   * The route of `dest` is `path` with the set `attr` now, 0 for none.
   * @param first the first candidate of the route as it was
   * @returns the first candidate as it is
   */
  apply(dest: number, path: number, attr: number, first: number): number {
    if (path === 0) {
      for (let id = first; id !== 0;) {
        const next = this.candidates.nextOfDest(id);
        this.remove(id);
        id = next;
      }
      return 0;
    }
    const { routes, facts, segments, domains } = this.tables;
    const nlri = routes.pathNlri(path);
    const bytes = routes.nlriBytes;
    const of = facts.of(attr);
    const labelAt = nlri + IP + (readU8(bytes, nlri + IP_BITS) >>> 3);
    const label = readU24(bytes, labelAt);
    const second = labelAt + 6 <= nlri + routes.pathNlriLength(path);
    const label2 = second ? readU24(bytes, labelAt + 3) : 0;
    const labelWord = second ? label | SECOND_LABEL : label;
    const segment = segments.findOrCreate(bytes, nlri + ESI);
    // Held while the route's old candidates, which may be all that uses them, make way.
    facts.retain(of);
    segments.retain(segment);
    const vni = (facts.flags(of) & FactFlag.Vni) !== 0;
    domains.resolve(facts.targetSet(of), readU32(bytes, nlri + TAG) | 0, label, label2, vni);
    let left: number;
    if (
      domains.foundCount === 1 &&
      first !== 0 &&
      this.candidates.nextOfDest(first) === 0 &&
      this.entries.domain(this.candidates.entry(first)) === domains.found[0]
    ) {
      this.update(first, of, segment, labelWord);
      left = first;
    } else {
      left = this.applyEach(dest, nlri, first, of, segment, labelWord);
    }
    segments.release(segment);
    facts.release(of);
    return left;
  }

  /** Another set of domains than before, or several. */
  private applyEach(
    dest: number,
    nlri: number,
    first: number,
    of: number,
    segment: number,
    labelWord: number,
  ): number {
    const { domains } = this.tables;
    const { candidates, entries } = this;
    const wanted = domains.nextStamp();
    for (let i = 0; i < domains.foundCount; i++) domains.setStamp(domains.found[i]!, wanted);
    let left = 0;
    for (let id = first; id !== 0;) {
      const next = candidates.nextOfDest(id);
      const domain = entries.domain(candidates.entry(id));
      if (domains.hasStamp(domain, wanted)) {
        domains.setStamp(domain, 0);
        this.update(id, of, segment, labelWord);
        candidates.setNextOfDest(id, left);
        left = id;
      } else {
        this.remove(id);
      }
      id = next;
    }
    for (let i = 0; i < domains.foundCount; i++) {
      const domain = domains.found[i]!;
      if (domains.hasStamp(domain, wanted)) {
        left = this.add(dest, nlri, domain, left, of, segment, labelWord);
      }
    }
    return left;
  }

  private add(
    dest: number,
    nlri: number,
    domain: number,
    nextOfDest: number,
    of: number,
    segment: number,
    labelWord: number,
  ): number {
    const { facts, segments, routes, domains } = this.tables;
    const { entries, bindings, candidates } = this;
    const bytes = routes.nlriBytes;
    const entry = entries.findOrCreate(domain, bytes, nlri + MAC, this.change.nowSeconds);
    const id = candidates.add(dest, entry, nextOfDest);
    const attachment = segment === 0 ? 0 : segments.attach(segment, domain);
    facts.retain(of);
    if (attachment !== 0) segments.enter(attachment, facts.pe(of));
    candidates.setContent(id, of, attachment, labelWord);
    const merged = domains.isBackbone(domain);
    const head = entries.head(entry);
    this.about(entry, id);
    this.winner.remember(head);
    const near = entries.hasFlag(entry, EntryFlag.NearWrap);
    const settled = !entries.hasFlag(entry, EntryFlag.Unsettled);
    this.decided(entry, this.mobility.insert(head, id, settled, near, merged), merged);
    // Behind the decision: a MAC that went and is back is watched again only then.
    if (entries.watch(entry) !== 0) this.moves.seen(entry, dest);
    const octets = readU8(bytes, nlri + IP_BITS) >>> 3;
    if (octets !== 0) {
      const binding = bindings.findOrCreate(
        domain,
        bytes,
        nlri + IP,
        octets,
        this.change.nowSeconds,
      );
      candidates.setBinding(id, binding);
      const first = bindings.head(binding);
      this.rememberIp(first);
      const nearIp = bindings.nearWrap(binding);
      const settledIp = !bindings.unsettled(binding);
      this.decidedIp(binding, this.ipMobility.insert(first, id, settledIp, nearIp, false));
    }
    if (!this.change.named && this.isSeen(id, merged)) this.tellUpdate(entry);
    return id;
  }

  private update(id: number, of: number, segment: number, labelWord: number): void {
    const { facts, segments, domains } = this.tables;
    const { entries, bindings, candidates, mobility, ipMobility } = this;
    const entry = candidates.entry(id);
    const domain = entries.domain(entry);
    const attachment = segment === 0 ? 0 : segments.attach(segment, domain);
    if (candidates.hasContent(id, of, attachment, labelWord)) return;
    const oldFacts = candidates.factsOf(id);
    const oldAttachment = candidates.attachment(id);
    const looksSame =
      attachment === oldAttachment &&
      candidates.label(id) === (labelWord & 0xffffff) &&
      facts.pe(of) === facts.pe(oldFacts) &&
      facts.looksLike(of, oldFacts);
    facts.retain(of);
    if (attachment !== 0) segments.enter(attachment, facts.pe(of));
    const merged = domains.isBackbone(domain);
    const head = entries.head(entry);
    this.about(entry, id);
    if (entries.watch(entry) !== 0) this.moves.seen(entry, candidates.dest(id));
    const wasSeen = !looksSame && this.isSeen(id, merged);
    this.winner.remember(head);
    const near = entries.hasFlag(entry, EntryFlag.NearWrap);
    const settled = !entries.hasFlag(entry, EntryFlag.Unsettled);
    const lifted = mobility.lift(head, id, settled, near, merged);
    const binding = candidates.binding(id);
    let liftedIp = 0;
    if (binding !== 0) {
      const first = bindings.head(binding);
      this.rememberIp(first);
      const settledIp = !bindings.unsettled(binding);
      liftedIp = ipMobility.lift(first, id, settledIp, bindings.nearWrap(binding), false);
    }
    candidates.setContent(id, of, attachment, labelWord);
    this.decided(entry, mobility.insert(lifted, id, mobility.settled, near, merged), merged);
    this.noteFlush(entry, id, oldFacts, merged);
    if (binding !== 0) {
      const nearIp = bindings.nearWrap(binding);
      this.decidedIp(binding, ipMobility.insert(liftedIp, id, ipMobility.settled, nearIp, false));
    }
    if (!looksSame && !this.change.named && (wasSeen || this.isSeen(id, merged)))
      this.tellUpdate(entry);
    this.noteSequence(candidates.dest(id), facts.sequence(oldFacts), facts.sequence(of));
    if (oldAttachment !== 0) this.leave(oldAttachment, facts.pe(oldFacts));
    facts.release(oldFacts);
  }

  private noteSequence(dest: number, before: number, now: number): void {
    if (now > before) this.regressions.forget(dest);
    else if (now < before && before < WRAP_HIGH) this.regressions.note(dest, before, now);
  }

  private about(entry: number, cause: number): void {
    this.change.entry = entry;
    this.change.cause = cause;
    this.change.named = false;
  }

  /** The entry looks otherwise than before, and no other event has said so. */
  private tellUpdate(entry: number): void {
    this.teller.mac(FibEventKind.Update, entry, this.entries.head(entry), 0);
  }

  /**
   * Whether the entry may look otherwise with this candidate than without it: on a segment, where every
   * candidate may be a next hop; by what the winner's PE says of the MAC; by an address that no other
   * route binds to it.
   */
  private isSeen(id: number, merged: boolean): boolean {
    const { candidates, entries, ofBinding } = this;
    const { facts } = this.tables;
    const head = entries.head(candidates.entry(id));
    if (merged || candidates.attachment(head) !== 0) return true;
    const [of, won] = [candidates.factsOf(id), candidates.factsOf(head)];
    // What is near its wrap, or contradicts a sticky winner, shows.
    if (facts.sequence(of) >= WRAP_HIGH || (facts.flags(won) & FactFlag.Sticky) !== 0) return true;
    if (id === head || (facts.pe(of) === facts.pe(won) && !facts.looksLike(of, won))) return true;
    if (candidates.binding(id) === 0) return false;
    let at = ofBinding.next(id);
    for (let looked = 0; at !== id && looked < NEIGHBOURS; looked++, at = ofBinding.next(at)) {
      if (candidates.entry(at) === candidates.entry(id)) return false;
    }
    return true;
  }

  private remove(id: number): void {
    const { facts, domains, segments } = this.tables;
    const { entries, candidates } = this;
    const entry = candidates.entry(id);
    const of = candidates.factsOf(id);
    const attachment = candidates.attachment(id);
    const silent = attachment !== 0 && this.isDraining(attachment, facts.pe(of));
    const binding = candidates.binding(id);
    const merged = domains.isBackbone(entries.domain(entry));
    const head = entries.head(entry);
    this.about(entry, GONE);
    const wasSeen = this.isSeen(id, merged);
    if (binding !== 0) this.removeFromBinding(binding, id, silent);
    this.winner.remember(head);
    const near = entries.hasFlag(entry, EntryFlag.NearWrap);
    const settled = !entries.hasFlag(entry, EntryFlag.Unsettled);
    const left = this.mobility.remove(head, id, settled, near, merged);
    if (left === 0) {
      this.dropEntry(entry, id, silent);
    } else {
      this.change.silent = silent;
      this.decided(entry, left, merged);
      this.change.silent = false;
      const quiet = silent && candidates.attachment(entries.head(entry)) === attachment;
      if (wasSeen && !this.change.named && !quiet) this.tellUpdate(entry);
      if (silent && !this.change.named && (head === id || !settled)) {
        segments.noteKept(segments.place(segments.segmentOf(attachment), facts.pe(of)));
      }
    }
    this.regressions.forget(candidates.dest(id));
    candidates.drop(id);
    if (attachment !== 0) this.leave(attachment, facts.pe(of));
    facts.release(of);
  }

  /** The ring is empty. */
  private dropEntry(entry: number, last: number, silent: boolean): void {
    const { entries, candidates } = this;
    const { segments } = this.tables;
    this.conflicts.gone(entry);
    const attachment = candidates.attachment(last);
    let segment = attachment === 0 ? 0 : segments.segmentOf(attachment);
    let pe = candidates.pe(last);
    // Where others were told that it is.
    const waiting = this.unsettled.get(entry);
    if (waiting !== undefined) ({ pe, segment } = waiting);
    this.moves.gone(entry, pe, segment);
    if (!silent || waiting !== undefined)
      this.teller.macGone(FibEventKind.Withdraw, entry, last, pe);
    if (waiting !== undefined) this.forget(entry, waiting);
    entries.setHead(entry, 0);
    entries.drop(entry);
  }

  private removeFromBinding(binding: number, id: number, silent: boolean): void {
    const { bindings, ipMobility } = this;
    const head = bindings.head(binding);
    this.rememberIp(head);
    const settled = !bindings.unsettled(binding);
    const left = ipMobility.remove(head, id, settled, bindings.nearWrap(binding), false);
    if (left !== 0) {
      this.decidedIp(binding, left);
      return;
    }
    if (!silent) {
      this.teller.ip(FibEventKind.IpWithdraw, binding, id, -1, 0);
      this.change.named = true;
    }
    this.followers?.gone(binding);
    bindings.setHead(binding, 0);
    bindings.drop(binding);
  }

  /** The PE has left the segment: what its MACs come to was told once, for all of them. */
  private isDraining(attachment: number, pe: number): boolean {
    const { segments } = this.tables;
    const place = segments.place(segments.segmentOf(attachment), pe);
    return segments.hasLeft(place);
  }

  private leave(attachment: number, pe: number): void {
    const { segments, events } = this.tables;
    const segment = segments.segmentOf(attachment);
    const place = segments.place(segment, pe);
    if (segments.hasLeft(place)) {
      if (segments.placeMacs(place) === 1) {
        const drained = segments.drained(place) + 1;
        const event = events.begin(FibEventKind.SegmentDrained).segment(segment).from(pe);
        event.count(drained).sequence(segments.kept(place));
        this.thinned.delete(place);
      } else {
        this.thinned.set(place, segment);
      }
    }
    segments.leave(attachment, pe);
  }

  /** Finds the winners that were put off. Before anybody looks at the FIB, and so at the end of every turn. */
  settleAll(): void {
    const { entries, bindings, mobility, ipMobility } = this;
    this.change.cause = SEVERAL;
    for (const entry of this.unsettled.keys()) {
      const merged = this.tables.domains.isBackbone(entries.domain(entry));
      this.decided(entry, mobility.arrange(entries.head(entry), merged), merged);
    }
    for (const binding of this.unsettledBindings.keys()) {
      this.decidedIp(binding, ipMobility.arrange(bindings.head(binding), false));
    }
    if (this.thinned.size > 0) this.tellThinned();
    entries.settle();
  }

  /** What went without events of its own changes how the segment's MACs look: told once a turn. */
  private tellThinned(): void {
    const { segments, events } = this.tables;
    for (const segment of new Set(this.thinned.values())) {
      if (!segments.exists(segment)) continue;
      events.begin(FibEventKind.SegmentUpdate).segment(segment).count(segments.macs(segment));
    }
    this.thinned.clear();
  }

  private rememberIp(head: number): void {
    const { beforeIp, entries } = this;
    const entry = head === 0 ? 0 : this.candidates.entry(head);
    beforeIp.high = head === 0 ? -1 : entries.macHigh(entry);
    beforeIp.low = head === 0 ? 0 : entries.macLow(entry);
  }

  /** `head` is what `mobility` gave: the winner, or any candidate when it put the choice off. */
  private decided(entry: number, head: number, merged: boolean): void {
    const { entries, mobility } = this;
    this.followers?.entry(entry);
    entries.setHead(entry, head);
    entries.setFlag(entry, EntryFlag.NearWrap, mobility.nearWrap);
    const waiting = entries.hasFlag(entry, EntryFlag.Unsettled);
    if (mobility.deferred) {
      if (!waiting) this.defer(entry, false);
    } else if (waiting) {
      // More of it may go, and what takes its place may come.
      if (this.change.cause === GONE) return;
      const before = this.unsettled.get(entry)!;
      this.winner.settle(entry, before, merged);
      this.forget(entry, before);
    } else if (this.change.cause === GONE && this.winner.fallsBack(head, merged)) {
      this.defer(entry, true);
      this.change.named = true;
    } else {
      this.winner.settle(entry, this.winner.before, merged);
    }
  }

  /** Holds on to the winner that was, until the new one is known. */
  private defer(entry: number, fallback: boolean): void {
    const before = { ...this.winner.before, fallback };
    this.tables.facts.retain(before.facts);
    this.tables.segments.retain(before.segment);
    this.unsettled.set(entry, before);
    this.entries.setFlag(entry, EntryFlag.Unsettled, true);
  }

  private forget(entry: number, before: Before): void {
    this.unsettled.delete(entry);
    this.entries.setFlag(entry, EntryFlag.Unsettled, false);
    this.tables.segments.release(before.segment);
    this.tables.facts.release(before.facts);
  }

  /** A PE that stays and counts up asks to flush what is behind its backbone MAC. */
  private noteFlush(entry: number, id: number, oldFacts: number, merged: boolean): void {
    const { facts, segments } = this.tables;
    const of = this.candidates.factsOf(id);
    const [before, now] = [facts.sequence(oldFacts), facts.sequence(of)];
    const wrapped = before >= WRAP_HIGH && now <= WRAP_LOW;
    if ((now <= before && !wrapped) || facts.pe(of) !== facts.pe(oldFacts)) return;
    const attachment = this.candidates.attachment(id);
    const maxEsi = attachment !== 0 && segments.isMaxEsi(segments.segmentOf(attachment));
    if (!merged && !maxEsi) return;
    this.teller.mac(FibEventKind.Flush, entry, id, 0);
    this.change.named = true;
  }

  private decidedIp(binding: number, head: number): void {
    const { bindings, ipMobility } = this;
    this.followers?.binding(binding);
    bindings.setHead(binding, head);
    bindings.setNearWrap(binding, ipMobility.nearWrap);
    const waiting = bindings.unsettled(binding);
    if (ipMobility.deferred) {
      if (waiting) return;
      this.unsettledBindings.set(binding, { ...this.beforeIp });
      bindings.setUnsettled(binding, true);
    } else if (!waiting) {
      this.settleBinding(binding, this.beforeIp);
    } else {
      this.settleBinding(binding, this.unsettledBindings.get(binding)!);
      this.unsettledBindings.delete(binding);
      bindings.setUnsettled(binding, false);
    }
  }

  private settleBinding(binding: number, before: BeforeIp): void {
    const { bindings, entries } = this;
    const head = bindings.head(binding);
    if (before.high < 0) {
      this.teller.ip(FibEventKind.IpLearn, binding, head, -1, 0);
      this.change.named = true;
      return;
    }
    const entry = this.candidates.entry(head);
    if (entries.macLow(entry) === before.low && entries.macHigh(entry) === before.high) return;
    bindings.countMove(binding, this.change.nowSeconds);
    this.teller.ip(FibEventKind.IpMove, binding, head, before.high, before.low);
    const current = this.change.entry;
    if (
      entry === current ||
      (entries.macLow(current) === before.low && entries.macHigh(current) === before.high)
    ) {
      this.change.named = true;
    }
  }
}
