/** Ethernet segments as plain data: their PEs, how they are redundant, and who forwards what, with the reason. */
import { TunnelType, formatEsi } from "../fast-bgp-codec/index.js";
import { Elections, type Elector, type ElectorView, type ForwarderView } from "./elections.js";
import type { Links } from "./links.js";
import type { FibTables } from "./mac-fib.js";
import type { NextHops } from "./next-hops.js";
import { FactFlag } from "./route-facts.js";
import type { FibView } from "./view.js";

/**
 * How a PE keeps a frame from going back to the segment that it came from: by the ESI label (RFC 7432 section
 * 8.3), or by the tunnel's source address (local bias, RFC 8365 section 8.3.1).
 */
export type SplitHorizon = "esi-label" | "local-bias";

export interface PlaceView {
  readonly pe: string;
  /** Per-ES A-D routes; 0 = the PE has MACs here that cannot be used through it. */
  readonly perEsRoutes: number;
  readonly singleActive: boolean;
  /** Split-horizon label of RFC 7432 section 8.3, undefined under VXLAN where it means nothing. */
  readonly esiLabel: number | undefined;
  /** By encapsulation and by what the PE asks for (RFC 9746); undefined without a per-ES route. */
  readonly splitHorizon: SplitHorizon | undefined;
  /** MAC/IP routes, one for each domain they are in. */
  readonly macs: number;
}

export interface SegmentView {
  readonly id: number;
  readonly esi: string;
  readonly mode: "all-active" | "single-active" | "unknown";
  readonly places: readonly PlaceView[];
  /** What all PEs do; "mixed" when they do not all do the same. Undefined while none has a per-ES route. */
  readonly splitHorizon: SplitHorizon | "mixed" | undefined;
  readonly electors: readonly ElectorView[];
  readonly macs: number;
  /** At most `MOST_FORWARDERS`; `FibSegments.forwarders` has them all, by pages. */
  readonly forwarders: readonly ForwarderView[];
  readonly forwardersCut: boolean;
}

export const MOST_FORWARDERS = 64;

export class FibSegments {
  private readonly tables: FibTables;
  private readonly links: Links;
  private readonly hops: NextHops;
  private readonly view: FibView;
  readonly elections: Elections;

  constructor(tables: FibTables, links: Links, hops: NextHops, view: FibView) {
    this.tables = tables;
    this.links = links;
    this.hops = hops;
    this.view = view;
    this.elections = new Elections(tables, links, view);
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
      splitHorizon: splitHorizonOf(places),
      electors: this.elections.electors(id).map(electorView),
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
    const electors = this.elections.electors(segment);
    const rows: ForwarderView[] = [];
    let index = 0;
    let at = segments.firstAttachment(segment);
    for (; at !== 0 && rows.length < most; at = segments.nextAttachment(at)) {
      if (index++ >= from) rows.push(this.elections.forwarder(segment, at, electors));
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
        splitHorizon: link === 0 ? undefined : this.splitHorizon(this.links.factsOf(link)),
        macs: segments.placeMacs(at),
      });
    }
    return out;
  }

  /** VXLAN and NVGRE have no label to spare, MPLS no source address: a wish counts elsewhere only (RFC 9746 section 2). */
  private splitHorizon(of: number): SplitHorizon {
    const { facts } = this.tables;
    const tunnel = facts.tunnelType(of);
    const vni = (facts.flags(of) & FactFlag.Vni) !== 0;
    if (tunnel === TunnelType.Vxlan || tunnel === TunnelType.Nvgre) return "local-bias";
    if (tunnel === 0 || tunnel === TunnelType.Mpls) return vni ? "local-bias" : "esi-label";
    const wish = facts.splitHorizonType(of);
    if (wish === 1) return "local-bias";
    if (wish === 2) return "esi-label";
    return vni ? "local-bias" : "esi-label";
  }
}

/** Without what only the election needs. */
function electorView(elector: Elector): ElectorView {
  const { pe, originator, signals, algorithm, bitmap, preference, esImport } = elector;
  return { pe, originator, signals, algorithm, bitmap, preference, esImport };
}

function splitHorizonOf(places: readonly PlaceView[]): SegmentView["splitHorizon"] {
  const said = new Set(places.flatMap(({ splitHorizon }) => splitHorizon ?? []));
  const [one] = said;
  return said.size > 1 ? "mixed" : one;
}
