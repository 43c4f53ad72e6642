/** What the relay wants to know; config translates its file into this. Times are milliseconds. */
import type { DynamicSettings } from "./dynamic/settings.js";
import type { RadsecListenerSettings, TlsUpstreamSettings } from "./radsec/settings.js";

export interface RadiusSettings {
  readonly tenants: readonly TenantSettings[];
  /** Where accounting waits and sessions survive; undefined: sessions die with the process, and accounting that no server takes is not acknowledged. */
  readonly stateDirectory: string | undefined;
  /** Octets of accounting that may wait on disk; beyond them none is acknowledged before a home server has it. */
  readonly spoolMax: number;
  /** Dictionaries in FreeRADIUS's format, laid over the built-in one. */
  readonly dictionaries: readonly string[];
}

/** One relay: authentication, accounting, sessions of one virtual router. */
export interface TenantSettings {
  readonly name: string;
  /** Seed: attributes of a reauthentication do not change a session. Modern: they do. */
  readonly profile: "seed" | "modern";
  readonly authentication: ListenerSettings | undefined;
  readonly accounting: ListenerSettings | undefined;
  /** Clients over TLS; undefined: none. */
  readonly radsec?: RadsecListenerSettings | undefined;
  /** Disconnect and CoA; undefined: off, and no access point takes any. */
  readonly dynamic?: DynamicSettings | undefined;
  readonly homeServers: readonly HomeServerSettings[];
  readonly pools: readonly PoolSettings[];
  /** The first that matches decides. */
  readonly routes: readonly RouteSettings[];
  /** The relay's address in ERX Radius-Client-Address; undefined: the accounting listener's. */
  readonly relayAddress: string | undefined;
  readonly sessionIdleMs: number;
  /** An accept must carry Service-Bundle, Class and User-Name. */
  readonly requireServiceAttributes: boolean;
  /** Where subscribers get their addresses; undefined: not from here. */
  readonly addresses: AddressSettings | undefined;
}

export type AddressSettings = LocalAddressSettings | DhcpAddressSettings;

/** Addresses out of ranges of our own. */
export interface LocalAddressSettings {
  readonly source: "local";
  /** The first is for subscribers whose accept names none. */
  readonly pools: readonly AddressPoolSettings[];
  /** Service-Bundle of a service manager, to the pool it means; stronger than what else an accept says. */
  readonly bundles: Readonly<Record<string, string>>;
}

export interface AddressPoolSettings {
  readonly name: string;
  /** Inclusive, IPv4. */
  readonly first: string;
  readonly last: string;
}

/** Addresses of an external DHCP server, asked in the subscriber's name as a relay agent asks (RFC 2131). */
export interface DhcpAddressSettings {
  readonly source: "dhcp";
  readonly server: string;
  readonly serverPort: number;
  /** Our own IPv4 address: tells the server which subnet, and where its answers go. */
  readonly relayAddress: string;
  readonly relayPort: number;
  /** How long a subscriber's exchange with the server may take. */
  readonly timeoutMs: number;
}

export interface ListenerSettings {
  /** Empty, with port 0: there is no UDP port, and clients come over TLS alone. */
  readonly address: string;
  readonly port: number;
  readonly clients: readonly ClientSettings[];
  /** How long an answer is kept for the client's repeats: 5 to 30 seconds. */
  readonly cacheMs: number;
  /** How long a request waits for its answer. */
  readonly timeoutMs: number;
  /** Datagrams that may wait for their turn. */
  readonly queueMax: number;
  /** Requests that may wait for home servers. */
  readonly pendingMax: number;
  /** What a client gets when no home server can be reached: nothing, so that it tries its next server, or a reject. */
  readonly onFailure: "silent" | "reject";
}

export interface ClientSettings {
  readonly name: string;
  /** `10.0.0.0/8`, `2001:db8::/32`. */
  readonly prefix: string;
  /** The first is preferred; a second one lives beside it while secrets change. */
  readonly secrets: readonly string[];
  readonly requireMessageAuthenticator: "yes" | "no" | "auto";
  /** The client is itself a proxy. */
  readonly proxy: boolean;
  /** Refuse Proxy-State without Message-Authenticator from a client that is no proxy. */
  readonly limitProxyState: boolean;
  /** Requests per second beyond which new ones are dropped; 0 = no limit. */
  readonly rateLimit: number;
  /** UDP port where it takes Disconnect and CoA; undefined: as the tenant says, 0 = none. */
  readonly dynamicPort?: number | undefined;
}

export interface HomeServerSettings {
  readonly name: string;
  readonly address: string;
  readonly authenticationPort: number;
  readonly accountingPort: number;
  readonly secrets: readonly string[];
  readonly requireMessageAuthenticator: boolean;
  /** Status-Server on silence, or none for servers that do not know it. */
  readonly watchdog: "status-server" | "none";
  /** Silence after which a server with requests waiting is suspect. */
  readonly suspectAfterMs: number;
  readonly probeIntervalMs: number;
  /** Probes without answer after which a suspect server is dead. */
  readonly probesUntilDead: number;
  readonly deadIntervalMs: number;
  /** Reached over TLS; undefined: over UDP. */
  readonly tls?: TlsUpstreamSettings | undefined;
}

export interface PoolSettings {
  readonly name: string;
  /** Home servers by name, in order of preference. */
  readonly servers: readonly string[];
  readonly balance: boolean;
}

export interface RouteSettings {
  /** After the last `@` of User-Name, any case; `*` = any realm; undefined = does not matter. */
  readonly realm?: string;
  /** The SSID or the whole Called-Station-Id. */
  readonly calledStationId?: string;
  /** The client's network. */
  readonly network?: string;
  readonly authenticationPool: string | undefined;
  readonly accountingPool: string | undefined;
}
