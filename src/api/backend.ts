/** What stands behind the HTTP door. */
import type { SpeakerControl } from "../bgp/control.js";
import type { FibControl } from "../fib/index.js";
import type { Log } from "../util/log.js";

export interface ReloadResult {
  readonly ok: boolean;
  /** What was done, or what is wrong with the new configuration; a line each. */
  readonly lines: readonly string[];
}

export interface HttpBackend {
  readonly control: SpeakerControl;
  /** Undefined when the MAC FIB is off. */
  readonly fib?: FibControl | undefined;
  readonly log: Log;
  reload(): Promise<ReloadResult>;
  /** Prometheus text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}
