/** What evpnctl reads of the answers about IPsec tunnels; see `wire.ts`. Times are wall-clock milliseconds. */
export interface TunnelFaultAnswer {
  readonly tunnel: string;
  readonly code: string;
  readonly certain: boolean;
  readonly text: string;
  readonly remedy: string;
  readonly ours?: string;
  readonly theirs?: string;
  readonly evidence: readonly string[];
  readonly first: number;
  readonly last: number;
  readonly count: number;
  readonly ended?: number;
}

export interface TunnelAnswer {
  readonly tunnel: string;
  readonly kind: string;
  readonly local: string;
  readonly remote: string;
  readonly state: string;
  readonly reason: string;
  readonly since: number;
  readonly monitor: string;
  readonly held: boolean;
  readonly loaded: boolean;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly uncovered: readonly string[];
  readonly vteps: readonly string[];
  readonly vtepsSeen: readonly {
    readonly address: string;
    readonly present: boolean;
    readonly routes: number;
  }[];
  readonly diagnosis?: TunnelFaultAnswer;
}

export interface TunnelOverviewAnswer {
  readonly gateway: string;
  readonly daemon: {
    readonly connected: boolean;
    readonly problem?: string;
    readonly version?: string;
    readonly planned: number;
    readonly loaded: number;
  };
  readonly tunnels: readonly TunnelAnswer[];
}

export interface TunnelStatusAnswer {
  readonly tunnel: string;
  readonly from: string;
  readonly to: string;
  readonly works: string;
  readonly text: string;
  readonly since: number;
  readonly octetsIn: number;
  readonly octetsOut: number;
  readonly advice: string;
}

export interface SaListAnswer {
  readonly total: number;
  readonly rows: readonly {
    readonly id: string;
    readonly direction: string;
    readonly gateway: string;
    readonly port: number;
    readonly algorithm: string;
    readonly spi: string;
    readonly seconds?: number;
    readonly kilobytes?: number;
    readonly state: string;
    readonly policyId: number;
    readonly vsys: number;
  }[];
}

export interface CookieListAnswer {
  readonly active: number;
  readonly dead: number;
  readonly total: number;
  readonly rows: readonly {
    readonly cookies: string;
    readonly initiator: string;
    readonly responder: string;
    readonly method: string;
    readonly exchange: number;
    readonly name: string;
    readonly group: number;
    readonly user: number;
    readonly retransmitTimer: number;
    readonly lifetime: number;
    readonly lifetimeReceived: number;
    readonly nextRekey: number;
    readonly certificateExpiry: number;
    readonly role: string;
    readonly errors: number;
    readonly direction: number;
    readonly natMap: string;
    readonly heartbeat: string;
    readonly heartbeatReceived: number;
    readonly heartbeatSent: number;
    readonly xauth: number;
    readonly dpdLocal: number;
    readonly dpdPeer: number;
  }[];
}

export interface IsakmpListAnswer {
  readonly total: number;
  readonly embryonic: number;
  readonly rows: readonly {
    readonly destination: string;
    readonly source: string;
    readonly state: string;
    readonly pending: number;
    readonly created: number;
  }[];
}

export interface CryptoSpiAnswer {
  readonly spi: string;
  readonly decimal: number;
  readonly transform: string;
  readonly settings: string;
  readonly slot: number;
  readonly connectionId: number;
  readonly cryptoMap: string;
  readonly kilobytesLeft?: number;
  readonly secondsLeft?: number;
  readonly ivOctets: number;
  readonly replayDetection: boolean;
}

export interface CryptoSaAnswer {
  readonly tunnel: string;
  readonly interface: string;
  readonly cryptoMap: string;
  readonly localAddress: string;
  readonly localIdent: string;
  readonly remoteIdent: string;
  readonly peer: string;
  readonly flags: string;
  readonly encaps: number;
  readonly encrypt: number;
  readonly digest: number;
  readonly decaps: number;
  readonly decrypt: number;
  readonly verify: number;
  readonly compressed: number;
  readonly decompressed: number;
  readonly notCompressed: number;
  readonly compressFailed: number;
  readonly decompressFailed: number;
  readonly sendErrors: number;
  readonly receiveErrors: number;
  readonly localEndpoint: string;
  readonly remoteEndpoint: string;
  readonly pathMtu: number;
  readonly overhead: number;
  readonly mediaMtu: number;
  readonly outboundSpi: string;
  readonly inboundEsp: readonly CryptoSpiAnswer[];
  readonly outboundEsp: readonly CryptoSpiAnswer[];
  readonly inboundAh: readonly CryptoSpiAnswer[];
  readonly outboundAh: readonly CryptoSpiAnswer[];
  readonly inboundPcp: readonly CryptoSpiAnswer[];
  readonly outboundPcp: readonly CryptoSpiAnswer[];
}

export interface IpsecEventAnswer {
  readonly sequence: number;
  readonly time: number;
  readonly tunnel: string;
  readonly interface: string;
  readonly origin: string;
  readonly type: string;
  readonly action: string;
  readonly source: string;
  readonly destination: string;
  readonly info: string;
}

export interface TraceAnswer {
  readonly tunnel: string;
  readonly on: boolean;
  readonly until?: number;
  readonly lost: number;
  readonly steps: readonly {
    readonly time: number;
    readonly peer: string;
    readonly group: string;
    readonly text: string;
    readonly message?: {
      readonly direction: string;
      readonly exchange: string;
      readonly kind: string;
      readonly messageId: number;
      readonly payloads: readonly string[];
      readonly encrypted: boolean;
    };
  }[];
}

export interface PingAnswer {
  readonly tunnel: string;
  readonly destination: string;
  readonly sent: number;
  readonly received: number;
  readonly averageMs?: number;
  readonly counters: { readonly encaps: number; readonly decaps: number };
  readonly text: string;
}

export interface IkeFieldAnswer {
  readonly name: string;
  readonly value: string;
}

export interface DecodedIkeAnswer {
  readonly message?: {
    readonly version: number;
    readonly initiatorSpi: string;
    readonly responderSpi: string;
    readonly exchange: string;
    readonly kind?: string;
    readonly messageId: number;
    readonly encrypted: boolean;
    readonly octets: number;
  };
  readonly payloads: readonly {
    readonly name: string;
    readonly octets: number;
    readonly fields: readonly IkeFieldAnswer[];
    readonly proposals: readonly {
      readonly number: number;
      readonly protocol: string;
      readonly spi: string;
      readonly transforms: readonly {
        readonly number: number;
        readonly name: string;
        readonly attributes: readonly IkeFieldAnswer[];
      }[];
    }[];
  }[];
  readonly problems: readonly string[];
}
