/** evpnctl explain peer ADDRESS --than ADDRESS: what a peer lacks compared with another, and why. */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wrap } from "./text.js";
import type { LackAnswer } from "./what-if-wire.js";

const EXAMPLES = 5;

/** @param explain the command `explain` */
export function addExplainPeer(explain: Command, host: CliHost): void {
  explain
    .command("peer")
    .description("what a peer has not been sent that another has, and why")
    .argument("<address>", "the peer that lacks something")
    .requiredOption("--than <address>", "the peer that has it")
    .action(async (address: string, { than }: { than: string }, command: Command) => {
      const path = `/v1/peers/${encodeURIComponent(address)}/lacks`;
      const parts: LackAnswer[] = [];
      for await (const line of clientOf(command, host).lines(path, { than })) {
        parts.push(JSON.parse(line) as LackAnswer);
      }
      const reasons = added(parts);
      if (wantsJson(command)) printJson(host, reasons);
      else host.out(formatLacks(address, than, reasons, host.columns));
    });
}

/** Reasons of several parts of the table, each once, the most frequent first. */
function added(parts: readonly LackAnswer[]): LackAnswer[] {
  const byReason = new Map<string, LackAnswer>();
  for (const part of parts) {
    const before = byReason.get(part.reason);
    const examples = [...(before?.examples ?? []), ...part.examples].slice(0, EXAMPLES);
    byReason.set(part.reason, { ...part, routes: part.routes + (before?.routes ?? 0), examples });
  }
  return [...byReason.values()].sort((a, b) => b.routes - a.routes);
}

export function formatLacks(
  address: string,
  than: string,
  reasons: readonly LackAnswer[],
  width: number,
): string {
  if (reasons.length === 0) return `${address} has been sent everything that ${than} has.\n`;
  const total = reasons.reduce((sum, { routes }) => sum + routes, 0);
  const lines = reasons.flatMap(({ routes, reason, examples }) => [
    wrap(`${routes}: ${reason}`, width, "    ", "\n  "),
    ...examples.map(({ prefix, from }) =>
      wrap(`${prefix} (from ${from})`, width, "        ", "      "),
    ),
    ...(routes > examples.length ? [`      and ${routes - examples.length} more\n`] : []),
  ]);
  return `${address} lacks ${total} ${total === 1 ? "route" : "routes"} that ${than} has:\n${lines.join("")}`;
}
