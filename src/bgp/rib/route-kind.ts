/** What of a path its limits count by: family, EVPN route type, VNI. */
import { readU16, readU24, readU8 } from "../../util/bytes.js";
import { Family } from "../../fast-bgp-codec/family.js";
import type { RouteTable } from "./route-table.js";

const PMSI_TUNNEL = 22;

/**
 * The VNI of an EVPN NLRI of types 1, 2 and 5: its (first) label field, all 24 bits, as under VXLAN (RFC
 * 8365 section 5.1.3). -1 for types that have none in the NLRI.
 */
export function vniOfNlri(
  routeType: number,
  bytes: Uint8Array,
  start: number,
  length: number,
): number {
  switch (routeType) {
    case 1:
      return length < 27 ? -1 : readU24(bytes, start + 24);
    case 2: {
      const label = 32 + (readU8(bytes, start + 31) >>> 3);
      return length < label + 3 ? -1 : readU24(bytes, start + label);
    }
    case 5:
      return length < 5 ? -1 : readU24(bytes, start + length - 3);
    default:
      return -1;
  }
}

/** That of type 3: the label in its PMSI tunnel attribute (RFC 7432 section 11.2); -1 without one. */
export function vniOfAttributes(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const value = at + (extended ? 4 : 3);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    if (code === PMSI_TUNNEL && length >= 5) return readU24(bytes, value + 2);
    at = value + length;
  }
  return -1;
}

/** The VNI that an attribute set and an NLRI speak of; -1 for none. */
export function vniOf(
  table: RouteTable,
  routeType: number,
  bytes: Uint8Array,
  start: number,
  length: number,
  received: number,
): number {
  if (routeType !== 3) return vniOfNlri(routeType, bytes, start, length);
  const { attrs } = table;
  return vniOfAttributes(
    attrs.bytes,
    attrs.attributesStart(received),
    attrs.attributesEnd(received),
  );
}

/** The VNI of a path in the table; -1 for none. */
export function vniOfPath(table: RouteTable, path: number): number {
  const dest = table.pathDest(path);
  if (table.family(dest) !== Family.Evpn) return -1;
  return vniOf(
    table,
    table.routeType(dest),
    table.nlriBytes,
    table.pathNlri(path),
    table.pathNlriLength(path),
    table.pathReceived(path),
  );
}
