/** What the comparison of MACs with subscribers' sessions is told by configuration. */

/**
 * What is done about a MAC without a session, or away from it, beside the alarm: `quarantine` lets it count
 * where its session is, or without one only where it is; `reject` holds its routes until a session is there.
 */
export type SubscriberAction = "report" | "quarantine" | "reject";

export interface SubscriberDomainSettings {
  /** As `DomainView.name` has it. */
  readonly domain: string;
  /** Tenant of the RADIUS relay whose sessions belong here. */
  readonly tenant: string;
  /** Of the session; undefined = those whose VLAN no other domain of the tenant has. */
  readonly vlan: string | undefined;
  /** False: a MAC without a session is in order, and only one away from its session is not. */
  readonly requireSession: boolean;
  readonly action: SubscriberAction;
  /** `aa:bb:cc:dd:ee:ff`: need no session. */
  readonly exemptMacs: readonly string[];
  /** `aa:bb:cc`: MACs that begin so need none. */
  readonly exemptOuis: readonly string[];
}

/** Where the frames of an access point enter the fabric; one of the two is given. */
export interface AccessPointSettings {
  /** MAC of Called-Station-Id as `aa:bb:cc:dd:ee:ff`, or its whole text in lower case. */
  readonly id: string;
  /** Next hop of the PE. */
  readonly pe: string | undefined;
  /** Ethernet segment, ten octets. */
  readonly esi: string | undefined;
}

export interface SubscriberSettings {
  /** How long a MAC may be without its session before anything is said or done. */
  readonly graceSeconds: number;
  readonly domains: readonly SubscriberDomainSettings[];
  /** Sessions of other access points are never "away". */
  readonly accessPoints: readonly AccessPointSettings[];
}

export const SUBSCRIBER_DEFAULTS = {
  graceSeconds: 10,
  requireSession: true,
  action: "report",
} as const;
