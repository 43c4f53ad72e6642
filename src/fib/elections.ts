/**
 * Who forwards what on an Ethernet segment, for each bridge domain: as all the PEs together would have it,
 * and as each PE works it out from what it sees.
 *
 * A PE imports the type 4 routes with its own ES-Import route target (RFC 7432 section 8.1.1). One that
 * announces no DF election community does not know of it, and does what RFC 7432 section 8.5 says whatever the
 * others announce. So two PEs may both forward, or none: `outcome` tells.
 *
 * A segment has a handful of PEs; of more than `MOST_ELECTORS` only those of the lowest addresses are looked at,
 * and beyond `MOST_VIEWS` nobody's own view is worked out.
 *
 * The VLAN that a PE goes by is in BGP only where the Ethernet tag is: else it is taken to be the VNI (RFC 8365
 * section 8.1.5), and without one 0.
 */
import { formatIp } from "../fast-bgp-codec/index.js";
import { readU16, readU32, readU8 } from "../util/bytes.js";
import {
  compareAddresses,
  DfAlgorithm,
  electForwarder,
  type DfCandidate,
  type DfResult,
} from "./df-election.js";
import type { Links } from "./links.js";
import type { FibTables } from "./mac-fib.js";
import type { FibView, LabelView } from "./view.js";

/** A PE's word in the election. */
export interface ElectorView {
  readonly pe: string;
  readonly originator: string;
  /** It announces a DF election community, and one only (RFC 8584 section 2.2). */
  readonly signals: boolean;
  readonly algorithm: number;
  readonly bitmap: number;
  readonly preference: number;
  /** Its ES-Import route target as a MAC; undefined without one: then nobody imports its route. */
  readonly esImport: string | undefined;
}

/** What one PE works out. */
export interface OwnElectionView {
  readonly originator: string;
  /** Type 4 routes that it imports, its own included. */
  readonly sees: number;
  /** The algorithm that it uses. */
  readonly algorithm: number;
  readonly forwarder: string | undefined;
  /** It takes itself for the forwarder. */
  readonly forwards: boolean;
  /** Whom it would take if it went by its own word although others say otherwise. */
  readonly byOwnWord: string | undefined;
}

/** How many PEs take themselves for the forwarder: several send everything twice, none sends nothing; not worked out for too many. */
export type ElectionOutcome = "one" | "several" | "none" | "unknown";

export interface ForwarderView {
  readonly domain: string;
  /** What the election went by: Ethernet tag or VNI. */
  readonly tag: number;
  readonly tagFrom: "ethernet-tag" | "vni" | "unknown";
  /** Undefined when nobody stood. */
  readonly forwarder: string | undefined;
  /** Who would be elected if the forwarder left. */
  readonly backup: string | undefined;
  readonly algorithm: number;
  readonly acDf: boolean;
  readonly disagree: boolean;
  readonly reason: string;
  /** By originator. */
  readonly views: readonly OwnElectionView[];
  readonly outcome: ElectionOutcome;
  /** The same, if every PE went by its own word. */
  readonly outcomeByOwnWord: ElectionOutcome;
  /** PEs with a per-EVI A-D route for the domain, and their labels. */
  readonly perEvi: readonly { readonly pe: string; readonly label: LabelView }[];
}

export interface Elector extends ElectorView {
  readonly peId: number;
  readonly address: Uint8Array;
}

/** What an election goes by. */
export interface ElectionTag {
  readonly tag: number;
  readonly tagFrom: ForwarderView["tagFrom"];
}

/** PEs that stand, and type 4 routes looked at for them. */
export const MOST_ELECTORS = 64;
const MOST_ROUTES = 1024;
export const MOST_VIEWS = 16;

export class Elections {
  private readonly tables: FibTables;
  private readonly links: Links;
  private readonly view: FibView;

  constructor(tables: FibTables, links: Links, view: FibView) {
    this.tables = tables;
    this.links = links;
    this.view = view;
  }

  /** PEs of the segment's type 4 routes, by address; one of several routes of a PE counts, that of the lowest key. */
  electors(segment: number): Elector[] {
    const { segments, facts, pes, routes } = this.tables;
    const found: { readonly elector: Elector; readonly key: Uint8Array }[] = [];
    let link = segments.firstRoute(segment);
    for (let n = 0; link !== 0 && n < MOST_ROUTES; n++, link = this.links.next(link)) {
      const of = this.links.factsOf(link);
      // RD, ESI, then the originating router behind its length in bits.
      const nlri = routes.destNlri(this.links.dest(link));
      const octets = readU8(routes.nlriBytes, nlri + 20) >>> 3;
      if (octets !== 4 && octets !== 16) continue;
      const address = routes.nlriBytes.slice(nlri + 21, nlri + 21 + octets);
      const said = facts.dfElection(of);
      const target = facts.esImport(of);
      const elector = {
        pe: pes.address(facts.pe(of)),
        originator: formatIp(address, 0, octets),
        signals: said !== undefined,
        algorithm: said?.algorithm ?? DfAlgorithm.Modulo,
        bitmap: said?.bitmap ?? 0,
        preference: said?.preference ?? 0,
        esImport: target === undefined ? undefined : macOf(target),
        peId: facts.pe(of),
        address,
      };
      found.push({ elector, key: routes.nlriBytes.slice(nlri + 2, nlri + 10) });
    }
    found.sort(
      (a, b) =>
        compareAddresses(a.elector.address, b.elector.address) || Buffer.compare(a.key, b.key),
    );
    return found
      .map(({ elector }) => elector)
      .filter((one, i, all) => i === 0 || all[i - 1]!.originator !== one.originator)
      .slice(0, MOST_ELECTORS);
  }

  forwarder(segment: number, attachment: number, electors: readonly Elector[]): ForwarderView {
    const { segments } = this.tables;
    const domain = segments.domainOf(attachment);
    const perEvi = this.perEvi(attachment);
    const { tag, tagFrom } = this.tagOf(attachment);
    const candidates = this.candidates(segment, attachment, electors);
    const esi = segments.esi(segment).slice();
    const result = electForwarder(candidates, esi, tag);
    const views =
      electors.length > MOST_VIEWS
        ? []
        : new OwnViews(electors, candidates, esi, tag, result).all();
    const known = views.length === electors.length;
    // Modulo counts off anew among fewer, and those left may agree on another algorithm.
    const others = electors.filter((_, index) => index !== result.winner);
    const left = candidates.filter((_, index) => index !== result.winner);
    return {
      domain: this.view.domainName(domain),
      tag,
      tagFrom,
      forwarder: electors[result.winner]?.originator,
      backup: others[electForwarder(left, esi, tag).winner]?.originator,
      algorithm: result.algorithm,
      acDf: result.acDf,
      disagree: result.disagree,
      reason: result.reason,
      views,
      outcome: known ? outcomeOf(views.map(({ forwards }) => forwards)) : "unknown",
      outcomeByOwnWord: known
        ? outcomeOf(views.map((one) => one.byOwnWord === one.originator))
        : "unknown",
      perEvi,
    };
  }

  /** Ethernet tag, else the VNI of the domain: of the settings, of A-D routes, of type 3 routes, of a MAC. */
  tagOf(attachment: number): ElectionTag {
    const { domains, segments } = this.tables;
    const domain = segments.domainOf(attachment);
    const tag = domains.tag(domain);
    if (tag !== 0) return { tag, tagFrom: "ethernet-tag" };
    const vni =
      domains.settingsOf(domain)?.vni ??
      lowest(this.perEvi(attachment).map(({ label }) => label)) ??
      this.view.vniOf(domain);
    return vni === undefined ? { tag: 0, tagFrom: "unknown" } : { tag: vni, tagFrom: "vni" };
  }

  private perEvi(attachment: number): { pe: string; label: LabelView }[] {
    const { segments, facts, pes } = this.tables;
    const out: { pe: string; label: LabelView }[] = [];
    for (let link = segments.firstPerEvi(attachment); link !== 0; link = this.links.next(link)) {
      const of = this.links.factsOf(link);
      const label = this.view.label(this.links.label(link), of);
      out.push({ pe: pes.address(facts.pe(of)), label });
    }
    return out;
  }

  private candidates(
    segment: number,
    attachment: number,
    electors: readonly Elector[],
  ): DfCandidate[] {
    const { segments, facts } = this.tables;
    const withPerEvi = new Set<number>();
    for (let link = segments.firstPerEvi(attachment); link !== 0; link = this.links.next(link)) {
      withPerEvi.add(facts.pe(this.links.factsOf(link)));
    }
    return electors.map(({ peId, address, algorithm, bitmap, preference }) => {
      const place = segments.place(segment, peId);
      const perEs = place !== 0 && segments.perEsRoutes(place) > 0;
      const perEvi = withPerEvi.has(peId);
      return { address, algorithm, bitmap, preference, perEs, perEvi };
    });
  }
}

/** Elections as each PE holds them; those that come to the same are held once. */
class OwnViews {
  private readonly electors: readonly Elector[];
  private readonly candidates: readonly DfCandidate[];
  private readonly esi: Uint8Array;
  private readonly tag: number;
  /** By who is seen and what is assumed. */
  private readonly held = new Map<string, { algorithm: number; forwarder: string | undefined }>();

  /** @param together the election of all, by what they announce */
  constructor(
    electors: readonly Elector[],
    candidates: readonly DfCandidate[],
    esi: Uint8Array,
    tag: number,
    together: DfResult,
  ) {
    this.electors = electors;
    this.candidates = candidates;
    this.esi = esi;
    this.tag = tag;
    const all = electors.map((_, index) => index);
    const forwarder = electors[together.winner]?.originator;
    this.held.set(keyOf(all, undefined), { algorithm: together.algorithm, forwarder });
    // Whoever agrees with all goes by its own word and by theirs.
    const [first] = candidates;
    if (first === undefined || together.disagree) return;
    this.held.set(keyOf(all, first), { algorithm: together.algorithm, forwarder });
  }

  all(): OwnElectionView[] {
    return this.electors.map((_, index) => this.view(index));
  }

  private view(index: number): OwnElectionView {
    const { electors, candidates, esi } = this;
    const me = electors[index]!;
    const import_ = me.esImport ?? derivedImport(esi);
    const seen = electors
      .map((_, other) => other)
      .filter((other) => other === index || electors[other]!.esImport === import_);
    const { algorithm, forwarder } = this.hold(seen, me.signals ? undefined : PLAIN);
    return {
      originator: me.originator,
      sees: seen.length,
      algorithm,
      forwarder,
      forwards: forwarder === me.originator,
      byOwnWord: this.hold(seen, candidates[index]).forwarder,
    };
  }

  private hold(seen: readonly number[], assume: Word | undefined) {
    const key = keyOf(seen, assume);
    let known = this.held.get(key);
    if (known === undefined) {
      const mine = seen.map((other) => this.candidates[other]!);
      const { algorithm, winner } = electForwarder(mine, this.esi, this.tag, assume);
      known = { algorithm, forwarder: this.electors[seen[winner] ?? -1]?.originator };
      this.held.set(key, known);
    }
    return known;
  }
}

type Word = Pick<DfCandidate, "algorithm" | "bitmap">;

/** What a PE does that knows no other way. */
const PLAIN: Word = { algorithm: DfAlgorithm.Modulo, bitmap: 0 };
/** Don't-preempt is a PE's wish for itself, no way to elect. */
const DONT_PREEMPT = 0x8000;

function keyOf(seen: readonly number[], assume: Word | undefined): string {
  const word =
    assume === undefined ? "" : `${assume.algorithm} ${assume.bitmap & ~DONT_PREEMPT & 0xffff}`;
  return `${seen.join(",")} ${word}`;
}

/** What a PE imports by unless it says otherwise: the first six octets of the ESI's value (RFC 7432 section 7.6). */
function derivedImport(esi: Uint8Array): string {
  return macOf(readU16(esi, 1) * 0x1_0000_0000 + readU32(esi, 3));
}

function macOf(value: number): string {
  return value.toString(16).padStart(12, "0").match(/../g)?.join(":") ?? "";
}

function outcomeOf(forwards: readonly boolean[]): ElectionOutcome {
  const count = forwards.filter(Boolean).length;
  return count === 0 ? "none" : count === 1 ? "one" : "several";
}

function lowest(labels: readonly LabelView[]): number | undefined {
  const vnis = labels.filter(({ kind }) => kind === "vni").map(({ value }) => value);
  return vnis.length === 0 ? undefined : Math.min(...vnis);
}
