/** What evpnctl reads of answers about feeds: the fields it shows, no more. */
export interface CollectorAnswer {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly monitor: readonly string[];
  readonly state: string;
  readonly lastError?: string | undefined;
  readonly connects: number;
  readonly dropped: number;
  readonly messages: number;
  readonly pendingBytes: number;
  readonly backlogBytes: number;
  readonly backlogEntries: number;
}

export interface FilesAnswer {
  readonly directory: string;
  readonly file?: string | undefined;
  readonly files: number;
  readonly records: number;
  readonly dropped: number;
  readonly pendingBytes: number;
  readonly alarm?: string | undefined;
  readonly running?: boolean;
}

export interface FeedsAnswer {
  readonly collectors: readonly CollectorAnswer[];
  readonly eventLogBytes: number;
  readonly updates?: FilesAnswer | undefined;
  readonly tables?: FilesAnswer | undefined;
  readonly recorder: {
    readonly enabled: boolean;
    readonly peers: number;
    readonly octets: number;
    readonly octetsTotal: number;
  };
}

export interface RecordingAnswer {
  readonly peer: string;
  readonly established: boolean;
  readonly sessions: number;
  readonly messages: number;
  readonly octets: number;
  readonly oldest?: number | undefined;
  readonly newest?: number | undefined;
  readonly overwritten: number;
}
