/**
 * Multicast leave synch, route type 8 (RFC 9251 section 9.3).
 *   8 RD | 10 ESI | 4 tag | source | group | originating router, each behind its bits
 *   | 4 reserved | 1 maximum response time | 1 flags
 */
import { readU32, readU8 } from "../../util/bytes.js";
import { esiToHex } from "../values/esi.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readMulticast, readTag } from "./body.js";

export interface LeaveSynch {
  readonly type: 8;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ethTag: number;
  readonly source: string | null;
  readonly group: string | null;
  readonly originator: string;
  /** Passed on unchanged. */
  readonly reserved: number;
  /** Tenths of a second. */
  readonly maxRespTime: number;
  readonly flags: number;
}

export function decodeLeaveSynch(bytes: Uint8Array, at: number): LeaveSynch {
  const { end, ...fields } = readMulticast(bytes, at + 22);
  return {
    type: 8,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ethTag: readTag(bytes, at + 18),
    ...fields,
    reserved: readU32(bytes, end),
    maxRespTime: readU8(bytes, end + 4),
    flags: readU8(bytes, end + 5),
  };
}

export function encodeLeaveSynch(nlri: LeaveSynch): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).esi(nlri.esi).u32(nlri.ethTag).address(nlri.source);
  body.address(nlri.group).address(nlri.originator).u32(nlri.reserved);
  return body.u8(nlri.maxRespTime).u8(nlri.flags).finish();
}

export function formatLeaveSynch(nlri: LeaveSynch): string {
  const group = `${nlri.source ?? "*"}::${nlri.group ?? "*"}::${nlri.originator}`;
  return `8:${shortenRd(nlri.rd)}::${nlri.esi}::${formatTag(nlri.ethTag)}::${group}`;
}
