/**
 * Selectors as areas of local times remote addresses: which of the configured ones the negotiated ones leave
 * out (RFC 7296 section 2.9 lets a responder narrow them without a word), whether two ends' are each other's
 * mirror, and which networks a peer might merge.
 */
import {
  formatRange,
  joinRanges,
  mirrorSelector,
  parseRange,
  prefixesOf,
  rangesOutside,
  type AddressRange,
  type Selector,
} from "../model/index.js";

/** Traffic that was to be protected and no SA takes. */
export interface Uncovered {
  /** Prefix, or `first..last`. */
  readonly local: string;
  readonly remote: string;
  /** IP protocol; 0 = any. */
  readonly protocol: number;
}

interface Area {
  readonly local: AddressRange;
  readonly remote: AddressRange;
}

/** More areas than any tunnel has: a peer cannot make us count without end. */
const MOST_AREAS = 10_000;

/** What of `configured` is in none of `negotiated`, in whole areas; empty when all is. */
export function uncoveredSelectors(
  configured: readonly Selector[],
  negotiated: readonly Selector[],
): Uncovered[] {
  const out: Uncovered[] = [];
  for (const selector of configured) {
    let left = areasOf(selector);
    for (const given of negotiated) {
      if (left.length === 0) break;
      if (!takesAll(given, selector)) continue;
      const [cover] = areasOf(given);
      if (cover !== undefined && left.length < MOST_AREAS) {
        left = left.flatMap((area) => areaWithout(area, cover));
      }
    }
    for (const { local, remote } of left) {
      const area = { local: formatRange(local), remote: formatRange(remote) };
      out.push({ ...area, protocol: selector.protocol });
    }
  }
  return out;
}

/** `10.0.0.0/24 to 10.1.0.0/24`, joined, for an alarm. */
export function describeUncovered(uncovered: readonly Uncovered[]): string {
  return uncovered
    .map(({ local, remote, protocol }) => {
      const which = protocol === 0 ? "" : ` (protocol ${protocol})`;
      return `${local} to ${remote}${which}`;
    })
    .join(", ");
}

/** Every pair of what an SA has at its ends; texts as IKE daemons print them: `10.0.0.0/24[udp/1701]`. */
export function selectorsOfSa(local: readonly string[], remote: readonly string[]): Selector[] {
  const ends = (texts: readonly string[]): TrafficSelector[] =>
    texts.flatMap((text) => parseTrafficSelector(text) ?? []);
  const far = ends(remote);
  return ends(local).flatMap((near) =>
    far
      .filter(({ range }) => range.version === near.range.version)
      .map((other) => ({
        local: formatRange(near.range),
        remote: formatRange(other.range),
        protocol: near.protocol !== 0 ? near.protocol : other.protocol,
        localPort: near.port,
        remotePort: other.port,
      })),
  );
}

export interface TrafficSelector {
  readonly range: AddressRange;
  readonly protocol: number;
  readonly port: number;
}

const PROTOCOLS: Readonly<Record<string, number>> = {
  icmp: 1,
  tcp: 6,
  udp: 17,
  gre: 47,
  l2tp: 115,
};
const PORTS: Readonly<Record<string, number>> = { l2f: 1701, l2tp: 1701, bgp: 179, domain: 53 };

/** `10.0.0.0/24`, `10.0.0.1..10.0.0.9`, `10.0.0.1/32[tcp/bgp]`, `10.0.0.0/24[icmp]`. */
export function parseTrafficSelector(text: string): TrafficSelector | undefined {
  const match = /^([^[]+)(?:\[([^\]/]*)(?:\/([^\]]*))?\])?$/.exec(text.trim());
  const range = parseRange(match?.[1] ?? "");
  if (range === undefined) return undefined;
  const named = match?.[2] ?? "";
  const protocol = named === "" || named === "any" ? 0 : (PROTOCOLS[named] ?? Number(named));
  const service = match?.[3] ?? "";
  const port = service === "" || service === "any" ? 0 : (PORTS[service] ?? Number(service));
  if (!Number.isInteger(protocol) || !Number.isInteger(port)) return undefined;
  return { range, protocol, port };
}

/** What two ends' selectors are to each other, the second's seen from its own side. */
export type MirrorResult =
  | { readonly kind: "mirror" }
  /** The same traffic, cut differently: one side merged networks. */
  | { readonly kind: "summarised" }
  | {
      readonly kind: "differs";
      /** As the first end sees it. */
      readonly onlyFirst: readonly Uncovered[];
      readonly onlySecond: readonly Uncovered[];
    };

export function compareSelectors(
  first: readonly Selector[],
  second: readonly Selector[],
): MirrorResult {
  const mirrored = second.map(mirrorSelector);
  const texts = new Set(first.map(selectorText));
  const others = new Set(mirrored.map(selectorText));
  if (texts.size === others.size && [...texts].every((text) => others.has(text))) {
    return { kind: "mirror" };
  }
  const onlyFirst = uncoveredSelectors(first, mirrored);
  const onlySecond = uncoveredSelectors(mirrored, first);
  if (onlyFirst.length + onlySecond.length === 0) return { kind: "summarised" };
  return { kind: "differs", onlyFirst, onlySecond };
}

export function selectorText(selector: Selector): string {
  const { protocol, localPort, remotePort } = selector;
  const [local, remote] = [normal(selector.local), normal(selector.remote)];
  const which = protocol === 0 ? "" : ` protocol ${protocol}`;
  const ports = localPort + remotePort === 0 ? "" : ` ports ${localPort}, ${remotePort}`;
  return `${local} to ${remote}${which}${ports}`;
}

/** A set of networks with fewer and larger members that are the same addresses. */
export interface Summary {
  readonly separate: readonly string[];
  readonly merged: readonly string[];
}

/** Undefined when nothing can be merged. Only networks that a peer would merge into a prefix count. */
export function summaryOf(networks: readonly string[]): Summary | undefined {
  const separate = [...new Set(networks.map(normal))];
  const ranges = separate.flatMap((network) => parseRange(network) ?? []);
  const merged = joinRanges(ranges).flatMap(prefixesOf);
  return merged.length < separate.length ? { separate, merged } : undefined;
}

function normal(network: string): string {
  const range = parseRange(network);
  return range === undefined ? network : formatRange(range);
}

function areasOf({ local, remote }: Selector): Area[] {
  const [near, far] = [parseRange(local), parseRange(remote)];
  return near === undefined || far === undefined ? [] : [{ local: near, remote: far }];
}

/** Whether every packet of `wanted`'s protocol and ports is taken by `given`, addresses apart. */
function takesAll(given: Selector, wanted: Selector): boolean {
  const fits = (a: number, b: number): boolean => a === 0 || a === b;
  return (
    fits(given.protocol, wanted.protocol) &&
    fits(given.localPort, wanted.localPort) &&
    fits(given.remotePort, wanted.remotePort)
  );
}

function areaWithout(area: Area, cover: Area): Area[] {
  const inside = (a: AddressRange, b: AddressRange): AddressRange | undefined => {
    if (a.version !== b.version) return undefined;
    const first = a.first > b.first ? a.first : b.first;
    const last = a.last < b.last ? a.last : b.last;
    return first <= last ? { version: a.version, first, last } : undefined;
  };
  const local = inside(area.local, cover.local);
  const remote = inside(area.remote, cover.remote);
  if (local === undefined || remote === undefined) return [area];
  return [
    ...rangesOutside([area.local], [local]).map((rest) => ({ local: rest, remote: area.remote })),
    ...rangesOutside([area.remote], [remote]).map((rest) => ({ local, remote: rest })),
  ];
}
