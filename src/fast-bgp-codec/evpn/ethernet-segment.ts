/**
 * Ethernet segment, route type 4 (RFC 7432 section 7.4).
 *   8 RD | 10 ESI | 1 IP bits | 4/16 originating router
 */
import { readU8 } from "../../util/bytes.js";
import { esiToHex } from "../values/esi.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, readAddress } from "./body.js";

export interface EthernetSegment {
  readonly type: 4;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ipLen: number;
  readonly originator: string;
}

export function decodeEthernetSegment(bytes: Uint8Array, at: number): EthernetSegment {
  return {
    type: 4,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ipLen: readU8(bytes, at + 18),
    originator: readAddress(bytes, at + 18) ?? "",
  };
}

export function encodeEthernetSegment(nlri: EthernetSegment): Uint8Array {
  return new BodyWriter().rd(nlri.rd).esi(nlri.esi).address(nlri.originator).finish();
}

export function formatEthernetSegment(nlri: EthernetSegment): string {
  return `4:${shortenRd(nlri.rd)}::${nlri.esi}:${nlri.originator}`;
}
