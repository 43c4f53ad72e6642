/** What the comparison of MACs with sessions finds, as plain data for API, log and fabric check. */
import type { SubscriberItem } from "../../contract.js";
import type { SubscriberAction } from "./settings.js";

/** A MAC that no session stands for, or one that is elsewhere than its session's access point. */
export type FindingKind = "without-session" | "away";

/** Where a subscriber belongs: one of the two is given. */
export interface ExpectedPlace {
  readonly pe: string | undefined;
  readonly esi: string | undefined;
}

/** A session, as far as a MAC's place is concerned. */
export interface SessionView {
  readonly tenant: string;
  readonly userName: string;
  readonly accessPoint: string;
  readonly ssid: string | undefined;
  readonly vlan: string | undefined;
  readonly ip: string | undefined;
  /** Its accounting has begun. */
  readonly confirmed: boolean;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** Undefined: no map says where its access point is. */
  readonly expected: ExpectedPlace | undefined;
}

export interface SubscriberFinding {
  readonly domain: string;
  readonly mac: string;
  readonly kind: FindingKind;
  /** `grace`: nothing was said yet; `alarm`: it was; `held`: its routes are kept from taking effect. */
  readonly state: "grace" | "alarm" | "held";
  readonly action: SubscriberAction;
  /** PE that has it, or had it before its routes were held. */
  readonly pe: string;
  readonly esi: string | undefined;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** The session that it is away from. */
  readonly session: SessionView | undefined;
}

/** For the fabric check. */
export interface FindingSource {
  findings(): Iterable<SubscriberFinding>;
}

export function sessionView(
  item: SubscriberItem,
  expected: ExpectedPlace | undefined,
): SessionView {
  const { tenant, userName, accessPoint, ssid, vlan, ip, state, since } = item;
  const confirmed = state === "confirmed";
  return { tenant, userName, accessPoint, ssid, vlan, ip, confirmed, since, expected };
}

/** `10.0.0.1`, or `segment 00:…`. */
export function placeText({ pe, esi }: ExpectedPlace): string {
  return esi === undefined ? (pe ?? "") : `segment ${esi}`;
}
