/** evpnctl replay: what the peers of a recording said, said again to a fresh evpnd. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError } from "commander";
import type { Command } from "commander";
import { CaptureError } from "./capture/capture-file.js";
import { CliError, EXIT } from "./exit.js";
import { printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { play, standIn } from "./replay/player.js";
import { readScript, ScriptError, type Script } from "./replay/script.js";
import { formatTable } from "./text.js";

interface ReplayOptions {
  readonly to: { readonly address: string; readonly port: number };
  readonly local?: string;
  readonly pace: number;
  readonly list?: true;
  readonly exit?: true;
}

const PATIENCE_MS = 10_000;

export function addReplay(program: Command, host: CliHost): void {
  program
    .command("replay")
    .description("play the peers of a recording (pcap) to an evpnd on this machine")
    .argument("<file>", "from evpnctl recorder export, or any capture of BGP sessions")
    .option("--to <address:port>", "where that evpnd listens", endpoint, {
      address: "127.0.0.1",
      port: 1790,
    })
    .option("--local <address>", "evpnd's address in the recording, where the file does not say")
    .option("--pace <ms>", "least time between two messages", milliseconds, 2)
    .option("--list", "show who would be played, and play nothing")
    .option("--exit", "end the sessions at the end of the recording, do not wait for Ctrl-C")
    .action(async (file: string, options: ReplayOptions, command: Command) => {
      const script = scriptOf(file, options.local);
      for (const note of script.notes) host.err(`evpnctl: ${note}\n`);
      if (options.list === true) return list(script, host, wantsJson(command));
      await run(script, options, host, wantsJson(command));
    });
}

async function run(
  script: Script,
  options: ReplayOptions,
  host: CliHost,
  json: boolean,
): Promise<void> {
  const result = await play(script, {
    ...options.to,
    paceMs: options.pace,
    patienceMs: PATIENCE_MS,
    tell: (line) => (json ? undefined : host.out(`${line}\n`)),
  });
  const { played, problems } = result;
  if (json) printJson(host, { peers: script.peers.length, played, problems });
  else {
    host.out(`${played} messages of ${script.peers.length} peers played\n`);
    for (const problem of problems) host.out(`${problem}\n`);
  }
  if (problems.length > 0) host.code = EXIT.finding;
  if (options.exit !== true) {
    if (!json) host.out("The sessions stay up until Ctrl-C.\n");
    await host.interrupted();
  }
  result.close();
}

function list(script: Script, host: CliHost, json: boolean): void {
  const rows = script.peers.map((peer, index) => ({ ...peer, standIn: standIn(index) }));
  if (json) return printJson(host, { evpnd: script.evpnd, peers: rows });
  const { evpnd } = script;
  if (evpnd !== undefined) host.out(`evpnd was AS ${evpnd.as}, router id ${evpnd.bgpId}\n\n`);
  host.out(
    formatTable(
      rows,
      [
        { title: "Peer", value: (row) => row.address, flexible: true },
        { title: "AS", value: (row) => String(row.as), right: true },
        { title: "Router id", value: (row) => row.bgpId },
        { title: "Messages", value: (row) => String(row.messages), right: true },
        { title: "Plays as", value: (row) => row.standIn },
      ],
      host.columns,
    ),
  );
}

function scriptOf(file: string, local: string | undefined): Script {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new CliError(EXIT.usage, `${file} cannot be read (${code}); check the path`);
  }
  try {
    return readScript(bytes, local);
  } catch (error) {
    if (error instanceof CaptureError || error instanceof ScriptError) {
      throw new CliError(EXIT.usage, error.message);
    }
    throw error;
  }
}

function endpoint(text: string): { address: string; port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text);
  const address = match?.[1] ?? match?.[2];
  const port = Number(match?.[3]);
  if (address === undefined || port > 65535) {
    throw new InvalidArgumentError("It must be an address and a port: 127.0.0.1:1790.");
  }
  return { address, port };
}

function milliseconds(text: string): number {
  if (/^\d{1,5}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("It must be a number of milliseconds.");
}
