/**
 * The monitor of one tunnel: probes at an interval, and what follows from their answers. A state machine
 * without a clock or a socket; `now` is monotonic milliseconds.
 *
 * Lost in a row as many as the threshold: down. One answer: up again. With `optimized`, packets that came in
 * since the last look are an answer, and no probe is sent. With `rekey`, going down asks for a negotiation.
 */
import type { TunnelMonitor } from "../model/index.js";
import type { MonitorState } from "./health.js";

export type MonitorRules = Pick<
  TunnelMonitor,
  "optimized" | "rekey" | "intervalSeconds" | "threshold"
>;

export interface Counters {
  readonly packetsIn: number;
  readonly packetsOut: number;
}

export type MonitorStep = "wait" | "probe";

export class Monitor {
  /** `up` from the first answer on; before, it is not known, and counts as up. */
  state: Exclude<MonitorState, "off"> = "up";
  /** Sentence about the last probes that were lost. */
  text = "";
  lost = 0;
  private readonly rules: MonitorRules;
  private next: number;
  private before: Counters | undefined;

  constructor(rules: MonitorRules, now: number) {
    this.rules = rules;
    this.next = now;
  }

  /** Called often while the SA is up; on `probe` the answer must follow with `answered`. */
  step(now: number, counters: Counters): MonitorStep {
    if (now < this.next) return "wait";
    this.next = now + this.rules.intervalSeconds * 1000;
    const cameIn = this.before !== undefined && counters.packetsIn > this.before.packetsIn;
    this.before = counters;
    if (this.rules.optimized && cameIn) {
      this.isAnswered();
      return "wait";
    }
    return "probe";
  }

  /**
   * @param before counters of the SA when the probe was sent, `after` when it was given up
   * @returns whether a negotiation is wanted now
   */
  answered(ok: boolean, before: Counters, after: Counters): boolean {
    if (ok) {
      this.isAnswered();
      return false;
    }
    this.lost++;
    if (this.lost < this.rules.threshold) return false;
    this.text = lossText(this.lost, before, after);
    const went = this.state === "up";
    this.state = "down";
    return went && this.rules.rekey;
  }

  /** The SA went: what was known of it is void. */
  reset(now: number): void {
    this.state = "up";
    this.text = "";
    this.lost = 0;
    this.next = now;
    this.before = undefined;
  }

  private isAnswered(): void {
    this.lost = 0;
    this.state = "up";
    this.text = "";
  }
}

/** "Up but passes nothing", and where it is lost as far as the counters tell. */
function lossText(lost: number, before: Counters, after: Counters): string {
  const went = after.packetsOut > before.packetsOut;
  const came = after.packetsIn > before.packetsIn;
  const probes = `${lost} probe${lost === 1 ? "" : "s"} in a row without an answer`;
  if (!went) {
    return `up but passes nothing: ${probes}, and they do not enter the tunnel; look at routes and selectors on this side`;
  }
  if (!came) {
    return `up but passes nothing: ${probes}, packets go in and none comes out; look at the far side's routes, its policy, and at ESP on the way`;
  }
  return `passes packets, but not the probe's: ${probes}; look at the probe's destination`;
}
