/**
 * The event log of tunnels: a ring in memory, and a stream of the store so that it outlives a restart. Each
 * event is one line of what happened, to which tunnel, between whom.
 */
import type { Store } from "../../store/index.js";
import type { Clock, TimerHandle } from "../../util/clock.js";

export interface IpsecEvent {
  /** Ascending; a gap is what was lost. */
  readonly sequence: number;
  /** Wall-clock milliseconds. */
  readonly time: number;
  /** Empty for what concerns none. */
  readonly tunnel: string;
  /** Where IKE and ESP leave; empty when not known. */
  readonly interface: string;
  /** Gateway that told it. */
  readonly origin: string;
  readonly type: "log" | "alert";
  /** `key install`, `key delete`, `decrypt`, `negotiation`, `state`, … */
  readonly action: string;
  readonly source: string;
  readonly destination: string;
  readonly info: string;
}

export type NewEvent = Omit<IpsecEvent, "sequence" | "time">;

export interface EventQuery {
  readonly tunnel?: string | undefined;
  /** Only behind this sequence. */
  readonly after?: number | undefined;
  /** The last so many; default 100. */
  readonly limit?: number | undefined;
}

/** Kept in memory, and about as many in the store. */
export const MOST_EVENTS = 10_000;
const STREAM = "ipsec/events";
/** Waiting to be written; beyond, they are in memory only. */
const MOST_UNWRITTEN = 1000;
const WRITE_MS = 500;

export class EventLog {
  private readonly clock: Clock;
  private readonly store: Store | undefined;
  private ring: IpsecEvent[] = [];
  private sequence = 0;
  private unwritten: IpsecEvent[] = [];
  private timer: TimerHandle | undefined;
  private writing: Promise<void> = Promise.resolve();
  private lastTrim = 0;

  constructor(clock: Clock, store?: Store) {
    this.clock = clock;
    this.store = store;
  }

  /** Takes up what the life before left. Never rejects. */
  async restore(): Promise<void> {
    if (this.store === undefined) return;
    const kept: IpsecEvent[] = [];
    try {
      for (let from = 1; ;) {
        const records = await this.store.read(STREAM, from, 500);
        for (const { value } of records) {
          const event = readEvent(value);
          if (event !== undefined) kept.push(event);
        }
        const last = records.at(-1);
        if (last === undefined) break;
        from = last.sequence + 1;
      }
    } catch {
      // What cannot be read is not missed: the store says itself what is wrong with it.
    }
    const base = kept.at(-1)?.sequence ?? 0;
    const own = this.ring.map((event) => ({ ...event, sequence: event.sequence + base }));
    this.ring = [...kept, ...own].slice(-MOST_EVENTS);
    this.sequence += base;
  }

  add(event: NewEvent): IpsecEvent {
    const full: IpsecEvent = { sequence: ++this.sequence, time: this.clock.wall(), ...event };
    this.ring.push(full);
    if (this.ring.length > 1.25 * MOST_EVENTS) this.ring = this.ring.slice(-MOST_EVENTS);
    if (this.store !== undefined && this.unwritten.length < MOST_UNWRITTEN) {
      this.unwritten.push(full);
      this.timer ??= this.clock.setTimer(WRITE_MS, () => this.write());
    }
    return full;
  }

  /** The newest last. */
  list({ tunnel, after = 0, limit = 100 }: EventQuery): IpsecEvent[] {
    const found = this.ring.filter(
      (event) => event.sequence > after && (tunnel === undefined || event.tunnel === tunnel),
    );
    return found.slice(-limit);
  }

  /** Writes what was taken. Never rejects. */
  async close(): Promise<void> {
    this.timer?.cancel();
    this.write();
    await this.writing;
  }

  private write(): void {
    this.timer = undefined;
    const { store } = this;
    const batch = this.unwritten.splice(0);
    if (store === undefined || batch.length === 0) return;
    const values = batch.map((event) => Buffer.from(JSON.stringify(event)));
    this.writing = this.writing
      .then(() => store.append(STREAM, values))
      .then(async (last) => {
        if (last - this.lastTrim < MOST_EVENTS / 10 || last <= MOST_EVENTS) return;
        this.lastTrim = last;
        await store.trim(STREAM, last - MOST_EVENTS);
      })
      // A log that cannot be written is still one in memory.
      .catch(() => {});
  }
}

function readEvent(value: Uint8Array): IpsecEvent | undefined {
  try {
    const event = JSON.parse(Buffer.from(value).toString("utf8")) as Partial<IpsecEvent>;
    return typeof event.sequence === "number" && typeof event.info === "string"
      ? (event as IpsecEvent)
      : undefined;
  } catch {
    return undefined;
  }
}
