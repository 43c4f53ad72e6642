/** evpnctl show summary */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { memoryLine } from "./limits-fields.js";
import { restartingLine } from "./restart-fields.js";
import { formatAge, formatFields } from "./text.js";
import type { SummaryAnswer } from "./wire.js";

export function addShowSummary(show: Command, host: CliHost): void {
  show
    .command("summary")
    .description("what runs, and how much it holds")
    .action(async (_options, command: Command) => {
      const summary = await clientOf(command, host).get<SummaryAnswer>("/v1/summary");
      if (wantsJson(command)) printJson(host, summary);
      else host.out(formatSummary(summary, host.now()));
    });
}

export function formatSummary(summary: SummaryAnswer, now: number): string {
  return formatFields([
    ["evpnd", summary.version],
    ["AS", String(summary.as)],
    ["Router id", summary.routerId],
    ["Cluster id", summary.clusterId],
    ["Listening", summary.listening.join(", ") || "nowhere"],
    ["Up", formatAge(now - summary.started)],
    ["Ready", summary.ready ? "yes" : "not yet"],
    ["Memory", memoryLine(summary.memory)],
    ["Maintenance", maintenanceLine(summary, now)],
    ["Restart", restartingLine(summary.restarting)],
    ["Reload", pendingLine(summary)],
    ["Peers", `${summary.established} of ${summary.peers} established`],
    ["Destinations", String(summary.destinations)],
    ["Routes", `${summary.routes} with ${summary.attributeSets} attribute sets`],
  ]);
}

function maintenanceLine({ maintenance }: SummaryAnswer, now: number): string | undefined {
  if (maintenance === undefined) return undefined;
  const { all, named, since, drained } = maintenance;
  const who = all ? "all peers" : `${named.length} peers`;
  const age = since === undefined ? "" : ` for ${formatAge(now - since)}`;
  return `${who}${age}, ${drained ? "drained" : "draining"} (evpnctl maintenance show)`;
}

function pendingLine({ pendingConfirm }: SummaryAnswer): string | undefined {
  if (pendingConfirm === undefined) return undefined;
  return `goes back in ${pendingConfirm.secondsLeft} s unless confirmed (evpnctl config confirm)`;
}
