/**
 * The gateway's only door: what API, command line and metrics may ask of it. Plain data; times are wall-clock
 * milliseconds. All methods reject with `GatewayError`.
 */
import type { RaisedAlarm } from "./alarms.js";
import type { CatalogChange } from "../catalog/index.js";
import type { BreakGlassView } from "../gate/control.js";
import type { Count } from "./listing.js";
import type { CounterName } from "./names.js";

export type { BreakGlassView } from "../gate/control.js";
export type { Count } from "./listing.js";
export type { RaisedAlarm } from "./alarms.js";

/**
 * - `closed`: no catalog has come yet, nothing passes but the Sec-EM.
 * - `enforcing`: what the catalog says is in the kernel.
 * - `failing`: something could not be brought into the kernel; what was in force before is.
 * - `removed`: an operator took the rules out, everything passes.
 */
export type GatewayState = "closed" | "enforcing" | "failing" | "removed";

export interface GatewayStatus {
  readonly state: GatewayState;
  readonly tenant: string;
  readonly table: string;
  readonly catalog: GatewayCatalog | undefined;
  /** Instances that may speak now, and all that it knows. */
  readonly open: number;
  readonly members: number;
  readonly counters: Readonly<Record<CounterName, Count>>;
  readonly alarms: readonly RaisedAlarm[];
  readonly interfaces: readonly {
    readonly name: string;
    readonly shaped: boolean;
  }[];
  /** How often the rules were found changed by somebody else, and put back. */
  readonly repairs: number;
  /** What is wrong now: sentences that say what to do. */
  readonly problems: readonly string[];
  /** Ways in that operators have opened by signed documents. */
  readonly breakGlass: readonly BreakGlassView[];
}

export interface GatewayCatalog {
  readonly version: number;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
  readonly entries: number;
  readonly action: "drop" | "lower";
  /** When it came into force, and how long that took, milliseconds. */
  readonly since: number;
  readonly tookMs: number;
}

export interface GatewayMemberRow {
  readonly vnf: string;
  readonly instance: string;
  readonly id: string;
  readonly state: "trusted" | "untrusted" | "unknown" | "stale";
  /** Why it is closed, or as its verdict says. */
  readonly reason: string;
  readonly addresses: readonly string[];
  /** Whether its packets pass, as far as the catalog names them. */
  readonly open: boolean;
  /** Until its verdict runs out; undefined = never, or it is not open. */
  readonly leftMs: number | undefined;
}

/** One line of the catalog, and what has passed by it. */
export interface GatewayFlowRow {
  /** `pe1 > rr tcp 179`. */
  readonly name: string;
  readonly limits: string;
  readonly forth: Count;
  readonly answers: Count;
}

export interface CatalogTrial {
  readonly changes: readonly CatalogChange[];
  readonly problems: readonly string[];
}

export interface GatewayControl {
  status(): Promise<GatewayStatus>;
  members(): Promise<readonly GatewayMemberRow[]>;
  /** Counts since the rules were last written. */
  flows(): Promise<readonly GatewayFlowRow[]>;
  /** The rules as they are wanted, for nft. */
  script(): Promise<string>;
  /** What a catalog (unsigned, as written) would change; nothing is changed. */
  compare(catalog: unknown): Promise<CatalogTrial>;
  /** Looks whether the kernel has what it should, and puts it back. @returns whether something was put back */
  repair(actor: string): Promise<boolean>;
  /** Takes rules and queues out of the kernel, and forgets catalog and members: everything passes from then on. */
  remove(actor: string): Promise<void>;
  /** A signed document, as base64; in force when it settles. */
  breakGlass(document: string): Promise<BreakGlassView>;
  /** @returns false: none with that number is open here */
  endBreakGlass(serial: number): Promise<boolean>;
  /** Back after `remove`: closed until the feed has told everything anew. */
  install(actor: string): Promise<void>;
}
