/** Builds UPDATEs for tests from hex, and runs the scan over them. */
import { ALL_FAMILIES } from "../../src/fast-bgp-codec/family.js";
import type { DecodeContext } from "../../src/fast-bgp-codec/context.js";
import { writeCanonicalAttributes } from "../../src/fast-bgp-codec/canonical.js";
import { UpdateScan, scanUpdate } from "../../src/fast-bgp-codec/update-scan.js";
import { octets } from "./vectors.js";

export const CONTEXT: DecodeContext = {
  as4: true,
  ibgp: true,
  peerAs: 0,
  families: ALL_FAMILIES,
  addPath: 0,
  malformedNlri: "drop",
};

export const ORIGIN = "40010100";
export const AS_PATH = "400200";
export const LOCAL_PREF = "40050400000064";
export const NEXT_HOP = "400304c0000201";
/** What every route of an internal peer must have. */
export const MANDATORY = ORIGIN + AS_PATH + LOCAL_PREF;
/** A MAC route, and the MP_REACH_NLRI around it. */
export const MAC_ROUTE = "02210001c0000201006400000000000000000000000000003000005e00530100002774";
export const REACH = attribute("80", 14, `00194604c000020100${MAC_ROUTE}`);

/** Flags in hex, code, value in hex. */
export function attribute(flags: string, code: number, value: string): string {
  const length = value.length / 2;
  const extended = length > 255;
  const bits = (parseInt(flags, 16) | (extended ? 0x10 : 0)).toString(16).padStart(2, "0");
  const size = length.toString(16).padStart(extended ? 4 : 2, "0");
  return `${bits}${code.toString(16).padStart(2, "0")}${size}${value}`;
}

/** A whole UPDATE from the hex of its three fields. */
export function update(fields: {
  withdrawn?: string;
  attributes?: string;
  nlri?: string;
}): Uint8Array {
  const { withdrawn = "", attributes = "", nlri = "" } = fields;
  const size = (hex: string): string => (hex.length / 2).toString(16).padStart(4, "0");
  const body = size(withdrawn) + withdrawn + size(attributes) + attributes + nlri;
  const length = (19 + body.length / 2).toString(16).padStart(4, "0");
  return octets(`${"ff".repeat(16)}${length}02${body}`);
}

export function scanOf(bytes: Uint8Array, context: Partial<DecodeContext> = {}): UpdateScan {
  const scan = new UpdateScan();
  scanUpdate(bytes, 0, bytes.length, { ...CONTEXT, ...context }, scan);
  return scan;
}

/** The canonical attributes, in hex, of an UPDATE that announces a MAC route with these. */
export function canonicalOf(attributes: string, context: Partial<DecodeContext> = {}): string {
  const bytes = update({ attributes: REACH + attributes });
  const scan = scanOf(bytes, context);
  if (scan.severity > 1) throw new Error(scan.faults.map((fault) => fault.detail).join("; "));
  const target = new Uint8Array(140_000);
  const end = writeCanonicalAttributes(bytes, scan, { ...CONTEXT, ...context }, target, 0);
  return Buffer.from(target.subarray(0, end)).toString("hex");
}
