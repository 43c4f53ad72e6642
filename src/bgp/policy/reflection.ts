/**
 * Who may be sent what, as bit masks over slots (RFC 4456 section 6, RFC 1997, RFC 8212).
 *
 * | learned from \ to | client | non-client | eBGP |
 * |---|---|---|---|
 * | client | yes | yes | yes |
 * | non-client | yes | no | yes |
 * | eBGP, ourselves | yes | yes | yes |
 *
 * Never back to the session a route came from. Memberships (RFC 4684) do not go to clients: these are
 * sent the default membership, for a reflector wants all their routes.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import { AttrFlag } from "../rib/attr-facts.js";
import { SourceKind } from "../rib/sources.js";
import { clearBit, setBit } from "./slot-mask.js";

/** EVPN route types by number; whatever is beyond shares the last place. */
const TYPES = 13;
export const UNKNOWN_TYPE = TYPES - 1;

/** What a receiver is, as far as it decides what it gets. */
export interface Receiver {
  readonly slot: number;
  readonly kind: SourceKind;
  /** eBGP only: RFC 8212's explicit word. */
  readonly acceptOut: boolean;
  /** Bit mask over `Family`. */
  readonly families: number;
  /** It is told nothing of memberships but the default, which it gets by itself. */
  readonly defaultMembership?: boolean;
  /** EVPN route types it is sent; undefined = all. */
  readonly evpnTypes: readonly number[] | undefined;
  /** Bit mask over `Family`: those whose IPv4 NLRI it takes with an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: number;
  /** Negotiated long-lived graceful restart: may have LLGR_STALE routes (RFC 9494 section 4.3). */
  readonly llgr?: boolean;
}

/** An IPv4 route, plain or VPN, whose next hop is an IPv6 address (RFC 8950 section 3). */
export function hasIpv6NextHopForIpv4(family: Family, nextHopLength: number): boolean {
  if (family === Family.Ipv4Unicast) return nextHopLength !== 4;
  return family === Family.Ipv4Vpn && nextHopLength !== 12;
}

export class Reflection {
  /** Words of every mask: slots / 32. Grows, never shrinks. */
  words = 1;
  private readonly kinds: Int32Array[] = [];
  private readonly families: Int32Array[] = [];
  private readonly types: Int32Array[] = [];
  private readonly extendedNextHop: Int32Array[] = [];
  /** In an array of its own, to be widened and cleared like the others. */
  private readonly llgr: Int32Array[] = [new Int32Array(1)];
  /** Slots that are told nothing of memberships. */
  private readonly untold = new Set<number>();

  constructor() {
    for (let kind = 0; kind < 3; kind++) this.kinds.push(new Int32Array(1));
    for (let family = 0; family < FAMILIES.length; family++) {
      this.families.push(new Int32Array(1));
      this.extendedNextHop.push(new Int32Array(1));
    }
    for (let type = 0; type < TYPES; type++) this.types.push(new Int32Array(1));
  }

  add(receiver: Receiver): void {
    const { slot } = receiver;
    this.grow((slot >>> 5) + 1);
    if (receiver.kind !== SourceKind.Ebgp || receiver.acceptOut)
      setBit(this.kinds[receiver.kind]!, slot);
    if (receiver.llgr === true) setBit(this.llgr[0]!, slot);
    if (receiver.defaultMembership === true) this.untold.add(slot);
    this.addFamilies(slot, receiver.families);
    for (let type = 0; type < TYPES; type++) {
      if (type === 0 || wantsType(receiver.evpnTypes, type)) setBit(this.types[type]!, slot);
    }
    for (let family = 0; family < FAMILIES.length; family++) {
      if ((receiver.extendedNextHop & (1 << family)) === 0) continue;
      setBit(this.extendedNextHop[family]!, slot);
    }
  }

  /** Families that a receiver takes from now on, bit mask. */
  addFamilies(slot: number, added: number): void {
    const families = this.untold.has(slot) ? added & ~(1 << Family.RouteTarget) : added;
    for (let family = 0; family < FAMILIES.length; family++) {
      if ((families & (1 << family)) !== 0) setBit(this.families[family]!, slot);
    }
  }

  /** The receiver takes nothing, until families are added again. */
  removeFamilies(slot: number): void {
    for (const mask of this.families) clearBit(mask, slot);
  }

  remove(slot: number): void {
    this.untold.delete(slot);
    for (const masks of this.all()) for (const mask of masks) clearBit(mask, slot);
  }

  /**
   * Writes the slots that should have a route into `out[at, at + words)`.
   * @param routeType 0 outside EVPN
   * @param flags of the attribute set, `AttrFlag`
   * @param ipv6NextHopForIpv4 as `hasIpv6NextHopForIpv4` says
   */
  wanted(
    out: Int32Array,
    at: number,
    source: number,
    sourceKind: SourceKind,
    family: Family,
    routeType: number,
    flags: number,
    ipv6NextHopForIpv4: boolean,
  ): void {
    const words = this.words;
    if ((flags & AttrFlag.NoAdvertise) !== 0) {
      out.fill(0, at, at + words);
      return;
    }
    const outside = (flags & (AttrFlag.NoExport | AttrFlag.NoExportSubconfed)) === 0;
    const inFamily = this.families[family]!;
    const ofType = this.types[placeOf(family, routeType)]!;
    const clients = this.kinds[SourceKind.Client]!;
    const nonClients = this.kinds[SourceKind.NonClient]!;
    const ebgp = this.kinds[SourceKind.Ebgp]!;
    const extended = this.extendedNextHop[family]!;
    for (let w = 0; w < words; w++) {
      let mask = clients[w]!;
      if (sourceKind !== SourceKind.NonClient) mask |= nonClients[w]!;
      if (outside) mask |= ebgp[w]!;
      if (family === Family.RouteTarget) mask &= ~clients[w]!;
      mask &= inFamily[w]! & ofType[w]!;
      if (ipv6NextHopForIpv4) mask &= extended[w]!;
      out[at + w] = mask;
    }
    if ((flags & AttrFlag.LlgrStale) !== 0) {
      const llgr = this.llgr[0]!;
      for (let w = 0; w < words; w++) out[at + w] = out[at + w]! & llgr[w]!;
    }
    const word = source >>> 5;
    if (word < words) out[at + word] = out[at + word]! & ~(1 << (source & 31));
  }

  private all(): readonly Int32Array[][] {
    return [this.kinds, this.families, this.types, this.extendedNextHop, this.llgr];
  }

  private grow(words: number): void {
    if (words <= this.words) return;
    this.words = words;
    for (const masks of this.all()) {
      for (let i = 0; i < masks.length; i++) masks[i] = widened(masks[i]!, words);
    }
  }
}

/** Place 0 is that of the other families: EVPN's type 0 is as unknown as 200. */
function placeOf(family: Family, routeType: number): number {
  if (family !== Family.Evpn) return 0;
  return routeType === 0 || routeType > UNKNOWN_TYPE ? UNKNOWN_TYPE : routeType;
}

function wantsType(types: readonly number[] | undefined, type: number): boolean {
  if (types === undefined) return true;
  return type === UNKNOWN_TYPE
    ? types.some((t) => t >= UNKNOWN_TYPE || t === 0)
    : types.includes(type);
}

function widened(mask: Int32Array, words: number): Int32Array {
  const wide = new Int32Array(words);
  wide.set(mask);
  return wide;
}
