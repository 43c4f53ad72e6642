/** evpnctl explain mac MAC: why a MAC is where it is, candidate by candidate. */
import type { Command } from "commander";
import type { ExplanationAnswer } from "./fib-wire.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
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
      }
    });
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
