/**
 * What a quarantine does: of a MAC in a domain only the routes of one place count, those of all others are
 * held in the table (`RouteScreen`), and let go when it ends.
 *
 * Which place counts (the PE, or its segment):
 * - `pin`: where the MAC was before it began to move, if that PE still has a route of it, else the winner.
 *   A place that loses the MAC gives way to the one that would win among those held, so that a host that
 *   really moved is not cut off.
 * - `hold`: the winner at the alarm. Nothing takes its place: if it goes, the MAC is gone until the release.
 * - `rate-limit`: the winner at the alarm, and every interval the one that would win then.
 *
 * A route is held as a whole: one that is in several domains is held in all of them as soon as one says so.
 * A path that is not best, and is in other domains than the best one of its key, is looked at when it comes
 * again or becomes best.
 * What is held is no candidate and the FIB does not see it, so each quarantine notes the destinations where
 * something was held for it. The screen is set only while there is a quarantine: without one, an
 * announcement costs one look whether there is a screen.
 */
import { HoldReason, type RouteHolds, type RouteScreen } from "../../bgp/rib/index.js";
import { decodeNlri, Family, formatNlri } from "../../fast-bgp-codec/index.js";
import { readI32, readU16 } from "../../util/bytes.js";
import type { FibTables, MacFib } from "../mac-fib.js";
import { rankOfSequence, WRAP_HIGH, WRAP_LOW } from "../mobility.js";
import { FactFlag } from "../route-facts.js";
import type { FibSettings } from "../settings.js";
import { Output, State } from "./machine.js";
import type { EffectSink, MoveWatch } from "./move-watch.js";
import {
  compareAddresses,
  fillPlace,
  newPlace,
  Place,
  placeText,
  type PlaceView,
  type PlaceWords,
} from "./records.js";
import { RouteReader } from "./route-reader.js";
import { quarantineText } from "./view.js";

/** MACs in quarantine at once: beyond, a duplicate is an alarm only. */
export const MOST_QUARANTINED = 16_384;
/** Two attempts of one place with one sequence are one when they come within so long. */
const BURST_MS = 1000;
/** From so many noted destinations on, those without a held route are sorted out. */
const MANY = 64;
/** Attempts renew what is kept over a restart no more often. */
const TELL_MS = 10_000;
const MAC = 25;

interface Quarantine {
  /** Of the watch. */
  readonly record: number;
  readonly high: number;
  readonly low: number;
  readonly key: string;
  /** Destinations that may have routes held for it. */
  readonly dests: Set<number>;
  /** At so many they are sorted. */
  sortAt: number;
  readonly lastPlace: PlaceWords;
  lastSequence: number;
  lastAt: number;
  /** Of attempts that the watch has not been told of. */
  pending: number;
  /** When attempts were last told outside. */
  toldAt: number;
}

export interface HeldRoute extends PlaceView {
  /** In one line. */
  readonly route: string;
  readonly peer: string;
  readonly sequence: number;
  readonly sticky: boolean;
}

interface Claim {
  readonly place: PlaceWords;
  readonly sticky: boolean;
  readonly sequence: number;
}

/** Who would win. */
interface Best {
  found: boolean;
  readonly place: PlaceWords;
  sticky: boolean;
  sequence: number;
}

export class Quarantines implements EffectSink, RouteScreen {
  /** The place of the next effect that begins stands in its record already. */
  placeGiven = false;
  private readonly watch: MoveWatch;
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly settings: FibSettings;
  private port: RouteHolds | undefined;
  private reader: RouteReader | undefined;
  /** By the low 32 bits of the MAC: most routes are past after this look. */
  private readonly byLow = new Map<number, Map<string, Quarantine>>();
  private readonly byRecord = new Map<number, Quarantine>();
  /** Those with pending attempts. */
  private readonly attempted = new Set<Quarantine>();
  /** Those that would hold the route that `holds` was asked about last. */
  private readonly against: Quarantine[] = [];
  private readonly place = newPlace();

  constructor(watch: MoveWatch, tables: FibTables, macs: MacFib, settings: FibSettings) {
    this.watch = watch;
    this.tables = tables;
    this.macs = macs;
    this.settings = settings;
  }

  /** MACs in quarantine. */
  get count(): number {
    return this.byRecord.size;
  }

  get hasRoom(): boolean {
    return this.port !== undefined && this.count < MOST_QUARANTINED;
  }

  /** From now on effects reach the reflector. */
  open(port: RouteHolds): void {
    this.port = port;
    this.watch.renew();
  }

  /** They do no more; what was held is let go, unless another takes over. */
  close(): void {
    const { port } = this;
    this.port = undefined;
    if (port === undefined || this.count === 0) return;
    port.setScreen(undefined);
    for (const { dests } of this.byRecord.values()) port.reconsider(dests);
  }

  apply(record: number): void {
    const known = this.byRecord.get(record);
    const quarantine = known ?? this.add(record);
    if (known === undefined && !this.placeGiven) this.choose(record);
    this.renewHolds(quarantine);
  }

  lift(record: number): void {
    const quarantine = this.byRecord.get(record);
    if (quarantine === undefined) return;
    this.byRecord.delete(record);
    this.attempted.delete(quarantine);
    const ofMac = this.byLow.get(quarantine.low)!;
    ofMac.delete(quarantine.key);
    if (ofMac.size === 0) this.byLow.delete(quarantine.low);
    if (this.count === 0) this.port?.setScreen(undefined);
    this.port?.reconsider(quarantine.dests);
  }

  turn(record: number): boolean {
    const quarantine = this.byRecord.get(record);
    if (quarantine === undefined) return false;
    const best = this.wouldWin(quarantine);
    const { records } = this.watch;
    if (!best.found || records.isPlace(record, Place.Kept, best.place)) return false;
    records.setPlace(record, Place.Kept, best.place);
    this.renewHolds(quarantine);
    return true;
  }

  look(record: number, dest: number): void {
    if (this.byRecord.has(record)) this.port?.reconsider([dest]);
  }

  /** Tells the watch of attempts since the last call. */
  drain(): void {
    if (this.attempted.size === 0) return;
    for (const quarantine of this.attempted) {
      for (; quarantine.pending > 0; quarantine.pending--) this.watch.attempt(quarantine.record);
      if (this.watch.now - quarantine.toldAt < TELL_MS) continue;
      quarantine.toldAt = this.watch.now;
      this.watch.onChange(quarantine.record, Output.None);
    }
    this.attempted.clear();
  }

  /** Routes held for the record's MAC now. */
  heldPaths(record: number): number[] {
    const quarantine = this.byRecord.get(record);
    return quarantine === undefined ? [] : [...this.heldOf(quarantine)];
  }

  /** Routes held for the record's MAC, described; at most `most`. */
  heldRoutes(record: number, most: number): HeldRoute[] {
    const quarantine = this.byRecord.get(record);
    const out: HeldRoute[] = [];
    if (quarantine === undefined) return out;
    const { routes } = this.tables;
    const reader = this.readerNow();
    for (const path of this.heldOf(quarantine)) {
      if (out.length === most) break;
      const at = routes.pathNlri(path);
      const bytes = routes.nlriBytes;
      reader.read(routes.pathReceived(path), bytes, at, () => {});
      const nlri = decodeNlri(Family.Evpn, bytes, at, at + routes.pathNlriLength(path));
      out.push({
        route: formatNlri(Family.Evpn, nlri),
        ...placeText(reader.place),
        peer: routes.sources.address[routes.pathSlot(path)]!,
        sequence: reader.sequence,
        sticky: reader.sticky,
      });
    }
    return out;
  }

  holds(attr: number, bytes: Uint8Array, nlri: number): boolean {
    const { against } = this;
    against.length = 0;
    const low = readI32(bytes, nlri + MAC + 2);
    const ofMac = this.byLow.get(low);
    if (ofMac === undefined) return false;
    const high = readU16(bytes, nlri + MAC);
    const reader = this.readerNow();
    const { records } = this.watch;
    reader.read(attr, bytes, nlri, (k0, k1, tag) => {
      const one = ofMac.get(keyText(k0, k1, tag, high));
      if (one !== undefined && !records.isPlace(one.record, Place.Kept, reader.place)) {
        against.push(one);
      }
    });
    return against.length > 0;
  }

  held(dest: number, isNews: boolean): void {
    for (const quarantine of this.against) {
      quarantine.dests.add(dest);
      if (quarantine.dests.size >= quarantine.sortAt) this.sort(quarantine);
      if (isNews) this.noteAttempt(quarantine);
    }
  }

  why(attr: number, bytes: Uint8Array, nlri: number): string | undefined {
    if (!this.holds(attr, bytes, nlri)) return undefined;
    const view = this.watch.quarantineView(this.against[0]!.record);
    return view === undefined ? undefined : quarantineText(view);
  }

  private add(record: number): Quarantine {
    const { k0, k1, tag, high, low } = this.watch.records.key(record);
    const quarantine: Quarantine = {
      record,
      high,
      low,
      key: keyText(k0, k1, tag, high),
      dests: new Set(),
      sortAt: MANY,
      lastPlace: newPlace(),
      lastSequence: 0,
      lastAt: 0,
      pending: 0,
      toldAt: this.watch.now,
    };
    this.byRecord.set(record, quarantine);
    let ofMac = this.byLow.get(low);
    if (ofMac === undefined) this.byLow.set(low, (ofMac = new Map<string, Quarantine>()));
    ofMac.set(quarantine.key, quarantine);
    return quarantine;
  }

  /** The place that counts when the effect begins. */
  private choose(record: number): void {
    const { records } = this.watch;
    const { entries, ofEntry } = this.macs;
    const entry = records.entry(record);
    const pins = records.state(record) === State.Pinned && records.hasPlace(record, Place.Home);
    if (entry === 0) return records.copyPlace(record, Place.Last, Place.Kept);
    const head = entries.head(entry);
    if (pins) {
      let at = head;
      do {
        if (records.isPlace(record, Place.Home, this.placeOf(at))) {
          return records.copyPlace(record, Place.Home, Place.Kept);
        }
        at = ofEntry.next(at);
      } while (at !== head);
    }
    records.setPlace(record, Place.Kept, this.placeOf(head));
  }

  private placeOf(candidate: number): PlaceWords {
    const { candidates } = this.macs;
    const { pes, segments } = this.tables;
    const attachment = candidates.attachment(candidate);
    const segment = attachment === 0 ? 0 : segments.segmentOf(attachment);
    fillPlace(this.place, pes, candidates.pe(candidate), segments, segment);
    return this.place;
  }

  /** Another place counts, or one does at last: all routes of the MAC are decided on again. */
  private renewHolds(quarantine: Quarantine): void {
    const { port } = this;
    if (port === undefined) return;
    const entry = this.watch.records.entry(quarantine.record);
    const dests = new Set(quarantine.dests);
    if (entry !== 0) {
      const { entries, candidates, ofEntry } = this.macs;
      const head = entries.head(entry);
      let at = head;
      do {
        dests.add(candidates.dest(at));
        at = ofEntry.next(at);
      } while (at !== head);
    }
    port.setScreen(this);
    port.reconsider(dests);
  }

  /** Among what is held, and the winner that counts now if there is one. */
  private wouldWin(quarantine: Quarantine): Best {
    const best: Best = { found: false, place: newPlace(), sticky: false, sequence: 0 };
    let high = false;
    let low = false;
    for (const { sequence } of this.claims(quarantine)) {
      if (sequence >= WRAP_HIGH) high = true;
      else if (sequence >= 1 && sequence <= WRAP_LOW) low = true;
    }
    for (const { place, sticky, sequence } of this.claims(quarantine)) {
      consider(best, place, sticky, rankOfSequence(sequence, high && low));
    }
    return best;
  }

  /** Good until the next one. */
  private *claims(quarantine: Quarantine): Generator<Claim> {
    const { routes, facts } = this.tables;
    const entry = this.watch.records.entry(quarantine.record);
    if (entry !== 0) {
      const head = this.macs.entries.head(entry);
      const of = this.macs.candidates.factsOf(head);
      const sticky = (facts.flags(of) & FactFlag.Sticky) !== 0;
      yield { place: this.placeOf(head), sticky, sequence: facts.sequence(of) };
    }
    const reader = this.readerNow();
    for (const path of this.heldOf(quarantine)) {
      reader.read(routes.pathReceived(path), routes.nlriBytes, routes.pathNlri(path), () => {});
      yield reader;
    }
  }

  /** Paths that are held for the quarantine; a number that stands for something else by now is left out. */
  private *heldOf(quarantine: Quarantine): Generator<number> {
    const { routes } = this.tables;
    for (const dest of quarantine.dests) {
      if (!routes.exists(dest)) continue;
      for (let path = routes.firstPath(dest); path !== 0; path = routes.nextPath(path)) {
        if (routes.pathHold(path) !== HoldReason.Duplicate) continue;
        const at = routes.pathNlri(path) + MAC;
        const bytes = routes.nlriBytes;
        if (readU16(bytes, at) !== quarantine.high) continue;
        if (readI32(bytes, at + 2) === quarantine.low) yield path;
      }
    }
  }

  private sort(quarantine: Quarantine): void {
    const { routes } = this.tables;
    const kept = new Set<number>();
    for (const path of this.heldOf(quarantine)) kept.add(routes.pathDest(path));
    for (const dest of quarantine.dests) if (!kept.has(dest)) quarantine.dests.delete(dest);
    quarantine.sortAt = Math.max(MANY, 2 * kept.size);
  }

  private noteAttempt(quarantine: Quarantine): void {
    const { reader } = this;
    if (reader === undefined) return;
    const { now } = this.watch;
    const again =
      reader.sequence === quarantine.lastSequence &&
      compareAddresses(reader.place, quarantine.lastPlace) === 0 &&
      now - quarantine.lastAt < BURST_MS;
    if (again) return;
    quarantine.lastPlace.set(reader.place);
    quarantine.lastSequence = reader.sequence;
    quarantine.lastAt = now;
    quarantine.pending++;
    this.attempted.add(quarantine);
  }

  private readerNow(): RouteReader {
    return (this.reader ??= new RouteReader(this.tables.routes, this.settings));
  }
}

/** Sticky first, then the higher sequence, then the lower address (`mobility.ts`). */
function consider(best: Best, place: PlaceWords, sticky: boolean, sequence: number): void {
  const order =
    Number(sticky) - Number(best.sticky) ||
    sequence - best.sequence ||
    compareAddresses(best.place, place);
  if (best.found && order <= 0) return;
  best.found = true;
  best.place.set(place);
  best.sticky = sticky;
  best.sequence = sequence;
}

function keyText(k0: number, k1: number, tag: number, high: number): string {
  return `${k0} ${k1} ${tag >>> 0} ${high}`;
}
