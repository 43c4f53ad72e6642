/**
 * What must become of a datagram of a client, by the RFCs alone and by Node's crypto: a second opinion on the
 * relay's checks, for clients that must sign (RFC 2865 sections 3 and 5, RFC 2866 section 3, RFC 3579 section 3.2).
 */
import { Code, Type } from "./own-packets.js";
import type { Hop } from "./own-packets.js";

export type Refusal =
  "malformed" | "statusServer" | "unexpected" | "badAuthenticators" | "unsigned" | undefined;

const STATUS_SERVER = 12;
const ZEROS = Buffer.alloc(16);

/** @returns the counter of its refusal; undefined for a request that is whole and good */
export function refusalOf(
  packet: Buffer,
  kind: "authentication" | "accounting",
  hop: Hop,
): Refusal {
  const length = packet.length < 20 ? 0 : packet.readUInt16BE(2);
  if (length < 20 || length > 4096 || length > packet.length) return "malformed";
  const whole = packet.subarray(0, length);
  const sizes = sizesOf(whole);
  if (sizes === undefined || !sizes.every(fits) || !goTogether(sizes)) return "malformed";
  if (whole[0] === STATUS_SERVER) return "statusServer";
  const wanted = kind === "accounting" ? Code.AccountingRequest : Code.AccessRequest;
  if (whole[0] !== wanted) return "unexpected";
  const isThere = sizes.some(([type]) => type === Type.MessageAuthenticator);
  if (kind === "accounting") {
    if (!hop.answerFits(whole, ZEROS)) return "badAuthenticators";
    return isThere && !hop.answerIsSigned(whole, ZEROS) ? "badAuthenticators" : undefined;
  }
  if (!isThere) return "unsigned";
  return hop.answerIsSigned(whole, whole.subarray(4, 20)) ? undefined : "badAuthenticators";
}

type Size = readonly [type: number, octets: number];

/** Type and size of each attribute; undefined when they do not fill the packet. */
function sizesOf(packet: Buffer): readonly Size[] | undefined {
  const sizes: Size[] = [];
  let rest = packet.subarray(20);
  while (rest.length > 0) {
    const [type = 0, size = 0] = rest;
    if (size < 2 || size > rest.length) return undefined;
    sizes.push([type, size]);
    rest = rest.subarray(size);
  }
  return sizes;
}

/** Attributes whose own length is fixed, and decides something. */
function fits([type, size]: Size): boolean {
  switch (type) {
    case Type.UserPassword:
      return [18, 34, 50, 66, 82, 98, 114, 130].includes(size);
    case 3:
      return size === 19;
    case Type.VendorSpecific:
      return size >= 7;
    case 40:
      return size === 6;
    case Type.MessageAuthenticator:
      return size === 18;
    default:
      return true;
  }
}

/** One password, of one kind, and not beside EAP; one signature. */
function goTogether(sizes: readonly Size[]): boolean {
  const count = (wanted: number) => sizes.filter(([type]) => type === wanted).length;
  const [pap, chap, eap] = [count(Type.UserPassword), count(3), count(Type.EapMessage)];
  if (count(Type.MessageAuthenticator) > 1 || pap > 1 || chap > 1) return false;
  return pap === 0 || (chap === 0 && eap === 0);
}
