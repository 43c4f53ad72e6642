/**
 * What every transport does around an operation: who asks and whether he may, how long it may take, and a
 * line in the log for what changes something, whatever came of it.
 */
import { systemClock, type Clock } from "../util/clock.js";
import { Deadlines } from "../util/deadlines.js";
import { LogRate } from "../util/log-rate.js";
import { Access, type Credentials } from "./access.js";
import type { HttpBackend } from "./backend.js";
import { HttpError, refusal } from "./error.js";
import type { Caller, Operation } from "./service/index.js";
import type { HttpSettings } from "./settings.js";

/** Most time for one answer; streams have as long as they are read. */
export const ANSWER_MS = 120_000;
/** Longer texts are not repeated in the log. */
const SHOWN_MAX = 64;

export class Desk {
  readonly backend: HttpBackend;
  private readonly settings: () => HttpSettings;
  private readonly deadlines: Deadlines;
  private readonly refusals: LogRate;
  private access: Access;
  private of: HttpSettings;
  private closed = false;

  /** @param settings asked at each request, as a reload may change it */
  constructor(backend: HttpBackend, settings: () => HttpSettings, clock: Clock = systemClock) {
    this.backend = backend;
    this.settings = settings;
    this.deadlines = new Deadlines(clock, ANSWER_MS);
    this.refusals = new LogRate(clock);
    this.of = settings();
    this.access = new Access(this.of.clients);
  }

  /** Throws `HttpError` 401 or 403. */
  admit(operation: Pick<Operation, "id" | "role">, credentials: Credentials): Caller {
    const settings = this.settings();
    if (settings !== this.of) {
      this.of = settings;
      this.access = new Access(settings.clients);
    }
    try {
      return this.access.authorize(operation.role, credentials);
    } catch (error) {
      const { address, via } = credentials;
      const more = this.refusals.pass(address);
      if (more !== undefined && error instanceof HttpError) {
        this.backend.log.warn(
          { address, via, operation: operation.id, code: error.code, ...(more > 0 && { more }) },
          `API: refused: ${error.message}`,
        );
      }
      throw error;
    }
  }

  /** @param input is logged, but for long texts and those that may hold secrets */
  perform<T>(
    operation: Operation,
    caller: Caller,
    input: Readonly<Record<string, unknown>>,
    run: () => Promise<T>,
  ): Promise<T> {
    if (operation.role !== "operator") return this.inTime(run);
    return this.performLogged(operation, caller, input, run);
  }

  /** What is under way is refused. */
  close(): void {
    this.closed = true;
    this.deadlines.close();
  }

  private tooLate(): HttpError {
    return this.closed
      ? new HttpError(
          503,
          "busy",
          "the API is being closed; what was begun goes on, so look before you ask again",
        )
      : new HttpError(
          504,
          "timeout",
          `there is no answer after ${ANSWER_MS / 1000} s; what was begun goes on, so look before you ask again`,
        );
  }

  private async performLogged<T>(
    { id }: Operation,
    caller: Caller,
    input: Readonly<Record<string, unknown>>,
    run: () => Promise<T>,
  ): Promise<T> {
    const { name: client, address, via } = caller;
    const fields = { client, address, via, operation: id, ...brief(input) };
    try {
      const answer = await this.inTime(run);
      this.backend.log.info({ ...fields, outcome: "done" }, `API: ${id} by ${client}`);
      return answer;
    } catch (error) {
      const outcome = refusal(error)?.body.error.code ?? "failed";
      this.backend.log.warn({ ...fields, outcome }, `API: ${id} by ${client}`);
      throw error;
    }
  }

  private inTime<T>(run: () => Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      // What it throws at once refuses as well.
      const work = run();
      const deadline = this.deadlines.begin(() => reject(this.tooLate()));
      work.then(
        (value) => {
          deadline.end();
          resolve(value);
        },
        (error: unknown) => {
          deadline.end();
          reject(error instanceof Error ? error : new Error(String(error)));
        },
      );
    });
  }
}

function brief(input: Readonly<Record<string, unknown>>): { readonly input?: object } {
  const shown = Object.entries(input).filter(([name, value]) => {
    if (typeof value === "string") return name !== "text" && value.length <= SHOWN_MAX;
    if (Array.isArray(value)) return JSON.stringify(value).length <= SHOWN_MAX;
    return typeof value === "number" || typeof value === "boolean";
  });
  return shown.length === 0 ? {} : { input: Object.fromEntries(shown) };
}
