/** A large configuration is read in a thread: the same settings, the same issues, and the event loop goes on. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { loadConfig, parseYaml, type ConfigResult } from "../../src/config/index.js";
import { cutIssues } from "../../src/config/issue.js";
import { ConfigReader } from "../../src/config/reader.js";
import { bundleThread, type Bundle } from "../lib/thread.js";

let thread: Bundle;
let directory: string;

beforeAll(async () => {
  thread = await bundleThread("src/config/reader-thread.ts");
  directory = mkdtempSync(join(tmpdir(), "evpnd-reader-"));
});
afterAll(() => {
  thread.remove();
  rmSync(directory, { recursive: true, force: true });
});

const COMMENT = `# ${"x".repeat(78)}\n`.repeat(300);

function written(name: string, text: string): string {
  const file = join(directory, name);
  writeFileSync(file, text);
  return file;
}

function reader(file?: string): ConfigReader {
  return new ConfigReader({ file }, pathToFileURL(thread.entry));
}

/** Without what a comparison of two results has nothing to say of. */
function plain(result: ConfigResult): unknown {
  return JSON.parse(JSON.stringify(result));
}

function tunnels(count: number): string {
  const numbers = Array.from({ length: count }, (_, n) => n);
  const place = (n: number) => `${n >> 8}.${n & 255}`;
  const gateway = (name: string, address: string) =>
    `        - {name: ${name}, vendor: strongswan, address: ${address}, interfaces: [{name: eth0, zone: Untrust, addresses: [${address}/32]}]}\n`;
  return [
    "as: 65000\nrouter-id: 10.0.0.1\nlisten: []\nipsec:\n  local: hub\n  secrets: {file: secrets}\n  sites:\n    - name: all\n      gateways:\n",
    gateway("hub", "192.0.2.1"),
    ...numbers.map((n) => gateway(`spoke-${n}`, `198.18.${place(n)}`)),
    "  tunnels:\n",
    ...numbers.map(
      (n) =>
        `    - {name: t${n}, kind: policy-based, psk: key-${n}, ends: [{gateway: hub, interface: eth0, networks: [10.0.0.0/16]}, {gateway: spoke-${n}, interface: eth0, networks: [10.${64 + (n >> 8)}.${n & 255}.0/24]}]}\n`,
    ),
  ].join("");
}

test("shipped configurations, made large, are read alike by a thread, and frozen", async () => {
  let read = 0;
  for (const name of ["ipsec.yaml", "md5-gtsm.yaml", "policy.yaml"]) {
    const file = written(name, readFileSync(join("conf", name), "utf8") + COMMENT);
    const apart = await reader(file).load();
    expect([name, plain(apart)]).toEqual([name, plain(loadConfig({ file }))]);
    if (!apart.ok) continue;
    read++;
    expect(Object.isFrozen(apart.settings)).toBe(true);
    expect(Object.isFrozen(apart.settings.speaker)).toBe(true);
    expect(Object.isFrozen(apart.settings.speaker.peers)).toBe(true);
    // Members that are there and undefined count when settings are compared.
    expect(Object.keys(apart.settings)).toEqual(Object.keys(allOf(loadConfig({ file }))));
  }
  expect(read).toBeGreaterThan(1);
});

function allOf(result: ConfigResult): object {
  return result.ok ? result.settings : {};
}

test("while a file of 300 tunnels is read, everything else has its turns", async () => {
  const file = written("tunnels.yaml", tunnels(300));
  let turns = 0;
  let result: ConfigResult | undefined;
  void reader(file)
    .load()
    .then((one) => (result = one));
  while (result === undefined) {
    await new Promise((resolve) => setTimeout(resolve, 1));
    turns++;
  }
  expect(result.ok ? [] : result.issues.slice(0, 3)).toEqual([]);
  expect(result.ok && result.settings.ipsec?.model.tunnels.length).toBe(300);
  // In one stretch there would be one or two.
  expect(turns).toBeGreaterThan(10);
});

test("faults have their places, texts in the file's place their name, one after another", async () => {
  const file = written("bad.yaml", `${COMMENT}as: none\n`);
  const one = reader(file);
  const [bad, text, small] = await Promise.all([
    one.load(),
    one.load(`${COMMENT}ass: 1\n`),
    one.load("as: 65000\nrouter-id: 10.0.0.1\nlisten: []\n"),
  ]);
  expect(plain(bad)).toEqual(plain(loadConfig({ file })));
  expect(bad.ok ? [] : bad.issues).toMatchObject([{ file, line: 301 }]);
  expect(text.ok ? [] : text.issues[0]).toMatchObject({ file: "candidate" });
  expect(small.ok).toBe(true);
});

test("of any number of faults the first are told, errors before warnings, and how many more there are", async () => {
  const unknown = Array.from({ length: 20_000 }, (_, n) => `k${n}: 1\n`).join("");
  const result = await reader().load(`as: 65000\nrouter-id: 10.0.0.1\n${unknown}`);
  const issues = result.ok ? [] : result.issues;
  expect(issues).toHaveLength(501);
  expect(issues[0]).toMatchObject({ line: 3, message: 'unknown key "k0"' });
  expect(issues[499]).toMatchObject({ line: 502, message: 'unknown key "k499"' });
  expect(issues[500]).toMatchObject({
    severity: "error",
    line: 503,
    message: "19500 more from here on are not told",
  });
  const twice = await reader().part("a: 1\n".repeat(20_000), ["a"]);
  expect(twice.issues).toHaveLength(501);
  const group = (n: number) => `  g${n}: {}\n`;
  const warned = Array.from({ length: 600 }, (_, n) => ({
    ...issues[0]!,
    severity: n < 599 ? ("warning" as const) : ("error" as const),
    message: group(n),
  }));
  const cut = cutIssues(warned);
  expect(cut.filter(({ severity }) => severity === "error")).toEqual([warned[599]]);
  expect(cut).toHaveLength(501);
});

test("a part of a configuration is told from other texts, and read alike", async () => {
  for (const text of [`${COMMENT}policies: {p: []}\n`, `${COMMENT}a: [\n`, "a: 1\n"]) {
    const { data, issues } = parseYaml(text, "candidate");
    expect(await reader().part(text, ["policies", "a"])).toEqual({ part: data, issues });
  }
  for (const text of [`${COMMENT}policies: {}\nas: 1\n`, `${COMMENT}[1]\n`, "x\n"]) {
    expect(await reader().part(text, ["policies"])).toEqual({ part: undefined, issues: [] });
  }
});

test("a file that is not there, and a thread that dies: an issue that says what to do", async () => {
  const gone = await reader(join(directory, "none.yaml")).load();
  expect(gone.ok ? "" : gone.issues[0]?.message).toContain("ENOENT");
  const dying = written("dying.mjs", "process.exit(3);\n");
  const result = await new ConfigReader(
    { file: written("large.yaml", COMMENT) },
    pathToFileURL(dying),
  ).load();
  expect(result.ok ? [] : result.issues).toMatchObject([
    { severity: "error", message: "the thread that reads it ended (code 3)" },
  ]);
});
