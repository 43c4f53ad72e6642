/**
 * Does the relay harm BGP? 5,000 moves a second are reflected while 5,000 RADIUS requests a second are relayed:
 * by evpnd itself, and beside it by a radsecproxy on the same machine. The p99 of the moves is compared.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadLine, machineLine, runInChild } from "../compare/child.js";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import { startLoad } from "./compare.js";
import type { Run, RunFigures } from "./load.js";
import {
  freeUdpPorts,
  HOME_SECRET,
  startRelay,
  writeEvpndFiles,
  type RelayPorts,
  type RunningRelay,
} from "./targets.js";

export interface BesideOptions {
  readonly rounds: number;
  readonly evpnd?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
}

const RATE = 5000;
const MOVES = { peers: 24, routes: 50_000, rate: 5000, seconds: 5 };
/** p99 of moves with the relay inside, by that with radsecproxy beside: at most. */
const LIMIT = 1.5;
const WAYS = ["evpnd", "radsecproxy", "none"] as const;
type Way = (typeof WAYS)[number];

/** Seconds of requests, far more than the moves take: it is stopped with them. */
const SECONDS: readonly Run[] = Array.from({ length: 60 }, () => ({
  name: "paced",
  kind: "pap",
  window: 500,
  warmUp: 0,
  requests: RATE,
  rate: RATE,
  repeats: true,
}));

interface Sample {
  readonly moves: number;
  readonly radius: RunFigures | undefined;
}

export async function besideBgp(options: BesideOptions): Promise<boolean> {
  const rounds = options.quick === true ? 1 : options.rounds;
  const samples = new Map<Way, Sample[]>(WAYS.map((way) => [way, []]));
  const problems: string[] = [];
  if (options.json !== true) console.log(machineLine());
  for (let round = 1; round <= rounds; round++) {
    for (const way of round % 2 === 1 ? WAYS : WAYS.toReversed()) {
      process.stderr.write(`round ${round}/${rounds} relay: ${way}, ${loadLine()}\n`);
      const sample = await once(way, options, problems);
      samples.get(way)?.push(sample);
      if (options.json === true) console.log(JSON.stringify({ relay: way, round, ...sample }));
    }
  }
  const p99 = (way: Way) => median((samples.get(way) ?? []).map(({ moves }) => moves));
  const ratio = p99("evpnd") / p99("radsecproxy");
  const kept = ratio <= LIMIT;
  if (options.json === true) console.log(JSON.stringify({ ratio, limit: LIMIT, kept, problems }));
  else {
    const rate = (way: Way) =>
      median((samples.get(way) ?? []).map(({ radius }) => radius?.perSecond ?? NaN));
    const lost = (way: Way) =>
      (samples.get(way) ?? []).reduce((sum, { radius }) => sum + (radius?.lost ?? 0), 0);
    console.log(
      formatTable([
        ["relay", "p99 of moves, ms", "RADIUS requests/s", "lost"],
        ...WAYS.map((way) => [way, ...[p99(way), rate(way), lost(way)].map(formatNumber)]),
      ]),
    );
    console.log(
      `evpnd by radsecproxy: ${formatNumber(ratio)}, limit ≤ ${LIMIT}: ${kept ? "kept" : "NOT KEPT"}`,
    );
    console.log(`at the end ${loadLine()}`);
    for (const problem of problems) console.log(`FAILED ${problem}`);
  }
  return problems.length === 0 && (options.quick === true || kept);
}

async function once(way: Way, options: BesideOptions, problems: string[]): Promise<Sample> {
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-radius-"));
  const separate = way === "radsecproxy" ? await startRelay("radsecproxy") : undefined;
  try {
    const [authentication = 0, accounting = 0, homeA = 0, homeB = 0] = await freeUdpPorts(4);
    const ports: RelayPorts = { authentication, accounting, home: [homeA, homeB] };
    const inside = writeEvpndFiles(
      directory,
      ports,
      "as: 65000\ndynamic-peers:\n  - {prefix: 127.0.0.0/8}",
    );
    const seconds = options.quick === true ? 1 : MOVES.seconds;
    const running = runInChild({
      scenario: "move-latency",
      target: "evpnd",
      parameters: { ...MOVES, seconds, routes: options.quick === true ? 5000 : MOVES.routes },
      evpndMain: options.evpnd,
      ...(way === "evpnd" ? { evpndConfig: inside } : {}),
    });
    // Access points do not wait for BGP: they go on as long as the moves do.
    const relay: RunningRelay | undefined =
      way === "none"
        ? undefined
        : (separate ?? {
            name: "evpnd",
            ports,
            pid: 0,
            homeSecret: HOME_SECRET,
            stop: () => Promise.resolve(),
          });
    const generator = relay === undefined ? undefined : startLoad(relay, SECONDS, undefined);
    // It fails where no relay listens in time: that shows as figures that are not there.
    const ended = generator?.ended.catch(() => undefined);
    const record = await running;
    generator?.stop();
    await ended;
    for (const problem of record.problems) problems.push(`relay ${way}: ${problem}`);
    const figures = generator?.figures ?? [];
    if (generator !== undefined && figures.length === 0)
      problems.push(`relay ${way}: no RADIUS request was answered while routes moved`);
    // The end of evpnd is in the last one.
    return {
      moves: record.figures["p99Milliseconds"] ?? NaN,
      radius: figures[figures.length >> 1],
    };
  } finally {
    await separate?.stop();
    rmSync(directory, { recursive: true, force: true });
  }
}
