/**
 * The FIB as plain data: what an API, a command line or a test reads. Views are made when asked for and
 * cost nothing otherwise. Nothing in them is an id of a record, but for the `id` of entries and domains,
 * which is a handle for the next question and may be stale by then.
 */
import { formatEsi, formatIp, formatRouteTarget } from "../fast-bgp-codec/index.js";
import { readU32, toHex, writeU32 } from "../util/bytes.js";
import { macText } from "./events.js";
import { EntryFlag } from "./mac-entries.js";
import type { Links } from "./links.js";
import type { FibTables, MacFib } from "./mac-fib.js";
import { HopRole, type NextHops } from "./next-hops.js";
import { FactFlag } from "./route-facts.js";
import type { MoveWatch } from "./quarantine/move-watch.js";
import type { DuplicateView, QuarantineView } from "./quarantine/view.js";
import type { DomainService, DomainSettings } from "./settings.js";

/** A label field, read as its encapsulation says. */
export interface LabelView {
  readonly kind: "vni" | "mpls";
  readonly value: number;
}

export interface NextHopView {
  readonly address: string;
  readonly label: LabelView;
  readonly role: "advertised" | "aliased" | "backup";
}

export interface BindingView {
  readonly ip: string;
  /** Another MAC has the address, although this one carries it too. */
  readonly lost: boolean;
  /** Times the address came to another MAC. */
  readonly moves: number;
  /** Wall-clock seconds. */
  readonly firstSeen: number;
  readonly lastChange: number;
}

export interface MacView {
  readonly id: number;
  readonly domain: string;
  readonly domainId: number;
  readonly mac: string;
  /** PE that the winner is from. */
  readonly pe: string;
  readonly label: LabelView;
  readonly esi: string | undefined;
  readonly nextHops: readonly NextHopView[];
  readonly sequence: number;
  readonly sticky: boolean;
  readonly defaultGateway: boolean;
  readonly proxy: boolean;
  readonly router: boolean;
  readonly routerMac: string | undefined;
  /** At most `MOST_BINDINGS`; `bindingsCut` says that there are more. */
  readonly bindings: readonly BindingView[];
  readonly bindingsCut: boolean;
  readonly moves: number;
  /** Undefined when it is none. */
  readonly duplicate: DuplicateView | undefined;
  /** Undefined when it is neither in quarantine nor on trial. */
  readonly quarantine: QuarantineView | undefined;
  /** PE of a route that contradicts the sticky winner (RFC 7432 section 15.2). */
  readonly conflict: string | undefined;
  readonly nearWrap: boolean;
  /** Wall-clock seconds. */
  readonly firstSeen: number;
  readonly lastChange: number;
}

export interface DomainView {
  readonly id: number;
  readonly name: string;
  readonly configured: boolean;
  readonly service: DomainService;
  /** One, or those of the settings. */
  readonly routeTargets: readonly string[];
  readonly ethernetTag: number;
  readonly vni: number | undefined;
  readonly macs: number;
  readonly ips: number;
  /** Type 3 routes. */
  readonly inclusives: number;
  /** Of a domain of backbone MACs: the I-SIDs of its type 3 routes, at most `MOST_ISIDS`. */
  readonly isids?: readonly number[];
}

interface DomainName {
  readonly high: number;
  readonly low: number;
  readonly tag: number;
  readonly settings: DomainSettings | undefined;
  readonly name: string;
}

interface Survey {
  readonly flags: number;
  readonly routerMac: number | undefined;
  readonly bindings: BindingView[];
  readonly cut: boolean;
}

export const MOST_BINDINGS = 64;
export const MOST_ISIDS = 1000;
/** Offset in the NLRI of a type 3 route. */
const INCLUSIVE_TAG = 10;
/** Candidates looked at for one view. */
const MOST_CANDIDATES = 1024;

export class FibView {
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly hops: NextHops;
  private readonly duplicates: MoveWatch;
  private readonly links: Links;
  /** By id, names with all that they are made of: good even where a read was disturbed. */
  private readonly names = new Map<number, DomainName>();

  constructor(
    tables: FibTables,
    macs: MacFib,
    hops: NextHops,
    duplicates: MoveWatch,
    links: Links,
  ) {
    this.tables = tables;
    this.macs = macs;
    this.hops = hops;
    this.duplicates = duplicates;
    this.links = links;
  }

  /** The entry, or undefined when there is none of this id. */
  mac(entry: number): MacView | undefined {
    const { entries, candidates } = this.macs;
    const { segments, facts, pes } = this.tables;
    if (entry <= 0 || entry >= entries.limit || !entries.exists(entry)) return undefined;
    const winner = this.hops.resolve(entry);
    const of = candidates.factsOf(winner);
    const attachment = candidates.attachment(winner);
    const nextHops = this.nextHops();
    const { flags, routerMac, bindings, cut } = this.survey(entry, winner);
    return {
      id: entry,
      domain: this.domainName(entries.domain(entry)),
      domainId: entries.domain(entry),
      mac: macText(entries.macHigh(entry), entries.macLow(entry)),
      pe: pes.address(facts.pe(of)),
      label: this.label(candidates.label(winner), of),
      esi:
        attachment === 0 ? undefined : formatEsi(segments.esi(segments.segmentOf(attachment)), 0),
      nextHops,
      sequence: facts.sequence(of),
      sticky: (flags & FactFlag.Sticky) !== 0,
      defaultGateway: (flags & FactFlag.DefaultGateway) !== 0,
      proxy: (facts.flags(of) & FactFlag.Proxy) !== 0,
      router: (flags & FactFlag.Router) !== 0,
      routerMac:
        routerMac === undefined
          ? undefined
          : macText(Math.floor(routerMac / 0x1_0000_0000), routerMac >>> 0),
      bindings,
      bindingsCut: cut,
      moves: entries.moves(entry),
      duplicate: this.duplicates.view(entry),
      quarantine: this.duplicates.quarantineOf(entry),
      conflict: this.conflict(entry),
      nearWrap: entries.hasFlag(entry, EntryFlag.NearWrap),
      firstSeen: entries.firstSeen(entry),
      lastChange: entries.lastChange(entry),
    };
  }

  domain(id: number): DomainView | undefined {
    const { domains } = this.tables;
    if (id <= 0 || id >= domains.limit || !domains.exists(id)) return undefined;
    const settings = domains.settingsOf(id);
    const tag = domains.tag(id);
    return {
      id,
      name: this.domainName(id),
      configured: settings !== undefined,
      service: settings?.service ?? (tag === 0 ? "vlan-based" : "vlan-aware-bundle"),
      routeTargets: settings?.routeTargets ?? [this.targetOf(id)],
      ethernetTag: tag,
      vni: settings?.vni ?? this.vniOf(id),
      macs: domains.macs(id),
      ips: domains.ips(id),
      inclusives: domains.inclusives(id),
      ...(settings?.service === "pbb" && { isids: this.isidsOf(id) }),
    };
  }

  /** The configured name, else the route target; a tag other than 0 behind a slash. */
  domainName(id: number): string {
    const { domains } = this.tables;
    const high = domains.keyWord(id, 0);
    const low = domains.keyWord(id, 1);
    const tag = domains.tag(id);
    const settings = domains.settingsOf(id);
    const known = this.names.get(id);
    if (
      known?.low === low &&
      known.high === high &&
      known.tag === tag &&
      known.settings === settings
    ) {
      return known.name;
    }
    const fixed = settings !== undefined && settings.ethernetTag !== undefined;
    const name = settings?.name ?? this.targetOf(id);
    const whole = tag === 0 || fixed ? name : `${name}/${tag}`;
    this.names.set(id, { high, low, tag, settings, name: whole });
    return whole;
  }

  label(raw: number, facts: number): LabelView {
    return (this.tables.facts.flags(facts) & FactFlag.Vni) !== 0
      ? { kind: "vni", value: raw }
      : { kind: "mpls", value: raw >>> 4 };
  }

  private conflict(entry: number): string | undefined {
    const { entries, candidates } = this.macs;
    if (!entries.hasFlag(entry, EntryFlag.Conflict)) return undefined;
    const rival = this.macs.conflicts.rival(entries.head(entry));
    return rival === 0 ? undefined : this.tables.pes.address(candidates.pe(rival));
  }

  private targetOf(id: number): string {
    const bytes = new Uint8Array(8);
    writeU32(bytes, 0, this.tables.domains.keyWord(id, 0));
    writeU32(bytes, 4, this.tables.domains.keyWord(id, 1));
    return formatRouteTarget(bytes, 0) ?? toHex(bytes);
  }

  /** The VNI that the domain's routes carry: of a MAC, else of a type 3 route. */
  vniOf(id: number): number | undefined {
    const { domains } = this.tables;
    const { entries, candidates } = this.macs;
    const entry = domains.firstEntry(id);
    const inclusive = domains.firstInclusive(id);
    if (entry === 0 && inclusive === 0) return undefined;
    const head = entry === 0 ? 0 : entries.head(entry);
    const { kind, value } =
      head === 0
        ? this.label(this.links.label(inclusive), this.links.factsOf(inclusive))
        : this.label(candidates.label(head), candidates.factsOf(head));
    return kind === "vni" ? value : undefined;
  }

  /** Tags of the type 3 routes of a domain of backbone MACs: its I-SIDs (RFC 7623 section 6.1.3), ascending. */
  private isidsOf(id: number): number[] {
    const { domains, routes } = this.tables;
    const found = new Set<number>();
    for (let at = domains.firstInclusive(id); at !== 0; at = this.links.next(at)) {
      const tag = readU32(routes.nlriBytes, routes.destNlri(this.links.dest(at)) + INCLUSIVE_TAG);
      if (tag !== 0) found.add(tag);
      if (found.size === MOST_ISIDS) break;
    }
    return [...found].sort((a, b) => a - b);
  }

  private nextHops(): NextHopView[] {
    const { hops } = this;
    const { pes } = this.tables;
    const list: NextHopView[] = [];
    for (let i = 0; i < hops.count; i++) {
      list.push({
        address: pes.address(hops.pes[i]!),
        label: this.label(hops.labels[i]!, hops.facts[i]!),
        role: ROLES[hops.roles[i]!],
      });
    }
    return list;
  }

  /** What all routes of the winner's PE say of the MAC, and the addresses that any route binds to it. */
  private survey(entry: number, winner: number): Survey {
    const { entries, candidates, ofEntry } = this.macs;
    const { facts } = this.tables;
    const pe = candidates.pe(winner);
    const head = entries.head(entry);
    if (ofEntry.next(head) === head) return this.surveyOne(entry, head);
    const found = new Set<number>();
    let flags = 0;
    let routerMac: number | undefined;
    let at = head;
    let looked = 0;
    do {
      const of = candidates.factsOf(at);
      if (facts.pe(of) === pe) {
        flags |= facts.flags(of);
        routerMac ??= facts.routerMac(of);
      }
      if (candidates.binding(at) !== 0) found.add(candidates.binding(at));
      at = ofEntry.next(at);
    } while (at !== head && ++looked < MOST_CANDIDATES);
    const bindings = [...found]
      .sort((a, b) => this.macs.bindings.compare(a, b))
      .slice(0, MOST_BINDINGS)
      .map((one) => this.binding(one, entry));
    return { flags, routerMac, bindings, cut: at !== head || found.size > MOST_BINDINGS };
  }

  /** The same of a MAC that a single route carries, as most are. */
  private surveyOne(entry: number, head: number): Survey {
    const { candidates } = this.macs;
    const { facts } = this.tables;
    const of = candidates.factsOf(head);
    const binding = candidates.binding(head);
    return {
      flags: facts.flags(of),
      routerMac: facts.routerMac(of),
      bindings: binding === 0 ? [] : [this.binding(binding, entry)],
      cut: false,
    };
  }

  private binding(binding: number, entry: number): BindingView {
    const { bindings, candidates } = this.macs;
    return {
      ip: formatIp(bindings.ip(binding), 0, bindings.octets(binding)),
      lost: candidates.entry(bindings.head(binding)) !== entry,
      moves: bindings.moves(binding),
      firstSeen: bindings.firstSeen(binding),
      lastChange: bindings.lastChange(binding),
    };
  }
}

const ROLES = {
  [HopRole.Advertised]: "advertised",
  [HopRole.Aliased]: "aliased",
  [HopRole.Backup]: "backup",
} as const;
