/**
 * Every option of the schema, once: its values stand among those that the edits draw from, and each of
 * them, taken over by a reload, gives what a fresh start with the same file gives.
 */
import { describe, expect, test } from "vitest";
import { configSchema, type SchemaNode } from "../../src/config/schema.js";
import { firstDraft, optionEdits, textOf, topEdits, type Draft } from "./lib/edits.js";
import { compareWithFreshStart, load, Rig } from "./lib/rig.js";
import { ROLES } from "./lib/roles.js";
import { OPTION_VALUES, TOP_VALUES } from "./lib/values.js";

/** Paths of a schema's keys: `limits.in[].maximum`, `key-chains.*.keys[].id`. */
function keysOf(node: SchemaNode, path: string): string[] {
  if (node.items !== undefined) return keysOf(node.items, `${path}[]`);
  const own = Object.entries(node.properties ?? {}).flatMap(([name, inner]) =>
    keysOf(inner, path === "" ? name : `${path}.${name}`),
  );
  const more = node.additionalProperties;
  const named = typeof more === "object" ? keysOf(more, `${path}.*`) : [];
  return own.length + named.length > 0 ? [...own, ...named] : [path];
}

/** The same of a value; a scalar where the schema takes a list of them, too, is a list of one. */
function usedKeys(value: unknown, node: SchemaNode, path: string): string[] {
  if (node.items !== undefined) {
    const items: readonly unknown[] = Array.isArray(value) ? value : [value];
    return items.flatMap((item) => usedKeys(item, node.items!, `${path}[]`));
  }
  if (typeof value !== "object" || value === null) return [path];
  return Object.entries(value).flatMap(([name, inner]) => {
    const known = node.properties?.[name];
    if (known !== undefined) return usedKeys(inner, known, path === "" ? name : `${path}.${name}`);
    const more = node.additionalProperties;
    return typeof more === "object" ? usedKeys(inner, more, `${path}.*`) : [];
  });
}

const MADE_BY_EDITS = ["as", "peers", "peer-groups", "dynamic-peers"];

describe("the values cover", () => {
  const top = configSchema.properties ?? {};
  const peer = top["peers"]?.items?.properties ?? {};

  test("every option of peers", () => {
    const names = new Set([...Object.keys(peer), ...groupKeys(), ...rangeKeys()]);
    const known = [...Object.keys(OPTION_VALUES), ...OUTSIDE_OPTIONS];
    expect([...names].filter((name) => !known.includes(name))).toEqual([]);
    for (const [name, values] of Object.entries(OPTION_VALUES)) {
      covers(name, peer[name] ?? {}, values);
    }
  });

  test("every key at the top", () => {
    const known = [...Object.keys(TOP_VALUES), ...MADE_BY_EDITS];
    expect(Object.keys(top).filter((name) => !known.includes(name))).toEqual([]);
    for (const [name, values] of Object.entries(TOP_VALUES)) covers(name, top[name] ?? {}, values);
  });

  /** Of groups, peers and ranges: the edits make them. */
  const OUTSIDE_OPTIONS = ["address", "group", "prefix", "inherits", "max-peers", "allow", "deny"];

  function groupKeys(): string[] {
    const group = top["peer-groups"]?.additionalProperties;
    return typeof group === "object" ? Object.keys(group.properties ?? {}) : [];
  }

  function rangeKeys(): string[] {
    return Object.keys(top["dynamic-peers"]?.items?.properties ?? {});
  }

  function covers(name: string, node: SchemaNode, values: readonly unknown[]): void {
    const used = new Set(values.flatMap((value) => usedKeys(value, node, name)));
    // A block that can also be a word: `bfd: true`.
    expect(keysOf(node, name).filter((key) => !used.has(key))).toEqual([]);
  }
});

/** Edits one after another on one rig; each compared with a fresh start. */
async function inTurn(
  edits: readonly { name: string; edit: (draft: Draft) => void }[],
): Promise<void> {
  const draft = firstDraft();
  const rig = new Rig(textOf(draft), ROLES);
  for (const { name, edit } of edits) {
    edit(draft);
    const text = textOf(draft);
    const result = load(text);
    expect(result.ok ? [] : result.issues, name).toEqual([]);
    const lines = await rig.reload(text);
    expect(await compareWithFreshStart(rig, text), `${name}\n${lines.join("\n")}`).toEqual([]);
  }
}

describe("a reload is a fresh start, with", () => {
  for (const [name, edits] of optionEdits()) {
    test(name, { timeout: 60_000 }, () => inTurn(edits));
  }
  for (const [name, edits] of topEdits()) {
    test(`${name} at the top`, { timeout: 60_000 }, () => inTurn(edits));
  }
});
