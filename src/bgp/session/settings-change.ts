/** What a change of a peer's settings costs its session. */
import type { PeerOptions } from "../settings.js";

/** Take effect by themselves, at once or with the next session: no reason to disturb a running one. */
const LIVE: ReadonlySet<string> = new Set<keyof PeerOptions>([
  "group",
  "description",
  "idleHold",
  "idleHoldMax",
  "connectRetry",
  "prefixLimitRestart",
  "passive",
  "sendHoldTime",
  "port",
]);

export interface SettingsChange {
  /** Nothing differs. */
  readonly none: boolean;
  /** The session must go (Cease, other configuration change). */
  readonly needsReset: boolean;
  /** One TCP MD5 key became another. */
  readonly rekey: boolean;
}

export function compareOptions(before: PeerOptions, after: PeerOptions): SettingsChange {
  let none = true;
  let needsReset = false;
  const rekey =
    before.password !== after.password &&
    before.password !== undefined &&
    after.password !== undefined;
  for (const name of Object.keys({ ...before, ...after }) as (keyof PeerOptions)[]) {
    if (JSON.stringify(before[name]) === JSON.stringify(after[name])) continue;
    if (NOT_OPTIONS.has(name)) continue;
    none = false;
    if (name === "password" ? !rekey : !LIVE.has(name)) needsReset = true;
  }
  return { none, needsReset, rekey };
}

/** Fields of the objects that carry the options. */
const NOT_OPTIONS: ReadonlySet<string> = new Set(["address", "prefix", "maxPeers"]);
