/**
 * Leaf auto-discovery, route type 11 (RFC 9572 section 3.3).
 *   a complete NLRI, the route it answers | 1 IP bits | 4/16 originating router
 * The inner NLRI is decoded by the caller, who knows all types.
 */
import { BodyWriter, readAddress } from "./body.js";
import type { EvpnNlri, LeafAd } from "./types.js";

/** @param keyLength octets of the inner NLRI */
export function decodeLeafAd(
  bytes: Uint8Array,
  at: number,
  routeKey: EvpnNlri,
  keyLength: number,
): LeafAd {
  return { type: 11, routeKey, originator: readAddress(bytes, at + keyLength) ?? "" };
}

export function encodeLeafAd(nlri: LeafAd, routeKey: Uint8Array): Uint8Array {
  return new BodyWriter().bytesOf(routeKey).address(nlri.originator).finish();
}

export function formatLeafAd(nlri: LeafAd, routeKey: string): string {
  return `11:${routeKey}::${nlri.originator}`;
}
