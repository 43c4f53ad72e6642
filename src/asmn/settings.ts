/** What the trust checks are told by configuration. Names are text of 1 to 64 of `A-Z a-z 0-9 . _ -`. */

export interface AsmnEndpoint {
  readonly address: string;
  readonly port: number;
}

/** Each part is there or not by itself; parts of one daemon find each other without a network. */
export interface AsmnSettings {
  readonly secEm: SecEmSettings | undefined;
  readonly gate: GateSettings | undefined;
  readonly gateway: GatewaySettings | undefined;
}

/** The security element manager: who may be trusted, and who is. */
export interface SecEmSettings {
  /** Issuer's name in verdicts, logs and the audit log. */
  readonly name: string;
  /** Whom its verdicts are for: gates that have the same word. */
  readonly audience: string;
  /** Where agents connect (TLS 1.3). */
  readonly listen: readonly AsmnEndpoint[];
  /** Where gates and gateways elsewhere connect; none for those of this daemon alone. */
  readonly feedListen: readonly AsmnEndpoint[];
  /** Subscribers of the feed beyond this daemon, each pinned by its key. */
  readonly feeds: readonly FeedClientSettings[];
  /** Registry, ratchets, keys, audit log. Its mode is 0700. */
  readonly stateDirectory: string;
  /** PEM (PKCS #8) of the root key; undefined: made at the first start, in the state directory. */
  readonly rootKeyFile: string | undefined;
  /** Images that may be measured by a call of the API; undefined = none. */
  readonly imageDirectory: string | undefined;
  readonly roles: SecEmRoles;
  readonly verdictLifetimeSeconds: number;
  readonly heartbeatSeconds: number;
  /** What agents are told: how often they renew. */
  readonly renewalSeconds: number;
  readonly tokenLifetimeSeconds: number;
  /** How long the image before stays valid when a new one is registered without another time. */
  readonly upgradeSeconds: number;
  /** A verdict key is replaced when it is so old; 0 = by command only. */
  readonly verdictKeySeconds: number;
  /** The key before stays valid for so long. */
  readonly keyOverlapSeconds: number;
  readonly limits: SecEmLimits;
  /** Public keys (64 hexadecimal digits) of platforms whose identity documents count. */
  readonly platformKeys: readonly { readonly name: string; readonly publicKey: string }[];
  /** How old a platform's document without a challenge may be, by the Sec-EM's time; 0 = each must have one. */
  readonly platformDocumentSeconds: number;
  /** Attestation keys of TPMs whose quotes count, beside those that the API has registered. */
  readonly tpmKeys: readonly AsmnTpmKey[];
  /** Keys that images must be signed by; none: the API's right to register them is enough. */
  readonly packageKeys: readonly { readonly name: string; readonly publicKey: string }[];
  readonly tenants: readonly AsmnTenantSettings[];
}

/** Clients of the API by name; an empty list: every operator. */
export interface SecEmRoles {
  /** May register images and keys of TPMs, and issue tokens. */
  readonly vim: readonly string[];
  /** May register descriptors and catalogs. */
  readonly vnfm: readonly string[];
}

export interface FeedClientSettings {
  readonly name: string;
  readonly role: "gate" | "gateway";
  /** Ed25519 public key, 64 hexadecimal digits. */
  readonly publicKey: string;
  /** Tenants that it is told of; undefined = all. */
  readonly tenants: readonly string[] | undefined;
}

export interface SecEmLimits {
  readonly connections: number;
  /** From one address; this and the next one eightfold from an IPv6 /64. */
  readonly connectionsPerAddress: number;
  /** TLS handshakes per second from one address. */
  readonly handshakesPerSecond: number;
  /** Audit log on disk, octets. */
  readonly auditOctets: number;
}

/** Attestation key of a TPM, for whom it may vouch, and what its quotes must say. */
export interface AsmnTpmKey {
  readonly name: string;
  readonly tenant: string;
  readonly vnf: string;
  /** Undefined: any instance of the VNF. */
  readonly instance: string | undefined;
  /** Digest; it counts for instances with this image alone. Undefined: with any that is good. */
  readonly image: string | undefined;
  /** PEM, ECDSA on P-256 or RSA. */
  readonly publicKey: string;
  /** All that a quote is over, SHA-256 bank. */
  readonly pcrs: readonly AsmnPcr[];
}

export interface AsmnPcr {
  /** 0 to 23. */
  readonly pcr: number;
  /** 64 hexadecimal digits; `image`: zero, extended once by the digest of the instance's image. */
  readonly value: string;
}

export type AsmnBinding = "tls-proxy" | "tcp-md5" | "address";
export type AsmnRootOfTrust = "none" | "platform" | "tpm";
/** What becomes of traffic that the catalog does not name. */
export type AsmnDefaultAction = "lower" | "drop";

export interface AsmnTenantSettings {
  readonly name: string;
  readonly defaultAction: AsmnDefaultAction;
  readonly vnfs: readonly AsmnVnfSettings[];
  /** The Sec-catalog that is registered with the descriptors. */
  readonly catalog: readonly AsmnCatalogEntry[];
  readonly alarms: readonly AsmnAlarmSettings[];
}

/** A VNF's descriptor. */
export interface AsmnVnfSettings {
  readonly name: string;
  readonly role: "reflector" | "edge" | "relay" | "gateway";
  /** Addresses that its BGP sessions may come from; the first is connected to. */
  readonly addresses: readonly string[];
  readonly as: number | undefined;
  readonly routerId: string | undefined;
  readonly binding: AsmnBinding;
  readonly rootOfTrust: AsmnRootOfTrust;
  /** Most instances that may be trusted at the same time. */
  readonly maxInstances: number;
  /** What of the run-time manifest may change. */
  readonly manifest: AsmnManifestSettings;
  /** What BGP itself is held to. */
  readonly bgp: AsmnBgpLimits;
}

export interface AsmnManifestSettings {
  /** What an agent may leave out of its manifest, `KIND:NAME`; `*` in it stands for any characters. */
  readonly allowedChanges: readonly string[];
}

/** 0 = no limit of its own. */
export interface AsmnBgpLimits {
  readonly sessions: number;
  readonly updatesPerSecond: number;
  readonly prefixes: number;
}

/** A flow that may pass, from one VNF to another; `*` in place of a VNF is any of the tenant. */
export interface AsmnCatalogEntry {
  readonly from: string;
  readonly to: string;
  readonly protocol: "tcp" | "udp" | "icmp" | "icmpv6" | "sctp" | "any";
  /** Destination port; undefined = every one, or the protocol has none. */
  readonly port: number | undefined;
  /** Last port of a range that begins with `port`. */
  readonly portEnd: number | undefined;
  /** Bit/s; undefined = not limited. */
  readonly rate: number | undefined;
  /** Octets. */
  readonly burst: number | undefined;
  /** Packets per second; of TCP those that open a connection. */
  readonly packetRate: number | undefined;
}

export interface AsmnAlarmSettings {
  readonly name: string;
  /** VNF whose traffic is watched. */
  readonly from: string;
  /** Towards this VNF; undefined = wherever. */
  readonly to: string | undefined;
  /** More octets than this within the window are an alarm. */
  readonly octets: number;
  readonly windowSeconds: number;
  /** `HH:MM` UTC, both or none: counts between these only. */
  readonly between: { readonly start: string; readonly end: string } | undefined;
}

/** Where verdicts and catalogs come from, beside the Sec-EM of this daemon. */
export interface FeedSourceSettings {
  readonly name: string;
  readonly endpoint: AsmnEndpoint;
  /** Ed25519 public key of the Sec-EM's TLS identity, 64 hexadecimal digits. */
  readonly publicKey: string;
  /** Public root keys that certify its verdict keys: two while the root changes. */
  readonly rootKeys: readonly string[];
}

/** Who may peer. */
export interface GateSettings {
  readonly audience: string;
  readonly sources: readonly FeedSourceSettings[];
  /** Key of its own towards remote Sec-EMs, serials it has seen. Its mode is 0700. */
  readonly stateDirectory: string;
  /** PEM of its own key; undefined: made at the first start, in the state directory. */
  readonly keyFile: string | undefined;
  /** Seconds without a heartbeat after which verdicts are stale. */
  readonly staleSeconds: number;
  /** How long live sessions keep their last verdict while no Sec-EM can be reached. */
  readonly graceSeconds: number;
  /** Nothing is gated: what would be is told. */
  readonly dryRun: boolean;
  /** Where agents hand over BGP sessions inside TLS; undefined = nowhere. */
  readonly proxy: AsmnEndpoint | undefined;
  /** `AS:NUMBER`, put on routes where the effect is `mark`. */
  readonly markCommunity: string;
}

/** The VNF-G/W: what may pass between VNFs. */
export interface GatewaySettings {
  readonly name: string;
  /** Of its Sec-EMs: whom their verdicts are for. */
  readonly audience: string;
  readonly tenant: string;
  readonly sources: readonly FeedSourceSettings[];
  readonly stateDirectory: string;
  readonly keyFile: string | undefined;
  /** nftables table; nobody else's is touched. */
  readonly table: string;
  readonly interfaces: readonly GatewayInterfaceSettings[];
  /** Addresses that everybody may reach from the start: the Sec-EM. */
  readonly secEmAddresses: readonly AsmnEndpoint[];
  /** For the time without a catalog, and where the tenant says nothing. */
  readonly defaultAction: AsmnDefaultAction;
  readonly lower: LowerSettings;
  readonly alarms: readonly AsmnAlarmSettings[];
}

export interface GatewayInterfaceSettings {
  readonly name: string;
  /** VNFs behind it, with their addresses where those of the feed do not do. */
  readonly vnfs: readonly { readonly vnf: string; readonly prefixes: readonly string[] }[];
  /** What it carries at most, bit/s, for shaping; undefined = as it is. */
  readonly rate: number | undefined;
}

/** What abnormal traffic is lowered to. */
export interface LowerSettings {
  /** DSCP, 0 to 63; 8 is CS1. */
  readonly dscp: number;
  /** Bit/s for all of it together, at each interface. */
  readonly rate: number;
  readonly burst: number;
}

/** PCRs that whoever runs there can set back to zero (PC Client Platform TPM Profile): they show nothing. */
export const RESETTABLE_PCRS: readonly number[] = [16, 23];

export const ASMN_DEFAULTS = {
  secEm: {
    name: "sec-em",
    audience: "evpnd",
    listen: "127.0.0.1:7201",
    verdictLifetimeSeconds: 300,
    heartbeatSeconds: 5,
    renewalSeconds: 60,
    tokenLifetimeSeconds: 3600,
    upgradeSeconds: 3600,
    platformDocumentSeconds: 0,
    verdictKeySeconds: 30 * 86_400,
    keyOverlapSeconds: 3600,
    connections: 2000,
    connectionsPerAddress: 64,
    handshakesPerSecond: 50,
    auditOctets: 64 * 2 ** 20,
  },
  vnf: {
    role: "edge",
    binding: "address",
    rootOfTrust: "none",
    maxInstances: 1,
  },
  tenant: { defaultAction: "drop", alarmWindowSeconds: 60 },
  gate: {
    staleSeconds: 15,
    graceSeconds: 120,
    dryRun: false,
    markCommunity: "64999:1",
  },
  gateway: {
    name: "gateway",
    table: "evpnd_asmn",
    dscp: 8,
    lowerRate: 1_000_000,
    lowerBurst: 16_384,
  },
} as const;
