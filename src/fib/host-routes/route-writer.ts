/**
 * Octets of a host route: the NLRI (IP unicast of RFC 4760, or type 5 of RFC 9136 section 3.1), next hop and
 * attributes in the table's form. Everything goes into reused memory.
 *
 *   type 5: 1 type | 1 length | 8 RD | 10 ESI | 4 tag | 1 bits | 4/16 address | 4/16 gateway | 3 label
 */
import {
  Family,
  parseIp,
  parseMac,
  parseRd,
  parseRouteTarget,
} from "../../fast-bgp-codec/index.js";
import { copyBytes, writeU16, writeU24, writeU32 } from "../../util/bytes.js";
import type { HostRouteSettings } from "../settings.js";

/** What a host route says beside its address. */
export interface HostRouteFacts {
  readonly sequence: number;
  readonly sticky: boolean;
  /** Below 2^48; undefined without. */
  readonly routerMac: number | undefined;
}

const IP_PREFIX = 5;
const VXLAN = 8;
/** ORIGIN IGP, empty AS_PATH, LOCAL_PREF 100. */
const PLAIN = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100];
const HIGH = 0x1_0000_0000;
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

export class RouteWriter {
  readonly nlri = new Uint8Array(64);
  nlriEnd = 0;
  /** Next hop, then attributes. */
  readonly set = new Uint8Array(512);
  setEnd = 0;
  nextHopLength = 0;
  family: Family = Family.Ipv4Unicast;
  /** Of the settings; undefined = the PE's. */
  readonly nextHop: Uint8Array | undefined;
  private readonly isType5: boolean;
  private readonly rd: Uint8Array;
  private readonly label: number;
  /** Route targets and encapsulation: the communities that all routes have. */
  private readonly communities: Uint8Array;
  private readonly routerMac: number | undefined;

  constructor(settings: HostRouteSettings) {
    this.isType5 = settings.announce === "type-5";
    this.nextHop = settings.nextHop === undefined ? undefined : parseIp(settings.nextHop);
    this.rd = (this.isType5 ? parseRd(settings.rd) : undefined) ?? new Uint8Array(8);
    this.label = settings.l3Vni;
    const targets = settings.routeTargets.flatMap((text) => {
      const target = parseRouteTarget(text);
      return target === undefined ? [] : [target];
    });
    const encapsulation = this.isType5 ? [Uint8Array.of(3, 0x0c, 0, 0, 0, 0, 0, VXLAN)] : [];
    this.communities = Buffer.concat([...targets, ...encapsulation]);
    const mac = settings.routerMac === undefined ? undefined : parseMac(settings.routerMac);
    this.routerMac = mac?.reduce((value, octet) => value * 256 + octet, 0);
  }

  /** The NLRI of an address of 4 or 16 octets. */
  writeNlri(ip: Uint8Array, octets: number): void {
    const { nlri } = this;
    if (!this.isType5) {
      this.family = octets === 4 ? Family.Ipv4Unicast : Family.Ipv6Unicast;
      nlri[0] = 8 * octets;
      this.nlriEnd = copyBytes(ip, 0, octets, nlri, 1);
      return;
    }
    this.family = Family.Evpn;
    nlri.fill(0);
    nlri[0] = IP_PREFIX;
    nlri[1] = octets === 4 ? 34 : 58;
    copyBytes(this.rd, 0, 8, nlri, 2);
    nlri[24] = 8 * octets;
    const end = copyBytes(ip, 0, octets, nlri, 25);
    writeU24(nlri, end + octets, this.label);
    this.nlriEnd = end + octets + 3;
  }

  /**
   * Next hop and attributes; `writeNlri` has been called.
   * @param hop the PE's address of 4 or 16 octets, unless the settings have one
   */
  writeSet(hop: Uint8Array, hopOctets: number, facts: HostRouteFacts): void {
    const { set } = this;
    let at = 0;
    if (this.family === Family.Ipv6Unicast && hopOctets === 4) {
      // As 6PE does (RFC 4798 section 2): an IPv6 route has an IPv6 next hop.
      set.set(MAPPED);
      at = MAPPED.length;
    }
    at = copyBytes(hop, 0, hopOctets, set, at);
    this.nextHopLength = at;
    set.set(PLAIN, at);
    at += PLAIN.length;
    const routerMac = this.isType5 ? (this.routerMac ?? facts.routerMac) : undefined;
    const isMobile = facts.sequence !== 0 || facts.sticky;
    const octets = this.communities.length + (routerMac === undefined ? 0 : 8) + (isMobile ? 8 : 0);
    if (octets > 0) {
      const isLong = octets > 255;
      set[at] = isLong ? 0xd0 : 0xc0;
      set[at + 1] = 16;
      if (isLong) writeU16(set, at + 2, octets);
      else set[at + 2] = octets;
      at = copyBytes(this.communities, 0, this.communities.length, set, at + (isLong ? 4 : 3));
      if (isMobile) at = this.writeMobility(at, facts);
      if (routerMac !== undefined) {
        writeU16(set, at, 0x0603);
        writeU16(set, at + 2, Math.floor(routerMac / HIGH));
        writeU32(set, at + 4, routerMac % HIGH);
        at += 8;
      }
    }
    this.setEnd = at;
  }

  /** RFC 7432 section 7.7: the sequence that the MAC has. */
  private writeMobility(at: number, { sticky, sequence }: HostRouteFacts): number {
    const { set } = this;
    writeU16(set, at, 0x0600);
    set[at + 2] = sticky ? 1 : 0;
    set[at + 3] = 0;
    writeU32(set, at + 4, sequence);
    return at + 8;
  }
}
