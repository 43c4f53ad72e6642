/**
 * Finished messages and who gets them. Messages stand one behind the other in slabs that are
 * written once and given away; what goes to the same receivers and touches is one segment, so that
 * a session's share of a batch is a few slices of common memory.
 */
import { hasBit } from "../policy/slot-mask.js";
import type { Batch } from "./batch.js";

const SLAB = 256 * 1024;

export class Segments {
  private slab: Uint8Array = new Uint8Array(0);
  private top = 0;
  private count = 0;
  private readonly slabs: Uint8Array[] = [];
  private readonly start: number[] = [];
  private readonly end: number[] = [];
  private readonly mask: number[] = [];
  private readonly messages: number[] = [];
  private readonly batch: Batch;

  /** @param batch where receivers' masks are */
  constructor(batch: Batch) {
    this.batch = batch;
  }

  clear(): void {
    this.count = 0;
    this.slabs.length = 0;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Where the next message goes, with room for `most` octets. */
  room(most: number): { readonly bytes: Uint8Array; readonly at: number } {
    if (this.top + most > this.slab.length) {
      this.slab = Buffer.allocUnsafeSlow(Math.max(SLAB, most));
      this.top = 0;
    }
    return { bytes: this.slab, at: this.top };
  }

  /** Ends the message begun at `at`, for the receivers at `mask`. */
  finish(at: number, end: number, mask: number): void {
    this.top = end;
    const last = this.count - 1;
    if (
      last >= 0 &&
      this.slabs[last] === this.slab &&
      this.end[last] === at &&
      this.batch.sameMask(this.mask[last]!, mask)
    ) {
      this.end[last] = end;
      this.messages[last] = this.messages[last]! + 1;
      return;
    }
    const index = this.count++;
    this.slabs[index] = this.slab;
    this.start[index] = at;
    this.end[index] = end;
    this.mask[index] = mask;
    this.messages[index] = 1;
  }

  /** The slices for one slot, in order; returns how many messages they hold. */
  collect(slot: number, out: Uint8Array[]): number {
    let messages = 0;
    let slab: Uint8Array | undefined;
    let start = 0;
    let end = 0;
    for (let i = 0; i < this.count; i++) {
      if (!hasBit(this.batch.masks, this.mask[i]!, slot)) continue;
      messages += this.messages[i]!;
      if (slab === this.slabs[i] && end === this.start[i]) {
        end = this.end[i]!;
        continue;
      }
      if (slab !== undefined) out.push(slab.subarray(start, end));
      slab = this.slabs[i]!;
      start = this.start[i]!;
      end = this.end[i]!;
    }
    if (slab !== undefined) out.push(slab.subarray(start, end));
    return messages;
  }
}
