/** The `radius` block of a configuration file, as the schema lets it through, and its defaults. */
import type { RadiusAddressesEntry } from "./radius-addresses.js";
import type { DynamicEntry, RadsecEntry, TlsUpstreamEntry } from "./radsec.js";

export interface RadiusEntry {
  "state-directory"?: string;
  "spool-max"?: string;
  dictionaries?: string[];
  tenants: RadiusTenantEntry[];
}

export interface RadiusTenantEntry {
  name: string;
  profile?: "seed" | "modern";
  authentication?: RadiusListenerEntry;
  accounting?: RadiusListenerEntry;
  radsec?: RadsecEntry;
  "dynamic-authorization"?: DynamicEntry;
  "home-servers": RadiusHomeServerEntry[];
  pools?: { name: string; servers: string[]; balance?: boolean }[];
  routes?: {
    realm?: string;
    "called-station-id"?: string;
    network?: string;
    authentication?: string;
    accounting?: string;
  }[];
  "relay-address"?: string;
  "session-idle-seconds"?: number;
  "require-service-attributes"?: boolean;
  addresses?: RadiusAddressesEntry;
}

export interface RadiusListenerEntry {
  listen?: string;
  clients?: RadiusClientEntry[];
  "on-failure"?: "silent" | "reject";
}

export interface RadiusClientEntry {
  prefix: string;
  name?: string;
  "secret-files": string[];
  "require-message-authenticator"?: "yes" | "no" | "auto";
  proxy?: boolean;
  "limit-proxy-state"?: boolean;
  "rate-limit"?: number;
  "dynamic-port"?: number;
}

export interface RadiusHomeServerEntry {
  name: string;
  address: string;
  "authentication-port"?: number;
  "accounting-port"?: number;
  "secret-files"?: string[];
  tls?: TlsUpstreamEntry;
  "require-message-authenticator"?: boolean;
  watchdog?: "status-server" | "none";
}

export const RADIUS_DEFAULTS = {
  "spool-max": "1GiB",
  profile: "modern",
  authentication: "0.0.0.0:1812",
  accounting: "0.0.0.0:1813",
  "authentication-port": 1812,
  "accounting-port": 1813,
  "on-failure": "silent",
  "require-message-authenticator": "yes",
  watchdog: "status-server",
  "session-idle-seconds": 86_400,
} as const;
