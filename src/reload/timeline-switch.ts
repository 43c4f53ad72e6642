/**
 * The timeline as a reload sees it: on, off, elsewhere, with other bounds, or fed by another FIB. Goes after
 * the FIB in the list of appliers. It opens its directory when `begin` is called, as the user that
 * evpnd runs as; what happens until then waits in the FIB's ring.
 */
import type { DaemonSettings } from "../config/index.js";
import {
  ThreadTimeline,
  type EventShare,
  type FibHandles,
  type TimelineControl,
  type TimelineSettings,
  type TimelineStatus,
} from "../fib/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";

/** What is done with a timeline; a test has another one. */
export type TimelineThread = TimelineControl &
  Pick<ThreadTimeline, "attach" | "setBounds" | "close" | "state">;

export interface TimelineSwitchParts {
  readonly settings: TimelineSettings | undefined;
  /** Events of the FIB there is now. */
  readonly events: () => EventShare | undefined;
  /** What that FIB holds. */
  readonly fib?: () => FibHandles | undefined;
  readonly clock: Clock;
  readonly log: Log;
  /** @param started wall-clock milliseconds: before the first event */
  readonly open?: (settings: TimelineSettings, started: number) => TimelineThread;
}

export class TimelineSwitch implements Applier<DaemonSettings> {
  readonly name = "timeline";
  private readonly parts: TimelineSwitchParts;
  private readonly started: number;
  private settings: TimelineSettings | undefined;
  private timeline: TimelineThread | undefined;
  private ring: SharedArrayBuffer | undefined;
  private begun = false;

  constructor(parts: TimelineSwitchParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.started = parts.clock.wall();
  }

  /** Undefined while there is none. */
  get control(): TimelineControl | undefined {
    return this.timeline;
  }

  /** For health: at once, as far as it has told. */
  get state(): Pick<TimelineStatus, "state" | "problem" | "directory"> | undefined {
    return this.timeline?.state;
  }

  begin(): void {
    this.begun = true;
    if (this.settings !== undefined) this.open(this.settings, this.started);
  }

  async apply(before: DaemonSettings, after: DaemonSettings): Promise<string[]> {
    const next = after.fib?.timeline;
    const last = this.settings;
    this.settings = next;
    if (!this.begun) return [];
    if (next === undefined) {
      if (last === undefined) return [];
      await this.close();
      return ["timeline off; what it has stays on the disk"];
    }
    const lines: string[] = [];
    if (last?.directory !== next.directory || this.timeline === undefined) {
      await this.close();
      this.open(next, this.parts.clock.wall());
      lines.push(`timeline in ${next.directory}`);
    } else {
      if (!sameSettings(last, next)) {
        this.timeline.setBounds(next);
        lines.push("timeline: other bounds; what is beyond them goes");
      }
      this.follow();
    }
    return sameSettings(before.fib?.timeline, next) ? [] : lines;
  }

  /** Writes what there is. Never rejects. */
  async close(): Promise<void> {
    const { timeline } = this;
    this.timeline = undefined;
    this.ring = undefined;
    await timeline?.close();
  }

  private open(settings: TimelineSettings, started: number): void {
    const { clock, log, open } = this.parts;
    this.timeline =
      open?.(settings, started) ?? new ThreadTimeline({ settings, started, clock, log });
    this.follow();
  }

  /** Reads the ring of the FIB there is now. */
  private follow(): void {
    const share = this.parts.events();
    if (share?.buffer === this.ring) return;
    this.ring = share?.buffer;
    this.timeline?.attach(share, this.parts.fib?.());
  }
}
