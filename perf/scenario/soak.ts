/** Minutes of churn in which no attribute set ever comes twice: does memory stay flat, are the counts right? */
import { Mover, pace } from "../fleet/mover.js";
import { mean } from "../fleet/statistics.js";
import { type Figures, loadTables, measured, type Scenario } from "./lab.js";
import { latencyFigures, MoveRound } from "./moves.js";

/** Below the well-known communities (0xFFFF....), above the reserved ones. */
const FIRST_COMMUNITY = 0x00010000;
const COMMUNITIES = 0xf0000000;

export const soak: Scenario = {
  name: "soak",
  summary: "churn with ever-new attribute sets; memory each second, audit at the end",
  defaults: { peers: 8, routes: 50_000, rate: 2000, seconds: 1800 },
  async run(lab) {
    const { fleet, meter, parameters } = lab;
    await loadTables(lab);
    const mover = new Mover(fleet, parameters.peers);
    const series: number[] = [];
    const sampler = setInterval(() => series.push((meter.read()?.rss ?? 0) / 1e6), 1000);
    const round = new MoveRound(lab, mover);
    let k = 0;
    fleet.phase = "soaking";
    let figures: Figures;
    try {
      figures = await measured(lab, async () => {
        const start = performance.now();
        await pace(
          parameters.rate,
          parameters.seconds,
          (count) => {
            for (let n = 0; n < count; n++) round.next(FIRST_COMMUNITY + (k++ % COMMUNITIES));
            mover.sendTimed(parameters.peers - 1);
          },
          (test) => fleet.until(test),
        );
        return (await fleet.untilComplete()) - start;
      });
    } finally {
      clearInterval(sampler);
    }
    await fleet.verify(1);
    Object.assign(figures, latencyFigures(fleet.board.latency), { moves: mover.moves });
    const problems = [
      ...(meter.present ? judgeMemory(series, figures) : []),
      ...(await audit(parameters.auditUrl)),
    ];
    return { figures, problems, series };
  },
};

/** Fewer samples say nothing about memory: a run of less than half a minute is all warm-up. */
const FEWEST_SAMPLES = 30;

/** Last third against middle third; the first is warm-up. */
export function judgeMemory(series: readonly number[], figures: Figures): string[] {
  const third = Math.floor(series.length / 3);
  if (series.length < FEWEST_SAMPLES) return [];
  const middle = mean(series.slice(third, 2 * third));
  const last = mean(series.slice(2 * third));
  const drift = (100 * (last - middle)) / middle;
  figures["rssMegabytesMiddleThird"] = middle;
  figures["rssMegabytesLastThird"] = last;
  figures["rssDriftPercent"] = drift;
  return Math.abs(drift) <= 5
    ? []
    : [`memory drifted by ${drift.toFixed(1)} % from the middle to the last third: more than 5 %`];
}

async function audit(url: string): Promise<string[]> {
  if (url === "") return [];
  try {
    const response = await fetch(url);
    const report = (await response.json()) as { ok?: boolean; findings?: readonly string[] };
    if (report.ok === true) return [];
    return [
      `the target's audit found: ${(report.findings ?? ["no details"]).slice(0, 5).join("; ")}`,
    ];
  } catch (error) {
    return [`${url} gave no audit: ${error instanceof Error ? error.message : String(error)}`];
  }
}
