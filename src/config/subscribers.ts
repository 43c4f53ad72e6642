/** The `subscribers` block of a file that passed the schema. */
import { formatMac, parseMac } from "../fast-bgp-codec/index.js";
import {
  SUBSCRIBER_DEFAULTS,
  type SubscriberAction,
  type SubscriberSettings,
} from "../fib/subscribers/settings.js";
import { canonicalAddress } from "./address.js";
import type { ConfigPath, IssueList } from "./issue.js";

export interface SubscribersEntry {
  "grace-seconds"?: number;
  domains: {
    domain: string;
    tenant: string;
    vlan?: string | number;
    "require-session"?: boolean;
    action?: SubscriberAction;
    "exempt-macs"?: string[];
    "exempt-ouis"?: string[];
  }[];
  "access-points"?: { id: string; pe?: string; esi?: string }[];
}

export interface SubscriberContext {
  readonly fibEnabled: boolean;
  /** Of the RADIUS relay; undefined = it is off. */
  readonly tenants: readonly string[] | undefined;
  readonly issues: IssueList;
}

/** Undefined when there is nothing to compare; the block is checked all the same. */
export function subscriberSettings(
  entry: SubscribersEntry | undefined,
  context: SubscriberContext,
): SubscriberSettings | undefined {
  if (entry === undefined) return undefined;
  const { issues, fibEnabled, tenants } = context;
  if (!fibEnabled) {
    issues.warn(
      ["subscribers"],
      "sessions are compared with the MAC FIB, and it is off, so this block does nothing",
      "add fib: {enabled: true}",
    );
  }
  if (tenants === undefined) {
    issues.warn(
      ["subscribers"],
      "the sessions are the RADIUS relay's, and it is off, so this block does nothing",
      "add a radius block",
    );
  }
  checkDomains(entry, tenants ?? [], issues);
  checkAccessPoints(entry, issues);
  if (!fibEnabled || tenants === undefined) return undefined;
  return {
    graceSeconds: entry["grace-seconds"] ?? SUBSCRIBER_DEFAULTS.graceSeconds,
    domains: entry.domains.map((one) => ({
      domain: one.domain,
      tenant: one.tenant,
      vlan: one.vlan === undefined ? undefined : String(one.vlan),
      requireSession: one["require-session"] ?? SUBSCRIBER_DEFAULTS.requireSession,
      action: one.action ?? SUBSCRIBER_DEFAULTS.action,
      exemptMacs: (one["exempt-macs"] ?? []).map(canonicalMac),
      exemptOuis: (one["exempt-ouis"] ?? []).map((oui) => oui.toLowerCase().replaceAll("-", ":")),
    })),
    accessPoints: (entry["access-points"] ?? []).map(({ id, pe, esi }) => ({
      id: stationId(id),
      pe: pe === undefined ? undefined : (canonicalAddress(pe) ?? pe),
      esi: esi?.toLowerCase(),
    })),
  };
}

function checkDomains(
  { domains }: SubscribersEntry,
  tenants: readonly string[],
  issues: IssueList,
): void {
  const seen = new Map<string, ConfigPath>();
  for (const [index, { domain, tenant, vlan }] of domains.entries()) {
    const path = ["subscribers", "domains", index];
    issues.once(`domain ${domain}`, domain, [...path, "domain"], seen);
    const what = vlan === undefined ? `tenant ${tenant}` : `tenant ${tenant}, VLAN ${vlan}`;
    issues.once(what, `${what} (for a second domain)`, [...path, "tenant"], seen);
    if (tenants.length === 0 || tenants.includes(tenant)) continue;
    issues.error(
      [...path, "tenant"],
      `the RADIUS relay has no tenant "${tenant}"`,
      `name one of: ${tenants.join(", ")}`,
    );
  }
}

function checkAccessPoints(entry: SubscribersEntry, issues: IssueList): void {
  const seen = new Map<string, ConfigPath>();
  for (const [index, { id, pe, esi }] of (entry["access-points"] ?? []).entries()) {
    const path = ["subscribers", "access-points", index];
    issues.once(stationId(id), id, [...path, "id"], seen);
    if ((pe === undefined) === (esi === undefined)) {
      issues.error(path, `it must be said once where ${id} is`, "give either pe or esi");
    }
  }
}

/** As sessions have it: a MAC in one form, or the text in lower case. */
function stationId(text: string): string {
  const digits = text.replaceAll(/[-:. ]/g, "").toLowerCase();
  if (/^[0-9a-f]{12}$/.test(digits)) return (digits.match(/../g) ?? []).join(":");
  return text.trim().toLowerCase();
}

function canonicalMac(text: string): string {
  const mac = parseMac(text);
  return mac === undefined ? text : formatMac(mac, 0);
}
