/**
 * What the FIB should hold, worked out from the table's octets with plain Maps and no care for time. It
 * reads each destination's best path and parses it by hand; nothing of src/fib is used but the settings.
 */
import type { RouteTable } from "../../../src/bgp/rib/index.js";
import type { FibSettings } from "../../../src/fib/settings.js";
import { targetHex } from "./route.js";

/** A route as the model sees it; addresses and keys in hex. */
export interface ModelRoute {
  readonly type: number;
  readonly dest: number;
  /** Orders routes of one PE: RD, then IP length, then tag, MAC and IP. */
  readonly key: string;
  readonly esi: string;
  readonly tag: number;
  readonly mac: string;
  readonly ip: string;
  readonly label: number;
  readonly label2: number;
  readonly pe: string;
  readonly targets: readonly string[];
  readonly vni: boolean;
  readonly sequence: number;
  readonly sticky: boolean;
  readonly gateway: boolean;
  readonly proxy: boolean;
  readonly router: boolean;
  readonly singleActive: boolean;
  readonly localPref: number;
  readonly asPath: number;
  readonly origin: number;
}

export interface ModelMac {
  readonly domain: string;
  readonly mac: string;
  readonly pe: string;
  readonly label: number;
  readonly esi: string;
  readonly sequence: number;
  readonly sticky: boolean;
  readonly gateway: boolean;
  readonly proxy: boolean;
  readonly router: boolean;
  /** `pe role`, sorted. */
  readonly hops: readonly string[];
  /** `ip`, or `ip lost`, sorted. */
  readonly bindings: readonly string[];
  /** The winner whatever is usable: what moves are counted by. */
  readonly preferred: ModelRoute;
}

export interface ModelSegment {
  readonly esi: string;
  readonly singleActive: boolean;
  /** `pe routes macs`, sorted. */
  readonly places: readonly string[];
  /** Domains attached. */
  readonly domains: readonly string[];
  readonly routes: number;
}

export interface ModelFib {
  /** By `domain mac`. */
  readonly macs: Map<string, ModelMac>;
  readonly segments: Map<string, ModelSegment>;
  /** Domains that anything belongs to, with their counts: `macs ips inclusives`. */
  readonly domains: Map<string, string>;
}

export const ZERO_ESI = "00".repeat(10);
const MAX_ESI = "ff".repeat(10);
const MAX_ET = 0xffffffff;

export function modelOf(table: RouteTable, settings: FibSettings): ModelFib {
  const routes: ModelRoute[] = [];
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest) || table.bestPath(dest) === 0) continue;
    const route = parseRoute(table, dest);
    if (route !== undefined) routes.push(route);
  }
  return new Model(routes, settings).build();
}

function number(hex: string, octet: number, octets: number): number {
  return parseInt(hex.slice(octet * 2, (octet + octets) * 2), 16);
}

function cut(hex: string, octet: number, octets: number): string {
  return hex.slice(octet * 2, (octet + octets) * 2);
}

function parseRoute(table: RouteTable, dest: number): ModelRoute | undefined {
  const path = table.bestPath(dest);
  const { attrs } = table;
  const at = table.pathNlri(path);
  const nlri = Buffer.from(table.nlriBytes.subarray(at, at + table.pathNlriLength(path))).toString(
    "hex",
  );
  const attr = table.pathAttr(path);
  const hop = attrs.nextHopStart(attr);
  const pe = Buffer.from(attrs.bytes.subarray(hop, hop + attrs.nextHopLength(attr))).toString(
    "hex",
  );
  const attributes = Buffer.from(
    attrs.bytes.subarray(attrs.attributesStart(attr), attrs.attributesEnd(attr)),
  ).toString("hex");
  const type = number(nlri, 0, 1);
  const ip = type === 2 ? cut(nlri, 32, number(nlri, 31, 1) / 8) : "";
  const labels = 32 + ip.length / 2;
  const octets = nlri.length / 2;
  const label2 = type === 2 && octets === labels + 6 ? number(nlri, labels + 3, 3) : 0;
  const layout = {
    1: { esi: cut(nlri, 10, 10), tag: number(nlri, 20, 4), label: number(nlri, 24, 3) },
    2: { esi: cut(nlri, 10, 10), tag: number(nlri, 20, 4), label: number(nlri, labels, 3) },
    3: { esi: ZERO_ESI, tag: number(nlri, 10, 4), label: 0 },
    4: { esi: cut(nlri, 10, 10), tag: 0, label: 0 },
  }[type];
  if (layout === undefined) return undefined;
  return {
    type,
    dest,
    key: cut(nlri, 2, 8) + cut(nlri, 31, 1) + cut(nlri, 20, 11) + ip,
    ...layout,
    mac: type === 2 ? cut(nlri, 25, 6) : "",
    ip,
    label2,
    pe,
    ...parseAttributes(attributes),
  };
}

function parseAttributes(hex: string) {
  let communities: string[] = [];
  let localPref = 100;
  let asPath = 0;
  let origin = 0;
  let pmsi = 0;
  for (let at = 0; at < hex.length / 2;) {
    const extended = (number(hex, at, 1) & 0x10) !== 0;
    const code = number(hex, at + 1, 1);
    const length = number(hex, at + 2, extended ? 2 : 1);
    const value = cut(hex, at + (extended ? 4 : 3), length);
    at += (extended ? 4 : 3) + length;
    if (code === 1) origin = number(value, 0, 1);
    if (code === 2) asPath = value === "" ? 0 : number(value, 1, 1);
    if (code === 5) localPref = number(value, 0, 4);
    if (code === 16) communities = value.match(/.{16}/g) ?? [];
    if (code === 22) pmsi = number(value, 2, 3);
  }
  const one = (prefix: string): string | undefined =>
    communities.find((text) => text.startsWith(prefix));
  const mobility = one("0600");
  const arpNd = number(one("0608") ?? "0608000000000000", 2, 1);
  return {
    targets: communities.filter((text) => /^0[012]02/.test(text)),
    vni: one("030c") !== undefined && [8, 9, 12, 19].includes(number(one("030c")!, 6, 2)),
    sequence: mobility === undefined ? 0 : number(mobility, 4, 4),
    sticky: mobility !== undefined && (number(mobility, 2, 1) & 1) === 1,
    gateway: one("030d") !== undefined,
    proxy: (arpNd & 4) !== 0,
    router: (arpNd & 1) !== 0,
    singleActive: (number(one("0601") ?? "0601000000000000", 2, 1) & 1) === 1,
    localPref,
    asPath,
    origin,
    pmsi,
  };
}

class Model {
  private readonly routes: readonly ModelRoute[];
  private readonly settings: FibSettings;
  private readonly domainsOf = new Map<ModelRoute, string[]>();

  constructor(routes: readonly ModelRoute[], settings: FibSettings) {
    this.routes = routes;
    this.settings = settings;
    // Inclusive routes first: rule d of the derivation asks for them.
    for (const route of routes)
      if (route.type !== 2) this.domainsOf.set(route, this.resolve(route));
    for (const route of routes)
      if (route.type === 2) this.domainsOf.set(route, this.resolve(route));
  }

  build(): ModelFib {
    const byMac = this.grouped((route) => route.mac);
    const byIp = this.grouped((route) => route.ip);
    const macs = new Map<string, ModelMac>();
    for (const [key, candidates] of byMac) {
      const [domain, mac] = key.split(" ") as [string, string];
      macs.set(key, this.entry(domain, mac, candidates, byIp));
    }
    return { macs, segments: this.segments(), domains: this.domains(byMac, byIp) };
  }

  private grouped(by: (route: ModelRoute) => string): Map<string, ModelRoute[]> {
    const out = new Map<string, ModelRoute[]>();
    for (const route of this.routes) {
      if (route.type !== 2 || by(route) === "") continue;
      for (const domain of this.domainsOf.get(route)!) {
        const key = `${domain} ${by(route)}`;
        out.set(key, [...(out.get(key) ?? []), route]);
      }
    }
    return out;
  }

  private entry(
    domain: string,
    mac: string,
    candidates: readonly ModelRoute[],
    byIp: Map<string, ModelRoute[]>,
  ): ModelMac {
    const backbone = this.isBackbone(domain);
    const preferred = pick(candidates, backbone);
    const usable = candidates.filter(
      (one) => this.hopsOf(domain, one, candidates, backbone).length > 0,
    );
    const preferredWorks = usable.includes(preferred);
    const winner = preferredWorks || usable.length === 0 ? preferred : pick(usable, backbone);
    const ofPe = candidates.filter((one) => one.pe === winner.pe);
    const ips = [...new Set(candidates.map((one) => one.ip).filter((ip) => ip !== ""))];
    return {
      domain,
      mac,
      pe: winner.pe,
      label: winner.label,
      esi: winner.esi,
      sequence: winner.sequence,
      proxy: winner.proxy,
      sticky: ofPe.some((one) => one.sticky),
      gateway: ofPe.some((one) => one.gateway),
      router: ofPe.some((one) => one.router),
      hops: this.hopsOf(domain, winner, candidates, backbone).sort(),
      bindings: ips
        .map((ip) => {
          const owner = pick(byIp.get(`${domain} ${ip}`)!, false, false);
          return owner.mac === mac ? ip : `${ip} lost`;
        })
        .sort(),
      preferred,
    };
  }

  /** `pe role` for each next hop of a candidate's group. */
  private hopsOf(
    domain: string,
    winner: ModelRoute,
    candidates: readonly ModelRoute[],
    backbone: boolean,
  ): string[] {
    if (backbone) return unique(candidates.map((one) => `${one.pe} advertised`));
    if (winner.esi === ZERO_ESI) return [`${winner.pe} advertised`];
    const group = candidates.filter((one) => one.esi === winner.esi);
    if (winner.esi === MAX_ESI) return unique(group.map((one) => `${one.pe} advertised`));
    const reaches = (pe: string): boolean =>
      this.routes.some(
        (one) =>
          one.type === 1 &&
          one.tag === MAX_ET &&
          one.esi === winner.esi &&
          one.pe === pe &&
          this.reaches(domain, one.targets),
      );
    const advertisers = unique(group.map((one) => one.pe)).filter(reaches);
    const perEvi = unique(
      this.routes
        .filter(
          (one) =>
            one.type === 1 &&
            one.tag !== MAX_ET &&
            one.esi === winner.esi &&
            this.domainsOf.get(one)!.includes(domain),
        )
        .map((one) => one.pe),
    ).filter(reaches);
    if (!this.isSingleActive(winner.esi)) {
      return [
        ...advertisers.map((pe) => `${pe} advertised`),
        ...perEvi.filter((pe) => !advertisers.includes(pe)).map((pe) => `${pe} aliased`),
      ];
    }
    const primary = advertisers.includes(winner.pe)
      ? winner.pe
      : [...advertisers].sort(byAddress)[0];
    const others = perEvi.filter((pe) => pe !== primary);
    return [
      ...(primary === undefined ? [] : [`${primary} advertised`]),
      ...(others.length === 1 ? [`${others[0]!} backup`] : []),
    ];
  }

  private isSingleActive(esi: string): boolean {
    return this.routes.some(
      (one) => one.type === 1 && one.tag === MAX_ET && one.esi === esi && one.singleActive,
    );
  }

  private settingsOf(domain: string) {
    return domain.startsWith("#")
      ? this.settings.domains[parseInt(domain.slice(1), 10)]
      : undefined;
  }

  private isBackbone(domain: string): boolean {
    return this.settingsOf(domain)?.service === "pbb";
  }

  private reaches(domain: string, targets: readonly string[]): boolean {
    const settings = this.settingsOf(domain);
    if (settings === undefined) return targets.includes(domain.split("/")[0]!);
    return (
      settings.routeTargets.length === 0 ||
      settings.routeTargets.some((target) => targets.includes(targetHex(target)))
    );
  }

  /** Domains of a route: `#index/tag` of the settings, or `target/tag`. */
  private resolve(route: ModelRoute): string[] {
    const perEs = route.type === 4 || (route.type === 1 && route.tag === MAX_ET);
    const noSegment = route.type === 1 && (route.esi === ZERO_ESI || route.esi === MAX_ESI);
    if (perEs || noSegment) return [];
    const label = route.type === 3 ? (route as ModelRoute & { pmsi: number }).pmsi : route.label;
    const targets = unique(route.targets);
    const out: string[] = [];
    const claimed = new Set<string>();
    for (const [index, domain] of this.settings.domains.entries()) {
      const takes =
        domain.ethernetTag === undefined
          ? domain.service === "vlan-aware-bundle" || domain.service === "pbb" || route.tag === 0
          : domain.ethernetTag === route.tag;
      if (!takes) continue;
      const mine = domain.routeTargets.map(targetHex).filter((target) => targets.includes(target));
      for (const target of mine) claimed.add(target);
      const backbone = domain.service === "pbb" && domain.ethernetTag === undefined;
      const byVni = domain.routeTargets.length === 0 && route.vni && domain.vni === label;
      if (mine.length > 0 || byVni) out.push(`#${index}/${backbone ? 0 : route.tag}`);
    }
    let left = targets.filter((target) => !claimed.has(target));
    if (route.label2 !== 0 && route.targets.length > 1) {
      if (out.length > 0) left = [];
      left = this.bridging(left, route);
    }
    return [...out, ...left.map((target) => `${target}/${route.tag}`)];
  }

  private bridging(targets: string[], route: ModelRoute): string[] {
    let left = targets;
    if (route.vni) {
      const named = left.filter((target) => vniIn(target) === route.label);
      if (named.length > 0) return named;
      const others = left.filter((target) => vniIn(target) !== route.label2);
      if (others.length > 0) left = others;
    }
    if (left.length < 2) return left;
    const bridged = left.filter((target) =>
      [...this.domainsOf].some(
        ([one, domains]) => one.type === 3 && domains.includes(`${target}/${route.tag}`),
      ),
    );
    return bridged.length > 0 ? bridged : left;
  }

  private segments(): Map<string, ModelSegment> {
    const out = new Map<string, ModelSegment>();
    const esis = unique(this.routes.filter((one) => one.esi !== ZERO_ESI).map((one) => one.esi));
    for (const esi of esis) {
      const all = this.routes.filter((one) => one.esi === esi);
      const perEs = all.filter((one) => one.type === 1 && one.tag === MAX_ET && esi !== MAX_ESI);
      const macs = all.filter((one) => one.type === 2);
      const weight = (list: readonly ModelRoute[], pe: string): number =>
        list
          .filter((one) => one.pe === pe)
          .reduce((sum, one) => sum + this.domainsOf.get(one)!.length, 0);
      const withDomain = macs.filter((one) => this.domainsOf.get(one)!.length > 0);
      const pes = unique([...perEs, ...withDomain].map((one) => one.pe));
      const segment: ModelSegment = {
        esi,
        singleActive: this.isSingleActive(esi) && esi !== MAX_ESI,
        places: pes
          .map((pe) => `${pe} ${perEs.filter((one) => one.pe === pe).length} ${weight(macs, pe)}`)
          .sort(),
        domains: unique(
          all.flatMap((one) => (one.type === 4 ? [] : this.domainsOf.get(one)!)),
        ).sort(),
        routes: all.filter((one) => one.type === 4).length,
      };
      if (segment.places.length + segment.domains.length + segment.routes > 0)
        out.set(esi, segment);
    }
    return out;
  }

  private domains(
    byMac: Map<string, ModelRoute[]>,
    byIp: Map<string, ModelRoute[]>,
  ): Map<string, string> {
    const out = new Map<string, string>();
    const fixed = this.settings.domains.flatMap((domain, index) =>
      domain.ethernetTag === undefined && domain.service === "vlan-aware-bundle"
        ? []
        : [`#${index}/${domain.ethernetTag ?? 0}`],
    );
    for (const name of unique([...fixed, ...[...this.domainsOf.values()].flat()])) {
      const count = (map: Map<string, unknown>): number =>
        [...map.keys()].filter((key) => key.startsWith(`${name} `)).length;
      const inclusives = [...this.domainsOf].filter(
        ([one, domains]) => one.type === 3 && domains.includes(name),
      ).length;
      out.set(name, `${count(byMac)} ${count(byIp)} ${inclusives}`);
    }
    return out;
  }
}

/** The winner among candidates: sticky, sequence by group, PE address, first hand, ordinary steps. */
export function pick(
  candidates: readonly ModelRoute[],
  backbone: boolean,
  bySegment = true,
): ModelRoute {
  const groupOf = (one: ModelRoute): string =>
    !bySegment
      ? `route ${one.dest}`
      : backbone
        ? "all"
        : one.esi === ZERO_ESI
          ? `route ${one.dest}`
          : one.esi;
  const wrapped =
    candidates.some((one) => one.sequence >= 0xffff0000) &&
    candidates.some((one) => one.sequence >= 1 && one.sequence <= 0xffff);
  const rank = (one: ModelRoute): number =>
    (one.sticky ? 2 ** 40 : 0) +
    one.sequence +
    (wrapped && one.sequence >= 1 && one.sequence <= 0xffff ? 2 ** 32 : 0);
  const groups = new Map<string, ModelRoute[]>();
  for (const one of candidates) {
    groups.set(groupOf(one), [...(groups.get(groupOf(one)) ?? []), one]);
  }
  const groupRank = (list: readonly ModelRoute[]): number => Math.max(...list.map(rank));
  const top = Math.max(...[...groups.values()].map(groupRank));
  const tied = [...groups.values()].filter((list) => groupRank(list) === top).flat();
  const best = [...tied].sort(ordinary)[0]!;
  const firstHand = groups.get(groupOf(best))!.filter((one) => !one.proxy);
  return best.proxy && firstHand.length > 0 && bySegment ? [...firstHand].sort(ordinary)[0]! : best;
}

/** By address: IPv4 first. */
function byAddress(a: string, b: string): number {
  return a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
}

function ordinary(a: ModelRoute, b: ModelRoute): number {
  return (
    byAddress(a.pe, b.pe) ||
    b.localPref - a.localPref ||
    a.asPath - b.asPath ||
    a.origin - b.origin ||
    (a.key < b.key ? -1 : 1)
  );
}

function vniIn(target: string): number {
  return target.startsWith("00") ? number(target, 5, 3) : number(target, 6, 2);
}

function unique<T>(list: readonly T[]): T[] {
  return [...new Set(list)];
}
