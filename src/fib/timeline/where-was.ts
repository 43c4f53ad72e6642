/**
 * Where a station was at a time. In order:
 *  1. The last event before it that says so, since the last start: the MAC was at a PE, or gone. What
 *     happened to its segment since then counts for it, as it counts for all MACs there (RFC 7432 section 8.2).
 *  2. Without one, the first event after it tells what was before: a learn that it was nowhere, anything
 *     else which PE it left.
 *  3. Without either, a MAC that is there now and was last told of before the history begins was there.
 *  4. Otherwise it was nowhere, if the history reaches back so far.
 */
import { parseEsi } from "../../fast-bgp-codec/index.js";
import { FibEventKind } from "../event-record.js";
import type { Found, History, Standing } from "./history.js";
import { comparePlaces, stationText, type Place } from "./layout.js";
import { MarkKind, type StoredEvent } from "./record.js";
import type { LabelAt, MacAt } from "./views.js";

export type Rest = Omit<MacAt, "mac" | "domain" | "time" | "ip">;

export const NOWHERE: Rest = {
  state: "absent",
  pe: undefined,
  via: [],
  label: undefined,
  esi: undefined,
  sequence: undefined,
  peer: undefined,
  since: undefined,
  certain: true,
  notes: [],
};

export async function whereWas(
  history: History,
  station: Uint8Array,
  time: number,
): Promise<MacAt> {
  const { marks } = history;
  const about = { ...stationText(station), time };
  const off = whileOff(history, time);
  if (off !== undefined) return { ...about, ...off };
  const floor = marks.resetBefore(time)?.place;
  const { found, ...rest } = await stateAt(history, station, time);
  const note = lossNote(history, found?.place ?? floor, time);
  if (note === undefined) return { ...about, ...rest };
  const state = found === undefined && rest.state === "absent" ? "unknown" : rest.state;
  return { ...about, ...rest, state, certain: false, notes: [...rest.notes, note] };
}

/** The same, as if nothing had been lost. */
export async function stateAt(
  history: History,
  station: Uint8Array,
  time: number,
): Promise<Rest & { readonly found: Found | undefined }> {
  const floor = history.marks.resetBefore(time)?.place;
  const found = await history.lastState(station, time, floor);
  const rest =
    found !== undefined
      ? await afterEvent(history, station, found, time)
      : await withoutEvent(history, station, time);
  return { ...rest, found };
}

/** What was lost since the place may have been of it; undefined when nothing was. */
export function lossNote(
  { marks }: History,
  since: Place | undefined,
  time: number,
): string | undefined {
  const loss = marks.lostBetween(since, time);
  if (loss === undefined) return undefined;
  const { count, from, until } = loss;
  const stretch =
    until === undefined ? `since ${iso(from)}` : `between ${iso(from)} and ${iso(until)}`;
  return `unknown ${stretch}: ${count} events were lost, some may have been of it`;
}

/** Nothing was recorded then; undefined when something was. */
export function whileOff({ marks }: History, time: number): Rest | undefined {
  const gap = marks.gapAt(time);
  if (gap === undefined) return undefined;
  const until = gap.to === undefined ? "" : ` to ${iso(gap.to)}`;
  return unknown(
    `nothing was recorded from ${iso(gap.from)}${until}: evpnd or its MAC FIB was off`,
  );
}

async function afterEvent(
  history: History,
  station: Uint8Array,
  { place, event }: Found,
  time: number,
): Promise<Rest> {
  if (event.kind === FibEventKind.Withdraw) return { ...NOWHERE, since: place.time };
  const rest = atPe(event, event.to, place.time);
  const esi = event.esi === undefined ? undefined : parseEsi(event.esi);
  if (esi === undefined || event.to === undefined) return rest;
  const floor = history.marks.resetBefore(time)?.place;
  const standings = await history.standings(esi, time, floor);
  const own = standings.get(event.to);
  const emptied = own?.emptied !== undefined && comparePlaces(own.emptied, place) > 0;
  if (emptied && !own.kept) {
    const note = `${event.to} had left the segment, and all its MACs there went`;
    return { ...NOWHERE, since: own.emptied?.time, notes: [note] };
  }
  // Where the beginning of that life is cut, and its end gone by, a PE may have stood there unseen.
  const cut = floor === undefined && history.marks.resetAfter(time) !== undefined;
  const through = throughSegment(rest, event.to, place.time, standings, cut);
  if (emptied) {
    const note = `all MACs of ${event.to} there went, but for some that another PE of the segment had as well`;
    return { ...through, certain: false, notes: [...through.notes, note] };
  }
  if (own === undefined || own.up || !through.certain) return through;
  // From a PE that has left, routes go without events of their own, until the last one. What is told of the
  // MAC next shows whether it was still there.
  const { marks } = history;
  const next = await history.firstState(station, time, marks.resetAfter(time)?.place);
  const isNext = next !== undefined && marks.lostBetween(place, next.place.time) === undefined;
  if (isNext && !COMINGS.has(next.event.kind)) return through;
  const note = `its route of ${event.to} may have gone since without an event of its own`;
  return { ...through, certain: false, notes: [...through.notes, note] };
}

/** A MAC that was gone for a moment comes with one of these: its coming back elsewhere is a move. */
const COMINGS: ReadonlySet<number> = new Set([FibEventKind.Learn, FibEventKind.Move]);

/** The MAC as the standing of its segment's PEs has it. */
function throughSegment(
  rest: Rest,
  pe: string,
  since: number,
  standings: ReadonlyMap<string, Standing>,
  cut: boolean,
): Rest {
  const own = standings.get(pe);
  const others = [...standings].filter(([one, { up }]) => up && one !== pe).map(([one]) => one);
  const notes: string[] = [];
  let certain = !cut;
  if (cut) notes.push("which PEs were on the segment is older than the history");
  if (own?.thinned !== undefined && own.thinned.time >= since) {
    certain = false;
    notes.push(`${pe} left the segment and came back; some of its MACs went meanwhile`);
  }
  if (own?.up ?? cut) return { ...rest, via: [pe, ...others.sort()], certain, notes };
  const left = own === undefined ? "was not on the segment" : `left it at ${iso(own.place.time)}`;
  if (others.length > 0) {
    notes.push(`${pe} ${left}; it was reached through the others of the segment`);
  } else {
    // Another PE's claim, if there was one, counted instead (section 9.2.2); losers leave no events.
    certain = false;
    notes.push(`no PE was on the segment, ${pe} ${left}: through it, it could not be reached`);
  }
  const changed = own === undefined ? since : Math.max(since, own.place.time);
  return { ...rest, via: others.sort(), since: changed, certain, notes };
}

async function withoutEvent(history: History, station: Uint8Array, time: number): Promise<Rest> {
  const { marks } = history;
  const after = marks.resetAfter(time);
  const now = after === undefined ? await history.present(station) : undefined;
  if (now !== undefined && now.place.time <= time) return afterEvent(history, station, now, time);
  const reset = marks.resetBefore(time);
  const early = tooEarly(history, time);
  if (early !== undefined) return early;
  const first = await history.firstState(station, time, after?.place);
  if (first?.event.kind === FibEventKind.Learn) return startNote(history, time);
  if (first !== undefined) {
    const pe = first.event.from ?? first.event.to;
    const note = "it came there before the history begins; its next event says from where it went";
    const esi = first.event.kind === FibEventKind.Update ? first.event.esi : undefined;
    const via = listOf(pe);
    return { ...NOWHERE, state: "present", pe, via, esi, certain: false, notes: [note] };
  }
  // What was there without a change until evpnd ended, since before the history begins, left no trace.
  if (reset === undefined && after !== undefined) return unknown(CUT);
  return startNote(history, time);
}

export const CUT = "the history of that life of evpnd is cut, and has no event of it";

/** Before the history; undefined when the time is in it. */
export function tooEarly({ chunks, marks }: History, time: number): Rest | undefined {
  const oldest = chunks.list[0]?.first;
  if (marks.resetBefore(time) !== undefined) return undefined;
  if (oldest === undefined) return unknown("the history is empty");
  return time < oldest ? unknown(`the history begins at ${iso(oldest)}`) : undefined;
}

export function unknown(note: string): Rest {
  return { ...NOWHERE, state: "unknown", certain: false, notes: [note] };
}

/** Nowhere; right after a start that means little. */
export function startNote({ marks }: History, time: number): Rest {
  const reset = marks.resetBefore(time);
  if (reset === undefined) return NOWHERE;
  const what = reset.kind === MarkKind.Started ? "evpnd started" : "the FIB was read anew";
  return { ...NOWHERE, notes: [`${what} at ${iso(reset.place.time)} and had not heard of it yet`] };
}

function atPe(event: StoredEvent, pe: string | undefined, since: number): Rest {
  return {
    state: "present",
    pe,
    via: listOf(pe),
    label: labelOf(event),
    esi: event.esi,
    sequence: event.sequence,
    peer: event.peer,
    since,
    certain: true,
    notes: [],
  };
}

function listOf(pe: string | undefined): string[] {
  return pe === undefined ? [] : [pe];
}

/** A label field, read as the route's encapsulation said. */
export function labelOf({ label, vni }: StoredEvent): LabelAt {
  return vni ? { kind: "vni", value: label } : { kind: "mpls", value: label >>> 4 };
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
