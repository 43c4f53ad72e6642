/**
 * MAC/IP advertisement, route type 2 (RFC 7432 section 7.2).
 *   8 RD | 10 ESI | 4 tag | 1 MAC bits | 6 MAC | 1 IP bits | 0/4/16 IP | 3 label1 | 0/3 label2
 */
import { readU8 } from "../../util/bytes.js";
import { esiToHex } from "../values/esi.js";
import { decodeLabel, type Label } from "../values/label.js";
import { formatMac } from "../values/mac.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readAddress, readTag } from "./body.js";

export interface MacIp {
  readonly type: 2;
  readonly length?: number;
  readonly rd: string;
  readonly esi: string;
  readonly ethTag: number;
  readonly macLen: number;
  readonly mac: string;
  readonly ipLen: number;
  readonly ip: string | null;
  /** MAC-VRF: the L2 VNI. */
  readonly label1: Label;
  /** IP-VRF: the L3 VNI with symmetric IRB (RFC 9135). */
  readonly label2: Label | null;
}

export function decodeMacIp(bytes: Uint8Array, at: number, length: number): MacIp {
  const ipLen = readU8(bytes, at + 29);
  const labels = at + 30 + (ipLen >>> 3);
  return {
    type: 2,
    rd: rdToText(bytes, at),
    esi: esiToHex(bytes, at + 8),
    ethTag: readTag(bytes, at + 18),
    macLen: readU8(bytes, at + 22),
    mac: formatMac(bytes, at + 23),
    ipLen,
    ip: readAddress(bytes, at + 29),
    label1: decodeLabel(bytes, labels),
    label2: at + length - labels === 6 ? decodeLabel(bytes, labels + 3) : null,
  };
}

export function encodeMacIp(nlri: MacIp): Uint8Array {
  const body = new BodyWriter().rd(nlri.rd).esi(nlri.esi).u32(nlri.ethTag).u8(48).mac(nlri.mac);
  body.address(nlri.ip).label(nlri.label1);
  if (nlri.label2 !== null) body.label(nlri.label2);
  return body.finish();
}

export function formatMacIp(nlri: MacIp): string {
  const head = `2:${shortenRd(nlri.rd)}::${formatTag(nlri.ethTag)}::${nlri.mac}`;
  return nlri.ip === null ? head : `${head}::${nlri.ip}`;
}
