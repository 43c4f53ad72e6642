/**
 * Accounting that no home server has taken yet. `append` resolves when the data is on disk: only then
 * may the client be told. Appends that come while one write runs share the next one, so that the
 * disk's pace sets the batch and not the rate. What waits is on disk; of each pool only the oldest are in
 * memory, however many there are.
 *
 * Key: `spool/` (or `parked/`) tenant `/` pool `/` 14 hexadecimal digits, counting upwards: the order of arrival.
 * Value: 8 octets arrival (wall clock, milliseconds), then the packet as the client sent it.
 */
import type { KvEntry, KvWrite } from "../../store/index.js";
import type { Disk } from "./disk.js";

export interface Spooled {
  readonly pool: string;
  readonly key: string;
  /** Wall clock, milliseconds. */
  readonly arrivedAt: number;
  readonly packet: Uint8Array;
}

/** Why the spool takes nothing more, and what to do. */
export class SpoolError extends Error {}

interface Append {
  readonly entry: Spooled;
  readonly resolve: (entry: Spooled) => void;
  readonly reject: (error: Error) => void;
}

/** What is known of a pool. */
interface Shelf {
  readonly prefix: string;
  /** The oldest, in order. */
  readonly window: Map<string, Spooled>;
  /** On disk, and on the way there. */
  count: number;
  /** Newest that ever was in the window; "" = none. Keys are of one length: their order is that of text. */
  lastKey: string;
  /** Everything that is on disk, but what was removed, is in the window. */
  complete: boolean;
  /** Something was written that the fill under way may have missed. */
  missed: boolean;
  filling: boolean;
  /** Removed before they came into the window. */
  readonly gone: Set<string>;
  /** How many the window holds beyond its size, as those in it cannot be sent now. */
  aside: number;
}

export interface SpoolParts {
  readonly disk: Disk;
  readonly tenant: string;
  /** First part of the keys; without it `spool`. */
  readonly root?: "spool" | "parked";
  /** Octets that may wait. */
  readonly maxOctets: () => number;
  /** The spool is full, or no longer. */
  onAlarm(problem: string | undefined): void;
  /** There is more in a window. */
  onFilled(pool: string): void;
}

const WINDOW = 512;
const WINDOW_LOW = 128;
/** More in the window than it is meant for, when what is in it is set aside. */
export const ASIDE_MAX = 1024;
const PAGE = 1000;
const OVERHEAD = 64;

export class Spool {
  private readonly parts: SpoolParts;
  private readonly shelves = new Map<string, Shelf>();
  private queue: Append[] = [];
  /** Keys to be deleted with the next write. */
  private done: string[] = [];
  private writing = false;
  private next = 0;
  private octetsHeld = 0;
  private isFull = false;
  /** What an earlier run left has been counted. */
  private loaded = false;

  constructor(parts: SpoolParts) {
    this.parts = parts;
  }

  /** Counts what an earlier run left. To be called when the disk is open; rejects with `StoreError`. */
  async load(): Promise<void> {
    const { top } = this;
    this.shelves.clear();
    this.octetsHeld = 0;
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await this.parts.disk.page(top, after, PAGE);
      for (const row of page) this.count(row, top);
      after = page.at(-1)?.key;
      if (after === undefined) break;
    }
    this.loaded = true;
    for (const pool of this.shelves.keys()) await this.fill(pool);
  }

  /** On disk when it resolves; rejects with `SpoolError` or `StoreError` when it is not. */
  append(pool: string, packet: Uint8Array, arrivedAt: number): Promise<Spooled> {
    const { problem } = this;
    if (problem !== undefined) return Promise.reject(new SpoolError(problem));
    const shelf = this.shelf(pool);
    const key = shelf.prefix + (this.next++).toString(16).padStart(14, "0");
    const entry: Spooled = { pool, key, arrivedAt, packet };
    shelf.count++;
    this.octetsHeld += sizeOf(packet);
    return new Promise((resolve, reject) => {
      this.queue.push({ entry, resolve, reject });
      void this.flush();
    });
  }

  /** The oldest entries of a pool, as far as they are in memory; they stay until `remove`. */
  *oldest(pool: string): Iterable<Spooled> {
    const shelf = this.shelves.get(pool);
    if (shelf === undefined) return;
    if (!shelf.complete && shelf.window.size < WINDOW_LOW + shelf.aside) void this.fill(pool);
    yield* shelf.window.values();
  }

  /** A home server has it. A crash before the disk knows costs a repeat, not a loss. */
  remove({ pool, key, packet }: Spooled): void {
    const shelf = this.shelves.get(pool);
    if (shelf === undefined) return;
    // Not read yet: it will be passed over.
    if (!shelf.window.delete(key) && (key <= shelf.lastKey || shelf.gone.has(key))) return;
    if (key > shelf.lastKey) shelf.gone.add(key);
    shelf.count--;
    shelf.aside = Math.min(shelf.aside, shelf.count);
    this.octetsHeld -= sizeOf(packet);
    this.done.push(key);
    void this.flush();
  }

  /** Whether it is among the oldest: not so when it was removed. */
  isWaiting({ pool, key }: Spooled): boolean {
    return this.shelves.get(pool)?.window.has(key) === true;
  }

  /** So many of the oldest wait for one that nobody answers: others come into memory beside them. */
  setAside(pool: string, count: number): void {
    const shelf = this.shelves.get(pool);
    if (shelf !== undefined) shelf.aside = Math.min(count, ASIDE_MAX);
  }

  /** As it was set. */
  aside(pool: string): number {
    return this.shelves.get(pool)?.aside ?? 0;
  }

  /** Entries on disk, and those on their way there. */
  waiting(pool: string): number {
    return this.shelves.get(pool)?.count ?? 0;
  }

  get size(): number {
    let size = 0;
    for (const { count } of this.shelves.values()) size += count;
    return size;
  }

  /** Pools that something waits for, whether they are configured or not. */
  get pools(): string[] {
    return [...this.shelves.keys()];
  }

  get octets(): number {
    return this.octetsHeld;
  }

  /** Why nothing more is taken, and what to do. */
  get problem(): string | undefined {
    const { disk, maxOctets } = this.parts;
    if (disk.problem !== undefined) return disk.problem;
    if (!this.loaded) return "the spool is being read";
    const full = this.octetsHeld >= maxOctets();
    const words = "the spool is full: see to the home servers, or raise radius.spool-max";
    if (full !== this.isFull) {
      this.isFull = full;
      this.parts.onAlarm(full ? words : undefined);
    }
    return full ? words : undefined;
  }

  private async flush(): Promise<void> {
    if (this.writing) return;
    this.writing = true;
    while (this.queue.length > 0 || (this.done.length > 0 && this.usable)) {
      const batch = this.queue.splice(0, PAGE);
      const done = this.done.splice(0, PAGE);
      const writes = [
        ...done.map((key): KvWrite => ({ key: Buffer.from(key), value: undefined })),
        ...batch.map(({ entry }): KvWrite => ({
          key: Buffer.from(entry.key),
          value: encode(entry),
        })),
      ];
      try {
        await this.parts.disk.write(writes, batch.length > 0);
        for (const { entry, resolve } of batch) {
          this.keep(entry);
          resolve(entry);
        }
      } catch (error) {
        // What a home server has and the disk does not know yet: with the next write that works.
        this.done.unshift(...done);
        const cause = error instanceof Error ? error : new Error(String(error));
        for (const { entry, reject } of batch) {
          this.shelf(entry.pool).count--;
          this.octetsHeld -= sizeOf(entry.packet);
          reject(cause);
        }
      }
    }
    this.writing = false;
  }

  private get top(): string {
    const { root = "spool", tenant } = this.parts;
    return `${root}/${encodeURIComponent(tenant)}/`;
  }

  private get usable(): boolean {
    return this.parts.disk.problem === undefined;
  }

  /** It is on disk: in memory, too, if all before it are. A fill may have read it already. */
  private keep(entry: Spooled): void {
    const shelf = this.shelf(entry.pool);
    if (entry.key <= shelf.lastKey) return;
    if (shelf.complete && shelf.window.size < roomOf(shelf)) {
      shelf.window.set(entry.key, entry);
      shelf.lastKey = entry.key;
    } else {
      shelf.complete = false;
      shelf.missed = true;
    }
  }

  private async fill(pool: string): Promise<void> {
    const shelf = this.shelf(pool);
    if (shelf.filling || shelf.window.size >= roomOf(shelf)) return;
    shelf.filling = true;
    shelf.missed = false;
    try {
      // An engine gives short pages, too: only an empty one is the end.
      for (let count = 1; count > 0 && shelf.window.size < roomOf(shelf);) {
        count = await this.readOn(pool, shelf);
        shelf.complete = count === 0 && !shelf.missed;
      }
    } catch {
      // The disk says so itself; the next look tries again, and not at once.
      shelf.filling = false;
      return;
    }
    shelf.filling = false;
    if (shelf.window.size > 0) this.parts.onFilled(pool);
  }

  /** The next page into the window. @returns how many there were */
  private async readOn(pool: string, shelf: Shelf): Promise<number> {
    const after = shelf.lastKey === "" ? undefined : Buffer.from(shelf.lastKey);
    const page = await this.parts.disk.page(shelf.prefix, after, roomOf(shelf) - shelf.window.size);
    for (const row of page) {
      const entry = decode(pool, row);
      if (!shelf.gone.delete(entry.key)) shelf.window.set(entry.key, entry);
      shelf.lastKey = entry.key;
    }
    for (const key of shelf.gone) if (key <= shelf.lastKey) shelf.gone.delete(key);
    return page.length;
  }

  private count({ key, value }: KvEntry, top: string): void {
    const text = Buffer.from(key).toString();
    const [pool = "", number = ""] = text.slice(top.length).split("/");
    const shelf = this.shelf(decodeURIComponent(pool));
    shelf.complete = false;
    shelf.count++;
    this.octetsHeld += value.length - 8 + OVERHEAD;
    this.next = Math.max(this.next, parseInt(number, 16) + 1);
  }

  private shelf(pool: string): Shelf {
    let shelf = this.shelves.get(pool);
    if (shelf === undefined) {
      shelf = {
        prefix: `${this.top}${encodeURIComponent(pool)}/`,
        window: new Map(),
        count: 0,
        lastKey: "",
        complete: true,
        missed: false,
        filling: false,
        gone: new Set(),
        aside: 0,
      };
      this.shelves.set(pool, shelf);
    }
    return shelf;
  }
}

function roomOf({ aside }: Shelf): number {
  return WINDOW + aside;
}

function sizeOf(packet: Uint8Array): number {
  return packet.length + OVERHEAD;
}

function encode({ arrivedAt, packet }: Spooled): Uint8Array {
  const out = new Uint8Array(8 + packet.length);
  new DataView(out.buffer).setFloat64(0, arrivedAt);
  out.set(packet, 8);
  return out;
}

function decode(pool: string, { key, value }: KvEntry): Spooled {
  const view = new DataView(value.buffer, value.byteOffset, value.length);
  return {
    pool,
    key: Buffer.from(key).toString(),
    arrivedAt: view.getFloat64(0),
    packet: value.slice(8),
  };
}
