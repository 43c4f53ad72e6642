/**
 * Runs a small fabric through a table and a FIB of their own before the real ones are used, so that the
 * first thousands of MACs meet compiled code. Takes some ten milliseconds; nothing of it remains.
 */
import { AttrStore, RouteTable, Sources, SourceKind } from "../bgp/rib/index.js";
import { Family, NlriScan, scanNlri } from "../fast-bgp-codec/index.js";
import { writeU16, writeU32 } from "../util/bytes.js";
import type { Clock } from "../util/clock.js";
import { Fib } from "./fib.js";
import { DEFAULT_FIB_SETTINGS } from "./settings.js";

const PES = 2;
const MACS = 2000;
const VNIS = 10;
const EVENTS = 64;
/** MAC/IP route with an IPv4 address: type, length, RD, ESI, tag, MAC at 25, IP at 32, label. */
const NLRI_LENGTH = 39;

/** Learns, moves and withdrawals. Returns the events that came of it. */
export function warmUpFib(clock: Clock): number {
  const attrs = new AttrStore();
  const sources = new Sources();
  const table = new RouteTable(attrs, sources, true);
  for (let pe = 0; pe < PES; pe++) sources.take(SourceKind.Client, pe + 1, "", String(pe), 1);
  const settings = { ...DEFAULT_FIB_SETTINGS, eventRing: EVENTS };
  const fib = new Fib({ table, settings, clock });
  const scan = new NlriScan();
  const nlri = new Uint8Array(NLRI_LENGTH);
  const read = (): void => {
    table.furthestReader = table.log.tail;
    while (fib.read(1));
    table.releaseUpTo(fib.position);
  };
  for (let sequence = 0; sequence < PES; sequence++) {
    for (let n = 0; n < MACS; n++) {
      const attr = attributes(attrs, sequence, n % VNIS, sequence);
      writeNlri(nlri, sequence, n);
      scanNlri(Family.Evpn, nlri, 0, NLRI_LENGTH, false, scan);
      table.announce(sequence, Family.Evpn, nlri, scan, attr, attr);
      attrs.release(attr);
      if (n % 50 === 0) read();
    }
  }
  for (let pe = 0; pe < PES; pe++) {
    table.removePathsOf(pe, Infinity);
    read();
  }
  fib.close();
  return fib.tables.events.next;
}

function writeNlri(nlri: Uint8Array, pe: number, n: number): void {
  nlri[0] = 2;
  nlri[1] = NLRI_LENGTH - 2;
  writeU16(nlri, 2, 1);
  writeU32(nlri, 4, pe);
  nlri[24] = 48;
  writeU32(nlri, 27, n);
  nlri[31] = 32;
  writeU32(nlri, 32, n);
}

/** ORIGIN, LOCAL_PREF and the communities of a VXLAN PE: route target, encapsulation, mobility. */
function attributes(attrs: AttrStore, pe: number, vni: number, sequence: number): number {
  const bytes = Uint8Array.from([
    ...[10, 0, 0, pe],
    ...[0x40, 1, 1, 0],
    ...[0x40, 5, 4, 0, 0, 0, 100],
    ...[0xc0, 16, 24],
    ...[0, 2, 0, 1, 0, 0, 0, vni],
    ...[3, 0x0c, 0, 0, 0, 0, 0, 8],
    ...[6, 0, 0, 0, 0, 0, 0, sequence],
  ]);
  return attrs.intern(Family.Evpn, 4, bytes, 0, bytes.length);
}
