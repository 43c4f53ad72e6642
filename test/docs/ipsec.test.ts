/** docs/ipsec.md names every finding, and for every requirement tests that are there. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FINDINGS, findingSpec, type FindingCode } from "../../src/ipsec/check/index.js";
import { testsByRequirement } from "./lib/requirements.js";

const page = readFileSync("docs/ipsec.md", "utf8");
const rows = page.split("\n").filter((line) => line.startsWith("|"));
const cells = (line: string) => line.split("|").map((cell) => cell.trim());

test("every finding stands in the page with its severity and meaning, and no other", () => {
  const listed = new Map(
    rows.flatMap((line) => {
      const [, code = "", severity, meaning] = cells(line);
      const name = /^`([a-z0-9-]+)`$/.exec(code)?.[1];
      return name === undefined || !/^(error|warning|info|opt-in)$/.test(severity ?? "")
        ? []
        : [[name, `${severity}: ${meaning}`]];
    }),
  );
  const wanted = (Object.keys(FINDINGS) as FindingCode[]).map((code) => {
    const { severity, insecure, meaning } = findingSpec(code);
    return [code, `${insecure === true ? "opt-in" : severity}: ${meaning}`];
  });
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(wanted));
});

test("every requirement has a row whose tests name it", () => {
  const tests = testsByRequirement("IPS");
  const wrong = rows.flatMap((line) => {
    const [, id = "", , cell = ""] = cells(line);
    if (!/^IPS-\d\d$/.test(id)) return [];
    const named = [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => `${name}.test.ts`);
    if (named.length === 0) return [`${id}: no test`];
    return named
      .filter((file) => tests.get(id)?.has(file) !== true)
      .map((file) => `${id}: no test is named so in test/${file}`);
  });
  expect(wrong).toEqual([]);
});

test("no requirement lacks a row", () => {
  const ranges = [
    [1, 27],
    [30, 35],
    [40, 64],
    [70, 76],
    [80, 96],
  ] as const;
  const wanted = ranges.flatMap(([from, to]) =>
    Array.from({ length: to - from + 1 }, (_, n) => `IPS-${String(from + n).padStart(2, "0")}`),
  );
  const listed = rows.map((line) => cells(line)[1] ?? "");
  expect(wanted.filter((id) => !listed.includes(id))).toEqual([]);
});
