/** The tables of docs/policy.md: what a rule can ask, and what it can set. */
import { policiesSchema } from "../../../src/config/policy-schema.js";
import type { SchemaNode } from "../../../src/config/schema-node.js";

export function renderPolicy(): string {
  const rule = asNode(asNode(policiesSchema.additionalProperties).items).properties ?? {};
  return [
    "### Conditions (`match`)",
    table("condition", rows(asNode(rule["match"]))),
    "### Actions (`set`)",
    table("action", rows(asNode(rule["set"]))),
  ].join("\n\n");
}

type Row = readonly [name: string, meaning: string];

/** A block's keys, each with its description, the keys of blocks inside it behind. */
function rows(block: SchemaNode, path = ""): Row[] {
  return Object.entries(block.properties ?? {}).flatMap(([key, node]) => {
    const own: Row = [`${path}${key}`, node.description ?? ""];
    // Lists of communities all have the same three keys, explained in the text.
    const inner = node.properties?.["delete"] === undefined && node.type === "object";
    return inner ? rows(node, `${path}${key}.`) : [own];
  });
}

function asNode(value: boolean | SchemaNode | undefined): SchemaNode {
  return typeof value === "object" ? value : {};
}

function table(title: string, list: readonly Row[]): string {
  const lines = list.map(([name, text]) => `| \`${name}\` | ${text.replaceAll("|", "\\|")} |`);
  return [`| ${title} | meaning |`, "| --- | --- |", ...lines].join("\n");
}
