/**
 * A label field: 24 raw bits. Under VXLAN, NVGRE and Geneve all 24 are the VNI; under MPLS the high 20
 * are the label (RFC 8365 section 5.1.3). The encapsulation community of the route decides, not the codec.
 */
import { readU24, writeU24 } from "../../util/bytes.js";
import { shortHex } from "./hex.js";

export interface Label {
  /** Six hex digits. */
  readonly raw: string;
  /** All 24 bits. */
  readonly vni24: number;
  /** The high 20 bits. */
  readonly mpls20: number;
  /** The lowest bit, bottom of stack. */
  readonly bos: number;
}

export function decodeLabel(bytes: Uint8Array, at: number): Label {
  const value = readU24(bytes, at);
  return { raw: shortHex(bytes, at, at + 3), vni24: value, mpls20: value >>> 4, bos: value & 1 };
}

/** `vni24` counts; the other fields are views of it. */
export function writeLabel(bytes: Uint8Array, at: number, label: Label): number {
  writeU24(bytes, at, label.vni24);
  return at + 3;
}

/** The label whose 24 bits are `value`: a VNI, or an MPLS label times 16. */
export function labelOf(value: number): Label {
  const bytes = new Uint8Array(3);
  writeU24(bytes, 0, value);
  return decodeLabel(bytes, 0);
}
