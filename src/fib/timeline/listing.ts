/** Events of a stretch of time, in pages: by walking all of them, or, of one MAC, what it and its segments have. */
import { parseEsi } from "../../fast-bgp-codec/index.js";
import type { KvEntry, KvRange } from "../../store/index.js";
import { isWholeMac, macBytes, parseMacMask, type MacMask } from "../mac-mask.js";
import { cursorPlace, cursorText } from "./cursor.js";
import type { History } from "./history.js";
import { between, comparePlaces, placedKey, placeOf, Space, type Place } from "./layout.js";
import { MergedWalk } from "./merge.js";
import { decodeRecord, isSegmentKind, kindName, MarkKind, type StoredEvent } from "./record.js";
import { MOST_DOMAINS, type TimelineEvent, type TimelinePage } from "./views.js";
import { labelOf } from "./where-was.js";

/** Events looked at for one page. */
const MOST_LOOKED = 20_000;
const PAGE = 512;
/** Segments of one MAC whose events stand among its own, and events of it that are looked at for them. */
const MOST_SEGMENTS = 16;
const STATES_LOOKED = 200;
const NOTHING = new Uint8Array(0);

export interface EventFilter {
  readonly from: number;
  readonly to: number;
  readonly mac: MacMask | undefined;
  readonly domain: string | undefined;
  readonly pe: string | undefined;
  readonly kind: number | undefined;
}

type Rows = TimelinePage<TimelineEvent>;

export function listEvents(
  history: History,
  filter: EventFilter,
  cursor: string | undefined,
  limit: number,
): Promise<Rows> {
  const after = cursorPlace(cursor);
  return filter.mac !== undefined && isWholeMac(filter.mac)
    ? listMac(history, filter, after, limit, filter.mac)
    : listAll(history, filter, after, limit);
}

async function listAll(
  history: History,
  filter: EventFilter,
  after: Place | undefined,
  limit: number,
): Promise<Rows> {
  const rows: TimelineEvent[] = [];
  let looked = 0;
  for (const chunk of history.chunks.within(filter.from, filter.to)) {
    if (after !== undefined && chunk.id < after.chunk) continue;
    const range = between(Space.Event, chunk.id, NOTHING, filter.from, filter.to);
    const cursor = history.kv.cursor(behind(range, Space.Event, NOTHING, chunk.id, after));
    try {
      for (;;) {
        const page = await cursor.next(PAGE);
        if (page.length === 0) break;
        for (const { key, value } of page) {
          const event = decodeRecord(value);
          looked++;
          if (matches(event, filter)) rows.push(eventView(event, placeOf(key).time));
          if (rows.length >= limit || looked >= MOST_LOOKED) {
            return { rows, next: cursorText(placeOf(key)) };
          }
        }
      }
    } finally {
      await cursor.close();
    }
  }
  return { rows, next: undefined };
}

interface Item {
  readonly place: Place;
  readonly record: Uint8Array | undefined;
}

async function listMac(
  history: History,
  filter: EventFilter,
  after: Place | undefined,
  limit: number,
  mac: MacMask,
): Promise<Rows> {
  const stations = (await history.domainsOf(macBytes(mac.value), MOST_DOMAINS)).filter(
    (one) => filter.domain === undefined || domainOf(one) === filter.domain,
  );
  const segments = await segmentsOf(history, stations, filter);
  const rows: TimelineEvent[] = [];
  let looked = 0;
  for (const chunk of history.chunks.within(filter.from, filter.to)) {
    if (after !== undefined && chunk.id < after.chunk) continue;
    const range = (space: Space, middle: Uint8Array): KvRange =>
      behind(
        between(space, chunk.id, middle, filter.from, filter.to),
        space,
        middle,
        chunk.id,
        after,
      );
    const walk = new MergedWalk<Item>(
      history.kv,
      [
        ...stations.map((one) => range(Space.Mac, one)),
        ...segments.map((one) => range(Space.Segment, one)),
        range(Space.Mark, NOTHING),
      ],
      ({ key, value }: KvEntry, source) => ({
        place: placeOf(key),
        record: source < stations.length ? undefined : value,
      }),
      (a, b) => comparePlaces(a.place, b.place),
    );
    try {
      for (let item = await walk.next(); item !== undefined; item = await walk.next()) {
        looked++;
        const event =
          item.record === undefined ? await history.event(item.place) : decodeRecord(item.record);
        const wanted = { ...filter, mac: undefined, domain: undefined };
        if (event !== undefined && matches(event, wanted)) {
          rows.push(eventView(event, item.place.time));
        }
        if (rows.length >= limit || looked >= MOST_LOOKED) {
          return { rows, next: cursorText(item.place) };
        }
      }
    } finally {
      await walk.close();
    }
  }
  return { rows, next: undefined };
}

/** ESIs that the MAC was told with, as far as a look at some of its events shows. */
async function segmentsOf(
  history: History,
  stations: readonly Uint8Array[],
  { from, to }: EventFilter,
): Promise<Uint8Array[]> {
  const found = new Map<string, Uint8Array>();
  const note = (text: string | undefined): void => {
    const esi = text === undefined ? undefined : parseEsi(text);
    if (esi !== undefined && found.size < MOST_SEGMENTS) found.set(text!, esi);
  };
  for (const station of stations) {
    note((await history.lastState(station, from, undefined))?.event.esi);
    note((await history.present(station))?.event.esi);
    for (let at = from - 1, looked = 0; looked < STATES_LOOKED; looked++) {
      const next = await history.firstState(station, at, undefined);
      if (next === undefined || next.place.time > to) break;
      note(next.event.esi);
      at = next.place.time;
    }
  }
  return [...found.values()];
}

/** The part of the range behind `after`. */
function behind(
  range: KvRange,
  space: Space,
  middle: Uint8Array,
  chunk: number,
  after: Place | undefined,
): KvRange {
  if (after?.chunk !== chunk) return range;
  const from = Buffer.concat([placedKey(space, after, middle), Uint8Array.of(0)]);
  return Buffer.compare(from, range.from) > 0 ? { ...range, from } : range;
}

function domainOf(station: Uint8Array): string {
  return Buffer.from(station.subarray(6, station.length - 1)).toString();
}

function matches(event: StoredEvent, filter: EventFilter): boolean {
  const { kind, domain, pe, mac } = filter;
  if (kind !== undefined && event.kind !== kind) return false;
  const isMark = event.kind >= MarkKind.Started;
  // Marks are about everything, so that nobody takes silence for peace.
  if (isMark) return true;
  if (domain !== undefined && event.domain !== domain) return false;
  if (pe !== undefined && event.to !== pe && event.from !== pe) return false;
  return mac === undefined || isOf(event, mac);
}

function isOf(event: StoredEvent, { value, mask }: MacMask): boolean {
  if (event.mac === undefined || isSegmentKind(event.kind)) return false;
  const own = parseMacMask(event.mac);
  return own !== undefined && (own.value & mask) === (value & mask);
}

export function eventView(event: StoredEvent, time: number): TimelineEvent {
  const { mac, domain, to, from, peer, esi, ip, count, since } = event;
  const ofMac = mac !== undefined && !isSegmentKind(event.kind);
  return {
    time,
    kind: kindName(event.kind),
    domain,
    mac: ofMac ? mac : undefined,
    to,
    from,
    peer,
    sequence: ofMac ? event.sequence : undefined,
    esi,
    ip,
    label: ofMac && event.label !== 0 ? labelOf(event) : undefined,
    count: count === 0 ? undefined : count,
    since: since === 0 ? undefined : since,
  };
}
