/**
 * A worker thread that answers calls (`thread-service.ts`), as its owner has it. When it cannot begin, the owner
 * is told; a thread that dies later, of a bug or of memory, is begun anew, ever more seldom, until it is stopped.
 * No call waits for a thread that is away: it is refused, and so are those that were under way.
 */
import type { TransferListItem } from "node:worker_threads";
import { BackOff } from "./back-off.js";
import type { Clock, TimerHandle } from "./clock.js";
import type { Log } from "./log.js";
import type { OwnedThread, OwnedThreadEvents } from "./owned-thread.js";
import {
  unpackError,
  type RefusalClass,
  type ThreadCommand,
  type ThreadReport,
} from "./thread-messages.js";
import { WaitingCalls } from "./waiting-calls.js";

/** What may be called: methods that answer with plain data. */
export type ThreadDoor<Door> = {
  readonly [Method in keyof Door]: (...parameters: never[]) => Promise<unknown>;
};

export interface SupervisedThreadParts<Told, NoteIn, NoteOut> {
  /** For sentences: "the RADIUS relay". */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Begins the thread, or what a test puts in its place; asked anew each time, with the settings of then. */
  readonly spawn: (
    events: OwnedThreadEvents<ThreadReport<Told, NoteOut>>,
  ) => OwnedThread<ThreadCommand<NoteIn>>;
  /** Class of errors that keep their code; has `off`, for a thread that is away. */
  readonly refusal: RefusalClass;
  /** Calls under way at most, more are refused; default 1000. */
  readonly mostCalls?: number;
  /** It answers: for the first time, or another one in the place of the one that died. */
  readonly onUp?: (told: Told, isFirst: boolean) => void;
  /** The thread that was there is gone. */
  readonly onDown?: (() => void) | undefined;
  readonly onNote?: (note: NoteOut) => void;
}

const RETRIES = { firstMs: 100, mostMs: 10_000 };
/** Alive so long, it begins anew with short waits. */
const STEADY_MS = 60_000;
/** What it has to end in. */
const STOP_MS = 3000;
const MOST_CALLS = 1000;

/** @typeParam Door methods of the thread's service, by which it is called */
export class SupervisedThread<
  Door extends ThreadDoor<Door>,
  Told = undefined,
  NoteIn = never,
  NoteOut = never,
> {
  private readonly parts: SupervisedThreadParts<Told, NoteIn, NoteOut>;
  private readonly calls = new WaitingCalls();
  private readonly backOff = new BackOff(RETRIES);
  private thread: OwnedThread<ThreadCommand<NoteIn>> | undefined;
  private startedAt = 0;
  private retry: TimerHandle | undefined;
  private starting: { resolve(): void; reject(error: Error): void } | undefined;
  private stopping: Promise<void> | undefined;

  constructor(parts: SupervisedThreadParts<Told, NoteIn, NoteOut>) {
    this.parts = parts;
  }

  /** Once. Rejects when the thread cannot begin, with its own error; that is not tried again. */
  start(): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      this.starting = { resolve, reject };
      this.begin();
    });
  }

  /** Whether there is a thread: it may still be beginning, and reads what it is sent when it has begun. */
  get isThere(): boolean {
    return this.thread !== undefined;
  }

  /** Rejects with the error of the thread's method, or with a refusal `off` when there is no answer to be had. */
  call<Method extends keyof Door & string>(
    method: Method,
    ...parameters: Parameters<Door[Method]>
  ): ReturnType<Door[Method]> {
    // The thread calls that very method: what it sends back has its type.
    return this.ask(method, parameters) as ReturnType<Door[Method]>;
  }

  /** @returns whether there was a thread to take it */
  note(note: NoteIn, transfer?: readonly TransferListItem[]): boolean {
    this.thread?.post({ kind: "note", note }, transfer);
    return this.isThere;
  }

  /** Calls `stop` of the thread, and does not wait for ever. Never rejects. */
  stop(): Promise<void> {
    this.stopping ??= this.end();
    return this.stopping;
  }

  private begin(): void {
    this.startedAt = this.parts.clock.now();
    try {
      const thread = this.parts.spawn({
        report: (report) => {
          if (this.thread === thread) this.take(report);
        },
        died: (error) => {
          if (this.thread === thread) this.died(error);
        },
      });
      this.thread = thread;
    } catch (error) {
      // The system has no thread to give.
      this.died(error instanceof Error ? error : new Error(String(error)));
    }
  }

  private take(report: ThreadReport<Told, NoteOut>): void {
    const { refusal, log } = this.parts;
    switch (report.kind) {
      case "ready":
        return this.up(report.told);
      case "failed":
        this.thread?.kill();
        return this.died(unpackError(report.error, refusal));
      case "result":
        return this.calls.resolve(report.id, report.value);
      case "refused":
        return this.calls.reject(report.id, unpackError(report.error, refusal));
      case "note":
        return this.parts.onNote?.(report.note);
      case "log":
        return log[report.level](report.fields, report.message);
      case "closed":
    }
  }

  private up(told: Told): void {
    if (this.stopping !== undefined) return;
    const { starting } = this;
    this.starting = undefined;
    starting?.resolve();
    this.parts.onUp?.(told, starting !== undefined);
  }

  private died(error: Error): void {
    this.gone("thread ended; it starts anew, ask again");
    if (this.starting !== undefined) {
      this.starting.reject(error);
      this.starting = undefined;
      return;
    }
    if (this.stopping !== undefined) return;
    const { name, clock, log } = this.parts;
    if (clock.now() - this.startedAt > STEADY_MS) this.backOff.reset();
    const retryMs = this.backOff.next();
    log.error({ err: error, retryMs }, `${name}'s thread ended; it starts anew`);
    this.retry = clock.setTimer(retryMs, () => this.begin());
  }

  private gone(why: string): void {
    const wasThere = this.isThere;
    this.thread = undefined;
    if (wasThere) this.parts.onDown?.();
    this.calls.rejectAll(this.off(why));
  }

  private async end(): Promise<void> {
    this.retry?.cancel();
    this.starting?.reject(this.off("thread was stopped before it had begun"));
    this.starting = undefined;
    const { thread } = this;
    if (thread === undefined) return;
    await new Promise<void>((resolve) => {
      const late = this.parts.clock.setTimer(STOP_MS, resolve);
      const done = (): void => {
        late.cancel();
        resolve();
      };
      this.post(thread, "stop", []).then(done, done);
    });
    thread.kill();
    this.gone("thread has been stopped");
  }

  private ask(method: string, parameters: readonly unknown[]): Promise<never> {
    const { thread } = this;
    if (thread === undefined) {
      const isOver = this.stopping !== undefined;
      const why = isOver ? "thread has been stopped" : "thread is being started; ask again";
      return Promise.reject(this.off(why));
    }
    if (this.calls.size >= (this.parts.mostCalls ?? MOST_CALLS)) {
      return Promise.reject(this.off("thread does not keep up; ask again later"));
    }
    return this.post(thread, method, parameters);
  }

  private post(
    thread: OwnedThread<ThreadCommand<NoteIn>>,
    method: string,
    parameters: readonly unknown[],
  ): Promise<never> {
    return this.calls.begin((id) => thread.post({ kind: "call", id, method, parameters }));
  }

  private off(why: string): Error {
    const { name, refusal: Refusal } = this.parts;
    return new Refusal("off" as never, `${name}'s ${why}`);
  }
}
