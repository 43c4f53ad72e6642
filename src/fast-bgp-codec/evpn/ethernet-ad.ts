/**
 * Ethernet auto-discovery, route type 1 (RFC 7432 section 7.1).
 *   8 RD | 10 ESI | 4 tag (MAX-ET: per segment) | 3 label
 */
import { esiToHex } from "../values/esi.js";
import { decodeLabel, type Label } from "../values/label.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readTag } from "./body.js";

export interface EthernetAd {
  readonly type: 1;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ethTag: number;
  readonly label: Label;
}

export function decodeEthernetAd(bytes: Uint8Array, at: number): EthernetAd {
  return {
    type: 1,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ethTag: readTag(bytes, at + 18),
    label: decodeLabel(bytes, at + 22),
  };
}

export function encodeEthernetAd(nlri: EthernetAd): Uint8Array {
  return new BodyWriter().rd(nlri.rd).esi(nlri.esi).u32(nlri.ethTag).label(nlri.label).finish();
}

export function formatEthernetAd(nlri: EthernetAd): string {
  return `1:${shortenRd(nlri.rd)}::${nlri.esi}::${formatTag(nlri.ethTag)}`;
}
