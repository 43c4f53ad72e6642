/**
 * The table in docs/radius.md names, for each requirement of the relay, the files with tests whose names begin
 * with it: made of the tests, so that a requirement without one, and a file without the test, is a failure.
 * EVPND_UPDATE_DOCS=1 npx vitest run test/docs
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { format } from "prettier";
import { expect, test } from "vitest";
import { homeServerCounters, listenerCounters } from "../../src/radius/statistics/counters.js";
import { REQUIREMENTS } from "./lib/radius-requirements.js";

const PAGE = "docs/radius.md";
const BEGIN = "<!-- requirements: made by test/docs/radius-requirements.test.ts -->";
const END = "<!-- end of requirements -->";

const ROW = /^\| (RAD-\d\d) +\|[^|]*\|([^|]*)\|$/gm;

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
    for (const [, ids = ""] of text.matchAll(/["'`]((?:RAD-\d\d(?:, )?)+): /g)) {
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
  expect(Object.keys(REQUIREMENTS).filter((id) => !tests.has(id))).toEqual([]);
  expect([...tests.keys()].filter((id) => REQUIREMENTS[id] === undefined)).toEqual([]);
  const rows = Object.entries(REQUIREMENTS).map(([id, what]) => {
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
  const wrong = Object.keys(REQUIREMENTS).filter((id) => {
    const files = listed.get(id) ?? [];
    return files.length === 0 || files.some((file) => tests.get(id)?.has(file) !== true);
  });
  expect(wrong, "EVPND_UPDATE_DOCS=1 writes the table").toEqual([]);
});

test("RAD-33: the sums that docs/radius.md prints name every counter that is an outcome, once", () => {
  const page = readFileSync(PAGE, "utf8");
  const [listener = "", home = ""] = [...page.matchAll(/```\n(received = [^`]*)```/g)].map(
    ([, sums]) => sums,
  );
  const terms = (text: string) => [...text.matchAll(/[a-zA-Z]+/g)].map(([word]) => word).sort();
  // Parts of requests and responses, shown beside them.
  const parts = [
    ...["starts", "stops", "interims"],
    ...["startResponses", "stopResponses", "interimResponses"],
  ];
  const outcomes = Object.keys(listenerCounters()).filter((name) => !parts.includes(name));
  expect(terms(listener)).toEqual([...outcomes, "requests"].sort());
  const ours = ["sent", "resent", "probes", "latency", "latencySumMs"];
  const heard = Object.keys(homeServerCounters()).filter((name) => !ours.includes(name));
  expect(terms(home)).toEqual(heard.sort());
});
