/** The timeline as the thread with the FIB has it: a thread of its own, told which ring to read, and asked by messages. */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import {
  startOwnedThread,
  type OwnedThread,
  type OwnedThreadEvents,
} from "../../util/owned-thread.js";
import { WaitingCalls } from "../../util/waiting-calls.js";
import { FibQueryError } from "../control.js";
import type { EventShare } from "../event-ring.js";
import type { FibHandles } from "../fib-reader.js";
import type { TimelineCommand, TimelineQuestion, TimelineReport } from "./messages.js";
import type { TimelineSettings } from "./settings.js";
import type {
  MacAt,
  MacDifference,
  RestlessMacs,
  TimelineAtQuery,
  TimelineControl,
  TimelineDiffQuery,
  TimelineEvent,
  TimelinePage,
  TimelineQuery,
  TimelineRestlessQuery,
  TimelineStatus,
} from "./views.js";
import type { TimelineWorkerData } from "./worker.js";

const HEAP_MB = 512;
const RESTART_MS = 30_000;
const CLOSE_MS = 5000;
const MOST_PENDING = 256;

export type TimelineThreadFactory = (
  data: TimelineWorkerData,
  events: OwnedThreadEvents<TimelineReport>,
) => OwnedThread<TimelineCommand>;

export interface ThreadTimelineParts {
  readonly settings: TimelineSettings;
  /** Wall-clock milliseconds: before the first event. */
  readonly started: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly start?: TimelineThreadFactory;
}

export class ThreadTimeline implements TimelineControl {
  private settings: TimelineSettings;
  private readonly clock: Clock;
  private readonly log: Log;
  private readonly start: TimelineThreadFactory;
  private readonly calls = new WaitingCalls();
  private thread: OwnedThread<TimelineCommand> | undefined;
  private share: EventShare | undefined;
  private fib: FibHandles | undefined;
  private latest: TimelineStatus;
  private restart: TimerHandle | undefined;
  private ended: (() => void) | undefined;
  private closing = false;

  constructor({ settings, started, clock, log, start = timelineThread }: ThreadTimelineParts) {
    this.settings = settings;
    this.clock = clock;
    this.log = log;
    this.start = start;
    this.latest = {
      state: "opening",
      directory: settings.directory,
      problem: undefined,
      oldest: undefined,
      events: 0,
      octets: 0,
      lost: 0,
    };
    this.open(started);
  }

  /** The last that the thread told by itself: for health, at once. */
  get state(): Pick<TimelineStatus, "state" | "problem" | "directory"> {
    return this.latest;
  }

  /**
   * Reads this ring from now on.
   * @param fib of the same FIB; without it what was lost is not repaired
   */
  attach(share: EventShare | undefined, fib?: FibHandles): void {
    this.share = share;
    this.fib = fib;
    this.thread?.post({ kind: "attach", share, fib, time: this.clock.wall(), resumed: false });
  }

  setBounds(settings: TimelineSettings): void {
    this.settings = settings;
    this.thread?.post({ kind: "bounds", settings });
  }

  status(): Promise<TimelineStatus> {
    if (this.thread === undefined) return Promise.resolve(this.latest);
    return this.ask({ about: "status" });
  }

  events(query: TimelineQuery): Promise<TimelinePage<TimelineEvent>> {
    return this.ask({ about: "events", query });
  }

  at(query: TimelineAtQuery): Promise<readonly MacAt[]> {
    return this.ask({ about: "at", query });
  }

  diff(query: TimelineDiffQuery): Promise<TimelinePage<MacDifference>> {
    return this.ask({ about: "diff", query });
  }

  restless(query: TimelineRestlessQuery): Promise<RestlessMacs> {
    return this.ask({ about: "restless", query });
  }

  /** Writes what there is, and ends. Never rejects. */
  close(): Promise<void> {
    this.closing = true;
    this.restart?.cancel();
    const { thread } = this;
    if (thread === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      const late = this.clock.setTimer(CLOSE_MS, () => this.end());
      this.ended = () => {
        late.cancel();
        resolve();
      };
      thread.post({ kind: "close" });
    });
  }

  private ask<T>(question: TimelineQuestion): Promise<T> {
    const { thread, calls } = this;
    if (thread === undefined) {
      return Promise.reject(new FibQueryError("off", "the timeline's thread is not there"));
    }
    if (calls.size >= MOST_PENDING) {
      const text = "the timeline has too many questions; ask again later";
      return Promise.reject(new FibQueryError("busy", text));
    }
    return calls.begin((id) => thread.post({ kind: "ask", id, question }));
  }

  private open(started: number): void {
    const thread = this.start(
      { settings: this.settings, started },
      {
        report: (report) => {
          if (this.thread === thread) this.report(report);
        },
        died: (error) => {
          if (this.thread !== thread) return;
          this.log.error({ err: error }, "the timeline's thread ended; it is started again");
          this.end();
          if (this.closing) return;
          this.restart = this.clock.setTimer(RESTART_MS, () => this.open(this.clock.wall()));
        },
      },
    );
    this.thread = thread;
    const { share, fib } = this;
    if (share === undefined) return;
    thread.post({ kind: "attach", share, fib, time: started, resumed: true });
  }

  private report(report: TimelineReport): void {
    switch (report.kind) {
      case "status":
        this.tell(report.status);
        break;
      case "answer":
        this.calls.resolve(report.id, report.answer);
        break;
      case "refused":
        this.calls.reject(report.id, new FibQueryError(report.code, report.message));
        break;
      case "closed":
        this.end();
    }
  }

  private tell(status: TimelineStatus): void {
    const { directory, problem } = status;
    if (problem !== undefined) {
      this.log.error({ directory }, `the timeline is not written: ${problem}`);
    } else if (this.latest.problem !== undefined) {
      this.log.info({ directory }, "the timeline is written again");
    }
    this.latest = status;
  }

  private end(): void {
    const { thread } = this;
    this.thread = undefined;
    thread?.kill();
    this.latest = { ...this.latest, state: "unavailable" };
    this.calls.rejectAll(new FibQueryError("off", "the timeline ended before it had an answer"));
    this.ended?.();
  }
}

const timelineThread: TimelineThreadFactory = (workerData, events) =>
  startOwnedThread(
    new URL("./worker.js", import.meta.url),
    { name: "evpnd-timeline", workerData, heapMegabytes: HEAP_MB },
    events,
  );
