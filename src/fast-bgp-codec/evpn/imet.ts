/**
 * Inclusive multicast Ethernet tag, route type 3 (RFC 7432 section 7.3).
 *   8 RD | 4 tag | 1 IP bits | 4/16 originating router
 */
import { readU8 } from "../../util/bytes.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readAddress, readTag } from "./body.js";

export interface Imet {
  readonly type: 3;
  readonly length?: number;
  readonly rd: string;
  readonly ethTag: number;
  readonly ipLen: number;
  readonly originator: string;
}

export function decodeImet(bytes: Uint8Array, at: number): Imet {
  return {
    type: 3,
    rd: rdToText(bytes, at),
    ethTag: readTag(bytes, at + 8),
    ipLen: readU8(bytes, at + 12),
    originator: readAddress(bytes, at + 12) ?? "",
  };
}

export function encodeImet(nlri: Imet): Uint8Array {
  return new BodyWriter().rd(nlri.rd).u32(nlri.ethTag).address(nlri.originator).finish();
}

export function formatImet(nlri: Imet): string {
  return `3:${shortenRd(nlri.rd)}::${formatTag(nlri.ethTag)}::${nlri.originator}`;
}
