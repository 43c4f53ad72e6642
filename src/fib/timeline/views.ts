/** What the timeline answers, as plain data. Times are wall-clock milliseconds. */
export interface TimelineEvent {
  readonly time: number;
  /** As `TIMELINE_KINDS` has it. */
  readonly kind: string;
  readonly domain: string | undefined;
  readonly mac: string | undefined;
  /** PE where it is from then on, and where it was; of `ip-move`, `from` is the MAC that had the address. */
  readonly to: string | undefined;
  readonly from: string | undefined;
  /** Peer whose route it was about. Routes that went have none any more. */
  readonly peer: string | undefined;
  readonly sequence: number | undefined;
  readonly esi: string | undefined;
  readonly ip: string | undefined;
  readonly label: LabelAt | undefined;
  /** Moves so far; of segments MACs; of `lost` events. */
  readonly count: number | undefined;
  /** Of `started`, `lost` and `clock-back`: the time before. */
  readonly since: number | undefined;
}

export interface LabelAt {
  readonly kind: "vni" | "mpls";
  readonly value: number;
}

/** Where a MAC, or the one that had an IP address, was at one time, in one domain. */
export interface MacAt {
  /** Of an address that no MAC is known to have had, empty. */
  readonly mac: string;
  /** Who asked for an address. */
  readonly ip?: string | undefined;
  readonly domain: string;
  readonly time: number;
  /** `unknown`: nothing was recorded that tells; the notes say why. */
  readonly state: "present" | "absent" | "unknown";
  /** PE that it was learnt from. It had left the segment where `via` does not name it. */
  readonly pe: string | undefined;
  /** PEs through which it could be reached: that one, and those of its segment. */
  readonly via: readonly string[];
  readonly label: LabelAt | undefined;
  readonly esi: string | undefined;
  readonly sequence: number | undefined;
  readonly peer: string | undefined;
  /** When it came there, or went; undefined when that is older than the history. */
  readonly since: number | undefined;
  /** False: events were lost in between, or the history is cut; the notes say which. */
  readonly certain: boolean;
  /** Sentences. */
  readonly notes: readonly string[];
}

export interface MacDifference {
  readonly mac: string;
  readonly domain: string;
  readonly change: "came" | "went" | "moved" | "changed" | "unknown";
  readonly before: MacAt;
  readonly after: MacAt;
}

export interface RestlessMac {
  readonly mac: string;
  readonly domain: string;
  readonly moves: number;
}

export interface RestlessMacs {
  readonly rows: readonly RestlessMac[];
  /** What was looked at: later than asked for when there was too much. */
  readonly from: number;
  readonly to: number;
  readonly cut: boolean;
}

export interface TimelineStatus {
  readonly state: "opening" | "open" | "unavailable";
  readonly directory: string;
  /** Why it is unavailable, with what to do. */
  readonly problem: string | undefined;
  /** Time of the oldest event kept; undefined without any. */
  readonly oldest: number | undefined;
  readonly events: number;
  readonly octets: number;
  /** Events lost since the start. */
  readonly lost: number;
}

/** All that is given must hold. */
export interface TimelineQuery {
  /** Ends included; default: everything. */
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  /** A MAC or its first digits, in any notation. With a whole MAC, events of its segments are among the rows. */
  readonly mac?: string | undefined;
  readonly domain?: string | undefined;
  /** It came to the PE, or left it. */
  readonly pe?: string | undefined;
  readonly kind?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

/** Of a MAC or of an IP address: one of the two is given. */
export interface TimelineAtQuery {
  readonly mac?: string | undefined;
  readonly ip?: string | undefined;
  readonly domain?: string | undefined;
  readonly time: number;
}

export interface TimelineDiffQuery {
  readonly from: number;
  readonly to: number;
  /** A MAC or its first digits. */
  readonly mac?: string | undefined;
  readonly domain?: string | undefined;
  /** It was there before, or is after. */
  readonly pe?: string | undefined;
  readonly cursor?: string | undefined;
  readonly limit?: number | undefined;
}

export interface TimelineRestlessQuery {
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly domain?: string | undefined;
  /** 1 to 1000, default 10. */
  readonly count?: number | undefined;
}

export interface TimelinePage<T> {
  readonly rows: readonly T[];
  /** Undefined at the end. A page may be short, or empty, and not the last. */
  readonly next: string | undefined;
}

/** The timeline's door: answers are made in its own thread. Rejects with `FibQueryError`. */
export interface TimelineControl {
  status(): Promise<TimelineStatus>;
  events(query: TimelineQuery): Promise<TimelinePage<TimelineEvent>>;
  /** A row for each domain that knew the MAC, or the address; `MOST_DOMAINS` at most. */
  at(query: TimelineAtQuery): Promise<readonly MacAt[]>;
  diff(query: TimelineDiffQuery): Promise<TimelinePage<MacDifference>>;
  restless(query: TimelineRestlessQuery): Promise<RestlessMacs>;
}

export const MOST_DOMAINS = 64;
