/**
 * The PEs that routes point to, by next hop: under VXLAN the next hop is the VTEP (RFC 8365 section
 * 5.1.3). Two devices that share an anycast next hop are one PE here, as they are for a sender.
 */
import { formatIpv4, formatIpv6 } from "../fast-bgp-codec/index.js";
import { equalBytes, readI32, writeU32 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";

const WIDTH = 8;
/** Octets of the address: 4 or 16. */
const LENGTH = 2;
const ADDRESS = 3;
const REFERENCES = 7;

export class RemotePes {
  private readonly table: RecordTable;
  private readonly scratch = new Uint8Array(16);

  constructor(shared = new SharedTables()) {
    this.table = shared.table("pes", WIDTH);
  }

  get count(): number {
    return this.table.count;
  }

  get limit(): number {
    return this.table.limit;
  }

  /** Id of the PE with this address; adds a reference. An IPv6 next hop of 32 octets counts by its global half. */
  intern(bytes: Uint8Array, at: number, octets: number): number {
    const length = octets === 4 ? 4 : 16;
    const hash = finishHash(hashBytes(HASH_START, bytes, at, length));
    const found = this.lookUp(hash, bytes, at, length);
    if (found !== 0) {
      const words = this.table.words;
      words[found * WIDTH + REFERENCES] = words[found * WIDTH + REFERENCES]! + 1;
      return found;
    }
    const id = this.table.allocate(hash);
    const words = this.table.words;
    const base = id * WIDTH;
    words[base + LENGTH] = length;
    for (let i = 0; i < length; i += 4) {
      words[base + ADDRESS + (i >> 2)] = readI32(bytes, at + i);
    }
    words[base + REFERENCES] = 1;
    return id;
  }

  /** Id of the PE with this address of 4 or 16 octets, 0 if no route points to it. */
  find(address: Uint8Array): number {
    const hash = finishHash(hashBytes(HASH_START, address, 0, address.length));
    return this.lookUp(hash, address, 0, address.length);
  }

  release(id: number): void {
    const words = this.table.words;
    const left = words[id * WIDTH + REFERENCES]! - 1;
    words[id * WIDTH + REFERENCES] = left;
    if (left === 0) this.table.release(id);
  }

  retain(id: number): void {
    const words = this.table.words;
    words[id * WIDTH + REFERENCES] = words[id * WIDTH + REFERENCES]! + 1;
  }

  exists(id: number): boolean {
    return this.table.words[id * WIDTH + LENGTH] !== 0;
  }

  /** Below 0 when `a` has the lower address; IPv4 is lower than IPv6. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    const words = this.table.words;
    const lengths = words[a * WIDTH + LENGTH]! - words[b * WIDTH + LENGTH]!;
    if (lengths !== 0) return lengths;
    for (let i = ADDRESS; i < REFERENCES; i++) {
      const x = words[a * WIDTH + i]! >>> 0;
      const y = words[b * WIDTH + i]! >>> 0;
      if (x !== y) return x < y ? -1 : 1;
    }
    return 0;
  }

  /** 4 or 16. */
  addressLength(id: number): number {
    return this.table.words[id * WIDTH + LENGTH]!;
  }

  /** One of the address's four words, left-aligned. */
  addressWord(id: number, index: number): number {
    return this.table.words[id * WIDTH + ADDRESS + index]!;
  }

  /** The address as text. */
  address(id: number): string {
    const { scratch } = this;
    this.write(id, scratch);
    return this.addressLength(id) === 4 ? formatIpv4(scratch, 0) : formatIpv6(scratch, 0);
  }

  private write(id: number, to: Uint8Array): void {
    for (let i = 0; i < 4; i++) writeU32(to, 4 * i, this.addressWord(id, i));
  }

  private lookUp(hash: number, bytes: Uint8Array, at: number, length: number): number {
    const words = this.table.words;
    const { scratch } = this;
    for (let id = this.table.head(hash); id !== 0; id = this.table.next(id)) {
      if (words[id * WIDTH] !== hash || words[id * WIDTH + LENGTH] !== length) continue;
      this.write(id, scratch);
      if (equalBytes(scratch, 0, bytes, at, length)) return id;
    }
    return 0;
  }
}
