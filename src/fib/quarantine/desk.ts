/**
 * Quarantines seen from outside: listed, begun and ended by hand, handed over from one FIB to the next and
 * over a restart. Called between two batches of the FIB only (`Fib.change`).
 */
import {
  formatRouteTarget,
  parseEsi,
  parseIp,
  parseRouteTarget,
} from "../../fast-bgp-codec/index.js";
import { fromHex, readI32, readU16, toHex, writeU16, writeU32 } from "../../util/bytes.js";
import { domainText, macText, FibEventKind } from "../event-record.js";
import type { FibTables, MacFib } from "../mac-fib.js";
import type { DomainSettings, DuplicateAction, FibSettings } from "../settings.js";
import type { Quarantines } from "./effects.js";
import { isEffect, newSubject, State } from "./machine.js";
import type { MoveWatch } from "./move-watch.js";
import { fillAddress, fillSegment, newPlace, Place, type WatchKey } from "./records.js";
import { ACTIONS } from "./rules.js";
import type { DuplicateView, QuarantineView } from "./view.js";

/** A pinned PE may take so long to come up after a restart of ours before another takes its place. */
const GRACE_MS = 60_000;
const CONFIGURED = -1;
/** Held routes counted for one row of a list. */
const MOST_COUNTED = 1000;

/** A duplicate, or a MAC in quarantine. */
export interface QuarantineRow {
  readonly domain: string;
  readonly mac: string;
  /** Undefined: it is in quarantine by hand, and no duplicate. */
  readonly duplicate: DuplicateView | undefined;
  /** Undefined: an alarm only. */
  readonly quarantine: QuarantineView | undefined;
  /** Routes that are held for it now. */
  readonly held: number;
}

/** A quarantine as it is kept over a restart. Times are wall-clock milliseconds. */
export interface SavedQuarantine {
  readonly domain: string;
  readonly mac: string;
  readonly action: Exclude<DuplicateAction, "none">;
  readonly pe: string;
  readonly esi: string | undefined;
  readonly since: number;
  readonly last: number;
  readonly moves: number;
  readonly attempts: number;
  readonly alarmed: boolean;
  /** Seconds until release, 0 = by hand; of a quarantine by hand. Undefined: the settings say. */
  readonly byHand: number | undefined;
}

type Effect = typeof State.Pinned | typeof State.Held | typeof State.Limited;
const STATES = {
  pin: State.Pinned,
  hold: State.Held,
  "rate-limit": State.Limited,
} as const satisfies Record<SavedQuarantine["action"], Effect>;

export class QuarantineDesk {
  private readonly watch: MoveWatch;
  private readonly effects: Quarantines;
  private readonly tables: FibTables;
  private readonly macs: MacFib;
  private readonly named: readonly DomainSettings[];

  constructor(
    watch: MoveWatch,
    effects: Quarantines,
    tables: FibTables,
    macs: MacFib,
    settings: FibSettings,
  ) {
    this.watch = watch;
    this.effects = effects;
    this.tables = tables;
    this.macs = macs;
    this.named = settings.domains;
  }

  /** At most `most` rows among the `work` records from `from` on; `next` is 0 at the end. */
  page(
    from: number,
    work: number,
    most: number,
  ): { readonly rows: QuarantineRow[]; readonly next: number } {
    const { records } = this.watch;
    const rows: QuarantineRow[] = [];
    const end = Math.min(records.limit, Math.max(1, from) + work);
    let id = Math.max(1, from);
    for (; id < end && rows.length < most; id++) {
      const row = this.row(id);
      if (row !== undefined) rows.push(row);
    }
    return { rows, next: id < records.limit ? id : 0 };
  }

  /** Undefined when the record is of neither. */
  row(id: number): QuarantineRow | undefined {
    if (!this.watch.isSomething(id)) return undefined;
    let held = 0;
    for (const path of this.effects.heldPaths(id)) {
      if (path !== 0 && ++held === MOST_COUNTED) break;
    }
    return {
      ...this.nameOf(id),
      duplicate: this.watch.duplicateView(id),
      quarantine: this.watch.quarantineView(id),
      held,
    };
  }

  /** Of any record. */
  nameOf(id: number): { readonly domain: string; readonly mac: string } {
    const key = this.watch.records.key(id);
    return { domain: this.domainName(key), mac: macText(key.high, key.low) };
  }

  /** Records of duplicates and quarantines of a MAC. */
  recordsOf(high: number, low: number, domain: string | undefined): number[] {
    const { records } = this.watch;
    const found: number[] = [];
    for (let id = 1; id < records.limit; id++) {
      if (!this.watch.isSomething(id)) continue;
      const key = records.key(id);
      if (key.high !== high || key.low !== low) continue;
      if (domain === undefined || this.domainName(key) === domain) found.push(id);
    }
    return found;
  }

  /**
   * By hand; `releaseSeconds` 0 = until it is ended by hand.
   * @param pe whose routes count; undefined: as the action says
   * @param esi the PEs of this segment count as well
   * @returns the record
   */
  begin(
    entry: number,
    action: Exclude<DuplicateAction, "none">,
    releaseSeconds: number,
    pe: Uint8Array | undefined,
    esi?: Uint8Array,
  ): number {
    const { records } = this.watch;
    const id = this.watch.recordOf(entry);
    if (pe !== undefined) {
      const place = newPlace();
      fillAddress(place, pe);
      if (esi !== undefined) fillSegment(place, esi);
      records.setPlace(id, Place.Kept, place);
    }
    this.effects.placeGiven = pe !== undefined;
    this.watch.quarantine(id, ACTIONS[action], releaseSeconds);
    this.effects.placeGiven = false;
    // A place by hand in the middle of an effect: what is held is another set.
    if (pe !== undefined) this.effects.apply(id);
    return id;
  }

  /** All that has an effect, to be kept. */
  save(): SavedQuarantine[] {
    const { records } = this.watch;
    const saved: SavedQuarantine[] = [];
    for (let id = 1; id < records.limit; id++) {
      const one = this.saveOne(id);
      if (one !== undefined) saved.push(one);
    }
    return saved;
  }

  /** Quarantines by hand with this time of release: whoever begins its own with one finds them again. */
  byRelease(
    releaseSeconds: number,
  ): { readonly record: number; readonly saved: SavedQuarantine }[] {
    const { records } = this.watch;
    const found: { record: number; saved: SavedQuarantine }[] = [];
    for (let record = 1; record < records.limit; record++) {
      if (!records.exists(record) || records.release(record) !== releaseSeconds) continue;
      const saved = this.saveOne(record);
      if (saved?.byHand === releaseSeconds) found.push({ record, saved });
    }
    return found;
  }

  saveOne(id: number): SavedQuarantine | undefined {
    const { watch } = this;
    const { records } = watch;
    if (!records.exists(id) || !isEffect(records.state(id))) return undefined;
    const view = watch.quarantineView(id);
    if (view === undefined || view.state === "released") return undefined;
    const subject = newSubject();
    records.load(id, subject);
    return {
      ...this.nameOf(id),
      action: view.state,
      pe: view.pe,
      esi: view.esi,
      since: view.since,
      last: watch.wallOf(subject.last),
      moves: subject.moves,
      attempts: subject.attempts,
      alarmed: subject.alarmed,
      byHand: records.isByHand(id) ? records.release(id) : undefined,
    };
  }

  /**
   * Takes over what another FIB had, or what was kept over a restart: from the first route on it has its effect.
   * @param afterRestart the PEs are not there yet
   * @returns those that are not taken: over by now, of no domain, or too many
   */
  adopt(list: readonly SavedQuarantine[], afterRestart: boolean): SavedQuarantine[] {
    const over = list.filter((saved) => !this.adoptOne(saved, afterRestart));
    this.watch.renew();
    return over;
  }

  private adoptOne(saved: SavedQuarantine, afterRestart: boolean): boolean {
    const { watch, effects } = this;
    const { records } = watch;
    const key = this.keyOf(saved);
    const place = newPlace();
    const pe = parseIp(saved.pe);
    if (key === undefined || pe === undefined || !effects.hasRoom) return false;
    fillAddress(place, pe);
    const esi = saved.esi === undefined ? undefined : parseEsi(saved.esi);
    if (esi !== undefined) fillSegment(place, esi);
    const entry = this.entryOf(key);
    let id = entry === 0 ? records.find(key) : watch.recordOf(entry);
    const isNew = id === 0;
    if (isNew) id = records.make(key);
    const subject = newSubject();
    records.load(id, subject);
    if (isEffect(subject.state)) return false;
    const wasAlarmed = subject.alarmed;
    subject.state = STATES[saved.action];
    subject.since = watch.timeOf(saved.since);
    subject.last = watch.timeOf(saved.last);
    subject.turned = subject.since;
    subject.moves = saved.moves;
    subject.attempts = saved.attempts;
    subject.alarmed = saved.alarmed || wasAlarmed;
    subject.absent = entry === 0;
    subject.absentSince = watch.now + (afterRestart ? GRACE_MS : 0);
    if (saved.byHand !== undefined) records.setByHand(id, ACTIONS[saved.action], saved.byHand);
    records.save(id, subject);
    records.leaveGone(id);
    if (watch.isOver(id)) {
      subject.state = State.Quiet;
      subject.alarmed = wasAlarmed;
      records.save(id, subject);
      if (isNew) records.drop(id);
      else watch.tidy(id);
      return false;
    }
    if (subject.alarmed && !wasAlarmed) watch.duplicates++;
    records.setPlace(id, Place.Kept, place);
    effects.placeGiven = true;
    effects.apply(id);
    effects.placeGiven = false;
    watch.tell(FibEventKind.Quarantine, id, saved.moves);
    return true;
  }

  private entryOf(key: WatchKey): number {
    const { domains } = this.tables;
    const target = new Uint8Array(8);
    writeU32(target, 0, key.k0);
    writeU32(target, 4, key.k1);
    const domain =
      key.k0 === CONFIGURED
        ? domains.findConfigured(key.k1, key.tag)
        : domains.findDerived(target, key.tag);
    if (domain === 0) return 0;
    const mac = new Uint8Array(6);
    writeU16(mac, 0, key.high);
    writeU32(mac, 2, key.low);
    return this.macs.entries.find(domain, mac, 0);
  }

  /** The reverse of `domainName` and the MAC's text. */
  private keyOf({ domain, mac }: SavedQuarantine): WatchKey | undefined {
    const octets = fromHex(mac.replaceAll(":", ""));
    if (octets?.length !== 6) return undefined;
    const high = readU16(octets, 0);
    const low = readI32(octets, 2);
    const [, name = domain, tagText] = /^(.*)\/(\d{1,10})$/.exec(domain) ?? [];
    const index = this.named.findIndex((one) => one.name === name);
    if (index >= 0) {
      const tag = this.named[index]!.ethernetTag ?? Number(tagText ?? 0);
      return { k0: CONFIGURED, k1: index, tag, high, low };
    }
    const target = parseRouteTarget(name) ?? fromHex(name);
    if (target?.length !== 8) return undefined;
    return { k0: readI32(target, 0), k1: readI32(target, 4), tag: Number(tagText ?? 0), high, low };
  }

  private domainName({ k0, k1, tag }: WatchKey): string {
    const named = this.named.map(({ name, ethernetTag }) => ({
      name,
      fixedTag: ethernetTag !== undefined,
    }));
    if (k0 === CONFIGURED) {
      return domainText({ routeTarget: undefined, configured: k1, tag }, named);
    }
    const target = new Uint8Array(8);
    writeU32(target, 0, k0);
    writeU32(target, 4, k1);
    const routeTarget = formatRouteTarget(target, 0) ?? toHex(target);
    return domainText({ routeTarget, configured: undefined, tag }, named);
  }
}
