/**
 * Fabric checks on the BGP thread: some milliseconds at a time, with more in between for the sessions. One
 * runs at a time, the others wait; findings are pulled, and a check that nobody pulls is stopped.
 */
import { randomBytes } from "node:crypto";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { FibQueryError } from "../control.js";
import type { Fib } from "../fib.js";
import type { Finding, LintBatch, LintControl, LintQuery, RuleView } from "./finding.js";
import type { Rule } from "./rule.js";
import { RULES } from "./rules/index.js";
import { LintRun } from "./run.js";

const SLICE_MS = 4;
const REST_MS = 4;
const IDLE_MS = 60_000;
const MOST_RUNS = 4;
const MOST_ROWS = 200;
const MOST_WAIT = 30_000;

interface Running {
  readonly id: string;
  readonly run: LintRun;
  readonly started: number;
  pulled: number;
  findings: Finding[] | undefined;
  milliseconds: number;
  wake: (() => void) | undefined;
}

export class LocalLint implements LintControl {
  private readonly fib: () => Fib | undefined;
  private readonly clock: Clock;
  private readonly runs = new Map<string, Running>();
  private timer: TimerHandle | undefined;

  /** @param fib the one that answers now; undefined while it is off */
  constructor(fib: () => Fib | undefined, clock: Clock) {
    this.fib = fib;
    this.clock = clock;
  }

  rules(): Promise<readonly RuleView[]> {
    return Promise.resolve(
      RULES.map(({ id, severity, meaning, advice }) => ({ id, severity, meaning, advice })),
    );
  }

  async start({ rules }: LintQuery): Promise<string> {
    const fib = this.fib();
    if (fib === undefined) {
      throw new FibQueryError(
        "off",
        "the fabric check needs the MAC FIB, and it is off: set fib.enabled: true in the configuration and reload, or start evpnd with --fib",
      );
    }
    const chosen = choose(rules);
    this.dropIdle();
    if (this.runs.size >= MOST_RUNS) {
      throw new FibQueryError(
        "busy",
        `${MOST_RUNS} fabric checks are under way; wait for one of them to end`,
      );
    }
    const now = this.clock.now();
    const id = randomBytes(8).toString("hex");
    this.runs.set(id, {
      id,
      run: new LintRun(fib, chosen),
      started: now,
      pulled: now,
      findings: undefined,
      milliseconds: 0,
      wake: undefined,
    });
    this.arm();
    return Promise.resolve(id);
  }

  async next(id: string, most: number, waitMs: number): Promise<LintBatch> {
    const one = this.runs.get(id);
    if (one === undefined) {
      throw new FibQueryError(
        "not-found",
        "there is no such fabric check: it is over; start another",
      );
    }
    one.pulled = this.clock.now();
    if (one.findings === undefined) await this.wait(one, waitMs);
    one.pulled = this.clock.now();
    if (one.findings === undefined) return { progress: one.run.progress, findings: [] };
    const findings = one.findings.splice(0, Math.min(MOST_ROWS, Math.max(1, most)));
    if (one.findings.length > 0) return { progress: 1, findings };
    this.runs.delete(id);
    return { progress: 1, findings, summary: one.run.summary(one.milliseconds) };
  }

  stop(id: string): Promise<void> {
    const one = this.runs.get(id);
    this.runs.delete(id);
    one?.wake?.();
    return Promise.resolve();
  }

  private wait(one: Running, waitMs: number): Promise<void> {
    if (waitMs <= 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.clock.setTimer(Math.min(MOST_WAIT, waitMs), () => one.wake?.());
      one.wake = () => {
        timer.cancel();
        one.wake = undefined;
        resolve();
      };
    });
  }

  private arm(): void {
    if (this.timer !== undefined) return;
    if (![...this.runs.values()].some(({ findings }) => findings === undefined)) return;
    this.timer = this.clock.setTimer(REST_MS, () => {
      this.timer = undefined;
      this.step();
    });
  }

  private step(): void {
    this.dropIdle();
    const one = [...this.runs.values()].find(({ findings }) => findings === undefined);
    if (one === undefined) return;
    one.run.step(() => this.clock.now(), SLICE_MS);
    if (one.run.isDone) {
      one.milliseconds = this.clock.now() - one.started;
      one.findings = one.run.findings();
      one.wake?.();
    }
    this.arm();
  }

  private dropIdle(): void {
    const before = this.clock.now() - IDLE_MS;
    for (const one of [...this.runs.values()]) {
      if (one.wake === undefined && one.pulled < before) this.runs.delete(one.id);
    }
  }
}

function choose(ids: readonly string[] | undefined): readonly Rule[] {
  if (ids === undefined || ids.length === 0) return RULES;
  for (const id of ids) {
    if (RULES.some((rule) => rule.id === id)) continue;
    const known = RULES.map((rule) => rule.id).join(", ");
    throw new FibQueryError("invalid", `there is no rule "${id}"; there are ${known}`);
  }
  return RULES.filter(({ id }) => ids.includes(id));
}
