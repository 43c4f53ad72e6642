/**
 * Calls of the API's thread, answered on the BGP thread: a method of the backend by name, with plain data.
 * Calls that have come together are begun one after the other, and a turn of the event loop is given
 * up after some milliseconds of it: the sessions come first.
 */
import { ControlError } from "../../bgp/control.js";
import type { HttpBackend } from "../backend.js";
import { packError } from "./errors.js";
import type { BackendShape, ToMain, ToWorker } from "./messages.js";

type Call = Extract<ToMain, { kind: "call" }>;

/** Time for calls in one turn of the event loop. */
const SLICE_MS = 2;

export interface CallServerParts {
  readonly backend: HttpBackend;
  readonly send: (message: ToWorker) => void;
  readonly now: () => number;
  /** Runs it in the next turn of the event loop. */
  readonly later: (run: () => void) => void;
}

/** Functions and members that the backend has now; `log` is not called, it is written to. */
export function shapeOf(backend: HttpBackend): BackendShape {
  const functions: string[] = [];
  const members: string[] = [];
  for (const [name, value] of Object.entries(backend)) {
    if (name === "log" || value === undefined) continue;
    if (typeof value === "function") functions.push(name);
    else members.push(name);
  }
  return { functions, members };
}

export class CallServer {
  /** Calls so far. */
  taken = 0;
  private readonly parts: CallServerParts;
  private readonly queue: Call[] = [];
  private isRunning = false;
  private isClosed = false;

  constructor(parts: CallServerParts) {
    this.parts = parts;
  }

  take(call: Call): void {
    this.taken++;
    this.queue.push(call);
    if (this.isRunning) return;
    this.isRunning = true;
    this.run();
  }

  /** What is under way is not answered any more. */
  close(): void {
    this.isClosed = true;
    this.queue.length = 0;
  }

  private run(): void {
    const { now, later } = this.parts;
    const until = now() + SLICE_MS;
    for (let call = this.queue.shift(); call !== undefined; call = this.queue.shift()) {
      void this.answer(call);
      if (this.queue.length === 0 || now() < until) continue;
      later(() => this.run());
      return;
    }
    this.isRunning = false;
  }

  private async answer({ call, member, method, args }: Call): Promise<void> {
    try {
      const value = await invoke(this.parts.backend, member, method, args);
      this.send({ kind: "result", call, value });
    } catch (error) {
      this.send({ kind: "refused", call, error: packError(error) });
    }
  }

  private send(message: ToWorker): void {
    if (!this.isClosed) this.parts.send(message);
  }
}

function invoke(
  backend: HttpBackend,
  member: string,
  method: string,
  args: readonly unknown[],
): unknown {
  const root = backend as unknown as Readonly<Record<string, unknown>>;
  const target = (member === "" ? root : root[member]) as
    Readonly<Record<string, unknown>> | undefined;
  const run = target?.[method];
  if (typeof run === "function")
    return (run as (...all: unknown[]) => unknown).apply(target, [...args]);
  const name = member === "" ? method : `${member}.${method}`;
  // The caller knew it as it was before a reload.
  throw new ControlError("busy", `${name} was just turned off; ask again`);
}
