/** What the model takes from a peer, and what import makes of it. */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import {
  asCount,
  clusterList,
  Code,
  Community,
  hasCommunity,
  numberOf,
  put,
  type Attributes,
} from "./attributes.js";
import { isVpn, routeTypeOf } from "./nlri.js";
import { CLUSTER_ID, OWN_AS, OWN_ID, type PeerSpec } from "./peer.js";
import { routeTargets } from "./route-target.js";
import { applyRules } from "./rules.js";

/** RFC 4456 section 8, RFC 4271 section 9.1.2: such a route is no candidate, and replaces the earlier one. */
function isLooped(attributes: Attributes, peer: PeerSpec): boolean {
  if (asCount(attributes, OWN_AS) > peer.allowAsIn) return true;
  return (
    numberOf(attributes, Code.OriginatorId) === OWN_ID ||
    clusterList(attributes).includes(CLUSTER_ID)
  );
}

export function isAccepted(
  attributes: Attributes,
  peer: PeerSpec,
  family: Family,
  nlri: string,
): boolean {
  if (isLooped(attributes, peer) || !isAcceptedType(peer, family, nlri)) return false;
  return peer.kind !== "ebgp" || peer.acceptIn;
}

export function isAcceptedType(peer: PeerSpec, family: Family, nlri: string): boolean {
  if (family !== Family.Evpn) return true;
  const type = routeTypeOf(nlri);
  if (type === 0 || type > 11) return peer.unknownTypes;
  return peer.typesIn?.includes(type) ?? true;
}

/** What import makes of the attributes: rules first, then a tenant's targets and GRACEFUL_SHUTDOWN; undefined: kept back. */
export function imported(
  said: { readonly family: Family; readonly nlri: string; readonly attributes: Attributes },
  peer: PeerSpec,
): Attributes | undefined {
  const { importPolicies = [], importDefault = "accept" } = peer.policy ?? {};
  const list = applyRules(importPolicies, importDefault, said);
  if (list === undefined || said.family === Family.RouteTarget) return list;
  const allowed = peer.interest?.allowed;
  if (allowed !== undefined && isTargeted(said.family)) {
    const targets = routeTargets(list);
    if (targets.length === 0 || !targets.every((one) => isInList([one], allowed))) return undefined;
  }
  const lowers = peer.kind === "ebgp" && hasCommunity(list, Community.GracefulShutdown);
  return lowers ? put(list, Code.LocalPref, 0x40, "00000000") : list;
}

/** A list that names no Ethernet segment takes them all. */
export function isInList(targets: readonly string[], list: readonly string[] | undefined): boolean {
  if (list === undefined) return true;
  const takesSegments = !list.some((one) => one.startsWith("0602"));
  return targets.some((one) => list.includes(one) || (takesSegments && one.startsWith("0602")));
}

/** Families whose routes carry route targets. */
export function isTargeted(family: Family): boolean {
  return family === Family.Evpn || isVpn(family);
}
