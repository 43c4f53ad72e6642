/** The list of what takes long names test files that are there, each once. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { LONGEST } from "./longest-first.js";

test("every test file that is said to take long exists, and is named once", () => {
  const folder = join(import.meta.dirname, "..");
  expect(LONGEST.filter((name) => !existsSync(join(folder, `${name}.test.ts`)))).toEqual([]);
  expect(new Set(LONGEST).size).toBe(LONGEST.length);
});
