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
import type { RouteTable } from "../bgp/rib/index.js";
import { readU24, readU32, readU8 } from "../util/bytes.js";
import type { BridgeDomains } from "./bridge-domain.js";
import { CandidateRing, Candidates, SECOND_LABEL } from "./candidates.js";
import type { EthernetSegments } from "./ethernet-segment.js";
import { FibEventKind, type FibEvents } from "./events.js";
import { IpBindings } from "./ip-bindings.js";
import { EntryFlag, MacEntries } from "./mac-entries.js";
import { Mobility, type MobilityContext } from "./mobility.js";
import type { RemotePes } from "./remote-pes.js";
import { FactFlag, type RouteFacts } from "./route-facts.js";

/** The tables a MAC FIB is made over. */
export interface FibTables {
  readonly routes: RouteTable;
  readonly pes: RemotePes;
  readonly facts: RouteFacts;
  readonly domains: BridgeDomains;
  readonly segments: EthernetSegments;
  readonly events: FibEvents;
}

/** Told of what duplicate detection counts. */
export interface MoveSink {
  moved(entry: number): void;
  /** The entry is about to go. */
  gone(entry: number): void;
}

/** Offsets in the NLRI. */
const ESI = 10;
const TAG = 20;
const MAC = 25;
const IP_BITS = 31;
const IP = 32;

export class MacFib {
  readonly entries: MacEntries;
  readonly bindings: IpBindings;
  readonly candidates: Candidates;
  readonly ofEntry: CandidateRing;
  readonly ofBinding: CandidateRing;
  readonly mobility: Mobility;
  readonly ipMobility: Mobility;
  /** Wall-clock seconds; set by the owner before each batch. */
  nowSeconds = 0;
  private readonly tables: FibTables;
  private readonly moves: MoveSink;
  // The winner before the change under way; `wasPe` 0 = there was none.
  private wasPe = 0;
  private wasFacts = 0;
  private wasAttachment = 0;

  constructor(tables: FibTables, moves: MoveSink) {
    this.tables = tables;
    this.moves = moves;
    this.entries = new MacEntries(tables.domains);
    this.bindings = new IpBindings(tables.domains);
    this.candidates = new Candidates(tables.facts);
    this.ofEntry = CandidateRing.ofEntries(this.candidates);
    this.ofBinding = CandidateRing.ofBindings(this.candidates);
    const context: MobilityContext = {
      candidates: this.candidates,
      pes: tables.pes,
      compareKeys: (a, b) => compareRoutes(tables.routes, a, b),
    };
    this.mobility = new Mobility(context, this.ofEntry, "mac");
    this.ipMobility = new Mobility(context, this.ofBinding, "ip");
  }

  /**
   * The route of `dest` is `path` now, 0 for none.
   * @param first the first candidate of the route as it was
   * @returns the first candidate as it is
   */
  apply(dest: number, path: number, first: number): number {
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
    const of = facts.of(routes.pathAttr(path));
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
    const entry = entries.findOrCreate(domain, bytes, nlri + MAC, this.nowSeconds);
    const id = candidates.add(dest, entry, nextOfDest);
    const attachment = segment === 0 ? 0 : segments.attach(segment, domain);
    facts.retain(of);
    if (attachment !== 0) segments.enter(attachment, facts.pe(of));
    candidates.setContent(id, of, attachment, labelWord);
    const merged = domains.isBackbone(domain);
    const head = entries.head(entry);
    this.remember(head);
    this.setHead(
      entry,
      this.mobility.insert(head, id, true, entries.hasFlag(entry, EntryFlag.NearWrap), merged),
    );
    this.settle(entry, merged);
    const octets = readU8(bytes, nlri + IP_BITS) >>> 3;
    if (octets !== 0) {
      const binding = bindings.findOrCreate(domain, bytes, nlri + IP, octets, this.nowSeconds);
      candidates.setBinding(id, binding);
      const before = bindings.head(binding);
      const was = before === 0 ? 0 : candidates.entry(before);
      const near = bindings.nearWrap(binding);
      bindings.setHead(binding, this.ipMobility.insert(before, id, true, near, false));
      bindings.setNearWrap(binding, this.ipMobility.nearWrap);
      this.settleBinding(binding, was);
    }
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
    facts.retain(of);
    if (attachment !== 0) segments.enter(attachment, facts.pe(of));
    const merged = domains.isBackbone(domain);
    const head = entries.head(entry);
    this.remember(head);
    const near = entries.hasFlag(entry, EntryFlag.NearWrap);
    const lifted = mobility.lift(head, id, near, merged);
    const binding = candidates.binding(id);
    let liftedIp = 0;
    let was = 0;
    if (binding !== 0) {
      const ipHead = bindings.head(binding);
      was = candidates.entry(ipHead);
      liftedIp = ipMobility.lift(ipHead, id, bindings.nearWrap(binding), false);
    }
    candidates.setContent(id, of, attachment, labelWord);
    this.setHead(entry, mobility.insert(lifted, id, mobility.settled, near, merged));
    this.settle(entry, merged);
    this.noteFlush(entry, id, oldFacts, merged);
    if (binding !== 0) {
      const nearIp = bindings.nearWrap(binding);
      bindings.setHead(binding, ipMobility.insert(liftedIp, id, ipMobility.settled, nearIp, false));
      bindings.setNearWrap(binding, ipMobility.nearWrap);
      this.settleBinding(binding, was);
    }
    if (oldAttachment !== 0) this.leave(oldAttachment, facts.pe(oldFacts));
    facts.release(oldFacts);
  }

  private remove(id: number): void {
    const { facts, domains } = this.tables;
    const { entries, candidates, mobility } = this;
    const entry = candidates.entry(id);
    const domain = entries.domain(entry);
    const of = candidates.factsOf(id);
    const attachment = candidates.attachment(id);
    const silent = attachment !== 0 && this.isDraining(attachment, facts.pe(of));
    const binding = candidates.binding(id);
    if (binding !== 0) this.removeFromBinding(binding, id, silent);
    const merged = domains.isBackbone(domain);
    const head = entries.head(entry);
    this.remember(head);
    const near = entries.hasFlag(entry, EntryFlag.NearWrap);
    const left = mobility.remove(head, id, near, merged);
    if (left === 0) {
      this.moves.gone(entry);
      if (!silent) this.tell(FibEventKind.Withdraw, entry, 0, id);
      entries.setHead(entry, 0);
      entries.drop(entry);
    } else {
      this.setHead(entry, left);
      this.settle(entry, merged);
    }
    candidates.drop(id);
    if (attachment !== 0) this.leave(attachment, facts.pe(of));
    facts.release(of);
  }

  private removeFromBinding(binding: number, id: number, silent: boolean): void {
    const { bindings, candidates, ipMobility } = this;
    const head = bindings.head(binding);
    const was = candidates.entry(head);
    const left = ipMobility.remove(head, id, bindings.nearWrap(binding), false);
    if (left !== 0) {
      bindings.setHead(binding, left);
      bindings.setNearWrap(binding, ipMobility.nearWrap);
      this.settleBinding(binding, was);
      return;
    }
    if (!silent) this.tellIp(FibEventKind.IpWithdraw, binding, was, 0, id);
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
    if (segments.hasLeft(place) && segments.placeMacs(place) === 1) {
      const drained = segments.drained(place) + 1;
      events.begin(FibEventKind.SegmentDrained).segment(segment).from(pe).count(drained);
    }
    segments.leave(attachment, pe);
  }

  private setHead(entry: number, head: number): void {
    this.entries.setHead(entry, head);
    this.entries.setFlag(entry, EntryFlag.NearWrap, this.mobility.nearWrap);
  }

  private remember(head: number): void {
    if (head === 0) {
      this.wasPe = 0;
      return;
    }
    const { facts } = this.tables;
    this.wasFacts = this.candidates.factsOf(head);
    this.wasPe = facts.pe(this.wasFacts);
    this.wasAttachment = this.candidates.attachment(head);
  }

  /** What the change came to: `remember` knows the winner before it. */
  private settle(entry: number, merged: boolean): void {
    const { entries, candidates } = this;
    const head = entries.head(entry);
    if (this.wasPe === 0) {
      this.tell(FibEventKind.Learn, entry, head, 0);
      return;
    }
    this.noteWrap(entry, head);
    const of = candidates.factsOf(head);
    const attachment = candidates.attachment(head);
    if (of === this.wasFacts && attachment === this.wasAttachment) return;
    entries.setLastChange(entry, this.nowSeconds);
    const { facts } = this.tables;
    const oneMac = merged || (attachment !== 0 && attachment === this.wasAttachment);
    if (oneMac || facts.pe(of) === this.wasPe) return;
    entries.countMove(entry);
    this.tell(FibEventKind.Move, entry, head, 0);
    this.moves.moved(entry);
  }

  /** A PE that stays and counts up asks to flush what is behind its backbone MAC. */
  private noteFlush(entry: number, id: number, oldFacts: number, merged: boolean): void {
    const { facts, segments } = this.tables;
    const of = this.candidates.factsOf(id);
    if (facts.sequence(of) === facts.sequence(oldFacts) || facts.pe(of) !== facts.pe(oldFacts)) {
      return;
    }
    const attachment = this.candidates.attachment(id);
    const maxEsi = attachment !== 0 && segments.isMaxEsi(segments.segmentOf(attachment));
    if (merged || maxEsi) this.tell(FibEventKind.Flush, entry, id, 0);
  }

  private noteWrap(entry: number, head: number): void {
    const { entries, mobility } = this;
    const wrapped = mobility.nearWrap && mobility.wrapped;
    if (entries.hasFlag(entry, EntryFlag.Wrapped) === wrapped) return;
    entries.setFlag(entry, EntryFlag.Wrapped, wrapped);
    if (wrapped) this.tell(FibEventKind.SequenceWrap, entry, head, 0);
  }

  /** @param gone the candidate that went, when there is no `head` any more */
  private tell(kind: FibEventKind, entry: number, head: number, gone: number): void {
    const { events, facts, segments, routes } = this.tables;
    const { entries, candidates } = this;
    const about = head !== 0 ? head : gone;
    const of = candidates.factsOf(about);
    const attachment = candidates.attachment(about);
    const path = routes.bestPath(candidates.dest(about));
    events
      .begin(kind)
      .mac(entries.domain(entry), entries.macHigh(entry), entries.macLow(entry))
      .to(head === 0 ? 0 : facts.pe(of))
      .from(head === 0 ? facts.pe(of) : this.wasPe)
      .sequence(facts.sequence(of))
      .segment(attachment === 0 ? 0 : segments.segmentOf(attachment))
      .count(entries.moves(entry))
      .source(path === 0 ? -1 : routes.pathSlot(path), candidates.label(about));
  }

  private settleBinding(binding: number, was: number): void {
    const { bindings, candidates } = this;
    const head = bindings.head(binding);
    const entry = candidates.entry(head);
    if (entry === was) return;
    if (was === 0) {
      this.tellIp(FibEventKind.IpLearn, binding, entry, 0, head);
    } else {
      bindings.countMove(binding, this.nowSeconds);
      this.tellIp(FibEventKind.IpMove, binding, entry, was, head);
    }
  }

  private tellIp(
    kind: FibEventKind,
    binding: number,
    entry: number,
    from: number,
    about: number,
  ): void {
    const { events, facts, segments, routes } = this.tables;
    const { entries, bindings, candidates } = this;
    const of = candidates.factsOf(about);
    const attachment = candidates.attachment(about);
    const path = routes.bestPath(candidates.dest(about));
    const ip = bindings.ip(binding);
    const octets = bindings.octets(binding);
    events
      .begin(kind)
      .mac(bindings.domain(binding), entries.macHigh(entry), entries.macLow(entry))
      .to(facts.pe(of))
      .sequence(facts.sequence(of))
      .segment(attachment === 0 ? 0 : segments.segmentOf(attachment))
      .count(bindings.moves(binding))
      .source(path === 0 ? -1 : routes.pathSlot(path), candidates.label(about))
      .ip(
        readU32(ip, 0),
        octets === 4 ? 0 : readU32(ip, 4),
        octets === 4 ? 0 : readU32(ip, 8),
        octets === 4 ? 0 : readU32(ip, 12),
        octets,
      );
    if (from !== 0) events.fromMac(entries.macHigh(from), entries.macLow(from));
  }
}

/** By the octets of their keys: RD, tag, MAC, IP. Label and ESI are not part of them. */
function compareRoutes(routes: RouteTable, a: number, b: number): number {
  const bytes = routes.nlriBytes;
  const atA = routes.destNlri(a);
  const atB = routes.destNlri(b);
  for (let i = 2; i < ESI; i++) {
    const order = readU8(bytes, atA + i) - readU8(bytes, atB + i);
    if (order !== 0) return order;
  }
  const bits = readU8(bytes, atA + IP_BITS) - readU8(bytes, atB + IP_BITS);
  if (bits !== 0) return bits;
  const end = IP + (readU8(bytes, atA + IP_BITS) >>> 3);
  for (let i = TAG; i < end; i++) {
    const order = readU8(bytes, atA + i) - readU8(bytes, atB + i);
    if (order !== 0) return order;
  }
  return 0;
}
