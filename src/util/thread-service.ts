/**
 * The thread's side of `supervised-thread.ts`: begins what the thread is for, answers calls by the methods' names
 * in whatever order they are done, and ends after `stop`.
 */
import type { Log } from "./log.js";
import {
  packError,
  type RefusalClass,
  type ThreadCall,
  type ThreadCommand,
  type ThreadLogLine,
  type ThreadReport,
} from "./thread-messages.js";

/** The part of a `MessagePort` that is used. */
export interface ThreadPort<Command, Report> {
  postMessage(report: Report): void;
  on(event: "message", listener: (command: Command) => void): unknown;
  close(): void;
}

/** What a thread is for, begun. */
export interface Served<Told, NoteIn> {
  /** Its methods are what is called, `stop` among them. */
  readonly door: { stop(): Promise<void> };
  /** For the owner, with the news that it is up. */
  readonly told: Told;
  readonly onNote?: (note: NoteIn) => void;
}

/** Ways from a thread to its owner. */
export interface ThreadLines<NoteOut> {
  readonly log: Log;
  readonly note: (note: NoteOut) => void;
}

/**
 * Settled when it is up, or has told that it cannot be. Never rejects.
 * @param refusal errors of this class arrive as such
 */
export async function serveThread<Told = undefined, NoteIn = never, NoteOut = never>(
  port: ThreadPort<ThreadCommand<NoteIn>, ThreadReport<Told, NoteOut>>,
  refusal: RefusalClass,
  start: (lines: ThreadLines<NoteOut>) => Promise<Served<Told, NoteIn>>,
): Promise<void> {
  type Report = ThreadReport<Told, NoteOut>;
  const report = (message: Report): void => port.postMessage(message);
  const obey = async (served: Served<Told, NoteIn>, command: ThreadCommand<NoteIn>) => {
    if (command.kind === "note") return served.onNote?.(command.note);
    await answer(served.door, command, refusal, report);
    if (command.method !== "stop") return;
    report({ kind: "closed" });
    port.close();
  };
  const starting = start({
    log: logOver(report),
    note: (note) => report({ kind: "note", note }),
  });
  // Listening keeps the thread alive, also while nothing else does yet. A note that fails is a bug: it ends it.
  port.on("message", (command) => {
    void starting.then(
      (served) => obey(served, command),
      () => undefined,
    );
  });
  try {
    const { told } = await starting;
    report({ kind: "ready", told });
  } catch (error) {
    report({ kind: "failed", error: packError(error, refusal) });
    port.close();
  }
}

type Method = (...parameters: unknown[]) => Promise<unknown>;
type Answer = Extract<ThreadReport, { readonly id: number }>;

async function answer(
  door: object,
  { id, method, parameters }: ThreadCall,
  refusal: RefusalClass,
  report: (message: Answer) => void,
): Promise<void> {
  try {
    const methods = door as Readonly<Record<string, Method | undefined>>;
    report({ kind: "result", id, value: await methods[method]?.(...parameters) });
  } catch (error) {
    report({ kind: "refused", id, error: packError(error, refusal) });
  }
}

/** An error does not survive the way between threads in every field: its text does. */
function logOver(report: (line: ThreadLogLine) => void): Log {
  const say = (level: keyof Log) => (fields: object, message: string) => {
    const { err } = fields as { readonly err?: unknown };
    const plain = err instanceof Error ? { ...fields, err: err.message } : fields;
    try {
      report({ kind: "log", level, fields: plain, message });
    } catch {
      // Something in it cannot be copied: the words matter most.
      report({ kind: "log", level, fields: {}, message });
    }
  };
  return { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };
}
