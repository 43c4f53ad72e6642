/**
 * What passes between a thread that answers calls (`thread-service.ts`) and its owner (`supervised-thread.ts`):
 * plain data, but for ports that go over. Beside calls, each side has notes of its own kind, without an answer.
 */
import type { Log } from "./log.js";

/** To the thread: a method by its name. */
export interface ThreadCall {
  readonly kind: "call";
  readonly id: number;
  readonly method: string;
  readonly parameters: readonly unknown[];
}

/** To the thread. */
export type ThreadCommand<Note = never> =
  ThreadCall | { readonly kind: "note"; readonly note: Note };

/** A line for the log, written by the owner. */
export interface ThreadLogLine {
  readonly kind: "log";
  readonly level: keyof Log;
  readonly fields: object;
  readonly message: string;
}

/** From the thread. `Told` comes with the news that it is up. */
export type ThreadReport<Told = undefined, Note = never> =
  | { readonly kind: "ready"; readonly told: Told }
  /** It cannot begin, and ends. */
  | { readonly kind: "failed"; readonly error: PackedError }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "refused"; readonly id: number; readonly error: PackedError }
  | { readonly kind: "note"; readonly note: Note }
  | ThreadLogLine
  /** It was told to stop, and has. */
  | { readonly kind: "closed" };

/** An error, taken apart: classes do not survive the way. */
export interface PackedError {
  readonly message: string;
  /** Of the module's own class. */
  readonly refusal: string | undefined;
  /** Of an error of the system, or of a store. */
  readonly code: string | undefined;
}

/** A module's class of errors that say what to do: they arrive as what they were, with their code. */
export type RefusalClass = new (code: never, message: string) => Error & { readonly code: string };

export function packError(error: unknown, refusal: RefusalClass): PackedError {
  if (!(error instanceof Error)) {
    return { message: String(error), refusal: undefined, code: undefined };
  }
  const { message } = error;
  if (error instanceof refusal) return { message, refusal: error.code, code: undefined };
  const { code } = error as { readonly code?: unknown };
  return { message, refusal: undefined, code: typeof code === "string" ? code : undefined };
}

export function unpackError({ message, refusal, code }: PackedError, Refusal: RefusalClass): Error {
  if (refusal !== undefined) return new Refusal(refusal as never, message);
  return Object.assign(new Error(message), code === undefined ? {} : { code });
}
