/**
 * Dumps: a new session's table, a route refresh, a look at what changed interest covers. A dump walks
 * the destinations beside the live cursor, in slices, live first; sessions at the same place of the
 * walk share it. End-of-RIB follows when all that was there at the start has been sent.
 */
import { encodeEndOfRib } from "../../fast-bgp-codec/end-of-rib.js";
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { encodeRouteRefresh } from "../../fast-bgp-codec/route-refresh.js";
import { setBit } from "../policy/slot-mask.js";
import type { RouteTable } from "../rib/route-table.js";
import { BATCH } from "./batch.js";
import { DumpKind, DumpStage, type Cursor, type Dump } from "./cursor.js";
import type { FormerPolicy, Output } from "./output.js";
import { TARGETED } from "./receiver.js";

/** Destinations looked at in one stretch of a dump. */
const DUMP_STRETCH = 16384;
const BORR = 1;
const EORR = 2;
const NOBODY_ELSE: readonly FormerPolicy[] = [];

export class DumpRunner {
  private readonly table: RouteTable;
  private readonly output: Output;
  private readonly cursors: ReadonlyMap<number, Cursor>;
  private readonly slices: Uint8Array[] = [];
  private readonly masks = { initial: masksOf(1), refresh: masksOf(1), former: NOBODY_ELSE };

  constructor(table: RouteTable, output: Output, cursors: ReadonlyMap<number, Cursor>) {
    this.table = table;
    this.output = output;
    this.cursors = cursors;
  }

  /** Room for slots in `words` words. */
  widen(words: number): void {
    if (this.masks.initial[0]!.length >= words) return;
    this.masks.initial = masksOf(words);
    this.masks.refresh = masksOf(words);
  }

  /**
   * A stretch of the least advanced dumps; false when there is none to go on with.
   * @param liveFirst leaves out sessions that have not read the log to its end
   */
  run(liveFirst: boolean): boolean {
    const group = this.hindmost(liveFirst);
    const first = group[0]?.dump;
    if (first === undefined) return false;
    const { stage, destinations } = first;
    if (stage === DumpStage.Begin || stage === DumpStage.End) {
      for (const cursor of group) this.bracket(cursor, cursor.dump!);
      return true;
    }
    const { table, output, masks } = this;
    output.begin();
    const stop = Math.min(this.maskGroup(group), first.next + DUMP_STRETCH);
    let { next } = first;
    let added = 0;
    while (next < stop && added < BATCH) {
      const dest = destinations === undefined ? next : destinations[next]!;
      next++;
      if (!table.exists(dest)) continue;
      const family = table.family(dest);
      if (destinations === undefined && stage !== this.stageOf(dest, family)) continue;
      if (output.dumped(dest, family, masks)) added++;
      // Also what adds nothing takes room: its groups are made to find that out.
      if (output.isFull) break;
    }
    output.deliver(group);
    for (const cursor of group) advance(cursor.dump!, next);
    return true;
  }

  /** Begins what is due next, unless a dump is under way: first tables before looks before refreshes. */
  startNext(cursor: Cursor): void {
    if (cursor.dump !== undefined) return;
    if (cursor.initialPending !== 0) {
      const again = cursor.initialPending & cursor.outdated;
      cursor.dump = newDump(DumpKind.Initial, cursor.initialPending, 0, again);
      cursor.outdated &= ~again;
      cursor.initialPending = 0;
    } else if (cursor.syncPending !== 0) {
      const former = cursor.formerPending;
      cursor.dump = { ...newDump(DumpKind.Sync, cursor.syncPending, 0, 0), former };
      cursor.syncPending = 0;
      cursor.formerPending = [];
    } else if (cursor.targetsPending.size > 0) {
      const destinations = this.destinationsOf(cursor.targetsPending);
      cursor.targetsPending.clear();
      const dump = newDump(DumpKind.Sync, cursor.families & TARGETED, 0, 0, destinations);
      cursor.dump = { ...dump, stage: DumpStage.Rest, next: 0, end: destinations.length };
    } else if ((cursor.refreshPending & ~cursor.held) !== 0) {
      // No BoRR before the family's End-of-RIB (RFC 7313 section 4).
      const families = cursor.refreshPending & ~cursor.held;
      const bracketed = cursor.enhancedRefresh ? families : 0;
      cursor.dump = newDump(DumpKind.Refresh, families, bracketed, families);
      cursor.refreshPending &= cursor.held;
    }
  }

  /** The session is gone: nothing is compared any more. */
  forget(cursor: Cursor): void {
    const all = new Set([...(cursor.dump?.former ?? []), ...cursor.formerPending]);
    for (const former of all) former.done();
  }

  /** The session may have nothing any more: whatever was due is dropped. What was to be sent again still is. */
  dropAll(cursor: Cursor): void {
    const { dump, formerPending } = cursor;
    if (formerPending.length > 0 || (dump?.former.length ?? 0) > 0) {
      cursor.outdated |= cursor.families;
    }
    cursor.outdated |= cursor.refreshPending | (dump?.again ?? 0);
    this.forget(cursor);
    cursor.formerPending = [];
    cursor.dump = undefined;
    cursor.initialPending = 0;
    cursor.refreshPending = 0;
    cursor.targetsPending.clear();
    cursor.endOfRibSent = 0;
  }

  /** What the session has is withdrawn, as far as it may not have it. */
  withdrawAll(cursor: Cursor): void {
    cursor.syncPending = cursor.families;
    this.startNext(cursor);
  }

  /** What the session gets is compared with what it got under another export policy, everywhere. */
  compare(cursor: Cursor, policy: number, done: () => void): void {
    // What a held session has been sent is withdrawn, unless it is released before.
    cursor.outdated |= cursor.untrusted;
    const families = cursor.families & ~cursor.held;
    if (families === 0) {
      done();
      return;
    }
    const known = new Set([...(cursor.dump?.former ?? []), ...cursor.formerPending]);
    cursor.formerPending = [...known, { policy, done }];
    cursor.syncPending |= families;
    this.startNext(cursor);
  }

  /** Unblocked sessions with a dump at the same, least advanced place. */
  private hindmost(liveFirst: boolean): Cursor[] {
    let group: Cursor[] = [];
    let place = Infinity;
    for (const cursor of this.cursors.values()) {
      const { dump } = cursor;
      if (dump === undefined || (liveFirst && cursor.position < this.output.log.tail)) continue;
      if (!cursor.isReady()) continue;
      const at = dump.stage * 2 ** 32 + dump.next;
      if (at < place) {
        place = at;
        group = [];
      }
      // Sessions that look at different destinations take turns.
      if (at === place && (group[0]?.dump ?? dump).destinations === dump.destinations) {
        group.push(cursor);
      }
    }
    return group;
  }

  /** The group's slots by what they get; returns where the first of their walks ends. */
  private maskGroup(group: readonly Cursor[]): number {
    const { initial, refresh } = this.masks;
    for (let f = 0; f < FAMILIES.length; f++) {
      initial[f]!.fill(0);
      refresh[f]!.fill(0);
    }
    this.masks.former = NOBODY_ELSE;
    let end = Infinity;
    for (const cursor of group) {
      const dump = cursor.dump!;
      for (const { policy } of dump.former) this.noteFormer(policy, cursor.slot);
      end = Math.min(end, dump.end);
      for (let f = 0; f < FAMILIES.length; f++) {
        if ((dump.families & (1 << f)) === 0) continue;
        setBit((dump.again & (1 << f)) !== 0 ? refresh[f]! : initial[f]!, cursor.slot);
      }
    }
    return end;
  }

  private noteFormer(policy: number, slot: number): void {
    let former = this.masks.former.find((other) => other.policy === policy);
    if (former === undefined) {
      former = { policy, mask: new Int32Array(this.masks.initial[0]!.length) };
      this.masks.former = [...this.masks.former, former];
    }
    setBit(former.mask, slot);
  }

  private stageOf(dest: number, family: Family): DumpStage {
    if (family !== Family.Evpn) return DumpStage.Rest;
    const type = this.table.routeType(dest);
    return type === 1 || type === 3 || type === 4 ? DumpStage.Early : DumpStage.Rest;
  }

  /** What stands before and behind a dump: BoRR and EoRR of a refresh, End-of-RIB of the first table. */
  private bracket(cursor: Cursor, dump: Dump): void {
    const { slices } = this;
    slices.length = 0;
    const ending = dump.stage === DumpStage.End;
    for (const { family, afi, safi } of FAMILIES) {
      const bit = 1 << family;
      if ((dump.families & bit) === 0) continue;
      // A peer left between BoRR and EoRR keeps what is stale: a dump that was dropped ends with the next one.
      if (ending && (cursor.refreshOpen & bit) !== 0) {
        cursor.refreshOpen &= ~bit;
        slices.push(encodeRouteRefresh(afi, safi, EORR));
      } else if (!ending && (dump.bracketed & bit) !== 0) {
        cursor.refreshOpen |= bit;
        slices.push(encodeRouteRefresh(afi, safi, BORR));
      }
      if (ending && dump.kind === DumpKind.Initial) {
        cursor.endOfRibSent |= bit;
        slices.push(encodeEndOfRib(family));
      }
    }
    // A look at what options changed leaves the default membership as it is.
    const membership =
      dump.kind !== DumpKind.Sync && (dump.families & (1 << Family.RouteTarget)) !== 0;
    if (!ending && membership && cursor.greeting !== undefined) slices.push(cursor.greeting);
    if (slices.length > 0) cursor.outlet.sendMany(slices, slices.length);
    if (ending) {
      cursor.dump = undefined;
      for (const former of dump.former) {
        if (!cursor.formerPending.includes(former)) former.done();
      }
      this.startNext(cursor);
    } else {
      // What is newer than this reaches the session through the log.
      dump.end = this.table.destinationLimit;
      dump.stage = DumpStage.Early;
    }
  }

  /** Destinations of all paths with one of these combinations of route targets. */
  private destinationsOf(sets: ReadonlySet<number>): Int32Array {
    const { table } = this;
    const { targetSets } = table.attrs;
    const found: number[] = [];
    for (const set of sets) {
      let path = targetSets.firstPath(set);
      for (; path !== 0; path = table.nextPathOfTargets(path)) found.push(table.pathDest(path));
    }
    return Int32Array.from(found);
  }
}

function masksOf(words: number): readonly Int32Array[] {
  return FAMILIES.map(() => new Int32Array(words));
}

function advance(dump: Dump, next: number): void {
  dump.next = next;
  if (next < dump.end) return;
  dump.stage = dump.stage === DumpStage.Early ? DumpStage.Rest : DumpStage.End;
  dump.next = 1;
}

function newDump(
  kind: DumpKind,
  families: number,
  bracketed: number,
  again: number,
  destinations?: Int32Array,
): Dump {
  return {
    families,
    kind,
    bracketed,
    again,
    former: [],
    destinations,
    stage: DumpStage.Begin,
    next: 1,
    end: 1,
  };
}
