/** When an accept comes for a MAC that has a session already: whose it is, and where. */
import { accessPointOf } from "../identity.js";
import { Attr } from "../packet/iana.js";
import { findText } from "../packet/packet.js";
import type { SessionSource } from "./session-fields.js";
import type { Session } from "./session.js";

/**
 * What an accept means for a session of its MAC: it goes on, it is over, or (`another`) somebody else has that
 * MAC elsewhere.
 */
export function meetingOf(
  { userName, accessPoint, client }: Session,
  request: Uint8Array,
  accept: Uint8Array,
  source: SessionSource,
): "the same" | "another" | "user-changed" | "roam" {
  // Anybody may ask in any name: where the home server says who it is, that counts alone.
  const said = findText(accept, Attr.UserName) ?? findText(request, Attr.UserName) ?? "";
  const isHere =
    source.client === client &&
    accessPointOf(findText(request, Attr.CalledStationId) ?? "").id === accessPoint;
  if (said === userName) return isHere ? "the same" : "roam";
  return isHere ? "user-changed" : "another";
}
