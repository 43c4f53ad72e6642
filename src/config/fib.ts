/** The `fib` block of a file that passed the schema, to the FIB's settings. */
import { formatMac, parseMac } from "../fast-bgp-codec/index.js";
import type { DomainSettings, DuplicatePolicy, FibSettings } from "../fib/settings.js";
import { TOP_DEFAULTS } from "./file.js";
import type { DomainEntry, DuplicatePolicyEntry, FibEntry } from "./file.js";
import { TIMELINE_RING } from "../fib/timeline/settings.js";
import { hostRouteSettings } from "./host-routes.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { timelineSettings } from "./timeline.js";

/** Events kept for those who drain them; not for operators to choose. */
const EVENT_RING = 32_768;

/**
 * Undefined when the FIB is off; its block is checked all the same.
 * @param stateDir where the daemon keeps what survives a restart
 */
export function fibSettings(
  entry: FibEntry,
  stateDir: string | undefined,
  issues: IssueList,
): FibSettings | undefined {
  const duplicates = { ...TOP_DEFAULTS.duplicates, ...entry.duplicates };
  const policy = duplicatePolicy(duplicates);
  const seen = new Map<string, ConfigPath>();
  const timeline = timelineSettings(entry.timeline, stateDir, issues);
  const settings: FibSettings = {
    domains: (entry.domains ?? []).map((one, index) => {
      const path = ["fib", "domains", index];
      checkDomain(one, path, seen, issues);
      const hostRoutes = hostRouteSettings(
        one["host-routes"],
        one.service,
        [...path, "host-routes"],
        issues,
      );
      return { ...domainSettings(one, duplicates), hostRoutes };
    }),
    defaultEncapsulation:
      entry["default-encapsulation"] ?? TOP_DEFAULTS.fib["default-encapsulation"],
    duplicates: {
      ...policy,
      exemptMacs: duplicates["exempt-macs"].map(canonicalMac),
      exemptOuis: duplicates["exempt-ouis"].map((text) => text.toLowerCase().replaceAll("-", ":")),
    },
    eventRing: timeline === undefined ? EVENT_RING : TIMELINE_RING,
    timeline,
    maxHostRoutes: entry["max-host-routes"],
  };
  if (entry.enabled ?? TOP_DEFAULTS.fib.enabled) return settings;
  if (entry.domains !== undefined || entry.duplicates !== undefined) {
    issues.warn(["fib"], "the MAC FIB is off, so this block does nothing", "add enabled: true");
  }
  return undefined;
}

type FullPolicy = Required<DuplicatePolicyEntry>;

function duplicatePolicy(entry: FullPolicy): DuplicatePolicy {
  const { moves, seconds, action, release } = entry;
  const releaseSeconds = release === "manual" ? 0 : release;
  return { moves, seconds, action, releaseSeconds, rateSeconds: entry["rate-seconds"] };
}

/** @param all what counts where the domain says nothing */
function domainSettings(entry: DomainEntry, all: FullPolicy): DomainSettings {
  const { duplicates } = entry;
  return {
    name: entry.name,
    service: entry.service ?? TOP_DEFAULTS.fib.service,
    routeTargets: entry["route-targets"] ?? [],
    ethernetTag: entry["ethernet-tag"],
    vni: entry.vni,
    duplicates:
      typeof duplicates === "object"
        ? duplicatePolicy({ ...all, ...duplicates })
        : duplicates === false
          ? false
          : undefined,
  };
}

function checkDomain(
  entry: DomainEntry,
  path: ConfigPath,
  seen: Map<string, ConfigPath>,
  issues: IssueList,
): void {
  const before = seen.get(entry.name);
  if (before === undefined) seen.set(entry.name, [...path, "name"]);
  else {
    issues.error(
      [...path, "name"],
      `there are two domains "${entry.name}"`,
      `the first is at ${issues.where(before)}; rename one`,
    );
  }
  if (entry["route-targets"] === undefined && entry.vni === undefined) {
    issues.error(
      path,
      `nothing says which routes belong to domain "${entry.name}"`,
      'add "route-targets" or "vni"',
    );
  }
  if (entry.duplicates === true) {
    issues.error(
      [...path, "duplicates"],
      "true says nothing, as duplicates are detected anyway",
      "write false to exempt the domain, or {moves: …, seconds: …}",
    );
  }
}

function canonicalMac(text: string): string {
  const mac = parseMac(text);
  return mac === undefined ? text : formatMac(mac, 0);
}
