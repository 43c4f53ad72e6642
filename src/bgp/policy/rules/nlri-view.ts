/**
 * Where the fields of one NLRI stand: raw octets without path id, well-formed (`NlriStatus.Ok`, or an
 * unknown EVPN type, which has no field we know). Reused; nothing is allocated.
 *
 * EVPN (RFC 7432 section 7, RFC 9136, RFC 9251, RFC 9572), each behind 1 type | 1 length:
 *   1: 8 RD | 10 ESI | 4 tag | 3 label          2: 8 RD | 10 ESI | 4 tag | 1 | 6 MAC | 1 | IP | 3 label
 *   3: 8 RD | 4 tag | 1 | IP                     4: 8 RD | 10 ESI | 1 | IP
 *   5: 8 RD | 10 ESI | 4 tag | 1 | prefix | gateway | 3 label
 *   6, 9, 10: 8 RD | 4 tag | …                   7, 8: 8 RD | 10 ESI | 4 tag | …
 * IP: 1 bits | prefix. VPN: 1 bits | 3 each label | 8 RD | prefix.
 */
import { readU24, readU8 } from "../../../util/bytes.js";
import { Family } from "../../../fast-bgp-codec/family.js";

/** Field that the route does not have. */
export const ABSENT = -1;
const MAC_IP = 2;
const WITHDRAWN_LABEL = 0x800000;

export class NlriView {
  bytes: Uint8Array = new Uint8Array(0);
  family: Family = Family.Evpn;
  /** EVPN route type, 0 elsewhere. */
  type = 0;
  /** Offsets, ABSENT without the field. */
  rd = ABSENT;
  esi = ABSENT;
  tag = ABSENT;
  mac = ABSENT;
  label = ABSENT;
  /** Address of a host or a router, and its octets. */
  host = ABSENT;
  hostOctets = 0;
  prefix = ABSENT;
  prefixBits = 0;
  /** Octets of an address of that kind, and those that are there. */
  prefixOctets = 0;
  prefixPresent = 0;

  read(family: Family, bytes: Uint8Array, start: number): void {
    if (family === Family.Evpn && readU8(bytes, start) === MAC_IP) {
      this.readMacIp(bytes, start);
      return;
    }
    this.bytes = bytes;
    this.family = family;
    this.type = 0;
    this.rd = this.esi = this.tag = this.mac = this.label = this.host = this.prefix = ABSENT;
    switch (family) {
      case Family.Evpn:
        this.readEvpn(bytes, start);
        break;
      case Family.Ipv4Unicast:
        this.setPrefix(start + 1, readU8(bytes, start), 4);
        break;
      case Family.Ipv6Unicast:
        this.setPrefix(start + 1, readU8(bytes, start), 16);
        break;
      case Family.Ipv4Vpn:
        this.readVpn(bytes, start, 4);
        break;
      case Family.Ipv6Vpn:
        this.readVpn(bytes, start, 16);
        break;
      default:
        break;
    }
  }

  /** Most routes are of this type. */
  private readMacIp(bytes: Uint8Array, start: number): void {
    const octets = readU8(bytes, start + 31) >>> 3;
    this.bytes = bytes;
    this.family = Family.Evpn;
    this.type = MAC_IP;
    this.rd = start + 2;
    this.esi = start + 10;
    this.tag = start + 20;
    this.mac = start + 25;
    this.host = octets === 0 ? ABSENT : start + 32;
    this.hostOctets = octets;
    this.label = start + 32 + octets;
    this.prefix = ABSENT;
  }

  private readEvpn(bytes: Uint8Array, start: number): void {
    const type = readU8(bytes, start);
    const body = start + 2;
    this.type = type;
    switch (type) {
      case 1:
        this.rd = body;
        this.esi = body + 8;
        this.tag = body + 18;
        this.label = body + 22;
        break;
      case 3:
        this.rd = body;
        this.tag = body + 8;
        this.setHost(body + 13, readU8(bytes, body + 12) >>> 3);
        break;
      case 4:
        this.rd = body;
        this.esi = body + 8;
        this.setHost(body + 19, readU8(bytes, body + 18) >>> 3);
        break;
      case 5: {
        const octets = readU8(bytes, start + 1) === 34 ? 4 : 16;
        this.rd = body;
        this.esi = body + 8;
        this.tag = body + 18;
        this.setPrefix(body + 23, readU8(bytes, body + 22), octets);
        this.prefixPresent = octets;
        this.label = body + 23 + 2 * octets;
        break;
      }
      case 6:
      case 9:
      case 10:
        this.rd = body;
        this.tag = body + 8;
        break;
      case 7:
      case 8:
        this.rd = body;
        this.esi = body + 8;
        this.tag = body + 18;
        break;
      default:
        break;
    }
  }

  private readVpn(bytes: Uint8Array, start: number, octets: number): void {
    let bits = readU8(bytes, start);
    let at = start + 1;
    this.label = at;
    let label: number;
    do {
      label = readU24(bytes, at);
      at += 3;
      bits -= 24;
    } while ((label & 1) === 0 && label !== WITHDRAWN_LABEL && label !== 0 && bits >= 88);
    this.rd = at;
    this.setPrefix(at + 8, bits - 64, octets);
  }

  private setHost(at: number, octets: number): void {
    if (octets === 0) return;
    this.host = at;
    this.hostOctets = octets;
  }

  private setPrefix(at: number, bits: number, octets: number): void {
    this.prefix = at;
    this.prefixBits = bits;
    this.prefixOctets = octets;
    this.prefixPresent = (bits + 7) >>> 3;
  }
}
