/** Files that became something else since the start: each is an issue, at once, and none is waited for. */
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadConfig } from "../../src/config/index.js";
import { CONFIG_MAX, readTextFile } from "../../src/config/text-file.js";

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-text-file-"));
  const at = (name: string): string => join(directory, name);
  mkdirSync(at("directory"));
  execFileSync("mkfifo", [at("pipe")]);
  symlinkSync(at("circle"), at("circle"));
  symlinkSync("/dev/zero", at("zero"));
  writeFileSync(at("large"), `# ${"x".repeat(CONFIG_MAX)}\n`);
  writeFileSync(at("binary"), Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0xff, 0xfe));
  writeFileSync(at("zeros"), new Uint8Array(100));
  writeFileSync(at("empty"), "");
  writeFileSync(at("good.yaml"), "as: 65000\nrouter-id: 10.0.0.1\n", { mode: 0o640 });
});
afterAll(() => rmSync(directory, { recursive: true }));

const HOSTILE = [
  ["missing", "the file cannot be read (ENOENT); check the path"],
  ["directory", "(EISDIR); that is a directory"],
  ["pipe", "(not a regular file)"],
  ["circle", "(ELOOP)"],
  ["zero", "(not a regular file)"],
  ["large", "(too large); evpnd takes at most 4096 KiB"],
  ["binary", "(not UTF-8 text)"],
  ["zeros", "(not UTF-8 text)"],
] as const;

describe("a configuration file that is", () => {
  test.each(HOSTILE)("%s", (name, words) => {
    const result = loadConfig({ file: join(directory, name) });
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.issues).toHaveLength(1);
    expect(`${result.issues[0]?.message ?? ""}; ${result.issues[0]?.remedy ?? ""}`).toContain(
      words,
    );
  });

  test("empty", () => {
    const result = loadConfig({ file: join(directory, "empty") });
    expect(result).toMatchObject({ ok: false, issues: [{ message: "the file is empty" }] });
  });
});

describe("a key file that is", () => {
  test.each(HOSTILE.filter(([name]) => name !== "large"))("%s", (name) => {
    const peer = `peers: [{address: 10.0.0.2, password-file: ${name}}]`;
    const text = `as: 65000\nrouter-id: 10.0.0.1\n${peer}\n`;
    const result = loadConfig({ file: join(directory, "good.yaml"), text });
    expect(result.ok).toBe(false);
    if (result.ok) return;
    expect(result.issues[0]?.message).toMatch(/cannot be read \(|first line .* is empty/);
  });
});

test("a regular file gives its text and permissions, at most as much as is asked for", () => {
  const file = join(directory, "good.yaml");
  expect(readTextFile(file, 100)).toEqual({
    text: "as: 65000\nrouter-id: 10.0.0.1\n",
    mode: 0o640,
  });
  expect(() => readTextFile(file, 10)).toThrow("too large");
});
