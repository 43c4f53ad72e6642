/**
 * A thousand tunnels on one gateway: what evpnd, and strongSwan beside it, spend on checking, loading, changing
 * ten, rendering, and finding everything again after strongSwan's death. Nothing of evpnd's code is used: it is
 * run, asked, and its CPU read from /proc.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { cpuSeconds } from "../fleet/process-meter.js";
import { formatNumber, formatTable } from "../report.js";
import { IpsecLab, until } from "./lab.js";
import { farAddress, hubConfiguration, SECRET_NAME, type HubOptions } from "./tunnels.js";

export interface IpsecScaleOptions {
  readonly tunnels: number;
  readonly evpnd?: string;
  readonly quick?: boolean;
  readonly json?: boolean;
}

interface Step {
  readonly title: string;
  readonly wall: number;
  /** CPU seconds. */
  readonly evpnd: number;
  readonly charon: number;
  /** Longest that BGP had to wait for its turn, milliseconds. */
  readonly stall: number;
  /** evpnd's CPU seconds at most. */
  readonly limit?: number;
}

const LIVE = 5;
const CHANGED = 10;
const KEY = "0123456789abcdef-of-the-load-test";
const CHECK_SECONDS = 2;
const OTHER_SECONDS = 5;

/** Whether everything was as promised. */
export async function ipsecScale(options: IpsecScaleOptions): Promise<boolean> {
  const tunnels = options.quick === true ? Math.min(50, options.tunnels) : options.tunnels;
  const run = new Run(
    tunnels,
    options.evpnd ?? join(import.meta.dirname, "..", "..", "src", "main.js"),
  );
  try {
    const problems = await run.all();
    const late = run.steps.filter(({ limit, evpnd }) => limit !== undefined && evpnd > limit);
    problems.push(...late.map(({ title }) => `${title}: more CPU than promised`));
    if (options.json === true) {
      process.stdout.write(`${JSON.stringify({ tunnels, steps: run.steps, problems })}\n`);
    } else {
      process.stdout.write(`${tunnels} tunnels, ${LIVE} of them up\n${tableOf(run.steps)}\n`);
      for (const problem of problems) process.stdout.write(`NOT KEPT: ${problem}\n`);
    }
    return problems.length === 0;
  } finally {
    run.lab.close();
  }
}

class Run {
  readonly lab = new IpsecLab(LIVE);
  readonly steps: Step[] = [];
  private readonly tunnels: number;
  private readonly main: string;
  private evpnd = 0;
  private charon = 0;

  constructor(tunnels: number, main: string) {
    this.tunnels = tunnels;
    this.main = main;
  }

  /** @returns what was not as it should be, a sentence each */
  async all(): Promise<string[]> {
    const { lab } = this;
    const problems: string[] = [];
    const check = (right: boolean, what: string): void => {
      if (!right) problems.push(what);
    };
    this.write(() => 3600);
    this.charon = await lab.startCharon("hub");
    await lab.startCharon("far");
    this.evpnd = lab.start("hub", "evpnd", process.execPath, [this.main, "--config", this.file]);
    await until("evpnd to be up", () => Promise.resolve(lab.log("evpnd").includes("evpnd is up")));
    await this.ctl(["ipsec", "secrets", "set", SECRET_NAME], KEY);
    await this.playFarEnds();
    await this.step("check both ends of all", CHECK_SECONDS, () => this.ctl(["ipsec", "check"]));
    await this.step("install all", undefined, () => this.ctl(["ipsec", "install"]));
    check((await this.loaded()) === this.tunnels, "not all tunnels are loaded");
    await until("tunnels to be up", async () => (await this.established()) === LIVE);
    this.write((n) =>
      n % (this.tunnels / CHANGED) === 7 % (this.tunnels / CHANGED) ? 7200 : 3600,
    );
    await this.step("read the changed file", undefined, () => this.ctl(["reload"]));
    await this.step(`change ${CHANGED}`, OTHER_SECONDS, () => this.ctl(["ipsec", "install"]));
    for (const vendor of ["strongswan", "vyos"]) {
      await this.step(`render for ${vendor}`, OTHER_SECONDS, () =>
        this.ctl(["ipsec", "render", "hub", "--vendor", vendor]),
      );
    }
    await this.step("half a minute of nothing", undefined, () => sleep(31_000));
    await lab.stop("charon-hub", "SIGKILL");
    await this.step("strongSwan anew, all loaded, some up", undefined, async () => {
      this.charon = await lab.startCharon("hub");
      await until("all to be loaded again", async () => (await this.loaded()) === this.tunnels);
      await until("tunnels to be up again", async () => (await this.established()) >= LIVE);
    });
    await sleep(1000);
    check((await this.established()) === LIVE, "a tunnel is there twice");
    return problems;
  }

  private get file(): string {
    return join(this.lab.directory, "hub.yaml");
  }

  private write(lifetime: HubOptions["lifetime"]): void {
    const { tunnels } = this;
    const { directory } = this.lab;
    writeFileSync(this.file, hubConfiguration({ tunnels, live: LIVE, lifetime, directory }));
  }

  private ctl(words: readonly string[], input = ""): Promise<string> {
    return this.lab.evpnctl(this.main, words, input);
  }

  /** The far ends are strongSwan's own, from what evpnd renders for them. */
  private async playFarEnds(): Promise<void> {
    const texts: string[] = [];
    for (let n = 0; n < LIVE; n++) {
      texts.push(await this.ctl(["ipsec", "render", `far-${n}`, "--vendor", "strongswan"]));
    }
    // In one file: what is not in it swanctl takes away.
    const file = join(this.lab.directory, "far-ends.conf");
    writeFileSync(file, texts.join("").replace(/<secret:[^>]*>/g, KEY), { mode: 0o600 });
    const uri = `unix://${this.lab.socket("far")}`;
    const words = ["--load-all", "--noprompt", "--file", file, "--uri", uri];
    await this.lab.run("far", "swanctl", words);
  }

  private async loaded(): Promise<number> {
    const uri = `unix://${this.lab.socket("hub")}`;
    const text = await this.lab
      .run("hub", "swanctl", ["--list-conns", "--uri", uri])
      .catch(() => "");
    return text.split("\n").filter((line) => line.startsWith("evpnd-")).length;
  }

  /** IKE SAs of the far ends that are there; those of one pair of addresses counted each. */
  private async established(): Promise<number> {
    const uri = `unix://${this.lab.socket("hub")}`;
    const text = await this.lab.run("hub", "swanctl", ["--list-sas", "--uri", uri]).catch(() => "");
    const lines = text.split("\n").filter((line) => /^evpnd-.*ESTABLISHED/.test(line));
    const far = Array.from({ length: LIVE }, (_, n) => farAddress(n));
    return far.every((address) => text.includes(address)) ? lines.length : 0;
  }

  private async step(
    title: string,
    limit: number | undefined,
    work: () => Promise<unknown>,
  ): Promise<void> {
    const { lab, evpnd } = this;
    await this.stall();
    const [own, before, begun] = [cpuSeconds(evpnd), cpuSeconds(this.charon), performance.now()];
    const daemon = this.charon;
    await work();
    const wall = (performance.now() - begun) / 1000;
    const charon = cpuSeconds(this.charon) - (daemon === this.charon ? before : 0);
    const spent = cpuSeconds(evpnd) - own;
    const stall = await this.stall();
    this.steps.push({
      title,
      wall,
      evpnd: spent,
      charon,
      stall,
      ...(limit !== undefined && { limit }),
    });
    if (lab.log("evpnd").includes("a bug")) throw new Error("evpnd has met a bug of its own");
  }

  /** Milliseconds since it was asked last. */
  private async stall(): Promise<number> {
    const page = await this.lab.page("/metrics");
    const found = /^evpnd_event_loop_stall_max_seconds (\S+)/m.exec(page);
    return 1000 * Number(found?.[1] ?? NaN);
  }
}

function tableOf(steps: readonly Step[]): string {
  const rows = steps.map(({ title, wall, evpnd, charon, stall, limit }) => [
    title,
    formatNumber(wall),
    formatNumber(evpnd),
    limit === undefined ? "" : `${limit}`,
    formatNumber(charon),
    formatNumber(stall),
  ]);
  const head = ["", "wall s", "evpnd CPU s", "at most", "charon CPU s", "longest stall ms"];
  return formatTable([head, ...rows]);
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
