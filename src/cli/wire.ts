/**
 * What evpnctl reads of the HTTP door's answers: the fields it shows, no more. The speaker's own
 * types are not imported, as the answers come from a process that may be older or newer; a test
 * proves that today's fit.
 */
export interface SummaryAnswer {
  readonly as: number;
  readonly routerId: string;
  readonly clusterId: string;
  readonly version: string;
  readonly started: number;
  readonly listening: readonly string[];
  readonly peers: number;
  readonly established: number;
  readonly destinations: number;
  readonly routes: number;
  readonly attributeSets: number;
  readonly ready: boolean;
  readonly memory?: MemoryAnswer | undefined;
  readonly maintenance?:
    | {
        readonly all: boolean;
        readonly named: readonly string[];
        readonly since?: number | undefined;
        readonly drained: boolean;
      }
    | undefined;
  readonly pendingConfirm?: { readonly secondsLeft: number } | undefined;
  readonly restarting?: RestartingAnswer | undefined;
}

/** evpnd has restarted and waits for its peers. */
export interface RestartingAnswer {
  readonly secondsLeft: number;
  /** Addresses. */
  readonly waitingFor: readonly string[];
}

export interface MemoryAnswer {
  readonly limit: number;
  readonly used: number;
  readonly level: string;
}

export interface LimitsAnswer {
  readonly routes: readonly {
    readonly direction: string;
    readonly family: string;
    readonly routeType?: number | undefined;
    readonly perVni: boolean;
    readonly vni?: number | undefined;
    readonly count: number;
    readonly maximum: number;
    readonly warnAt: number;
    readonly action: string;
  }[];
  readonly held: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly reading: {
    readonly paused: boolean;
    readonly pauses: number;
    readonly pausedSeconds: number;
  };
}

export interface PeerAnswer {
  readonly address: string;
  readonly group: string;
  readonly description: string;
  readonly dynamic: boolean;
  readonly kind: string;
  readonly as?: number | undefined;
  readonly routerId?: string | undefined;
  readonly state: string;
  readonly lastError?: string | undefined;
  readonly adminDown: boolean;
  readonly since: number;
  readonly establishedCount: number;
  readonly localAddress?: string | undefined;
  readonly localPort?: number | undefined;
  readonly remotePort?: number | undefined;
  readonly holdTime?: number | undefined;
  readonly hostName?: string | undefined;
  readonly softwareVersion?: string | undefined;
  readonly capabilities: readonly string[];
  readonly md5: boolean;
  readonly tcpAo?: string | undefined;
  readonly ttlSecurityHops: number;
  readonly families: readonly {
    readonly family: string;
    readonly accepted: number;
    readonly advertised: number;
    readonly endOfRibReceived: boolean;
    readonly endOfRibSent: boolean;
  }[];
  readonly messages: {
    readonly in: Readonly<Record<string, number>>;
    readonly out: Readonly<Record<string, number>>;
  };
  readonly faults: Readonly<Record<string, number>>;
  readonly limits?: LimitsAnswer | undefined;
  readonly slow?: { readonly since: number } | undefined;
  readonly bfd?:
    { readonly state: string; readonly diag: string; readonly since: number } | undefined;
  readonly trust?:
    | {
        readonly state: string;
        readonly reason: string;
        readonly effect: string;
        readonly spared?: string | undefined;
        readonly subject: string;
        readonly binding?: string | undefined;
      }
    | undefined;
  readonly restart?: RestartAnswer;
  readonly pendingBytes: number;
  readonly backlog: number;
}

/** Graceful restart of one peer. */
export interface RestartAnswer {
  readonly agreed?:
    | {
        readonly restartTime: number;
        readonly restarting: boolean;
        readonly notification: boolean;
        readonly families: readonly string[];
        readonly longLived: readonly { readonly family: string; readonly staleTime: number }[];
      }
    | undefined;
  readonly retention?:
    | {
        readonly state: string;
        readonly secondsSinceLoss: number;
        readonly families: readonly {
          readonly family: string;
          readonly phase: string;
          readonly staleRoutes: number;
          readonly secondsLeft: number;
        }[];
      }
    | undefined;
  readonly waitingForMemberships: readonly string[];
  readonly waitingForRestart: readonly string[];
}

export interface RouteAnswer {
  readonly family: string;
  readonly prefix: string;
  readonly nlri: object;
  readonly nextHop: string;
  readonly peer: string;
  readonly originator: string;
  readonly pathId?: number;
  readonly best: boolean;
  readonly held?: string;
  readonly reason: string;
  readonly changed: number;
  readonly attributes: readonly object[];
}

export interface ConfigAnswer {
  readonly file: string;
  readonly loaded: number;
  readonly pending?: { readonly secondsLeft: number } | undefined;
  readonly configuration: unknown;
}

export interface DiffAnswer {
  readonly ok: boolean;
  readonly issues: readonly string[];
  readonly lines: readonly string[];
}

export interface AuditAnswer {
  readonly ok: boolean;
  readonly findings: readonly string[];
}

export interface DoneAnswer {
  readonly done: readonly string[];
}
