/** Threads as a test plays them: what they were sent, and what they say. */
import type { OwnedThread, OwnedThreadEvents } from "../../../src/util/owned-thread.js";
import type { ThreadCall, ThreadCommand, ThreadReport } from "../../../src/util/thread-messages.js";

export class PlayedThread<Told, NoteIn = never, NoteOut = never> {
  readonly commands: ThreadCommand<NoteIn>[] = [];
  killed = false;
  private readonly events: OwnedThreadEvents<ThreadReport<Told, NoteOut>>;

  constructor(events: OwnedThreadEvents<ThreadReport<Told, NoteOut>>) {
    this.events = events;
  }

  get owned(): OwnedThread<ThreadCommand<NoteIn>> {
    return {
      post: (command) => void this.commands.push(command),
      kill: () => void (this.killed = true),
    };
  }

  get calls(): ThreadCall[] {
    return this.commands.flatMap((command) => (command.kind === "call" ? [command] : []));
  }

  say(report: ThreadReport<Told, NoteOut>): void {
    this.events.report(report);
  }

  /** Answers the last call. */
  answer(value: unknown): void {
    this.say({ kind: "result", id: this.calls.at(-1)?.id ?? 0, value });
  }

  die(why = "a bug"): void {
    this.events.died(new Error(why));
  }
}
