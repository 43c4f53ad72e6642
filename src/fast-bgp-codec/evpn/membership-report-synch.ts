/**
 * Multicast membership report synch, route type 7 (RFC 9251 section 9.2).
 *   8 RD | 10 ESI | 4 tag | source | group | originating router, each behind its bits | 1 flags
 */
import { readU8 } from "../../util/bytes.js";
import { esiToHex } from "../values/esi.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readMulticast, readTag } from "./body.js";

export interface MembershipReportSynch {
  readonly type: 7;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ethTag: number;
  readonly source: string | null;
  readonly group: string | null;
  readonly originator: string;
  readonly flags: number;
}

export function decodeMembershipReportSynch(bytes: Uint8Array, at: number): MembershipReportSynch {
  const { end, ...fields } = readMulticast(bytes, at + 22);
  return {
    type: 7,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ethTag: readTag(bytes, at + 18),
    ...fields,
    flags: readU8(bytes, end),
  };
}

export function encodeMembershipReportSynch(nlri: MembershipReportSynch): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).esi(nlri.esi).u32(nlri.ethTag).address(nlri.source);
  return body.address(nlri.group).address(nlri.originator).u8(nlri.flags).finish();
}

export function formatMembershipReportSynch(nlri: MembershipReportSynch): string {
  const group = `${nlri.source ?? "*"}::${nlri.group ?? "*"}::${nlri.originator}`;
  return `7:${shortenRd(nlri.rd)}::${nlri.esi}::${formatTag(nlri.ethTag)}::${group}`;
}
