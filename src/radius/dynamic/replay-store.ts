/**
 * Names of Disconnect and CoA requests on disk, so that a restart does not let what was captured be played
 * again while its Event-Timestamp is still good. Written at once, and not synced: what a killed process wrote
 * is there.
 * Key: `seen/` tenant `/` the Request Authenticator in hexadecimal; value: 8 octets until when (wall clock,
 * milliseconds), then the home servers it was from.
 */
import type { KvWrite } from "../../store/index.js";
import type { Disk } from "../spool/disk.js";

export interface StoredName {
  readonly name: string;
  /** Wall clock, milliseconds. */
  readonly until: number;
  readonly source: string;
}

const PAGE = 1000;
/** Writes that may wait for a slow disk. */
const WAITING_MAX = 65_536;

export class ReplayStore {
  private readonly disk: Disk;
  private readonly prefix: string;
  private waiting: KvWrite[] = [];
  private isWriting = false;

  constructor(disk: Disk, tenant: string) {
    this.disk = disk;
    this.prefix = `seen/${encodeURIComponent(tenant)}/`;
  }

  /** Rejects with `StoreError`. */
  async read(): Promise<StoredName[]> {
    const names: StoredName[] = [];
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await this.disk.page(this.prefix, after, PAGE);
      for (const { key, value } of page) {
        if (value.length < 8) continue;
        const hex = Buffer.from(key).toString().slice(this.prefix.length);
        const octets = Buffer.from(value);
        names.push({
          name: Buffer.from(hex, "hex").toString("latin1"),
          until: octets.readDoubleBE(0),
          source: octets.toString("utf8", 8),
        });
      }
      after = page.at(-1)?.key;
      if (after === undefined) return names;
    }
  }

  keep({ name, until, source }: StoredName): void {
    const octets = Buffer.alloc(8 + Buffer.byteLength(source));
    octets.writeDoubleBE(until, 0);
    octets.write(source, 8);
    this.write([{ key: this.keyOf(name), value: octets }]);
  }

  forget(names: readonly string[]): void {
    this.write(names.map((name) => ({ key: this.keyOf(name), value: undefined })));
  }

  private keyOf(name: string): Buffer {
    return Buffer.from(this.prefix + Buffer.from(name, "latin1").toString("hex"));
  }

  private write(writes: readonly KvWrite[]): void {
    if (writes.length === 0 || this.waiting.length + writes.length > WAITING_MAX) return;
    this.waiting.push(...writes);
    if (!this.isWriting) void this.flush();
  }

  /** What comes while one write runs shares the next. What the disk refuses is not tried again: it says so. */
  private async flush(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) {
      await this.disk.write(this.waiting.splice(0), false).catch(() => {});
    }
    this.isWriting = false;
  }
}
