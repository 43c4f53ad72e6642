/**
 * The whole table as TABLE_DUMP_V2 (RFC 6396 section 4.3, RFC 8050): a PEER_INDEX_TABLE, then a record
 * per destination, in RIB_GENERIC for families without a subtype of their own. Walked in slices with
 * a turn of the event loop between them, no faster than the disk takes it.
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { FAMILIES, Family } from "../../../fast-bgp-codec/family.js";
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { copyBytes, equalBytes, writeU16, writeU32 } from "../../../util/bytes.js";
import type { Clock } from "../../../util/clock.js";
import type { RouteTable } from "../../rib/index.js";
import { insertNextHop } from "../update-writer.js";
import type { FileSink } from "./file-sink.js";
import { insertShortReach, MRT_HEADER, MrtType, TableSubtype, writeMrtHeader } from "./record.js";

const SLICE_MS = 2;
/** Destinations between two looks at the clock. */
const STRETCH = 64;
/** What may wait for the disk before the walk does. */
const PENDING = 4 * 1024 * 1024;
/** Peer index, time, path id, length, and what the next hop adds to a set. */
const ENTRY_FRONT = 2 + 4 + 4 + 2 + 4 + 255;

export interface DumpOptions {
  readonly table: RouteTable;
  readonly sink: FileSink;
  readonly clock: Clock;
  readonly routerId: number;
  readonly view: "pre-policy" | "post-policy";
  /** Ends the walk early when it says so. */
  readonly cancelled: () => boolean;
}

/** Returns how many records were written. */
export async function dumpTable(options: DumpOptions): Promise<number> {
  const { table, sink, clock } = options;
  const dump = new TableDump(options);
  dump.peerIndex();
  for (let dest = 1; dest < table.destinationLimit && !options.cancelled();) {
    const until = clock.now() + SLICE_MS;
    do {
      const stop = Math.min(table.destinationLimit, dest + STRETCH);
      for (; dest < stop; dest++) dump.destination(dest);
    } while (dest < table.destinationLimit && clock.now() < until);
    if (sink.pendingBytes > PENDING) {
      sink.flush();
      await sink.drained(PENDING / 2);
    }
    await nextTurn();
  }
  return dump.records;
}

class TableDump {
  records = 0;
  private readonly options: DumpOptions;
  /** Index of the slot's peer in the PEER_INDEX_TABLE, and whose slot it was then. */
  private readonly index = new Map<number, { readonly at: number; readonly address: string }>();
  private readonly seconds: number;

  constructor(options: DumpOptions) {
    this.options = options;
    this.seconds = Math.floor(options.clock.wall() / 1000);
  }

  peerIndex(): void {
    const { table, sink, routerId } = this.options;
    const { sources } = table;
    const slots: number[] = [];
    for (let slot = 0; slot < sources.limit; slot++) {
      if (FAMILIES.some(({ family }) => sources.count(slot, family) > 0)) slots.push(slot);
    }
    const room = sink.room(MRT_HEADER + 8 + 25 * slots.length);
    if (room === undefined) return;
    const { bytes, at } = room;
    let p = at + MRT_HEADER;
    writeU32(bytes, p, routerId);
    writeU16(bytes, p + 4, 0);
    writeU16(bytes, p + 6, slots.length);
    p += 8;
    for (const [i, slot] of slots.entries()) {
      const address = sources.address[slot]!;
      this.index.set(slot, { at: i, address });
      const octets = parseIp(address.split("%")[0] ?? "") ?? new Uint8Array(4);
      // 4-octet AS; IPv6 where the address is.
      bytes[p] = octets.length === 16 ? 3 : 2;
      writeU32(bytes, p + 1, sources.routerId[slot]!);
      bytes.set(octets, p + 5);
      p += 5 + octets.length;
      writeU32(bytes, p, sources.peerAs[slot]!);
      p += 4;
    }
    this.finish(bytes, at, p, TableSubtype.PeerIndexTable);
  }

  destination(dest: number): void {
    const { table } = this.options;
    if (!table.exists(dest) || table.firstPath(dest) === 0) return;
    const paths: number[] = [];
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      const slot = table.pathSlot(path);
      const known = this.index.get(slot);
      // A peer that came after the index was written, perhaps in the slot of another.
      if (known === undefined || known.address !== table.sources.address[slot]) continue;
      if (this.attrOf(path) !== 0) paths.push(path);
    }
    // Label and ESI are not part of an EVPN key: a record has one NLRI, its entries share it.
    while (paths.length > 0) {
      const first = paths[0]!;
      const same = paths.filter((path) => path === first || this.sameNlri(first, path));
      this.record(dest, same);
      for (const path of same) paths.splice(paths.indexOf(path), 1);
    }
  }

  private attrOf(path: number): number {
    const { table, view } = this.options;
    return view === "pre-policy" ? table.pathReceived(path) : table.pathAttr(path);
  }

  private sameNlri(a: number, b: number): boolean {
    const { table } = this.options;
    const length = table.pathNlriLength(a);
    const { nlriBytes } = table;
    return (
      table.pathNlriLength(b) === length &&
      equalBytes(nlriBytes, table.pathNlri(a), nlriBytes, table.pathNlri(b), length)
    );
  }

  private record(dest: number, paths: readonly number[]): void {
    const { table, sink } = this.options;
    const { attrs } = table;
    const family = table.family(dest);
    const addPath = paths.some((path) => table.pathId(path) !== 0);
    const first = paths[0]!;
    const nlri = table.pathNlri(first);
    const nlriLength = table.pathNlriLength(first);
    let most = MRT_HEADER + 4 + 3 + nlriLength + 2;
    for (const path of paths) {
      const attr = this.attrOf(path);
      most += ENTRY_FRONT + attrs.attributesEnd(attr) - attrs.attributesStart(attr);
    }
    const room = sink.room(most);
    if (room === undefined) return;
    const { bytes, at } = room;
    let p = at + MRT_HEADER;
    writeU32(bytes, p, this.records - 1);
    p += 4;
    const subtype = subtypeOf(family, addPath);
    if (subtype === TableSubtype.Generic || subtype === TableSubtype.GenericAddPath) {
      const { afi, safi } = FAMILIES[family]!;
      writeU16(bytes, p, afi);
      bytes[p + 2] = safi;
      p += 3;
    }
    p = copyBytes(table.nlriBytes, nlri, nlri + nlriLength, bytes, p);
    const countAt = p;
    p += 2;
    let count = 0;
    for (const path of paths) {
      const end = this.entry(path, family, addPath, bytes, p);
      if (end === p) continue;
      p = end;
      count++;
    }
    writeU16(bytes, countAt, count);
    this.finish(bytes, at, p, subtype);
  }

  /** Returns the entry's end, `at` when the set is too large for one. */
  private entry(
    path: number,
    family: Family,
    addPath: boolean,
    bytes: Uint8Array,
    at: number,
  ): number {
    const { table } = this.options;
    const { attrs } = table;
    writeU16(bytes, at, this.index.get(table.pathSlot(path))!.at);
    writeU32(bytes, at + 2, table.pathChanged(path));
    let p = at + 6;
    if (addPath) {
      writeU32(bytes, p, table.pathId(path));
      p += 4;
    }
    const attr = this.attrOf(path);
    const start = attrs.attributesStart(attr);
    const setEnd = attrs.attributesEnd(attr);
    const hop = attrs.nextHopStart(attr);
    const hopLength = attrs.nextHopLength(attr);
    const set = p + 2;
    let end: number;
    if (family === Family.Ipv4Unicast && hopLength === 4) {
      end = set + insertNextHop(attrs.bytes, start, setEnd, hop, bytes.subarray(set));
    } else {
      end = insertShortReach(attrs.bytes, start, setEnd, hop, hopLength, bytes, set);
    }
    if (end - set > 0xffff) return at;
    writeU16(bytes, p, end - set);
    return end;
  }

  private finish(bytes: Uint8Array, at: number, end: number, subtype: number): void {
    const length = end - at - MRT_HEADER;
    writeMrtHeader(bytes, at, this.seconds, MrtType.TableDumpV2, subtype, length);
    this.options.sink.finishRecord(end);
    this.records++;
  }
}

function subtypeOf(family: Family, addPath: boolean): number {
  if (family === Family.Ipv4Unicast) {
    return addPath ? TableSubtype.Ipv4UnicastAddPath : TableSubtype.Ipv4Unicast;
  }
  if (family === Family.Ipv6Unicast) {
    return addPath ? TableSubtype.Ipv6UnicastAddPath : TableSubtype.Ipv6Unicast;
  }
  return addPath ? TableSubtype.GenericAddPath : TableSubtype.Generic;
}
