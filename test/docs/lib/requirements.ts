/**
 * Requirements and the tests whose names begin with them. A page has a table that names, for each requirement, the
 * files with such tests: made of the tests, so that a requirement without one, and a file without the test, is a
 * failure.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { expect } from "vitest";

/** Files by requirement, below `test/`: a name begins with one of them or with several, a comma or "and" between. */
export function testsByRequirement(prefix: string): Map<string, Set<string>> {
  const names = new RegExp(`["'\`]((?:${prefix}-\\d\\d(?:, | and )?)+): `, "g");
  const found = new Map<string, Set<string>>();
  const files = readdirSync("test", { recursive: true, encoding: "utf8" }).sort();
  for (const file of files.filter((name) => name.endsWith(".test.ts"))) {
    for (const [, ids = ""] of readFileSync(`test/${file}`, "utf8").matchAll(names)) {
      for (const id of ids.split(/, | and /)) {
        found.set(id, (found.get(id) ?? new Set<string>()).add(file));
      }
    }
  }
  return found;
}

export interface RequirementTable {
  /** `docs/radius.md`. */
  readonly page: string;
  /** Of the requirements: `RAD`. */
  readonly prefix: string;
  /** In the order of the table, with what each is in short. */
  readonly requirements: Readonly<Record<string, string>>;
  /** The test that makes the table, as the page names it. */
  readonly madeBy: string;
}

/** Each requirement has tests, each test a requirement, and the page names them. EVPND_UPDATE_DOCS=1 writes it. */
export async function checkRequirements(table: RequirementTable): Promise<void> {
  const { page, prefix, requirements } = table;
  const tests = testsByRequirement(prefix);
  const ids = Object.keys(requirements);
  expect(ids.filter((id) => !tests.has(id))).toEqual([]);
  expect([...tests.keys()].filter((id) => requirements[id] === undefined)).toEqual([]);
  if (process.env["EVPND_UPDATE_DOCS"] === "1") await write(table, tests);
  const listed = listedIn(readFileSync(page, "utf8"), prefix);
  const wrong = ids.filter((id) => {
    const files = listed.get(id) ?? [];
    return files.length === 0 || files.some((file) => tests.get(id)?.has(file) !== true);
  });
  expect(wrong, "EVPND_UPDATE_DOCS=1 writes the table").toEqual([]);
}

function listedIn(text: string, prefix: string): Map<string, string[]> {
  const row = new RegExp(`^\\| (${prefix}-\\d\\d) +\\|[^|]*\\|([^|]*)\\|$`, "gm");
  const listed = new Map<string, string[]>();
  for (const [, id = "", files = ""] of text.matchAll(row)) {
    const names = [...files.matchAll(/`([^`]+)`/g)].map(([, file = ""]) => file);
    listed.set(id, names);
  }
  return listed;
}

async function write(
  { page, requirements, madeBy }: RequirementTable,
  tests: ReadonlyMap<string, ReadonlySet<string>>,
): Promise<void> {
  const rows = Object.entries(requirements).map(([id, what]) => {
    const files = [...(tests.get(id) ?? [])].map((file) => `\`${file}\``);
    return `| ${id} | ${what} | ${files.join(", ")} |`;
  });
  const begin = `<!-- requirements: made by ${madeBy} -->`;
  const head = "| requirement | | tests in `test/` |\n| --- | --- | --- |";
  const [before = "", rest = ""] = readFileSync(page, "utf8").split(begin);
  const after = rest.slice(rest.indexOf("<!-- end of requirements -->"));
  const made = `${before}${begin}\n\n${head}\n${rows.join("\n")}\n\n${after}`;
  writeFileSync(page, await format(made, { parser: "markdown", printWidth: 100 }));
}
