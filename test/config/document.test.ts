/** Texts that would overwhelm the parser, or make it quote a secret: each is an issue, and nothing throws. */
import { describe, expect, test } from "vitest";
import { parseYaml } from "../../src/config/index.js";

const chain = Array.from({ length: 200 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}]`).join("\n");
const bomb = Array.from(
  { length: 9 },
  (_, n) => `b${n + 1}: &b${n + 1} [${Array<string>(9).fill(`*b${n}`).join(",")}]`,
).join("\n");

describe("texts that are refused", () => {
  test.each([
    ["brackets without end", "[".repeat(200_000), "nested more than"],
    ["braces without end", "{a: ".repeat(100_000), "nested more than"],
    ["brackets, a line each", "[\n".repeat(200_000), "nested more than"],
    ["lists in lists", "- ".repeat(200_000), "nested more than"],
    ["keys of keys", "? ".repeat(200_000), "nested more than"],
    ["an indentation beyond reason", `a:\n${" ".repeat(5000)}b: 1\n`, "nested more than"],
    ["a staircase", staircase(300), "nested more than"],
    ["an alias without an anchor", "a: *b\n", "an alias"],
    ["an alias of itself", "a: &a {b: *a}\n", "nested more than"],
    ["a chain of aliases", `a0: &a0 [1]\n${chain}\n`, "an alias"],
    ["aliases that multiply", `b0: &b0 [1]\n${bomb}\n`, "an alias"],
    ["colons", `[${": ".repeat(100_000)}`, "not valid YAML"],
  ])("%s", (_name, text, words) => {
    const { data, issues } = parseYaml(text, "x.yaml");
    expect(data).toBeUndefined();
    expect(issues[0]?.message).toContain(words);
    expect(issues[0]?.remedy).not.toBe("");
  });

  test("a line is named", () => {
    expect(parseYaml(`as: 1\nx: ${"[".repeat(200)}\n`, "x.yaml").issues[0]?.line).toBe(2);
  });
});

test("maps with very many keys cost no more than those keys", () => {
  const lines = Array.from({ length: 40_000 }, (_, n) => `k${n}: 1`);
  const begun = performance.now();
  const { data, locate } = parseYaml(lines.join("\n"), "x.yaml");
  expect(Object.keys(data as object)).toHaveLength(lines.length);
  for (let n = 0; n < lines.length; n++) expect(locate([`k${n}`], true).line).toBe(n + 1);
  // Minutes when every key is compared with every other.
  expect(performance.now() - begun).toBeLessThan(40_000);
});

test.each([
  ["a: 1\nb: 2\na: 3\n", 3],
  ["x:\n  - {a: 1, a: 2}\n", 2],
  ["x: &m {c: {b: 1, b: 2}}\ny: *m\n", 1],
])("a key that stands twice is named: %j", (text, line) => {
  const { data, issues } = parseYaml(text, "x.yaml");
  expect(data).toBeUndefined();
  expect(issues).toHaveLength(1);
  expect(issues[0]).toMatchObject({ line, remedy: "keep one of them" });
});

test("a secret that lacks its quotes is in no message", () => {
  for (const before of [
    "*",
    ">",
    "|",
    "&a *",
    "!",
    "!!",
    "!<",
    "%",
    "@",
    "`",
    '"\\',
    "- ",
    "? ",
    ": ",
    "[",
    "{",
    "'",
  ]) {
    for (const after of ["", ": x", "]", "\n  more", "\n\tx: y", " !x %"]) {
      const { issues } = parseYaml(`peers:\n- password: ${before}hunter2${after}\n`, "x.yaml");
      expect(JSON.stringify(issues)).not.toMatch(/hunter2?/);
    }
  }
  expect(JSON.stringify(parseYaml("%hunter2\n---\na: 1\n", "x.yaml").issues)).not.toContain(
    "hunter",
  );
});

test("a file of ordinary depth with odd texts passes", () => {
  const text = `# ${"[".repeat(500)}\na: "${"[{".repeat(200)}"\nb:\n  - |\n    ${"- ".repeat(200)}\n  - c: [[1], {d: [2]}]\n`;
  expect(parseYaml(text, "x.yaml").issues).toEqual([]);
});

/** Each level a column further in. */
function staircase(levels: number): string {
  return Array.from({ length: levels }, (_, n) => `${" ".repeat(n)}k:`).join("\n");
}
