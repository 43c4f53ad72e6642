/** evpnctl show bfd */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatAge, formatTable } from "./text.js";

/** What `GET /v1/bfd` answers, as far as it is shown. */
export interface BfdAnswer {
  readonly sessions: readonly {
    readonly peer: string;
    readonly state: string;
    readonly remoteState: string;
    readonly diag: string;
    readonly multihop: boolean;
    readonly txIntervalMs: number;
    readonly detectionTimeMs: number;
    readonly downCount: number;
    readonly since: number;
  }[];
  readonly stats: {
    readonly received: number;
    readonly malformed: number;
    readonly unknownDiscriminator: number;
    readonly unknownSource: number;
    readonly ttlChecked: boolean;
  };
}

export function addShowBfd(show: Command, host: CliHost): void {
  show
    .command("bfd")
    .description("BFD sessions with their timers, one line each")
    .action(async (_options, command: Command) => {
      const bfd = await clientOf(command, host).get<BfdAnswer>("/v1/bfd");
      if (wantsJson(command)) printJson(host, bfd);
      else host.out(formatBfd(bfd, host));
    });
}

export function formatBfd({ sessions, stats }: BfdAnswer, host: CliHost): string {
  if (sessions.length === 0) {
    return "No BFD session. A peer gets one with bfd: true; docs/bfd.md says more.\n";
  }
  const table = formatTable(
    sessions,
    [
      { title: "Peer", value: (row) => row.peer },
      { title: "State", value: (row) => row.state },
      { title: "Since", value: (row) => formatAge(host.now() - row.since), right: true },
      { title: "Remote", value: (row) => row.remoteState },
      { title: "Hops", value: (row) => (row.multihop ? "multi" : "one") },
      { title: "Tx ms", value: (row) => String(row.txIntervalMs), right: true },
      { title: "Detect ms", value: (row) => String(row.detectionTimeMs), right: true },
      { title: "Down", value: (row) => String(row.downCount), right: true },
      { title: "Diagnostic", value: (row) => row.diag },
    ],
    host.columns,
  );
  const strange = stats.malformed + stats.unknownDiscriminator + stats.unknownSource;
  const notes = [
    ...(strange === 0 ? [] : [`${strange} packets discarded that belonged to no session\n`]),
    ...(stats.ttlChecked || sessions.every((row) => row.multihop)
      ? []
      : ["the TTL of received packets is not checked here: that takes Linux and koffi\n"]),
  ];
  return notes.length === 0 ? table : `${table}\n${notes.join("")}`;
}
