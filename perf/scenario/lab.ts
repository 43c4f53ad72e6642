/** What a scenario is given, and what it gives back. */
import type { Fleet } from "../fleet/fleet.js";
import type { ProcessMeter } from "../fleet/process-meter.js";

/**
 * `everything`: PEs say nothing and want all. `nobody`: they offer memberships (RFC 4684) and ask for
 * nothing. `memberships`: they ask for their VNIs. `lists`: the target is configured to know them.
 */
export const INTEREST_SOURCES = ["everything", "nobody", "memberships", "lists"] as const;
export type InterestSource = (typeof INTEREST_SOURCES)[number];

/** Everything that can be set; a scenario uses what concerns it. */
export interface Parameters {
  peers: number;
  routes: number;
  senders: number;
  vnis: number;
  nlri: number;
  attrSets: number;
  macIpShare: number;
  sharedRd: boolean;
  as: number;
  hold: number;
  /** Moves a second. */
  rate: number;
  seconds: number;
  /** Routes of the PE that dies, when it is only one. */
  lossRoutes: number;
  /** PEs that come late, or die, one after the other; pairs of empty answers and lookups. */
  times: number;
  /** Moves in the flat-out scenario; 0 = each MAC once. */
  moves: number;
  /** Slow PE: seconds of churn with everyone reading, before it stops. */
  before: number;
  /** Slow PE: share of churn that is MACs never seen before, and how long such a MAC lives (0 = for ever). */
  freshShare: number;
  freshLife: number;
  /** Slow PE: KiB that the target may hold between its table and the kernel. */
  slack: number;
  /** Longest wait for End-of-RIB before the clock starts. */
  settle: number;
  enhanced: boolean;
  goodbye: "fin" | "rst" | "cease";
  /** VNIs each PE is in; 0 = all. */
  vnisPerPeer: number;
  /** How the target learns which routes a PE wants. */
  interest: InterestSource;
  /** Membership changes that are timed. */
  changes: number;
  /** HTTP address that answers a reference-count audit with {ok, findings}. */
  auditUrl: string;
  /** Origin of the target's HTTP API. */
  apiUrl: string;
  /** Host and port of its gRPC API. */
  grpc: string;
  /** MAC lookups a second while MACs move. */
  lookups: number;
  /** Dumps of the whole FIB, one after the other, while MACs move. */
  dumps: boolean;
}

/** Numbers by name; the unit is in the name. */
export type Figures = Record<string, number>;

export interface Outcome {
  readonly figures: Figures;
  /** Sentences: what was not as it should be. Empty = passed. */
  readonly problems: readonly string[];
  /** Per-second samples, when the scenario takes any. */
  readonly series?: readonly number[];
}

export interface Lab {
  readonly parameters: Parameters;
  readonly fleet: Fleet;
  readonly meter: ProcessMeter;
  readonly targetPort: number;
  readonly targetPid: number | undefined;
}

export interface Scenario {
  readonly name: string;
  readonly summary: string;
  /** Where they differ from the general defaults. */
  readonly defaults: Partial<Parameters>;
  /** MACs beyond `routes` that it will use. */
  spare?(parameters: Parameters): number;
  /** Routes of PE 0, when it does not have its equal share. */
  firstPeerRoutes?(parameters: Parameters): number;
  run(lab: Lab): Promise<Outcome>;
}

export function everyPeer(lab: Lab): number[] {
  return Array.from({ length: lab.parameters.peers }, (_, peer) => peer);
}

/** Connects PEs and waits for the quiet after End-of-RIB, so that start-up timers are in no figure. */
export async function connectAll(lab: Lab, peers = everyPeer(lab)): Promise<void> {
  for (let peer = 0; peer < lab.parameters.peers; peer++)
    if (!peers.includes(peer)) lab.fleet.absent.add(peer);
  await lab.fleet.connect(peers);
  await lab.fleet.settle(lab.parameters.settle);
}

/** Connects and loads the initial tables, outside any timing. */
export async function loadTables(lab: Lab, peers = everyPeer(lab)): Promise<void> {
  await connectAll(lab, peers);
  await lab.fleet.announceTables(peers);
  await lab.fleet.verify();
}

/** Seconds add up; of memory the last reading counts. */
export function addFigures(sum: Figures, more: Figures): void {
  for (const [name, value] of Object.entries(more)) {
    sum[name] = name.endsWith("Seconds") ? (sum[name] ?? 0) + value : value;
  }
}

/**
 * Runs `work`, which gives milliseconds, and adds the target's CPU seconds and memory, and the
 * generator's own CPU seconds in that time: near the wall time, the generator was the bottleneck.
 */
export async function measured(lab: Lab, work: () => Promise<number>): Promise<Figures> {
  const before = lab.meter.read();
  const ownBefore = process.cpuUsage();
  const milliseconds = await work();
  const own = process.cpuUsage(ownBefore);
  const after = lab.meter.read();
  return {
    wallSeconds: milliseconds / 1000,
    generatorCpuSeconds: (own.user + own.system) / 1e6,
    ...(before && after
      ? { cpuSeconds: after.cpu - before.cpu, rssMegabytes: after.rss / 1e6 }
      : {}),
  };
}
