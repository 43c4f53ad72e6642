/** When a peer counts as slow. */
export interface SlowPeerSettings {
  readonly enabled: boolean;
  /** Behind for this long. */
  readonly seconds: number;
  /** Well below the thresholds for this long: no longer slow. */
  readonly recoverySeconds: number;
  /** Behind: that many changes of the table not read, */
  readonly backlog: number;
  /** or that many octets waiting for the kernel. */
  readonly pendingOctets: number;
}

/** The octets are the mark below which a session that was passed over goes on. */
export const SLOW_PEER_DEFAULTS: SlowPeerSettings = {
  enabled: true,
  seconds: 10,
  recoverySeconds: 5,
  backlog: 10_000,
  pendingOctets: 65_536,
};
