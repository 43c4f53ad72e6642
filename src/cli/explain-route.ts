/** evpnctl explain route: which rules decided on a route, and why each session has it or not. */
import { Option, type Command } from "commander";
import { FAMILIES } from "../fast-bgp-codec/family.js";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { wholeNumber } from "./numbers.js";
import { formatChange, formatDecision, type ExplainAnswer } from "./policy-wire.js";
import { wrap } from "./text.js";

interface Options {
  readonly family?: string;
  readonly type?: number;
  readonly rd?: string;
  readonly mac?: string;
  readonly ip?: string;
  readonly vni?: number;
}

/** @param explain the command `explain` */
export function addExplainRoute(explain: Command, host: CliHost): void {
  explain
    .command("route")
    .description("why a route is accepted, best and sent, or not: the rules that decided")
    .option("--mac <mac>", "routes with this MAC")
    .option("--ip <ip>", "routes with this address or prefix")
    .option("--rd <rd>", "routes with this route distinguisher")
    .option("--vni <number>", "routes with this VNI", wholeNumber)
    .option("--type <number>", "EVPN routes of this type", wholeNumber)
    .addOption(
      new Option("--family <family>", "routes of this family").choices(
        FAMILIES.map((spec) => spec.name),
      ),
    )
    .action(async (options: Options, command: Command) => {
      const { family, type, rd, mac, ip, vni } = options;
      const query = { family, type, rd, mac, ip, vni };
      const answer = await clientOf(command, host).get<ExplainAnswer>("/v1/policy/explain", query);
      if (answer.routes.length === 0) throw new CliError(EXIT.notFound, "no route is like that");
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatRoutes(answer, host.columns));
    });
}

export function formatRoutes({ routes, cut }: ExplainAnswer, width: number): string {
  const lines = routes.flatMap(({ prefix, paths, receivers }) => [
    wrap(prefix, width, "", ""),
    ...paths.flatMap((path) => [
      wrap(`${path.best ? "*>" : "* "} from ${path.peer}: ${path.reason}`, width, "     ", "  "),
      wrap(`import: ${formatDecision(path.import)}`, width, "       ", "     "),
      ...path.attributes.map((change) => wrap(formatChange(change), width, "         ", "       ")),
    ]),
    ...receivers.flatMap((one) => [
      wrap(`${one.sent ? "->" : "x "} ${one.peer}: ${one.reason}`, width, "     ", "  "),
      wrap(`export: ${formatDecision(one.export)}`, width, "       ", "     "),
      ...one.attributes.map((change) => wrap(formatChange(change), width, "         ", "       ")),
    ]),
  ]);
  return lines.join("") + (cut ? "More routes than shown: say more of the one you mean.\n" : "");
}
