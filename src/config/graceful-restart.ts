/** The `graceful-restart` option and the `restart` block of a file that passed the schema, to settings. */
import {
  GRACEFUL_RESTART_DEFAULTS,
  RESTART_DEFAULTS,
  type GracefulRestartOptions,
  type RestartSettings,
} from "../bgp/graceful-settings.js";

export interface GracefulRestartEntry {
  mode?: GracefulRestartOptions["mode"];
  "restart-time"?: number;
  "restart-time-max"?: number;
  "stale-time"?: number;
  notification?: boolean;
  "long-lived"?: {
    enabled?: boolean;
    "stale-time"?: number;
    "stale-time-max"?: number;
    "partial-deployment"?: boolean;
  };
}

export interface RestartEntry {
  "state-dir"?: string;
  "selection-deferral-time"?: number;
  "on-stop"?: "keep" | "cease";
}

/** In the file's words, for the schema. */
export const PEER_RESTART_DEFAULTS = {
  mode: GRACEFUL_RESTART_DEFAULTS.mode,
  "restart-time": GRACEFUL_RESTART_DEFAULTS.restartTime,
  "restart-time-max": GRACEFUL_RESTART_DEFAULTS.restartTimeMax,
  "stale-time": GRACEFUL_RESTART_DEFAULTS.staleTime,
  notification: GRACEFUL_RESTART_DEFAULTS.notification,
  "long-lived": {
    enabled: GRACEFUL_RESTART_DEFAULTS.longLived.enabled,
    "stale-time": GRACEFUL_RESTART_DEFAULTS.longLived.staleTime,
    "stale-time-max": GRACEFUL_RESTART_DEFAULTS.longLived.staleTimeMax,
    partial: GRACEFUL_RESTART_DEFAULTS.longLived.partial,
  },
} as const;

export const RESTART_BLOCK_DEFAULTS = {
  "selection-deferral-time": RESTART_DEFAULTS.deferralTime,
  "on-stop": RESTART_DEFAULTS.keepOnStop ? "keep" : "cease",
} as const;

export function gracefulRestartOptions(
  entry: GracefulRestartEntry | undefined,
): GracefulRestartOptions {
  const defaults = GRACEFUL_RESTART_DEFAULTS;
  const longLived = entry?.["long-lived"];
  return {
    mode: entry?.mode ?? defaults.mode,
    restartTime: entry?.["restart-time"] ?? defaults.restartTime,
    restartTimeMax: entry?.["restart-time-max"] ?? defaults.restartTimeMax,
    staleTime: entry?.["stale-time"] ?? defaults.staleTime,
    notification: entry?.notification ?? defaults.notification,
    longLived: {
      enabled: longLived?.enabled ?? defaults.longLived.enabled,
      staleTime: longLived?.["stale-time"] ?? defaults.longLived.staleTime,
      staleTimeMax: longLived?.["stale-time-max"] ?? defaults.longLived.staleTimeMax,
      partial: longLived?.["partial-deployment"] ?? defaults.longLived.partial,
    },
  };
}

export function restartSettings(entry: RestartEntry | undefined): RestartSettings {
  return {
    stateDir: entry?.["state-dir"],
    deferralTime: entry?.["selection-deferral-time"] ?? RESTART_DEFAULTS.deferralTime,
    keepOnStop: (entry?.["on-stop"] ?? RESTART_BLOCK_DEFAULTS["on-stop"]) === "keep",
  };
}
