/** Limits of a peer as people see them: plain data. */
export interface RouteLimitView {
  readonly direction: "in" | "out";
  readonly family: string;
  readonly routeType: number | undefined;
  readonly perVni: boolean;
  /** With `perVni`: the VNI that has most. */
  readonly vni: number | undefined;
  readonly count: number;
  readonly maximum: number;
  /** Routes at which the log has a warning. */
  readonly warnAt: number;
  readonly action: "warn" | "stop" | "discard" | "withhold";
}

export interface PeerLimitsView {
  readonly routes: readonly RouteLimitView[];
  /** Routes in the table that are held for a limit. */
  readonly held: number;
  /** Since the session began. */
  readonly refused: {
    /** Announcements held, and not taken at all, beyond limits on routes. */
    readonly discarded: number;
    readonly dropped: number;
    /** UPDATEs whose routes count as withdrawn. */
    readonly attributeSize: number;
    readonly communities: number;
    readonly clusterList: number;
    readonly asPath: number;
    /** Routes not sent, beyond limits on routes sent. */
    readonly withheld: number;
  };
  readonly reading: {
    readonly paused: boolean;
    readonly pauses: number;
    readonly pausedSeconds: number;
  };
}
