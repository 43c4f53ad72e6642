/** evpnctl explain mac MAC: why a MAC is where it is, candidate by candidate. */
import type { Command } from "commander";
import { formatRoutes } from "./explain-route.js";
import type { ExplanationAnswer } from "./fib-wire.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import type { ExplainAnswer } from "./policy-wire.js";
import { wrap } from "./text.js";

/** @param explain the command `explain` */
export function addExplainMac(explain: Command, host: CliHost): void {
  explain
    .command("mac")
    .description("why a MAC is where it is: who claims it, and what decided; needs the MAC FIB")
    .argument("<mac>", "the MAC address")
    .option("--domain <name>", "in this bridge domain; default: in each that has it")
    .action(async (mac: string, options: { domain?: string }, command: Command) => {
      const query = { mac, domain: options.domain };
      const answer = await clientOf(command, host).get<{
        explanations: readonly ExplanationAnswer[];
      }>("/v1/fib/explain", query);
      if (wantsJson(command)) printJson(host, answer.explanations);
      else {
        const texts = answer.explanations.map((one) => formatExplanation(one, host.columns));
        host.out(texts.join("\n"));
        host.out(await rulesOn(mac, command, host));
      }
    });
}

/** What import rules made of the MAC's routes; nothing where no rule did anything. */
async function rulesOn(mac: string, command: Command, host: CliHost): Promise<string> {
  const answer = await clientOf(command, host).get<ExplainAnswer>("/v1/policy/explain", {
    mac,
    type: 2,
  });
  const routes = answer.routes
    .map((route) => ({ ...route, receivers: [] }))
    .filter(({ paths }) => paths.some((path) => path.import.by !== "none"));
  if (routes.length === 0) return "";
  return `\nImport rules\n${formatRoutes({ routes, cut: answer.cut }, host.columns)}`;
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
