/** The `slow-peers` and `audit` blocks of a file that passed the schema, to settings. */
import { AUDIT_DEFAULTS, type AuditSettings } from "../bgp/audit/settings.js";
import { SLOW_PEER_DEFAULTS, type SlowPeerSettings } from "../bgp/slow-settings.js";

export interface SlowPeersEntry {
  enabled?: boolean;
  seconds?: number;
  "recovery-seconds"?: number;
  backlog?: number;
  "pending-octets"?: number;
}

export interface AuditEntry {
  continuous?: boolean;
  "cpu-percent"?: number;
}

/** In the file's words, for the schema. */
export const WATCH_DEFAULTS = {
  "slow-peers": {
    enabled: SLOW_PEER_DEFAULTS.enabled,
    seconds: SLOW_PEER_DEFAULTS.seconds,
    "recovery-seconds": SLOW_PEER_DEFAULTS.recoverySeconds,
    backlog: SLOW_PEER_DEFAULTS.backlog,
    "pending-octets": SLOW_PEER_DEFAULTS.pendingOctets,
  },
  audit: {
    continuous: AUDIT_DEFAULTS.continuous,
    "cpu-percent": AUDIT_DEFAULTS.cpuPercent,
  },
} as const;

export function slowPeerSettings(given: SlowPeersEntry | undefined): SlowPeerSettings {
  const entry = { ...WATCH_DEFAULTS["slow-peers"], ...given };
  return {
    enabled: entry.enabled,
    seconds: entry.seconds,
    recoverySeconds: entry["recovery-seconds"],
    backlog: entry.backlog,
    pendingOctets: entry["pending-octets"],
  };
}

export function auditSettings(given: AuditEntry | undefined): AuditSettings {
  const entry = { ...WATCH_DEFAULTS.audit, ...given };
  return { continuous: entry.continuous, cpuPercent: entry["cpu-percent"] };
}
