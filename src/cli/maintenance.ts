/** evpnctl maintenance on | off | show: peers turn to other paths before a session goes down. */
import { InvalidArgumentError, Option } from "commander";
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { MaintenanceAnswer } from "./operations-wire.js";
import { formatAge, formatFields, formatTable } from "./text.js";

interface Which {
  readonly peer?: string[];
  readonly all?: boolean;
}

interface OnOptions extends Which {
  readonly drain: number;
  readonly then?: "shutdown";
  readonly text?: string;
  readonly wait?: boolean;
}

const POLL_MS = 500;

export function addMaintenance(program: Command, host: CliHost): void {
  const maintenance = program
    .command("maintenance")
    .description("mark what peers are sent as the last choice (RFC 8326), without a reset");
  const report = (answer: MaintenanceAnswer, command: Command): void => {
    if (wantsJson(command)) printJson(host, answer);
    else host.out(formatMaintenance(answer, host.columns, host.now()));
  };

  which(maintenance.command("on"))
    .description("begin: peers prefer other reflectors' copies from now on")
    .addOption(
      new Option("--drain <time>", "what a peer is given once it has all: 90, 90s, 5m")
        .argParser(seconds)
        .default(60, "60s"),
    )
    .addOption(new Option("--then <what>", "when drained").choices(["shutdown"]))
    .option("--text <text>", "reason told to peers that are shut down (RFC 9003)")
    .option("--wait", "come back when all are drained")
    .action(async (options: OnOptions, command: Command) => {
      const client = clientOf(command, host);
      const body = {
        peers: chosen(options),
        drainSeconds: options.drain,
        then: options.then ?? "nothing",
        ...(options.text !== undefined && { text: options.text }),
      };
      let answer = await client.post<MaintenanceAnswer>("/v1/maintenance/begin", {}, body);
      while (options.wait === true && !(answer.drained || !answer.active)) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
        answer = await client.get<MaintenanceAnswer>("/v1/maintenance");
      }
      report(answer, command);
    });

  which(maintenance.command("off"))
    .description("end: everything is sent as it was; peers that were shut down are enabled")
    .action(async (options: Which, command: Command) => {
      const body = { peers: chosen(options) };
      const client = clientOf(command, host);
      report(await client.post<MaintenanceAnswer>("/v1/maintenance/end", {}, body), command);
    });

  maintenance
    .command("show")
    .description("who is in maintenance, and how far")
    .action(async (_options: object, command: Command) => {
      report(await clientOf(command, host).get<MaintenanceAnswer>("/v1/maintenance"), command);
    });
}

function which(command: Command): Command {
  return command
    .option("--peer <address...>", "these peers")
    .option("--all", "all peers, those to come too");
}

function chosen(options: Which): readonly string[] | "all" {
  if (options.all === true && options.peer === undefined) return "all";
  if (options.all !== true && options.peer !== undefined) return options.peer;
  throw new CliError(EXIT.usage, "say --peer ADDRESS, or --all");
}

function seconds(text: string): number {
  const [, number, unit] = /^(\d{1,6})(s|m|h)?$/.exec(text) ?? [];
  if (number === undefined) {
    throw new InvalidArgumentError("It must be a time: 90, 90s, 5m or 1h.");
  }
  return Number(number) * (unit === "h" ? 3600 : unit === "m" ? 60 : 1);
}

export function formatMaintenance(answer: MaintenanceAnswer, width: number, now: number): string {
  if (!answer.active) return "Nobody is in maintenance.\n";
  const head = formatFields([
    ["Maintenance", answer.all ? "all peers" : answer.named.join(", ")],
    ["Since", answer.since === undefined ? undefined : formatAge(now - answer.since)],
    ["Then", answer.then],
    ["Drained", answer.drained ? "yes" : "not yet"],
  ]);
  if (answer.peers.length === 0) return `${head}No session is concerned.\n`;
  const table = formatTable(
    answer.peers,
    [
      { title: "Peer", value: (row) => row.peer },
      { title: "State", value: (row) => row.state },
      { title: "For", value: (row) => formatAge(now - row.since), right: true },
      {
        title: "Left",
        value: (row) => (row.secondsLeft === undefined ? "" : `${row.secondsLeft} s`),
        right: true,
      },
    ],
    width,
  );
  return head + table;
}
