/**
 * ROUTE-REFRESH (RFC 2918 section 3, RFC 7313 section 3.2).
 *   2 AFI | 1 subtype | 1 SAFI | ORF entries (RFC 5291, never asked for, kept as they are)
 */
import { readU16, readU8, writeU16 } from "../util/bytes.js";
import { resetFault, type DecodeFault } from "./fault.js";
import { HEADER_LENGTH, writeHeader } from "./header.js";
import { MessageType } from "./iana.js";

export const RefreshSubtype = { Request: 0, BeginOfRefresh: 1, EndOfRefresh: 2 } as const;

export interface RouteRefresh {
  readonly afi: number;
  /** 0 request, 1 BoRR, 2 EoRR; others are to be ignored and logged (RFC 7313 section 5). */
  readonly subtype: number;
  readonly safi: number;
  /** What follows the four octets. */
  readonly rest: Uint8Array;
}

export function encodeRouteRefresh(
  afi: number,
  safi: number,
  subtype: number,
  rest?: Uint8Array,
): Uint8Array {
  const message = new Uint8Array(HEADER_LENGTH + 4 + (rest?.length ?? 0));
  writeU16(message, 19, afi);
  message[21] = subtype;
  message[22] = safi;
  if (rest !== undefined) message.set(rest, 23);
  return writeHeader(message, MessageType.RouteRefresh);
}

/** `bytes[start, end)` is the whole message, its header checked. */
export function decodeRouteRefresh(
  bytes: Uint8Array,
  start: number,
  end: number,
): RouteRefresh | DecodeFault {
  const body = start + HEADER_LENGTH;
  const subtype = readU8(bytes, body + 2);
  if ((subtype === 1 || subtype === 2) && end - body !== 4) {
    return resetFault(
      7,
      1,
      `ROUTE-REFRESH subtype ${subtype} with a body of ${end - body} octets (RFC 7313 section 5)`,
      bytes.slice(start, end),
    );
  }
  return {
    afi: readU16(bytes, body),
    subtype,
    safi: readU8(bytes, body + 3),
    rest: bytes.slice(body + 4, end),
  };
}
