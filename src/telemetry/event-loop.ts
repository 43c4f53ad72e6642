/**
 * Stalls of the event loop: how long BGP had to wait for its turn. Worst and 99.9th percentile since
 * the last look, because an average hides exactly what matters to a hold timer.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** The monitor's own timer, in milliseconds; each measured delay includes it. */
const RESOLUTION_MS = 10;

export interface StallReport {
  readonly maxSeconds: number;
  readonly p999Seconds: number;
}

export interface StallMonitor {
  /** Since the last call; starts afresh. */
  take(): StallReport;
  stop(): void;
}

export function startStallMonitor(): StallMonitor {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  histogram.enable();
  return {
    take() {
      const empty = histogram.count === 0;
      const report = {
        maxSeconds: empty ? 0 : beyondTimer(histogram.max),
        p999Seconds: empty ? 0 : beyondTimer(histogram.percentile(99.9)),
      };
      histogram.reset();
      return report;
    },
    stop: () => void histogram.disable(),
  };
}

function beyondTimer(nanoseconds: number): number {
  return Math.max(0, nanoseconds / 1e9 - RESOLUTION_MS / 1e3);
}
