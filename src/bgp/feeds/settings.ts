/** What the feeds need to know, already checked. Times in seconds, sizes in octets, unless named otherwise. */

/** What a collector may ask for. Adj-RIB-In and Adj-RIB-Out are per peer, the loc-RIB is one. */
export const MONITORED_RIBS = [
  "adj-rib-in-pre",
  "adj-rib-in-post",
  "adj-rib-out-pre",
  "adj-rib-out-post",
  "loc-rib",
] as const;
export type MonitoredRib = (typeof MONITORED_RIBS)[number];

export interface BmpCollectorSettings {
  /** Unique among collectors; for log, views and metrics. */
  readonly name: string;
  /** Literal IP address. */
  readonly address: string;
  readonly port: number;
  readonly monitor: readonly MonitoredRib[];
  /** Name the loc-RIB's table in its Peer Up (RFC 9069 section 5.2.1). */
  readonly tableName: boolean;
  /** Between statistics reports of all peers; 0 = none. */
  readonly statisticsInterval: number;
  /** First wait after a lost or refused connection, doubling up to `connectRetryMax`. */
  readonly connectRetry: number;
  readonly connectRetryMax: number;
  readonly localAddress: string | undefined;
  /** TCP MD5 key (RFC 2385); never printed. */
  readonly password: string | undefined;
  /** GTSM (RFC 5082); 0 = off. */
  readonly ttlSecurityHops: number;
}

export interface BmpSettings {
  /** Goes into Initiation and names this router to collectors. */
  readonly sysName: string;
  readonly sysDescription: string;
  readonly collectors: readonly BmpCollectorSettings[];
  /** Octets of events kept for the slowest collector; beyond, it is dropped and starts anew. */
  readonly backlogLimit: number;
}

/** A set of files of one kind in one directory. */
export interface MrtFileSettings {
  readonly directory: string;
  /** First word of the names: `updates.20260102.0304`. */
  readonly name: string;
  readonly compress: boolean;
  /** What is kept at most; 0 = no bound. Older files of this name go first. */
  readonly keepFiles: number;
  readonly keepOctets: number;
  readonly keepSeconds: number;
}

export interface MrtUpdatesSettings extends MrtFileSettings {
  readonly rotateSeconds: number;
  readonly rotateOctets: number;
  /** Messages of which direction, seen from evpnd. */
  readonly direction: "received" | "both";
}

export interface MrtTablesSettings extends MrtFileSettings {
  /** Between dumps, on multiples of it since 1970; 0 = on demand only. */
  readonly interval: number;
  /** Routes as received, or as import policy left them. */
  readonly view: "pre-policy" | "post-policy";
}

export interface MrtSettings {
  readonly updates: MrtUpdatesSettings | undefined;
  readonly tables: MrtTablesSettings | undefined;
}

export interface RecorderSettings {
  readonly enabled: boolean;
  /** Octets of messages of one peer, both directions together. */
  readonly octetsPerPeer: number;
  readonly octetsTotal: number;
  /** Older messages are not exported. */
  readonly maxAge: number;
  /** How long the recording of a peer without a session is kept. */
  readonly keepAfterDown: number;
}

export interface FeedsSettings {
  readonly bmp: BmpSettings;
  readonly mrt: MrtSettings;
  readonly recorder: RecorderSettings;
}

export const RECORDER_DEFAULTS: RecorderSettings = {
  enabled: false,
  octetsPerPeer: 64 * 1024,
  octetsTotal: 32 * 1024 * 1024,
  maxAge: 3600,
  keepAfterDown: 3600,
};

export const BACKLOG_LIMIT = 64 * 1024 * 1024;

/** No feed at all. */
export const FEEDS_OFF: FeedsSettings = {
  bmp: { sysName: "", sysDescription: "", collectors: [], backlogLimit: BACKLOG_LIMIT },
  mrt: { updates: undefined, tables: undefined },
  recorder: { ...RECORDER_DEFAULTS, enabled: false },
};
