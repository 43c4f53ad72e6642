/**
 * Selective multicast Ethernet tag, route type 6 (RFC 9251 section 9.1).
 *   8 RD | 4 tag | source | group | originating router, each behind its bits | 1 flags
 */
import { readU8 } from "../../util/bytes.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readMulticast, readTag } from "./body.js";

export interface Smet {
  readonly type: 6;
  readonly length?: number;
  readonly rd: string;
  readonly ethTag: number;
  /** null is any source. */
  readonly source: string | null;
  readonly group: string | null;
  readonly originator: string;
  /** 0x01 v1, 0x02 v2, 0x04 v3, 0x08 exclude. */
  readonly flags: number;
}

export function decodeSmet(bytes: Uint8Array, at: number): Smet {
  const { end, ...fields } = readMulticast(bytes, at + 12);
  return {
    type: 6,
    rd: rdToText(bytes, at),
    ethTag: readTag(bytes, at + 8),
    ...fields,
    flags: readU8(bytes, end),
  };
}

export function encodeSmet(nlri: Smet): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).u32(nlri.ethTag).address(nlri.source);
  return body.address(nlri.group).address(nlri.originator).u8(nlri.flags).finish();
}

export function formatSmet(nlri: Smet): string {
  const group = `${nlri.source ?? "*"}::${nlri.group ?? "*"}::${nlri.originator}`;
  return `6:${shortenRd(nlri.rd)}::${formatTag(nlri.ethTag)}::${group}`;
}
