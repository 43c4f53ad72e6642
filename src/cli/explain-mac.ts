/** evpnctl explain mac MAC: why a MAC is where it is, candidate by candidate, and who was told of it. */
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import type { ExplanationAnswer } from "./fib-wire.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatChange, formatDecision } from "./policy-wire.js";
import { wrap } from "./text.js";
import type { TraceAnswer } from "./what-if-wire.js";

type Receivers = TraceAnswer["routes"][number]["receivers"][number];

/** Peers named of those of which the same is true. */
const LISTED = 5;

/** @param explain the command `explain` */
export function addExplainMac(explain: Command, host: CliHost): void {
  explain
    .command("mac")
    .description("why a MAC is where it is: who claims it, what decided, and who was told")
    .argument("<mac>", "the MAC address")
    .option("--domain <name>", "in this bridge domain; default: in each that has it")
    .option("--peer <address>", "what this peer was sent alone")
    .action(async (mac: string, options: { domain?: string; peer?: string }, command: Command) => {
      const { domain, peer } = options;
      const answer = await clientOf(command, host).get<TraceAnswer>("/v1/explain/mac", {
        mac,
        domain,
        peer,
      });
      if (wantsJson(command)) printJson(host, answer);
      else if (answer.explanations.length + answer.routes.length === 0) {
        throw new CliError(EXIT.notFound, `no route has the MAC ${answer.mac}`);
      } else host.out(formatTrace(answer, host.columns));
    });
}

export function formatTrace({ explanations, routes, cut }: TraceAnswer, width: number): string {
  const parts = explanations.map((one) => formatExplanation(one, width));
  if (routes.length === 0) return parts.join("\n");
  const lines = routes.flatMap(({ prefix, paths, receivers }) => [
    wrap(prefix, width, "    ", "  "),
    ...paths.flatMap((path) => [
      wrap(
        `${path.best ? "*>" : "* "} from ${path.peer}: ${path.reason}`,
        width,
        "       ",
        "    ",
      ),
      ...(path.import.by === "none"
        ? []
        : [wrap(`import: ${formatDecision(path.import)}`, width, "         ", "       ")]),
      ...path.attributes.map((change) =>
        wrap(formatChange(change), width, "           ", "         "),
      ),
    ]),
    ...receivers.map((group) => wrap(receiversText(group), width, "       ", "    ")),
  ]);
  const more = cut ? "  More routes than shown; evpnctl explain route shows them.\n" : "";
  return `${[...parts, `Who was told\n${lines.join("")}`].join("\n")}${more}`;
}

function receiversText({ sent, reason, export: decision, peers, examples }: Receivers): string {
  const shown = examples.slice(0, LISTED);
  const rest = peers - shown.length;
  const who = `${shown.join(", ")}${rest > 0 ? ` and ${rest} more` : ""}`;
  const rules = decision.by === "none" || !sent ? "" : `; export: ${formatDecision(decision)}`;
  return sent ? `-> ${who}${rules}` : `x  ${who}: ${reason}`;
}

export function formatExplanation(explanation: ExplanationAnswer, width: number): string {
  const { mac, domain, summary, candidates, cut } = explanation;
  const lines = [
    wrap(`${mac} in domain ${domain}`, width, ""),
    ...summary.map((sentence) => wrap(sentence, width, "  ")),
    ...candidates.flatMap((one) => [
      wrap(`${one.winner ? "*>" : "* "} ${one.route}`, width, "     ", ""),
      wrap(`PE ${one.pe} ${one.because}`, width, "     "),
      wrap(details(one), width, "     "),
    ]),
    ...(cut ? ["More candidates than shown.\n"] : []),
  ];
  return lines.join("");
}

function details(one: ExplanationAnswer["candidates"][number]): string {
  return [
    `sequence ${one.sequence}${one.sticky ? ", sticky" : ""}`,
    ...(one.esi === undefined ? [] : [`segment ${one.esi}`]),
    `from peer ${one.peer || "that left"} (${one.bestPath})`,
  ].join(", ");
}
