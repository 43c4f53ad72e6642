/**
 * Hidden values are opened with one hop's secret and hidden again with the next one's. Their length
 * does not change, so it happens in place. Which values: User-Password, and every attribute whose
 * dictionary row says so, in the standard space and inside vendor attributes (RFC 2865, 2868, 2548).
 * A vendor attribute that does not follow its vendor's format stays as it is.
 */
import { readU16, readU32, readU8 } from "../../util/bytes.js";
import type { AttributeSpec, Dictionary } from "../dictionary/dictionary.js";
import { hideInPlace, unhideInPlace } from "./hiding.js";
import { Attr, HEADER } from "./iana.js";
import type { Secret } from "./md5.js";

/** One side of a hop: its secret, and the Request Authenticator of the request on that hop. */
export interface Hop {
  readonly secret: Secret;
  readonly authenticator: Uint8Array;
}

/** @returns how many values were hidden anew */
export function rehide(packet: Uint8Array, from: Hop, to: Hop, dictionary: Dictionary): number {
  let count = 0;
  const length = readU16(packet, 2);
  for (let at = HEADER; at < length; at += readU8(packet, at + 1)) {
    const type = readU8(packet, at);
    const end = at + readU8(packet, at + 1);
    if (type === Attr.VendorSpecific) {
      count += rehideVendor(packet, at, end, from, to, dictionary);
      continue;
    }
    const spec = dictionary.find(0, type);
    if (spec?.hiding !== undefined) count += rehideValue(packet, at + 2, end, spec, from, to);
  }
  return count;
}

function rehideVendor(
  packet: Uint8Array,
  at: number,
  end: number,
  from: Hop,
  to: Hop,
  dictionary: Dictionary,
): number {
  const vendor = readU32(packet, at + 2);
  const format = dictionary.vendor(vendor);
  if (format === undefined || format.typeSize !== 1 || format.lengthSize !== 1) return 0;
  let count = 0;
  for (let inner = at + 6; inner + 2 <= end;) {
    const size = readU8(packet, inner + 1);
    if (size < 2 || inner + size > end) return count;
    const spec = dictionary.find(vendor, readU8(packet, inner));
    if (spec?.hiding !== undefined) {
      count += rehideValue(packet, inner + 2, inner + size, spec, from, to);
    }
    inner += size;
  }
  return count;
}

function rehideValue(
  packet: Uint8Array,
  start: number,
  end: number,
  spec: AttributeSpec,
  from: Hop,
  to: Hop,
): number {
  let at = start;
  let salt: Uint8Array | undefined;
  if (spec.hiding === "salted") {
    if (spec.tagged === true) at++;
    if (at + 2 > end) return 0;
    salt = packet.subarray(at, at + 2);
    at += 2;
  }
  if (at >= end) return 0;
  unhideInPlace(packet, at, end, from.secret, from.authenticator, salt);
  hideInPlace(packet, at, end, to.secret, to.authenticator, salt);
  return 1;
}
