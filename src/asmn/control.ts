/**
 * What API, command line and metrics may ask of the trust checks as a whole; each part has a door of its own
 * (`sec-em/control.ts`, `gate/control.ts`, `gateway/control.ts`). Plain data; all methods reject with
 * `AsmnError`, or with the error of the part that they ask.
 */
import type { GateStatus } from "./gate/control.js";
import type { GatewayStatus } from "./gateway/control.js";
import type { KeyRow, SecEmStatus } from "./sec-em/control.js";
import type { AsmnCatalogEntry, SecEmRoles } from "./settings.js";

/** `off`: that part is not configured. `not-found`: there is no such file or job. `invalid`: it makes no sense. */
export type AsmnErrorCode = "off" | "not-found" | "invalid" | "busy";

export class AsmnError extends Error {
  readonly code: AsmnErrorCode;
  constructor(code: AsmnErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Undefined where there is none. */
export interface AsmnStatus {
  readonly secEm: SecEmStatus | undefined;
  readonly gate: GateStatus | undefined;
  readonly gateway: GatewayStatus | undefined;
}

export type AsmnRoles = SecEmRoles;

/** Those of the Sec-EM, and of gate and gateway of this daemon. */
export interface AsmnKeyRow extends Omit<KeyRow, "use" | "since"> {
  readonly use: KeyRow["use"] | "gate" | "gateway";
  readonly since: number | undefined;
}

export interface MeasureJob {
  readonly id: number;
  readonly octets: number;
  readonly total: number;
  readonly state: "running" | "done" | "failed";
  /** Tree digest, hex, when it is done. */
  readonly digest: string | undefined;
  /** Why it failed, and what to do. */
  readonly problem: string | undefined;
  readonly tookMs: number;
}

export interface AsmnControl {
  status(): Promise<AsmnStatus>;
  roles(): Promise<AsmnRoles>;
  keys(): Promise<readonly AsmnKeyRow[]>;
  /** Catalog lines of the configuration: no call changes them. */
  configuredCatalog(tenant: string): Promise<readonly AsmnCatalogEntry[]>;
  /** @param file name in the image directory */
  startMeasure(file: string): Promise<MeasureJob>;
  /** Waits so long for an end, and tells how far it is. */
  measureJob(id: number, waitMs: number): Promise<MeasureJob>;
  /** Stops it where it still runs, and forgets it. */
  endMeasure(id: number): Promise<void>;
}
