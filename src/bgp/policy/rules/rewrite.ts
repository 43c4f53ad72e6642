/**
 * The `set` block of a rule, compiled: writes an attribute set again with what the rule changes, in the
 * canonical form that `AttrStore` keeps, and interns it.
 *
 * In: an id. Out: an id, the same when nothing changes, else with a reference that the caller owns.
 * What cannot be done leaves the attribute as it was: a next hop of another address family, an
 * attribute that would pass 65,535 octets.
 */
import { Family } from "../../../fast-bgp-codec/family.js";
import { isRouteTarget } from "../../../fast-bgp-codec/values/extended-community.js";
import { copyBytes, equalBytes, fromHex, readU16, readU8 } from "../../../util/bytes.js";
import { writeU16, writeU32 } from "../../../util/bytes.js";
import type { AttrStore } from "../../rib/attr-store.js";
import { OctetSet } from "./octet-set.js";
import type { ActionSettings, CommunityAction } from "./settings.js";

/** What a session contributes to what its rules say. */
export interface RewriteContext {
  readonly localAs: number;
  /** Own address on the session, for `self`; 4 or 16 octets. */
  readonly self: Uint8Array | undefined;
  readonly ebgp: boolean;
}

const CODE = { asPath: 2, med: 4, localPref: 5, communities: 8, extended: 16, large: 32 } as const;
const OPTIONAL_TRANSITIVE = 0xc0;
const AS_SEQUENCE = 2;
const VALUE_MAX = 0xffff;
/** Twice the most that a message's attributes come to in canonical form, and what rules add. */
const SCRATCH = 4 * 65536;

const scratch = new Uint8Array(SCRATCH);
const list = new Uint8Array(2 * 65536);

type Keep = (bytes: Uint8Array, at: number) => boolean;

/** What becomes of one list of communities. */
interface ListChange {
  readonly width: number;
  readonly keep: Keep;
  readonly add: readonly Uint8Array[];
}

export class Rewrite {
  private readonly code8: ListChange | undefined;
  private readonly code16: ListChange | undefined;
  private readonly code32: ListChange | undefined;
  private readonly localPref: number | undefined;
  private readonly med: number | undefined;
  private readonly nextHop: Uint8Array | undefined;
  /** `self` is for IP and VPN routes: EVPN's next hop is the tunnel's end. */
  private readonly nextHopIsSelf: boolean;
  private readonly prepend: readonly number[];

  constructor(action: ActionSettings, context: RewriteContext) {
    this.code8 = listChange(action.communities, 4);
    this.code16 = both(
      listChange(action.extendedCommunities, 8),
      listChange(action.routeTargets, 8, isRouteTarget),
    );
    this.code32 = listChange(action.largeCommunities, 12);
    this.localPref = action.localPreference;
    this.med = action.med;
    this.nextHopIsSelf = action.nextHop === "self";
    this.nextHop = this.nextHopIsSelf ? context.self : octetsOf(action.nextHop);
    const { prepend } = action;
    this.prepend =
      prepend === undefined || !context.ebgp
        ? []
        : Array.from({ length: prepend.count }, () => prepend.as ?? context.localAs);
  }

  /** Whether it can change anything at all. */
  get isEmpty(): boolean {
    const { code8, code16, code32, localPref, med, nextHop, prepend } = this;
    const parts = [code8, code16, code32, localPref, med, nextHop];
    return prepend.length === 0 && parts.every((part) => part === undefined);
  }

  apply(attrs: AttrStore, attr: number): number {
    const { bytes } = attrs;
    const from = attrs.nextHopStart(attr);
    const end = attrs.attributesEnd(attr);
    const family = attrs.family(attr);
    const nextHopLength = this.writeNextHop(family, bytes, from, attrs.nextHopLength(attr));
    let at = nextHopLength;
    let code = 0;
    for (let next = attrs.attributesStart(attr); next < end;) {
      const extended = (readU8(bytes, next) & 0x10) !== 0;
      const here = readU8(bytes, next + 1);
      const length = extended ? readU16(bytes, next + 2) : readU8(bytes, next + 2);
      const value = next + (extended ? 4 : 3);
      at = this.missing(code, here, at);
      at = this.one(here, bytes, next, value, value + length, at);
      code = here;
      next = value + length;
    }
    at = this.missing(code, 256, at);
    if (at === end - from && equalBytes(scratch, 0, bytes, from, at)) return attr;
    return attrs.intern(family, nextHopLength, scratch, 0, at);
  }

  /** Writes the next hop to the front of `scratch`; returns its length. */
  private writeNextHop(family: Family, bytes: Uint8Array, from: number, length: number): number {
    const { nextHop } = this;
    if (nextHop !== undefined && !(this.nextHopIsSelf && family === Family.Evpn)) {
      const vpn = family === Family.Ipv4Vpn || family === Family.Ipv6Vpn;
      const octets = length - (vpn ? 8 : 0);
      const fits = family === Family.Evpn || (nextHop.length === 4 ? octets === 4 : octets >= 16);
      if (fits) {
        const at = vpn ? 8 : 0;
        scratch.fill(0, 0, at);
        return copyBytes(nextHop, 0, nextHop.length, scratch, at);
      }
    }
    return copyBytes(bytes, from, from + length, scratch, 0);
  }

  /** Writes what the set does not have between the codes `after` and `before` and shall have. */
  private missing(after: number, before: number, to: number): number {
    let at = to;
    const due = (code: number): boolean => code > after && code < before;
    if (this.prepend.length > 0 && due(CODE.asPath)) at = this.asPath(scratch, 0, 0, at);
    if (this.med !== undefined && due(CODE.med)) at = fixed(0x80, CODE.med, this.med, at);
    if (this.localPref !== undefined && due(CODE.localPref)) {
      at = fixed(0x40, CODE.localPref, this.localPref, at);
    }
    if (this.code8 !== undefined && due(CODE.communities)) {
      at = writeList(this.code8, OPTIONAL_TRANSITIVE, CODE.communities, scratch, 0, 0, at);
    }
    if (this.code16 !== undefined && due(CODE.extended)) {
      at = writeList(this.code16, OPTIONAL_TRANSITIVE, CODE.extended, scratch, 0, 0, at);
    }
    if (this.code32 !== undefined && due(CODE.large)) {
      at = writeList(this.code32, OPTIONAL_TRANSITIVE, CODE.large, scratch, 0, 0, at);
    }
    return at;
  }

  private one(
    code: number,
    bytes: Uint8Array,
    header: number,
    value: number,
    end: number,
    at: number,
  ): number {
    const flags = readU8(bytes, header) & ~0x10;
    switch (code) {
      case CODE.asPath:
        if (this.prepend.length > 0) return this.asPath(bytes, value, end, at);
        break;
      case CODE.med:
        if (this.med !== undefined) return fixed(0x80, CODE.med, this.med, at);
        break;
      case CODE.localPref:
        if (this.localPref !== undefined) return fixed(0x40, CODE.localPref, this.localPref, at);
        break;
      case CODE.communities:
        if (this.code8 !== undefined)
          return writeList(this.code8, flags, code, bytes, value, end, at);
        break;
      case CODE.extended:
        if (this.code16 !== undefined)
          return writeList(this.code16, flags, code, bytes, value, end, at);
        break;
      case CODE.large:
        if (this.code32 !== undefined)
          return writeList(this.code32, flags, code, bytes, value, end, at);
        break;
      default:
        break;
    }
    return copyBytes(bytes, header, end, scratch, at);
  }

  /** ASes go in front, into the leading AS_SEQUENCE if it has room (RFC 4271 section 5.1.2). */
  private asPath(bytes: Uint8Array, value: number, end: number, to: number): number {
    const { prepend } = this;
    const room = value < end && readU8(bytes, value) === AS_SEQUENCE;
    const joins = room && readU8(bytes, value + 1) + prepend.length <= 255;
    const size = end - value + 4 * prepend.length + (joins ? 0 : 2);
    if (size > VALUE_MAX) return copyAttribute(0x40, CODE.asPath, bytes, value, end, to);
    let at = writeHeader(0x40, CODE.asPath, size, to);
    scratch[at] = AS_SEQUENCE;
    scratch[at + 1] = prepend.length + (joins ? readU8(bytes, value + 1) : 0);
    at += 2;
    for (const as of prepend) {
      writeU32(scratch, at, as);
      at += 4;
    }
    return copyBytes(bytes, joins ? value + 2 : value, end, scratch, at);
  }
}

function writeHeader(flags: number, code: number, length: number, at: number): number {
  scratch[at + 1] = code;
  if (length > 255) {
    scratch[at] = flags | 0x10;
    writeU16(scratch, at + 2, length);
    return at + 4;
  }
  scratch[at] = flags;
  scratch[at + 2] = length;
  return at + 3;
}

function fixed(flags: number, code: number, value: number, to: number): number {
  const at = writeHeader(flags, code, 4, to);
  writeU32(scratch, at, value);
  return at + 4;
}

function copyAttribute(
  flags: number,
  code: number,
  bytes: Uint8Array,
  value: number,
  end: number,
  to: number,
): number {
  return copyBytes(bytes, value, end, scratch, writeHeader(flags, code, end - value, to));
}

/** The attribute goes when none is left. */
function writeList(
  change: ListChange,
  flags: number,
  code: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  to: number,
): number {
  const { width, keep, add } = change;
  let length = 0;
  for (let at = start; at + width <= end; at += width) {
    if (keep(bytes, at)) length = copyBytes(bytes, at, at + width, list, length);
  }
  for (const value of add) {
    if (!isIn(value, length) && length + width <= VALUE_MAX) {
      length = copyBytes(value, 0, width, list, length);
    }
  }
  return length === 0 ? to : copyAttribute(flags, code, list, 0, length, to);
}

function isIn(value: Uint8Array, length: number): boolean {
  const width = value.length;
  for (let at = 0; at < length; at += width) {
    if (equalBytes(list, at, value, 0, width)) return true;
  }
  return false;
}

/** @param concerns the communities that `set` and `remove` speak of; default: all */
function listChange(
  action: CommunityAction | undefined,
  width: number,
  concerns: Keep = () => true,
): ListChange | undefined {
  if (action === undefined) return undefined;
  const { set, remove, add = [] } = action;
  const doomed = new OctetSet(remove ?? [], width);
  const keep: Keep = (bytes, at) =>
    !concerns(bytes, at) || (set === undefined && !doomed.has(bytes, at));
  return { width, keep, add: [...(set ?? []), ...add].map((hex) => fromHex(hex)!) };
}

/** One change, then the other. */
function both(a: ListChange | undefined, b: ListChange | undefined): ListChange | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return {
    width: a.width,
    keep: (bytes, at) => a.keep(bytes, at) && b.keep(bytes, at),
    add: [...a.add.filter((value) => b.keep(value, 0)), ...b.add],
  };
}

function octetsOf(hex: string | undefined): Uint8Array | undefined {
  return hex === undefined ? undefined : fromHex(hex);
}
