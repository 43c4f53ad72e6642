/** evpnctl lint: the fabric check; exit code 1 when it finds something. */
import type { Command } from "commander";
import { CliError, EXIT } from "./exit.js";
import { clientOf, printJson, safeJson, wantsJson } from "./host.js";
import type { CliHost } from "./host.js";
import { formatTable, wrap } from "./text.js";

/** What evpnctl reads of the items of a check; see `wire.ts`. */
export interface LintAnswer {
  readonly type: string;
  readonly progress?: number | undefined;
  readonly finding?: FindingAnswer | undefined;
  readonly summary?:
    | {
        readonly rules: readonly {
          readonly rule: string;
          readonly findings: number;
          readonly more: number;
        }[];
        readonly looked: number;
        readonly milliseconds: number;
      }
    | undefined;
  readonly error?: { readonly message: string } | undefined;
}

export interface FindingAnswer {
  readonly rule: string;
  readonly severity: string;
  readonly subject: string;
  readonly message: string;
  readonly advice: string;
  readonly count: number;
  readonly routes: readonly {
    readonly route: string;
    readonly pe: string;
    readonly peer: string;
  }[];
}

export interface RuleAnswer {
  readonly id: string;
  readonly severity: string;
  readonly meaning: string;
}

interface Options {
  readonly rule?: readonly string[];
  readonly list?: boolean;
}

/** A check of a large table says how far it is, so often. */
const PROGRESS_MS = 5000;
const INDENT = "  ";

export function addLint(program: Command, host: CliHost): void {
  program
    .command("lint")
    .description("check the fabric's routes against each other; exit code 1 on a finding")
    .option("--rule <ids...>", "only these rules")
    .option("--list", "the rules there are")
    .action(async (options: Options, command: Command) => {
      const client = clientOf(command, host);
      const json = wantsJson(command);
      if (options.list === true) {
        const { rules } = await client.get<{ rules: RuleAnswer[] }>("/v1/lint/rules");
        if (json) printJson(host, rules);
        else host.out(rulesTable(rules, host.columns));
        return;
      }
      const rules = options.rule?.flatMap((text) => text.split(","));
      const query = rules === undefined ? {} : { rules: rules.join(",") };
      let spoke = host.now();
      let count = 0;
      for await (const line of client.lines("/v1/lint", query)) {
        const item = JSON.parse(line) as LintAnswer;
        if (item.error !== undefined) throw new CliError(EXIT.refused, item.error.message);
        if (item.type === "finding") host.code = EXIT.finding;
        if (json) {
          if (item.type !== "progress") host.out(`${safeJson(line)}\n`);
          continue;
        }
        if (item.finding !== undefined) {
          host.out(`${count++ === 0 ? "" : "\n"}${formatFinding(item.finding, host.columns)}`);
        }
        if (item.progress !== undefined && host.now() - spoke >= PROGRESS_MS) {
          spoke = host.now();
          host.err(`evpnctl: ${Math.floor(item.progress * 100)} % looked at\n`);
        }
        if (item.summary !== undefined) host.out(sumUp(item.summary));
      }
    });
}

export function formatFinding(finding: FindingAnswer, columns: number): string {
  const { rule, severity, message, advice, count, routes } = finding;
  const lines = routes.map(({ route, pe, peer }) => {
    const where = peer === "" || peer === pe ? pe : `${pe}, from peer ${peer}`;
    return wrap(`${route} of ${where}`, columns, `${INDENT}    `, `${INDENT}- `);
  });
  const more = count > routes.length ? `${INDENT}- and ${count - routes.length} more\n` : "";
  return (
    wrap(`${severity} ${rule}: ${message}`, columns, INDENT, "") +
    wrap(advice, columns, INDENT) +
    lines.join("") +
    more
  );
}

function sumUp({ rules, looked }: NonNullable<LintAnswer["summary"]>): string {
  const found = rules.filter(({ findings }) => findings > 0);
  if (found.length === 0)
    return `clean: ${rules.length} rules, ${looked} routes and MACs looked at\n`;
  const counts = found.map(({ rule, findings, more }) => {
    const rest = more > 0 ? ` and ${more} routes more that are not shown` : "";
    return `${rule} ${findings}${rest}`;
  });
  return `\n${counts.join(", ")}\n`;
}

function rulesTable(rules: readonly RuleAnswer[], columns: number): string {
  return formatTable(
    rules,
    [
      { title: "Rule", value: ({ id }) => id },
      { title: "Severity", value: ({ severity }) => severity },
      { title: "Meaning", value: ({ meaning }) => meaning },
    ],
    columns,
  );
}
