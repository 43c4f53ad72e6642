/**
 * What happens to a peer's routes behind its import rules, whatever these say: a route of the community
 * GRACEFUL_SHUTDOWN becomes the last choice (RFC 8326 section 4.2), and a tenant's route with a target that is
 * not the tenant's has no effect, lest it reach other tenants. A peer that needs neither has no gate.
 */
import { Family, isVpn } from "../../fast-bgp-codec/family.js";
import { copyBytes, readU16, readU8, writeU32 } from "../../util/bytes.js";
import { AttrFlag } from "../rib/attr-facts.js";
import type { AttrStore } from "../rib/attr-store.js";
import { HoldReason } from "../rib/hold.js";
import { takesAllSegments, ES_IMPORT } from "./route-target.js";

export interface GateOptions {
  /** Routes with GRACEFUL_SHUTDOWN get LOCAL_PREF 0. */
  readonly lowersShutdown: boolean;
  /** Hex of the only targets that routes may have; undefined = any. */
  readonly allowed: readonly string[] | undefined;
}

const LOCAL_PREF = 5;
const HEADER_AND_VALUE = 7;

let scratch = new Uint8Array(8192);

export class ImportGate {
  /** Of the last `pass`: the set that counts, 0 when the route is kept back. Alive until `endBatch`. */
  attr = 0;
  hold: HoldReason = HoldReason.None;
  private readonly attrs: AttrStore;
  private readonly lowers: boolean;
  private readonly allowed: ReadonlySet<string> | undefined;
  private readonly allSegments: boolean;
  /** By combination of targets, as long as no id comes or goes. */
  private readonly answers = new Map<number, boolean>();
  private generation = -1;
  /** Sets made since the last `endBatch`, by what they were made of. */
  private readonly made = new Map<number, number>();

  constructor(attrs: AttrStore, options: GateOptions) {
    this.attrs = attrs;
    this.lowers = options.lowersShutdown;
    this.allowed = options.allowed && new Set(options.allowed);
    this.allSegments = takesAllSegments(this.allowed);
  }

  /** @param attr the set that import rules leave, not 0 */
  pass(attr: number): void {
    this.attr = attr;
    this.hold = HoldReason.None;
    if (this.isForeign(attr)) {
      this.attr = 0;
      this.hold = HoldReason.Tenant;
    } else if (this.lowers && (this.attrs.flags(attr) & AttrFlag.GracefulShutdown) !== 0) {
      this.attr = this.lowered(attr);
    }
  }

  /** The sets given are kept alive by whoever uses them from now on. */
  endBatch(): void {
    if (this.made.size === 0) return;
    for (const attr of this.made.values()) this.attrs.release(attr);
    this.made.clear();
  }

  private isForeign(attr: number): boolean {
    if (this.allowed === undefined) return false;
    const family = this.attrs.family(attr);
    if (family !== Family.Evpn && !isVpn(family)) return false;
    return !this.isAllowed(this.attrs.targets(attr));
  }

  private isAllowed(combination: number): boolean {
    const { targetSets } = this.attrs;
    if (this.generation !== targetSets.generation) {
      this.answers.clear();
      this.generation = targetSets.generation;
    }
    let answer = this.answers.get(combination);
    if (answer === undefined) {
      const targets = combination === 0 ? [] : targetSets.targets(combination);
      answer = targets.length > 0 && targets.every((target) => this.isOwn(target));
      this.answers.set(combination, answer);
    }
    return answer;
  }

  private isOwn(target: string): boolean {
    if (this.allowed?.has(target) === true) return true;
    return this.allSegments && target.startsWith(ES_IMPORT);
  }

  private lowered(attr: number): number {
    const known = this.made.get(attr);
    if (known !== undefined) return known;
    const { attrs } = this;
    const start = attrs.nextHopStart(attr);
    const end = attrs.attributesEnd(attr);
    if (scratch.length < end - start + HEADER_AND_VALUE) {
      scratch = new Uint8Array(end - start + HEADER_AND_VALUE);
    }
    const length = withLowestPreference(attrs.bytes, start, attrs.attributesStart(attr), end);
    const lowered = attrs.intern(attrs.family(attr), attrs.nextHopLength(attr), scratch, 0, length);
    this.made.set(attr, lowered);
    return lowered;
  }
}

/** Copies next hop and canonical attributes to `scratch`, with LOCAL_PREF 0 in its place; the octets. */
function withLowestPreference(
  bytes: Uint8Array,
  start: number,
  attributes: number,
  end: number,
): number {
  let at = attributes;
  let next = at;
  // Attributes ascend: up to the first of LOCAL_PREF's code or a higher one.
  for (; at < end; at = next) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    next = at + (extended ? 4 + readU16(bytes, at + 2) : 3 + readU8(bytes, at + 2));
    if (readU8(bytes, at + 1) >= LOCAL_PREF) break;
  }
  const isThere = at < end && readU8(bytes, at + 1) === LOCAL_PREF;
  let to = copyBytes(bytes, start, at, scratch, 0);
  scratch[to] = 0x40;
  scratch[to + 1] = LOCAL_PREF;
  scratch[to + 2] = 4;
  writeU32(scratch, to + 3, 0);
  to += HEADER_AND_VALUE;
  return copyBytes(bytes, isThere ? next : at, end, scratch, to);
}
