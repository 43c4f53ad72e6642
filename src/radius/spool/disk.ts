/**
 * The directory that survives a restart: accounting that waits, and sessions. Keys are laid out by those
 * who use it. An engine that failed, because the disk was full for example, is opened anew until it works
 * again; meanwhile everything is refused at once, and the relay goes on without.
 */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { firstEntries, openLevel, prefixRange, StoreError } from "../../store/index.js";
import type { KvEntry, KvWrite, OrderedKv } from "../../store/index.js";

/** How soon an engine that failed is tried again. */
const RETRY_MS = 2000;

export type OpenEngine = () => Promise<OrderedKv>;

export interface DiskParts {
  readonly clock: Clock;
  readonly log: Log;
  /** For messages. */
  readonly directory: string;
  /** Tests bring their own; by default LevelDB in the directory. */
  readonly open?: OpenEngine;
}

export class Disk {
  private readonly parts: DiskParts;
  private engine: OrderedKv | undefined;
  private fault: StoreError | undefined;
  private retry: TimerHandle | undefined;
  private readonly listeners: (() => Promise<void>)[] = [];
  private closed = false;

  private constructor(parts: DiskParts) {
    this.parts = parts;
  }

  /** Resolves when it was tried for the first time, whatever came of it. Never rejects. */
  static async open(parts: DiskParts): Promise<Disk> {
    const disk = new Disk(parts);
    await disk.begin();
    return disk;
  }

  /** Why it is not usable, and what to do; undefined while it works. */
  get problem(): string | undefined {
    return this.fault?.message;
  }

  /** `run` is called now if it works, and otherwise once, when it does. Never rejects. */
  async whenOpen(run: () => Promise<void>): Promise<void> {
    this.listeners.push(run);
    if (this.engine !== undefined) await this.tell();
  }

  /** All or nothing; with `sync` on the disk when it resolves. Rejects with `StoreError`. */
  async write(writes: readonly KvWrite[], sync: boolean): Promise<void> {
    const engine = this.working();
    try {
      await engine.batch(writes, sync);
    } catch (error) {
      throw this.fail(engine, error);
    }
  }

  /** Up to `most` entries whose keys begin with `prefix`, from the one behind `after` on. */
  async page(
    prefix: string,
    after: Uint8Array | undefined,
    most: number,
  ): Promise<readonly KvEntry[]> {
    const engine = this.working();
    const { from, to } = prefixRange(Buffer.from(prefix));
    const start = after === undefined ? from : Buffer.concat([after, Uint8Array.of(0)]);
    try {
      return await firstEntries(engine, { from: start, to }, most);
    } catch (error) {
      throw this.fail(engine, error);
    }
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    this.retry?.cancel();
    const { engine } = this;
    this.engine = undefined;
    await engine?.close().catch(() => {});
  }

  private working(): OrderedKv {
    if (this.engine !== undefined) return this.engine;
    throw this.fault ?? new StoreError("unavailable", "the relay is stopping");
  }

  private async begin(): Promise<void> {
    const { open, directory, log } = this.parts;
    try {
      const engine = await (open ?? (() => openLevel(directory)))();
      if (this.closed) {
        await engine.close();
        return;
      }
      this.engine = engine;
      if (this.fault !== undefined) log.info({ directory }, "the relay's directory works again");
      this.fault = undefined;
      await this.tell();
    } catch (error) {
      this.fail(undefined, error);
    }
  }

  /** One alarm for as long as the cause is the same. */
  private fail(engine: OrderedKv | undefined, error: unknown): StoreError {
    const fault =
      error instanceof StoreError ? error : new StoreError("unavailable", String(error));
    // Another one, opened meanwhile, is not to blame; nor is one for what it was asked.
    if (engine !== this.engine || fault.code === "invalid" || this.closed) return fault;
    this.engine = undefined;
    if (this.fault?.message !== fault.message) {
      const { log, directory } = this.parts;
      const what = "accounting is not acknowledged before a home server has it";
      log.error({ directory, code: fault.code }, `${fault.message}; until then ${what}`);
    }
    this.fault = fault;
    void engine?.close().catch(() => {});
    this.retry = this.parts.clock.setTimer(RETRY_MS, () => void this.begin());
    return fault;
  }

  private async tell(): Promise<void> {
    for (const run of this.listeners.splice(0)) {
      try {
        await run();
      } catch {
        // The disk failed again in the middle: the next time it is open.
        this.listeners.push(run);
        return;
      }
    }
  }
}
