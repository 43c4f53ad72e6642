/**
 * What we say in our OPEN, what we accept in the peer's, and what follows from both (RFC 4271
 * sections 4.2 and 6.2, RFC 5492, RFC 6793, RFC 8654, RFC 4724, RFC 7313, RFC 7911, RFC 8538, RFC 9494).
 * Faults of the OPEN alone are the decoder's (`decodeOpen`); here are those that depend on who we are and
 * what is configured.
 *
 * Capability 64 always goes out, with time 0 and no family where we do not ask for our routes to be kept:
 * without it FRR sends no End-of-RIB. Not offered: BGP role; extended next hop when asked to (RFC 8950).
 */
import { capability, encodeCapability, type Capability } from "../../fast-bgp-codec/capability.js";
import { resetFault, type DecodeFault } from "../../fast-bgp-codec/fault.js";
import { FAMILIES, Family, familyOf, type FamilySpec } from "../../fast-bgp-codec/family.js";
import { MAX_LENGTH, MAX_LENGTH_EXTENDED } from "../../fast-bgp-codec/header.js";
import { AS_TRANS, openAs, type Open } from "../../fast-bgp-codec/open.js";
import { parseIpv4 } from "../../fast-bgp-codec/values/ip.js";
import { readU32 } from "../../util/bytes.js";
import type { PeerOptions } from "../settings.js";
import type { Negotiated } from "./types.js";

/** Ourselves, as every OPEN shows it. */
export interface LocalSpeaker {
  readonly as: number;
  readonly routerId: string;
  readonly hostName: string;
  readonly softwareVersion: string;
}

/** Dotted quad as an unsigned number; 0 when it is none. */
export function bgpIdNumber(text: string): number {
  const bytes = parseIpv4(text);
  return bytes === undefined ? 0 : readU32(bytes, 0);
}

/** @param restarting this evpnd has just restarted, and its peers may still keep its routes (RFC 4724) */
export function buildOpen(local: LocalSpeaker, options: PeerOptions, restarting = false): Open {
  const capabilities = [
    ...familyCapabilities(options.families),
    capability.routeRefresh(),
    capability.enhancedRouteRefresh(),
    capability.fourOctetAs(local.as),
    ...restartCapabilities(options, restarting),
  ];
  const addPath = addPathTuples(options);
  if (addPath.length > 0) capabilities.push(capability.addPath(addPath));
  if (options.extendedMessage) capabilities.push(capability.extendedMessage());
  const nextHops = extendedNextHops(options);
  if (nextHops.length > 0) capabilities.push(capability.extendedNextHop(nextHops));
  if (local.hostName !== "") capabilities.push(capability.fqdn(local.hostName, ""));
  if (local.softwareVersion !== "") {
    capabilities.push(capability.softwareVersion(local.softwareVersion));
  }
  return {
    version: 4,
    myAs: local.as > 0xffff ? AS_TRANS : local.as,
    holdTime: options.holdTime,
    bgpId: local.routerId,
    capabilities,
  };
}

export function negotiate(
  local: LocalSpeaker,
  options: PeerOptions,
  open: Open,
): Negotiated | DecodeFault {
  const peerAs = openAs(open);
  const ibgp = peerAs === local.as;
  const fault = checkAs(peerAs, options) ?? checkBgpId(open, local, ibgp);
  if (fault !== undefined) return fault;

  const families = familyMask(options.families) & offeredFamilies(open.capabilities);
  if (families === 0) return noCommonFamily(options);

  const has = (name: Capability["name"]): boolean =>
    open.capabilities.some((item) => item.name === name);
  const holdTime = Math.min(options.holdTime, open.holdTime);
  const extendedOut = options.extendedMessage && has("extended-message");
  return {
    localAs: local.as,
    peerAs,
    ibgp,
    peerId: bgpIdNumber(open.bgpId),
    peerIdText: open.bgpId,
    holdTime,
    keepaliveTime: Math.floor(holdTime / 3),
    families,
    as4: has("four-octet-as"),
    maxMessageOut: extendedOut ? MAX_LENGTH_EXTENDED : MAX_LENGTH,
    // What we advertised counts, whatever the peer did (RFC 8654 section 4).
    maxMessageIn: options.extendedMessage ? MAX_LENGTH_EXTENDED : MAX_LENGTH,
    routeRefresh: has("route-refresh"),
    enhancedRefresh: has("enhanced-route-refresh"),
    ...addPathOf(options, open.capabilities, families),
    gracefulRestart: gracefulRestartOf(open.capabilities, options),
    longLived: longLivedOf(open.capabilities),
    extendedNextHop: extendedNextHopMask(options, open.capabilities),
  };
}

/** Host name and software version the peer told (capabilities 73 and 75). */
export function peerIdentity(open: Open): {
  readonly hostName: string | undefined;
  readonly softwareVersion: string | undefined;
} {
  let hostName: string | undefined;
  let softwareVersion: string | undefined;
  for (const item of open.capabilities) {
    if (item.name === "fqdn") {
      hostName = item.domain === "" ? item.hostname : `${item.hostname}.${item.domain}`;
    } else if (item.name === "software-version") softwareVersion = item.version;
  }
  return { hostName, softwareVersion };
}

/** One name per capability for people, families by name. */
export function capabilityNames(capabilities: readonly Capability[]): string[] {
  const names = capabilities.map((item) => {
    if (item.name === "unknown") return `code ${item.code}`;
    if (item.name !== "multiprotocol") return item.name;
    const family = familyOf(item.afi, item.safi);
    return `multiprotocol ${family === undefined ? `${item.afi}/${item.safi}` : FAMILIES[family]!.name}`;
  });
  return [...new Set(names)];
}

export function familyMask(families: readonly Family[]): number {
  return families.reduce<number>((mask, family) => mask | (1 << family), 0);
}

const IPV6_NEXT_HOP = 2;
const IPV4_FAMILIES = [Family.Ipv4Unicast, Family.Ipv4Vpn] as const;

function extendedNextHops(
  options: PeerOptions,
): { afi: number; safi: number; nextHopAfi: number }[] {
  if (!options.extendedNextHop) return [];
  return IPV4_FAMILIES.filter((family) => options.families.includes(family)).map((family) => {
    const { afi, safi } = FAMILIES[family]!;
    return { afi, safi, nextHopAfi: IPV6_NEXT_HOP };
  });
}

/** Families whose IPv4 NLRI both sides take with an IPv6 next hop (RFC 8950 section 4). */
function extendedNextHopMask(options: PeerOptions, offered: readonly Capability[]): number {
  const ours = extendedNextHops(options);
  let mask = 0;
  for (const item of offered) {
    if (item.name !== "extended-next-hop") continue;
    for (const { afi, safi, nextHopAfi } of item.tuples) {
      const both = ours.some((tuple) => tuple.afi === afi && tuple.safi === safi);
      if (both && nextHopAfi === IPV6_NEXT_HOP) mask |= 1 << familyOf(afi, safi)!;
    }
  }
  return mask;
}

/** Without a multiprotocol capability a peer speaks IPv4 unicast (RFC 4760 section 8). */
function offeredFamilies(capabilities: readonly Capability[]): number {
  let mask = 0;
  let any = false;
  for (const item of capabilities) {
    if (item.name !== "multiprotocol") continue;
    any = true;
    const family = familyOf(item.afi, item.safi);
    if (family !== undefined) mask |= 1 << family;
  }
  return any ? mask : 1 << Family.Ipv4Unicast;
}

/**
 * A reflector forwards nothing, so its forwarding always survives (RFC 9494 section 5): F is set for every
 * family. In mode "helper" no family is named, and nobody keeps anything of ours.
 */
function restartCapabilities(options: PeerOptions, restarting: boolean): Capability[] {
  const { mode, restartTime, notification, longLived } = options.gracefulRestart;
  const full = mode === "full";
  const families = options.families.map((family) => ({ ...afiSafi(family), forwarding: 1 }));
  const capabilities = [
    capability.gracefulRestart({
      restartState: full && restarting,
      notification: notification && mode !== "off",
      restartTime: full ? restartTime : 0,
      families: full ? families : [],
    }),
  ];
  if (longLived.enabled && mode !== "off") {
    const staleTime = full ? longLived.staleTime : 0;
    const tuples = families.map((family) => ({ ...family, staleTime }));
    capabilities.push(capability.longLivedGracefulRestart(tuples));
  }
  return capabilities;
}

/** The last instance counts (RFC 4724 section 3). */
function lastOf<N extends Capability["name"]>(
  capabilities: readonly Capability[],
  name: N,
): Extract<Capability, { name: N }> | undefined {
  const found = capabilities.filter((item) => item.name === name).at(-1);
  return found as Extract<Capability, { name: N }> | undefined;
}

function gracefulRestartOf(
  capabilities: readonly Capability[],
  options: PeerOptions,
): Negotiated["gracefulRestart"] {
  const item = lastOf(capabilities, "graceful-restart");
  if (item === undefined) return undefined;
  const { mode, notification } = options.gracefulRestart;
  return {
    restarting: item.restartState === 1,
    notification: item.notification === 1 && notification && mode !== "off",
    time: item.restartTime,
    families: maskOf(item.families),
    forwarding: maskOf(item.families.filter((family) => family.forwarding === 1)),
  };
}

/** Counts for nothing without capability 64 (RFC 9494 section 3.1). */
function longLivedOf(capabilities: readonly Capability[]): Negotiated["longLived"] {
  const item = lastOf(capabilities, "long-lived-graceful-restart");
  if (item === undefined || lastOf(capabilities, "graceful-restart") === undefined)
    return undefined;
  const times = FAMILIES.map(({ afi, safi }) => {
    const tuple = item.families.find((family) => family.afi === afi && family.safi === safi);
    return tuple?.staleTime ?? 0;
  });
  return {
    families: maskOf(item.families),
    forwarding: maskOf(item.families.filter((family) => family.forwarding === 1)),
    times,
  };
}

/** 1 receive, 2 send (RFC 7911 section 4). */
const RECEIVE = 1;
const SEND = 2;

function addPathTuples(
  options: PeerOptions,
): { readonly afi: number; readonly safi: number; readonly sendReceive: number }[] {
  return options.addPath
    .filter(({ family, send, receive }) => (send || receive) && options.families.includes(family))
    .map(({ family, send, receive }) => ({
      ...afiSafi(family),
      sendReceive: (receive ? RECEIVE : 0) | (send ? SEND : 0),
    }));
}

/** In use in a direction where one side sends and the other receives. */
function addPathOf(
  options: PeerOptions,
  capabilities: readonly Capability[],
  families: number,
): Pick<Negotiated, "addPathIn" | "addPathOut"> {
  let addPathIn = 0;
  let addPathOut = 0;
  const theirs = lastOf(capabilities, "add-path");
  for (const { family, send, receive } of options.addPath) {
    const { afi, safi } = afiSafi(family);
    const tuple = theirs?.families.find((item) => item.afi === afi && item.safi === safi);
    // Any other value is to be ignored (RFC 7911 section 4).
    if (tuple === undefined || tuple.sendReceive < 1 || tuple.sendReceive > 3) continue;
    const bit = families & (1 << family);
    if (receive && (tuple.sendReceive & SEND) !== 0) addPathIn |= bit;
    if (send && (tuple.sendReceive & RECEIVE) !== 0) addPathOut |= bit;
  }
  return { addPathIn, addPathOut };
}

function maskOf(tuples: readonly { readonly afi: number; readonly safi: number }[]): number {
  let mask = 0;
  for (const { afi, safi } of tuples) {
    const family = familyOf(afi, safi);
    if (family !== undefined) mask |= 1 << family;
  }
  return mask;
}

function afiSafi(family: Family): Pick<FamilySpec, "afi" | "safi"> {
  const { afi, safi } = FAMILIES[family]!;
  return { afi, safi };
}

function familyCapabilities(families: readonly Family[]): Capability[] {
  return families.map((family) => {
    const { afi, safi } = FAMILIES[family]!;
    return capability.multiprotocol(afi, safi);
  });
}

/** AS_TRANS stands for an AS, it is none (RFC 6793 section 9). */
function checkAs(peerAs: number, options: PeerOptions): DecodeFault | undefined {
  if (peerAs === AS_TRANS) {
    return resetFault(2, 2, `the peer is AS ${AS_TRANS}, which is AS_TRANS (RFC 6793 section 9)`);
  }
  if (options.peerAs === undefined || peerAs === options.peerAs) return undefined;
  return resetFault(
    2,
    2,
    `the peer is AS ${peerAs}, but AS ${options.peerAs} is configured: correct one of the two`,
  );
}

function checkBgpId(open: Open, local: LocalSpeaker, ibgp: boolean): DecodeFault | undefined {
  if (!ibgp || open.bgpId !== local.routerId) return undefined;
  return resetFault(
    2,
    3,
    `the peer has our BGP identifier ${open.bgpId}: give each speaker its own router-id (RFC 6286)`,
  );
}

/** The data are the missing capabilities as in an OPEN (RFC 5492 section 5). */
function noCommonFamily(options: PeerOptions): DecodeFault {
  const names = options.families.map((family) => FAMILIES[family]!.name).join(", ");
  return resetFault(
    2,
    7,
    `the peer offers none of our address families (${names}): activate one of them there`,
    Buffer.concat(familyCapabilities(options.families).map(encodeCapability)),
  );
}
