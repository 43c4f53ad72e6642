/**
 * Long work in slices, so that a thread that must answer within milliseconds never does one piece of
 * it in a stretch. Whoever owns the thread calls `run` once a turn; jobs take turns.
 */
export interface SlicedJob {
  /** Does a slice, some milliseconds at most; whether the job is done. */
  step(): boolean;
}

export class SlicedWork {
  private readonly jobs: SlicedJob[] = [];

  get isEmpty(): boolean {
    return this.jobs.length === 0;
  }

  add(job: SlicedJob): void {
    this.jobs.push(job);
  }

  /** One slice of one job; whether something is left. */
  run(): boolean {
    const job = this.jobs.shift();
    if (job === undefined) return false;
    if (!job.step()) this.jobs.push(job);
    return this.jobs.length > 0;
  }
}
