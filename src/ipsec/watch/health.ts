/**
 * What a tunnel is, in one word: a function of its SAs, of what they cover, of the last probes, and of what
 * was diagnosed. `unverified`: the SA is up, and yet it is not known that packets pass.
 */
import { isInstalled, type ChildSa, type IkeSa } from "../live/sa.js";
import type { TunnelSide } from "../model/index.js";
import { describeUncovered, type Uncovered } from "../check/selectors.js";

export type TunnelState = "up" | "down" | "unverified";
/** Of the monitor alone; `off` where there is none. */
export type MonitorState = "up" | "down" | "off";

export interface TunnelHealth {
  readonly tunnel: string;
  readonly state: TunnelState;
  /** A sentence without the full stop. */
  readonly reason: string;
  /** Wall-clock milliseconds. */
  readonly since: number;
  readonly monitor: MonitorState;
  /** Configured networks that no SA covers. */
  readonly uncovered: readonly string[];
}

export interface Observed {
  readonly side: TunnelSide;
  /** Of its connection. */
  readonly sas: readonly IkeSa[];
  /** Configured and not negotiated. */
  readonly uncovered: readonly Uncovered[];
  readonly monitor: MonitorState;
  /** What the last probes found, a sentence; empty while they are answered. */
  readonly probeText: string;
  /** What was diagnosed last, a sentence; empty for nothing. */
  readonly diagnosis: string;
  /** The daemon is not there to be asked. */
  readonly silent: string | undefined;
}

export function installedChildren(sas: readonly IkeSa[]): ChildSa[] {
  return sas.flatMap((sa) => sa.children.filter(isInstalled));
}

/** Without `since`, which is the change's time. */
export function judge(observed: Observed): Omit<TunnelHealth, "since"> {
  const { side, sas, monitor, silent } = observed;
  const base = { tunnel: side.tunnel, monitor, uncovered: [] as readonly string[] };
  if (!side.enabled) return { ...base, state: "down", reason: "it is switched off" };
  if (silent !== undefined) return { ...base, state: "down", reason: silent };
  const children = installedChildren(sas);
  if (children.length === 0) return { ...base, state: "down", reason: downReason(observed) };
  const uncovered = networksOf(observed.uncovered);
  if (monitor === "down") {
    return { ...base, uncovered, state: "unverified", reason: observed.probeText };
  }
  if (uncovered.length > 0) {
    return {
      ...base,
      uncovered,
      state: "unverified",
      reason: `the peer covers less than was configured; outside is ${uncovered.join(", ")}`,
    };
  }
  const verified = monitor === "up" ? "SA up, and the monitor is answered" : "SA up";
  return { ...base, state: "up", reason: verified };
}

/** `10.0.1.0/24 to 10.2.0.0/24`, each once. */
export function networksOf(uncovered: readonly Uncovered[]): string[] {
  return [...new Set(uncovered.map((one) => describeUncovered([one])))];
}

function downReason({ side, sas, diagnosis }: Observed): string {
  if (diagnosis !== "") return diagnosis;
  if (sas.some(({ state }) => state === "ESTABLISHED")) return "phase 1 is up, phase 2 is not";
  if (sas.length > 0) return "phase 1 is being negotiated";
  if (side.start === "trap") return "no SA: it waits for traffic";
  if (side.start === "respond") return "no SA: it waits for the peer";
  return "no SA";
}
