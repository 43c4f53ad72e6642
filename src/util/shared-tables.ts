/**
 * Tables that one thread writes and others read without asking, under one seqlock.
 *
 * The writer makes its tables through an instance of its own, brackets its changes with `begin` and
 * `end`, and posts `handles` to the others. A reader makes the same tables, by the same names,
 * through an instance made of the handles, and reads in pieces: `attempt` runs one and says whether
 * the writer was at work meanwhile, in which case what came out is worth nothing and is thrown away.
 *
 * - The sequence is odd while the writer changes something. Both sides use read-modify-write atomics at
 *   the ends of what they do, which are full barriers: plain reads and writes stay between them.
 * - A reader never waits for the writer by spinning: whoever gets `TORN` comes back later, and after
 *   some times asks for a pause (`wantPause`), which the writer looks for between stretches of its work.
 * - A piece may meet a table in any state. Lists are followed within a budget of steps, reads beyond the
 *   memory give 0 or nothing, and what is thrown counts only if nothing was written meanwhile.
 * - Numbers that are not in the tables (how many there are, how many buckets) are published at `end`.
 */
import { ByteArena } from "./byte-arena.js";
import type { MemoryHandle } from "./flat-memory.js";
import { AttachedPool, RecordPool, type PoolHandle } from "./record-pool.js";
import { AttachedTable, RecordTable, type TableHandle } from "./record-table.js";
import { TornRead, WalkBudget } from "./walk-budget.js";

/** Words of the lock. */
const SEQUENCE = 0;
const WAITING = 1;
/** Written by readers alone, for the barrier. */
const FENCE = 2;

/** Steps along lists that one piece may take. */
const MOST_STEPS = 200_000;

/** Can be posted to another thread. */
export interface SharedHandles {
  readonly lock: Int32Array;
  readonly pools: Readonly<Record<string, PoolHandle>>;
  readonly tables: Readonly<Record<string, TableHandle>>;
  readonly arenas: Readonly<Record<string, ArenaHandle>>;
  readonly numbers: Readonly<Record<string, Int32Array>>;
}

interface ArenaHandle {
  readonly memory: MemoryHandle;
  /** One word: its length in pages. */
  readonly length: Int32Array;
}

const PAGE = 65536;

/** `attempt` met the writer at work. */
export const TORN = Symbol("torn");

interface Part {
  publish(): void;
  /** False when not all of it can be seen yet. */
  refresh(): boolean;
}

export class SharedTables {
  /** These are another thread's, to read. */
  readonly isAttached: boolean;
  private readonly given: SharedHandles | undefined;
  private readonly made = {
    lock: sharedWords(3),
    pools: {} as Record<string, PoolHandle>,
    tables: {} as Record<string, TableHandle>,
    arenas: {} as Record<string, ArenaHandle>,
    numbers: {} as Record<string, Int32Array>,
  };
  private readonly lock: Int32Array;
  private readonly parts: Part[] = [];
  private readonly walk = new WalkBudget();
  /** Changes under way, one inside the other. */
  private depth = 0;
  /** The sequence that the parts were refreshed at. */
  private seen = -1;

  /** @param handles of the thread that writes; without them, this is the one */
  constructor(handles?: SharedHandles) {
    this.given = handles;
    this.isAttached = handles !== undefined;
    this.lock = handles?.lock ?? this.made.lock;
  }

  /** Everything made so far. */
  get handles(): SharedHandles {
    this.publish();
    return this.made;
  }

  /** @param name says which is which on the other side; each of these four once */
  pool(name: string, width: number): RecordPool {
    const handle = this.find(name, this.made.pools, this.given?.pools);
    const pool =
      handle === undefined ? new RecordPool(width) : new AttachedPool(width, handle, this.walk);
    this.made.pools[name] = pool.handle;
    this.parts.push(pool);
    return pool;
  }

  /** @param bucketsEach as of `RecordTable` */
  table(name: string, width: number, bucketsEach = 1): RecordTable {
    const handle = this.find(name, this.made.tables, this.given?.tables);
    const table =
      handle === undefined
        ? new RecordTable(width, undefined, bucketsEach)
        : new AttachedTable(width, handle, this.walk);
    this.made.tables[name] = table.handle;
    this.parts.push(table);
    return table;
  }

  arena(name: string): ByteArena {
    const handle = this.find(name, this.made.arenas, this.given?.arenas);
    const arena = new ByteArena(handle?.memory);
    const length = handle?.length ?? sharedWords(1);
    this.made.arenas[name] = { memory: arena.handle, length };
    this.parts.push({
      publish: () => {
        length[0] = arena.byteLength / PAGE;
      },
      refresh: () => arena.refresh(length[0]! * PAGE),
    });
    return arena;
  }

  /** Words for what a class keeps outside its tables; it writes them inside `begin` and `end`. */
  numbers(name: string, count: number): Int32Array {
    const words = this.find(name, this.made.numbers, this.given?.numbers) ?? sharedWords(count);
    this.made.numbers[name] = words;
    return words;
  }

  // The writer

  /** Changes begin. May be called again before `end`: the outermost pair counts. */
  begin(): void {
    if (this.depth++ === 0) Atomics.add(this.lock, SEQUENCE, 1);
  }

  end(): void {
    if (--this.depth !== 0) return;
    this.publish();
    Atomics.add(this.lock, SEQUENCE, 1);
  }

  /** Whether a reader has tried in vain for a while; it is taken as answered then. */
  isWanted(): boolean {
    if (this.lock[WAITING] === 0) return false;
    this.lock[WAITING] = 0;
    return true;
  }

  private publish(): void {
    for (const part of this.parts) part.publish();
  }

  // A reader

  /**
   * Runs a piece of reading, some hundred microseconds at most. `TORN` when the writer was at work, or
   * when the piece took more steps than one may: the caller tries again, or asks the writer's thread.
   * What `run` throws is thrown when it was the truth. `run` must not change anything that it reads itself.
   */
  attempt<T>(run: () => T): T | typeof TORN {
    const before = Atomics.load(this.lock, SEQUENCE);
    if ((before & 1) !== 0) return TORN;
    if (before !== this.seen) {
      for (const part of this.parts) if (!part.refresh()) return TORN;
      this.seen = before;
    }
    this.walk.left = MOST_STEPS;
    try {
      const value = run();
      return this.isStill(before) ? value : TORN;
    } catch (error) {
      if (error instanceof TornRead || !this.isStill(before)) return TORN;
      throw error;
    } finally {
      this.walk.left = Number.POSITIVE_INFINITY;
    }
  }

  /** Asks the writer for a pause at the end of its next stretch: this one has tried in vain for a while. */
  wantPause(): void {
    Atomics.store(this.lock, WAITING, 1);
  }

  private isStill(before: number): boolean {
    // Plain reads may be put off past a load, not past a read-modify-write.
    Atomics.add(this.lock, FENCE, 0);
    return Atomics.load(this.lock, SEQUENCE) === before;
  }

  /** What the other thread made by this name; undefined where this is that thread. */
  private find<T>(
    name: string,
    made: Readonly<Record<string, T>>,
    given: Readonly<Record<string, T>> | undefined,
  ): T | undefined {
    if (name in made) throw new Error(`two of what is shared are called ${name}`);
    if (given === undefined) return undefined;
    const handle = given[name];
    if (handle === undefined) throw new Error(`nothing shared is called ${name}`);
    return handle;
  }
}

function sharedWords(count: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer(count * 4));
}
