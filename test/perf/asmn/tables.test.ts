/** The paper's tables: what a row may say. */
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFile, PAIRS, paperRows } from "../../../perf/asmn/hashing.js";
import { PARTS } from "../../../perf/asmn/index.js";
import { judged, notRun, type PartOptions } from "../../../perf/asmn/part.js";
import { formatPaperTable } from "../../../perf/asmn/tables.js";

const options: PartOptions = {
  ...{ quick: false, directory: "/nonexistent", evpndMain: "main.js" },
  progress: () => undefined,
};

test("ASM-49: a limit that was not kept is printed as missed, and a quick run judges nothing", () => {
  expect(judged(true, options)).toBe("met");
  expect(judged(false, options)).toBe("missed");
  expect(judged(false, { ...options, quick: true })).toBe("shown");
});

test("ASM-49: the paper's figure stands beside ours, and what was not run says why", () => {
  const row = { ids: "ASM-41", what: "sha1", paper: "17.5 s" };
  const table = {
    title: "Table 2",
    rows: [
      { ...row, ours: "5.1 s", verdict: "shown" as const },
      ...notRun("Table 3", [{ ids: "ASM-45", what: "round trip", paper: "5 µs" }], "no root").rows,
    ],
  };
  expect(formatPaperTable(table).split("\n")).toEqual([
    "Table 2",
    "        what         paper   ours",
    "ASM-41  sha1        17.5 s  5.1 s    shown",
    "ASM-45  round trip    5 µs      –  not run  no root",
  ]);
});

test("ASM-49: every part has a name of its own", () => {
  const names = PARTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(names).toContain("hashing");
});

test("ASM-40, ASM-41, ASM-42, ASM-43: the paper's sizes and seconds, beside files that were really hashed", async () => {
  expect(PAIRS.map(({ sizes }) => sizes.map((size) => size / 1e9))).toEqual([
    [2.55, 3.72],
    [1.42, 3.14],
    [3.91, 2.55],
  ]);
  expect(PAIRS.map(({ id, paper }) => [id, ...Object.values(paper)])).toEqual([
    ["ASM-41", 16.2, 17.1, 17.5],
    ["ASM-42", 18.5, 19.4, 20.1],
    ["ASM-43", 16.2, 17.3, 18.3],
  ]);
  const directory = mkdtempSync(join(tmpdir(), "evpnd-asmn-"));
  try {
    const scale = 1e-4;
    for (const pair of PAIRS) {
      const files = pair.sizes.map((size, at) => makeFile(join(directory, `${at}`), size * scale));
      expect(files.map((file) => statSync(file).size)).toEqual(
        pair.sizes.map((size) => size * scale),
      );
      const [one, other] = files.map((file) => readFileSync(file));
      expect(one?.subarray(0, 64)).not.toEqual(other?.subarray(0, 64));
      const rows = await paperRows(pair, files, scale, { quick: true });
      expect(rows.map(({ what }) => what.split(",")[0])).toEqual(["crc32", "md5", "sha1"]);
      expect(rows[2]?.paper).toBe(`${(pair.paper.sha1 * scale).toFixed(3)} s`);
      for (const { ids, ours, verdict } of rows) {
        expect(verdict).toBe("shown");
        expect(ids).toBe(`${pair.id}, ASM-40`);
        expect(ours).toMatch(/^\d+\.\d+ s$/);
      }
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
});
