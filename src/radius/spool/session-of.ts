/** What of the spool must stay in order: an accounting session, by subscriber and Acct-Session-Id. */
import { Attr } from "../packet/iana.js";
import { findText } from "../packet/packet.js";
import { macOf } from "../session/station.js";

export function sessionOf(packet: Uint8Array): string {
  return `${macOf(packet)} ${findText(packet, Attr.AcctSessionId) ?? ""}`;
}
