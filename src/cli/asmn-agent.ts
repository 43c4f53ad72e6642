/**
 * evpnctl asmn agent: the side of the trust checks that runs in a VNF. `key` prints what the VIM puts into the
 * token, `run` proves the instance and goes on doing so, `status` shows what a running one knows.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type * as AgentModule from "../asmn/agent/index.js";
import type { AgentEnd, AgentSettings, AgentStatus } from "../asmn/agent/index.js";
import { systemClock } from "../util/clock.js";
import { toHex } from "../util/bytes.js";
import type { Log } from "../util/log.js";
import { CliError, EXIT } from "./exit.js";
import { printJson, wantsJson, type CliHost } from "./host.js";
import { formatFields } from "./text.js";

const COLUMNS = 80;
const FILE = "/etc/evpnd/asmn-agent.yaml";

interface AgentOptions {
  readonly config: string;
}

interface RunOptions extends AgentOptions {
  readonly once?: boolean;
}

/** @param asmn the command `evpnctl asmn` */
export function addAsmnAgent(asmn: Command, host: CliHost): void {
  const agent = asmn
    .command("agent")
    .description("prove this VNF instance to a Sec-EM, and bind its router's session to it");
  const verb = (name: string, description: string): Command =>
    agent
      .command(name)
      .description(description)
      .option("-c, --config <file>", "the agent's file", FILE);

  verb("run", "enrol if need be, prove, renew, until it is stopped")
    .option("--once", "prove once and end: 0 trusted, 1 not trusted, 3 no Sec-EM, 5 refused")
    .action(async (options: RunOptions, command: Command) => {
      const settings = await settingsOf(options.config, host);
      const once = options.once === true;
      const stop = new AbortController();
      void host.interrupted().then(() => stop.abort());
      const end = await guarded(({ runAgent }) =>
        runAgent({
          settings,
          clock: systemClock,
          log: logTo(host, wantsJson(command)),
          once,
          signal: stop.signal,
        }),
      );
      if (once) tell(end, command, host);
    });
  verb(
    "key",
    "print this instance's public key, made at the first call: it goes into the token",
  ).action(async (options: AgentOptions, command: Command) => {
    const settings = await settingsOf(options.config, host);
    const key = await guarded(({ AgentHome }) =>
      Promise.resolve(toHex(new AgentHome(settings.stateDirectory).key().publicKey)),
    );
    if (wantsJson(command)) return printJson(host, { "public-key": key });
    host.out(`${key}\n`);
  });
  verb("measure", "print the digests of image and manifest: what the VIM registers").action(
    async (options: AgentOptions, command: Command) => {
      const settings = await settingsOf(options.config, host);
      const measured = await guarded(({ measureAgent }) => measureAgent(settings, systemClock));
      if (wantsJson(command)) return printJson(host, measured);
      const fields: (readonly [string, string])[] = [
        ["image", measured.image],
        ["octets", String(measured.octets)],
        ["manifest", measured.manifest],
      ];
      host.out(formatFields(fields, COLUMNS));
    },
  );
  verb("status", "what a running agent knows of itself").action(
    async (options: AgentOptions, command: Command) => {
      const status = readStatus(await settingsOf(options.config, host));
      if (wantsJson(command)) printJson(host, status);
      else host.out(statusText(status, host.now()));
      if (status.state !== "trusted") host.code = EXIT.finding;
    },
  );
}

async function settingsOf(file: string, host: CliHost): Promise<AgentSettings> {
  const { formatIssue, loadAgentConfig } = await import("../config/index.js");
  const result = loadAgentConfig(file);
  if (!result.ok) {
    throw new CliError(
      EXIT.usage,
      `the agent's file:\n${result.issues.map(formatIssue).join("\n")}`,
    );
  }
  for (const warning of result.warnings) host.err(`${formatIssue(warning)}\n`);
  return result.settings;
}

/** What the directory or the image does not allow is said in a line, without a trace. */
async function guarded<T>(work: (agent: typeof AgentModule) => Promise<T>): Promise<T> {
  const agent = await import("../asmn/agent/index.js");
  try {
    return await work(agent);
  } catch (error) {
    if (error instanceof agent.HomeError) throw new CliError(EXIT.usage, error.message);
    if (error instanceof Error && error.name === "MeasureError") {
      throw new CliError(EXIT.finding, error.message);
    }
    throw error;
  }
}

const CODES: Readonly<Record<AgentEnd["kind"], number>> = {
  trusted: EXIT.ok,
  stopped: EXIT.ok,
  "not-trusted": EXIT.finding,
  unreachable: EXIT.unreachable,
  refused: EXIT.refused,
};

function tell(end: AgentEnd, command: Command, host: CliHost): void {
  host.code = CODES[end.kind];
  if (wantsJson(command)) return printJson(host, end);
  host.out(`${end.kind}${end.reason === "" ? "" : ` (${end.reason})`}: ${end.sentence}\n`);
}

function readStatus(settings: AgentSettings): AgentStatus {
  const path = settings.statusFile ?? join(settings.stateDirectory, "status.json");
  let status: AgentStatus;
  try {
    status = JSON.parse(readFileSync(path, "utf8")) as AgentStatus;
  } catch {
    throw new CliError(
      EXIT.unreachable,
      `there is no status in ${path}: the agent has not run yet`,
    );
  }
  try {
    process.kill(status.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") return status;
    throw new CliError(EXIT.unreachable, `the agent does not run (last seen ${status.state})`);
  }
  return status;
}

function statusText(status: AgentStatus, now: number): string {
  const age = (time: number | undefined): string =>
    time === undefined ? "never" : `${Math.max(0, Math.round((now - time) / 1000))} s ago`;
  const { image, binding, carried } = status;
  const fields: (readonly [string, string])[] = [
    ["instance", `${status.tenant}/${status.vnf}/${status.instance}`],
    ["state", `${status.state}${status.reason === "" ? "" : ` (${status.reason})`}`],
    ["why", status.sentence],
    ["since", age(status.since)],
    ["proven", age(status.provenAt)],
    ["chain", `${status.chain}, ${status.counter} attempts`],
    ["Sec-EM", status.secEm ?? "not connected"],
    ["image", image === undefined ? "not measured" : image.digest],
    ["manifest", status.manifest ?? "not measured"],
    ["catalog", status.catalog === undefined ? "none" : `version ${status.catalog}`],
    [
      "binding",
      `${binding.kind === "address" ? "address-bound" : binding.kind}: ${binding.detail}`,
    ],
    ["carried", `router ${carried.router}, from VNFs ${carried.from}, to VNFs ${carried.to}`],
    ["public key", status.publicKey],
  ];
  return formatFields(fields, COLUMNS);
}

/** A line each, on standard error; with --json an object each. */
function logTo(host: CliHost, json: boolean): Log {
  const say = (level: string) => (fields: object, message: string) => {
    const time = new Date(host.now()).toISOString();
    const plain = Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [
        key,
        value instanceof Error ? value.message : (value as unknown),
      ]),
    );
    if (json) return host.err(`${JSON.stringify({ time, level, ...plain, message })}\n`);
    const rest = Object.entries(plain).map(([key, value]) => ` ${key}=${JSON.stringify(value)}`);
    host.err(`${time} ${level} ${message}${rest.join("")}\n`);
  };
  return { debug: () => undefined, info: say("info"), warn: say("warn"), error: say("error") };
}
