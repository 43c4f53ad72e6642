/** Whose packet it is. */
import { normalMac } from "../identity.js";
import { Attr } from "../packet/iana.js";
import { findText } from "../packet/packet.js";

/** The subscriber's MAC in normal form, or Calling-Station-Id as written; "" without one. */
export function macOf(request: Uint8Array): string {
  const text = findText(request, Attr.CallingStationId) ?? "";
  return normalMac(text) ?? text;
}
