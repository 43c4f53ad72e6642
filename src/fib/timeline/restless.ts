/**
 * The MACs that moved most in a stretch of time: one walk over its events in the order of MACs, with
 * the best so far in memory. Where there are more events than a question may cost, the older ones are left out,
 * and the answer says from when on it counted.
 */
import { prefixRange } from "../../store/index.js";
import { FibEventKind } from "../event-record.js";
import type { History } from "./history.js";
import { chunkKey, placeOf, Space, STATION_IN_MAC, stationAt, stationText } from "./layout.js";
import { MergedWalk } from "./merge.js";
import type { RestlessMac, RestlessMacs } from "./views.js";

/** Events that one question looks at. */
const MOST_LOOKED = 2_000_000;

interface Step {
  readonly station: Uint8Array;
  readonly counts: boolean;
}

export async function mostRestless(
  history: History,
  asked: { readonly from: number; readonly to: number; readonly domain: string | undefined },
  count: number,
  most = MOST_LOOKED,
): Promise<RestlessMacs> {
  const { to, domain } = asked;
  const all = history.chunks.within(asked.from, to);
  let events = 0;
  const chunks = all.filter((_, at) => {
    const one = all[all.length - 1 - at]!;
    events += one.count;
    return at === 0 || events <= most;
  });
  const taken = all.slice(all.length - chunks.length);
  const cut = taken.length < all.length;
  const from = cut ? Math.max(asked.from, taken[0]!.first) : asked.from;
  const walk = new MergedWalk<Step>(
    history.kv,
    taken.map(({ id }) => prefixRange(chunkKey(Space.Mac, id))),
    ({ key, value }) => {
      const { time } = placeOf(key);
      const counts = value[0] === FibEventKind.Move && time >= from && time <= to;
      return { station: stationAt(key, STATION_IN_MAC), counts };
    },
    (a, b) => Buffer.compare(a.station, b.station),
  );
  const best: { moves: number; station: Uint8Array }[] = [];
  let station: Uint8Array | undefined;
  let moves = 0;
  const enter = (): void => {
    if (station === undefined || moves === 0) return;
    if (domain !== undefined && stationText(station).domain !== domain) return;
    if (best.length === count && best.at(-1)!.moves >= moves) return;
    const at = best.findIndex((one) => one.moves < moves);
    best.splice(at < 0 ? best.length : at, 0, { moves, station: station.slice() });
    best.length = Math.min(best.length, count);
  };
  try {
    for (let step = await walk.next(); step !== undefined; step = await walk.next()) {
      if (station === undefined || Buffer.compare(station, step.station) !== 0) {
        enter();
        ({ station } = step);
        moves = 0;
      }
      if (step.counts) moves++;
    }
    enter();
  } finally {
    await walk.close();
  }
  const rows = best.map((one): RestlessMac => ({ ...stationText(one.station), moves: one.moves }));
  return { rows, from, to, cut };
}
