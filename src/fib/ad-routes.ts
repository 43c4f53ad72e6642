/**
 * Routes that say what there is beside MACs: Ethernet A-D per ES and per EVI (type 1, RFC 7432 sections
 * 7.1, 8.2 and 8.4), inclusive multicast (type 3, section 7.3) and Ethernet segment (type 4, section 7.4).
 *
 * Like MAC/IP routes they are applied, not added: each call makes what is held of a route equal to what the
 * table holds of it now. These routes are few and change seldom, so a change takes the old links away and
 * puts new ones in their place, new first, so that nothing they hold on to goes in between.
 */
import { readU16, readU24, readU32, readU8 } from "../util/bytes.js";
import { FibEventKind } from "./events.js";
import { LinkKind, Links } from "./links.js";
import type { SharedTables } from "../util/shared-tables.js";
import type { FibTables } from "./mac-fib.js";
import { FactFlag } from "./route-facts.js";

/** Offsets in the NLRI of type 1: RD, ESI, tag, label. */
const AD_ESI = 10;
const AD_TAG = 20;
const AD_LABEL = 24;
const MAX_ET = 0xffffffff;
/** Of type 3: RD, tag, originating router. */
const INCLUSIVE_TAG = 10;
/** Of type 4: RD, ESI, originating router. */
const ES_ESI = 10;
const PMSI_TUNNEL = 22;

export class AdRoutes {
  readonly links: Links;
  /** Told when a PE's last per-ES route for a segment goes, and of how many MAC/IP routes it has there. */
  onLeft: ((segment: number, pe: number, macs: number) => void) | undefined;
  private readonly tables: FibTables;

  constructor(tables: FibTables, shared?: SharedTables) {
    this.links = new Links(shared);
    this.tables = tables;
  }

  /** Type 1. `path` 0 = gone; `attr` is its set; `first` and the result: the route's first link. */
  applyEthernetAd(dest: number, path: number, attr: number, first: number): number {
    const { routes, facts, segments, domains, events } = this.tables;
    const told = events.next;
    let now = 0;
    if (path !== 0) {
      const nlri = routes.pathNlri(path);
      const bytes = routes.nlriBytes;
      const segment = segments.findOrCreate(bytes, nlri + AD_ESI);
      const tag = readU32(bytes, nlri + AD_TAG);
      const of = facts.of(attr);
      if (segment !== 0 && !segments.isMaxEsi(segment)) {
        const label = readU24(bytes, nlri + AD_LABEL);
        if (tag === MAX_ET) {
          now = this.addPerEs(dest, segment, of);
        } else {
          const vni = (facts.flags(of) & FactFlag.Vni) !== 0;
          domains.resolve(facts.targetSet(of), tag | 0, label, 0, vni);
          for (let i = 0; i < domains.foundCount; i++) {
            now = this.addPerEvi(dest, now, segments.attach(segment, domains.found[i]!), of, label);
          }
        }
      }
      segments.collect(segment);
      facts.releaseUnused(of);
    }
    if (events.next === told && this.isNews(first, now)) this.tellUpdate(first, now);
    this.removeAll(first);
    return now;
  }

  /** Whether the segment looks otherwise with `now` in the place of `first`, and no event says so yet or will. */
  private isNews(first: number, now: number): boolean {
    const { links } = this;
    if (first === 0 || now === 0) {
      if (first === 0) return now !== 0;
      const last = links.kind(first) === LinkKind.PerEs;
      return !last || this.tables.segments.perEsRoutes(links.owner(first)) > 1;
    }
    const same =
      links.nextOfDest(first) === 0 &&
      links.nextOfDest(now) === 0 &&
      links.owner(first) === links.owner(now) &&
      links.factsOf(first) === links.factsOf(now) &&
      links.label(first) === links.label(now);
    return !same;
  }

  private tellUpdate(first: number, now: number): void {
    const { facts, segments, events } = this.tables;
    const { links } = this;
    const one = now === 0 ? first : now;
    const owner = links.owner(one);
    const segment =
      links.kind(one) === LinkKind.PerEs ? segments.placeSegment(owner) : segments.segmentOf(owner);
    const pe = (link: number): number => (link === 0 ? 0 : facts.pe(links.factsOf(link)));
    events.begin(FibEventKind.SegmentUpdate).segment(segment);
    if (now !== 0) events.to(pe(now));
    if (pe(first) !== pe(now)) events.from(pe(first));
    events.count(segments.macs(segment));
  }

  /** Type 3. */
  applyInclusive(dest: number, path: number, attr: number, first: number): number {
    const { routes, facts, domains } = this.tables;
    let now = 0;
    if (path !== 0) {
      const of = facts.of(attr);
      const tag = readU32(routes.nlriBytes, routes.pathNlri(path) + INCLUSIVE_TAG);
      const label = this.tunnelLabel(attr);
      const vni = (facts.flags(of) & FactFlag.Vni) !== 0;
      domains.resolve(facts.targetSet(of), tag | 0, label, 0, vni);
      for (let i = 0; i < domains.foundCount; i++) {
        const domain = domains.found[i]!;
        const link = this.links.add(
          dest,
          now,
          LinkKind.Inclusive,
          domain,
          domains.firstInclusive(domain),
        );
        this.links.setContent(link, of, label);
        facts.retain(of);
        domains.retain(domain);
        domains.setFirstInclusive(domain, link);
        domains.countInclusive(domain, 1);
        now = link;
      }
      facts.releaseUnused(of);
    }
    this.removeAll(first);
    return now;
  }

  /** Type 4. */
  applySegmentRoute(dest: number, path: number, attr: number, first: number): number {
    const { routes, facts, segments } = this.tables;
    let now = 0;
    if (path !== 0) {
      const bytes = routes.nlriBytes;
      const segment = segments.findOrCreate(bytes, routes.pathNlri(path) + ES_ESI);
      if (segment !== 0) {
        const of = facts.of(attr);
        const before = segments.firstRoute(segment);
        now = this.links.add(dest, 0, LinkKind.EthernetSegment, segment, before);
        this.links.setContent(now, of, 0);
        facts.retain(of);
        segments.setFirstRoute(segment, now, 1);
      }
    }
    this.removeAll(first);
    return now;
  }

  private addPerEs(dest: number, segment: number, of: number): number {
    const { facts, segments, events } = this.tables;
    const pe = facts.pe(of);
    const place = segments.placeOrCreate(segment, pe);
    const link = this.links.add(dest, 0, LinkKind.PerEs, place, segments.firstPerEs(place));
    this.links.setContent(link, of, facts.esiLabel(of));
    facts.retain(of);
    const singleActive = (facts.flags(of) & FactFlag.SingleActive) !== 0;
    const drained = segments.drained(place);
    if (segments.hasLeft(place) && drained > 0) {
      // It comes back before all was gone: some of its MACs left without events of their own.
      events.begin(FibEventKind.SegmentDrained).segment(segment).from(pe).count(drained);
    }
    segments.countPerEs(place, link, 1, singleActive);
    if (segments.perEsRoutes(place) === 1) {
      const count = segments.placeMacs(place);
      events.begin(FibEventKind.SegmentUp).segment(segment).to(pe).count(count);
    }
    return link;
  }

  private addPerEvi(
    dest: number,
    next: number,
    attachment: number,
    of: number,
    label: number,
  ): number {
    const { facts, segments } = this.tables;
    const before = segments.firstPerEvi(attachment);
    const link = this.links.add(dest, next, LinkKind.PerEvi, attachment, before);
    this.links.setContent(link, of, label);
    facts.retain(of);
    segments.countPerEvi(attachment, link, 1);
    return link;
  }

  private removeAll(first: number): void {
    for (let link = first; link !== 0;) {
      const next = this.links.nextOfDest(link);
      this.remove(link);
      link = next;
    }
  }

  private remove(link: number): void {
    const { facts, segments, domains } = this.tables;
    const { links } = this;
    const owner = links.owner(link);
    const of = links.factsOf(link);
    switch (links.kind(link)) {
      case LinkKind.PerEs:
        this.removePerEs(link, owner, of);
        break;
      case LinkKind.PerEvi:
        segments.countPerEvi(owner, links.remove(link, segments.firstPerEvi(owner)), -1);
        segments.collectAttachment(owner);
        break;
      case LinkKind.EthernetSegment:
        segments.setFirstRoute(owner, links.remove(link, segments.firstRoute(owner)), -1);
        break;
      case LinkKind.Inclusive:
        domains.setFirstInclusive(owner, links.remove(link, domains.firstInclusive(owner)));
        domains.countInclusive(owner, -1);
        domains.release(owner);
        break;
    }
    facts.release(of);
  }

  private removePerEs(link: number, place: number, of: number): void {
    const { facts, segments, events } = this.tables;
    const first = this.links.remove(link, segments.firstPerEs(place));
    segments.countPerEs(place, first, -1, (facts.flags(of) & FactFlag.SingleActive) !== 0);
    if (segments.perEsRoutes(place) === 0) {
      events
        .begin(FibEventKind.SegmentDown)
        .segment(segments.placeSegment(place))
        .from(segments.placePe(place))
        .count(segments.placeMacs(place));
      this.onLeft?.(
        segments.placeSegment(place),
        segments.placePe(place),
        segments.placeMacs(place),
      );
    }
    segments.collectPlace(place);
  }

  /** The label or VNI of the PMSI tunnel (RFC 6514 section 5), raw; 0 without the attribute. */
  private tunnelLabel(attr: number): number {
    const { attrs } = this.tables.routes;
    const { bytes } = attrs;
    const end = attrs.attributesEnd(attr);
    for (let at = attrs.attributesStart(attr); at < end;) {
      const extended = (readU8(bytes, at) & 0x10) !== 0;
      const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
      const value = at + (extended ? 4 : 3);
      if (readU8(bytes, at + 1) === PMSI_TUNNEL && length >= 5) return readU24(bytes, value + 2);
      at = value + length;
    }
    return 0;
  }
}
