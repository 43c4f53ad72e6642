/**
 * EVPN NLRI (RFC 7432 section 7): 1 route type | 1 length of the body | body, the path id apart.
 * In: octets or an `EvpnNlri`. Out: the other, or one line for people. Nothing is lost: types we do not
 * know and bodies that do not fit their type stay hex.
 */
import { fromHex, readU8, toHex } from "../../util/bytes.js";
import { Family } from "../family.js";
import { NlriScan, NlriStatus, scanNlri } from "../nlri-scan.js";
import { decodeEthernetAd, encodeEthernetAd, formatEthernetAd } from "./ethernet-ad.js";
import {
  decodeEthernetSegment,
  encodeEthernetSegment,
  formatEthernetSegment,
} from "./ethernet-segment.js";
import { decodeImet, encodeImet, formatImet } from "./imet.js";
import { decodeIpPrefix, encodeIpPrefix, formatIpPrefix } from "./ip-prefix.js";
import { decodeLeafAd, encodeLeafAd, formatLeafAd } from "./leaf-ad.js";
import { decodeLeaveSynch, encodeLeaveSynch, formatLeaveSynch } from "./leave-synch.js";
import { decodeMacIp, encodeMacIp, formatMacIp } from "./mac-ip.js";
import {
  decodeMembershipReportSynch,
  encodeMembershipReportSynch,
  formatMembershipReportSynch,
} from "./membership-report-synch.js";
import {
  decodePerRegionIPmsi,
  encodePerRegionIPmsi,
  formatPerRegionIPmsi,
} from "./per-region-i-pmsi.js";
import { decodeSPmsi, encodeSPmsi, formatSPmsi } from "./s-pmsi.js";
import { decodeSmet, encodeSmet, formatSmet } from "./smet.js";
import type { EvpnNlri, KnownEvpnNlri } from "./types.js";

const scan = new NlriScan();

/** The NLRI in `bytes[start, end)`; its envelope must fill them. */
export function decodeEvpnNlri(bytes: Uint8Array, start: number, end: number): EvpnNlri {
  return { ...decodeBody(bytes, start, end), length: end - start - 2 };
}

function decodeBody(bytes: Uint8Array, start: number, end: number): EvpnNlri {
  const type = readU8(bytes, start);
  const body = start + 2;
  const length = end - body;
  scanNlri(Family.Evpn, bytes, start, end, false, scan);
  if (scan.status === NlriStatus.UnknownType) {
    return { type, opaque: toHex(bytes, body, end) };
  }
  if (scan.status !== NlriStatus.Ok) return { type, malformed: toHex(bytes, body, end) };
  switch (type) {
    case 1:
      return decodeEthernetAd(bytes, body);
    case 2:
      return decodeMacIp(bytes, body, length);
    case 3:
      return decodeImet(bytes, body);
    case 4:
      return decodeEthernetSegment(bytes, body);
    case 5:
      return decodeIpPrefix(bytes, body, length);
    case 6:
      return decodeSmet(bytes, body);
    case 7:
      return decodeMembershipReportSynch(bytes, body);
    case 8:
      return decodeLeaveSynch(bytes, body);
    case 9:
      return decodePerRegionIPmsi(bytes, body);
    case 10:
      return decodeSPmsi(bytes, body);
    default: {
      // Nesting costs 7 octets a level of at most 255, so this ends soon.
      const inner = 2 + readU8(bytes, body + 1);
      const routeKey = decodeBody(bytes, body, body + inner);
      return decodeLeafAd(bytes, body, routeKey, inner);
    }
  }
}

/** Route type, length and body. `length` is computed, not taken. Throws RangeError for values that are none. */
export function encodeEvpnNlri(nlri: EvpnNlri): Uint8Array {
  const body = encodeBody(nlri);
  const bytes = new Uint8Array(2 + body.length);
  bytes[0] = nlri.type;
  bytes[1] = body.length;
  bytes.set(body, 2);
  return bytes;
}

function encodeBody(nlri: EvpnNlri): Uint8Array {
  if ("opaque" in nlri) return hexBody(nlri.opaque);
  if ("malformed" in nlri) return hexBody(nlri.malformed);
  switch (nlri.type) {
    case 1:
      return encodeEthernetAd(nlri);
    case 2:
      return encodeMacIp(nlri);
    case 3:
      return encodeImet(nlri);
    case 4:
      return encodeEthernetSegment(nlri);
    case 5:
      return encodeIpPrefix(nlri);
    case 6:
      return encodeSmet(nlri);
    case 7:
      return encodeMembershipReportSynch(nlri);
    case 8:
      return encodeLeaveSynch(nlri);
    case 9:
      return encodePerRegionIPmsi(nlri);
    case 10:
      return encodeSPmsi(nlri);
    case 11:
      return encodeLeafAd(nlri, encodeEvpnNlri(nlri.routeKey));
  }
}

function hexBody(hex: string): Uint8Array {
  const body = fromHex(hex);
  if (body === undefined || body.length > 255) throw new RangeError(`not an EVPN body: ${hex}`);
  return body;
}

/** One line, close to what Junos shows: `2:65000:100::0::52:54:00:00:00:01::10.0.0.1`. */
export function formatEvpnNlri(nlri: EvpnNlri): string {
  if ("opaque" in nlri) return `${nlri.type}:unknown:${nlri.opaque}`;
  if ("malformed" in nlri) return `${nlri.type}:malformed:${nlri.malformed}`;
  return formatKnown(nlri);
}

function formatKnown(nlri: KnownEvpnNlri): string {
  switch (nlri.type) {
    case 1:
      return formatEthernetAd(nlri);
    case 2:
      return formatMacIp(nlri);
    case 3:
      return formatImet(nlri);
    case 4:
      return formatEthernetSegment(nlri);
    case 5:
      return formatIpPrefix(nlri);
    case 6:
      return formatSmet(nlri);
    case 7:
      return formatMembershipReportSynch(nlri);
    case 8:
      return formatLeaveSynch(nlri);
    case 9:
      return formatPerRegionIPmsi(nlri);
    case 10:
      return formatSPmsi(nlri);
    case 11:
      return formatLeafAd(nlri, formatEvpnNlri(nlri.routeKey));
  }
}
