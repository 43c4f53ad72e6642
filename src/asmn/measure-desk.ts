/** Images measured on this machine by a call: those of one directory, a few at a time, with progress. */
import { realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import type { Clock } from "../util/clock.js";
import { AsmnError, type MeasureJob } from "./control.js";
import { treeDigest } from "./measure/index.js";

/** That run at the same time, and that are remembered. */
const MOST_RUNNING = 2;
const MOST_JOBS = 16;
/** Nobody asks after it any more. */
const FORGOTTEN_MS = 60_000;

interface Job {
  readonly id: number;
  readonly stop: AbortController;
  readonly begun: number;
  askedAt: number;
  view: Omit<MeasureJob, "id" | "tookMs">;
  tookMs: number | undefined;
  /** Resolved at the end, whatever it is. */
  ended: Promise<void>;
}

export class MeasureDesk {
  private readonly clock: Clock;
  private readonly jobs = new Map<number, Job>();
  private lastId = 0;
  /** Undefined: nothing may be measured. */
  directory: string | undefined;

  constructor(clock: Clock, directory: string | undefined) {
    this.clock = clock;
    this.directory = directory;
  }

  async start(file: string): Promise<MeasureJob> {
    const path = await this.pathOf(file);
    this.forget();
    const running = [...this.jobs.values()].filter(({ tookMs }) => tookMs === undefined).length;
    if (running >= MOST_RUNNING || this.jobs.size >= MOST_JOBS) {
      throw new AsmnError("busy", `${running} images are being measured; wait for one to end`);
    }
    const job: Job = {
      id: ++this.lastId,
      stop: new AbortController(),
      begun: this.clock.now(),
      askedAt: this.clock.now(),
      view: { octets: 0, total: 0, state: "running", digest: undefined, problem: undefined },
      tookMs: undefined,
      ended: Promise.resolve(),
    };
    this.jobs.set(job.id, job);
    job.ended = this.run(job, path);
    return this.viewOf(job);
  }

  async look(id: number, waitMs: number): Promise<MeasureJob> {
    const job = this.jobs.get(id);
    if (job === undefined) throw new AsmnError("not-found", `there is no measurement ${id}`);
    job.askedAt = this.clock.now();
    await new Promise<void>((resolve) => {
      const late = this.clock.setTimer(waitMs, resolve);
      void job.ended.then(() => {
        late.cancel();
        resolve();
      });
    });
    return this.viewOf(job);
  }

  end(id: number): void {
    this.jobs.get(id)?.stop.abort();
    this.jobs.delete(id);
  }

  close(): void {
    for (const id of [...this.jobs.keys()]) this.end(id);
  }

  /** Inside the directory, wherever links lead. */
  private async pathOf(file: string): Promise<string> {
    const { directory } = this;
    if (directory === undefined) {
      throw new AsmnError(
        "off",
        "nothing may be measured here: name asmn.sec-em.image-directory, or measure without --remote",
      );
    }
    const missing = new AsmnError("not-found", `the image directory has no file "${file}"`);
    try {
      const top = await realpath(directory);
      const path = await realpath(join(top, file));
      if (path.startsWith(top + sep)) return path;
    } catch {
      throw missing;
    }
    throw missing;
  }

  private async run(job: Job, path: string): Promise<void> {
    try {
      const { digest, size } = await treeDigest(path, {
        progress: (octets, total) => {
          job.view = { ...job.view, octets, total };
        },
        signal: job.stop.signal,
      });
      const done = { octets: size, total: size, state: "done", digest: digest.toString("hex") };
      job.view = { ...done, state: "done", problem: undefined };
    } catch (error) {
      job.view = { ...job.view, state: "failed", problem: (error as Error).message };
    }
    job.tookMs = this.clock.now() - job.begun;
  }

  private viewOf(job: Job): MeasureJob {
    return { id: job.id, ...job.view, tookMs: job.tookMs ?? this.clock.now() - job.begun };
  }

  private forget(): void {
    for (const job of this.jobs.values()) {
      if (this.clock.now() - job.askedAt > FORGOTTEN_MS) this.end(job.id);
    }
  }
}
