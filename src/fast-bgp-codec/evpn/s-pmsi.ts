/**
 * S-PMSI auto-discovery, route type 10 (RFC 9572 section 3.2).
 *   8 RD | 4 tag | source | group | originating router, each behind its bits
 */
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readMulticast, readTag } from "./body.js";

export interface SPmsi {
  readonly type: 10;
  readonly length?: number;
  readonly rd: string;
  readonly ethTag: number;
  readonly source: string | null;
  readonly group: string | null;
  readonly originator: string;
}

export function decodeSPmsi(bytes: Uint8Array, at: number): SPmsi {
  const { source, group, originator } = readMulticast(bytes, at + 12);
  const rd = rdToText(bytes, at);
  return { type: 10, rd, ethTag: readTag(bytes, at + 8), source, group, originator };
}

export function encodeSPmsi(nlri: SPmsi): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).u32(nlri.ethTag).address(nlri.source);
  return body.address(nlri.group).address(nlri.originator).finish();
}

export function formatSPmsi(nlri: SPmsi): string {
  const group = `${nlri.source ?? "*"}::${nlri.group ?? "*"}::${nlri.originator}`;
  return `10:${shortenRd(nlri.rd)}::${formatTag(nlri.ethTag)}::${group}`;
}
