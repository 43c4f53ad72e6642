/**
 * Per-region I-PMSI auto-discovery, route type 9 (RFC 9572 section 3.1).
 *   8 RD | 4 tag | 8 region id, shaped like an extended community
 */
import { toHex } from "../../util/bytes.js";
import { rdToText, shortenRd } from "../values/rd.js";
import { BodyWriter, formatTag, readTag } from "./body.js";

export interface PerRegionIPmsi {
  readonly type: 9;
  readonly length?: number;
  readonly rd: string;
  readonly ethTag: number;
  /** 16 hex digits. */
  readonly regionId: string;
}

export function decodePerRegionIPmsi(bytes: Uint8Array, at: number): PerRegionIPmsi {
  return {
    type: 9,
    rd: rdToText(bytes, at),
    ethTag: readTag(bytes, at + 8),
    regionId: toHex(bytes, at + 12, at + 20),
  };
}

export function encodePerRegionIPmsi(nlri: PerRegionIPmsi): Uint8Array {
  return new BodyWriter().rd(nlri.rd).u32(nlri.ethTag).hex(nlri.regionId).finish();
}

export function formatPerRegionIPmsi(nlri: PerRegionIPmsi): string {
  return `9:${shortenRd(nlri.rd)}::${formatTag(nlri.ethTag)}::${nlri.regionId}`;
}
