/** evpnctl show feeds */
import type { Command } from "commander";
import type { FeedsAnswer, FilesAnswer } from "./feeds-wire.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { clean, formatFields, formatTable } from "./text.js";

export function addShowFeeds(show: Command, host: CliHost): void {
  show
    .command("feeds")
    .description("BMP collectors, MRT files and the flight recorder")
    .action(async (_options, command: Command) => {
      const feeds = await clientOf(command, host).get<FeedsAnswer>("/v1/feeds");
      if (wantsJson(command)) printJson(host, feeds);
      else host.out(formatFeeds(feeds, host.columns));
    });
}

export function formatFeeds(feeds: FeedsAnswer, width: number): string {
  const { recorder } = feeds;
  return [
    collectors(feeds, width),
    formatFields([
      ["MRT updates", files(feeds.updates)],
      ["MRT tables", files(feeds.tables)],
      [
        "Recorder",
        recorder.enabled
          ? `on, ${recorder.peers} peers, ${size(recorder.octets)} of ${size(recorder.octetsTotal)}`
          : "off",
      ],
    ]),
  ].join("\n");
}

function collectors(feeds: FeedsAnswer, width: number): string {
  if (feeds.collectors.length === 0) return "No BMP collector is configured.\n";
  const table = formatTable(
    feeds.collectors,
    [
      { title: "Collector", value: (row) => row.name },
      { title: "State", value: (row) => row.state },
      { title: "Connects", value: (row) => String(row.connects), right: true },
      { title: "Dropped", value: (row) => String(row.dropped), right: true },
      { title: "Messages", value: (row) => String(row.messages), right: true },
      { title: "Pending", value: (row) => size(row.pendingBytes), right: true },
      { title: "Backlog", value: (row) => size(row.backlogBytes), right: true },
    ],
    width,
  );
  const errors = feeds.collectors.flatMap(({ name, lastError }) =>
    lastError === undefined ? [] : [`${clean(name)}: ${clean(lastError)}\n`],
  );
  return table + errors.join("");
}

function files(answer: FilesAnswer | undefined): string {
  if (answer === undefined) return "off";
  const { directory, files: count, records, dropped, alarm, running } = answer;
  const parts = [
    directory,
    `${records} records`,
    `${count} files`,
    ...(running === true ? ["a dump is under way"] : []),
    ...(dropped > 0 ? [`${dropped} records lost`] : []),
    ...(alarm === undefined ? [] : [`ALARM: ${alarm}`]),
  ];
  return parts.join(", ");
}

/** Octets with a unit of 1024s. */
export function size(octets: number): string {
  const units = ["B", "KiB", "MiB", "GiB"];
  let value = octets;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? String(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}
