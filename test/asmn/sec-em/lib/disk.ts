/** Disks that a test can fill, and look into. */
import { randomBytes } from "node:crypto";
import { KvStore, MemoryKv, StoreError, type KvWrite } from "../../../../src/store/index.js";
import type { AuditDisk } from "../../../../src/asmn/audit/index.js";
import type { ReserveDisk } from "../../../../src/asmn/sec-em/reserve.js";
import type { Clock } from "../../../../src/util/clock.js";

/** An engine that outlives the stores over it, as a directory outlives a process. */
export class TestDisk {
  readonly kv = new MemoryKv();
  /** Every write fails. */
  full = false;
  /** Called before each write; what it throws is the write's fault. */
  beforeWrite: (() => void) | undefined;
  readonly audit = new TestAuditDisk(() => this.full);
  /** Its blocks are there already: it takes what is written while the disk is full. */
  readonly reserve = new TestReserveDisk();
  /** Writes wait for it: a disk that is slow. */
  held: Promise<void> | undefined;
  writes = 0;
  private dead: { value: boolean } = { value: false };

  /** The store of one life; `kill` ends that life without a word. */
  store(clock: Clock): KvStore {
    const { kv } = this;
    const dead = (this.dead = { value: false });
    return new KvStore(
      {
        get: (key) => kv.get(key),
        cursor: (range) => kv.cursor(range),
        clear: (range) => kv.clear(range),
        size: (range) => kv.size(range),
        compact: () => Promise.resolve(),
        close: () => Promise.resolve(),
        batch: async (writes: readonly KvWrite[]) => {
          if (dead.value) await new Promise(() => {});
          this.writes++;
          this.beforeWrite?.();
          await this.held;
          if (this.full) throw new StoreError("full", "there is no room left; free disk space");
          await kv.batch(writes);
        },
      },
      clock,
    );
  }

  kill(): void {
    this.dead.value = true;
  }
}

export class TestReserveDisk implements ReserveDisk {
  bytes: Uint8Array | undefined;
  /** A file system that needs room for everything. */
  broken = false;
  writes = 0;

  read(): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.bytes);
  }

  allocate(octets: number): Promise<void> {
    if (this.broken) return Promise.reject(new Error("ENOSPC: no space left on device"));
    this.bytes = randomBytes(octets);
    return Promise.resolve();
  }

  write(at: number, bytes: Uint8Array): Promise<void> {
    if (this.broken) return Promise.reject(new Error("ENOSPC: no space left on device"));
    this.writes++;
    this.bytes?.set(bytes, at);
    return Promise.resolve();
  }
}

export class TestAuditDisk implements AuditDisk {
  readonly files = new Map<string, Uint8Array>();
  private readonly full: () => boolean;

  constructor(full: () => boolean = () => false) {
    this.full = full;
  }

  list(): Promise<readonly string[]> {
    return Promise.resolve([...this.files.keys()].sort());
  }

  read(name: string): Promise<Uint8Array> {
    return Promise.resolve(this.files.get(name) ?? new Uint8Array(0));
  }

  size(name: string): Promise<number> {
    return Promise.resolve(this.files.get(name)?.length ?? 0);
  }

  append(name: string, length: number, bytes: Uint8Array): Promise<void> {
    const before = (this.files.get(name) ?? new Uint8Array(0)).subarray(0, length);
    if (this.full()) {
      // Half of it, as a disk does that fills up in the middle.
      this.files.set(name, Buffer.concat([before, bytes.subarray(0, bytes.length >> 1)]));
      return Promise.reject(new Error("ENOSPC: no space left on device"));
    }
    this.files.set(name, Buffer.concat([before, bytes]));
    return Promise.resolve();
  }

  cut(name: string, length: number): Promise<void> {
    this.files.set(name, (this.files.get(name) ?? new Uint8Array(0)).subarray(0, length));
    return Promise.resolve();
  }

  remove(name: string): Promise<void> {
    this.files.delete(name);
    return Promise.resolve();
  }

  text(): string {
    return [...this.files].map(([, bytes]) => Buffer.from(bytes).toString("utf8")).join("");
  }
}
