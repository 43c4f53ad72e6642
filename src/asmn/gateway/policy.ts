/**
 * From catalog and members to what the kernel is to hold: elements of sets and maps for what is exact, which cost
 * a packet one look-up however many there are, and rules for what is wide (prefixes, ranges of ports), which
 * are tried in turn.
 *
 * All members are in, trusted or not: losing trust and getting it back moves addresses in and out of one set
 * and touches nothing here.
 */
import { EVERY, isV6, WITH_PORTS, type Catalog, type CatalogEntry } from "../catalog/index.js";
import { GatewayError } from "./error.js";

/** What a packet is looked up by. `answer` and `back` are the other way round. */
export type MatchKind = "port" | "protocol" | "pair" | "answer" | "back" | "pairback" | "fragment";

export interface ExactMatch {
  readonly kind: MatchKind;
  /** Source and destination as they are in the packet. */
  readonly from: string;
  readonly to: string;
  readonly protocol: number | undefined;
  readonly port: number | undefined;
  /** Which of the limits; undefined = none. */
  readonly limits: number | undefined;
  /** Index of the catalog's entry. */
  readonly entry: number;
}

export interface WideMatch {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly entry: number;
  readonly limits: number | undefined;
  readonly answer: boolean;
}

/** Limits that one flow has for itself. */
export interface Limits {
  readonly rate: number | undefined;
  readonly burst: number;
  readonly packets: number | undefined;
  readonly opens: number | undefined;
  readonly connections: number | undefined;
}

export interface Policy {
  readonly exact: readonly ExactMatch[];
  readonly wide: readonly WideMatch[];
  readonly limits: readonly Limits[];
  /** Indices of those that a flow shares with its later fragments. */
  readonly shared: ReadonlySet<number>;
  /** Addresses and prefixes of VNFs: none of them is ever taken for a network. */
  readonly known: readonly string[];
  readonly networks: readonly string[];
}

/** Where a VNF is: addresses of each of its instances, and prefixes of the VNF as a whole. */
export interface VnfPlaces {
  readonly vnf: string;
  readonly instances: readonly { readonly id: string; readonly addresses: readonly string[] }[];
  readonly prefixes: readonly string[];
}

/** Elements and rules that one gateway holds at most. */
const MOST_EXACT = 65_536;
const MOST_WIDE = 1024;

/** @param catalog undefined: none has come, nothing may pass */
export function compilePolicy(catalog: Catalog | undefined, places: readonly VnfPlaces[]): Policy {
  const compiler = new Compiler(catalog, places);
  return compiler.policy();
}

interface End {
  readonly name: string;
  readonly instances: VnfPlaces["instances"];
  readonly prefixes: readonly string[];
}

class Compiler {
  private readonly catalog: Catalog | undefined;
  private readonly places: readonly VnfPlaces[];
  private readonly exact: ExactMatch[] = [];
  private readonly wide: WideMatch[] = [];
  private readonly limits: Limits[] = [];
  private readonly taken = new Set<string>();
  private readonly fragments = new Map<string, ExactMatch>();

  constructor(catalog: Catalog | undefined, places: readonly VnfPlaces[]) {
    this.catalog = catalog;
    this.places = places;
  }

  policy(): Policy {
    const { catalog, places } = this;
    const entries = [...(catalog?.entries.entries() ?? [])].sort(
      // What names a VNF goes before what speaks of every one.
      ([i, a], [j, b]) => vague(a) - vague(b) || i - j,
    );
    for (const [index, entry] of entries) this.entry(index, entry);
    const known = places.flatMap(({ instances, prefixes }) => [
      ...instances.flatMap(({ addresses }) => addresses),
      ...prefixes,
    ]);
    return {
      exact: [...this.exact, ...this.fragments.values()],
      wide: this.wide,
      limits: this.limits,
      shared: new Set([...this.fragments.values()].flatMap(({ limits }) => limits ?? [])),
      known: [...new Set(known)].sort(),
      networks: [...new Set(catalog?.networks.flatMap(({ prefixes }) => prefixes))].sort(),
    };
  }

  private entry(index: number, entry: CatalogEntry): void {
    const range = entry.ports !== undefined && entry.ports.first !== entry.ports.last;
    for (const from of this.ends(entry.from)) {
      for (const to of this.ends(entry.to)) {
        if (range || from.prefixes.length > 0 || to.prefixes.length > 0) {
          this.addWide(index, entry, from, to);
        } else this.addExact(index, entry, from, to);
      }
    }
  }

  private ends(name: string): End[] {
    const network = this.catalog?.networks.find((one) => one.name === name);
    if (network !== undefined) return [{ name, instances: [], prefixes: network.prefixes }];
    const described = this.catalog?.descriptors ?? [];
    return this.places
      .filter(({ vnf }) => described.includes(vnf) && (name === EVERY || vnf === name))
      .map(({ vnf, instances, prefixes }) => ({ name: vnf, instances, prefixes }));
  }

  private addExact(index: number, entry: CatalogEntry, from: End, to: End): void {
    for (const source of from.instances) {
      for (const target of to.instances) {
        if (source.id === target.id) continue;
        const [forth, back] = this.bothLimits(entry);
        for (const a of source.addresses) {
          for (const b of target.addresses) {
            if (isV6(a) === isV6(b)) this.exactPair(index, entry, a, b, forth, back);
          }
        }
      }
    }
  }

  private exactPair(
    index: number,
    entry: CatalogEntry,
    a: string,
    b: string,
    forth: number | undefined,
    back: number | undefined,
  ): void {
    const { protocol, ports, answers } = entry;
    const port = ports?.first;
    const [kind, answer]: [MatchKind, MatchKind] =
      protocol === undefined
        ? ["pair", "pairback"]
        : port === undefined
          ? ["protocol", "back"]
          : ["port", "answer"];
    this.put({ kind, from: a, to: b, protocol, port, limits: forth, entry: index }, entry);
    if (answers) {
      this.put({ kind: answer, from: b, to: a, protocol, port, limits: back, entry: index }, entry);
    }
  }

  /** The first one that says something of a key has the say. */
  private put(match: ExactMatch, entry: CatalogEntry): void {
    const { kind, from, to, protocol, port } = match;
    const key = `${kind} ${from} ${to} ${protocol} ${port}`;
    if (this.taken.has(key)) return;
    this.taken.add(key);
    if (this.exact.push(match) > MOST_EXACT) throw tooMany("flows", MOST_EXACT);
    if (port !== undefined) this.fragment(match, entry);
  }

  /** Later fragments bear no port: they share the limits of the widest flow of their pair and protocol. */
  private fragment(match: ExactMatch, entry: CatalogEntry): void {
    const key = `${match.from} ${match.to} ${match.protocol}`;
    const known = this.fragments.get(key);
    const rate = entry.rate ?? Infinity;
    if (known !== undefined && this.rateOf(known) >= rate) return;
    this.fragments.set(key, { ...match, kind: "fragment", port: undefined });
  }

  private rateOf({ limits }: ExactMatch): number {
    return limits === undefined ? Infinity : (this.limits[limits]?.rate ?? Infinity);
  }

  private addWide(index: number, entry: CatalogEntry, from: End, to: End): void {
    const [forth, back] = this.bothLimits(entry);
    const [a, b] = [allOf(from), allOf(to)];
    this.putWide({ from: a, to: b, entry: index, limits: forth, answer: false });
    if (entry.answers) {
      this.putWide({ from: b, to: a, entry: index, limits: back, answer: true });
    }
  }

  private putWide(match: WideMatch): void {
    if (this.wide.push(match) > MOST_WIDE)
      throw tooMany("flows with prefixes or ranges", MOST_WIDE);
  }

  /** For each direction its own: answers do not use up what is asked with. */
  private bothLimits(entry: CatalogEntry): [number | undefined, number | undefined] {
    const { rate, burst, packets, opens, connections } = entry;
    const forth = this.limit({ rate, burst, packets, opens, connections });
    if (!entry.answers) return [forth, undefined];
    return [forth, this.limit({ rate, burst, packets, opens: undefined, connections: undefined })];
  }

  private limit(limits: Limits): number | undefined {
    const { rate, packets, opens, connections } = limits;
    if ((rate ?? packets ?? opens ?? connections) === undefined) return undefined;
    return this.limits.push(limits) - 1;
  }
}

/** Whether a protocol's headers begin with ports that the rules can look at. */
export function hasPorts(protocol: number | undefined): boolean {
  return protocol !== undefined && WITH_PORTS.includes(protocol);
}

function vague({ from, to }: CatalogEntry): number {
  return Number(from === EVERY) + Number(to === EVERY);
}

function allOf({ instances, prefixes }: End): string[] {
  return [...instances.flatMap(({ addresses }) => addresses), ...prefixes];
}

function tooMany(what: string, most: number): GatewayError {
  return new GatewayError(
    "invalid",
    `the catalog makes more than ${most} ${what}: name fewer pairs, or fewer addresses for a VNF`,
  );
}
