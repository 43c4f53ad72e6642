/** Answers of the API about trust, as `proto/evpnd/v1/asmn*.proto` has them. */
export interface BgpFactsAnswer {
  readonly addresses: readonly string[];
  readonly as?: number;
  readonly routerId?: string;
  readonly binding: string;
}

export interface InstanceAnswer {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly id: string;
  readonly publicKey?: string;
  readonly state: string;
  readonly reason: string;
  readonly chain: number;
  readonly since: number;
  readonly attestedAt?: number;
  readonly image?: string;
  readonly bgp: BgpFactsAnswer;
  readonly verdictLeftMs?: number;
  readonly verdictSerial?: number;
  readonly connected: boolean;
  readonly revoked: boolean;
  readonly cloned: boolean;
  readonly step: string;
  readonly root: string;
}

export interface SecEmAnswer {
  readonly name: string;
  readonly epoch: number;
  readonly revocation: number;
  readonly rootKey: string;
  readonly transportKey: string;
  readonly listening: readonly { readonly address: string; readonly port: number }[];
  readonly feedListening: readonly { readonly address: string; readonly port: number }[];
  readonly instances: Readonly<Record<string, number>>;
  readonly feeds: readonly { readonly name: string; readonly kind: string }[];
  readonly counters: Readonly<Record<string, number>>;
  readonly alarms: readonly string[];
  readonly refusals: readonly {
    readonly address: string;
    readonly subject: string;
    readonly reason: string;
    readonly times: number;
    readonly at: number;
  }[];
}

export interface GrantAnswer {
  readonly serial: number;
  readonly operator: string;
  readonly why: string;
  readonly tenant: string;
  readonly vnf?: string;
  readonly instance?: string;
  readonly address?: string;
  readonly secondsLeft: number;
  readonly refused?: string;
}

export interface GateAnswer {
  readonly audience: string;
  readonly dryRun: boolean;
  readonly publicKey: string;
  readonly sources: readonly {
    readonly name: string;
    readonly link: string;
    readonly why: string;
    readonly state: string;
    readonly secondsSinceHeartbeat?: number;
    readonly lastRefusal: string;
    readonly refused: number;
  }[];
  readonly instances: number;
  readonly trusted: number;
  readonly inGrace: boolean;
  readonly breakGlass: readonly GrantAnswer[];
  readonly applied: readonly {
    readonly address: string;
    readonly sessions: number;
    readonly routes: number;
    readonly beganMs: number;
    readonly doneMs: number;
    readonly at: number;
    readonly waits?: string;
  }[];
}

interface CountAnswer {
  readonly packets: number;
  readonly octets: number;
}

export interface GatewayAnswer {
  readonly state: string;
  readonly tenant: string;
  readonly table: string;
  readonly catalog?: {
    readonly version: number;
    readonly entries: number;
    readonly action: string;
    readonly since: number;
    readonly tookMs: number;
  };
  readonly open: number;
  readonly members: number;
  readonly counters: Readonly<Record<string, CountAnswer>>;
  readonly alarms: readonly { readonly text: string; readonly until?: number }[];
  readonly interfaces: readonly { readonly name: string; readonly shaped: boolean }[];
  readonly repairs: number;
  readonly problems: readonly string[];
  readonly breakGlass: readonly GrantAnswer[];
}

export interface TrustStatusAnswer {
  readonly secEm?: SecEmAnswer;
  readonly gate?: GateAnswer;
  readonly gateway?: GatewayAnswer;
  readonly notTrusted: readonly InstanceAnswer[];
  readonly gated: GatedPeersAnswer["peers"];
}

export interface TrafficGatewayAnswer {
  readonly status: GatewayAnswer;
  readonly members: readonly {
    readonly vnf: string;
    readonly instance: string;
    readonly state: string;
    readonly reason: string;
    readonly addresses: readonly string[];
    readonly open: boolean;
    readonly leftMs?: number;
  }[];
  readonly flows: readonly {
    readonly name: string;
    readonly limits: string;
    readonly forth: CountAnswer;
    readonly answers: CountAnswer;
  }[];
}

export interface GatedPeersAnswer {
  readonly dryRun: boolean;
  readonly peers: readonly {
    readonly address: string;
    readonly state: string;
    readonly reason: string;
    readonly effect: string;
    readonly spared?: string;
    readonly subject: string;
    readonly at: number;
  }[];
}

export interface VnfAnswer {
  readonly tenant: string;
  readonly descriptor: {
    readonly name: string;
    readonly role: string;
    readonly binding: string;
    readonly addresses: readonly string[];
  };
  readonly source: string;
  readonly images: number;
  readonly instances: number;
  readonly trusted: number;
}

export interface LineAnswer {
  readonly from: string;
  readonly to: string;
  readonly protocol: string;
  readonly port?: number;
  readonly portEnd?: number;
  readonly rate?: number;
  readonly burst?: number;
  readonly packetRate?: number;
}

export interface CatalogAnswer {
  readonly tenant: string;
  readonly version: number;
  readonly digest: string;
  readonly defaultAction: string;
  readonly entries: readonly LineAnswer[];
}

export interface CatalogDiffAnswer {
  readonly added: readonly LineAnswer[];
  readonly removed: readonly LineAnswer[];
  readonly changed: readonly { readonly before: LineAnswer; readonly after: LineAnswer }[];
}

export interface ImageAnswer {
  readonly tenant: string;
  readonly vnf: string;
  readonly digest: string;
  readonly manifest?: string;
  readonly version: string;
  readonly signer?: string;
  readonly registeredBy: string;
  readonly registeredAt: number;
  readonly validUntil?: number;
  readonly valid: boolean;
}

export interface PcrAnswer {
  readonly pcr: number;
  readonly value: string;
}

export interface TpmKeyAnswer {
  readonly name: string;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance?: string;
  readonly image?: string;
  readonly keyId: string;
  readonly algorithm: string;
  readonly pcrs: readonly PcrAnswer[];
  readonly source: string;
}

export interface TokenAnswer {
  readonly id: string;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly image: string;
  readonly issuedBy: string;
  readonly expires: number;
  readonly state: string;
}

export interface KeyAnswer {
  readonly id: string;
  readonly use: string;
  readonly publicKey: string;
  readonly state: string;
  readonly until?: number;
}

export interface BreakGlassAnswer {
  readonly id: string;
  readonly tenant: string;
  readonly vnf?: string;
  readonly instance?: string;
  readonly address?: string;
  readonly name: string;
  readonly reason: string;
  readonly ends: number;
  readonly state: string;
  readonly document: string;
}

export interface TrustAuditAnswer {
  readonly sequence: number;
  readonly time: number;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly detail: string;
}

export interface AuditCheckAnswer {
  readonly whole: boolean;
  readonly entries: number;
  readonly first: number;
  readonly last: number;
  readonly heads: number;
  readonly signedTo: number;
  readonly problem?: string | undefined;
}

export interface MeasurementAnswer {
  readonly file: string;
  readonly octets: number;
  readonly total: number;
  readonly state: string;
  readonly digest?: string;
  readonly problem?: string;
  readonly tookMs: number;
}
