/** MACs move while others watch them through the API, one of whom stops reading for most of the time. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { Mover, pace } from "../fleet/mover.js";
import { type Figures, type Lab, loadTables, measured, type Scenario } from "./lab.js";
import { latencyFigures, MoveRound } from "./moves.js";

const WATCHERS = 10;
/** Before the moves all watchers have their snapshot. */
const SNAPSHOT_SECONDS = 5;

function watch(lab: Lab, seconds: number, stopped: number): Promise<Record<string, number>> {
  const { apiUrl } = lab.parameters;
  if (apiUrl === "") throw new Error("--api-url is needed: where the target's HTTP API is");
  const child = spawn(
    process.execPath,
    [
      join(import.meta.dirname, "..", "watch-load.js"),
      ...["--url", apiUrl, "--watchers", String(WATCHERS)],
      ...["--seconds", String(seconds), "--stopped", String(stopped)],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const stop = (): void => void child.kill();
  process.once("exit", stop);
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.once("close", () => {
      process.off("exit", stop);
      if (output === "") reject(new Error("the watchers gave no result"));
      else resolve(JSON.parse(output) as Record<string, number>);
    });
  });
}

export const watched: Scenario = {
  name: "watched",
  summary:
    "MACs move at a fixed rate; ten watch all of them, one stops reading until shortly before the end",
  defaults: { peers: 8, routes: 20_000, rate: 5000, seconds: 20 },
  async run(lab) {
    const { fleet, parameters } = lab;
    await loadTables(lab);
    const { seconds } = parameters;
    const span = SNAPSHOT_SECONDS + seconds;
    let watchers: Record<string, number> | undefined;
    let failed: unknown;
    watch(lab, span, span - 2).then(
      (result) => (watchers = result),
      (error: unknown) => (failed = error),
    );
    await fleet.sleep(SNAPSHOT_SECONDS);
    const mover = new Mover(fleet, parameters.peers);
    const round = new MoveRound(lab, mover);
    fleet.phase = "moving at a rate";
    const figures: Figures = await measured(lab, async () => {
      const start = performance.now();
      await pace(
        parameters.rate,
        seconds,
        (count) => {
          for (let n = 0; n < count; n++) round.next();
          mover.sendTimed(parameters.peers - 1);
        },
        (test) => fleet.until(test),
      );
      return (await fleet.untilComplete()) - start;
    });
    fleet.phase = "watchers catch up";
    await fleet.until(() => watchers !== undefined || failed !== undefined, 180);
    if (failed !== undefined) throw failed as Error;
    await fleet.verify();
    const rss = lab.meter.read()?.rss;
    Object.assign(figures, latencyFigures(fleet.board.latency), { moves: mover.moves }, watchers);
    if (rss !== undefined) figures["rssAfterMegabytes"] = rss / 1e6;
    const problems: string[] = [];
    if ((watchers?.["wrong"] ?? 1) > 0) {
      problems.push(`${watchers?.["wrong"] ?? "?"} MACs are held otherwise than the FIB has them`);
    }
    return { figures, problems };
  },
};
