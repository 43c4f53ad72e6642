/** What a request must carry to be taken. */
import { readU8 } from "../../util/bytes.js";
import { AcctStatus, Attr } from "../packet/iana.js";
import { findAttribute, findNumber } from "../packet/packet.js";
import type { PacketFacts } from "../packet/packet.js";
import type { Kind } from "../upstream/upstream.js";
import type { Client } from "./client-table.js";

/** Without Message-Authenticator (RFC 3579 section 3.2, CVE-2024-3596). */
export function mayBeUnsigned(client: Client, facts: PacketFacts): boolean {
  if (facts.eapMessage !== 0) return false;
  const { requireMessageAuthenticator: rule, proxy, limitProxyState } = client.settings;
  if (proxy || rule === "yes" || (rule === "auto" && client.learned)) return false;
  return facts.lastProxyState === 0 || !limitProxyState;
}

/** The access point, and where it is about a subscriber the subscriber (RFC 2865 sections 5.30 and 5.31). */
export function hasWhatItMust(
  kind: Kind,
  packet: Uint8Array,
  facts: PacketFacts,
  profile: "seed" | "modern",
): boolean {
  const hasStation = isThere(packet, facts.calledStationId);
  const both = hasStation && isThere(packet, facts.callingStationId);
  if (kind === "authentication") return both;
  switch (findNumber(packet, Attr.AcctStatusType)) {
    case AcctStatus.Start:
    case AcctStatus.Stop:
      return both;
    case AcctStatus.On:
    case AcctStatus.Off:
      return hasStation || (profile === "modern" && namesDevice(packet));
    case undefined:
      return false;
    default:
      return true;
  }
}

/** An empty text names nobody. */
function isThere(packet: Uint8Array, at: number): boolean {
  return at !== 0 && readU8(packet, at + 1) > 2;
}

/** The modern profile knows a device that names no radio by itself. */
function namesDevice(packet: Uint8Array): boolean {
  return [Attr.NasIdentifier, Attr.NasIpAddress].some(
    (type) => findAttribute(packet, type) !== undefined,
  );
}
