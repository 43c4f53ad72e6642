/** What a peer may be granted, and is asked for, when one of the two sides restarts. Times in seconds. */

/** Longest restart time that capability 64 can say (12 bits). */
export const RESTART_TIME_MOST = 4095;
/** Longest stale time that capability 71 can say (24 bits). */
export const LONG_LIVED_TIME_MOST = 0xffffff;

export interface GracefulRestartOptions {
  /**
   * "off" keeps nothing; "helper" keeps the routes of a peer that restarts; "full" also asks the peer to
   * keep ours while we restart (RFC 4724).
   */
  readonly mode: "off" | "helper" | "full";
  /** How long the peer is asked to keep our routes until we are back; "full" only. */
  readonly restartTime: number;
  /** Most we wait for a peer to come back, whatever it asks for. */
  readonly restartTimeMax: number;
  /** Most we keep stale routes once the peer is back and has not said End-of-RIB. */
  readonly staleTime: number;
  /** NOTIFICATIONs other than a hard reset, and the hold timer, count as restarts (RFC 8538). */
  readonly notification: boolean;
  readonly longLived: LongLivedOptions;
}

/** RFC 9494. */
export interface LongLivedOptions {
  readonly enabled: boolean;
  /** How long the peer is asked to keep our routes beyond the restart time; mode "full" only. */
  readonly staleTime: number;
  /** Most we keep the peer's, whatever it asks for. */
  readonly staleTimeMax: number;
  /** iBGP peers without the capability get stale routes with NO_EXPORT and LOCAL_PREF 0 instead of none (section 4.6). */
  readonly partial: boolean;
}

/** A helper without being told; everything longer is asked for. */
export const GRACEFUL_RESTART_DEFAULTS: GracefulRestartOptions = {
  mode: "helper",
  restartTime: 120,
  restartTimeMax: RESTART_TIME_MOST,
  staleTime: 360,
  notification: true,
  longLived: {
    enabled: false,
    staleTime: 86_400,
    staleTimeMax: LONG_LIVED_TIME_MOST,
    partial: false,
  },
};

/** The speaker as the one that restarts. */
export interface RestartSettings {
  /** Directory that remembers who was Established; undefined = a start is always a cold one. */
  readonly stateDir: string | undefined;
  /** Longest that sending is put off after a restart, for the peers' routes to come in. */
  readonly deferralTime: number;
  /** An ordinary stop closes sessions of mode "full" without NOTIFICATION, so that the peers keep our routes. */
  readonly keepOnStop: boolean;
}

export const RESTART_DEFAULTS: RestartSettings = {
  stateDir: undefined,
  deferralTime: 120,
  keepOnStop: true,
};
