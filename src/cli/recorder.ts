/** evpnctl recorder list, recorder export: what the flight recorder kept of each peer. */
import { writeFileSync } from "node:fs";
import { Option } from "commander";
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import type { FeedsAnswer, RecordingAnswer } from "./feeds-wire.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { size } from "./show-feeds.js";
import { formatTable } from "./text.js";

export function addRecorder(program: Command, host: CliHost): void {
  const recorder = program
    .command("recorder")
    .description("the flight recorder: the last messages of each peer");
  recorder
    .command("list")
    .description("peers of which messages are kept")
    .action(async (_options, command: Command) => {
      const client = clientOf(command, host);
      const { recordings } = await client.get<{ recordings: RecordingAnswer[] }>("/v1/recorder");
      if (wantsJson(command)) printJson(host, recordings);
      else if (recordings.length > 0) host.out(formatRecordings(recordings, host.columns));
      else host.out(nothing((await client.get<FeedsAnswer>("/v1/feeds")).recorder.enabled));
    });
  recorder
    .command("export")
    .description("a peer's messages as a file for tshark, or for evpnctl replay")
    .argument("<address>", "the peer, or all")
    .requiredOption("--out <file>", "file to write")
    .addOption(
      new Option("--format <format>", "pcap, or MRT records")
        .choices(["pcap", "mrt"])
        .default("pcap"),
    )
    .action(async (address: string, options: { out: string; format: string }, command: Command) => {
      const path = `/v1/recorder/${encodeURIComponent(address)}`;
      const octets = await clientOf(command, host).bytes(path, { format: options.format });
      save(options.out, octets);
      const answer = { file: options.out, octets: octets.length };
      if (wantsJson(command)) printJson(host, answer);
      else host.out(`${options.out}: ${octets.length} octets\n`);
    });
}

function save(file: string, octets: Uint8Array): void {
  try {
    writeFileSync(file, octets);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "unknown error";
    throw new CliError(EXIT.usage, `${file} cannot be written (${code}); choose another place`);
  }
}

function nothing(enabled: boolean): string {
  return enabled
    ? "Nothing is recorded: no peer has connected since the recorder was switched on.\n"
    : "Nothing is recorded: the recorder is off (recorder.enabled: true, then reload).\n";
}

export function formatRecordings(rows: readonly RecordingAnswer[], width: number): string {
  return formatTable(
    rows,
    [
      { title: "Peer", value: (row) => row.peer },
      { title: "Up", value: (row) => (row.established ? "yes" : "no") },
      { title: "Sessions", value: (row) => String(row.sessions), right: true },
      { title: "Messages", value: (row) => String(row.messages), right: true },
      { title: "Octets", value: (row) => size(row.octets), right: true },
      { title: "Since", value: (row) => time(row.oldest) },
      { title: "Until", value: (row) => time(row.newest) },
    ],
    width,
  );
}

function time(ms: number | undefined): string {
  return ms === undefined ? "" : new Date(ms).toISOString().slice(11, 19);
}
