/**
 * The route targets of attribute sets, interned: few distinct combinations stand behind millions of
 * routes. Each combination heads a list of the paths that carry it, so that who asks for a target
 * (RFC 4684) costs the routes of that target and not a walk of the table.
 *
 * Route targets are extended communities of sub-type 0x02 and type 0x00, 0x01 or 0x02, and the
 * ES-Import route target 0x06/0x02 (RFC 7432 section 7.6); EVI-RT (RFC 9251 section 9.5) is none.
 */
import { ByteArena } from "../../util/byte-arena.js";
import { copyBytes, equalBytes, readU16, readU8, toHex } from "../../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../../util/hash.js";
import { RecordTable } from "../../util/record-table.js";

const WIDTH = 6;
const BYTES = 2;
/** Octets: 8 per target. */
const LENGTH = 3;
/** Attribute sets with this combination. */
const REFERENCES = 4;
const FIRST_PATH = 5;
const TARGET = 8;

export class TargetSets {
  private readonly table = new RecordTable(WIDTH);
  private readonly arena = new ByteArena();
  /** Hex of a target -> the combinations that have it. */
  private readonly byTarget = new Map<string, Set<number>>();
  /** Counts up whenever an id comes into use or goes out of it. */
  generation = 0;
  private found = new Uint8Array(1024);

  get count(): number {
    return this.table.count;
  }

  /** The combination in canonical attributes `bytes[start, end)`, with a reference for the caller; 0 for no target. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    const length = this.collect(bytes, start, end);
    if (length === 0) return 0;
    const hash = finishHash(hashBytes(HASH_START, this.found, 0, length));
    const { words } = this.table;
    for (let id = this.table.head(hash); id !== 0; id = words[id * WIDTH + 1]!) {
      const base = id * WIDTH;
      if (
        words[base] === hash &&
        words[base + LENGTH] === length &&
        equalBytes(this.arena.bytes, words[base + BYTES]! * 8, this.found, 0, length)
      ) {
        words[base + REFERENCES] = words[base + REFERENCES]! + 1;
        return id;
      }
    }
    return this.create(hash, length);
  }

  release(id: number): void {
    if (id === 0) return;
    const { words } = this.table;
    const base = id * WIDTH;
    const left = words[base + REFERENCES]! - 1;
    words[base + REFERENCES] = left;
    if (left > 0) return;
    this.generation++;
    for (const target of this.targets(id)) {
      const sets = this.byTarget.get(target);
      sets?.delete(id);
      if (sets?.size === 0) this.byTarget.delete(target);
    }
    this.arena.free(words[base + BYTES]!, words[base + LENGTH]!);
    this.table.release(id);
  }

  /** Hex of each target, 16 digits. */
  targets(id: number): string[] {
    const { words } = this.table;
    const start = words[id * WIDTH + BYTES]! * 8;
    const list: string[] = [];
    for (let at = 0; at < words[id * WIDTH + LENGTH]!; at += TARGET) {
      list.push(toHex(this.arena.bytes, start + at, start + at + TARGET));
    }
    return list;
  }

  /** Every target in use that begins with these hex digits. */
  *beginningWith(prefix: string): Iterable<string> {
    for (const target of this.byTarget.keys()) if (target.startsWith(prefix)) yield target;
  }

  /** The combinations that have this target. */
  having(target: string): Iterable<number> {
    return this.byTarget.get(target) ?? [];
  }

  firstPath(id: number): number {
    return this.table.words[id * WIDTH + FIRST_PATH]!;
  }

  setFirstPath(id: number, path: number): void {
    this.table.words[id * WIDTH + FIRST_PATH] = path;
  }

  private create(hash: number, length: number): number {
    this.generation++;
    const id = this.table.allocate(hash);
    const reference = this.arena.allocate(length);
    copyBytes(this.found, 0, length, this.arena.bytes, reference * 8);
    const { words } = this.table;
    const base = id * WIDTH;
    words[base + BYTES] = reference;
    words[base + LENGTH] = length;
    words[base + REFERENCES] = 1;
    for (const target of this.targets(id)) {
      const sets = this.byTarget.get(target);
      if (sets === undefined) this.byTarget.set(target, new Set([id]));
      else sets.add(id);
    }
    return id;
  }

  /** Copies the targets to `found`, in their order; returns the octets. */
  private collect(bytes: Uint8Array, start: number, end: number): number {
    let length = 0;
    let at = start;
    while (at < end) {
      const extended = (readU8(bytes, at) & 0x10) !== 0;
      const code = readU8(bytes, at + 1);
      const size = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
      const value = at + (extended ? 4 : 3);
      at = value + size;
      if (code > 16) break;
      if (code !== 16) continue;
      if (size > this.found.length) this.found = new Uint8Array(size);
      for (let from = value; from + TARGET <= at; from += TARGET) {
        const type = readU8(bytes, from);
        if (readU8(bytes, from + 1) !== 2 || (type > 2 && type !== 6)) continue;
        length = copyBytes(bytes, from, from + TARGET, this.found, length);
      }
    }
    return length;
  }
}
