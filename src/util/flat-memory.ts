/**
 * Growable memory outside the JavaScript heap, for tables of millions of records.
 *
 * A shared WebAssembly.Memory reserves address space once and commits pages as they are touched:
 * growing copies nothing, moves nothing and never stalls, and views are as fast as any typed array.
 * Being shared, another thread can map the same table. Growing makes new views, so never keep a view
 * across a call that may grow: read `i32`/`u8` from the object each time.
 */
const PAGE = 65536;

/** Node.js has it; its types come only with the DOM library. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => {
    readonly buffer: SharedArrayBuffer;
    grow(pages: number): number;
  };
};

export class FlatMemory {
  i32: Int32Array;
  u8: Uint8Array;
  private readonly memory: InstanceType<typeof WebAssembly.Memory>;
  private readonly maximumBytes: number;

  /** @param initialBytes committed at once; @param maximumBytes at most 4 GiB, the default */
  constructor(initialBytes = PAGE, maximumBytes = 65536 * PAGE) {
    this.maximumBytes = Math.ceil(maximumBytes / PAGE) * PAGE;
    this.memory = new WebAssembly.Memory({
      initial: Math.max(1, Math.ceil(initialBytes / PAGE)),
      maximum: Math.ceil(maximumBytes / PAGE),
      shared: true,
    });
    this.i32 = new Int32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
  }

  get byteLength(): number {
    return this.u8.length;
  }

  /** Makes at least `bytes` addressable, in steps of an eighth (1 MiB at least). Throws RangeError past the maximum. */
  ensure(bytes: number): void {
    if (bytes <= this.u8.length) return;
    const needed = bytes - this.u8.length;
    const step = Math.max(needed, this.u8.length >>> 3, 1 << 20);
    const room = this.maximumBytes - this.u8.length;
    this.memory.grow(Math.ceil(Math.max(needed, Math.min(step, room)) / PAGE));
    this.i32 = new Int32Array(this.memory.buffer);
    this.u8 = new Uint8Array(this.memory.buffer);
  }
}
