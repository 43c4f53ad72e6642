/** Ethernet segments as plain data: their PEs, how they are redundant, and who forwards what, with the reason. */
import { formatEsi, formatIp } from "../fast-bgp-codec/index.js";
import { readU8 } from "../util/bytes.js";
import { DfAlgorithm, electForwarder, type DfCandidate } from "./df-election.js";
import type { Links } from "./links.js";
import type { FibTables } from "./mac-fib.js";
import type { NextHops } from "./next-hops.js";
import type { FibView, LabelView } from "./view.js";

export interface PlaceView {
  readonly pe: string;
  /** Per-ES A-D routes; 0 = the PE has MACs here that cannot be used through it. */
  readonly perEsRoutes: number;
  readonly singleActive: boolean;
  /** Split-horizon label of RFC 7432 section 8.3, undefined under VXLAN where it means nothing. */
  readonly esiLabel: number | undefined;
  /** MAC/IP routes, one for each domain they are in. */
  readonly macs: number;
}

/** A PE's word in the election. */
export interface ElectorView {
  readonly pe: string;
  readonly originator: string;
  readonly algorithm: number;
  readonly bitmap: number;
  readonly preference: number;
}

export interface ForwarderView {
  readonly domain: string;
  /** What the election went by: Ethernet tag or VNI. */
  readonly tag: number;
  /** Undefined when nobody stood. */
  readonly forwarder: string | undefined;
  readonly backup: string | undefined;
  readonly algorithm: number;
  readonly acDf: boolean;
  readonly reason: string;
  /** When the PEs disagree: whom each would elect by its own word. */
  readonly byOwnWord: readonly {
    readonly originator: string;
    readonly forwarder: string | undefined;
  }[];
  /** PEs with a per-EVI A-D route for the domain, and their labels. */
  readonly perEvi: readonly { readonly pe: string; readonly label: LabelView }[];
}

export interface SegmentView {
  readonly id: number;
  readonly esi: string;
  readonly mode: "all-active" | "single-active" | "unknown";
  readonly places: readonly PlaceView[];
  readonly electors: readonly ElectorView[];
  readonly macs: number;
  /** At most `MOST_FORWARDERS`; `FibSegments.forwarders` has them all, by pages. */
  readonly forwarders: readonly ForwarderView[];
  readonly forwardersCut: boolean;
}

export const MOST_FORWARDERS = 64;

interface Elector extends ElectorView {
  readonly peId: number;
  readonly address: Uint8Array;
}

export class FibSegments {
  private readonly tables: FibTables;
  private readonly links: Links;
  private readonly hops: NextHops;
  private readonly view: FibView;

  constructor(tables: FibTables, links: Links, hops: NextHops, view: FibView) {
    this.tables = tables;
    this.links = links;
    this.hops = hops;
    this.view = view;
  }

  /** Undefined when the id is no segment in use. */
  segment(id: number): SegmentView | undefined {
    const { segments } = this.tables;
    if (id <= 0 || id >= segments.limit || !segments.exists(id)) return undefined;
    const places = this.places(id);
    const { rows, next } = this.forwarders(id, 0, MOST_FORWARDERS);
    const known = places.some(({ perEsRoutes }) => perEsRoutes > 0);
    return {
      id,
      esi: formatEsi(segments.esi(id), 0),
      mode: !known ? "unknown" : this.hops.isSingleActive(id) ? "single-active" : "all-active",
      places,
      electors: this.electors(id),
      macs: segments.macs(id),
      forwarders: rows,
      forwardersCut: next !== 0,
    };
  }

  /** Forwarders of the segment's domains from the `from`th on; `next` is 0 at the end. */
  forwarders(
    segment: number,
    from: number,
    most: number,
  ): { readonly rows: ForwarderView[]; readonly next: number } {
    const { segments } = this.tables;
    const electors = this.electors(segment);
    const rows: ForwarderView[] = [];
    let index = 0;
    let at = segments.firstAttachment(segment);
    for (; at !== 0 && rows.length < most; at = segments.nextAttachment(at)) {
      if (index++ >= from) rows.push(this.forwarder(segment, at, electors));
    }
    return { rows, next: at === 0 ? 0 : index };
  }

  private places(segment: number): PlaceView[] {
    const { segments, pes } = this.tables;
    const out: PlaceView[] = [];
    for (let at = segments.firstPlace(segment); at !== 0; at = segments.nextPlace(at)) {
      const link = segments.firstPerEs(at);
      const label =
        link === 0 ? undefined : this.view.label(this.links.label(link), this.links.factsOf(link));
      out.push({
        pe: pes.address(segments.placePe(at)),
        perEsRoutes: segments.perEsRoutes(at),
        singleActive: segments.isSingleActive(at),
        esiLabel: label?.kind === "mpls" ? label.value : undefined,
        macs: segments.placeMacs(at),
      });
    }
    return out;
  }

  private electors(segment: number): Elector[] {
    const { segments, facts, pes, routes } = this.tables;
    const out: Elector[] = [];
    for (let link = segments.firstRoute(segment); link !== 0; link = this.links.next(link)) {
      const of = this.links.factsOf(link);
      // RD, ESI, then the originating router behind its length in bits.
      const at = routes.destNlri(this.links.dest(link)) + 20;
      const octets = readU8(routes.nlriBytes, at) >>> 3;
      const address = routes.nlriBytes.slice(at + 1, at + 1 + octets);
      const said = facts.dfElection(of);
      out.push({
        pe: pes.address(facts.pe(of)),
        originator: formatIp(address, 0, octets),
        algorithm: said?.algorithm ?? DfAlgorithm.Modulo,
        bitmap: said?.bitmap ?? 0,
        preference: said?.preference ?? 0,
        peId: facts.pe(of),
        address,
      });
    }
    return out;
  }

  private forwarder(
    segment: number,
    attachment: number,
    electors: readonly Elector[],
  ): ForwarderView {
    const { segments, domains, facts, pes } = this.tables;
    const domain = segments.domainOf(attachment);
    const perEvi: { pe: string; label: LabelView }[] = [];
    const withPerEvi = new Set<number>();
    for (let link = segments.firstPerEvi(attachment); link !== 0; link = this.links.next(link)) {
      const of = this.links.factsOf(link);
      withPerEvi.add(facts.pe(of));
      perEvi.push({
        pe: pes.address(facts.pe(of)),
        label: this.view.label(this.links.label(link), of),
      });
    }
    const tag =
      domains.tag(domain) ||
      (this.view.domain(domain)?.vni ??
        perEvi.find(({ label }) => label.kind === "vni")?.label.value ??
        0);
    const candidates = electors.map((one): DfCandidate => {
      const place = segments.place(segment, one.peId);
      return {
        address: one.address,
        algorithm: one.algorithm,
        bitmap: one.bitmap,
        preference: one.preference,
        perEs: place !== 0 && segments.perEsRoutes(place) > 0,
        perEvi: withPerEvi.has(one.peId),
      };
    });
    const esi = segments.esi(segment).slice();
    const result = electForwarder(candidates, esi, tag);
    const named = (index: number | undefined): string | undefined =>
      index === undefined || index < 0 ? undefined : electors[index]!.originator;
    return {
      domain: this.view.domainName(domain),
      tag,
      forwarder: named(result.winner),
      backup: named(result.order[1]),
      algorithm: result.algorithm,
      acDf: result.acDf,
      reason: result.reason,
      byOwnWord: result.disagree
        ? electors.map((one) => ({
            originator: one.originator,
            forwarder: named(electForwarder(candidates, esi, tag, one).winner),
          }))
        : [],
      perEvi,
    };
  }
}
