/**
 * Duplicate detection over the MAC entries: a record of the state machine (`machine.ts`) for each MAC that
 * moved lately, or that went lately, none for the others. It tells of alarms in events; effects are
 * carried out by whoever `effects` is.
 *
 * Counted is a move when a PE announces the MAC away from where it was, however many routes that takes.
 * Not counted: that an older route wins again because the winner's went (the PE that announces the MAC
 * next is); moves inside one segment, to or from sticky routes; moves while an effect is on.
 *
 * A MAC that goes is remembered for as long as moves are counted: when it comes back elsewhere, it moved.
 */
import type { SharedTables } from "../../util/shared-tables.js";
import type { BridgeDomains } from "../bridge-domain.js";
import type { EthernetSegments } from "../ethernet-segment.js";
import { FibEventKind, type FibEvents } from "../events.js";
import type { MacEntries } from "../mac-entries.js";
import type { RemotePes } from "../remote-pes.js";
import {
  Action,
  elapsed,
  Input,
  isEffect,
  newSubject,
  Output,
  State,
  step,
  type Rule,
} from "./machine.js";
import { fillPlace, newPlace, Place, type WatchKey, WatchRecords } from "./records.js";
import { DuplicateRules } from "./rules.js";
import type { DomainSettings, DuplicateSettings } from "../settings.js";
import { duplicateView, quarantineView, type DuplicateView, type QuarantineView } from "./view.js";

/** Of MACs that are gone, so many are remembered, the latest … */
export const MOST_GONE = 65_536;
/** … and of those that go in one turn: a PE that dies is no crowd of movers. */
const MOST_GONE_AT_ONCE = 4096;

export interface WatchTables {
  readonly domains: BridgeDomains;
  readonly pes: RemotePes;
  readonly segments: EthernetSegments;
  readonly events: FibEvents;
}

export interface WatchedEntries {
  readonly entries: MacEntries;
  /** Whether the winner is a default gateway's route. */
  isGateway(entry: number): boolean;
  /** PE of the winner. */
  pe(entry: number): number;
  /** Segment of the winner, 0 = none. */
  segment(entry: number): number;
}

/** What is done about duplicates. Called with records of this watch. */
export interface EffectSink {
  /** Another MAC may have an effect. */
  readonly hasRoom: boolean;
  /** The effect of the record's state begins; in the place of another if it has one. */
  apply(id: number): void;
  lift(id: number): void;
  /** The place that counts is to be chosen again; whether it is another one now. */
  turn(id: number): boolean;
  /** A route of the MAC is in the FIB: it may be one that is to be held. */
  look(id: number, dest: number): void;
}

const NO_EFFECTS: EffectSink = {
  hasRoom: false,
  apply() {},
  lift() {},
  turn: () => false,
  look() {},
};

export class MoveWatch {
  /** Monotonic milliseconds, whole ones; set by the owner before each batch. */
  now = 0;
  /** MACs that are duplicates now. */
  duplicates = 0;
  /** Alarms so far, and attempts under effects. */
  alarms = 0;
  attempts = 0;
  effects: EffectSink = NO_EFFECTS;
  /** Told of each alarm and its end, after the event. */
  onChange: (id: number, output: number) => void = () => {};
  readonly records: WatchRecords;
  private rules: DuplicateRules;
  private readonly domains: BridgeDomains;
  private readonly pes: RemotePes;
  private readonly segments: EthernetSegments;
  /** Of the last `keyOf` and `placeAt`. */
  private readonly key = { k0: 0, k1: 0, tag: 0, high: 0, low: 0 };
  private readonly place = newPlace();
  private readonly events: FibEvents;
  private readonly subject = newSubject();
  private watched: WatchedEntries | undefined;
  private at = 1;
  /** The round under way tells of another policy. */
  private renewing = false;
  private wentNow = 0;

  constructor(
    settings: DuplicateSettings,
    named: readonly DomainSettings[],
    tables: WatchTables,
    shared?: SharedTables,
  ) {
    this.rules = new DuplicateRules(settings, named);
    this.domains = tables.domains;
    this.pes = tables.pes;
    this.segments = tables.segments;
    this.events = tables.events;
    this.records = new WatchRecords(tables.pes, shared);
  }

  /** The entries it watches; once, before the first move. */
  attach(watched: WatchedEntries): void {
    this.watched = watched;
  }

  /** A new batch of changes. */
  begin(now: number): void {
    this.now = Math.floor(now);
    this.wentNow = 0;
  }

  /** MACs remembered, but for those that are only remembered because they went. */
  get count(): number {
    return this.records.count - this.records.goneCount;
  }

  /** Nothing waits for its time. */
  get isIdle(): boolean {
    return this.records.count === 0;
  }

  /** Other settings: whom they let go is let go in the round that begins now. */
  configure(settings: DuplicateSettings, named: readonly DomainSettings[]): void {
    this.rules = new DuplicateRules(settings, named);
    this.renew();
  }

  /** Asks the policy again about each record, in the round that begins now. */
  renew(): void {
    this.renewing = true;
    this.at = 1;
  }

  /**
   * An entry that was not there.
   * @param counts whether coming back elsewhere is counted as a move
   * @returns the PE from which the MAC came, with a reference for the caller; 0 = it was nowhere, or there
   */
  learnt(entry: number, counts: boolean): number {
    const { records } = this;
    if (records.count === 0) return 0;
    const watched = this.watched!;
    const { entries } = watched;
    const domain = entries.domain(entry);
    const id = records.find(this.keyOf(entry));
    if (id === 0) return 0;
    records.leaveGone(id);
    records.setEntry(id, entry);
    entries.setWatch(entry, id);
    records.load(id, this.subject);
    const rule = this.ruleOf(id);
    const { seconds } = rule ?? this.rules.base;
    const late = elapsed(this.subject.absentSince, this.now) > seconds * 1000;
    if (!late) entries.setMoves(entry, records.total(id));
    const elsewhere =
      !late &&
      !this.domains.isBackbone(domain) &&
      !records.isPlace(id, Place.Last, this.placeAt(watched.pe(entry), watched.segment(entry)));
    const from = elsewhere ? records.internPe(id, Place.Last) : 0;
    this.subject.absent = false;
    this.subject.absentSince = this.now;
    records.save(id, this.subject);
    if (elsewhere && counts && rule !== undefined) {
      if (this.isFresh(rule)) records.copyPlace(id, Place.Last, Place.Home);
    } else {
      this.tidy(id);
    }
    return from;
  }

  /** What `learnt` told of is a move. */
  returned(entry: number): void {
    const id = this.watched!.entries.watch(entry);
    if (id !== 0) this.step(id, Input.Move, this.ruleOf(id));
  }

  /**
   * A route of a watched entry. One that was in the table before the effect began, and is read after, was
   * not asked about.
   */
  seen(entry: number, dest: number): void {
    const id = this.watched!.entries.watch(entry);
    if (isEffect(this.records.state(id))) this.effects.look(id, dest);
  }

  /** A PE announced the MAC away from another; `segment` is that of where it was, 0 = none. */
  moved(entry: number, pe: number, segment: number): void {
    const { records } = this;
    const { entries } = this.watched!;
    let id = entries.watch(entry);
    if (id === 0) {
      if (this.rules.of(this.keyOf(entry)) === undefined) return;
      id = this.recordOf(entry);
    }
    const rule = this.ruleOf(id);
    if (rule === undefined) return this.tidy(id);
    records.load(id, this.subject);
    if (this.isFresh(rule)) records.setPlace(id, Place.Home, this.placeAt(pe, segment));
    this.step(id, Input.Move, rule);
  }

  /** The entry is about to go. */
  gone(entry: number, pe: number, segment: number): void {
    const { records } = this;
    const { entries } = this.watched!;
    let id = entries.watch(entry);
    if (id === 0) {
      if (++this.wentNow > MOST_GONE_AT_ONCE) return;
      id = records.make(this.keyOf(entry));
    }
    records.setEntry(id, 0);
    records.setPlace(id, Place.Last, this.placeAt(pe, segment));
    records.setTotal(id, entries.moves(entry));
    entries.setWatch(entry, 0);
    records.load(id, this.subject);
    const output = step(this.subject, Input.Gone, this.now, undefined);
    const { state } = this.subject;
    records.save(id, this.subject);
    if (output === Output.Turn && this.effects.turn(id)) this.onChange(id, output);
    if (isEffect(state)) return;
    records.enterGone(id);
    if (records.goneCount > MOST_GONE) this.forget(records.oldestGone);
  }

  /** A route of a MAC under an effect came and was held. */
  attempt(id: number): void {
    this.attempts++;
    this.step(id, Input.Attempt, this.ruleOf(id));
  }

  /**
   * The effect begins by hand; `releaseSeconds` 0 = until it is released by hand.
   * @param id of `recordOf`
   */
  quarantine(id: number, action: Action, releaseSeconds: number): void {
    this.records.setByHand(id, action, releaseSeconds);
    this.step(id, Input.Quarantine, this.ruleOf(id));
  }

  /** Ends alarm and effect by hand; false when there is neither. */
  release(id: number): boolean {
    if (!this.isSomething(id)) return false;
    this.step(id, Input.Release, undefined);
    return true;
  }

  /** `release` by entry. */
  clear(entry: number): boolean {
    return this.release(this.watched!.entries.watch(entry));
  }

  /** The entry's record, made if there is none. */
  recordOf(entry: number): number {
    const { entries } = this.watched!;
    const known = entries.watch(entry);
    if (known !== 0) return known;
    const id = this.records.make(this.keyOf(entry));
    this.records.setEntry(id, entry);
    entries.setWatch(entry, id);
    return id;
  }

  /** Whether the record is of a duplicate, or of a MAC in quarantine. */
  isSomething(id: number): boolean {
    const { records } = this;
    if (id <= 0 || id >= records.limit || !records.exists(id)) return false;
    return records.isAlarmed(id) || isEffect(records.state(id));
  }

  /** Looks at up to `most` records for what time or policy changes; whether the round over all is complete. */
  expire(most: number): boolean {
    const { records } = this;
    for (let n = 0; n < most; n++) {
      if (this.at >= records.limit) {
        this.at = 1;
        this.renewing = false;
        this.forgetLongGone(most);
        return true;
      }
      const id = this.at++;
      if (!records.exists(id) || records.state(id) === State.Quiet) continue;
      if (this.renewing) this.step(id, Input.Policy, this.ruleOf(id));
      if (records.exists(id)) this.step(id, Input.Time, this.ruleOf(id));
    }
    return false;
  }

  /** Undefined when the MAC is no duplicate. */
  view(entry: number): DuplicateView | undefined {
    const id = this.watched!.entries.watch(entry);
    return id === 0 ? undefined : this.duplicateView(id);
  }

  /** Undefined when it is neither in quarantine nor on trial. */
  quarantineOf(entry: number): QuarantineView | undefined {
    const id = this.watched!.entries.watch(entry);
    return id === 0 ? undefined : this.quarantineView(id);
  }

  duplicateView(id: number): DuplicateView | undefined {
    return duplicateView(this.records, id, this.wallOf);
  }

  quarantineView(id: number): QuarantineView | undefined {
    const seconds = this.ruleOf(id)?.releaseSeconds ?? 0;
    return quarantineView(this.records, id, seconds, this.wallOf);
  }

  /** Entries of duplicates among the records from `from` on, at most `most` records; `next` is 0 at the end. */
  page(from: number, most: number): { readonly entries: number[]; readonly next: number } {
    const { records } = this;
    const entries: number[] = [];
    const end = Math.min(records.limit, from + most);
    for (let id = Math.max(1, from); id < end; id++) {
      if (records.exists(id) && records.isAlarmed(id) && records.entry(id) !== 0) {
        entries.push(records.entry(id));
      }
    }
    return { entries, next: end < records.limit ? end : 0 };
  }

  /** What counts for the record's MAC; undefined = exempt. */
  ruleOf(id: number): Rule | undefined {
    const { records } = this;
    if (records.isByHand(id)) {
      const { k0, k1 } = records.key(id);
      const rule = this.rules.ofKey(k0, k1) ?? this.rules.base;
      return { ...rule, action: records.action(id), releaseSeconds: records.release(id) };
    }
    const entry = records.entry(id);
    if (entry !== 0 && this.watched!.isGateway(entry)) return undefined;
    const rule = this.rules.of(records.key(id));
    const passive =
      rule !== undefined &&
      rule.action !== Action.None &&
      !this.effects.hasRoom &&
      !isEffect(records.state(id));
    return passive ? { ...rule, action: Action.None } : rule;
  }

  /** Whether the effect would end now, as nothing has come for long. */
  isOver(id: number): boolean {
    const seconds = this.ruleOf(id)?.releaseSeconds ?? 0;
    this.records.load(id, this.subject);
    return seconds > 0 && elapsed(this.subject.last, this.now) > seconds * 1000;
  }

  /** A wall-clock time as a time of the records. */
  timeOf(wall: number): number {
    return this.now - (this.events.now - wall);
  }

  /** A time of the records as wall-clock milliseconds. */
  readonly wallOf = (at: number): number => this.events.now - (this.now - at);

  private keyOf(entry: number): WatchKey {
    const { key, domains } = this;
    const { entries } = this.watched!;
    const domain = entries.domain(entry);
    key.k0 = domains.keyWord(domain, 0);
    key.k1 = domains.keyWord(domain, 1);
    key.tag = domains.tag(domain);
    key.high = entries.macHigh(entry);
    key.low = entries.macLow(entry);
    return key;
  }

  private placeAt(pe: number, segment: number): Int32Array {
    fillPlace(this.place, this.pes, pe, this.segments, segment);
    return this.place;
  }

  /** `subject`, at its next move, begins a window. */
  private isFresh(rule: Rule): boolean {
    const { state, since, moves } = this.subject;
    if (state === State.Quiet) return true;
    if (state !== State.Counting && state !== State.Released) return false;
    return moves === 0 || elapsed(since, this.now) > rule.seconds * 1000;
  }

  private step(id: number, input: Input, rule: Rule | undefined): void {
    const { records, subject } = this;
    records.load(id, subject);
    const { alarmed } = subject;
    const output = step(subject, input, this.now, rule);
    const { moves } = subject;
    records.save(id, subject);
    if (output !== Output.None) this.follow(id, output, alarmed, moves);
    this.tidy(id);
  }

  private follow(id: number, output: number, wasAlarmed: boolean, moves: number): void {
    if ((output & Output.Alarm) !== 0) {
      this.alarms++;
      if (!wasAlarmed) this.duplicates++;
      this.tell(FibEventKind.Duplicate, id, moves);
    }
    if ((output & Output.Cleared) !== 0) {
      this.duplicates--;
      this.tell(FibEventKind.DuplicateCleared, id, moves);
    }
    if ((output & Output.Lift) !== 0) {
      this.effects.lift(id);
      this.tell(FibEventKind.QuarantineLifted, id, this.subject.attempts);
    }
    if ((output & Output.Apply) !== 0) {
      this.effects.apply(id);
      this.tell(FibEventKind.Quarantine, id, moves);
    }
    // Chosen again, and the same as before: nothing to tell.
    if (output === Output.Turn && !this.effects.turn(id)) return;
    this.onChange(id, output);
  }

  /** A record that says nothing is given back; one of a MAC that is gone stays for a while. */
  tidy(id: number): void {
    const { records } = this;
    const state = records.state(id);
    const entry = records.entry(id);
    if (isEffect(state)) return records.leaveGone(id);
    records.clearByHand(id);
    if (entry === 0) {
      if (!records.isGone(id)) records.enterGone(id);
      return;
    }
    if (state !== State.Quiet) return;
    this.watched!.entries.setWatch(entry, 0);
    records.drop(id);
  }

  private forgetLongGone(most: number): void {
    const { records, subject } = this;
    for (let n = 0; n < most; n++) {
      const id = records.oldestGone;
      if (id === 0) return;
      records.load(id, subject);
      const { seconds } = this.ruleOf(id) ?? this.rules.base;
      if (elapsed(subject.absentSince, this.now) <= seconds * 1000) return;
      this.forget(id);
    }
  }

  /** The record of a MAC that is gone goes as well. */
  private forget(id: number): void {
    if (this.records.isAlarmed(id)) this.step(id, Input.Release, undefined);
    this.records.drop(id);
  }

  tell(kind: FibEventKind, id: number, count: number): void {
    const { records } = this;
    const { k0, k1, tag, high, low } = records.key(id);
    const entry = records.entry(id);
    const event = this.events.begin(kind).key(k0, k1, tag, high, low).count(count);
    if (entry !== 0) event.to(this.watched!.pe(entry));
  }
}
