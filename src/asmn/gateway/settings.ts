/** What the rules are made from, beside catalog and members. */
import type { CatalogAlarm } from "../catalog/index.js";

export interface GatewayRules {
  /** nftables table, of family inet; nobody else's is touched. */
  readonly table: string;
  /** Traffic that comes in or goes out by one of these is the gateway's. */
  readonly interfaces: readonly GatewayPort[];
  /** What everybody may reach from the start. */
  readonly secEm: readonly { readonly address: string; readonly port: number }[];
  /** Where the catalog says nothing. */
  readonly defaultAction: "drop" | "lower";
  readonly lower: { readonly dscp: number; readonly rate: number; readonly burst: number };
  /** Beside those of the catalog. */
  readonly alarms: readonly CatalogAlarm[];
}

export interface GatewayPort {
  readonly name: string;
  /** VNFs behind it: only their addresses may come from there; none = no check. */
  readonly vnfs: readonly { readonly vnf: string; readonly prefixes: readonly string[] }[];
  /** What it carries at most, bit/s; undefined = no shaping. */
  readonly rate: number | undefined;
}

export interface GatewayCoreSettings extends GatewayRules {
  readonly tenant: string;
}
