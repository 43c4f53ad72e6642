/**
 * Host routes: for domains of the settings that ask for it, each address that a MAC has is announced as a /32
 * or /128 whose next hop is where the MAC is, with the MAC's sequence. So a route of layer 3 and the MAC move
 * together, and go together.
 *
 * What is announced is a function of the FIB: of the binding, of the winner of the MAC that has the address,
 * and of the next hops that come of it. `entry`, `binding` and `segment` only note what may be otherwise; `flush`, behind
 * each reading of the FIB, works out what is, once however many changes there were. A binding that goes takes its
 * route along at once, for afterwards nobody knows its address.
 *
 * Not announced: addresses of default gateways (every PE has them), and those that mean something on one
 * link only. A segment that changes is a walk over the bindings, in slices.
 */
import type { Family } from "../../fast-bgp-codec/index.js";
import { readU16, readU8, writeU32 } from "../../util/bytes.js";
import type { FibTables, Followers, MacFib } from "../mac-fib.js";
import type { NextHops } from "../next-hops.js";
import { FactFlag } from "../route-facts.js";
import type { DomainSettings } from "../settings.js";
import { Claims } from "./claims.js";
import { Marks } from "./marks.js";
import { RouteWriter, type HostRouteFacts } from "./route-writer.js";

/** A source of routes of our own. */
export interface HostRouteSink {
  /** Routes held. */
  readonly count: number;
  announce(
    family: Family,
    nlri: Uint8Array,
    nlriEnd: number,
    pathId: number,
    set: Uint8Array,
    setEnd: number,
    nextHopLength: number,
  ): boolean;
  has(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): boolean;
  /** Whether there was one. */
  withdraw(family: Family, nlri: Uint8Array, nlriEnd: number, pathId: number): boolean;
  /** What is not announced again until `endRenewal` goes then. */
  beginRenewal(): void;
  endRenewal(): void;
}

export interface HostRouteParts {
  readonly tables: FibTables;
  readonly macs: MacFib;
  readonly hops: NextHops;
  readonly domains: readonly DomainSettings[];
  readonly most: number;
  readonly sink: HostRouteSink;
  readonly now: () => number;
  /** There are more addresses than routes may be: told once, until all have theirs again. */
  readonly onFull: (most: number) => void;
}

/** Records between two looks at the clock. */
const STRETCH = 64;
const SLICE_MS = 5;
/** Routes of a MAC looked at for the segment, or the router's MAC, of its place. */
const LOOKED_AT = 16;

export class HostRoutes implements Followers {
  private readonly parts: HostRouteParts;
  private readonly claims: Claims;
  /** By index in the settings. */
  private readonly writers: (RouteWriter | undefined)[];
  private readonly entries = new Marks();
  private readonly bindings = new Marks();
  /** Segments that changed; their bindings are looked for in a walk around all of them. */
  private readonly segments = new Set<number>();
  private walkAt = 1;
  /** Records that the walk has still before it; 0 when there is none. */
  private walkLeft = 0;
  /** The walk looks at every binding. */
  private walkAll = false;
  private isRenewing = false;
  /** The FIB before may have been allowed more. */
  private isToTrim = false;
  /** Some address has no route because there are too many. */
  private isShort = false;
  /** That was told. */
  private isTold = false;
  private readonly hop = new Uint8Array(16);

  constructor(parts: HostRouteParts) {
    this.parts = parts;
    this.claims = new Claims(parts.domains);
    this.writers = parts.domains.map(({ hostRoutes }) =>
      hostRoutes === undefined ? undefined : new RouteWriter(hostRoutes),
    );
  }

  /**
   * Announces from here on. Routes of another FIB may be in the sink: those that this one does not announce
   * go when it has announced all.
   */
  begin(): void {
    const { macs, tables, sink } = this.parts;
    macs.followers = this;
    tables.segments.onChange = (segment) => this.segment(segment);
    sink.beginRenewal();
    this.isRenewing = true;
    this.isToTrim = true;
    this.walk(true);
  }

  /** The winner of a MAC may be another, or look otherwise. */
  entry(entry: number): void {
    if (this.writerOf(this.parts.macs.entries.domain(entry)) !== undefined) this.entries.add(entry);
  }

  /** The MAC that has an address may be another. */
  binding(binding: number): void {
    if (this.writerOf(this.parts.macs.bindings.domain(binding)) === undefined) return;
    this.bindings.add(binding);
  }

  /** The address is about to be nobody's. */
  gone(binding: number): void {
    const domain = this.parts.macs.bindings.domain(binding);
    const writer = this.writerOf(domain);
    if (writer === undefined) return;
    this.withdraw(binding, domain, writer);
    const { domains } = this.parts.tables;
    if (domains.ips(domain) <= 1) this.claims.release(this.indexOf(domain), domains.tag(domain));
  }

  /** A-D routes of the segment came, went or changed. */
  segment(segment: number): void {
    this.segments.add(segment);
    this.walk(false);
  }

  /** Makes the routes what the FIB says, for some milliseconds at most; whether something is left. */
  flush(budgetMs: number): boolean {
    const { now } = this.parts;
    const until = now() + Math.min(budgetMs, SLICE_MS);
    for (let done = 1; this.entries.size > 0; done++) {
      this.markBindings(this.entries.take());
      if (done % STRETCH === 0 && now() >= until) return true;
    }
    for (let done = 1; this.bindings.size > 0; done++) {
      this.settle(this.bindings.take());
      if (done % STRETCH === 0 && now() >= until) return true;
    }
    while (this.walkLeft > 0) {
      this.walkOn();
      if (now() >= until) break;
    }
    if (this.walkLeft === 0) this.walkAgain();
    return this.walkLeft > 0;
  }

  private writerOf(domain: number): RouteWriter | undefined {
    const index = this.indexOf(domain);
    return index < 0 ? undefined : this.writers[index];
  }

  /** In the settings; -1 for derived domains. */
  private indexOf(domain: number): number {
    const { domains } = this.parts.tables;
    return domains.settingsOf(domain) === undefined ? -1 : domains.keyWord(domain, 1);
  }

  private markBindings(entry: number): void {
    const { entries, candidates, ofEntry } = this.parts.macs;
    if (!entries.exists(entry)) return;
    const head = entries.head(entry);
    let at = head;
    do {
      const binding = candidates.binding(at);
      if (binding !== 0) this.binding(binding);
      at = ofEntry.next(at);
    } while (at !== head);
  }

  private walk(all: boolean): void {
    this.walkAll ||= all;
    this.walkLeft = Math.max(1, this.parts.macs.bindings.limit);
  }

  /** Routes of the FIB before have gone since, that nobody here has withdrawn; or they are more than may be now. */
  private walkAgain(): void {
    const { sink, most } = this.parts;
    if (this.isShort && sink.count < most) {
      this.isShort = false;
      this.walk(true);
    } else if (this.isToTrim) {
      this.isToTrim = false;
      if (sink.count > most) this.walk(true);
    }
  }

  private walkOn(): void {
    const { bindings } = this.parts.macs;
    const stop = Math.min(this.walkLeft, STRETCH);
    for (let i = 0; i < stop; i++) {
      if (this.walkAt >= bindings.limit) this.walkAt = 1;
      const at = this.walkAt++;
      if (at < bindings.limit && bindings.exists(at) && this.isMeant(at)) this.settle(at);
    }
    this.walkLeft -= stop;
    if (this.walkLeft > 0) return;
    this.segments.clear();
    this.walkAll = false;
    if (!this.isShort) this.isTold = false;
    if (!this.isRenewing) return;
    this.isRenewing = false;
    this.parts.sink.endRenewal();
  }

  private isMeant(binding: number): boolean {
    if (this.writerOf(this.parts.macs.bindings.domain(binding)) === undefined) return false;
    if (this.walkAll) return true;
    const { entries, bindings, candidates, ofEntry } = this.parts.macs;
    const { segments } = this.parts.tables;
    const head = entries.head(candidates.entry(bindings.head(binding)));
    let at = head;
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const attachment = candidates.attachment(at);
      if (attachment !== 0 && this.segments.has(segments.segmentOf(attachment))) return true;
      at = ofEntry.next(at);
      if (at === head) return false;
    }
    return true;
  }

  /** Makes the route of one binding what the FIB says now. */
  private settle(binding: number): void {
    const { macs, tables, hops, sink } = this.parts;
    const { bindings, candidates } = macs;
    if (binding >= bindings.limit || !bindings.exists(binding)) return;
    const domain = bindings.domain(binding);
    const writer = this.writerOf(domain);
    if (writer === undefined) return;
    const head = bindings.head(binding);
    const ip = bindings.ip(binding);
    const octets = bindings.octets(binding);
    const entry = candidates.entry(head);
    const winner = hops.resolve(entry);
    const place = hops.count === 0 ? -1 : this.place(candidates.pe(winner));
    const hop = place < 0 ? 0 : hops.pes[place]!;
    const facts = this.survey(entry, winner, hop);
    if (facts === undefined || hop === 0 || isOfOneLink(ip, octets)) {
      this.withdraw(binding, domain, writer);
      return;
    }
    writer.writeNlri(ip, octets);
    if (writer.nextHop === undefined) {
      const length = tables.pes.addressLength(hop);
      for (let i = 0; i < length; i += 4) {
        writeU32(this.hop, i, tables.pes.addressWord(hop, i >> 2));
      }
      writer.writeSet(this.hop, length, facts);
    } else {
      writer.writeSet(writer.nextHop, writer.nextHop.length, facts);
    }
    const index = this.indexOf(domain);
    const tag = tables.domains.tag(domain);
    const { family, nlri, nlriEnd, set, setEnd, nextHopLength } = writer;
    const { most } = this.parts;
    if (sink.count >= most) {
      const id = this.claims.find(index, tag);
      const isThere = id >= 0 && sink.has(family, nlri, nlriEnd, id);
      const isTooMuch = sink.count > most && !this.isRenewing;
      if (!isThere || isTooMuch) {
        if (isThere) sink.withdraw(family, nlri, nlriEnd, id);
        this.noteShort();
        return;
      }
    }
    const id = this.claims.findOrCreate(index, tag);
    sink.announce(family, nlri, nlriEnd, id, set, setEnd, nextHopLength);
  }

  private withdraw(binding: number, domain: number, writer: RouteWriter): void {
    const { macs, tables, sink } = this.parts;
    const id = this.claims.find(this.indexOf(domain), tables.domains.tag(domain));
    if (id < 0) return;
    writer.writeNlri(macs.bindings.ip(binding), macs.bindings.octets(binding));
    const went = sink.withdraw(writer.family, writer.nlri, writer.nlriEnd, id);
    if (!went || !this.isShort) return;
    this.isShort = false;
    this.walk(true);
  }

  private noteShort(): void {
    this.isShort = true;
    if (this.isTold) return;
    this.isTold = true;
    this.parts.onFull(this.parts.most);
  }

  /** Which of the next hops: the winner's PE if it is one, else the lowest of those that come first. */
  private place(winnerPe: number): number {
    const { hops, tables } = this.parts;
    let best = 0;
    for (let i = 0; i < hops.count; i++) {
      if (hops.pes[i] === winnerPe) return i;
      const order = hops.roles[i]! - hops.roles[best]!;
      if (order < 0 || (order === 0 && tables.pes.compare(hops.pes[i]!, hops.pes[best]!) < 0))
        best = i;
    }
    return best;
  }

  /**
   * What all routes of the winner's PE say of the MAC, and the lowest router's MAC that a route of its next hop has for it;
   * undefined for a default gateway.
   */
  private survey(entry: number, winner: number, hop: number): HostRouteFacts | undefined {
    const { entries, candidates, ofEntry } = this.parts.macs;
    const { facts } = this.parts.tables;
    const won = candidates.factsOf(winner);
    const pe = facts.pe(won);
    const head = entries.head(entry);
    let routerMac: number | undefined;
    let flags = 0;
    let at = head;
    for (let looked = 0; looked < LOOKED_AT; looked++) {
      const of = candidates.factsOf(at);
      const mac = facts.pe(of) === hop ? facts.routerMac(of) : undefined;
      if (mac !== undefined && mac < (routerMac ?? Infinity)) routerMac = mac;
      if (facts.pe(of) === pe) flags |= facts.flags(of);
      at = ofEntry.next(at);
      if (at === head) break;
    }
    if ((flags & FactFlag.DefaultGateway) !== 0) return undefined;
    return {
      sequence: facts.sequence(won),
      sticky: (flags & FactFlag.Sticky) !== 0,
      routerMac,
    };
  }
}

/** Loopback, link-local, multicast, unspecified: nobody elsewhere can use them. */
function isOfOneLink(ip: Uint8Array, octets: number): boolean {
  const first = readU8(ip, 0);
  const two = readU16(ip, 0);
  if (octets === 4) return first === 0 || first === 127 || first >= 224 || two === 0xa9fe;
  if (first === 0xff || (two & 0xffc0) === 0xfe80) return true;
  for (let i = 0; i < 15; i++) if (readU8(ip, i) !== 0) return false;
  return readU8(ip, 15) <= 1;
}
