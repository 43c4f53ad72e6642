/** The parts of docs/ that are made from code: a table per registry, as Markdown. */
import type { Command } from "commander";
import { buildProgram } from "../../../src/cli/program.js";
import { configSchema } from "../../../src/config/schema.js";
import type { SchemaNode } from "../../../src/config/schema.js";
import { METRICS, PREFIX } from "../../../src/telemetry/metric-table.js";

export function renderMetrics(): string {
  const rows = METRICS.map((row) => {
    const labels = row.labels.map((label) => `\`${label}\``).join(", ");
    return `| \`${PREFIX}${row.name}\` | ${row.type} | ${labels} | ${row.help} |`;
  });
  return ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

export function renderConfiguration(): string {
  const top = configSchema.properties ?? {};
  const group = asNode(top["peer-groups"]?.additionalProperties).properties ?? {};
  const peer = asNode(top["peers"]?.items).properties ?? {};
  const range = asNode(top["dynamic-peers"]?.items).properties ?? {};
  const fib = top["fib"]?.properties ?? {};
  const shared = Object.keys(group).filter((key) => key in peer && key in range);
  const own = (properties: Readonly<Record<string, SchemaNode>>) =>
    Object.fromEntries(Object.entries(properties).filter(([key]) => !shared.includes(key)));
  const pick = Object.fromEntries(shared.map((key) => [key, asNode(group[key])]));
  return [
    "### Top level",
    table(top),
    "### `peers[]`: one peer",
    table(own(peer)),
    "### `dynamic-peers[]`: whoever connects from a prefix",
    table(own(range)),
    "### `peer-groups.NAME`",
    table(own(group)),
    "### Options of peers, dynamic peers and groups",
    table(pick),
    "### `fib`: the MAC FIB",
    table(fib),
    "### `fib.domains[]`",
    table(asNode(fib["domains"]?.items).properties ?? {}),
    "### `fib.duplicates`",
    table(fib["duplicates"]?.properties ?? {}),
    "### `http`",
    table(top["http"]?.properties ?? {}),
    "### `log`",
    table(top["log"]?.properties ?? {}),
  ].join("\n\n");
}

function asNode(value: boolean | SchemaNode | undefined): SchemaNode {
  return typeof value === "object" ? value : {};
}

function table(properties: Readonly<Record<string, SchemaNode>>): string {
  const rows = Object.entries(properties).map(
    ([key, node]) => `| \`${key}\` | ${kindOf(node)} | ${defaultOf(node)} | ${meaning(node)} |`,
  );
  return ["| key | value | default | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function kindOf(node: SchemaNode): string {
  if (node.enum !== undefined) return node.enum.map((value) => `\`${value}\``).join(", ");
  if (node.items !== undefined) {
    return node.items.type === "object" ? "list, below" : `list of ${kindOf(node.items)}`;
  }
  const types = typeof node.type === "string" ? [node.type] : (node.type ?? []);
  const range = node.maximum === undefined ? "" : ` ${node.minimum ?? 0}–${node.maximum}`;
  return types
    .map((type) => {
      if (type === "integer" || type === "number") return `number${range}`;
      if (type === "object") return "block, below";
      if (type === "boolean") return "`true`, `false`";
      if (node.pattern === "^any$") return "`any`";
      return FORMAT_WORDS[node.format ?? ""] ?? "text";
    })
    .join(" or ");
}

const FORMAT_WORDS: Readonly<Record<string, string>> = {
  ip: "address",
  "router-id": "dotted quad",
  endpoint: "address:port",
  "endpoint-or-off": "address:port or `off`",
  prefix: "prefix",
  "route-target": "route target",
  mac: "MAC",
  oui: "OUI",
};

function defaultOf(node: SchemaNode): string {
  const value = node.default;
  if (value === undefined || value === "") return "";
  return Array.isArray(value)
    ? value.map((item) => `\`${String(item)}\``).join(", ") || "none"
    : `\`${JSON.stringify(value).replaceAll('"', "")}\``;
}

function meaning(node: SchemaNode): string {
  return (node.description ?? "").replaceAll("|", "\\|");
}

export function renderCommands(): string {
  const nothing = () => {};
  const program = buildProgram({
    out: nothing,
    err: nothing,
    columns: 80,
    env: {},
    now: () => 0,
    readStdin: () => Promise.resolve(new Uint8Array()),
    interrupted: () => Promise.resolve(),
    code: 0,
  });
  return leaves(program)
    .map((command) => {
      const options = command.options
        .filter((option) => !option.hidden && !["--json", "--url"].includes(option.long ?? ""))
        .map((option) => `- \`${option.flags}\`: ${option.description}`);
      return [`### ${fullName(command)}`, sentence(command.description()), options.join("\n")]
        .filter((part) => part !== "")
        .join("\n\n");
    })
    .join("\n\n");
}

function leaves(command: Command): Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
}

function fullName(command: Command): string {
  const words: string[] = [];
  for (let here: Command | null = command; here !== null; here = here.parent) {
    words.unshift(here.name());
  }
  const values = command.registeredArguments.map((argument) => {
    const name = argument.argChoices?.join(" \\| ") ?? argument.name().toUpperCase();
    const more = argument.variadic ? "…" : "";
    return argument.required ? `${name}${more}` : `\\[${name}${more}\\]`;
  });
  return [...words, ...values].join(" ");
}

function sentence(text: string): string {
  return text === "" ? "" : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
