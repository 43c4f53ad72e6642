/**
 * IP prefix, route type 5 (RFC 9136 section 3.1). The body's size alone tells the family.
 *   8 RD | 10 ESI | 4 tag | 1 prefix bits | 4/16 prefix | 4/16 gateway | 3 label
 */
import { readU8 } from "../../util/bytes.js";
import { esiToHex } from "../values/esi.js";
import { formatIp } from "../values/ip.js";
import { decodeLabel, type Label } from "../values/label.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readTag } from "./body.js";

export interface IpPrefix {
  readonly type: 5;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ethTag: number;
  readonly prefixLen: number;
  /** As on the wire, bits beyond `prefixLen` included. */
  readonly prefix: string;
  readonly gateway: string;
  readonly label: Label;
}

export function decodeIpPrefix(bytes: Uint8Array, at: number, length: number): IpPrefix {
  const octets = length === 34 ? 4 : 16;
  return {
    type: 5,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ethTag: readTag(bytes, at + 18),
    prefixLen: readU8(bytes, at + 22),
    prefix: formatIp(bytes, at + 23, octets),
    gateway: formatIp(bytes, at + 23 + octets, octets),
    label: decodeLabel(bytes, at + 23 + 2 * octets),
  };
}

export function encodeIpPrefix(nlri: IpPrefix): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).esi(nlri.esi).u32(nlri.ethTag).u8(nlri.prefixLen);
  return body.ip(nlri.prefix).ip(nlri.gateway).label(nlri.label).finish();
}

export function formatIpPrefix(nlri: IpPrefix): string {
  const tag = formatTag(nlri.ethTag);
  return `5:${shortenRd(nlri.rd)}::${tag}::${nlri.prefix}::${nlri.prefixLen}`;
}
