/** What the API says of the RADIUS relay and of subscribers, as far as evpnctl shows it. */
export type RadiusKind = "authentication" | "accounting";
export type RadiusCounters = Readonly<Record<string, number>>;

export interface RadiusServerAnswer {
  readonly tenant: string;
  readonly kind: RadiusKind;
  readonly address: string;
  readonly port: number;
  readonly draining: boolean;
  readonly clients: readonly {
    readonly name: string;
    readonly prefix: string;
    readonly fingerprints: readonly string[];
  }[];
}

export interface RadiusServersAnswer {
  readonly servers: readonly RadiusServerAnswer[];
}

export interface RadiusHomeServersAnswer {
  readonly homeServers: readonly {
    readonly tenant: string;
    readonly kind: RadiusKind;
    readonly name: string;
    readonly state: string;
    readonly pending: number;
    readonly counters: RadiusCounters;
  }[];
  readonly spools: readonly {
    readonly tenant: string;
    readonly waiting: number;
    readonly parked: number;
    readonly failing: boolean;
  }[];
}

export interface RadiusStatisticsAnswer {
  readonly baseline?: number | undefined;
  readonly rows: readonly {
    readonly tenant: string;
    readonly kind: RadiusKind;
    readonly client?: string | undefined;
    readonly counters: RadiusCounters;
  }[];
}

export interface RadiusSessionAnswer {
  readonly tenant: string;
  readonly mac: string;
  readonly accessPoint: string;
  readonly ssid?: string | undefined;
  readonly client: string;
  readonly userName: string;
  readonly vlan?: string | undefined;
  readonly address?: string | undefined;
  readonly acctSessionId?: string | undefined;
  readonly confirmed: boolean;
  readonly startedAt: number;
  readonly lastSeenAt: number;
  readonly inputOctets: number;
  readonly outputOctets: number;
  readonly places: readonly {
    readonly domain: string;
    readonly pe: string;
    readonly esi?: string | undefined;
    readonly finding?: string | undefined;
  }[];
}

export interface RadiusEventAnswer {
  readonly kind: string;
  readonly session?: RadiusSessionAnswer | undefined;
  readonly reason?: string | undefined;
  /** Of `lost`. */
  readonly count?: number | undefined;
}

export interface RadiusChecksumAnswer {
  readonly enabled: boolean;
  readonly badChecksums?: number | undefined;
  readonly source: string;
}

/** A session, as a MAC of the FIB has it. */
export interface SubscriberAnswer {
  readonly tenant: string;
  readonly userName: string;
  readonly accessPoint: string;
  readonly ssid?: string | undefined;
  readonly vlan?: string | undefined;
  readonly ip?: string | undefined;
  readonly confirmed: boolean;
  readonly since: number;
  readonly expected?:
    { readonly pe?: string | undefined; readonly esi?: string | undefined } | undefined;
}

export interface SubscriberFindingAnswer {
  readonly domain: string;
  readonly mac: string;
  readonly kind: string;
  readonly state: string;
  readonly action: string;
  readonly pe: string;
  readonly esi?: string | undefined;
  readonly since: number;
  readonly session?: SubscriberAnswer | undefined;
}
