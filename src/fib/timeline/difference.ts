/**
 * What is different between two instants: the MACs of which anything was told in between, and those of the
 * segments that changed, each looked up at both. In the order of MACs, by pages; a page ends early when it
 * has taken its time.
 */
import { parseEsi } from "../../fast-bgp-codec/index.js";
import { firstEntries, prefixRange, type KvRange } from "../../store/index.js";
import type { Clock } from "../../util/clock.js";
import { macBytes, type MacMask } from "../mac-mask.js";
import { cursorStation, stationCursor } from "./cursor.js";
import type { History } from "./history.js";
import {
  between,
  chunkKey,
  chunkKeyOf,
  plainKey,
  Space,
  STATION_IN_MAC,
  STATION_IN_SEGMENT,
  stationAt,
} from "./layout.js";
import { MergedWalk } from "./merge.js";
import { decodeRecord } from "./record.js";
import type { MacAt, MacDifference, TimelinePage } from "./views.js";
import { whereWas } from "./where-was.js";

/** Time for one page, and entries walked over. */
const PAGE_MS = 1500;
const MOST_WALKED = 200_000;
/** Segments whose changes are followed to their MACs. */
const MOST_SEGMENTS = 256;

export interface DiffFilter {
  readonly from: number;
  readonly to: number;
  readonly mac: MacMask | undefined;
  readonly domain: string | undefined;
  readonly pe: string | undefined;
}

export async function listDifferences(
  history: History,
  clock: Clock,
  filter: DiffFilter,
  cursor: string | undefined,
  limit: number,
): Promise<TimelinePage<MacDifference>> {
  const until = clock.now() + PAGE_MS;
  const walk = new MergedWalk<Uint8Array>(
    history.kv,
    await ranges(history, filter, cursorStation(cursor)),
    ({ key }) => stationOf(key),
    (a, b) => Buffer.compare(a, b),
  );
  const rows: MacDifference[] = [];
  let last: Uint8Array | undefined;
  let walked = 0;
  try {
    for (let one = await walk.next(); one !== undefined; one = await walk.next()) {
      walked++;
      const late = walked >= MOST_WALKED || ((walked & 63) === 0 && clock.now() >= until);
      if (last !== undefined && Buffer.compare(last, one) === 0) {
        if (late) return { rows, next: stationCursor(last) };
        continue;
      }
      if (last !== undefined && (rows.length >= limit || late || clock.now() >= until)) {
        return { rows, next: stationCursor(last) };
      }
      last = one;
      if (!isWanted(one, filter)) continue;
      const row = await difference(history, one, filter);
      if (row !== undefined) rows.push(row);
    }
    return { rows, next: undefined };
  } finally {
    await walk.close();
  }
}

function stationOf(key: Uint8Array): Uint8Array {
  if (key[0] === Space.Mac) return stationAt(key, STATION_IN_MAC);
  return stationAt(key, key[0] === Space.OnSegment ? STATION_IN_SEGMENT : 1 + 10);
}

/** Where the stations that may differ stand, each range sorted by station. */
async function ranges(
  history: History,
  { from, to, mac }: DiffFilter,
  after: Uint8Array | undefined,
): Promise<KvRange[]> {
  const { chunks } = history;
  const low = mac === undefined ? undefined : macBytes(mac.value & mac.mask);
  const start = after === undefined ? low : next(after);
  const cut = (prefix: Uint8Array): KvRange => {
    const whole = prefixRange(prefix);
    return start === undefined ? whole : { ...whole, from: Buffer.concat([prefix, start]) };
  };
  // An event right at `from` is part of what was, so those between stand in chunks that reach behind it.
  const out = chunks.within(from, to).map(({ id }) => cut(chunkKey(Space.Mac, id)));
  for (const esi of await changedSegments(history, from, to)) {
    for (const { id } of chunks.upTo(to)) out.push(cut(chunkKeyOf(Space.OnSegment, id, esi)));
    out.push(cut(plainKey(Space.NowOnSegment, esi)));
  }
  return out;
}

async function changedSegments(
  { chunks, kv }: History,
  from: number,
  to: number,
): Promise<Uint8Array[]> {
  const found = new Map<string, Uint8Array>();
  for (const { id } of chunks.within(from, to)) {
    let range = prefixRange(chunkKey(Space.Segment, id));
    while (found.size < MOST_SEGMENTS) {
      // The first event of the next segment, then whether it has one in the stretch.
      const [row] = await firstEntries(kv, range, 1);
      if (row === undefined) break;
      const esi = row.key.slice(STATION_IN_MAC, STATION_IN_MAC + 10);
      const inside = between(Space.Segment, id, esi, from, to);
      const [event] = await firstEntries(kv, inside, 1);
      const text = event === undefined ? undefined : decodeRecord(event.value).esi;
      if (text !== undefined) found.set(text, parseEsi(text) ?? esi);
      range = { ...range, from: prefixRange(chunkKeyOf(Space.Segment, id, esi)).to };
    }
  }
  return [...found.values()];
}

/** The first key behind all of the station. */
function next(station: Uint8Array): Uint8Array {
  return prefixRange(station).to;
}

function isWanted(station: Uint8Array, { mac, domain }: DiffFilter): boolean {
  if (domain !== undefined) {
    if (Buffer.from(station.subarray(6, station.length - 1)).toString() !== domain) return false;
  }
  if (mac === undefined) return true;
  const own = BigInt(`0x${Buffer.from(station.subarray(0, 6)).toString("hex")}`);
  return (own & mac.mask) === (mac.value & mac.mask);
}

async function difference(
  history: History,
  station: Uint8Array,
  { from, to, pe }: DiffFilter,
): Promise<MacDifference | undefined> {
  const before = await whereWas(history, station, from);
  const after = await whereWas(history, station, to);
  if (pe !== undefined && before.pe !== pe && after.pe !== pe) return undefined;
  const change = changeOf(before, after);
  if (change === undefined) return undefined;
  return { mac: before.mac, domain: before.domain, change, before, after };
}

function changeOf(before: MacAt, after: MacAt): MacDifference["change"] | undefined {
  if (before.state === "unknown" || after.state === "unknown") {
    return before.state === after.state ? undefined : "unknown";
  }
  if (before.state !== after.state) return after.state === "present" ? "came" : "went";
  if (before.state === "absent") return undefined;
  if (before.pe !== after.pe || before.via.join() !== after.via.join()) return "moved";
  const [a, b] = [before, after].map(({ esi, sequence, label }) =>
    JSON.stringify([esi, sequence, label]),
  );
  return a === b ? undefined : "changed";
}
