/**
 * The comparison of the FIB with the subscribers' sessions, in slices: a sweep goes over the MACs of the domains
 * that it is asked about, a pause follows, and so on. Nothing is asked of the path of a route.
 *
 * In: the stream of sessions (`sink`), the FIB, settings. Out: findings, each first in a time of grace, then
 * an alarm (log, event, metrics), then, if its domain wants that, a hold (`holds.ts`).
 *
 * Invariants: while the sessions are not known nothing new is found; a session that ended for silence takes
 * nothing away; the same sweep finds the same whatever order routes and sessions came in.
 */
import type { SubscriberChange, SubscriberSink } from "../../contract.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { macText } from "../event-record.js";
import type { Fib } from "../fib.js";
import { FibLookups, FibQueryError } from "../lookups.js";
import type { DomainSettings } from "../settings.js";
import { SubscriberAlarmLog } from "./alarm-log.js";
import {
  sessionView,
  type ExpectedPlace,
  type SessionView,
  type SubscriberFinding,
} from "./finding.js";
import { FindingBook, type Finding } from "./finding-book.js";
import { beginHold, heldBy, isOurs, NOBODY, ourHolds, type OurHold } from "./holds.js";
import { isAnnounced, judge, placeOf, whyNotAway, whyNotWithout } from "./judge.js";
import { SubscriberRules, type DomainRule } from "./rules.js";
import { macNumber, SubscriberSessions } from "./sessions.js";
import type { SubscriberSettings } from "./settings.js";
import { tellAlarm, tellEnd, wordsOf, type DomainWords } from "./teller.js";

/** Ids looked at in one go, entries of our domains among them, alarms, and holds that are thought over. */
const SCAN = 50_000;
const LOOKS = 2000;
const ALARMS = 100;
const REVIEWS = 200;
/** Looks between two at the clock, and the time of one go. */
const STRETCH = 64;
const SLICE_MS = 2;
const REST_MS = 20;
const PAUSE_MS = 1000;
/** What a hold takes until it is seen in the table; after a restart the PEs have to come up first. */
const SETTLE_MS = 5000;
const RESTART_MS = 60_000;
/** Looks at what was excused, a sweep. */
const IDLE_LOOKS = 500;

/** The FIB that answers now, and the domains of its settings. */
export interface ComparedFib {
  readonly fib: Fib;
  readonly domains: readonly DomainSettings[];
}

export interface SubscriberCheckParts {
  readonly fib: () => ComparedFib | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly settings: SubscriberSettings | undefined;
}

export class SubscriberCheck {
  readonly sessions = new SubscriberSessions();
  readonly book = new FindingBook();
  /** Alarms since the start. */
  alarms = 0;
  private readonly parts: SubscriberCheckParts;
  private readonly alarmLog: SubscriberAlarmLog;
  private rules: SubscriberRules | undefined;
  private timer: TimerHandle | undefined;
  /** Of the sweep under way: the FIB, our domains by id, the next id. */
  private fib: Fib | undefined;
  private ofDomain = new Map<number, DomainRule>();
  /** By name, as seen last. */
  private readonly words = new Map<string, DomainWords>();
  private at = 0;
  private sweep = 1;
  /** Of the end of a sweep: what is still to be thought over. */
  private reviews: Finding[] = [];
  private closed = false;

  constructor(parts: SubscriberCheckParts) {
    this.parts = parts;
    this.alarmLog = new SubscriberAlarmLog(parts.log, parts.clock);
    this.configure(parts.settings);
  }

  /** Takes the stream of sessions. */
  readonly sink: SubscriberSink = (changes: readonly SubscriberChange[]) => {
    this.sessions.apply(changes);
  };

  /** Other rules; undefined: nothing is compared, and what was held is let go. */
  configure(settings: SubscriberSettings | undefined): void {
    this.rules = settings === undefined ? undefined : new SubscriberRules(settings);
    this.at = 0;
    this.reviews = [];
    for (const finding of [...this.book.all()]) {
      const of = settings?.domains.find(({ domain }) => domain === finding.domain);
      const isOther = of?.action !== finding.action;
      if (of === undefined || (isOther && finding.hold !== undefined)) {
        this.end(this.fib, finding, "other settings");
      } else if (isOther) Object.assign(finding, { action: of.action, released: false });
    }
    this.words.clear();
    if (this.rules === undefined) {
      this.timer?.cancel();
      this.timer = undefined;
      if (this.fib !== undefined) this.fib.subscribers = undefined;
      this.fib = undefined;
    } else this.arm(PAUSE_MS);
  }

  /** What is held stays held: it is taken up again by whoever comes next. */
  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  /** Names of the domains that are compared. */
  get domains(): readonly string[] {
    return this.rules?.domains.map(({ settings }) => settings.domain) ?? [];
  }

  /** Sessions of a MAC that count in a domain; those of all domains where no domain is said. */
  sessionsOf(domain: string | undefined, mac: string): SessionView[] {
    const number = macNumber(mac);
    if (number === undefined) return [];
    const rule = this.rules?.domains.find(({ settings }) => settings.domain === domain);
    return this.sessions
      .of(number)
      .filter((item) => rule === undefined || this.rules?.covers(rule, item) === true)
      .map((item) => sessionView(item, this.rules?.placeOf(item)));
  }

  view(finding: Finding): SubscriberFinding {
    const { domain, mac, kind, action, pe, esi, wall, session } = finding;
    const state = finding.hold !== undefined ? "held" : finding.alarmed ? "alarm" : "grace";
    return { domain, mac, kind, state, action, pe, esi, since: wall, session };
  }

  *findings(): Iterable<SubscriberFinding> {
    for (const finding of this.book.all()) yield this.view(finding);
  }

  private arm(milliseconds: number): void {
    if (this.closed) return;
    this.timer?.cancel();
    this.timer = this.parts.clock.setTimer(milliseconds, () => {
      this.timer = undefined;
      this.arm(this.step() ? REST_MS : PAUSE_MS);
    });
  }

  /** Some of a sweep; whether it goes on. */
  private step(): boolean {
    const compared = this.parts.fib();
    const { rules } = this;
    if (compared === undefined || rules === undefined) {
      this.fib = undefined;
      this.book.clear();
      return false;
    }
    const { fib } = compared;
    if (fib !== this.fib) this.join(fib);
    if (this.reviews.length > 0) return this.reviewSome(fib, rules);
    if (this.at === 0) this.begin(compared, rules);
    if (!this.lookOn(fib, rules)) return true;
    this.at = 0;
    this.reviews = [...this.book.all()];
    const now = this.parts.clock.now();
    this.sessions.forgetIdle(
      (mac) => !isAnnounced(fib, this.ofDomain.keys(), mac),
      now,
      IDLE_LOOKS,
    );
    return this.reviews.length > 0;
  }

  /** As much as a slice allows; whether all have been looked at. */
  private lookOn(fib: Fib, rules: SubscriberRules): boolean {
    const { clock } = this.parts;
    const { entries } = fib.macs;
    const until = clock.now() + SLICE_MS;
    const end = Math.min(entries.limit, this.at + SCAN);
    const due: { entry: number; finding: Finding }[] = [];
    for (let looks = 0; this.at < end && looks < LOOKS && due.length < ALARMS; this.at++) {
      if (!entries.exists(this.at)) continue;
      const rule = this.ofDomain.get(entries.domain(this.at));
      if (rule === undefined) continue;
      if (++looks % STRETCH === 0 && clock.now() > until) break;
      const finding = this.look(fib, rules, rule, this.at);
      if (finding !== undefined) due.push({ entry: this.at, finding });
    }
    if (due.length > 0) {
      fib.change(() => {
        for (const { entry, finding } of due) this.alarm(fib, entry, finding);
      });
    }
    return this.at >= entries.limit;
  }

  /** Another FIB than before, or the first: its holds that are ours are findings. */
  private join(fib: Fib): void {
    if (this.fib !== undefined) this.fib.subscribers = undefined;
    this.fib = fib;
    fib.subscribers = this;
    this.at = 0;
    this.reviews = [];
    this.words.clear();
    this.book.forgetHolds();
    for (const hold of ourHolds(fib)) this.takeUp(hold);
  }

  private takeUp(hold: OurHold): void {
    const { domain, mac, pe, esi } = hold;
    const rule = this.rules?.domains.find(({ settings }) => settings.domain === domain);
    const known = this.book.find(domain, mac);
    const reviewAt = this.parts.clock.now() + RESTART_MS;
    if (known !== undefined) {
      Object.assign(known, { hold, reviewAt });
      return;
    }
    const nobody = pe === NOBODY && esi === undefined;
    const kind = nobody || rule?.settings.action === "quarantine" ? "without-session" : "away";
    const finding = this.book.add({
      domain,
      mac,
      kind,
      action: rule?.settings.action ?? "report",
      pe,
      esi,
      since: this.parts.clock.now(),
      wall: this.parts.clock.wall(),
      session: undefined,
    });
    if (finding === undefined) return;
    Object.assign(finding, { alarmed: true, hold, reviewAt });
  }

  private begin({ fib, domains }: ComparedFib, rules: SubscriberRules): void {
    this.sweep++;
    this.at = 1;
    this.ofDomain = new Map();
    const lookups = new FibLookups(fib, domains);
    for (const rule of rules.domains) {
      try {
        const { domain } = lookups.filter({ domain: rule.settings.domain });
        if (domain === undefined) continue;
        this.ofDomain.set(domain, rule);
        this.words.set(rule.settings.domain, wordsOf(fib, domain));
      } catch (error) {
        // Nobody announces anything in it yet.
        if (!(error instanceof FibQueryError)) throw error;
      }
    }
  }

  /** A finding that is due for its alarm, or for its hold. */
  private look(
    fib: Fib,
    rules: SubscriberRules,
    rule: DomainRule,
    entry: number,
  ): Finding | undefined {
    const { entries } = fib.macs;
    const mac = macText(entries.macHigh(entry), entries.macLow(entry));
    const { domain, action } = rule.settings;
    const verdict = judge(fib, this.sessions, rules, rule, entry);
    let finding = this.book.find(domain, mac);
    if (verdict === undefined) {
      // What is held away from its session looks in order: only its session's place counts.
      if (finding !== undefined && finding.hold === undefined) {
        this.end(fib, finding, "it is where its session is");
      }
      return undefined;
    }
    if (!this.sessions.isKnown && finding === undefined) return undefined;
    if (finding !== undefined && finding.kind !== verdict.kind && finding.hold === undefined) {
      finding.kind = verdict.kind;
    }
    const { pe, esi } = placeOf(fib, entry);
    const session =
      verdict.item === undefined ? undefined : sessionView(verdict.item, verdict.expected);
    finding ??= this.book.add({
      domain,
      mac,
      kind: verdict.kind,
      action,
      pe,
      esi,
      since: this.parts.clock.now(),
      wall: this.parts.clock.wall(),
      session,
    });
    if (finding === undefined) return undefined;
    const now = this.parts.clock.now();
    Object.assign(finding, { sweep: this.sweep, seenAt: now, pe, esi, session });
    if (!this.sessions.isKnown) return undefined;
    const due = now - finding.since >= rules.graceMs;
    const wantsHold = action !== "report" && finding.hold === undefined && !finding.released;
    return due && (!finding.alarmed || wantsHold) ? finding : undefined;
  }

  private alarm(fib: Fib, entry: number, finding: Finding): void {
    if (!finding.alarmed) {
      finding.alarmed = true;
      this.alarms++;
      tellAlarm(fib, entry);
      this.alarmLog.began(this.view(finding));
    }
    if (finding.action === "report" || finding.hold !== undefined || finding.released) return;
    const place = this.placeToHold(finding);
    const record = beginHold(fib, entry, place);
    if (record === undefined) return;
    const { domain, mac } = fib.desk.nameOf(record);
    const pe = place === undefined ? finding.pe : (place.pe ?? NOBODY);
    finding.hold = { record, domain, mac, pe, esi: place?.esi };
    finding.reviewAt = this.parts.clock.now() + SETTLE_MS;
  }

  /** Whose routes count: of the session's place, of nobody, or (undefined) of where it is. */
  private placeToHold({ kind, action, session }: Finding): ExpectedPlace | undefined {
    if (kind === "away") return session?.expected;
    return action === "reject" ? { pe: NOBODY, esi: undefined } : undefined;
  }

  /** The sweep is over: what it did not see is gone, or held; whether there is more of it. */
  private reviewSome(fib: Fib, rules: SubscriberRules): boolean {
    const now = this.parts.clock.now();
    for (const finding of this.reviews.splice(0, REVIEWS)) {
      // It may have ended meanwhile.
      if (this.book.find(finding.domain, finding.mac) !== finding) continue;
      if (finding.hold !== undefined) this.review(fib, rules, finding, finding.hold);
      // For some time it is not forgotten: who comes and goes has no new grace each time.
      else if (now - finding.seenAt > Math.max(rules.graceMs, PAUSE_MS)) {
        this.end(fib, finding, "nobody announces it");
      }
    }
    return this.reviews.length > 0;
  }

  /** Whether what was held is still to be. */
  private review(fib: Fib, rules: SubscriberRules, finding: Finding, hold: OurHold): void {
    if (!this.sessions.isKnown) return;
    if (!isOurs(fib, hold)) {
      Object.assign(finding, { hold: undefined, released: true });
      finding.seenAt = this.parts.clock.now();
      return;
    }
    const { domain, mac, kind } = finding;
    const rule = rules.domains.find(({ settings }) => settings.domain === domain);
    const number = macNumber(mac);
    if (rule === undefined || number === undefined) {
      this.end(fib, finding, "its domain is not compared any more");
      return;
    }
    const items = this.sessions.of(number).filter((item) => rules.covers(rule, item));
    const why =
      kind === "away" ? whyNotAway(hold, items, rules) : whyNotWithout(rule, items, rules, number);
    if (why !== undefined) {
      this.end(fib, finding, why);
      return;
    }
    if (this.parts.clock.now() < finding.reviewAt || heldBy(fib, hold) > 0) return;
    if (kind === "away") this.end(fib, finding, "nobody announces it from elsewhere");
    else if (finding.sweep !== this.sweep) {
      fib.change(() => fib.duplicates.release(hold.record));
      finding.hold = undefined;
      finding.seenAt = this.parts.clock.now();
    }
  }

  private end(fib: Fib | undefined, finding: Finding, why: string): void {
    this.book.remove(finding);
    if (!finding.alarmed) return;
    const view = this.view(finding);
    const { hold } = finding;
    if (fib !== undefined) {
      fib.change(() => {
        if (hold !== undefined && isOurs(fib, hold)) fib.duplicates.release(hold.record);
        const words = this.words.get(view.domain);
        if (words !== undefined) tellEnd(fib, words, view.mac);
      });
    }
    this.alarmLog.ended(view, why);
  }
}
