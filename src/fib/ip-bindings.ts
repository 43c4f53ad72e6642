/**
 * IP bindings: which MAC has an address in a domain, from MAC/IP routes (RFC 7432 section 10). One
 * record of eight words for each address in each domain; its ring of candidates begins with the one
 * whose MAC has the address. History is the binding's own: an address that follows its MAC from PE to PE
 * has not moved.
 */
import type { ByteArena } from "../util/byte-arena.js";
import { copyBytes, equalBytes, readI32, writeU32 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";
import type { BridgeDomains } from "./bridge-domain.js";

const WIDTH = 8;
const DOMAIN = 2;
/** The four octets, or a reference to sixteen. */
const IP = 3;
/** Bit 0: IPv6, bit 1: a sequence is near its wrap, bit 2: unsettled as in entries, moves from bit 3. */
const META = 4;
const HEAD = 5;
const FIRST_SEEN = 6;
const LAST_CHANGE = 7;
const IPV6 = 1;
const NEAR_WRAP = 2;
const UNSETTLED = 4;
const ONE_MOVE = 8;

export class IpBindings {
  private readonly table: RecordTable;
  private readonly arena: ByteArena;
  private readonly domains: BridgeDomains;
  private readonly scratch = new Uint8Array(16);

  constructor(domains: BridgeDomains, shared = new SharedTables()) {
    this.table = shared.table("ips", WIDTH);
    this.arena = shared.arena("ips");
    this.domains = domains;
  }

  get count(): number {
    return this.table.count;
  }

  get limit(): number {
    return this.table.limit;
  }

  /** The binding of an address of 4 or 16 octets, 0 if there is none. */
  find(domain: number, bytes: Uint8Array, at: number, octets: number): number {
    return this.lookUp(domain, bytes, at, octets, hashIp(domain, bytes, at, octets));
  }

  findOrCreate(
    domain: number,
    bytes: Uint8Array,
    at: number,
    octets: number,
    nowSeconds: number,
  ): number {
    const hash = hashIp(domain, bytes, at, octets);
    const found = this.lookUp(domain, bytes, at, octets, hash);
    if (found !== 0) return found;
    const id = this.table.allocate(hash);
    const words = this.table.words;
    const base = id * WIDTH;
    words[base + DOMAIN] = domain;
    if (octets === 4) {
      words[base + IP] = readI32(bytes, at);
    } else {
      const reference = this.arena.allocate(16);
      copyBytes(bytes, at, at + 16, this.arena.bytes, reference * 8);
      words[base + IP] = reference;
      words[base + META] = IPV6;
    }
    words[base + FIRST_SEEN] = nowSeconds;
    words[base + LAST_CHANGE] = nowSeconds;
    this.domains.countIp(domain, 1);
    this.domains.retain(domain);
    return id;
  }

  /** The binding goes; its ring is empty. */
  drop(id: number): void {
    const words = this.table.words;
    const base = id * WIDTH;
    const domain = words[base + DOMAIN]!;
    if ((words[base + META]! & IPV6) !== 0) this.arena.free(words[base + IP]!, 16);
    this.table.release(id);
    this.domains.countIp(domain, -1);
    this.domains.release(domain);
  }

  exists(id: number): boolean {
    return this.table.words[id * WIDTH + HEAD] !== 0;
  }

  domain(id: number): number {
    return this.table.words[id * WIDTH + DOMAIN]!;
  }

  head(id: number): number {
    return this.table.words[id * WIDTH + HEAD]!;
  }

  setHead(id: number, head: number): void {
    this.table.words[id * WIDTH + HEAD] = head;
  }

  /** 4 or 16. */
  octets(id: number): number {
    return (this.table.words[id * WIDTH + META]! & IPV6) !== 0 ? 16 : 4;
  }

  /** The address; valid until the next call. */
  ip(id: number): Uint8Array {
    const words = this.table.words;
    const value = words[id * WIDTH + IP]!;
    if (this.octets(id) === 4) writeU32(this.scratch, 0, value);
    else copyBytes(this.arena.bytes, value * 8, value * 8 + 16, this.scratch, 0);
    return this.scratch;
  }

  /** Below 0 when `a` is the lower address; IPv4 is lower than IPv6. */
  compare(a: number, b: number): number {
    const octets = this.octets(a) - this.octets(b);
    return octets !== 0 ? octets : Buffer.compare(this.ip(a).slice(), this.ip(b));
  }

  nearWrap(id: number): boolean {
    return (this.table.words[id * WIDTH + META]! & NEAR_WRAP) !== 0;
  }

  setNearWrap(id: number, near: boolean): void {
    const words = this.table.words;
    const at = id * WIDTH + META;
    words[at] = near ? words[at]! | NEAR_WRAP : words[at]! & ~NEAR_WRAP;
  }

  /** The head need not be the winner. */
  unsettled(id: number): boolean {
    return (this.table.words[id * WIDTH + META]! & UNSETTLED) !== 0;
  }

  setUnsettled(id: number, unsettled: boolean): void {
    const words = this.table.words;
    const at = id * WIDTH + META;
    words[at] = unsettled ? words[at]! | UNSETTLED : words[at]! & ~UNSETTLED;
  }

  moves(id: number): number {
    return this.table.words[id * WIDTH + META]! >>> 3;
  }

  countMove(id: number, nowSeconds: number): void {
    const words = this.table.words;
    words[id * WIDTH + META] = words[id * WIDTH + META]! + ONE_MOVE;
    words[id * WIDTH + LAST_CHANGE] = nowSeconds;
  }

  /** Wall-clock seconds. */
  firstSeen(id: number): number {
    return this.table.words[id * WIDTH + FIRST_SEEN]! >>> 0;
  }

  /** Wall-clock seconds: when the address came to its present MAC. */
  lastChange(id: number): number {
    return this.table.words[id * WIDTH + LAST_CHANGE]! >>> 0;
  }

  private lookUp(
    domain: number,
    bytes: Uint8Array,
    at: number,
    octets: number,
    hash: number,
  ): number {
    const { table } = this;
    const words = table.words;
    const v6 = octets === 16 ? IPV6 : 0;
    for (let id = table.head(hash); id !== 0; id = table.next(id)) {
      const base = id * WIDTH;
      if (words[base] !== hash || words[base + DOMAIN] !== domain) continue;
      if ((words[base + META]! & IPV6) !== v6) continue;
      const value = words[base + IP]!;
      if (v6 === 0 ? value === readI32(bytes, at) : this.holds(value, bytes, at)) return id;
    }
    return 0;
  }

  private holds(reference: number, bytes: Uint8Array, at: number): boolean {
    return equalBytes(this.arena.bytes, reference * 8, bytes, at, 16);
  }
}

function hashIp(domain: number, bytes: Uint8Array, at: number, octets: number): number {
  return finishHash(hashBytes(HASH_START ^ Math.imul(domain, 0x9e3779b1), bytes, at, octets));
}
