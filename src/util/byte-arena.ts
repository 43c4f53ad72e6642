/**
 * Byte strings outside the JavaScript heap, in size classes with free lists. A reference is the
 * offset divided by 8, so it fits a signed 32-bit table cell; 0 is never a valid reference.
 */
import { FlatMemory, type MemoryHandle } from "./flat-memory.js";

const SMALL = 512;
/** Classes of 8 octets up to SMALL, then powers of two up to LARGEST. */
const CLASSES = SMALL / 8 + 8;
const LARGEST = SMALL << 8;

function sizeClass(length: number): number {
  if (length <= SMALL) return length <= 8 ? 0 : (length - 1) >>> 3;
  return SMALL / 8 - 1 + (32 - Math.clz32((length - 1) >>> 9));
}

function classSize(index: number): number {
  return index < SMALL / 8 ? (index + 1) << 3 : SMALL << (index - SMALL / 8 + 1);
}

export class ByteArena {
  private readonly memory: FlatMemory;
  private readonly freeHeads = new Int32Array(CLASSES);
  private top = 8;
  /** Octets handed out and not freed, rounded up to their classes. */
  usedBytes = 0;

  /** @param handle another thread's strings, to read */
  constructor(handle?: MemoryHandle) {
    this.memory = new FlatMemory(1 << 20, undefined, handle);
  }

  /** For another thread. */
  get handle(): MemoryHandle {
    return this.memory.handle;
  }

  /** Octets given back and not handed out again. */
  get freedBytes(): number {
    return this.top - 8 - this.usedBytes;
  }

  get bytes(): Uint8Array {
    return this.memory.u8;
  }

  get byteLength(): number {
    return this.memory.byteLength;
  }

  /** Sees at least `bytes` of another thread's strings; whether they are there. */
  refresh(bytes: number): boolean {
    return this.memory.refresh(bytes);
  }

  /** Room for `length` octets (1 to 131072, RangeError beyond); the content is undefined. */
  allocate(length: number): number {
    if (length > LARGEST) throw new RangeError(`no room for a string of ${length} octets`);
    const index = sizeClass(length);
    const size = classSize(index);
    this.usedBytes += size;
    const head = this.freeHeads[index]!;
    if (head !== 0) {
      this.freeHeads[index] = this.memory.i32[head << 1]!;
      return head;
    }
    const at = this.top;
    if (at + size > this.memory.byteLength) this.memory.ensure(at + size);
    this.top = at + size;
    return at >>> 3;
  }

  /** `length` must be in the class of the allocated length. */
  free(reference: number, length: number): void {
    const index = sizeClass(length);
    this.usedBytes -= classSize(index);
    this.memory.i32[reference << 1] = this.freeHeads[index]!;
    this.freeHeads[index] = reference;
  }

  /** Whether a string of `b` octets fits the room that one of `a` octets has. */
  static sameClass(a: number, b: number): boolean {
    return sizeClass(a) === sizeClass(b);
  }
}
