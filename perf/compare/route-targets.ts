/**
 * What it costs evpnd that each client gets only what it wants: one scenario four ways, in turn. Every
 * route is for all; for nobody; for whoever asked for its route target (RFC 4684); for whoever is
 * configured to want it. CPU beyond the run with no receivers is what sending costs.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressText, FIRST_VNI, Universe } from "../fleet/universe.js";
import { median } from "../fleet/statistics.js";
import { formatNumber, formatTable } from "../report.js";
import { INTEREST_SOURCES, type InterestSource, type Parameters } from "../scenario/lab.js";
import { GENERAL_DEFAULTS } from "../scenario/run.js";
import { interest } from "../scenario/interest.js";
import { loadLine, machineLine, runInChild } from "./child.js";

export interface RouteTargetsOptions {
  readonly rounds: number;
  readonly peers?: number;
  readonly routes?: number;
  readonly vnis?: number;
  readonly evpnd?: string;
  readonly json?: boolean;
}

/** The CPU of sending to those who asked, by that of sending to all: at most. */
const SHARE_LIMIT = 0.1;
/** Until a client has the routes of a target it asked for, at most. */
const MEMBERSHIP_LIMIT_MILLISECONDS = 50;
/** Where `--source` begins unless given: the peers of a configuration need the addresses. */
const FIRST_CLIENT = (127 * 256 + 1) * 65536 + 1;

/** True when every client had exactly its routes, and both limits were kept. */
export async function routeTargets(options: RouteTargetsOptions): Promise<boolean> {
  const parameters: Parameters = { ...GENERAL_DEFAULTS, ...interest.defaults, ...given(options) };
  const directory = mkdtempSync(join(tmpdir(), "evpnd-churn-"));
  const figures = new Map<string, number[]>();
  const problems: string[] = [];
  if (options.json !== true) console.log(machineLine());
  try {
    for (let round = 1; round <= options.rounds; round++) {
      for (const how of INTEREST_SOURCES) {
        process.stderr.write(`round ${round}/${options.rounds} ${how}, ${loadLine()}\n`);
        const path = join(directory, `${how}.yaml`);
        writeFileSync(path, configurationFor(how, parameters));
        const record = await runInChild({
          scenario: interest.name,
          target: "evpnd",
          parameters: { ...given(options), interest: how },
          evpndMain: options.evpnd,
          evpndConfig: path,
        });
        if (options.json === true) console.log(JSON.stringify({ interest: how, round, ...record }));
        for (const [name, value] of Object.entries(record.figures)) {
          const key = `${how}/${name}`;
          figures.set(key, [...(figures.get(key) ?? []), value]);
        }
        for (const problem of record.problems) problems.push(`${how}, round ${round}: ${problem}`);
      }
    }
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return conclude(figures, problems, parameters, options);
}

function given(options: RouteTargetsOptions): Partial<Parameters> {
  const { peers, routes, vnis } = options;
  return {
    ...(peers === undefined ? {} : { peers }),
    ...(routes === undefined ? {} : { routes }),
    ...(vnis === undefined ? {} : { vnis }),
  };
}

/** What evpnd is told of its clients. */
export function configurationFor(how: InterestSource, parameters: Parameters): string {
  const families = how === "everything" || how === "lists" ? "" : ", route-target";
  const head = `as: ${parameters.as}\n`;
  const range = `dynamic-peers:\n  - {prefix: 127.0.0.0/8, families: [l2vpn-evpn${families}]}\n`;
  if (how !== "lists") return head + range;
  const { peers, routes, vnis, vnisPerPeer, as } = parameters;
  const universe = new Universe({
    ...{ peers, routes, vnis, vnisPerPeer, as, senders: 0 },
    ...{ attrSets: 1, macIpShare: 1, sharedRd: false, nlriPerUpdate: parameters.nlri },
  });
  const lines = Array.from({ length: peers }, (_, peer) => {
    const targets = universe.vnisOf(peer).map((vni) => `"${as}:${FIRST_VNI + vni}"`);
    const address = addressText(FIRST_CLIENT + peer);
    return `  - {address: ${address}, passive: true, route-targets: [${targets.join(", ")}]}\n`;
  });
  return `${head}peers:\n${lines.join("")}`;
}

function conclude(
  figures: ReadonlyMap<string, readonly number[]>,
  problems: readonly string[],
  parameters: Parameters,
  options: RouteTargetsOptions,
): boolean {
  const middle = (how: InterestSource, name: string): number =>
    median(figures.get(`${how}/${name}`) ?? []);
  const most = (name: string): number => Math.max(...(figures.get(`memberships/${name}`) ?? [NaN]));
  const nothing = middle("nobody", "cpuSeconds");
  const all = middle("everything", "cpuSeconds") - nothing;
  const rows = INTEREST_SOURCES.map((how) => {
    const beyond = middle(how, "cpuSeconds") - nothing;
    return { how, beyond, share: beyond / all };
  });
  const limited = rows.filter(({ how }) => how === "memberships" || how === "lists");
  const slowest = figures.get("memberships/membershipMillisecondsMost") ?? [];
  const kept =
    limited.every(({ share }) => share <= SHARE_LIMIT) &&
    slowest.length > 0 &&
    slowest.every((time) => time <= MEMBERSHIP_LIMIT_MILLISECONDS);
  if (options.json === true) {
    console.log(JSON.stringify({ rows, slowest: Math.max(...slowest), problems, kept }));
    return kept && problems.length === 0;
  }
  const { peers, routes, vnis, vnisPerPeer } = parameters;
  console.log(
    `${peers} clients, each in ${vnisPerPeer} of ${vnis} VNIs, ${routes} routes; medians of ${options.rounds} round(s):`,
  );
  const body = rows.map(({ how, beyond, share }) => [
    how,
    formatNumber(middle(how, "wallSeconds")),
    formatNumber(middle(how, "cpuSeconds")),
    how === "nobody" ? "" : formatNumber(beyond),
    how === "nobody" || how === "everything" ? "" : formatNumber(share),
    formatNumber(middle(how, "nlriReceived")),
    formatNumber(middle(how, "rssMegabytes")),
  ]);
  const head = ["routes for", "wall s", "CPU s", "beyond nobody", "share", "NLRI", "RSS MB"];
  console.log(formatTable([head, ...body]));
  console.log(
    `a membership until its routes are there: median ${formatNumber(middle("memberships", "membershipMilliseconds"))} ms, most ${formatNumber(Math.max(...slowest))} ms; withdrawn until they are gone: median ${formatNumber(middle("memberships", "membershipGoneMilliseconds"))} ms, most ${formatNumber(most("membershipGoneMillisecondsMost"))} ms`,
  );
  console.log(
    `${kept ? "kept" : "NOT kept"}: share ≤ ${SHARE_LIMIT}, membership ≤ ${MEMBERSHIP_LIMIT_MILLISECONDS} ms; at the end ${loadLine()}`,
  );
  for (const problem of problems) console.log(`FAILED ${problem}`);
  return kept && problems.length === 0;
}
