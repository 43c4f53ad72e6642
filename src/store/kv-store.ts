/**
 * The store's interface over an engine (`ordered-kv.ts`). Keys of the engine:
 *   "k" key        -> 8 revision | 8 expiry, 0 = never | value
 *   "s" stream 0 8 sequence -> value
 *   "x" 8 expiry | key      -> nothing: what runs out, in the order of time
 *   "m" "revision", "m" "stream" 0 name -> 8 number
 * Operations run one after the other, so that a condition holds until the write it is for is done.
 */
import type { Clock, TimerHandle } from "../util/clock.js";
import { readU32, writeU32 } from "../util/bytes.js";
import {
  firstEntries,
  prefixRange,
  type KvRange,
  type KvWrite,
  type OrderedKv,
} from "./ordered-kv.js";
import {
  MOST_KEY,
  MOST_SCANNED,
  MOST_VALUE,
  MOST_WRITES,
  StoreError,
  type ScanRange,
  type Store,
  type StoreChange,
  type StoreEntry,
  type StoreStatus,
  type StoreWrite,
  type StreamRecord,
  type WriteOptions,
} from "./store.js";

const HIGH = 0x1_0000_0000;
const HEADER = 16;
const KEY = /^[A-Za-z0-9_./=:-]+$/;
/** How often it is looked whether something has run out, while something can. */
const EXPIRE_MS = 1000;

interface Watcher {
  readonly prefix: string;
  readonly sink: (changes: readonly StoreChange[]) => void;
}

export class KvStore implements Store {
  private readonly kv: OrderedKv;
  private readonly clock: Clock;
  private readonly directory: string | undefined;
  private readonly watchers = new Set<Watcher>();
  /** Of the last write; undefined until it is read. */
  private revision: number | undefined;
  private readonly sequences = new Map<string, number>();
  private last: Promise<unknown> = Promise.resolve();
  private timer: TimerHandle | undefined;
  private closed = false;

  /** @param directory for `status` only */
  constructor(kv: OrderedKv, clock: Clock, directory?: string) {
    this.kv = kv;
    this.clock = clock;
    this.directory = directory;
    // What the life before left may run out without anybody writing.
    this.arm();
  }

  get(key: string): Promise<StoreEntry | undefined> {
    return this.inTurn(() => this.find(checkedKey(key)));
  }

  write(writes: readonly StoreWrite[], options: WriteOptions = {}): Promise<number> {
    return this.inTurn(async () => {
      if (writes.length > MOST_WRITES) {
        throw new StoreError("invalid", `a batch has at most ${MOST_WRITES} writes; send several`);
      }
      if (new Set(writes.map(({ key }) => key)).size < writes.length) {
        throw new StoreError("invalid", "a batch writes each key once");
      }
      const revision = (await this.lastRevision()) + 1;
      const now = this.clock.wall();
      const batch: KvWrite[] = [];
      const changes: StoreChange[] = [];
      for (const one of writes) {
        const key = checkedKey(one.key);
        const found = await this.find(key);
        checkExpected(one, found);
        if (found?.expires !== undefined) {
          batch.push({ key: expiryKey(found.expires, key), value: undefined });
        }
        if (one.kind === "delete") {
          if (found === undefined) continue;
          batch.push({ key: entryKey(key), value: undefined });
          changes.push({ kind: "delete", key, revision });
          continue;
        }
        const expires = one.ttlMs === undefined ? undefined : Math.ceil(now + one.ttlMs);
        batch.push({
          key: entryKey(key),
          value: packed(revision, expires, checkedValue(one.value)),
        });
        if (expires !== undefined) {
          batch.push({ key: expiryKey(expires, key), value: new Uint8Array(0) });
        }
        changes.push({
          kind: "put",
          entry: { key, value: Uint8Array.from(one.value), revision, expires },
        });
      }
      await this.commit(batch, revision, options.sync === true);
      this.tell(changes);
      this.arm();
      return revision;
    });
  }

  scan({ prefix, after, limit = MOST_SCANNED }: ScanRange): Promise<readonly StoreEntry[]> {
    return this.inTurn(() => this.page(prefix, after, Math.min(MOST_SCANNED, limit)));
  }

  watch(prefix: string, sink: (changes: readonly StoreChange[]) => void): () => void {
    const watcher: Watcher = { prefix, sink };
    let ended = false;
    this.inTurn(async () => {
      let begun = false;
      for (let after: string | undefined; !ended;) {
        const page = await this.page(prefix, after, MOST_SCANNED);
        const puts = page.map((entry): StoreChange => ({ kind: "put", entry }));
        after = page.at(-1)?.key;
        const revision = await this.lastRevision();
        const end: StoreChange[] = after === undefined ? [{ kind: "sync", revision }] : [];
        sink(begun ? [...puts, ...end] : [{ kind: "reset" }, ...puts, ...end]);
        begun = true;
        if (after === undefined) break;
      }
      if (!ended) this.watchers.add(watcher);
    }).catch(() => {
      // The engine failed; its owner opens another one, and watches begin again there.
    });
    return () => {
      ended = true;
      this.watchers.delete(watcher);
    };
  }

  append(
    stream: string,
    values: readonly Uint8Array[],
    options: WriteOptions = {},
  ): Promise<number> {
    return this.inTurn(async () => {
      const name = checkedKey(stream);
      if (values.length > MOST_WRITES) {
        throw new StoreError("invalid", `append at most ${MOST_WRITES} records at once`);
      }
      let sequence = await this.lastSequence(name);
      const batch = values.map((value): KvWrite => ({
        key: streamKey(name, ++sequence),
        value: checkedValue(value),
      }));
      batch.push({ key: metaKey(`stream\0${name}`), value: number(sequence) });
      await this.kv.batch(batch, options.sync === true);
      this.sequences.set(name, sequence);
      return sequence;
    });
  }

  read(stream: string, from: number, most: number): Promise<readonly StreamRecord[]> {
    return this.inTurn(async () => {
      const name = checkedKey(stream);
      const range: KvRange = { from: streamKey(name, from), to: streamKey(name, 2 ** 53) };
      const rows = await firstEntries(this.kv, range, Math.min(MOST_SCANNED, most));
      return rows.map(({ key, value }) => ({ sequence: numberAt(key, key.length - 8), value }));
    });
  }

  trim(stream: string, sequence: number): Promise<void> {
    return this.inTurn(() => {
      const name = checkedKey(stream);
      return this.kv.clear({ from: streamKey(name, 0), to: streamKey(name, sequence) });
    });
  }

  status(): StoreStatus {
    const state = this.closed ? "closed" : "open";
    return { state, directory: this.directory, problem: undefined };
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.inTurn(() => Promise.resolve()).catch(() => {});
    this.closed = true;
    this.timer?.cancel();
    this.watchers.clear();
    await this.kv.close().catch(() => {});
  }

  private inTurn<T>(run: () => Promise<T>): Promise<T> {
    const result = this.last.then(() => {
      if (this.closed)
        throw new StoreError("unavailable", "the store is closed: evpnd is stopping");
      return run();
    });
    this.last = result.catch(() => {});
    return result;
  }

  private async find(key: string): Promise<StoreEntry | undefined> {
    const value = await this.kv.get(entryKey(key));
    return value === undefined ? undefined : this.entry(key, value);
  }

  /** Undefined when it has run out. */
  private entry(key: string, bytes: Uint8Array): StoreEntry | undefined {
    const expires = numberAt(bytes, 8);
    if (expires !== 0 && expires <= this.clock.wall()) return undefined;
    return {
      key,
      value: Uint8Array.from(bytes.subarray(HEADER)),
      revision: numberAt(bytes, 0),
      expires: expires === 0 ? undefined : expires,
    };
  }

  /** Entries that have run out and still stand there do not count. */
  private async page(
    prefix: string,
    after: string | undefined,
    most: number,
  ): Promise<StoreEntry[]> {
    const range = prefixRange(entryKey(prefix));
    const from = after === undefined ? range.from : entryKey(`${after}\0`);
    const cursor = this.kv.cursor({ from, to: range.to });
    const out: StoreEntry[] = [];
    try {
      while (out.length < most) {
        const rows = await cursor.next(most - out.length);
        if (rows.length === 0) break;
        for (const { key, value } of rows) {
          const entry = this.entry(Buffer.from(key.subarray(1)).toString(), value);
          if (entry !== undefined) out.push(entry);
        }
      }
    } finally {
      await cursor.close();
    }
    return out;
  }

  private async commit(batch: readonly KvWrite[], revision: number, sync: boolean): Promise<void> {
    await this.kv.batch([...batch, { key: metaKey("revision"), value: number(revision) }], sync);
    this.revision = revision;
  }

  private async lastRevision(): Promise<number> {
    this.revision ??= await this.stored("revision");
    return this.revision;
  }

  private async lastSequence(stream: string): Promise<number> {
    return this.sequences.get(stream) ?? (await this.stored(`stream\0${stream}`));
  }

  private async stored(name: string): Promise<number> {
    const bytes = await this.kv.get(metaKey(name));
    return bytes === undefined ? 0 : numberAt(bytes, 0);
  }

  private tell(changes: readonly StoreChange[]): void {
    for (const { prefix, sink } of this.watchers) {
      const wanted = changes.filter(
        (change) =>
          (change.kind === "put" && change.entry.key.startsWith(prefix)) ||
          (change.kind === "delete" && change.key.startsWith(prefix)),
      );
      if (wanted.length > 0) sink(wanted);
    }
  }

  private arm(): void {
    if (this.timer !== undefined || this.closed) return;
    this.timer = this.clock.setTimer(EXPIRE_MS, () => {
      this.timer = undefined;
      this.inTurn(() => this.expire()).then(
        (more) => {
          if (more) this.arm();
        },
        () => this.arm(),
      );
    });
  }

  /** Deletes what has run out; whether there is more that will. */
  private async expire(): Promise<boolean> {
    const all = prefixRange(Buffer.from("x"));
    const due = { from: all.from, to: Buffer.concat([all.from, number(this.clock.wall() + 1)]) };
    const rows = await firstEntries(this.kv, due, MOST_WRITES);
    if (rows.length > 0) {
      const revision = (await this.lastRevision()) + 1;
      const keys = rows.map((row) => Buffer.from(row.key.subarray(9)).toString());
      const batch = rows.flatMap((row, i): KvWrite[] => [
        { key: row.key, value: undefined },
        { key: entryKey(keys[i]!), value: undefined },
      ]);
      await this.commit(batch, revision, false);
      this.tell(keys.map((key) => ({ kind: "delete", key, revision })));
    }
    return (await firstEntries(this.kv, all, 1)).length > 0;
  }
}

function checkExpected({ key, expect }: StoreWrite, found: StoreEntry | undefined): void {
  if (expect === undefined || expect === (found?.revision ?? 0)) return;
  throw new StoreError(
    "conflict",
    found === undefined
      ? `${key} is not there any more; read again`
      : `${key} was written by somebody else (revision ${found.revision}); read again`,
  );
}

function checkedKey(key: string): string {
  if (KEY.test(key) && key.length <= MOST_KEY) return key;
  throw new StoreError(
    "invalid",
    `"${key.slice(0, 80)}" is no key: up to ${MOST_KEY} letters, digits and -_./=: are`,
  );
}

function checkedValue(value: Uint8Array): Uint8Array {
  if (value.length <= MOST_VALUE) return value;
  throw new StoreError(
    "invalid",
    `a value of ${value.length} octets is too long; at most ${MOST_VALUE}`,
  );
}

function packed(revision: number, expires: number | undefined, value: Uint8Array): Uint8Array {
  return Buffer.concat([number(revision), number(expires ?? 0), value]);
}

function entryKey(key: string): Uint8Array {
  return Buffer.from(`k${key}`);
}

function metaKey(name: string): Uint8Array {
  return Buffer.from(`m${name}`);
}

function streamKey(stream: string, sequence: number): Uint8Array {
  return Buffer.concat([Buffer.from(`s${stream}\0`), number(sequence)]);
}

function expiryKey(expires: number, key: string): Uint8Array {
  return Buffer.concat([Buffer.from("x"), number(expires), Buffer.from(key)]);
}

/** Eight octets; their order is that of the numbers. */
function number(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU32(bytes, 0, Math.floor(value / HIGH));
  writeU32(bytes, 4, value % HIGH);
  return bytes;
}

function numberAt(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at) * HIGH + readU32(bytes, at + 4);
}
