/**
 * Path attribute sets, interned as bytes. A set is what `writeCanonicalAttributes` makes of an
 * UPDATE's attributes, with family and next hop as part of its identity; NLRI are elsewhere. Equal
 * sets have one id, from whatever peer they came: who sent a route is the route's property.
 *
 * Every path that uses a set holds one reference; a set goes when the last one does. Numbers that
 * best path and reflection ask for are read once, when the set is interned.
 */
import { ByteArena } from "../../util/byte-arena.js";
import { equalBytes, copyBytes } from "../../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../../util/hash.js";
import { RecordTable } from "../../util/record-table.js";
import type { Family } from "../../fast-bgp-codec/family.js";
import { AttrFacts, readAttrFacts } from "./attr-facts.js";
import { TargetSets } from "./target-sets.js";

const WIDTH = 16;
const BYTES = 2;
/** Octets stored: next hop and attributes. */
const LENGTH = 3;
const REFERENCES = 4;
/** Family in bits 0-7, next-hop length in bits 8-15. */
const KIND = 5;
const LOCAL_PREF = 6;
/** AS_PATH length in bits 0-15, ORIGIN in bits 16-17. */
const PATH = 7;
const MED = 8;
const NEIGHBOR_AS = 9;
const ORIGINATOR = 10;
const CLUSTER_LENGTH = 11;
const SEQUENCE = 12;
const FLAGS = 13;
/** Tells two lives of an id apart. */
const SERIAL = 14;
/** Its route targets' combination, 0 for none. */
const TARGETS = 15;

export class AttrStore {
  private readonly table = new RecordTable(WIDTH);
  private readonly arena = new ByteArena();
  private readonly facts = new AttrFacts();
  private serials = 0;
  readonly targetSets = new TargetSets();

  get count(): number {
    return this.table.count;
  }

  get limit(): number {
    return this.table.limit;
  }

  get usedBytes(): number {
    return this.arena.usedBytes;
  }

  /** Octets that lost sets have left, to be used again. */
  get freedBytes(): number {
    return this.arena.freedBytes + this.table.freedBytes;
  }

  /** Octets of all sets, with what belongs to each. */
  get heldBytes(): number {
    return this.arena.usedBytes + this.table.count * WIDTH * 4;
  }

  /** Where `attributesStart` and `nextHopStart` point into; do not keep across `intern`. */
  get bytes(): Uint8Array {
    return this.arena.bytes;
  }

  /**
   * Id of the set made of `bytes[start, end)`: the next hop's `nextHopLength` octets, then the
   * canonical attributes. Adds one reference, the caller's.
   */
  intern(
    family: Family,
    nextHopLength: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): number {
    const length = end - start;
    const kind = family | (nextHopLength << 8);
    const hash = finishHash(hashBytes(HASH_START ^ kind, bytes, start, length));
    const table = this.table;
    let words = table.words;
    const stored = this.arena.bytes;
    for (let id = table.head(hash); id !== 0; id = words[id * WIDTH + 1]!) {
      const base = id * WIDTH;
      if (
        words[base] === hash &&
        words[base + LENGTH] === length &&
        words[base + KIND] === kind &&
        equalBytes(stored, words[base + BYTES]! * 8, bytes, start, length)
      ) {
        words[base + REFERENCES] = words[base + REFERENCES]! + 1;
        return id;
      }
    }
    const id = table.allocate(hash);
    const reference = this.arena.allocate(length === 0 ? 1 : length);
    copyBytes(bytes, start, end, this.arena.bytes, reference * 8);
    words = table.words;
    const base = id * WIDTH;
    words[base + BYTES] = reference;
    words[base + LENGTH] = length;
    words[base + REFERENCES] = 1;
    words[base + KIND] = kind;
    const facts = this.facts;
    readAttrFacts(bytes, start + nextHopLength, end, facts);
    words[base + LOCAL_PREF] = facts.localPref;
    words[base + PATH] = facts.asPathLength | (facts.origin << 16);
    words[base + MED] = facts.med;
    words[base + NEIGHBOR_AS] = facts.neighborAs;
    words[base + ORIGINATOR] = facts.originatorId;
    words[base + CLUSTER_LENGTH] = facts.clusterListLength;
    words[base + SEQUENCE] = facts.sequence;
    words[base + FLAGS] = facts.flags;
    this.serials = (this.serials + 1) | 0;
    words[base + SERIAL] = this.serials;
    words[base + TARGETS] = this.targetSets.intern(bytes, start + nextHopLength, end);
    return id;
  }

  retain(id: number): void {
    const words = this.table.words;
    words[id * WIDTH + REFERENCES] = words[id * WIDTH + REFERENCES]! + 1;
  }

  release(id: number): void {
    const words = this.table.words;
    const base = id * WIDTH;
    const left = words[base + REFERENCES]! - 1;
    words[base + REFERENCES] = left;
    if (left > 0) return;
    this.arena.free(words[base + BYTES]!, Math.max(1, words[base + LENGTH]!));
    this.targetSets.release(words[base + TARGETS]!);
    this.table.release(id);
  }

  references(id: number): number {
    return this.table.words[id * WIDTH + REFERENCES]!;
  }

  family(id: number): Family {
    return (this.table.words[id * WIDTH + KIND]! & 0xff) as Family;
  }

  nextHopLength(id: number): number {
    return this.table.words[id * WIDTH + KIND]! >>> 8;
  }

  nextHopStart(id: number): number {
    return this.table.words[id * WIDTH + BYTES]! * 8;
  }

  attributesStart(id: number): number {
    return this.nextHopStart(id) + this.nextHopLength(id);
  }

  attributesEnd(id: number): number {
    const words = this.table.words;
    return words[id * WIDTH + BYTES]! * 8 + words[id * WIDTH + LENGTH]!;
  }

  /** Unsigned; 100 when the set has none. */
  localPref(id: number): number {
    return this.table.words[id * WIDTH + LOCAL_PREF]! >>> 0;
  }

  asPathLength(id: number): number {
    return this.table.words[id * WIDTH + PATH]! & 0xffff;
  }

  origin(id: number): number {
    return this.table.words[id * WIDTH + PATH]! >>> 16;
  }

  /** Unsigned; 0 when the set has none. */
  med(id: number): number {
    return this.table.words[id * WIDTH + MED]! >>> 0;
  }

  /** Leftmost AS of AS_PATH; 0 when it begins with a set or is empty. */
  neighborAs(id: number): number {
    return this.table.words[id * WIDTH + NEIGHBOR_AS]! >>> 0;
  }

  /** Unsigned; 0 when the set has none. */
  originatorId(id: number): number {
    return this.table.words[id * WIDTH + ORIGINATOR]! >>> 0;
  }

  /** In cluster ids. */
  clusterListLength(id: number): number {
    return this.table.words[id * WIDTH + CLUSTER_LENGTH]!;
  }

  /** MAC mobility sequence, unsigned; 0 when absent (RFC 7432 section 15). */
  sequence(id: number): number {
    return this.table.words[id * WIDTH + SEQUENCE]! >>> 0;
  }

  /** Bits of `AttrFlag`. */
  flags(id: number): number {
    return this.table.words[id * WIDTH + FLAGS]!;
  }

  /** The combination of its route targets in `targetSets`, 0 for none. */
  targets(id: number): number {
    return this.table.words[id * WIDTH + TARGETS]!;
  }

  /** Differs between two sets that have had the same id: what is derived from a set holds while this does. */
  serial(id: number): number {
    return this.table.words[id * WIDTH + SERIAL]!;
  }

  /** Whether some path, or somebody, holds the set. */
  isLive(id: number): boolean {
    return id > 0 && id < this.table.limit && this.references(id) > 0;
  }

  /** Whether its octets are what was interned and the index leads to it; for audits. */
  isIntact(id: number): boolean {
    const { words } = this.table;
    const base = id * WIDTH;
    const start = words[base + BYTES]! * 8;
    const length = words[base + LENGTH]!;
    if (length < 0 || start < 0 || start + length > this.arena.bytes.length) return false;
    const hash = finishHash(
      hashBytes(HASH_START ^ words[base + KIND]!, this.arena.bytes, start, length),
    );
    if (words[base] !== hash) return false;
    let at = this.table.head(hash);
    for (let n = 0; at !== 0 && at !== id && n < this.table.count; n++) at = words[at * WIDTH + 1]!;
    return at === id;
  }

  /** Calls `visit` for each id in use. For audits: walks the whole store. */
  forEach(visit: (id: number) => void): void {
    const words = this.table.words;
    for (let id = 1; id < this.table.limit; id++) {
      if (words[id * WIDTH + REFERENCES]! > 0) visit(id);
    }
  }
}
