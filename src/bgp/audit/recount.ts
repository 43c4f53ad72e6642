/**
 * The counts that one look cannot check: references of attribute sets, routes of a source, routes sent
 * to a session, totals. A walk in slices counts a table that moves, so a difference there is only a
 * suspicion. Suspects are counted again in one uninterrupted stretch, and only what differs then is a
 * finding: false alarms cannot be. A stretch reads one word or two of each record in memory order, some
 * milliseconds for a million routes; on a table at rest there is nothing to suspect and no stretch.
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import { BitCounts } from "./bit-counts.js";
import { sessionOf, type AuditSubject, type Find } from "./subject.js";
import type { Tally } from "./tally.js";

/** Yields between its stretches. */
export function* recount(
  subject: AuditSubject,
  tally: Tally,
  find: Find,
): Generator<undefined, void> {
  if (pathsSuspect(subject, tally)) countPaths(subject, find);
  yield;
  const { table, out } = subject;
  if (tally.destinations !== table.destinationCount || tally.tombstones !== table.tombstones) {
    countDestinations(subject, find);
  }
  yield;
  for (let word = 0; word < out.sent.columnCount; word++) {
    if (!isColumnSuspect(subject, tally, word)) continue;
    countSent(subject, word, find);
    yield;
  }
  for (const slot of [...subject.liveSlots()]) {
    const faults = out.addPathCountFaults(slot);
    for (const fault of faults) find(`${sessionOf(subject, slot)} ${fault}`);
    yield;
  }
}

function pathsSuspect(subject: AuditSubject, tally: Tally): boolean {
  const { table } = subject;
  const { attrs, sources } = table;
  if (tally.paths !== table.pathCount || tally.held !== table.held) return true;
  if (attrs.limit !== tally.references.length) return true;
  const references = Int32Array.from(tally.references);
  subject.forEachReference((attr) => (references[attr] = (references[attr] ?? 0) + 1));
  for (let attr = 1; attr < references.length; attr++) {
    if (references[attr] !== attrs.references(attr)) return true;
  }
  for (const slot of subject.knownSlots()) {
    for (let family = 0; family < FAMILIES.length; family++) {
      const row = slot * FAMILIES.length + family;
      if ((tally.routes[row] ?? 0) !== sources.count(slot, family)) return true;
      if ((tally.stale[row] ?? 0) !== sources.staleCount(slot, family)) return true;
    }
  }
  return false;
}

function countPaths(subject: AuditSubject, find: Find): void {
  const { table } = subject;
  const { attrs, sources } = table;
  const references = new Int32Array(attrs.limit);
  const routes = new Int32Array(sources.limit * FAMILIES.length);
  const stale = new Int32Array(routes.length);
  let paths = 0;
  let held = 0;
  for (let path = 1; path < table.pathLimit; path++) {
    const dest = table.pathDest(path);
    if (dest === 0) continue;
    paths++;
    const received = table.pathReceived(path);
    const effective = table.pathAttr(path);
    references[received] = references[received]! + 1;
    if (effective === 0) held++;
    else references[effective] = references[effective]! + 1;
    const row = table.pathSlot(path) * FAMILIES.length + table.family(dest);
    routes[row] = routes[row]! + 1;
    if (table.isStale(path)) stale[row] = stale[row]! + 1;
  }
  if (paths !== table.pathCount) find(`${paths} paths found, ${table.pathCount} counted`);
  if (held !== table.held) find(`${held} held paths found, ${table.held} counted`);
  subject.forEachReference((attr) => (references[attr] = references[attr]! + 1));
  for (let attr = 1; attr < references.length; attr++) {
    const counted = attrs.references(attr);
    if (references[attr] === counted) continue;
    find(`attribute set ${attr} has ${counted} references, ${references[attr]} found`);
  }
  for (const slot of subject.knownSlots()) {
    for (const { family, name } of FAMILIES) {
      const row = slot * FAMILIES.length + family;
      const counted = sources.count(slot, family);
      const staleCounted = sources.staleCount(slot, family);
      const who = sessionOf(subject, slot);
      if (routes[row] !== counted) {
        find(`${who} counts ${counted} ${name} routes, ${routes[row] ?? 0} found`);
      }
      if (stale[row] !== staleCounted) {
        find(`${who} counts ${staleCounted} stale ${name} routes, ${stale[row] ?? 0} found`);
      }
    }
  }
}

function countDestinations(subject: AuditSubject, find: Find): void {
  const { table } = subject;
  let destinations = 0;
  let tombstones = 0;
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) continue;
    if (table.firstPath(dest) === 0) tombstones++;
    else destinations++;
  }
  if (destinations !== table.destinationCount) {
    find(`${destinations} destinations found, ${table.destinationCount} counted`);
  }
  if (tombstones !== table.tombstones) {
    find(`${tombstones} tombstones found, ${table.tombstones} counted`);
  }
}

function isColumnSuspect(subject: AuditSubject, tally: Tally, word: number): boolean {
  const { sent } = subject.out;
  for (const slot of subject.liveSlots()) {
    if (slot >>> 5 !== word) continue;
    for (const { family } of FAMILIES) {
      if (tally.sentTo(slot, family) !== sent.count(slot, family)) return true;
    }
  }
  return false;
}

function countSent(subject: AuditSubject, word: number, find: Find): void {
  const { table, out } = subject;
  const counts = FAMILIES.map(() => new BitCounts());
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    const bits = out.sent.read(word, dest);
    if (bits !== 0) counts[table.family(dest)]?.add(bits);
  }
  for (const slot of subject.liveSlots()) {
    if (slot >>> 5 !== word) continue;
    for (const { family, name } of FAMILIES) {
      const found = counts[family]!.count(slot & 31);
      const counted = out.sent.count(slot, family);
      if (found === counted) continue;
      find(`${sessionOf(subject, slot)} counts ${counted} ${name} routes sent, ${found} found`);
    }
  }
}
