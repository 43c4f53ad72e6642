/**
 * One line for each subject and interval, however often it happens: what somebody outside can repeat as
 * fast as they like must not fill the log. The line that comes next says how many were left out.
 */
import type { Clock } from "./clock.js";

const INTERVAL_MS = 60_000;
/** Subjects remembered: the oldest is forgotten, and may then have a line once more. */
const MOST_SUBJECTS = 4096;

export class LogRate {
  private readonly clock: Clock;
  private readonly intervalMs: number;
  private readonly subjects = new Map<string, { until: number; suppressed: number }>();

  constructor(clock: Clock, intervalMs = INTERVAL_MS) {
    this.clock = clock;
    this.intervalMs = intervalMs;
  }

  /** Whether this one may have its line: the number left out since the one before, or undefined for no. */
  pass(subject: string): number | undefined {
    const now = this.clock.now();
    const known = this.subjects.get(subject);
    if (known !== undefined && now < known.until) {
      known.suppressed++;
      return undefined;
    }
    const suppressed = known?.suppressed ?? 0;
    this.subjects.delete(subject);
    this.subjects.set(subject, { until: now + this.intervalMs, suppressed: 0 });
    if (this.subjects.size > MOST_SUBJECTS) {
      this.subjects.delete(this.subjects.keys().next().value!);
    }
    return suppressed;
  }

  /** Fields of the line: empty when nothing was left out. */
  static fields(suppressed: number): { readonly suppressed?: number } {
    return suppressed === 0 ? {} : { suppressed };
  }
}
