/** Runs one scenario against one target and makes a record of it. */
import { ChurnFailure, Fleet, type FleetOptions } from "../fleet/fleet.js";
import { ProcessMeter } from "../fleet/process-meter.js";
import { ProgressLine } from "../fleet/progress.js";
import { Universe } from "../fleet/universe.js";
import { warmUp } from "../fleet/warm-up.js";
import type { Figures, Outcome, Parameters, Scenario } from "./lab.js";

export const GENERAL_DEFAULTS: Parameters = {
  peers: 8,
  routes: 100_000,
  senders: 0,
  vnis: 100,
  nlri: 10,
  attrSets: 1,
  macIpShare: 1,
  sharedRd: false,
  as: 65000,
  hold: 90,
  rate: 5000,
  seconds: 5,
  lossRoutes: 50_000,
  times: 1,
  moves: 0,
  before: 15,
  freshShare: 0.5,
  freshLife: 5,
  slack: 512,
  settle: 3,
  enhanced: false,
  goodbye: "fin",
  vnisPerPeer: 0,
  interest: "everything",
  changes: 20,
  auditUrl: "",
  apiUrl: "",
  grpc: "",
  lookups: 0,
  dumps: false,
};

export interface TargetAddress {
  readonly host: string;
  readonly port: number;
  /** When the target is local: CPU and memory are read from /proc. */
  readonly pid: number | undefined;
}

export interface RunOptions {
  readonly target: TargetAddress;
  readonly sourceBase: number | undefined;
  readonly extendedMessage: boolean;
  readonly patienceSeconds: number;
  readonly progress: boolean;
}

/** One JSON line. */
export interface RunRecord {
  readonly scenario: string;
  readonly passed: boolean;
  readonly problems: readonly string[];
  readonly figures: Figures;
  readonly parameters: Partial<Parameters>;
  readonly target: string;
  readonly series?: readonly number[];
}

export async function runScenario(
  scenario: Scenario,
  given: Partial<Parameters>,
  options: RunOptions,
): Promise<RunRecord> {
  const parameters = { ...GENERAL_DEFAULTS, ...scenario.defaults, ...given };
  const firstPeerRoutes = scenario.firstPeerRoutes?.(parameters);
  const universe = new Universe({
    peers: parameters.peers,
    routes: parameters.routes,
    senders: parameters.senders,
    vnis: parameters.vnis,
    nlriPerUpdate: parameters.nlri,
    attrSets: parameters.attrSets,
    macIpShare: parameters.macIpShare,
    sharedRd: parameters.sharedRd,
    as: parameters.as,
    spare: scenario.spare?.(parameters) ?? 0,
    vnisPerPeer: parameters.vnisPerPeer,
    ...(firstPeerRoutes === undefined ? {} : { firstPeerRoutes }),
  });
  const fleetOptions: FleetOptions = {
    host: options.target.host,
    port: options.target.port,
    sourceBase: options.sourceBase,
    holdTime: parameters.hold,
    enhancedRefresh: parameters.enhanced,
    extendedMessage: options.extendedMessage,
    memberships: parameters.interest === "memberships" || parameters.interest === "nobody",
    patienceSeconds: options.patienceSeconds,
  };
  warmUp();
  const fleet = new Fleet(universe, fleetOptions);
  const progress = new ProgressLine(options.progress, scenario.name, fleet);
  let outcome: Outcome;
  try {
    outcome = await scenario.run({
      parameters,
      fleet,
      meter: new ProcessMeter(options.target.pid),
      targetPort: options.target.port,
      targetPid: options.target.pid,
    });
  } catch (error) {
    if (!(error instanceof ChurnFailure)) throw error;
    outcome = { figures: {}, problems: [error.message] };
  } finally {
    progress.end();
    await fleet.close();
  }
  return {
    scenario: scenario.name,
    passed: outcome.problems.length === 0,
    problems: outcome.problems,
    figures: outcome.figures,
    parameters,
    target: `${options.target.host}:${options.target.port}`,
    ...(outcome.series === undefined ? {} : { series: outcome.series }),
  };
}
