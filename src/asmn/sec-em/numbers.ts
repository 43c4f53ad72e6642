/**
 * Numbers that are never given twice: serials of verdicts, the sequence of revocations. A block is reserved
 * on the disk before its first number is used, so that a crash skips numbers and repeats none.
 */
import { SecEmError } from "./control.js";
import type { Records } from "./records.js";

/** Large, so that a burst never waits for the disk; there are 2^53. */
const BLOCK = 1_000_000;

export class ReservedNumbers {
  private readonly records: Records;
  private readonly key: string;
  private last = 0;
  private reserved = 0;
  private reserving: Promise<void> | undefined;

  constructor(records: Records, key: string) {
    this.records = records;
    this.key = key;
  }

  /** Begins behind all that the life before can have used. */
  async load(): Promise<void> {
    const record = (await this.records.read(this.key)) as { reserved?: number } | undefined;
    this.last = record?.reserved ?? 0;
    this.reserved = this.last;
    await this.reserve();
  }

  get current(): number {
    return this.last;
  }

  /**
   * Without asking the disk: the next block is asked for while a quarter of this one is left.
   * @throws SecEmError `storage` when the disk has not taken one for so long that this one is used up
   */
  next(): number {
    if (this.reserved - this.last <= BLOCK / 4) this.reserve().catch(() => {});
    if (this.last < this.reserved) return ++this.last;
    throw new SecEmError("storage", "no new numbers can be reserved; free disk space");
  }

  private reserve(): Promise<void> {
    this.reserving ??= this.write().finally(() => (this.reserving = undefined));
    return this.reserving;
  }

  private async write(): Promise<void> {
    const reserved = Math.max(this.reserved, this.last) + BLOCK;
    await this.records.write({ key: this.key, value: { reserved } });
    this.reserved = reserved;
  }
}
