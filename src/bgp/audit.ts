/** Cross-checks the tables: what must hold between any two turns. Slow and complete; for tests and `evpnctl audit`. */
import { FAMILIES, type Family } from "../fast-bgp-codec/family.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { hasBit, setBit } from "./policy/slot-mask.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { RouteTable } from "./rib/route-table.js";

const MOST_FINDINGS = 50;

export function auditTables(
  table: RouteTable,
  out: AdjRibOut,
  peers: readonly ReflectedPeer[],
  leaving: readonly number[],
  otherReferences: (visit: (attr: number) => void) => void = () => {},
): string[] {
  const findings: string[] = [];
  const find = (text: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push(text);
  };
  const live = new Set(peers.map((peer) => peer.slot));
  const known = new Set([...live, ...leaving]);
  const references = new Map<number, number>();
  /** By `slot * FAMILIES.length + family`. */
  const perSource = new Map<number, number>();
  const sent = new SentCheck(table, out, peers, find);
  let destinations = 0;
  let tombstones = 0;
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) {
      if (anySent(out, dest)) find(`destination ${dest} is free but counts as sent`);
      continue;
    }
    const family = table.family(dest);
    let paths = 0;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      paths++;
      const slot = table.pathSlot(path);
      if (!known.has(slot)) find(`path ${path} belongs to slot ${slot}, which nobody has`);
      if (table.pathDest(path) !== dest) find(`path ${path} does not point back to ${dest}`);
      for (const attr of [table.pathReceived(path), table.pathAttr(path)]) {
        if (attr !== 0) references.set(attr, (references.get(attr) ?? 0) + 1);
      }
      const row = slot * FAMILIES.length + family;
      perSource.set(row, (perSource.get(row) ?? 0) + 1);
    }
    if (paths > 0) destinations++;
    else tombstones++;
    const again = table.reselect(dest);
    const best = table.bestPath(dest);
    if (best !== 0 && table.pathAttr(best) === 0)
      find(`destination ${dest} has a held path as best`);
    if (again.path !== best) find(`destination ${dest} has not its best path`);
    sent.look(dest, family);
    out.addPathFaults(dest).forEach(find);
  }
  if (destinations !== table.destinationCount) {
    find(`${destinations} destinations found, ${table.destinationCount} counted`);
  }
  if (tombstones !== table.tombstones) {
    find(`${tombstones} tombstones found, ${table.tombstones} counted`);
  }
  otherReferences((attr) => references.set(attr, (references.get(attr) ?? 0) + 1));
  table.attrs.forEach((attr) => {
    const found = references.get(attr) ?? 0;
    if (found !== table.attrs.references(attr)) {
      find(`attribute set ${attr} has ${table.attrs.references(attr)} references, ${found} found`);
    }
  });
  for (const slot of known) {
    for (const { family } of FAMILIES) {
      const found = perSource.get(slot * FAMILIES.length + family) ?? 0;
      if (found !== table.sources.count(slot, family)) {
        find(`slot ${slot} counts ${table.sources.count(slot, family)} routes, ${found} found`);
      }
    }
  }
  sent.compareCounts();
  return findings;
}

/**
 * A session that has read everything has been sent exactly what it should have. All sessions are
 * looked at together, word by word: sessions times destinations would be minutes.
 */
class SentCheck {
  private readonly out: AdjRibOut;
  private readonly peers: readonly ReflectedPeer[];
  private readonly find: (text: string) => void;
  private readonly settled: Int32Array;
  private readonly wanted: Int32Array;
  /** Bits found, by `slot * FAMILIES.length + family`. */
  private readonly counts: Float64Array;

  constructor(
    table: RouteTable,
    out: AdjRibOut,
    peers: readonly ReflectedPeer[],
    find: (text: string) => void,
  ) {
    this.out = out;
    this.peers = peers;
    this.find = find;
    this.settled = new Int32Array(out.words);
    this.wanted = new Int32Array(out.words);
    this.counts = new Float64Array(out.words * 32 * FAMILIES.length);
    for (const { slot } of peers) {
      if (out.cursor(slot)?.isSettled(table.log.tail) === true) setBit(this.settled, slot);
    }
  }

  look(dest: number, family: Family): void {
    const { out, wanted } = this;
    out.wanted(dest, wanted);
    for (let w = 0; w < wanted.length; w++) {
      const sent = out.sent.read(w, dest);
      for (let bits = sent; bits !== 0; bits &= bits - 1) {
        this.counts[(w * 32 + lowestBit(bits)) * FAMILIES.length + family]!++;
      }
      for (let bits = (sent ^ wanted[w]!) & this.settled[w]!; bits !== 0; bits &= bits - 1) {
        const slot = w * 32 + lowestBit(bits);
        const what = hasBit(wanted, 0, slot) ? "lacks" : "was sent";
        this.find(`slot ${slot} ${what} destination ${dest} against the rules`);
      }
    }
  }

  compareCounts(): void {
    for (const { slot } of this.peers) {
      for (const { family } of FAMILIES) {
        const found = this.counts[slot * FAMILIES.length + family]!;
        const counted = this.out.sent.count(slot, family);
        if (found !== counted) {
          this.find(`slot ${slot} counts ${counted} routes sent, ${found} found`);
        }
      }
    }
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function anySent(out: AdjRibOut, dest: number): boolean {
  for (let word = 0; word < out.sent.columnCount; word++) {
    if (out.sent.read(word, dest) !== 0) return true;
  }
  return false;
}
