/** Prefixes of VTEPs as people write them, as octets. */
import { parseIp } from "../../fast-bgp-codec/values/ip.js";

export interface TextPrefix {
  /** 4 or 16 of them. */
  readonly octets: Uint8Array;
  readonly bits: number;
}

/** `10.0.0.0/24`, `2001:db8::1`; undefined for anything else. */
export function parsePrefixText(text: string): TextPrefix | undefined {
  const [address = "", length] = text.split("/", 2);
  const octets = parseIp(address);
  if (octets === undefined) return undefined;
  const width = 8 * octets.length;
  const bits = length === undefined ? width : /^\d{1,3}$/.test(length) ? Number(length) : width + 1;
  return bits > width ? undefined : { octets, bits };
}
