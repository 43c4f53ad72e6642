/**
 * Runs audit rounds in slices on the speaker's thread: one after another for ever, at a share of a core
 * measured by the clock, and at once when somebody asks. What a round finds is an alarm: a line in
 * the log with the key in it, a metric, a word in /health, until a whole round no longer finds it.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { auditRound, collector, type RoundPace } from "./round.js";
import type { AuditSettings } from "./settings.js";
import type { AuditSubject } from "./subject.js";

export interface AuditStatus {
  readonly continuous: boolean;
  /** Rounds completed. */
  readonly rounds: number;
  /** Of the round under way, 0 to 1. */
  readonly progress: number;
  /** Wall-clock milliseconds of the end of the last round, undefined before the first. */
  readonly lastRound: number | undefined;
  readonly lastRoundSeconds: number | undefined;
  /** Differences that stand: of the round under way and the one before. */
  readonly findings: readonly string[];
  /** Differences ever seen, each once. */
  readonly findingsTotal: number;
  /** Milliseconds spent, and the longest that sessions had to wait for a slice. */
  readonly spentMs: number;
  readonly longestMs: number;
}

export interface AuditorParts {
  readonly subject: AuditSubject;
  readonly clock: Clock;
  readonly log: Log;
  readonly soon: (run: () => void) => void;
}

/** Of a continuous round: short enough that no session notices. */
const SLICE_MS = 1;
/** Of a round that somebody waits for. */
const ASKED_SLICE_MS = 5;
/** Least rest between two continuous rounds. */
const ROUND_REST_MS = 10_000;
/** Longest rest between two slices. */
const MOST_REST_MS = 5000;
/** Differences kept in mind; more say nothing new. */
const MOST_STANDING = 200;

export class Auditor {
  private readonly parts: AuditorParts;
  private settings: AuditSettings = { continuous: false, cpuPercent: 0 };
  private timer: TimerHandle | undefined;
  private round: Round | undefined;
  private asked: Promise<string[]> | undefined;
  /** By text: the round that saw it last. */
  private readonly standing = new Map<string, number>();
  private rounds = 0;
  private findingsTotal = 0;
  private spentMs = 0;
  private longestMs = 0;
  private lastRound: number | undefined;
  private lastRoundSeconds: number | undefined;

  constructor(parts: AuditorParts) {
    this.parts = parts;
  }

  configure(settings: AuditSettings): void {
    this.settings = settings;
    this.timer?.cancel();
    this.timer = undefined;
    if (settings.continuous) this.rest(ROUND_REST_MS);
    else this.round = undefined;
  }

  stop(): void {
    this.configure({ ...this.settings, continuous: false });
  }

  get status(): AuditStatus {
    const { rounds, lastRound, lastRoundSeconds, findingsTotal, spentMs, longestMs } = this;
    return {
      continuous: this.settings.continuous,
      rounds,
      progress: this.round?.pace.progress ?? 0,
      lastRound,
      lastRoundSeconds,
      findings: [...this.standing.keys()],
      findingsTotal,
      spentMs,
      longestMs,
    };
  }

  /** Numbers for metrics. */
  stats(): Record<string, number> {
    return {
      audit_findings: this.standing.size,
      audit_findings_total: this.findingsTotal,
      audit_rounds_total: this.rounds,
      audit_seconds_total: this.spentMs / 1000,
      audit_round_seconds: this.lastRoundSeconds ?? 0,
      audit_slice_max_seconds: this.longestMs / 1000,
    };
  }

  /** A whole round now, in slices with a turn of the event loop between them; all who ask meanwhile get the same. */
  run(): Promise<string[]> {
    this.asked ??= new Promise<string[]>((resolve, reject) => {
      const round = new Round(this.parts.subject);
      const slice = (): void => {
        try {
          if (!this.slice(round, ASKED_SLICE_MS)) return this.parts.soon(slice);
        } catch (error) {
          this.asked = undefined;
          return reject(error instanceof Error ? error : new Error(String(error)));
        }
        this.asked = undefined;
        for (const finding of round.findings) this.alarm(finding);
        resolve(round.findings);
      };
      this.parts.soon(slice);
    });
    return this.asked;
  }

  private rest(milliseconds: number): void {
    this.timer = this.parts.clock.setTimer(milliseconds, () => this.turn());
  }

  private turn(): void {
    const round = (this.round ??= this.begin());
    const before = this.spentMs;
    const known = round.findings.length;
    let done = true;
    try {
      done = this.slice(round, SLICE_MS);
    } catch (error) {
      this.parts.log.error({ err: error }, "the audit met a bug in evpnd: please report it");
    }
    for (const finding of round.findings.slice(known)) this.alarm(finding);
    if (done) this.finish(round);
    const spent = Math.max(0.01, this.spentMs - before);
    const pause = Math.min(MOST_REST_MS, spent * (100 / this.settings.cpuPercent - 1));
    this.rest(done ? Math.max(pause, ROUND_REST_MS) : pause);
  }

  private begin(): Round {
    return new Round(this.parts.subject, this.parts.clock.now());
  }

  /** Whether the round is over. */
  private slice(round: Round, budgetMs: number): boolean {
    const { clock } = this.parts;
    const from = clock.now();
    const done = round.run(() => clock.now() - from < budgetMs);
    const took = clock.now() - from;
    this.spentMs += took;
    this.longestMs = Math.max(this.longestMs, took);
    return done;
  }

  private alarm(finding: string): void {
    const fresh = !this.standing.has(finding);
    if (fresh && this.standing.size >= MOST_STANDING) return;
    this.standing.set(finding, this.rounds);
    if (!fresh) return;
    this.findingsTotal++;
    this.parts.log.error({ finding }, "audit: evpnd's tables do not agree; please report it");
  }

  private finish(round: Round): void {
    this.round = undefined;
    for (const [finding, seen] of this.standing) {
      if (seen >= this.rounds || round.findings.includes(finding)) continue;
      this.standing.delete(finding);
      this.parts.log.info({ finding }, "audit: no longer found");
    }
    this.rounds++;
    const { clock } = this.parts;
    this.lastRound = clock.wall();
    this.lastRoundSeconds = (clock.now() - round.began) / 1000;
  }
}

class Round {
  readonly findings: string[];
  readonly began: number;
  readonly pace: RoundPace = { fresh: true, progress: 0 };
  private readonly steps: Generator<undefined, void>;

  constructor(subject: AuditSubject, began = 0) {
    const { findings, find } = collector();
    this.findings = findings;
    this.began = began;
    this.steps = auditRound(subject, find, this.pace);
  }

  /** Goes on at least a step; whether it is over. */
  run(mayGoOn: () => boolean): boolean {
    this.pace.fresh = true;
    do {
      if (this.steps.next().done === true) return true;
    } while (mayGoOn());
    return false;
  }
}
