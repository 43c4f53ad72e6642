/** evpnctl asmn agent: what it prints, and its exit codes, in this process against a Sec-EM of the test. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { runProgram } from "../../src/cli/program.js";
import type { CliHost } from "../../src/cli/host.js";
import { AgentRun, removeScratch, scratch } from "../asmn/agent/lib/agent-run.js";
import { MiniSecEm } from "../asmn/agent/lib/mini-sec-em.js";

const NAMES = { tenant: "blue", vnf: "edge", instance: "edge-1" };

let secEm: MiniSecEm;
let file: string;
let run: AgentRun;

beforeEach(async () => {
  secEm = new MiniSecEm();
  await secEm.start();
  run = new AgentRun(NAMES, [secEm.port], secEm.rootKey);
  file = join(run.settings.stateDirectory, "agent.yaml");
  writeFileSync(
    file,
    [
      ...["tenant: blue", "vnf: edge", "instance: edge-1", "state-dir: .", "token-file: token"],
      `sec-em: ["127.0.0.1:${String(secEm.port)}"]`,
      `root-keys: ["${secEm.rootKey}"]`,
      `image: {path: "${join(scratch(), "image")}"}`,
      "",
    ].join("\n"),
  );
});
afterEach(() => secEm.kill());
afterAll(removeScratch);

async function evpnctl(
  ...words: readonly string[]
): Promise<{ code: number; out: string; err: string }> {
  let [out, err] = ["", ""];
  const host: CliHost = {
    out: (text) => void (out += text),
    err: (text) => void (err += text),
    columns: 80,
    env: {},
    now: () => Date.now(),
    readStdin: () => Promise.resolve(new Uint8Array(0)),
    interrupted: () => new Promise(() => undefined),
    code: 0,
  };
  const code = await runProgram(["asmn", "agent", ...words], host);
  return { code, out, err };
}

describe("evpnctl asmn agent", () => {
  test("key: made once, hexadecimal, also as JSON", async () => {
    const first = await evpnctl("key", "-c", file);
    expect(first.out).toMatch(/^[0-9a-f]{64}\n$/);
    const again = await evpnctl("key", "-c", file, "--json");
    expect(JSON.parse(again.out)).toEqual({ "public-key": first.out.trim() });
  });

  test("a file that is wrong: its faults with their places, and 2", async () => {
    writeFileSync(file, readFileSync(file, "utf8").replace("tenant:", "tennant:"));
    const { code, err } = await evpnctl("run", "-c", file);
    expect(code).toBe(2);
    expect(err).toContain('did you mean "tenant"?');
    expect((await evpnctl("key", "-c", join(scratch(), "none.yaml"))).err).toContain("ENOENT");
  });

  test("run --once: 5 without a token, 3 without a Sec-EM; status before and after", async () => {
    expect(await evpnctl("status", "-c", file)).toMatchObject({ code: 3, out: "" });
    // The settings in this process: an image is hashed in a thread only by what is built.
    const end = await run.once();
    expect(end).toMatchObject({ kind: "refused", reason: "unknown" });
    const { code, out } = await evpnctl("status", "-c", file);
    expect(code).toBe(1);
    expect(out).toContain("has no token");
    expect(out).toContain("address-bound");
    expect(out.split("\n").every((line) => line.length <= 80)).toBe(true);
  });

  test("status of one that is gone says so", async () => {
    await run.once();
    const path = join(run.settings.stateDirectory, "status.json");
    const status = JSON.parse(readFileSync(path, "utf8")) as object;
    writeFileSync(path, JSON.stringify({ ...status, pid: 2 ** 22 + 1 }));
    const { code, err } = await evpnctl("status", "-c", file);
    expect([code, err]).toEqual([3, "evpnctl: the agent does not run (last seen unknown)\n"]);
  });
});
