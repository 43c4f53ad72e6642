/**
 * fast-bgp-codec: BGP-4 messages between octets and meaning, for EVPN, IPv4 and IPv6 unicast and VPN,
 * and route target membership. Usable alone; it imports nothing but small helpers.
 *
 * Two ways through an UPDATE:
 * - The fast one. `scanUpdate` gives the RFC 7606 verdict and offsets into the message, `scanNlri` finds
 *   one NLRI after the other and its key, `writeCanonicalAttributes` writes the attribute set in one
 *   form for one meaning. All of them fill reused objects; good input allocates nothing.
 * - The comfortable one. `decodeMessage` gives an object, `encodeMessage` the same octets again, and
 *   `outcome` says in words what a bad message comes to. The parts are there as well: `decodeAttributes`,
 *   `decodeNlri`, `formatNlri`, `decodeOpen`, …
 *
 * In: whole messages (`checkHeader` tells their length from 19 octets) and what is known of the session
 * (`DecodeContext`). Out: values. Bad octets are values too, `DecodeFault`, never exceptions; RangeError
 * from an encoder means that the caller gave it something that is no RD, address, prefix and so on.
 * What is not known is kept: attributes, communities, capabilities and EVPN route types stay octets or hex.
 *
 * Invariants: no function reads outside the range it is given; time is linear in the message; nothing
 * keeps a reference to the octets it was given.
 *
 * RFC 4271, 1997, 2918, 4360, 4364, 4456, 4659, 4684, 4724, 4760, 5065, 5492, 5701, 6368, 6514, 6793, 7311, 7313,
 * 7432, 7606, 7911, 8092, 8277, 8365, 8538, 8654, 8669, 8950, 9003, 9012, 9047, 9072, 9135, 9136, 9234, 9251, 9494,
 * 9572.
 *
 * Not here: families other than the six of `family.ts` (their NLRI stay hex), ORF, BGPsec, the insides
 * of tunnel, SID and BGP-LS TLVs, sending to speakers with 2-octet ASes (AS4_PATH is merged, not made).
 */
export {
  ATTRIBUTE_RULES,
  attributeName,
  attributeRule,
  type AttributeRule,
} from "./attribute/rules.js";
export {
  decodeAttributes,
  encodeAttributes,
  findAttribute,
  formatAttribute,
  makeAttribute,
  type DecodedAttribute,
} from "./attribute/list.js";
export type { AsPathSegment } from "./attribute/as-path.js";
export type { MpReach, MpUnreach } from "./attribute/mp-nlri.js";
export type { PmsiTunnel } from "./attribute/pmsi-tunnel.js";
export type { AttributeValues, KnownAttribute } from "./attribute/table.js";
export { writeCanonicalAttributes } from "./canonical.js";
export { capability, type Capability } from "./capability.js";
export type { DecodeContext } from "./context.js";
export { encodeEndOfRib } from "./end-of-rib.js";
export type { EvpnNlri } from "./evpn/types.js";
export {
  ALL_FAMILIES,
  FAMILIES,
  Family,
  familyOf,
  isVpn,
  type FamilySpec,
  type VpnFamily,
} from "./family.js";
export { Severity, isFault, type DecodeFault } from "./fault.js";
export {
  HEADER_LENGTH,
  MAX_LENGTH,
  MAX_LENGTH_EXTENDED,
  checkHeader,
  headerFault,
} from "./header.js";
export * from "./iana.js";
export { KEEPALIVE } from "./keepalive.js";
export {
  DEFAULT_CONTEXT,
  decodeMessage,
  encodeMessage,
  type DecodedMessage,
  type MessageContext,
} from "./message.js";
export { NlriScan, NlriStatus, maskNlri, scanNlri } from "./nlri-scan.js";
export { decodeNlri, encodeNlri, formatNlri, type DecodedNlri } from "./nlri.js";
export {
  decodeNotification,
  describeNotification,
  encodeNotification,
  shutdownData,
  shutdownText,
  type Notification,
} from "./notification.js";
export { decodeOpen, encodeOpen, openAs, type Open } from "./open.js";
export type { Outcome, Treatment } from "./outcome.js";
export type { PrefixNlri } from "./prefix.js";
export { RefreshSubtype, decodeRouteRefresh, encodeRouteRefresh } from "./route-refresh.js";
export type { RouteTargetMembership } from "./route-target-nlri.js";
export {
  ABSENT,
  UpdateScan,
  attributeEnd,
  attributeStart,
  scanUpdate,
  strongestFault,
} from "./update-scan.js";
export { formatCommunity, formatLargeCommunity, parseCommunity } from "./values/community.js";
export { formatEsi, parseEsi } from "./values/esi.js";
export {
  formatExtendedCommunity,
  formatRouteTarget,
  isRouteTarget,
  parseExtendedCommunity,
  parseRouteTarget,
} from "./values/extended-community.js";
export { formatIp, formatIpv4, formatIpv6, parseIp, parseIpv4, parseIpv6 } from "./values/ip.js";
export { decodeLabel, labelOf, type Label } from "./values/label.js";
export { formatMac, parseMac } from "./values/mac.js";
export { formatRd, parseRd } from "./values/rd.js";
export type { VpnPrefixNlri } from "./vpn-prefix.js";
