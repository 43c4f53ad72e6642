/**
 * Bridge domains: what a MAC is unique in (RFC 7432 section 6). A domain is named by configuration or
 * derives from a route target and an Ethernet tag, so that a reflector without configuration has a FIB.
 *
 * Which domains a route with several route targets belongs to:
 * 1. Every configured domain that takes the tag and has one of the route targets, or has no route
 *    targets and the route's VNI. A domain of backbone MACs takes every tag as one: there a tag is an
 *    I-SID, of type 3 routes and of flushes (RFC 7623 section 6.1.3, RFC 9541).
 * 2. Every other route target with the route's tag makes a derived domain, but for the route target of
 *    an IP-VRF. A MAC/IP route with a second label carries that too (symmetric IRB, RFC 9135 section
 *    5.1), and nothing on the wire says which is which. So for such a route with several of them:
 *    a. if it is in a configured domain, that is all;
 *    b. under VXLAN, if some route targets name the first label (the VNI), these only;
 *    c. under VXLAN, those that name the second label (the L3 VNI) are left out;
 *    d. of those left, the ones that a type 3 route carries with this tag: every MAC-VRF has one, no
 *       IP-VRF does (RFC 7432 section 11);
 *    e. if there is no such, all of those left, until a type 3 route tells.
 *
 * Rule d depends on other routes. `ambiguous` counts a change of the answer: a domain whose last type 3
 * route went or whose first one came while rules d and e were in use; the owner then goes over the
 * table again.
 */
import { parseRouteTarget } from "../fast-bgp-codec/index.js";
import { readI32, toHex, writeU32 } from "../util/bytes.js";
import { finishHash, hashBytes, HASH_START } from "../util/hash.js";
import type { RecordTable } from "../util/record-table.js";
import { SharedTables } from "../util/shared-tables.js";
import { SET_CACHE, SET_WIDTH, targetNames, type RouteTargetSets } from "./route-target-sets.js";
import type { DomainSettings } from "./settings.js";

const WIDTH = 16;
/** Route target, or CONFIGURED and the index in the settings. */
const KEY = 2;
const TAG = 4;
/** Differs between two lives of an id. */
const SERIAL = 5;
/** Entries, bindings, segments' attachments and links. */
const REFERENCES = 6;
const MACS = 7;
const IPS = 8;
const FIRST_ENTRY = 9;
const FIRST_INCLUSIVE = 10;
const INCLUSIVES = 11;
/** Index in the settings + 1; 0 = derived. */
const SETTINGS = 12;
const STAMP = 13;

const CONFIGURED = -1;

/** Words of the cache in a route target set. */
const C_SERIAL = SET_CACHE;
const C_TAG = SET_CACHE + 1;
const C_LABEL1 = SET_CACHE + 2;
const C_LABEL2 = SET_CACHE + 3;
const C_COUNT = SET_CACHE + 4;
/** Pairs of id and serial. */
const C_DOMAINS = SET_CACHE + 5;
const CACHED = 3;
/** Domains one route is in at most: a peer must not make a thousand entries with each of its routes. */
const MOST_DOMAINS = 64;
/** Questions of rule d remembered one by one; beyond, every type 3 route counts as an answer. */
const MOST_ASKED = 10_000;

export class BridgeDomains {
  /** What the last `resolve` found: the first `foundCount` of it. */
  readonly found: number[] = [];
  foundCount = 0;
  /** Grows when rule d above would answer otherwise than it did. */
  ambiguous = 0;
  /** Domains that routes are not in because they had `MOST_DOMAINS`; each time it was worked out. */
  cut = 0;
  private readonly table: RecordTable;
  private readonly isReader: boolean;
  private readonly sets: RouteTargetSets;
  private readonly settings: readonly DomainSettings[];
  private readonly key = new Uint8Array(12);
  /** Route target in hex to indexes in the settings. */
  private readonly byTarget = new Map<string, number[]>();
  private readonly byVni = new Map<number, number[]>();
  /** Route target and tag in hex of every key that rule d has looked for. */
  private readonly asked = new Set<string>();
  private serial = 0;
  /** Caches of another generation are void. */
  private generation = 1;
  private stamp = 0;

  constructor(
    sets: RouteTargetSets,
    settings: readonly DomainSettings[],
    shared = new SharedTables(),
  ) {
    this.table = shared.table("domains", WIDTH);
    this.isReader = shared.isAttached;
    this.sets = sets;
    this.settings = settings;
    for (const [index, domain] of settings.entries()) this.configure(domain, index);
  }

  /** Domains in use: configured ones with a fixed tag always are. */
  get count(): number {
    return this.table.count;
  }

  get limit(): number {
    return this.table.limit;
  }

  /**
   * Puts the domains of a route into `found`. Domains that did not exist do now, without references:
   * whoever does not retain them calls `collect`.
   * @param label2 of a type 2 route, 0 otherwise
   * @param vni whether the labels are VNIs
   */
  resolve(set: number, tag: number, label1: number, label2: number, vni: boolean): void {
    const byLabel = label2 !== 0 || this.byVni.size > 0;
    const first = byLabel ? label1 : 0;
    const second = byLabel ? (vni ? label2 : label2 | 0x1000000) : 0;
    if (set !== 0) {
      const words = this.sets.words;
      const base = set * SET_WIDTH;
      if (
        words[base + C_SERIAL] === this.generation &&
        words[base + C_TAG] === tag &&
        words[base + C_LABEL1] === first &&
        words[base + C_LABEL2] === second &&
        this.takeCached(words, base)
      ) {
        return;
      }
    }
    this.search(set, tag, label1, label2, vni);
    if (set === 0 || this.foundCount > CACHED) return;
    const words = this.sets.words;
    const base = set * SET_WIDTH;
    words[base + C_SERIAL] = this.generation;
    words[base + C_TAG] = tag;
    words[base + C_LABEL1] = first;
    words[base + C_LABEL2] = second;
    words[base + C_COUNT] = this.foundCount;
    for (let i = 0; i < this.foundCount; i++) {
      words[base + C_DOMAINS + 2 * i] = this.found[i]!;
      words[base + C_DOMAINS + 2 * i + 1] = this.serialOf(this.found[i]!);
    }
  }

  /** Frees a domain that nothing refers to. */
  collect(id: number): void {
    const words = this.table.words;
    if (words[id * WIDTH + SERIAL] !== 0 && words[id * WIDTH + REFERENCES] === 0) {
      this.table.release(id);
    }
  }

  retain(id: number): void {
    const words = this.table.words;
    words[id * WIDTH + REFERENCES] = words[id * WIDTH + REFERENCES]! + 1;
  }

  release(id: number): void {
    const words = this.table.words;
    const left = words[id * WIDTH + REFERENCES]! - 1;
    words[id * WIDTH + REFERENCES] = left;
    if (left === 0) this.table.release(id);
  }

  /** A number to mark domains with, fresh at every call. */
  nextStamp(): number {
    return ++this.stamp | 0;
  }

  setStamp(id: number, stamp: number): void {
    this.table.words[id * WIDTH + STAMP] = stamp;
  }

  hasStamp(id: number, stamp: number): boolean {
    return this.table.words[id * WIDTH + STAMP] === stamp;
  }

  exists(id: number): boolean {
    return this.serialOf(id) !== 0;
  }

  /** 0 for an id not in use. */
  serialOf(id: number): number {
    return this.table.words[id * WIDTH + SERIAL]!;
  }

  tag(id: number): number {
    return this.table.words[id * WIDTH + TAG]! >>> 0;
  }

  /** One of the two words of the route target; of configured domains -1 and the index in the settings. */
  keyWord(id: number, index: 0 | 1): number {
    return this.table.words[id * WIDTH + KEY + index]!;
  }

  settingsOf(id: number): DomainSettings | undefined {
    const index = this.table.words[id * WIDTH + SETTINGS]!;
    return index === 0 ? undefined : this.settings[index - 1];
  }

  /** Backbone MACs by configuration (RFC 7623). */
  isBackbone(id: number): boolean {
    const index = this.table.words[id * WIDTH + SETTINGS]!;
    return index !== 0 && this.settings[index - 1]!.service === "pbb";
  }

  macs(id: number): number {
    return this.table.words[id * WIDTH + MACS]!;
  }

  countMac(id: number, by: 1 | -1): void {
    const words = this.table.words;
    words[id * WIDTH + MACS] = words[id * WIDTH + MACS]! + by;
  }

  ips(id: number): number {
    return this.table.words[id * WIDTH + IPS]!;
  }

  countIp(id: number, by: 1 | -1): void {
    const words = this.table.words;
    words[id * WIDTH + IPS] = words[id * WIDTH + IPS]! + by;
  }

  firstEntry(id: number): number {
    return this.table.words[id * WIDTH + FIRST_ENTRY]!;
  }

  setFirstEntry(id: number, entry: number): void {
    this.table.words[id * WIDTH + FIRST_ENTRY] = entry;
  }

  firstInclusive(id: number): number {
    return this.table.words[id * WIDTH + FIRST_INCLUSIVE]!;
  }

  setFirstInclusive(id: number, link: number): void {
    this.table.words[id * WIDTH + FIRST_INCLUSIVE] = link;
  }

  /** Type 3 routes of the domain. */
  inclusives(id: number): number {
    return this.table.words[id * WIDTH + INCLUSIVES]!;
  }

  countInclusive(id: number, by: 1 | -1): void {
    const words = this.table.words;
    const before = words[id * WIDTH + INCLUSIVES]!;
    words[id * WIDTH + INCLUSIVES] = before + by;
    if ((before === 0 || before + by === 0) && this.wasAsked(id)) {
      this.ambiguous++;
      this.generation++;
      this.asked.clear();
    }
  }

  /** Whether a set of route targets reaches the domain, whatever the tag: per-ES routes have none of their own. */
  reachedBy(id: number, set: number): boolean {
    const settings = this.settingsOf(id);
    if (settings !== undefined && settings.routeTargets.length === 0) return true;
    const { sets } = this;
    const size = sets.size(set);
    const high = this.keyWord(id, 0);
    const low = this.keyWord(id, 1);
    for (let i = 0; i < size; i++) {
      const at = sets.at(set, i);
      if (settings === undefined) {
        if (readI32(sets.bytes, at) === high && readI32(sets.bytes, at + 4) === low) return true;
      } else if (this.byTarget.get(toHex(sets.bytes, at, at + 8))?.includes(low) === true) {
        return true;
      }
    }
    return false;
  }

  /** The domain with the same key as one of another FIB of the same settings, 0 if there is none. */
  findLike(other: BridgeDomains, id: number): number {
    return this.lookUp(other.keyWord(id, 0), other.keyWord(id, 1), other.tag(id) | 0);
  }

  /** The domain of a route target and tag, 0 if there is none. */
  findDerived(target: Uint8Array, tag: number): number {
    return this.lookUp(readI32(target, 0), readI32(target, 4), tag);
  }

  /** The domain of the settings with this index, 0 if there is none (yet). */
  findConfigured(index: number, tag: number): number {
    return this.lookUp(CONFIGURED, index, tag);
  }

  private configure(domain: DomainSettings, index: number): void {
    for (const text of domain.routeTargets) {
      const target = parseRouteTarget(text);
      if (target === undefined) throw new RangeError(`${text} is no route target`);
      const key = toHex(target);
      this.byTarget.set(key, [...(this.byTarget.get(key) ?? []), index]);
    }
    if (domain.routeTargets.length === 0 && domain.vni !== undefined) {
      this.byVni.set(domain.vni, [...(this.byVni.get(domain.vni) ?? []), index]);
    }
    if (this.isReader) return;
    if (domain.ethernetTag === undefined && domain.service === "vlan-aware-bundle") return;
    this.retain(this.findOrCreate(CONFIGURED, index, domain.ethernetTag ?? 0));
  }

  private takeCached(words: Int32Array, base: number): boolean {
    const count = words[base + C_COUNT]!;
    for (let i = 0; i < count; i++) {
      const id = words[base + C_DOMAINS + 2 * i]!;
      if (this.serialOf(id) !== words[base + C_DOMAINS + 2 * i + 1]!) return false;
      this.found[i] = id;
    }
    this.foundCount = count;
    return true;
  }

  private search(set: number, tag: number, label1: number, label2: number, vni: boolean): void {
    const { sets } = this;
    const stamp = this.nextStamp();
    this.foundCount = 0;
    if (vni && this.byVni.size > 0) this.addConfigured(this.byVni.get(label1), tag, stamp);
    const size = sets.size(set);
    const free: number[] = [];
    for (let i = 0; i < size; i++) {
      const at = sets.at(set, i);
      const claims =
        this.byTarget.size === 0 ? undefined : this.byTarget.get(toHex(sets.bytes, at, at + 8));
      if (!this.addConfigured(claims, tag, stamp)) free.push(at);
    }
    let derive = free;
    if (label2 !== 0 && size > 1) {
      derive = this.foundCount > 0 ? [] : this.bridging(free, tag, label1, label2, vni);
    }
    for (const at of derive) {
      this.add(this.findOrCreate(readI32(sets.bytes, at), readI32(sets.bytes, at + 4), tag), stamp);
    }
  }

  /** Rules b to e for a MAC/IP route with two labels. */
  private bridging(
    targets: number[],
    tag: number,
    label1: number,
    label2: number,
    vni: boolean,
  ): number[] {
    const { bytes } = this.sets;
    let left = targets;
    if (vni) {
      const named = left.filter((at) => targetNames(bytes, at, label1));
      if (named.length > 0) return named;
      const others = left.filter((at) => !targetNames(bytes, at, label2));
      if (others.length > 0) left = others;
    }
    if (left.length < 2) return left;
    const bridged = left.filter((at) => this.isBridged(at, tag));
    return bridged.length > 0 ? bridged : left;
  }

  private isBridged(at: number, tag: number): boolean {
    const { bytes } = this.sets;
    const high = readI32(bytes, at);
    const low = readI32(bytes, at + 4);
    this.writeKey(high, low, tag);
    if (this.asked.size < MOST_ASKED) this.asked.add(toHex(this.key));
    const id = this.lookUp(high, low, tag);
    return id !== 0 && this.inclusives(id) > 0;
  }

  /** Whether one of the settings took the tag. */
  private addConfigured(
    claims: readonly number[] | undefined,
    tag: number,
    stamp: number,
  ): boolean {
    let any = false;
    for (const index of claims ?? []) {
      const { ethernetTag, service } = this.settings[index]!;
      const takes =
        ethernetTag === undefined
          ? service === "vlan-aware-bundle" || service === "pbb" || tag === 0
          : ethernetTag === tag >>> 0;
      if (!takes) continue;
      any = true;
      const own = service === "pbb" && ethernetTag === undefined ? 0 : tag;
      this.add(this.findOrCreate(CONFIGURED, index, own), stamp);
    }
    return any;
  }

  private add(id: number, stamp: number): void {
    if (this.hasStamp(id, stamp)) return;
    this.setStamp(id, stamp);
    if (this.foundCount === MOST_DOMAINS) {
      this.cut++;
      this.collect(id);
      return;
    }
    this.found[this.foundCount++] = id;
  }

  private writeKey(high: number, low: number, tag: number): void {
    writeU32(this.key, 0, high);
    writeU32(this.key, 4, low);
    writeU32(this.key, 8, tag);
  }

  private wasAsked(id: number): boolean {
    if (this.asked.size === 0) return false;
    if (this.asked.size >= MOST_ASKED) return true;
    this.writeKey(this.keyWord(id, 0), this.keyWord(id, 1), this.tag(id));
    return this.asked.has(toHex(this.key));
  }

  private hashOf(high: number, low: number, tag: number): number {
    this.writeKey(high, low, tag);
    return finishHash(hashBytes(HASH_START, this.key, 0, 12));
  }

  private lookUp(
    high: number,
    low: number,
    tag: number,
    hash = this.hashOf(high, low, tag),
  ): number {
    const words = this.table.words;
    for (let id = this.table.head(hash); id !== 0; id = this.table.next(id)) {
      const base = id * WIDTH;
      if (
        words[base + KEY] === high &&
        words[base + KEY + 1] === low &&
        words[base + TAG] === (tag | 0)
      ) {
        return id;
      }
    }
    return 0;
  }

  private findOrCreate(high: number, low: number, tag: number): number {
    const hash = this.hashOf(high, low, tag);
    const found = this.lookUp(high, low, tag, hash);
    if (found !== 0) return found;
    const id = this.table.allocate(hash);
    const words = this.table.words;
    const base = id * WIDTH;
    words[base + KEY] = high;
    words[base + KEY + 1] = low;
    words[base + TAG] = tag;
    this.serial = (this.serial % 0x7fffffff) + 1;
    words[base + SERIAL] = this.serial;
    if (high === CONFIGURED) words[base + SETTINGS] = low + 1;
    return id;
  }
}
