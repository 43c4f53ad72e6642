/**
 * Growable memory outside the JavaScript heap, for tables of millions of records.
 *
 * A shared WebAssembly.Memory reserves address space once and commits pages as they are touched:
 * growing copies nothing, moves nothing and never stalls, and views are as fast as any typed array.
 * Being shared, another thread can map the same table (`handle`). Growing makes new views, so never keep
 * a view across a call that may grow: read `i32`/`u8` from the object each time.
 */
const PAGE = 65536;

/** A shared WebAssembly.Memory: what can be posted to another thread. */
export interface MemoryHandle {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

/** Node.js has it; its types come only with the DOM library. */
declare const WebAssembly: {
  Memory: new (limits: { initial: number; maximum: number; shared: true }) => MemoryHandle;
};

export class FlatMemory {
  i32: Int32Array;
  u8: Uint8Array;
  /** The same memory, for a thread that calls `attach` with it. */
  readonly handle: MemoryHandle;
  private readonly maximumBytes: number;

  /**
   * @param initialBytes committed at once
   * @param maximumBytes at most 4 GiB, the default
   * @param handle another thread's memory to look into, instead of new memory
   */
  constructor(initialBytes = PAGE, maximumBytes = 65536 * PAGE, handle?: MemoryHandle) {
    this.maximumBytes = Math.ceil(maximumBytes / PAGE) * PAGE;
    this.handle =
      handle ??
      new WebAssembly.Memory({
        initial: Math.max(1, Math.ceil(initialBytes / PAGE)),
        maximum: Math.ceil(maximumBytes / PAGE),
        shared: true,
      });
    this.i32 = new Int32Array(this.handle.buffer);
    this.u8 = new Uint8Array(this.handle.buffer);
  }

  /** Another thread's memory. It sees what was there; `refresh` sees what was grown since. */
  static attach(handle: MemoryHandle): FlatMemory {
    return new FlatMemory(0, undefined, handle);
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
    this.handle.grow(Math.ceil(Math.max(needed, Math.min(step, room)) / PAGE));
    this.look();
  }

  /** Sees at least `bytes`, if another thread has grown the memory so far; whether it has. */
  refresh(bytes: number): boolean {
    if (bytes <= this.u8.length) return true;
    // Growing by nothing makes this thread's buffer as long as the memory is.
    if (this.handle.buffer.byteLength < bytes) this.handle.grow(0);
    this.look();
    return bytes <= this.u8.length;
  }

  private look(): void {
    this.i32 = new Int32Array(this.handle.buffer);
    this.u8 = new Uint8Array(this.handle.buffer);
  }
}
