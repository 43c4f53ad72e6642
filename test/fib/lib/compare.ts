/** The FIB in the model's words, and the differences between the two. */
import type { Fib } from "../../../src/fib/fib.js";
import { modelOf, type ModelFib } from "./model.js";
import type { FibSettings } from "../../../src/fib/settings.js";
import type { RouteTable } from "../../../src/bgp/rib/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { parseIp } from "../../../src/fast-bgp-codec/index.js";

export const hexOfIp = (text: string): string => toHex(parseIp(text)!);

/** Name of a domain as the model has it. */
export function domainKey(fib: Fib, id: number): string {
  const { domains } = fib.tables;
  const word = (index: 0 | 1): string =>
    (domains.keyWord(id, index) >>> 0).toString(16).padStart(8, "0");
  const configured = domains.settingsOf(id) !== undefined;
  return `${configured ? `#${domains.keyWord(id, 1)}` : word(0) + word(1)}/${domains.tag(id)}`;
}

/** Every difference between the FIB and the model of the table, as text. */
export function differences(
  fib: Fib,
  table: RouteTable,
  settings: FibSettings,
  model: ModelFib = modelOf(table, settings),
): string[] {
  return [...macDifferences(fib, model), ...otherDifferences(fib, model)];
}

function macDifferences(fib: Fib, model: ModelFib): string[] {
  const out: string[] = [];
  const { entries } = fib.macs;
  const seen = new Set<string>();
  for (let id = 1; id < entries.limit; id++) {
    const view = fib.view.mac(id);
    if (view === undefined) continue;
    const key = `${domainKey(fib, view.domainId)} ${view.mac.replaceAll(":", "")}`;
    seen.add(key);
    const expected = model.macs.get(key);
    if (expected === undefined) {
      out.push(`${key} should not be there`);
      continue;
    }
    if (entries.find(view.domainId, entries.mac(id).slice(), 0) !== id)
      out.push(`${key} not found`);
    const shown = {
      domain: expected.domain,
      mac: expected.mac,
      pe: hexOfIp(view.pe),
      label: view.label.kind === "vni" ? view.label.value : undefined,
      esi: view.esi?.replaceAll(":", "") ?? "00".repeat(10),
      sequence: view.sequence,
      proxy: view.proxy,
      sticky: view.sticky,
      gateway: view.defaultGateway,
      router: view.router,
      hops: view.nextHops.map(({ address, role }) => `${hexOfIp(address)} ${role}`).sort(),
      bindings: view.bindings.map(({ ip, lost }) => hexOfIp(ip) + (lost ? " lost" : "")).sort(),
    };
    const { preferred, ...rest } = expected;
    const want = JSON.stringify(
      { ...rest, label: view.label.kind === "vni" ? rest.label : undefined },
      sorted,
    );
    const got = JSON.stringify(shown, sorted);
    if (want !== got) out.push(`${key}: FIB has ${got}, model ${want}`);
    if (preferred.mac !== expected.mac) out.push("the model is broken");
  }
  for (const key of model.macs.keys()) if (!seen.has(key)) out.push(`${key} is missing`);
  if (seen.size !== entries.count) out.push(`${entries.count} entries counted, ${seen.size} found`);
  return out;
}

/** Objects with their keys in order, so that texts compare. */
function sorted(_key: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function otherDifferences(fib: Fib, model: ModelFib): string[] {
  const out: string[] = [];
  const { domains, segments, pes } = fib.tables;
  const found = new Map<string, string>();
  for (let id = 1; id < domains.limit; id++) {
    if (!domains.exists(id)) continue;
    const counts = `${domains.macs(id)} ${domains.ips(id)} ${domains.inclusives(id)}`;
    found.set(domainKey(fib, id), counts);
    let listed = 0;
    for (let at = domains.firstEntry(id); at !== 0; at = fib.macs.entries.nextOfDomain(at))
      listed++;
    if (listed !== domains.macs(id)) out.push(`${domainKey(fib, id)} lists ${listed} MACs`);
  }
  compareMaps("domain", found, model.domains, out);
  const shown = new Map<string, string>();
  for (let id = 1; id < segments.limit; id++) {
    if (!segments.exists(id)) continue;
    const places: string[] = [];
    for (let at = segments.firstPlace(id); at !== 0; at = segments.nextPlace(at)) {
      const pe = hexOfIp(pes.address(segments.placePe(at)));
      places.push(`${pe} ${segments.perEsRoutes(at)} ${segments.placeMacs(at)}`);
    }
    const attached: string[] = [];
    for (let at = segments.firstAttachment(id); at !== 0; at = segments.nextAttachment(at)) {
      attached.push(domainKey(fib, segments.domainOf(at)));
    }
    let routes = 0;
    for (let at = segments.firstRoute(id); at !== 0; at = fib.ads.links.next(at)) routes++;
    const esi = toHex(segments.esi(id));
    const singleActive = fib.hops.isSingleActive(id);
    const segment = { esi, singleActive, places: places.sort(), domains: attached.sort(), routes };
    shown.set(esi, JSON.stringify(segment));
  }
  const expected = new Map([...model.segments].map(([esi, one]) => [esi, JSON.stringify(one)]));
  compareMaps("segment", shown, expected, out);
  return out;
}

function compareMaps(
  what: string,
  got: ReadonlyMap<string, string>,
  want: ReadonlyMap<string, string>,
  out: string[],
): void {
  for (const key of new Set([...got.keys(), ...want.keys()])) {
    if (got.get(key) !== want.get(key)) {
      out.push(
        `${what} ${key}: FIB has ${got.get(key) ?? "none"}, model ${want.get(key) ?? "none"}`,
      );
    }
  }
}

/** Everything the FIB counts of live things: all 0 when no route is left. */
export function liveCounts(fib: Fib): Record<string, number> {
  return {
    entries: fib.macs.entries.count,
    bindings: fib.macs.bindings.count,
    candidates: fib.macs.candidates.count,
    links: fib.ads.links.count,
    facts: fib.tables.facts.count,
    pes: fib.tables.pes.count,
    segments: fib.tables.segments.count,
    places: fib.tables.segments.placeCount,
    attachments: fib.tables.segments.attachmentCount,
    targetSets: fib.targetSets,
    watches: fib.duplicates.count,
    duplicates: fib.duplicates.duplicates,
  };
}
