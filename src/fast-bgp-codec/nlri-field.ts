/**
 * A whole field of NLRI, walked before any of them is used: one that overruns makes all of the
 * field unusable (RFC 7606 section 5.3).
 */
import { readU8 } from "../util/bytes.js";
import { Family } from "./family.js";
import { NlriScan, NlriStatus, scanNlri } from "./nlri-scan.js";
import type { DecodeContext } from "./context.js";

export const FieldStatus = {
  Good: 0,
  /** All envelopes parse, the body of one EVPN NLRI does not. */
  BadBody: 1,
  /** The NLRI cannot be told apart, or a prefix length is impossible. */
  Unparsable: 2,
} as const;
export type FieldStatus = (typeof FieldStatus)[keyof typeof FieldStatus];

const scan = new NlriScan();

/** @param bodies look into the bodies of EVPN NLRI too, not only at their envelopes */
export function checkNlriField(
  family: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
  context: DecodeContext,
  bodies: boolean,
): FieldStatus {
  if (start === end) return FieldStatus.Good;
  const addPath = (context.addPath & (1 << family)) !== 0;
  if (family === Family.Evpn && !bodies) return checkEnvelopes(bytes, start, end, addPath ? 4 : 0);
  let status: FieldStatus = FieldStatus.Good;
  let at = start;
  while (at < end) {
    at = scanNlri(family, bytes, at, end, addPath, scan);
    if (at < 0) return FieldStatus.Unparsable;
    if (scan.status === NlriStatus.Malformed || scan.status === NlriStatus.MalformedKeyed) {
      if (family !== Family.Evpn) return FieldStatus.Unparsable;
      status = FieldStatus.BadBody;
    }
  }
  return status;
}

function checkEnvelopes(
  bytes: Uint8Array,
  start: number,
  end: number,
  pathIdLength: number,
): FieldStatus {
  let at = start;
  while (at < end) {
    const header = at + pathIdLength + 2;
    if (header > end) return FieldStatus.Unparsable;
    at = header + readU8(bytes, header - 1);
  }
  return at === end ? FieldStatus.Good : FieldStatus.Unparsable;
}

/** Next hop lengths of MP_REACH_NLRI (RFC 4760, RFC 2545, RFC 8950, RFC 7432 section 11, RFC 4684 section 4, RFC 4364 section 4.3.2, RFC 4659 section 3.2.1). */
export function checkMpNextHop(family: Family, length: number): boolean {
  switch (family) {
    case Family.Evpn:
    case Family.RouteTarget:
      return length === 4 || length === 16;
    case Family.Ipv6Unicast:
      return length === 16 || length === 32;
    case Family.Ipv4Unicast:
      return length === 4 || length === 16 || length === 32;
    // An RD of zero stands in front of each address.
    case Family.Ipv4Vpn:
      return length === 12 || length === 24 || length === 48;
    case Family.Ipv6Vpn:
      return length === 24 || length === 48;
  }
}
