/**
 * What the relay's thread does between two looks at its sockets, in this order (RFC 5080 section 2.2.3):
 * answers of home servers first, then what clients have sent is taken in, then it is worked off. What all of
 * it has to say leaves at the end, in as few calls as there are sockets.
 */
import { loadUdpBatch } from "../../util/udp-batch.js";

export const Stage = { answers: 0, arrivals: 1, work: 2 } as const;
export type Stage = (typeof Stage)[keyof typeof Stage];
type Task = () => void;

class Turn {
  private readonly stages: Task[][] = [[], [], []];
  private scheduled = false;
  private running = false;

  /** Once, in this turn when its stage is still to come, else in the next one. */
  add(stage: Stage, task: Task): void {
    this.stages[stage]?.push(task);
    if (!this.running) this.schedule();
  }

  /** Something lies in the outbox: it leaves with this turn, or with one of its own. */
  flushSoon(): void {
    if (!this.running) this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    // The check phase follows the poll phase: nothing else waits in between.
    setImmediate(() => this.run());
  }

  private run(): void {
    this.scheduled = false;
    this.running = true;
    try {
      for (let stage = 0; stage < this.stages.length; stage++) {
        const tasks = this.stages[stage] ?? [];
        if (tasks.length === 0) continue;
        this.stages[stage] = [];
        for (const task of tasks) task();
      }
      loadUdpBatch()?.flush();
    } finally {
      this.running = false;
      if (this.stages.some((tasks) => tasks.length > 0)) this.schedule();
    }
  }
}

/** One for the thread, as the outbox is. */
export const turn = new Turn();
