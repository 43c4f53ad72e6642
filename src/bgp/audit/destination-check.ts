/**
 * One destination against everything that must hold of it between two turns: its place in the hash
 * index, its paths and theirs in the lists of their sources and route targets, its best path, and who
 * has been sent it. Reads only, and believes nothing: a damaged word is a finding, not an endless loop.
 *
 * A list is right when each member's neighbours point back at it, are of the same list, and the ends are
 * what the list's head says: each is looked at where it stands, so no list is walked.
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import { NlriScan, scanNlri } from "../../fast-bgp-codec/nlri-scan.js";
import { HoldReason, type RouteTable } from "../rib/index.js";
import type { Tally } from "./tally.js";
import { keyOf, sessionOf, type AuditSubject, type Find } from "./subject.js";

export class DestinationCheck {
  private readonly subject: AuditSubject;
  private readonly table: RouteTable;
  private readonly find: Find;
  private readonly tally: Tally;
  private readonly scan = new NlriScan();
  private readonly known = new Set<number>();
  private settled = new Int32Array(1);
  private wanted = new Int32Array(1);
  private fresh = true;

  constructor(subject: AuditSubject, tally: Tally, find: Find) {
    this.subject = subject;
    this.table = subject.table;
    this.tally = tally;
    this.find = find;
  }

  /** What is known of sessions holds until the next turn of the event loop: call first in each. */
  begin(): void {
    const { table, out } = this.subject;
    const words = out.words;
    if (this.settled.length !== words) {
      this.settled = new Int32Array(words);
      this.wanted = new Int32Array(words);
    }
    this.settled.fill(0);
    for (const slot of this.subject.liveSlots()) {
      if (out.cursor(slot)?.isSettled(table.log.tail) !== true) continue;
      this.settled[slot >>> 5] = this.settled[slot >>> 5]! | (1 << (slot & 31));
    }
    this.known.clear();
    for (const slot of this.subject.knownSlots()) this.known.add(slot);
    this.fresh = true;
  }

  look(dest: number): void {
    const { table, tally } = this;
    if (!table.exists(dest)) return this.lookAtFree(dest);
    const family = table.family(dest);
    if (FAMILIES[family] === undefined) {
      this.find(`destination ${dest} is of no family (${family})`);
      return;
    }
    this.checkIndex(dest);
    const paths = this.checkPaths(dest);
    if (paths > 0) tally.destinations++;
    else tally.tombstones++;
    // What is chosen from damaged paths, and sent of them, says nothing more.
    if (paths < 0) return;
    this.checkBest(dest);
    this.checkSent(dest);
    if (table.deciding > 0) return;
    for (const fault of this.subject.out.addPathFaults(dest)) {
      this.find(`${keyOf(table, dest)}: ${fault}`);
    }
  }

  private lookAtFree(dest: number): void {
    const { sent } = this.subject.out;
    for (const fault of this.subject.out.addPathFaults(dest)) this.find(fault);
    for (let word = 0; word < sent.columnCount; word++) {
      if (sent.read(word, dest) === 0) continue;
      this.find(`destination ${dest} is free but counts as sent`);
      return;
    }
  }

  private checkIndex(dest: number): void {
    const { table } = this;
    if (this.leadsTo(dest, table.destNlri(dest), table.destNlriLength(dest))) return;
    this.find(`${keyOf(table, dest)}: the index does not lead to it (destination ${dest})`);
  }

  /** Whether the NLRI at `from` is one of this destination's. */
  private leadsTo(dest: number, from: number, length: number): boolean {
    const { table, scan } = this;
    const bytes = table.nlriBytes;
    const to = from + length;
    if (from < 0 || to > bytes.length) return false;
    const family = table.family(dest);
    return (
      scanNlri(family, bytes, from, to, false, scan) === to &&
      table.find(family, bytes, scan) === dest
    );
  }

  /** How many paths; -1 when the list is damaged. */
  private checkPaths(dest: number): number {
    const { table, tally } = this;
    const { attrs } = table;
    let count = 0;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      if (path < 0 || path >= table.pathLimit || ++count > table.pathCount) {
        this.find(`${keyOf(table, dest)}: its list of paths is damaged at path ${path}`);
        return -1;
      }
      if (table.pathDest(path) !== dest) {
        this.find(`${keyOf(table, dest)}: path ${path} does not point back`);
        return -1;
      }
      const slot = table.pathSlot(path);
      if (!this.known.has(slot)) {
        this.find(`${keyOf(table, dest)}: path ${path} belongs to slot ${slot}, which nobody has`);
        return -1;
      }
      const received = table.pathReceived(path);
      const effective = table.pathAttr(path);
      const dead = attrs.isLive(received)
        ? effective === 0 || attrs.isLive(effective)
          ? 0
          : effective
        : received;
      if (dead !== 0 || received === 0) {
        this.find(`${keyOf(table, dest)}: path ${path} has attribute set ${dead}, which is none`);
        return -1;
      }
      if (table.pathFrom(dest, slot, table.pathId(path)) !== path) {
        this.find(`${keyOf(table, dest)}: two paths from ${sessionOf(this.subject, slot)}`);
      }
      const nlri = table.pathNlri(path);
      const own = nlri !== table.destNlri(dest);
      if (own && !this.leadsTo(dest, nlri, table.pathNlriLength(path))) {
        this.find(`${keyOf(table, dest)}: path ${path} has the NLRI of another destination`);
      }
      if (effective !== 0 && table.pathHold(path) !== HoldReason.None) {
        this.find(`${keyOf(table, dest)}: path ${path} is held and counts all the same`);
      }
      tally.path(table, path);
      this.checkSourceList(dest, path);
      if (effective !== 0) this.checkTargetList(dest, path, attrs.targets(effective));
    }
    return count;
  }

  private checkSourceList(dest: number, path: number): void {
    const { table } = this;
    const { sources } = table;
    const slot = table.pathSlot(path);
    const row = slot * FAMILIES.length + table.family(dest);
    const previous = table.previousPathOfSource(path);
    const next = table.nextPathOfSource(path);
    const before =
      previous === 0
        ? sources.firstPath[row] === path
        : table.nextPathOfSource(previous) === path &&
          table.pathSlot(previous) === slot &&
          table.family(table.pathDest(previous)) === table.family(dest);
    const behind =
      next === 0 ? sources.lastPath[row] === path : table.previousPathOfSource(next) === path;
    if (before && behind) return;
    this.find(
      `${keyOf(table, dest)}: path ${path} is not in the list of its source ${sessionOf(this.subject, slot)}`,
    );
  }

  private checkTargetList(dest: number, path: number, set: number): void {
    if (set === 0) return;
    const { table } = this;
    const { attrs } = table;
    const previous = table.previousPathOfTargets(path);
    const next = table.nextPathOfTargets(path);
    const before =
      previous === 0
        ? attrs.targetSets.firstPath(set) === path
        : table.nextPathOfTargets(previous) === path &&
          attrs.targets(table.pathAttr(previous)) === set;
    if (before && (next === 0 || table.previousPathOfTargets(next) === path)) return;
    this.find(`${keyOf(table, dest)}: path ${path} is not in the list of its route targets`);
  }

  private checkBest(dest: number): void {
    const { table } = this;
    const best = table.bestPath(dest);
    const { path: again, reason } = table.reselect(dest);
    if (best !== 0 && table.pathAttr(best) === 0) {
      this.find(`${keyOf(table, dest)}: a held path is its best path`);
    } else if (table.deciding > 0) {
      return;
    } else if (again !== best) {
      this.find(`${keyOf(table, dest)}: its best path is not the best (${best}, not ${again})`);
    } else if (reason !== table.bestReason(dest)) {
      this.find(`${keyOf(table, dest)}: its best path is so for another reason than it says`);
    }
  }

  /** Sessions that have read everything have been sent what they should have; all at once, by words. */
  private checkSent(dest: number): void {
    const { out, table } = this.subject;
    const { wanted, settled, tally } = this;
    out.wanted(dest, wanted, this.fresh);
    if (table.bestPath(dest) !== 0) this.fresh = false;
    const family = table.family(dest);
    for (let w = 0; w < wanted.length; w++) {
      const sent = out.sent.read(w, dest);
      tally.sent(w, family, sent);
      for (let bits = (sent ^ wanted[w]!) & settled[w]!; bits !== 0; bits &= bits - 1) {
        const bit = 31 - Math.clz32(bits & -bits);
        const what = (wanted[w]! & (1 << bit)) !== 0 ? "lacks" : "was sent";
        const who = sessionOf(this.subject, w * 32 + bit);
        this.find(`${keyOf(table, dest)}: ${who} ${what} it against the rules`);
      }
    }
  }
}
