/** Limits of a peer from the file to the speaker's `PeerLimits`. */
import type { LimitAction, OutLimitAction, PeerLimits } from "../bgp/limits/settings.js";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import type { Family } from "../fast-bgp-codec/family.js";
import type { FamilyName } from "./family-name.js";
import type { ConfigPath, IssueList } from "./issue.js";

interface RouteLimitEntry {
  family?: FamilyName;
  "route-type"?: number;
  "per-vni"?: boolean;
  maximum: number;
  "warn-at"?: number;
  action?: LimitAction;
}

interface OutRouteLimitEntry {
  family?: FamilyName;
  "route-type"?: number;
  "per-vni"?: boolean;
  maximum: number;
  "warn-at"?: number;
  action?: OutLimitAction;
}

export interface LimitsEntry {
  in?: RouteLimitEntry[];
  out?: OutRouteLimitEntry[];
  "restart-seconds"?: number;
  "attribute-octets"?: number;
  communities?: number;
  "cluster-list"?: number;
  "as-path"?: number;
  "update-rate"?: { updates?: number; routes?: number; burst?: number };
}

export const LIMIT_DEFAULTS = {
  "warn-at": 75,
  "per-vni": false,
  action: "stop",
  outAction: "withhold",
  "restart-seconds": 300,
  burst: 2,
} as const;

const EVPN: FamilyName = "l2vpn-evpn";

export function peerLimits(
  entry: LimitsEntry | undefined,
  context: { readonly at: ConfigPath; readonly issues: IssueList },
): PeerLimits {
  const given = entry ?? {};
  const rate = given["update-rate"] ?? {};
  for (const direction of ["in", "out"] as const) {
    for (const [index, limit] of (given[direction] ?? []).entries()) {
      checkEvpn(limit, [direction, index], context);
    }
  }
  return {
    in: (given.in ?? []).map((limit) => ({
      family: familyNumber(limit.family),
      routeType: limit["route-type"],
      perVni: limit["per-vni"] ?? LIMIT_DEFAULTS["per-vni"],
      maximum: limit.maximum,
      warnAt: limit["warn-at"] ?? LIMIT_DEFAULTS["warn-at"],
      action: limit.action ?? LIMIT_DEFAULTS.action,
    })),
    out: (given.out ?? []).map((limit) => ({
      family: familyNumber(limit.family),
      routeType: limit["route-type"],
      perVni: limit["per-vni"] ?? LIMIT_DEFAULTS["per-vni"],
      maximum: limit.maximum,
      warnAt: limit["warn-at"] ?? LIMIT_DEFAULTS["warn-at"],
      action: limit.action ?? LIMIT_DEFAULTS.outAction,
    })),
    attributes: {
      size: given["attribute-octets"] ?? 0,
      communities: given.communities ?? 0,
      clusterList: given["cluster-list"] ?? 0,
      asPath: given["as-path"] ?? 0,
    },
    rate: {
      updates: rate.updates ?? 0,
      routes: rate.routes ?? 0,
      burst: rate.burst ?? LIMIT_DEFAULTS.burst,
    },
    restart: given["restart-seconds"] ?? LIMIT_DEFAULTS["restart-seconds"],
  };
}

function familyNumber(name: FamilyName | undefined): Family | undefined {
  return FAMILIES.find((spec) => spec.name === name)?.family;
}

function checkEvpn(
  limit: Pick<RouteLimitEntry, "family" | "route-type" | "per-vni">,
  where: ConfigPath,
  { at, issues }: { readonly at: ConfigPath; readonly issues: IssueList },
): void {
  const { family } = limit;
  const evpnOnly = limit["per-vni"] === true || limit["route-type"] !== undefined;
  if (!evpnOnly || family === undefined || family === EVPN) return;
  issues.error(
    [...at, ...where, "family"],
    `route types and VNIs are EVPN's, not ${family}'s`,
    "write l2vpn-evpn, or leave route-type and per-vni out",
  );
}
