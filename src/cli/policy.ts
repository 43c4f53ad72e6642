/** evpnctl policy show, policy test: the rules in force, and what other ones would change. */
import { readFileSync } from "node:fs";
import { InvalidArgumentError, Option, type Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatChange, formatDecision, type PolicyAnswer, type TestAnswer } from "./policy-wire.js";
import { formatTable, wrap } from "./text.js";

export function addPolicy(program: Command, host: CliHost): void {
  const policy = program.command("policy").description("import and export rules");
  policy
    .command("show")
    .description("policies, their rules and how often each matched")
    .argument("[name]", "this policy alone")
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const { policies } = await clientOf(command, host).get<{
        policies: readonly PolicyAnswer[];
      }>("/v1/policy");
      const shown = policies.filter((one) => name === undefined || one.name === name);
      if (name !== undefined && shown.length === 0) {
        throw new CliError(EXIT.notFound, `there is no policy ${name}; policy show lists them`);
      }
      if (wantsJson(command)) printJson(host, shown);
      else host.out(formatPolicies(shown, host.columns));
    });

  policy
    .command("test")
    .description("what a file's policies would change on the live table, without changing it")
    .argument("<file>", "a configuration file, or policies and policy-sets alone")
    .option("--peer <address>", "routes from and to this peer alone")
    .addOption(new Option("--direction <way>", "one way alone").choices(["in", "out"]))
    .option("--examples <number>", "routes shown of each peer; default: 20, at most 1000", count)
    .action(async (file: string, options: TestOptions, command: Command) => {
      const { peer, direction, examples } = options;
      const body = { text: textOf(file), peer, direction, examples };
      const answer = await clientOf(command, host).post<TestAnswer>("/v1/policy/test", {}, body);
      if (wantsJson(command)) printJson(host, answer);
      else host.out(formatTest(answer, host.columns));
    });
}

interface TestOptions {
  readonly peer?: string;
  readonly direction?: "in" | "out";
  readonly examples?: number;
}

function count(text: string): number {
  if (/^\d{1,4}$/.test(text) && Number(text) <= 1000) return Number(text);
  throw new InvalidArgumentError("It must be a number from 0 to 1000.");
}

/** What a file holds; a sentence when it cannot be read. */
export function textOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError(EXIT.usage, `${file} cannot be read (${code ?? "unknown error"})`);
  }
}

function formatPolicies(policies: readonly PolicyAnswer[], width: number): string {
  if (policies.length === 0) return "No policies.\n";
  const parts = policies.map(({ name, rules, importOf, exportOf }) => {
    const users = [
      importOf.length === 0 ? "" : `import of ${listed(importOf)}`,
      exportOf.length === 0 ? "" : `export of ${listed(exportOf)}`,
    ].filter((text) => text !== "");
    const used = users.length === 0 ? "used by no live session" : users.join("; ");
    const table = formatTable(
      rules,
      [
        { title: "#", value: (rule) => String(rule.number), right: true },
        { title: "Name", value: (rule) => rule.name },
        { title: "Hits", value: (rule) => String(rule.hits), right: true },
        { title: "Rule", value: (rule) => rule.text },
      ],
      width,
    );
    return wrap(`${name}: ${used}`, width, "  ", "") + table;
  });
  return parts.join("\n");
}

const LISTED = 5;

function listed(addresses: readonly string[]): string {
  const shown = addresses.slice(0, LISTED).join(", ");
  const more = addresses.length - LISTED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}

export function formatTest(answer: TestAnswer, width: number): string {
  const notes = answer.notes.map((note) => wrap(`Note: ${note}`, width, "  ", ""));
  const end = answer.complete ? "" : "It took too long and was ended: there may be more.\n";
  if (answer.peers.length === 0) {
    return [...notes, `No difference in ${answer.looked} destinations.\n`, end].join("");
  }
  const table = formatTable(
    answer.peers,
    [
      { title: "Peer", value: (peer) => peer.peer },
      { title: "Way", value: (peer) => peer.direction },
      { title: "Accepted", value: (peer) => String(peer.accepted), right: true },
      { title: "Rejected", value: (peer) => String(peer.rejected), right: true },
      { title: "Quarantined", value: (peer) => String(peer.quarantined), right: true },
      { title: "Changed", value: (peer) => String(peer.changed), right: true },
    ],
    width,
  );
  const details = answer.peers.flatMap((peer) => {
    const total = peer.accepted + peer.rejected + peer.quarantined + peer.changed;
    const more = total - peer.examples.length;
    const way = peer.direction === "in" ? "from" : "to";
    return [
      `\n${way} ${peer.peer}\n`,
      ...peer.examples.flatMap((one) => [
        wrap(`${SIGNS[one.change] ?? "?"} ${one.prefix} (from ${one.from})`, width, "    ", "  "),
        ...(one.before === undefined
          ? []
          : [wrap(`before: ${formatDecision(one.before)}`, width, "      ", "    ")]),
        ...(one.after === undefined
          ? []
          : [wrap(`after: ${formatDecision(one.after)}`, width, "      ", "    ")]),
        ...(one.change === "changed"
          ? one.attributes.map((change) => wrap(formatChange(change), width, "      ", "    "))
          : []),
      ]),
      ...(more > 0 ? [`  and ${more} more; --examples shows more\n`] : []),
    ];
  });
  return [...notes, table, ...details, end].join("");
}

const SIGNS: Readonly<Record<string, string>> = {
  accepted: "+",
  rejected: "-",
  quarantined: "q",
  changed: "~",
};
