/** docs/ipsec.md names every finding, and for every requirement tests that are there. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { FINDINGS, findingSpec, type FindingCode } from "../../src/ipsec/check/index.js";

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

function testFiles(directory: string): string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (statSync(path).isDirectory()) return testFiles(path);
    return path.endsWith(".test.ts") ? [path] : [];
  });
}

test("every requirement has a row whose tests name it", () => {
  const texts = new Map<string, string>();
  const textOf = (path: string) => {
    const known = texts.get(path) ?? readFileSync(path, "utf8");
    texts.set(path, known);
    return known;
  };
  const all = testFiles("test");
  const wrong = rows.flatMap((line) => {
    const [, id = "", , tests = ""] = cells(line);
    if (!/^IPS-\d\d$/.test(id)) return [];
    const named = [...tests.matchAll(/`([^`]+)`/g)].map((match) => match[1]!);
    const files = all.filter((path) => named.some((name) => path === `test/${name}.test.ts`));
    if (files.length < named.length || named.length === 0) return [`${id}: no such test: ${tests}`];
    const names = (path: string) => textOf(path).matchAll(/["'`]((?:IPS-[0-9]{2}(?:, | and |))+)/g);
    const shows = (path: string) => [...names(path)].some((match) => match[1]!.includes(id));
    return files
      .filter((path) => !shows(path))
      .map((path) => `${id}: no test is named so in ${path}`);
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
