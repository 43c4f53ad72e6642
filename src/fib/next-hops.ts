/**
 * Where frames for a MAC go: the winner's PE, or, on a multihomed segment, what the A-D routes make of it
 * (RFC 7432 sections 8.2, 8.4, 9.2.2, 14.1).
 *
 * - A PE *reaches* a domain through a segment while one of its per-ES routes carries the domain's route
 *   target.
 * - All-active (no per-ES route of the segment says otherwise): every PE that reaches the domain and
 *   has advertised the MAC, or a per-EVI route for the domain (aliasing).
 * - Single-active (one of them says so): the PE that advertised the MAC, and exactly one other PE with a
 *   per-EVI route as its backup. When the advertiser reaches the domain no more, the backup takes over if
 *   it is the only one; if there are several, frames are flooded, so there is no next hop.
 * - A MAC without any is unusable; if another candidate is usable, that one counts. So the loss of
 *   a segment moves its MACs without touching them.
 * - The MAX ESI of backbone MACs, and domains of backbone MACs, have no A-D routes: every advertiser is a
 *   next hop (RFC 7623 section 6).
 */
import type { Links } from "./links.js";
import type { FibTables, MacFib } from "./mac-fib.js";

export const HopRole = { Advertised: 0, Aliased: 1, Backup: 2 } as const;
export type HopRole = (typeof HopRole)[keyof typeof HopRole];

export class NextHops {
  /** The result of `resolve`: the first `count` of each. */
  readonly pes: number[] = [];
  /** Raw 24 bits. */
  readonly labels: number[] = [];
  /** Facts of the route that the label is from. */
  readonly facts: number[] = [];
  readonly roles: HopRole[] = [];
  count = 0;
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly links: Links;

  constructor(tables: FibTables, macs: MacFib, links: Links) {
    this.tables = tables;
    this.macs = macs;
    this.links = links;
  }

  /** Fills the next hops of an entry. Returns the candidate that counts; without next hops it is the entry's winner. */
  resolve(entry: number): number {
    const { entries, ofEntry, mobility } = this.macs;
    const head = entries.head(entry);
    this.fill(entry, head);
    if (this.count > 0 || ofEntry.next(head) === head) return head;
    const merged = this.tables.domains.isBackbone(entries.domain(entry));
    const best = mobility.select(head, merged, (id) => this.isUsable(entry, id));
    this.fill(entry, best);
    return this.count > 0 ? best : head;
  }

  /** Whether a candidate of the entry has next hops. Overwrites the result of `resolve`. */
  isUsable(entry: number, id: number): boolean {
    if (this.macs.candidates.attachment(id) === 0) return true;
    this.fill(entry, id);
    return this.count > 0;
  }

  /** Whether one of the segment's per-ES routes says single-active. */
  isSingleActive(segment: number): boolean {
    const { segments } = this.tables;
    for (let place = segments.firstPlace(segment); place !== 0; place = segments.nextPlace(place)) {
      if (segments.isSingleActive(place)) return true;
    }
    return false;
  }

  /** Whether a per-ES route of the PE at this place carries a route target of the domain. */
  reaches(place: number, domain: number): boolean {
    const { segments, domains, facts } = this.tables;
    if (place === 0) return false;
    for (let link = segments.firstPerEs(place); link !== 0; link = this.links.next(link)) {
      if (domains.reachedBy(domain, facts.targetSet(this.links.factsOf(link)))) return true;
    }
    return false;
  }

  private fill(entry: number, id: number): void {
    const { candidates, entries } = this.macs;
    const { segments, domains } = this.tables;
    this.count = 0;
    const domain = entries.domain(entry);
    const attachment = candidates.attachment(id);
    if (domains.isBackbone(domain)) {
      this.addAdvertisers(id, undefined);
    } else if (attachment === 0) {
      this.add(candidates.pe(id), candidates.label(id), candidates.factsOf(id), HopRole.Advertised);
    } else if (segments.isMaxEsi(segments.segmentOf(attachment))) {
      this.addAdvertisers(id, attachment);
    } else {
      this.fillMultihomed(id, attachment);
    }
  }

  private fillMultihomed(id: number, attachment: number): void {
    const { segments } = this.tables;
    const { candidates } = this.macs;
    const segment = segments.segmentOf(attachment);
    this.addAdvertisers(id, attachment, segment);
    if (!this.isSingleActive(segment)) {
      this.addAliased(attachment, segment, HopRole.Aliased);
      return;
    }
    this.keepPrimary(candidates.pe(id));
    const advertised = this.count;
    this.addAliased(attachment, segment, HopRole.Backup);
    if (this.count > advertised + 1) this.count = advertised;
  }

  /** Leaves one advertiser: the winner's PE, or, if it is not among them, the lowest address. */
  private keepPrimary(winner: number): void {
    if (this.count === 0) return;
    let best = 0;
    for (let i = 1; i < this.count && this.pes[0] !== winner; i++) {
      if (this.tables.pes.compare(this.pes[i]!, this.pes[best]!) < 0) best = i;
    }
    this.pes[0] = this.pes[best]!;
    this.labels[0] = this.labels[best]!;
    this.facts[0] = this.facts[best]!;
    this.count = 1;
  }

  /** PEs whose routes are one with `id`, it first: of any segment, of one without A-D routes, or of one where they must reach the domain. */
  private addAdvertisers(id: number, attachment: number | undefined, segment = 0): void {
    const { candidates, entries, ofEntry } = this.macs;
    const { segments } = this.tables;
    const domain = entries.domain(candidates.entry(id));
    let at = id;
    do {
      if (attachment === undefined || candidates.attachment(at) === attachment) {
        const pe = candidates.pe(at);
        if (segment === 0 || this.reaches(segments.place(segment, pe), domain)) {
          this.add(pe, candidates.label(at), candidates.factsOf(at), HopRole.Advertised);
        }
      }
      at = ofEntry.next(at);
    } while (at !== id);
  }

  private addAliased(attachment: number, segment: number, role: HopRole): void {
    const { segments, facts } = this.tables;
    const { links } = this;
    const domain = segments.domainOf(attachment);
    for (let link = segments.firstPerEvi(attachment); link !== 0; link = links.next(link)) {
      const of = links.factsOf(link);
      const pe = facts.pe(of);
      if (!this.reaches(segments.place(segment, pe), domain)) continue;
      this.add(pe, links.label(link), of, role);
    }
  }

  /** One hop a PE: the first mention counts. */
  private add(pe: number, label: number, facts: number, role: HopRole): void {
    for (let i = 0; i < this.count; i++) if (this.pes[i] === pe) return;
    this.pes[this.count] = pe;
    this.labels[this.count] = label;
    this.facts[this.count] = facts;
    this.roles[this.count] = role;
    this.count++;
  }
}
