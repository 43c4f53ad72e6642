/**
 * Whose an IP address was at a time, and where that MAC was. As `where-was.ts`, by the events of the address: it
 * came to a MAC, went from one to another, or no route bound it any more. Where the MAC was is the MAC's own
 * history; without its MAC there is no address.
 */
import { parseMac } from "../../fast-bgp-codec/index.js";
import { FibEventKind } from "../event-record.js";
import { OF_ADDRESS, type Found, type History } from "./history.js";
import { addressText, station as stationOf } from "./layout.js";
import type { MacAt } from "./views.js";
import {
  CUT,
  lossNote,
  NOWHERE,
  startNote,
  tooEarly,
  unknown,
  whereWas,
  whileOff,
  type Rest,
} from "./where-was.js";

/** With the MAC that had it; empty when none is known. */
type Owned = Rest & { readonly mac: string };

/** @param address as `addressStation` makes it */
export async function whoseWas(
  history: History,
  address: Uint8Array,
  time: number,
): Promise<MacAt> {
  const { marks } = history;
  const about = { ...addressText(address), time };
  const off = whileOff(history, time);
  if (off !== undefined) return { ...about, mac: "", ...off };
  const floor = marks.resetBefore(time)?.place;
  const found = await history.lastState(address, time, floor, OF_ADDRESS);
  const owned =
    found !== undefined
      ? await afterEvent(history, about.domain, found, time)
      : await withoutEvent(history, address, about.domain, time);
  const note = lossNote(history, found?.place ?? floor, time);
  if (note === undefined) return { ...about, ...owned };
  const state = found === undefined && owned.state === "absent" ? "unknown" : owned.state;
  const notes = owned.notes.includes(note) ? owned.notes : [...owned.notes, note];
  return { ...about, ...owned, state, certain: false, notes };
}

async function afterEvent(
  history: History,
  domain: string,
  { place, event }: Found,
  time: number,
): Promise<Owned> {
  if (event.kind === FibEventKind.IpWithdraw) {
    return { mac: "", ...NOWHERE, since: place.time };
  }
  const owned = await ofMac(history, event.mac, domain, time);
  const since = Math.max(place.time, owned.since ?? 0);
  return { ...owned, since };
}

async function withoutEvent(
  history: History,
  address: Uint8Array,
  domain: string,
  time: number,
): Promise<Owned> {
  const { marks } = history;
  const after = marks.resetAfter(time);
  const now = after === undefined ? await history.present(address, OF_ADDRESS) : undefined;
  if (now !== undefined && now.place.time <= time) return afterEvent(history, domain, now, time);
  const early = tooEarly(history, time);
  if (early !== undefined) return { mac: "", ...early };
  const first = await history.firstState(address, time, after?.place, OF_ADDRESS);
  const kind = first?.event.kind;
  if (kind === FibEventKind.IpMove || kind === FibEventKind.IpWithdraw) {
    const mac = kind === FibEventKind.IpMove ? first?.event.from : first?.event.mac;
    const owned = await ofMac(history, mac, domain, time);
    const note = "it came to that MAC before the history begins; its next event says whose it was";
    return { ...owned, certain: false, notes: [...owned.notes, note] };
  }
  const cut = first === undefined && marks.resetBefore(time) === undefined && after !== undefined;
  return { mac: "", ...(cut ? unknown(CUT) : startNote(history, time)) };
}

/** The MAC had the address: where it was. */
async function ofMac(
  history: History,
  text: string | undefined,
  domain: string,
  time: number,
): Promise<Owned> {
  const mac = text === undefined ? undefined : parseMac(text);
  if (mac === undefined) return { mac: "", ...unknown("which MAC had it is not in the history") };
  const at = await whereWas(history, stationOf(mac, domain), time);
  if (at.state !== "absent") return at;
  return { ...at, notes: [...at.notes, `${at.mac} had it last, and was gone`] };
}
