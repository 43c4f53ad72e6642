/** What stands behind the HTTP door. */
import type {
  PolicyTestOptions,
  PolicyTestReport,
  SettingsEffect,
  SpeakerControl,
  TunnelRouteControl,
  WhatIf,
} from "../bgp/control.js";
import type {
  FibControl,
  LintControl,
  SubscriberControl,
  QuarantineControl,
  WhatIfControl,
  WhatIfPage,
  WhatIfReport,
  TimelineControl,
} from "../fib/index.js";
import type { AsmnControl, GateControl, GatewayControl, SecEmControl } from "../asmn/index.js";
import type { InjectControl } from "../inject/index.js";
import type {
  GuardControl,
  SecretControl,
  StagingControl,
  VendorControl,
  WatchControl,
} from "../ipsec/index.js";
import type { RadiusControl } from "../radius/index.js";
import type { Log } from "../util/log.js";

export interface ReloadResult {
  readonly ok: boolean;
  /** What was done, or what is wrong with the new configuration; a line each. */
  readonly lines: readonly string[];
}

/** One thing a configuration would do, or did. */
export type ConfigChange = SettingsEffect;

export interface ConfigDiff {
  readonly ok: boolean;
  /** Faults, a line each; warnings when there is no fault. */
  readonly issues: readonly string[];
  readonly changes: readonly ConfigChange[];
  /** The changes in words, a line each. */
  readonly lines: readonly string[];
}

export interface PendingConfirm {
  readonly secondsLeft: number;
}

export interface RunningConfig {
  readonly file: string;
  /** Wall-clock milliseconds of the last change. */
  readonly loaded: number;
  readonly pending: PendingConfirm | undefined;
  /** As the file has it, command line included, secrets blanked. */
  readonly configuration: unknown;
}

/** At once on the BGP thread, later on others. */
type Awaitable<T> = T | Promise<T>;

export interface ConfigBackend {
  running(): Awaitable<RunningConfig>;
  diff(text?: string): Promise<ConfigDiff>;
  confirm(): Promise<ReloadResult>;
  rollback(): Promise<ReloadResult>;
  pending(): Awaitable<PendingConfirm | undefined>;
}

/** Of a text with policies; its faults a line each. */
export type CandidateReport<T> =
  | { readonly ok: true; readonly report: T }
  | { readonly ok: false; readonly issues: readonly string[] };

/** Something that is kept on disk. */
export interface StorageState {
  readonly name: string;
  readonly state: string;
  readonly directory: string | undefined;
  /** Why it is not usable, and what to do. */
  readonly problem: string | undefined;
}

/**
 * The API runs in a thread of its own, over a copy of this that asks the BGP thread (`worker/`): every
 * member but `log` is a function, or an object of methods, that takes and gives plain data; whoever calls
 * one awaits what it gives.
 */
export interface HttpBackend {
  readonly control: SpeakerControl;
  /** Undefined while the MAC FIB is off. */
  readonly fib?: FibControl | undefined;
  /** Undefined while the MAC FIB is off. */
  readonly whatIf?: WhatIfControl<WhatIf> | undefined;
  /** Duplicates and quarantines; undefined while the MAC FIB is off. */
  readonly quarantine?: QuarantineControl | undefined;
  readonly config?: ConfigBackend | undefined;
  /** Fabric checks. */
  readonly lint?: LintControl | undefined;
  /** Where MACs were; undefined while no timeline is kept. */
  readonly timeline?: TimelineControl | undefined;
  /** What is kept on disk, and whether it is well. */
  storage?(): Promise<readonly StorageState[]>;
  /** Routes that clients have evpnd announce. */
  readonly inject?: InjectControl | undefined;
  /** MACs compared with subscribers' sessions; undefined while nothing is. */
  readonly subscribers?: SubscriberControl | undefined;
  /** What never leaves in clear; undefined while IPsec is off. */
  readonly ipsecGuard?: GuardControl | undefined;
  /** Tunnels of the gateway that is driven; undefined where none is. */
  readonly ipsec?: WatchControl | undefined;
  /** Definitions of tunnels, and secrets; undefined while IPsec is off. */
  readonly ipsecStaging?: StagingControl | undefined;
  readonly ipsecSecrets?: SecretControl | undefined;
  /** What hangs on tunnels. */
  readonly tunnelRoutes?: TunnelRouteControl | undefined;
  /** What renderings are made of, and where imported keys go; undefined while IPsec is off. */
  readonly ipsecVendors?: VendorControl | undefined;
  /** Trust checks as a whole; undefined while they are off. */
  readonly asmn?: AsmnControl | undefined;
  /** Their parts; each undefined where this daemon has none. */
  readonly asmnSecEm?: SecEmControl | undefined;
  readonly asmnGate?: GateControl | undefined;
  readonly asmnGateway?: GatewayControl | undefined;
  /** Undefined while the RADIUS relay is off. */
  readonly radius?: RadiusControl | undefined;
  readonly log: Log;
  /** Reads the file again; with a time in seconds, goes back unless confirmed in time. */
  reload(confirmSeconds?: number): Promise<ReloadResult>;
  /** What policies of a text would change: a file, or policies alone. */
  testCandidate?(
    text: string,
    options: PolicyTestOptions,
  ): Awaitable<CandidateReport<PolicyTestReport>>;
  /** What they would do to MACs; rejects where there is no `whatIf`. */
  supposeCandidate?(text: string, page: WhatIfPage): Awaitable<CandidateReport<WhatIfReport>>;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
