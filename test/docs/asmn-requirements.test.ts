/**
 * The table in docs/asmn.md names, for each requirement of the trust checks, the files with tests whose names begin
 * with it: made of the tests, so that a requirement without one, and a file without the test, is a failure.
 * EVPND_UPDATE_DOCS=1 npx vitest run test/docs
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { expect, test } from "vitest";
import { ASMN_REQUIREMENTS } from "./lib/asmn-requirements.js";

const PAGE = "docs/asmn.md";
const BEGIN = "<!-- requirements: made by test/docs/asmn-requirements.test.ts -->";
const END = "<!-- end of requirements -->";
const ROW = /^\| (ASM-\d\d) +\|[^|]*\|([^|]*)\|$/gm;

async function write(rows: readonly string[]): Promise<void> {
  const head = "| requirement | | tests in `test/` |\n| --- | --- | --- |";
  const [before = "", rest = ""] = readFileSync(PAGE, "utf8").split(BEGIN);
  const after = rest.slice(rest.indexOf(END));
  const made = `${before}${BEGIN}\n\n${head}\n${rows.join("\n")}\n\n${after}`;
  writeFileSync(PAGE, await format(made, { parser: "markdown", printWidth: 100 }));
}

/** Files by requirement: a name begins with one of them or with several, a comma between. */
function testsByRequirement(): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const files = readdirSync("test", { recursive: true, encoding: "utf8" }).sort();
  for (const file of files.filter((name) => name.endsWith(".test.ts"))) {
    const text = readFileSync(`test/${file}`, "utf8");
    for (const [, ids = ""] of text.matchAll(/["'`]((?:ASM-\d\d(?:, )?)+): /g)) {
      for (const id of ids.split(", ")) {
        const names = found.get(id) ?? new Set<string>();
        found.set(id, names.add(file));
      }
    }
  }
  return found;
}

test("each requirement has tests, and the table names them", async () => {
  const tests = testsByRequirement();
  expect(Object.keys(ASMN_REQUIREMENTS).filter((id) => !tests.has(id))).toEqual([]);
  expect([...tests.keys()].filter((id) => ASMN_REQUIREMENTS[id] === undefined)).toEqual([]);
  const rows = Object.entries(ASMN_REQUIREMENTS).map(([id, what]) => {
    const files = [...(tests.get(id) ?? [])].map((file) => `\`${file}\``);
    return `| ${id} | ${what} | ${files.join(", ")} |`;
  });
  if (process.env["EVPND_UPDATE_DOCS"] === "1") await write(rows);
  const listed = new Map<string, string[]>();
  for (const [, id = "", files = ""] of readFileSync(PAGE, "utf8").matchAll(ROW)) {
    listed.set(
      id,
      [...files.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file),
    );
  }
  const wrong = Object.keys(ASMN_REQUIREMENTS).filter((id) => {
    const files = listed.get(id) ?? [];
    return files.length === 0 || files.some((file) => tests.get(id)?.has(file) !== true);
  });
  expect(wrong, "EVPND_UPDATE_DOCS=1 writes the table").toEqual([]);
});
