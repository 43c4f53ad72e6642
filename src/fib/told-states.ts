/**
 * What the events of the FIB have told, if none of them was lost, read from its tables: of every MAC, every IP
 * address and every Ethernet segment. For who lost some (`timeline/repair.ts`); in any thread.
 */
import type { ReadFib } from "./fib-reader.js";
import { FactFlag } from "./route-facts.js";

/** As the last event of the MAC, or of the address, has it. */
export interface ToldState {
  readonly mac: Uint8Array;
  readonly domain: string;
  /** PE. */
  readonly to: string;
  readonly esi: Uint8Array | undefined;
  readonly sequence: number;
  /** Raw label field. */
  readonly label: number;
  readonly vni: boolean;
}

export interface ToldAddress extends ToldState {
  /** Its octets. */
  readonly ip: Uint8Array;
}

export interface ToldSegment {
  readonly esi: Uint8Array;
  /** PEs on it, and how many MACs each has there. */
  readonly pes: ReadonlyMap<string, number>;
}

export interface ToldPage<T> {
  readonly rows: readonly T[];
  /** Number of the record to go on with; 0 at the end. */
  readonly next: number;
}

/** Up to `most` records are looked at; call inside `FibReader.look`. */
export function toldMacs(fib: ReadFib, from: number, most: number): ToldPage<ToldState> {
  const { entries } = fib.macs;
  return walk(from, entries.limit, most, (id) =>
    entries.exists(id) ? stateOf(fib, entries.head(id)) : undefined,
  );
}

export function toldAddresses(fib: ReadFib, from: number, most: number): ToldPage<ToldAddress> {
  const { bindings } = fib.macs;
  return walk(from, bindings.limit, most, (id) =>
    bindings.exists(id)
      ? { ...stateOf(fib, bindings.head(id)), ip: bindings.ip(id).slice(0, bindings.octets(id)) }
      : undefined,
  );
}

export function toldSegments(fib: ReadFib, from: number, most: number): ToldPage<ToldSegment> {
  const { segments, pes } = fib.tables;
  return walk(from, segments.limit, most, (id) => {
    if (!segments.exists(id)) return undefined;
    const there = new Map<string, number>();
    for (let at = segments.firstPlace(id); at !== 0; at = segments.nextPlace(at)) {
      if (segments.perEsRoutes(at) === 0) continue;
      there.set(pes.address(segments.placePe(at)), segments.placeMacs(at));
    }
    return { esi: segments.esi(id).slice(), pes: there };
  });
}

/** Whether there is the MAC. */
export function hasMac(fib: ReadFib, domain: string, mac: Uint8Array): boolean {
  const id = fib.domain(domain);
  return id !== 0 && fib.macs.entries.find(id, mac, 0) !== 0;
}

/** Whether some route binds the address. */
export function hasAddress(fib: ReadFib, domain: string, ip: Uint8Array): boolean {
  const id = fib.domain(domain);
  return id !== 0 && fib.macs.bindings.find(id, ip, 0, ip.length) !== 0;
}

function walk<T>(
  from: number,
  limit: number,
  most: number,
  row: (id: number) => T | undefined,
): ToldPage<T> {
  const rows: T[] = [];
  const end = Math.min(limit, from + most);
  for (let id = Math.max(1, from); id < end; id++) {
    const one = row(id);
    if (one !== undefined) rows.push(one);
  }
  return { rows, next: end < limit ? end : 0 };
}

/** Of the winner. */
function stateOf(fib: ReadFib, candidate: number): ToldState {
  const { entries, candidates } = fib.macs;
  const { facts, pes, segments } = fib.tables;
  const entry = candidates.entry(candidate);
  const of = candidates.factsOf(candidate);
  const attachment = candidates.attachment(candidate);
  return {
    mac: entries.mac(entry).slice(),
    domain: fib.view.domainName(entries.domain(entry)),
    to: pes.address(candidates.pe(candidate)),
    esi: attachment === 0 ? undefined : segments.esi(segments.segmentOf(attachment)).slice(),
    sequence: facts.sequence(of),
    label: candidates.label(candidate),
    vni: (facts.flags(of) & FactFlag.Vni) !== 0,
  };
}
