/**
 * What an attribute set looks like on the wire to a receiver (RFC 4456 section 8, RFC 4271 section
 * 5.1, RFC 6793 section 4.2.2). The set is canonical: ascending, 4-octet ASes, no next hop.
 *
 * | from \ to | iBGP | eBGP |
 * |---|---|---|
 * | iBGP | ORIGINATOR_ID if absent, own cluster id in front of CLUSTER_LIST | own AS in front of AS_PATH; LOCAL_PREF, MED, ORIGINATOR_ID, CLUSTER_LIST, other non-transitive attributes and communities gone |
 * | eBGP, ourselves | LOCAL_PREF 100 if absent | the same |
 *
 * To a receiver that is to turn to other paths (RFC 8326) everything goes with the community
 * GRACEFUL_SHUTDOWN, and inside the AS with LOCAL_PREF 0.
 *
 * To a 2-octet speaker AS_PATH and AGGREGATOR shrink, with AS4_PATH and AS4_AGGREGATOR beside them
 * when an AS does not fit. Octets go into the caller's buffer; nothing is allocated.
 */
import { copyBytes, readU16, readU32, readU8, writeU16, writeU32 } from "../../util/bytes.js";
import { AttrFlag } from "../rib/attr-facts.js";
import type { AttrStore } from "../rib/attr-store.js";

const AS_TRANS = 23456;
const AS_SEQUENCE = 2;
const AS_CONFED_SEQUENCE = 3;
/** Extended communities (RFC 4360) of 8 octets, and those of IPv6 (RFC 5701) of 20. */
const EXTENDED = 16;
const IPV6_EXTENDED = 25;
const COMMUNITIES = 8;
const NO_EXPORT = 0xffffff01;
/** Community GRACEFUL_SHUTDOWN (RFC 8326 section 3). */
export const GRACEFUL_SHUTDOWN = 0xffff0000;

/** What a receiver's sessions have in common on the wire. */
export interface Encoding {
  readonly ebgp: boolean;
  readonly as4: boolean;
  /** Own address as next hop of IP unicast routes; undefined keeps theirs. */
  readonly nextHopSelf: Uint8Array | undefined;
  /**
   * iBGP without long-lived graceful restart: LLGR_STALE routes go out with LOCAL_PREF 0 and NO_EXPORT, so that
   * they are the last choice there and stay there (RFC 9494 section 4.6).
   */
  readonly lastResort?: boolean;
  /** Maintenance: whatever we send is to be the last choice (RFC 8326). */
  readonly lastChoice?: boolean;
}

export interface ReflectorIdentity {
  readonly as: number;
  readonly routerId: number;
  readonly clusterId: number;
}

/** Most octets that `writeAttributes` adds to a set: own AS, LOCAL_PREF, ORIGINATOR_ID, CLUSTER_LIST, NEXT_HOP, headers. */
export const MOST_ADDED = 64;

export class AttributeWriter {
  private readonly identity: ReflectorIdentity;
  private target: Uint8Array = new Uint8Array(0);
  private at = 0;

  constructor(identity: ReflectorIdentity) {
    this.identity = identity;
  }

  /**
   * Writes all attributes but MP_REACH_NLRI; NEXT_HOP only when `nextHop` (4 octets in `nextHopBytes`) is asked for.
   * `target` must have room for twice the set and MOST_ADDED octets.
   * @param fromEbgp the route came from an eBGP peer, or is ours: nobody reflects it
   * @param originator BGP identifier of the peer it came from
   * @param nextHopAt offset of a classic NEXT_HOP in `nextHopBytes`, -1 for none
   * @returns end offset in `target`
   */
  write(
    attrs: AttrStore,
    attr: number,
    encoding: Encoding,
    fromEbgp: boolean,
    originator: number,
    nextHopBytes: Uint8Array,
    nextHopAt: number,
    target: Uint8Array,
    at: number,
  ): number {
    this.target = target;
    this.at = at;
    const bytes = attrs.bytes;
    const end = attrs.attributesEnd(attr);
    const reflect = !encoding.ebgp && !fromEbgp;
    let needNextHop = nextHopAt >= 0;
    let needLocalPref = !encoding.ebgp && fromEbgp;
    let needOriginator = reflect;
    let needCluster = reflect;
    let needExtras = !encoding.as4;
    const lastResort =
      encoding.lastResort === true && (attrs.flags(attr) & AttrFlag.LlgrStale) !== 0;
    const lastChoice = encoding.lastChoice === true;
    const lowered = lastResort || (lastChoice && !encoding.ebgp);
    if (lowered) needLocalPref = true;
    let needShutdown = lastChoice;
    let pathAt = -1;
    let aggregatorAt = -1;
    let from = attrs.attributesStart(attr);
    while (from < end) {
      const flags = readU8(bytes, from);
      const code = readU8(bytes, from + 1);
      const extended = (flags & 0x10) !== 0;
      const length = extended ? readU16(bytes, from + 2) : readU8(bytes, from + 2);
      const value = from + (extended ? 4 : 3);
      const next = value + length;
      if (needNextHop && code > 3) {
        this.nextHop(nextHopBytes, nextHopAt);
        needNextHop = false;
      }
      if (needLocalPref && code >= 5) {
        if (lowered) this.fixed(0x40, 5, 0);
        else if (code > 5) this.fixed(0x40, 5, 100);
        needLocalPref = false;
        if (lowered && code === 5) {
          from = next;
          continue;
        }
      }
      if (needShutdown && code >= COMMUNITIES) {
        if (code > COMMUNITIES) this.fixed(0xc0, COMMUNITIES, GRACEFUL_SHUTDOWN);
        needShutdown = false;
      }
      if (needOriginator && code >= 9) {
        if (code > 9) this.fixed(0x80, 9, originator);
        needOriginator = false;
      }
      if (needCluster && code >= 10) {
        if (code > 10) this.fixed(0x80, 10, this.identity.clusterId);
        else this.clusterList(bytes, value, length);
        needCluster = false;
        if (code === 10) {
          from = next;
          continue;
        }
      }
      if (needExtras && code > 17) {
        this.fourOctetExtras(bytes, pathAt, aggregatorAt, encoding);
        needExtras = false;
      }
      if (code === 2) {
        pathAt = value;
        this.asPath(bytes, value, length, encoding);
      } else if (code === 7 && !encoding.as4) {
        aggregatorAt = value;
        this.aggregator(bytes, flags, value);
      } else if ((lastResort || lastChoice) && code === COMMUNITIES) {
        const extra = lastResort && lastChoice ? BOTH : lastResort ? STALE_EXTRA : CHOICE_EXTRA;
        this.withCommunities(bytes, flags, value, next, extra);
      } else if (!encoding.ebgp) {
        this.at = copyBytes(bytes, from, next, target, this.at);
      } else if (code === EXTENDED || code === IPV6_EXTENDED) {
        this.transitiveCommunities(bytes, flags, code, value, next);
      } else if ((flags & 0x40) !== 0 && code !== 5) {
        this.at = copyBytes(bytes, from, next, target, this.at);
      }
      from = next;
    }
    if (needNextHop) this.nextHop(nextHopBytes, nextHopAt);
    if (needLocalPref) this.fixed(0x40, 5, lowered ? 0 : 100);
    if (needShutdown) this.fixed(0xc0, COMMUNITIES, GRACEFUL_SHUTDOWN);
    if (needOriginator) this.fixed(0x80, 9, originator);
    if (needCluster) this.fixed(0x80, 10, this.identity.clusterId);
    if (needExtras) this.fourOctetExtras(bytes, pathAt, aggregatorAt, encoding);
    return this.at;
  }

  private header(flags: number, code: number, length: number): void {
    const { target } = this;
    if (length > 255) {
      target[this.at] = flags | 0x10;
      target[this.at + 1] = code;
      writeU16(target, this.at + 2, length);
      this.at += 4;
    } else {
      target[this.at] = flags & ~0x10;
      target[this.at + 1] = code;
      target[this.at + 2] = length;
      this.at += 3;
    }
  }

  private fixed(flags: number, code: number, value: number): void {
    this.header(flags, code, 4);
    writeU32(this.target, this.at, value);
    this.at += 4;
  }

  /** Those that are there, and behind them those of `extra` that are not. */
  private withCommunities(
    bytes: Uint8Array,
    flags: number,
    value: number,
    end: number,
    extra: readonly number[],
  ): void {
    let missing = 0;
    for (const one of extra) if (!hasCommunity(bytes, value, end, one)) missing++;
    this.header(flags, COMMUNITIES, end - value + 4 * missing);
    this.at = copyBytes(bytes, value, end, this.target, this.at);
    for (const one of extra) {
      if (hasCommunity(bytes, value, end, one)) continue;
      writeU32(this.target, this.at, one);
      this.at += 4;
    }
  }

  private nextHop(bytes: Uint8Array, from: number): void {
    this.header(0x40, 3, 4);
    this.at = copyBytes(bytes, from, from + 4, this.target, this.at);
  }

  private clusterList(bytes: Uint8Array, value: number, length: number): void {
    this.header(0x80, 10, length + 4);
    writeU32(this.target, this.at, this.identity.clusterId);
    this.at = copyBytes(bytes, value, value + length, this.target, this.at + 4);
  }

  /** Own AS goes into the leading AS_SEQUENCE if there is one with room, else into a new segment (RFC 4271 section 5.1.2). */
  private asPath(bytes: Uint8Array, value: number, length: number, encoding: Encoding): void {
    const end = value + length;
    const joins = encoding.ebgp && joinsFirst(bytes, value, end);
    const added = joins ? 1 : 0;
    const width = encoding.as4 ? 4 : 2;
    let size = encoding.ebgp ? (joins ? width : 2 + width) : 0;
    for (let at = value; at < end; at += 2 + 4 * readU8(bytes, at + 1)) {
      size += 2 + width * readU8(bytes, at + 1);
    }
    this.header(0x40, 2, size);
    const { target } = this;
    if (encoding.ebgp && !joins) {
      target[this.at++] = AS_SEQUENCE;
      target[this.at++] = 1;
      this.asNumber(this.identity.as, encoding.as4);
    }
    for (let at = value; at < end; at += 2 + 4 * readU8(bytes, at + 1)) {
      const count = readU8(bytes, at + 1);
      const first = at === value;
      target[this.at++] = readU8(bytes, at);
      target[this.at++] = count + (first ? added : 0);
      if (first && joins) this.asNumber(this.identity.as, encoding.as4);
      for (let i = 0; i < count; i++) this.asNumber(readU32(bytes, at + 2 + 4 * i), encoding.as4);
    }
  }

  private asNumber(as: number, as4: boolean): void {
    if (as4) {
      writeU32(this.target, this.at, as);
      this.at += 4;
    } else {
      writeU16(this.target, this.at, as > 0xffff ? AS_TRANS : as);
      this.at += 2;
    }
  }

  private aggregator(bytes: Uint8Array, flags: number, value: number): void {
    this.header(flags, 7, 6);
    this.asNumber(readU32(bytes, value), false);
    this.at = copyBytes(bytes, value + 4, value + 8, this.target, this.at);
  }

  /** Extended communities whose type has no bit 0x40; the attribute goes when none is left. */
  private transitiveCommunities(
    bytes: Uint8Array,
    flags: number,
    code: number,
    value: number,
    end: number,
  ): void {
    const size = code === EXTENDED ? 8 : 20;
    let count = 0;
    for (let at = value; at < end; at += size) if ((readU8(bytes, at) & 0x40) === 0) count++;
    if (count === 0) return;
    this.header(flags, code, count * size);
    for (let at = value; at < end; at += size) {
      if ((readU8(bytes, at) & 0x40) !== 0) continue;
      this.at = copyBytes(bytes, at, at + size, this.target, this.at);
    }
  }

  /** AS4_PATH without confederation segments and AS4_AGGREGATOR, where the 2-octet forms lost something (RFC 6793 section 4.2.2). */
  private fourOctetExtras(
    bytes: Uint8Array,
    pathAt: number,
    aggregatorAt: number,
    encoding: Encoding,
  ): void {
    const own = encoding.ebgp ? this.identity.as : 0;
    if (pathAt >= 0) {
      const end = pathAt + attributeLength(bytes, pathAt);
      let large = own > 0xffff;
      const joins = encoding.ebgp && joinsFirst(bytes, pathAt, end);
      let size = encoding.ebgp ? (joins ? 4 : 6) : 0;
      for (let at = pathAt; at < end; at += 2 + 4 * readU8(bytes, at + 1)) {
        const count = readU8(bytes, at + 1);
        for (let i = 0; i < count; i++) large ||= readU32(bytes, at + 2 + 4 * i) > 0xffff;
        if (readU8(bytes, at) < AS_CONFED_SEQUENCE) size += 2 + 4 * count;
      }
      if (large && size > 0) this.as4Path(bytes, pathAt, end, size, encoding.ebgp, joins);
    }
    if (aggregatorAt >= 0 && readU32(bytes, aggregatorAt) > 0xffff) {
      this.header(0xc0, 18, 8);
      this.at = copyBytes(bytes, aggregatorAt, aggregatorAt + 8, this.target, this.at);
    }
  }

  private as4Path(
    bytes: Uint8Array,
    start: number,
    end: number,
    size: number,
    ebgp: boolean,
    joins: boolean,
  ): void {
    this.header(0xc0, 17, size);
    const { target } = this;
    if (ebgp) {
      target[this.at++] = AS_SEQUENCE;
      target[this.at++] = joins ? readU8(bytes, start + 1) + 1 : 1;
      this.asNumber(this.identity.as, true);
    }
    for (let at = start; at < end; at += 2 + 4 * readU8(bytes, at + 1)) {
      if (readU8(bytes, at) >= AS_CONFED_SEQUENCE) continue;
      const from = joins && at === start ? at + 2 : at;
      this.at = copyBytes(bytes, from, at + 2 + 4 * readU8(bytes, at + 1), target, this.at);
    }
  }
}

const STALE_EXTRA = [NO_EXPORT];
const CHOICE_EXTRA = [GRACEFUL_SHUTDOWN];
const BOTH = [NO_EXPORT, GRACEFUL_SHUTDOWN];

function hasCommunity(bytes: Uint8Array, start: number, end: number, community: number): boolean {
  for (let at = start; at + 4 <= end; at += 4) if (readU32(bytes, at) === community) return true;
  return false;
}

/** Whether the path begins with an AS_SEQUENCE that has room for one more. */
function joinsFirst(bytes: Uint8Array, start: number, end: number): boolean {
  return start < end && readU8(bytes, start) === AS_SEQUENCE && readU8(bytes, start + 1) < 255;
}

/** Length of the attribute whose value is at `value`, from the minimal-form header in front of it. */
function attributeLength(bytes: Uint8Array, value: number): number {
  const longForm = (readU8(bytes, value - 4) & 0x10) !== 0 && readU8(bytes, value - 3) === 2;
  return longForm ? readU16(bytes, value - 2) : readU8(bytes, value - 1);
}
