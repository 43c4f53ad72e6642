/**
 * Gating: a reflector that is its own Sec-EM, PEs of which the first must be trusted, and a real agent beside
 * it. From the agent's start, from a revocation, and from the loss of the same peer to the last UPDATE at the
 * last of the others.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startTarget, type RunningTarget } from "../compare/targets.js";
import { median } from "../fleet/statistics.js";
import { addressText, packRoute } from "../fleet/universe.js";
import { connectAll, everyPeer, type Figures, type Lab, type Scenario } from "../scenario/lab.js";
import { runScenario } from "../scenario/run.js";
import { judged, type PaperRow, type Part, type PartOptions } from "./part.js";
import { TrustApi, type TrustKey } from "./trust-api.js";

const TENANT = "tenant-1";
const VNF = "edge";
const INSTANCE = "edge-1";
/** The first PE; the others follow. */
const SOURCE = 127 * 2 ** 24 + 65_537;
const ROUNDS = 3;

export const gating: Part = {
  name: "gating",
  summary: "a VNF becomes trusted, is revoked, is restored, and is lost, with 50,000 routes",
  async run(options) {
    const figures = await measure(options);
    return [{ title: "Gating (no figure of the paper)", rows: rowsOf(figures, options) }];
  },
};

async function measure(options: PartOptions): Promise<Figures> {
  const directory = join(options.directory, "gating");
  mkdirSync(directory);
  const agentPort = await TrustApi.freePort();
  const config = join(directory, "evpnd.yaml");
  writeFileSync(config, configuration(directory, agentPort));
  const target = await startTarget("evpnd", {
    evpndMain: options.evpndMain,
    evpndConfig: config,
  });
  const agents: ChildProcess[] = [];
  try {
    const agentConfig = await enrolment(target, directory, agentPort, options);
    const start = (): void => void agents.push(startAgent(agentConfig, options));
    const parameters = options.quick ? { routes: 4000, lossRoutes: 1000, times: 1 } : {};
    const record = await runScenario(scenarioOf(target, start), parameters, {
      target: { host: target.host, port: target.port, pid: target.pid },
      ...{ sourceBase: SOURCE, extendedMessage: false, patienceSeconds: 20, progress: false },
    });
    if (!record.passed) throw new Error(record.problems.join("; "));
    return record.figures;
  } finally {
    for (const agent of agents) agent.kill("SIGTERM");
    await target.stop();
  }
}

/** Everything of the target but its ports, which the command line has. */
function configuration(directory: string, agentPort: number): string {
  const first = addressText(SOURCE);
  const lines = [
    "dynamic-peers:",
    `  - prefix: ${first}/32`,
    "    client: true",
    "    families: [l2vpn-evpn]",
    `    trust: { require: true, tenant: ${TENANT}, vnf: ${VNF}, effect: hold }`,
    "  - prefix: 127.0.0.0/8",
    "    client: true",
    "    families: [l2vpn-evpn]",
    "asmn:",
    "  sec-em:",
    `    listen: ["127.0.0.1:${agentPort}"]`,
    `    state-directory: ${directory}/sec-em`,
    "    tenants:",
    `      - name: ${TENANT}`,
    `        vnfs: [{ name: ${VNF}, addresses: [${first}, 127.0.0.1], binding: address }]`,
    "  gate:",
    `    state-directory: ${directory}/gate`,
  ];
  return `${lines.join("\n")}\n`;
}

/** Image and token registered. @returns the agent's file */
async function enrolment(
  { apiUrl = "" }: RunningTarget,
  directory: string,
  agentPort: number,
  options: PartOptions,
): Promise<string> {
  const api = new TrustApi(apiUrl);
  const { keys } = await api.get<{ keys: TrustKey[] }>("/v1/asmn/keys");
  const root = keys.find(({ use }) => use === "root")?.publicKey;
  if (root === undefined) throw new Error("the Sec-EM shows no root key");
  writeFileSync(join(directory, "image"), "image of the VNF that is gated\n");
  const file = join(directory, "agent.yaml");
  const lines = [
    `tenant: ${TENANT}`,
    `vnf: ${VNF}`,
    `instance: ${INSTANCE}`,
    `state-dir: ${directory}/agent`,
    `sec-em: ["127.0.0.1:${agentPort}"]`,
    `root-keys: ["${root}"]`,
    `token-file: ${directory}/token`,
    `image: { path: ${directory}/image }`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  const measured = await agentCommand(["measure", "--json"], file, options);
  const { image } = JSON.parse(measured) as { image: string };
  const name = { tenant: TENANT, vnf: VNF };
  await api.post("/v1/asmn/images", { ...name, digest: image, version: "1" });
  const order = { ...name, instance: INSTANCE, image };
  const { token } = await api.post<{ token: string }>("/v1/asmn/tokens", order);
  writeFileSync(join(directory, "token"), token, { mode: 0o600 });
  return file;
}

/** evpnctl of the same build. */
function evpnctl(words: readonly string[], { evpndMain }: PartOptions): ChildProcess {
  const program = join(evpndMain, "..", "cli", "main.js");
  return spawn(process.execPath, [program, "asmn", "agent", ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
}

async function agentCommand(
  words: readonly string[],
  file: string,
  options: PartOptions,
): Promise<string> {
  const child = evpnctl([...words, "--config", file], options);
  let [said, complained] = ["", ""];
  child.stdout?.on("data", (octets: Buffer) => (said += octets.toString()));
  child.stderr?.on("data", (octets: Buffer) => (complained += octets.toString()));
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  if (code !== 0) throw new Error(`evpnctl asmn agent ${words.join(" ")}: ${complained}`);
  return said;
}

function startAgent(file: string, options: PartOptions): ChildProcess {
  const child = evpnctl(["run", "--config", file], options);
  for (const stream of [child.stdout, child.stderr]) stream?.resume();
  const kill = (): void => void child.kill("SIGKILL");
  process.once("exit", kill);
  child.once("exit", () => process.off("exit", kill));
  return child;
}

function scenarioOf({ apiUrl = "" }: RunningTarget, start: () => void): Scenario {
  return {
    name: "gating",
    summary: gating.summary,
    defaults: { peers: 8, routes: 200_000, lossRoutes: 50_000, times: ROUNDS },
    firstPeerRoutes: ({ lossRoutes }) => lossRoutes,
    async run(lab) {
      const bench = new GatingBench(lab, new TrustApi(apiUrl));
      const figures: Figures = { leaked: await bench.untrusted() };
      Object.assign(figures, await bench.admitted(start));
      const rounds: Record<string, number[]> = {};
      for (let round = 0; round < lab.parameters.times; round++) {
        const { first, last } = await bench.revoked();
        const restored = await bench.restored();
        const down = await bench.down();
        const values = { revokeFirst: first, revokeLast: last, restored, down };
        for (const [name, value] of Object.entries(values)) (rounds[name] ??= []).push(value);
      }
      for (const [name, values] of Object.entries(rounds)) figures[name] = median(values);
      return { figures, problems: [] };
    },
  };
}

/** Milliseconds throughout. */
class GatingBench {
  private readonly lab: Lab;
  private readonly api: TrustApi;

  constructor(lab: Lab, api: TrustApi) {
    this.lab = lab;
    this.api = api;
  }

  /** All tables are there, the first PE's too, and it is not trusted. @returns its routes that others have */
  async untrusted(): Promise<number> {
    const { fleet } = this.lab;
    await connectAll(this.lab);
    const others = everyPeer(this.lab).slice(1);
    fleet.absent.add(0);
    fleet.session(0).write(fleet.initialTable(0));
    this.expect(0);
    await fleet.announceTables(others);
    await fleet.verify(1);
    const expected = this.lab.parameters.routes - this.lab.parameters.lossRoutes;
    const most = Math.max(...others.map((peer) => fleet.session(peer).receiver.held));
    return Math.max(0, most - expected) + fleet.session(0).receiver.held;
  }

  /** From the start of the agent's process: what the API says, and what the PEs have. */
  async admitted(start: () => void): Promise<Figures> {
    const { fleet } = this.lab;
    this.expect(packRoute(0, 0));
    fleet.absent.delete(0);
    fleet.recount();
    const began = performance.now();
    start();
    const trusted = this.untilTrusted().then(() => performance.now() - began);
    const everywhere = (await fleet.untilComplete()) - began;
    return { trusted: await trusted, everywhere };
  }

  /** From the request to the first and the last withdrawal. */
  async revoked(): Promise<{ readonly first: number; readonly last: number }> {
    const { fleet } = this.lab;
    const before = fleet.total("withdrawn");
    this.expect(0);
    fleet.absent.add(0);
    fleet.recount();
    const began = performance.now();
    const answered = this.order("revoke");
    const first = (await fleet.until(() => fleet.total("withdrawn") > before)) - began;
    const last = (await fleet.untilComplete()) - began;
    await answered;
    await fleet.verify();
    return { first, last };
  }

  /** From the request to the last UPDATE. */
  async restored(): Promise<number> {
    const { fleet } = this.lab;
    this.expect(packRoute(0, 0));
    fleet.absent.delete(0);
    fleet.recount();
    const began = performance.now();
    await this.order("restore");
    const last = (await fleet.untilComplete()) - began;
    await fleet.verify();
    return last;
  }

  /** The same PE dies: from there to the last withdrawal. It comes back afterwards. */
  async down(): Promise<number> {
    const { fleet } = this.lab;
    this.expect(0);
    fleet.absent.add(0);
    fleet.recount();
    const began = performance.now();
    fleet.session(0).close("rst");
    const last = (await fleet.untilComplete()) - began;
    await fleet.verify();
    fleet.replace(0);
    fleet.absent.delete(0);
    await fleet.connect([0]);
    await fleet.announceTables([0]);
    await fleet.verify();
    return last;
  }

  private expect(route: number): void {
    const { board, universe } = this.lab.fleet;
    for (const index of universe.homeOf(0)) board.expected[index] = route;
  }

  private async order(verb: "revoke" | "restore"): Promise<void> {
    const scope = { tenant: TENANT, vnf: VNF, instance: INSTANCE, reason: "measured" };
    await this.api.post(`/v1/asmn/${verb}`, scope);
  }

  private async untilTrusted(): Promise<void> {
    for (const end = performance.now() + 20_000; performance.now() < end;) {
      const { instances } = await this.api.get<{ instances?: { state: string }[] }>(
        "/v1/asmn/instances",
      );
      if (instances?.[0]?.state === "trusted") return;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    throw new Error("the agent's instance is not trusted after 20 s");
  }
}

function rowsOf(figures: Figures, options: PartOptions): PaperRow[] {
  const { leaked = NaN, trusted = NaN, everywhere = NaN, restored = NaN } = figures;
  const { revokeFirst = NaN, revokeLast = NaN, down = NaN } = figures;
  const routes = options.quick ? "1,000" : "50,000";
  const row = (
    ids: string,
    what: string,
    ours: string,
    verdict: PaperRow["verdict"],
    note: string,
  ): PaperRow => ({ ids, what, paper: "–", ours, verdict, note });
  const ms = (value: number): string => `${value.toFixed(0)} ms`;
  const limit = (good: boolean): PaperRow["verdict"] => judged(good, options);
  return [
    row(
      "ASM-03",
      `routes of an untrusted PE that others have, of ${routes}`,
      String(leaked),
      leaked === 0 ? limit(true) : "missed",
      "none",
    ),
    row(
      "ASM-05",
      "agent started, then trusted",
      ms(trusted),
      limit(trusted <= 2000),
      "at most 2 s",
    ),
    row("ASM-05", "agent started, then every route at every PE", ms(everywhere), "shown", ""),
    row(
      "ASM-71",
      "revoked, then the first withdrawal",
      ms(revokeFirst),
      limit(revokeFirst <= 1000),
      "at most 1 s",
    ),
    row("ASM-71", "revoked, then the last withdrawal", ms(revokeLast), "shown", ""),
    row(
      "ASM-71",
      "from the first withdrawal to the last",
      ms(revokeLast - revokeFirst),
      limit(revokeLast - revokeFirst <= down),
      `no slower than a peer down: ${ms(down)}`,
    ),
    row("ASM-71", "restored, then every route at every PE", ms(restored), "shown", "a new proof"),
  ];
}
