/**
 * The backend as the API's thread has it: every member that the BGP thread says it has, every method of
 * them a call to there. So a new member of `HttpBackend` needs nothing here, as long as all its methods
 * take and give plain data and can be awaited.
 *
 * Calls are bounded in number, and each has its time: beyond either, a refusal that says so.
 */
import { ControlError } from "../../bgp/control.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type { HttpBackend } from "../backend.js";
import { unpackError } from "./errors.js";
import type { BackendShape, PackedError, ToMain } from "./messages.js";

/** Calls under way at most; the BGP thread works them off beside everything else. */
export const MOST_CALLS = 256;
/** Above what a request may take altogether. */
const DEADLINE_MS = 130_000;
/** What health checks ask is answered at once, or the BGP thread is in trouble. */
const QUICK_MS = 5000;
const QUICK: ReadonlySet<string> = new Set(["control.summary", "control.auditStatus"]);

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
  readonly timer: TimerHandle;
}

export interface RemoteParts {
  readonly send: (message: ToMain) => void;
  readonly clock: Clock;
  /** A call got no answer: one too many, or too late. */
  readonly refused: () => void;
  /** Default `MOST_CALLS`. */
  readonly mostCalls?: number;
}

type Method = (...args: unknown[]) => Promise<unknown>;

export class RemoteBackend {
  private readonly parts: RemoteParts;
  private readonly most: number;
  private readonly waiting = new Map<number, Waiting>();
  private next = 1;
  private shape: BackendShape = { functions: [], members: [] };
  private readonly members = new Map<string, object>();
  /** Members that this thread answers for itself, wholly or in part. */
  private readonly own = new Map<string, unknown>();
  /** What `find` gave since shape and own members last changed. */
  private readonly found = new Map<string, unknown>();

  constructor(parts: RemoteParts) {
    this.parts = parts;
    this.most = parts.mostCalls ?? MOST_CALLS;
    this.own.set("log", this.log());
  }

  /** What the servers of the API are given. */
  get backend(): HttpBackend {
    return new Proxy(Object.create(null) as object, {
      get: (_target, name) => (typeof name === "string" ? this.find(name) : undefined),
      has: (_target, name) => typeof name === "string" && this.find(name) !== undefined,
    }) as HttpBackend;
  }

  setShape(shape: BackendShape): void {
    this.shape = shape;
    this.found.clear();
  }

  /** `value` stands in for the member while the BGP thread has it; undefined undoes that. */
  setOwn(name: string, value: unknown): void {
    if (value === undefined) this.own.delete(name);
    else this.own.set(name, value);
    this.found.clear();
  }

  /** The member on the BGP thread, whether or not it is there now. */
  member<T extends object>(name: string): T {
    const known = this.members.get(name);
    if (known !== undefined) return known as T;
    const methods = new Map<string, Method>();
    const made = new Proxy(Object.create(null) as object, {
      get: (_target, method) => {
        // Not a promise, whoever awaits it.
        if (typeof method !== "string" || method === "then") return undefined;
        let run = methods.get(method);
        if (run === undefined) {
          run = (...args) => this.call(name, method, args);
          methods.set(method, run);
        }
        return run;
      },
    });
    this.members.set(name, made);
    return made as T;
  }

  call(member: string, method: string, args: readonly unknown[]): Promise<unknown> {
    if (this.waiting.size >= this.most) {
      this.parts.refused();
      return Promise.reject(
        new ControlError("busy", `${this.most} requests are under way already; try again later`),
      );
    }
    const call = this.next++;
    const name = `${member}.${method}`;
    const milliseconds = QUICK.has(name) ? QUICK_MS : DEADLINE_MS;
    return new Promise((resolve, reject) => {
      const timer = this.parts.clock.setTimer(milliseconds, () => {
        this.waiting.delete(call);
        this.parts.refused();
        reject(
          new ControlError(
            "busy",
            `the BGP thread did not answer within ${milliseconds / 1000} s; its log may say what it is busy with`,
          ),
        );
      });
      this.waiting.set(call, { resolve, reject, timer });
      this.parts.send({ kind: "call", call, member, method, args: withoutTail(args) });
    });
  }

  result(call: number, value: unknown): void {
    this.take(call)?.resolve(value);
  }

  fault(call: number, error: PackedError): void {
    this.take(call)?.reject(unpackError(error));
  }

  private take(call: number): Waiting | undefined {
    const one = this.waiting.get(call);
    this.waiting.delete(call);
    one?.timer.cancel();
    return one;
  }

  private find(name: string): unknown {
    const known = this.found.get(name);
    if (known !== undefined || this.found.has(name)) return known;
    const found = this.search(name);
    this.found.set(name, found);
    return found;
  }

  private search(name: string): unknown {
    const { functions, members } = this.shape;
    if (name === "log") return this.own.get(name);
    if (functions.includes(name)) return (...args: unknown[]) => this.call("", name, args);
    if (!members.includes(name)) return undefined;
    return this.own.get(name) ?? this.member(name);
  }

  private log(): Log {
    const line =
      (level: "debug" | "info" | "warn" | "error") =>
      (fields: object, text: string): void => {
        try {
          this.parts.send({ kind: "log", level, fields: { ...fields }, text });
        } catch {
          // Something in it cannot be copied: the words matter most.
          this.parts.send({ kind: "log", level, fields: {}, text });
        }
      };
    return { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") };
  }
}

/** Without the arguments that were left out at the end. */
function withoutTail(args: readonly unknown[]): readonly unknown[] {
  let end = args.length;
  while (end > 0 && args[end - 1] === undefined) end--;
  return args.slice(0, end);
}
