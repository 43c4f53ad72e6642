/** evpnctl show interest [peer]: which route targets a peer is sent, why, and what that holds back. */
import type { Command } from "commander";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { InterestAnswer, InterestDetailAnswer } from "./operations-wire.js";
import { formatAge, formatFields, formatTable, wrap } from "./text.js";

export function addShowInterest(show: Command, host: CliHost): void {
  show
    .command("interest")
    .description("which route targets peers are sent, and what is held back for that")
    .argument("[peer]", "one peer in full: its targets, and examples of what is held back")
    .action(async (peer: string | undefined, _options: object, command: Command) => {
      const client = clientOf(command, host);
      if (peer === undefined) {
        const answer = await client.get<{ peers: InterestAnswer[] }>("/v1/interest");
        if (wantsJson(command)) printJson(host, answer.peers);
        else host.out(formatInterests(answer.peers, host.columns));
        return;
      }
      const path = `/v1/interest/${encodeURIComponent(peer)}`;
      const answer = await client.get<InterestDetailAnswer>(path);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatInterest(answer, host.columns, host.now()));
    });
}

export function formatInterests(peers: readonly InterestAnswer[], width: number): string {
  if (peers.length === 0) return "No session is up.\n";
  return formatTable(
    peers,
    [
      { title: "Peer", value: (row) => row.peer },
      { title: "By", value: byText },
      { title: "Targets", value: (row) => row.targets?.toString() ?? "all", right: true },
      { title: "Tenant", value: (row) => (row.tenant ? "yes" : "") },
      { title: "Held back", value: (row) => String(row.withheld), right: true },
      { title: "Would hold", value: (row) => row.wouldWithhold?.toString() ?? "", right: true },
    ],
    width,
  );
}

export function formatInterest(answer: InterestDetailAnswer, width: number, now: number): string {
  const head = formatFields([
    ["Peer", answer.peer],
    ["Sent by", byText(answer)],
    ["Held back", `${answer.withheld} routes`],
    [
      "Would hold back",
      answer.wouldWithhold === undefined ? undefined : `${answer.wouldWithhold} routes`,
    ],
  ]);
  const targets = formatTable(
    answer.targetList,
    [
      { title: "Target", value: (row) => row.target },
      { title: "From", value: (row) => row.by },
      { title: "Age", value: (row) => ageText(row.since, now), right: true },
      { title: "Gone for", value: (row) => ageText(row.missingSince, now), right: true },
    ],
    width,
  );
  const allowed = answer.allowed && wrap(answer.allowed.join(", "), width, "  ", "Allowed: ");
  const examples = answer.examples.map(({ prefix, peer, targets: of }) =>
    wrap(`${prefix} from ${peer}, ${of.join(" ") || "no target"}`, width, "    ", "  "),
  );
  return [
    head,
    answer.targetList.length === 0 ? "" : `\n${targets}`,
    allowed === undefined ? "" : `\n${allowed}`,
    examples.length === 0 ? "" : `\nHeld back, or would be, for example:\n${examples.join("")}`,
  ].join("");
}

function ageText(time: number | undefined, now: number): string {
  return time === undefined ? "" : formatAge(now - time);
}

function byText({ by, inference, learning }: InterestAnswer): string {
  if (learning) return `${by}, learning`;
  return by === "everything" && inference === "shadow" ? "everything (shadow)" : by;
}
