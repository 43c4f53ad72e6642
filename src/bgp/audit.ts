/** Cross-checks the tables: what must hold between any two turns. Slow and complete; for tests and `evpnctl audit`. */
import { FAMILIES } from "../fast-bgp-codec/family.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { RouteTable } from "./rib/route-table.js";

const MOST_FINDINGS = 50;

export function auditTables(
  table: RouteTable,
  out: AdjRibOut,
  peers: readonly ReflectedPeer[],
  leaving: readonly number[],
): string[] {
  const findings: string[] = [];
  const find = (text: string): void => {
    if (findings.length < MOST_FINDINGS) findings.push(text);
  };
  const live = new Set(peers.map((peer) => peer.slot));
  const known = new Set([...live, ...leaving]);
  const references = new Map<number, number>();
  const perSource = new Map<string, number>();
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
      const attr = table.pathAttr(path);
      references.set(attr, (references.get(attr) ?? 0) + 1);
      const key = `${slot}/${family}`;
      perSource.set(key, (perSource.get(key) ?? 0) + 1);
    }
    if (paths > 0) destinations++;
    else tombstones++;
    const again = table.reselect(dest);
    if (again.path !== table.bestPath(dest)) find(`destination ${dest} has not its best path`);
    for (const { slot } of peers) checkSent(table, out, slot, dest, find);
  }
  if (destinations !== table.destinationCount) {
    find(`${destinations} destinations found, ${table.destinationCount} counted`);
  }
  if (tombstones !== table.tombstones) {
    find(`${tombstones} tombstones found, ${table.tombstones} counted`);
  }
  table.attrs.forEach((attr) => {
    const found = references.get(attr) ?? 0;
    if (found !== table.attrs.references(attr)) {
      find(`attribute set ${attr} has ${table.attrs.references(attr)} references, ${found} found`);
    }
  });
  for (const slot of known) {
    for (const { family } of FAMILIES) {
      const found = perSource.get(`${slot}/${family}`) ?? 0;
      if (found !== table.sources.count(slot, family)) {
        find(`slot ${slot} counts ${table.sources.count(slot, family)} routes, ${found} found`);
      }
    }
  }
  return findings;
}

/** A session that has read everything has been sent exactly what it should have. */
function checkSent(
  table: RouteTable,
  out: AdjRibOut,
  slot: number,
  dest: number,
  find: (text: string) => void,
): void {
  const cursor = out.cursor(slot);
  if (cursor === undefined || !cursor.isSettled(table.log.tail)) return;
  const sent = out.hasSent(slot, dest);
  if (sent !== out.wants(slot, dest)) {
    find(`slot ${slot} ${sent ? "was sent" : "lacks"} destination ${dest} against the rules`);
  }
}

function anySent(out: AdjRibOut, dest: number): boolean {
  for (let word = 0; word < out.sent.columnCount; word++) {
    if (out.sent.read(word, dest) !== 0) return true;
  }
  return false;
}
