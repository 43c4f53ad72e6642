/** The timeline's marks, in memory: starts, stops, losses. Few, and each question needs them. */
import { prefixRange, type OrderedKv } from "../../store/index.js";
import { comparePlaces, placeOf, plainKey, Space, type Place } from "./layout.js";
import { decodeRecord, MarkKind } from "./record.js";

export interface Mark {
  readonly place: Place;
  readonly kind: number;
  readonly since: number;
  readonly count: number;
}

/** Events that were lost. */
export interface Loss {
  readonly count: number;
  /** Wall-clock milliseconds: the last that was written before. */
  readonly from: number;
  /** When it was repaired; undefined: not yet, or never. */
  readonly until: number | undefined;
}

const PAGE = 1000;
/** All that is known of the present is void. */
const RESETS: ReadonlySet<number> = new Set([MarkKind.Started, MarkKind.Rebuilt, MarkKind.Off]);

export class Marks {
  /** Oldest first. */
  list: Mark[] = [];

  async load(kv: OrderedKv): Promise<void> {
    const cursor = kv.cursor(prefixRange(plainKey(Space.Mark)));
    this.list = [];
    for (;;) {
      const rows = await cursor.next(PAGE);
      if (rows.length === 0) break;
      for (const { key, value } of rows) {
        const { kind, since = 0, count } = decodeRecord(value);
        this.list.push({ place: placeOf(key), kind, since, count });
      }
    }
    await cursor.close();
  }

  add(mark: Mark): void {
    this.list.push(mark);
  }

  dropChunk(id: number): void {
    this.list = this.list.filter(({ place }) => place.chunk !== id);
  }

  /** The last one at or before the time that voids what was known. */
  resetBefore(time: number): Mark | undefined {
    return this.list.findLast(({ kind, place }) => RESETS.has(kind) && place.time <= time);
  }

  resetAfter(time: number): Mark | undefined {
    return this.list.find(({ kind, place }) => RESETS.has(kind) && place.time > time);
  }

  /** The stretch without evpnd, or without timeline, that the time falls into. */
  gapAt(time: number): { readonly from: number; readonly to: number | undefined } | undefined {
    const after = this.list.find(({ place }) => place.time > time);
    if (after?.kind === MarkKind.Started && after.since !== 0 && after.since <= time) {
      return { from: after.since, to: after.place.time };
    }
    const before = this.list.findLast(({ place }) => place.time <= time);
    if (before?.kind !== MarkKind.Stopped && before?.kind !== MarkKind.Off) return undefined;
    return { from: before.place.time, to: after?.place.time };
  }

  /** What was lost behind a place, or since the beginning, up to a time, and not repaired by then. */
  lostBetween(from: Place | undefined, to: number): Loss | undefined {
    const isRepair = ({ kind }: Mark): boolean => kind === MarkKind.Repaired;
    const repaired = this.list.findLast((one) => isRepair(one) && one.place.time <= to)?.place;
    let loss: Loss | undefined;
    for (const { kind, place, count, since } of this.list) {
      if (kind !== MarkKind.Lost || since > to) continue;
      const isBehind = (one: Place | undefined) =>
        one === undefined || comparePlaces(place, one) > 0;
      if (!isBehind(from) || !isBehind(repaired)) continue;
      const until = this.list.find((one) => isRepair(one) && comparePlaces(one.place, place) > 0);
      loss = {
        count: (loss?.count ?? 0) + count,
        from: Math.min(loss?.from ?? since, since),
        until: until?.place.time,
      };
    }
    return loss;
  }
}
