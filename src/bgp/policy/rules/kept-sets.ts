/**
 * References to the attribute sets that rules made. A set is held until the batch that asked for it is
 * over, and a while longer: the next batch often asks for the same one, and to find it costs less than
 * to write it again. Bounded: the oldest goes.
 */
import type { AttrStore } from "../../rib/attr-store.js";

const KEPT = 1024;

export class KeptSets {
  private readonly attrs: AttrStore;
  private readonly pending: number[] = [];
  private readonly ring = new Int32Array(KEPT);
  private next = 0;

  constructor(attrs: AttrStore) {
    this.attrs = attrs;
  }

  /** Takes over a reference. */
  readonly add = (attr: number): void => {
    this.pending.push(attr);
  };

  /** Nobody uses what was added since the last call. */
  endBatch(): void {
    const { pending, ring } = this;
    for (let i = 0; i < pending.length; i++) {
      const oldest = ring[this.next]!;
      ring[this.next] = pending[i]!;
      this.next = (this.next + 1) % KEPT;
      if (oldest !== 0) this.attrs.release(oldest);
    }
    pending.length = 0;
  }

  /** Lets go of everything. */
  clear(): void {
    this.endBatch();
    for (const attr of this.ring) if (attr !== 0) this.attrs.release(attr);
    this.ring.fill(0);
  }

  /** Each reference, for audits. */
  forEach(visit: (attr: number) => void): void {
    for (const attr of this.pending) visit(attr);
    for (const attr of this.ring) if (attr !== 0) visit(attr);
  }
}
