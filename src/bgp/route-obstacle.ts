/**
 * Why a session has not been sent a route: the first thing in its way, from what the session can have
 * at all to what merely has not happened yet. A code for counting, a sentence for people.
 */
import { Family } from "../fast-bgp-codec/family.js";
import type { Decided } from "./policy-words.js";
import { TARGETED } from "./adj-rib-out/receiver.js";
import { TargetRule } from "./policy/route-target.js";
import { hasBit } from "./policy/slot-mask.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { Reflector } from "./reflector.js";
import { AttrFlag } from "./rib/attr-facts.js";
import { SourceKind } from "./rib/sources.js";

export interface Obstacle {
  readonly code: ObstacleCode;
  readonly text: string;
}

export type ObstacleCode =
  | "family"
  | "own"
  | "community"
  | "ebgp"
  | "reflection"
  | "route-type"
  | "stale"
  | "tenant"
  | "route-targets"
  | "first-table"
  | "trust"
  | "export-policy"
  | "limit"
  | "not-read"
  | "on-its-way"
  | "other";

/** @param decided what export rules say of the path */
export function obstacleTo(
  reflector: Reflector,
  dest: number,
  path: number,
  peer: ReflectedPeer,
  decided: Decided,
): Obstacle {
  const { table } = reflector;
  const { negotiated } = peer.session;
  if ((negotiated.families & (1 << table.family(dest))) === 0) {
    return { code: "family", text: "the session has not that family" };
  }
  if (table.pathSlot(path) === peer.slot) return { code: "own", text: "the route is its own" };
  if (!isReceiver(reflector, dest, path, peer)) return keptBack(reflector, dest, path, peer);
  if (decided.attr === 0) return { code: "export-policy", text: rejection(decided) };
  return notYet(reflector, dest, peer);
}

function isReceiver(
  { table, out }: Reflector,
  dest: number,
  path: number,
  { slot }: ReflectedPeer,
): boolean {
  const mask = new Int32Array(out.words);
  for (const takers of ["best", "several"] as const) {
    out.receiversUnder(table.pathAttr(path), dest, path, takers, mask);
    if (slot >>> 5 < mask.length && hasBit(mask, 0, slot)) return true;
  }
  return false;
}

/** What keeps a path from a session before export policy is asked. */
function keptBack(reflector: Reflector, dest: number, path: number, peer: ReflectedPeer): Obstacle {
  const { table, attrs } = reflector;
  const family = table.family(dest);
  const { options } = peer.session;
  const flags = attrs.flags(table.pathAttr(path));
  const ebgp = peer.kind === SourceKind.Ebgp;
  const kind = table.sources.kind[table.pathSlot(path)];
  if (peer.isHeld) return { code: "trust", text: "held: peer not trusted" };
  if ((flags & AttrFlag.NoAdvertise) !== 0) {
    return { code: "community", text: "community no-advertise" };
  }
  if (ebgp && (flags & (AttrFlag.NoExport | AttrFlag.NoExportSubconfed)) !== 0) {
    return { code: "community", text: "community no-export, and it is an eBGP peer" };
  }
  if (ebgp && !options.ebgpAcceptOut) {
    return { code: "ebgp", text: "eBGP without ebgp-accept-out (RFC 8212)" };
  }
  if (kind === SourceKind.NonClient && peer.kind === SourceKind.NonClient) {
    return { code: "reflection", text: "from a non-client to a non-client (RFC 4456)" };
  }
  if (family === Family.RouteTarget) {
    return { code: "reflection", text: "memberships go to other reflectors only" };
  }
  const types = options.evpnTypesOut;
  if (family === Family.Evpn && types?.includes(table.routeType(dest)) === false) {
    return { code: "route-type", text: "evpn-types-out leaves its type out" };
  }
  const byTarget = targetObstacle(reflector, path, family, peer);
  if (byTarget !== undefined) return byTarget;
  if ((flags & AttrFlag.LlgrStale) !== 0) {
    return { code: "stale", text: "long-lived stale, and it does not take those" };
  }
  return firstTable(reflector, family, peer) ?? { code: "other", text: "it fits no message to it" };
}

/** The layer of route targets that none of the route's passes. */
function targetObstacle(
  { table, attrs, out }: Reflector,
  path: number,
  family: Family,
  { slot }: ReflectedPeer,
): Obstacle | undefined {
  if (out.targets.isIdle || (TARGETED & (1 << family)) === 0) return undefined;
  const set = attrs.targets(table.pathAttr(path));
  const targets = set === 0 ? [] : attrs.targetSets.targets(set);
  if (hasBit(out.targets.allowed(targets, Math.max(1, out.words)), 0, slot)) return undefined;
  for (const { rule, obstacle } of RULES) {
    const given = out.targets.ruleOf(slot, rule);
    if (given !== undefined && !targets.some((target) => given.has(target))) return obstacle;
  }
  return {
    code: "route-targets",
    text: "it has not asked for any of its route targets (memberships, RFC 4684)",
  };
}

const RULES: readonly { readonly rule: TargetRule; readonly obstacle: Obstacle }[] = [
  {
    rule: TargetRule.Allowed,
    obstacle: {
      code: "tenant",
      text: "none of its route targets is the peer's tenant's (allow-route-targets)",
    },
  },
  {
    rule: TargetRule.List,
    obstacle: {
      code: "route-targets",
      text: "none of its route targets is in the peer's list (route-targets)",
    },
  },
  {
    rule: TargetRule.Inferred,
    obstacle: {
      code: "route-targets",
      text: "the peer announces none of its route targets itself, so it seems not to import them (inference)",
    },
  },
];

function firstTable(
  { out }: Reflector,
  family: Family,
  { slot }: ReflectedPeer,
): Obstacle | undefined {
  const { awaiting, deferred, untrusted } = out.heldBack(slot);
  const bit = 1 << family;
  if ((untrusted & bit) !== 0) {
    return { code: "trust", text: "held: peer not trusted" };
  }
  if ((awaiting & bit) !== 0) {
    return { code: "first-table", text: "its first table waits for what it asks for (RFC 4684)" };
  }
  if ((deferred & bit) === 0) return undefined;
  return {
    code: "first-table",
    text: "its first table waits: evpnd has just restarted (RFC 4724)",
  };
}

function rejection({ decision }: Decided): string {
  const { by, policy = "", rule = 0, name = "" } = decision;
  if (by !== "rule") return "rejected by export policy: no rule accepts it";
  return `rejected by export policy: rule ${rule}${name === "" ? "" : ` (${name})`} of ${policy}`;
}

/** It may have the route, and has not got it. */
function notYet(reflector: Reflector, dest: number, peer: ReflectedPeer): Obstacle {
  const { out, table } = reflector;
  const { slot, session } = peer;
  const family = table.family(dest);
  const waits = firstTable(reflector, family, peer);
  if (waits !== undefined) return waits;
  const cursor = out.cursor(slot) ?? out.addPathCursor(slot);
  if (cursor?.blocked === true) {
    const text = `the session does not read: ${session.pendingBytes} octets wait for it`;
    return { code: "not-read", text };
  }
  if (out.backlog(slot) > 0 || cursor?.dump !== undefined) {
    return { code: "on-its-way", text: "it is about to be sent" };
  }
  if (out.withheld(slot, family) > 0) {
    return { code: "limit", text: "the peer has as many routes as it may be sent (limits out)" };
  }
  return { code: "on-its-way", text: "it is about to be sent" };
}
