/** The `bmp`, `mrt` and `recorder` blocks of a file that passed the schema, to settings. */
import { isAbsolute, join } from "node:path";
import {
  BACKLOG_LIMIT,
  RECORDER_DEFAULTS,
  type BmpCollectorSettings,
  type FeedsSettings,
  type MonitoredRib,
  type MrtFileSettings,
} from "../bgp/feeds/settings.js";
import { canonicalAddress, formatEndpoint } from "./address.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { checkPasswords, resolvePassword } from "./secrets.js";
import type { SecretSource } from "./secrets.js";

export interface CollectorEntry {
  name?: string;
  address: string;
  port?: number;
  monitor?: MonitoredRib[];
  "table-name"?: boolean;
  "statistics-interval"?: number;
  "connect-retry"?: number;
  "connect-retry-max"?: number;
  "local-address"?: string;
  password?: string;
  "password-file"?: string;
  "password-env"?: string;
  "ttl-security-hops"?: number;
}

export interface BmpEntry {
  "sys-name"?: string;
  "backlog-limit"?: number;
  collectors?: CollectorEntry[];
}

export interface MrtFileEntry {
  directory: string;
  name?: string;
  compress?: boolean;
  "keep-files"?: number;
  "keep-octets"?: number;
  "keep-seconds"?: number;
}

export interface MrtEntry {
  updates?: MrtFileEntry & {
    "rotate-seconds"?: number;
    "rotate-octets"?: number;
    direction?: "received" | "both";
  };
  tables?: MrtFileEntry & { interval?: number; view?: "pre-policy" | "post-policy" };
}

export interface RecorderEntry {
  enabled?: boolean;
  "octets-per-peer"?: number;
  "octets-total"?: number;
  "max-age"?: number;
  "keep-after-down"?: number;
}

export interface FeedsEntry {
  bmp?: BmpEntry;
  mrt?: MrtEntry;
  recorder?: RecorderEntry;
}

/** In the file's words, for the schema. */
export const FEEDS_DEFAULTS = {
  "backlog-limit": BACKLOG_LIMIT,
  port: 11019,
  monitor: ["adj-rib-in-post", "loc-rib"] as MonitoredRib[],
  "table-name": false,
  "statistics-interval": 60,
  "connect-retry": 1,
  "connect-retry-max": 60,
  "rotate-seconds": 900,
  "rotate-octets": 0,
  interval: 7200,
  compress: false,
  "keep-files": 0,
  "keep-octets": 1024 ** 3,
  "keep-seconds": 0,
  direction: "received",
  view: "post-policy",
  recorder: {
    enabled: RECORDER_DEFAULTS.enabled,
    "octets-per-peer": RECORDER_DEFAULTS.octetsPerPeer,
    "octets-total": RECORDER_DEFAULTS.octetsTotal,
    "max-age": RECORDER_DEFAULTS.maxAge,
    "keep-after-down": RECORDER_DEFAULTS.keepAfterDown,
  },
} as const;

export interface FeedsContext {
  readonly secrets: SecretSource;
  readonly hostName: string;
  readonly version: string;
  readonly issues: IssueList;
}

export function feedsSettings(entry: FeedsEntry, context: FeedsContext): FeedsSettings {
  const { bmp = {}, mrt = {}, recorder = {} } = entry;
  const seen = new Map<string, ConfigPath>();
  const { updates, tables } = mrt;
  checkSameFiles(mrt, context);
  return {
    bmp: {
      sysName: bmp["sys-name"] ?? context.hostName,
      sysDescription: `evpnd ${context.version}`,
      backlogLimit: bmp["backlog-limit"] ?? FEEDS_DEFAULTS["backlog-limit"],
      collectors: (bmp.collectors ?? []).map((one, index) =>
        collector(one, ["bmp", "collectors", index], seen, context),
      ),
    },
    mrt: {
      updates: updates && {
        ...files(updates, "updates", context),
        rotateSeconds: updates["rotate-seconds"] ?? FEEDS_DEFAULTS["rotate-seconds"],
        rotateOctets: updates["rotate-octets"] ?? FEEDS_DEFAULTS["rotate-octets"],
        direction: updates.direction ?? FEEDS_DEFAULTS.direction,
      },
      tables: tables && {
        ...files(tables, "rib", context),
        interval: tables.interval ?? FEEDS_DEFAULTS.interval,
        view: tables.view ?? FEEDS_DEFAULTS.view,
      },
    },
    recorder: recorderSettings(recorder, context.issues),
  };
}

function collector(
  entry: CollectorEntry,
  path: ConfigPath,
  seen: Map<string, ConfigPath>,
  { secrets, issues }: FeedsContext,
): BmpCollectorSettings {
  const address = canonicalAddress(entry.address) ?? entry.address;
  const port = entry.port ?? FEEDS_DEFAULTS.port;
  const name = entry.name ?? formatEndpoint({ address, port });
  const before = seen.get(name);
  if (before === undefined) seen.set(name, path);
  else {
    issues.error(
      path,
      `there are two collectors "${name}"`,
      `the first is at ${issues.where(before)}; give one another name`,
    );
  }
  checkPasswords(entry, path, issues);
  const retry = entry["connect-retry"] ?? FEEDS_DEFAULTS["connect-retry"];
  const retryMax = entry["connect-retry-max"] ?? FEEDS_DEFAULTS["connect-retry-max"];
  return {
    name,
    address,
    port,
    monitor: entry.monitor ?? FEEDS_DEFAULTS.monitor,
    tableName: entry["table-name"] ?? FEEDS_DEFAULTS["table-name"],
    statisticsInterval: entry["statistics-interval"] ?? FEEDS_DEFAULTS["statistics-interval"],
    connectRetry: retry,
    connectRetryMax: Math.max(retry, retryMax),
    localAddress: canonicalAddress(entry["local-address"] ?? ""),
    password: resolvePassword(entry, (key) => [...path, key], secrets, issues),
    ttlSecurityHops: entry["ttl-security-hops"] ?? 0,
  };
}

function files(entry: MrtFileEntry, name: string, { secrets }: FeedsContext): MrtFileSettings {
  const { directory } = entry;
  return {
    directory: isAbsolute(directory) ? directory : join(secrets.directory, directory),
    name: entry.name ?? name,
    compress: entry.compress ?? FEEDS_DEFAULTS.compress,
    keepFiles: entry["keep-files"] ?? FEEDS_DEFAULTS["keep-files"],
    keepOctets: entry["keep-octets"] ?? FEEDS_DEFAULTS["keep-octets"],
    keepSeconds: entry["keep-seconds"] ?? FEEDS_DEFAULTS["keep-seconds"],
  };
}

/** Retention of one kind would remove the files of the other. */
function checkSameFiles({ updates, tables }: MrtEntry, { issues }: FeedsContext): void {
  if (updates === undefined || tables === undefined) return;
  if (updates.directory !== tables.directory) return;
  if ((updates.name ?? "updates") !== (tables.name ?? "rib")) return;
  issues.error(
    ["mrt", "tables"],
    "mrt.updates and mrt.tables would write the same file names into one directory",
    "give one of them another name or directory",
  );
}

function recorderSettings(entry: RecorderEntry, issues: IssueList): FeedsSettings["recorder"] {
  const given = { ...FEEDS_DEFAULTS.recorder, ...entry };
  if (given["octets-per-peer"] > given["octets-total"]) {
    issues.error(
      ["recorder"],
      `octets-per-peer (${given["octets-per-peer"]}) is above octets-total (${given["octets-total"]})`,
      "raise octets-total or lower octets-per-peer",
    );
  }
  return {
    enabled: given.enabled,
    octetsPerPeer: given["octets-per-peer"],
    octetsTotal: given["octets-total"],
    maxAge: given["max-age"],
    keepAfterDown: given["keep-after-down"],
  };
}
