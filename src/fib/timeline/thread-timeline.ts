/** The timeline as the thread with the FIB has it: a thread of its own, told which ring to read, and asked by messages. */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { startOwnedThread } from "../../util/owned-thread.js";
import { FibQueryError } from "../control.js";
import type { EventShare } from "../event-ring.js";
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

export interface TimelineThread {
  post(command: TimelineCommand): void;
  kill(): void;
}

export interface TimelineThreadEvents {
  report(report: TimelineReport): void;
  died(error: Error): void;
}

export type TimelineThreadFactory = (
  data: TimelineWorkerData,
  events: TimelineThreadEvents,
) => TimelineThread;

interface Pending {
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

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
  private readonly pending = new Map<number, Pending>();
  private thread: TimelineThread | undefined;
  private share: EventShare | undefined;
  private latest: TimelineStatus;
  private lastId = 0;
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

  /** Reads this ring from now on. */
  attach(share: EventShare | undefined): void {
    this.share = share;
    this.thread?.post({ kind: "attach", share, time: this.clock.wall(), resumed: false });
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
    return new Promise<T>((resolve, reject) => {
      if (this.thread === undefined || this.pending.size >= MOST_PENDING) {
        const busy = this.thread !== undefined;
        const text = busy
          ? "the timeline has too many questions; ask again later"
          : "the timeline's thread is not there";
        reject(new FibQueryError(busy ? "busy" : "off", text));
        return;
      }
      const id = ++this.lastId;
      this.pending.set(id, { resolve, reject });
      this.thread.post({ kind: "ask", id, question });
    });
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
    if (this.share === undefined) return;
    thread.post({ kind: "attach", share: this.share, time: started, resumed: true });
  }

  private report(report: TimelineReport): void {
    switch (report.kind) {
      case "status":
        this.tell(report.status);
        break;
      case "answer":
        this.pending.get(report.id)?.resolve(report.answer as never);
        this.pending.delete(report.id);
        break;
      case "refused":
        this.pending.get(report.id)?.reject(new FibQueryError(report.code, report.message));
        this.pending.delete(report.id);
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
    for (const { reject } of this.pending.values()) {
      reject(new FibQueryError("off", "the timeline ended before it had an answer"));
    }
    this.pending.clear();
    this.ended?.();
  }
}

const timelineThread: TimelineThreadFactory = (workerData, events) =>
  startOwnedThread(
    new URL("./worker.js", import.meta.url),
    { name: "evpnd-timeline", workerData, heapMegabytes: HEAP_MB },
    events,
  );
