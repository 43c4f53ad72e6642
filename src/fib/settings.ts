/** What the FIB is told by configuration. Nothing here is needed: without it every domain is derived. */

import type { TimelineSettings } from "./timeline/settings.js";

/** How many moves in how long make a MAC a duplicate (RFC 7432 section 15.1). */
export interface DuplicateThreshold {
  readonly moves: number;
  readonly seconds: number;
}

/**
 * What is done about a duplicate beside the alarm: `pin` lets only the PE count where the MAC was last stable,
 * `hold` the one that had it at the alarm, `rate-limit` one at a time, chosen again every so often.
 */
export type DuplicateAction = "none" | "pin" | "hold" | "rate-limit";

export interface DuplicatePolicy extends DuplicateThreshold {
  readonly action: DuplicateAction;
  /** A duplicate that has not moved, or tried to, for so long is let go; 0 = only by hand. */
  readonly releaseSeconds: number;
  /** Of `rate-limit`: seconds between two changes that pass. */
  readonly rateSeconds: number;
}

export interface DuplicateSettings extends DuplicatePolicy {
  /** `aa:bb:cc:dd:ee:ff`: never counted. */
  readonly exemptMacs: readonly string[];
  /** `aa:bb:cc`: MACs that begin so are never counted. */
  readonly exemptOuis: readonly string[];
}

/**
 * Which service an EVI is (RFC 7432 section 6, RFC 7623): `vlan-based` and `vlan-bundle` are one
 * bridge domain, `vlan-aware-bundle` is one per Ethernet tag, `pbb` holds backbone MACs.
 */
export type DomainService = "vlan-based" | "vlan-bundle" | "vlan-aware-bundle" | "pbb";

/** A /32 or /128 for each address in a domain, which follows the MAC that has it. */
export interface HostRouteSettings {
  readonly announce: "unicast" | "type-5";
  /** An address in the place of the PE's. */
  readonly nextHop: string | undefined;
  /** Of type 5: the VRF's; empty otherwise. */
  readonly rd: string;
  readonly routeTargets: readonly string[];
  readonly l3Vni: number;
  /** In the place of the PE's; needs `nextHop`. */
  readonly routerMac: string | undefined;
}

export interface DomainSettings {
  readonly name: string;
  readonly service: DomainService;
  /** `65000:100` and the like; a route with any of them belongs here. Empty: routes belong by `vni`. */
  readonly routeTargets: readonly string[];
  /** The only tag taken; undefined = 0, or every tag a domain of its own in a VLAN-aware bundle. */
  readonly ethernetTag: number | undefined;
  readonly vni: number | undefined;
  /** In the place of what `DuplicateSettings` has; `false` = this domain is exempt. */
  readonly duplicates: DuplicatePolicy | false | undefined;
  /** Undefined = none. */
  readonly hostRoutes?: HostRouteSettings | undefined;
}

export interface FibSettings {
  readonly domains: readonly DomainSettings[];
  /** What a label field means on routes that name no encapsulation (RFC 8365 section 5.1.3). */
  readonly defaultEncapsulation: "vxlan" | "mpls";
  readonly duplicates: DuplicateSettings;
  /** Events kept for those who drain them. */
  readonly eventRing: number;
  /** Undefined = no timeline. */
  readonly timeline?: TimelineSettings | undefined;
  /** Of all domains. */
  readonly maxHostRoutes?: number | undefined;
}

export const MAX_HOST_ROUTES = 100_000;

export const DEFAULT_FIB_SETTINGS: FibSettings = {
  domains: [],
  defaultEncapsulation: "mpls",
  duplicates: {
    moves: 5,
    seconds: 180,
    action: "none",
    releaseSeconds: 180,
    rateSeconds: 10,
    exemptMacs: [],
    exemptOuis: [],
  },
  eventRing: 32_768,
};
