/** evpnctl config show, diff, reload, confirm, rollback, against the HTTP door. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type ConfigBackend, type HttpDoor } from "../../src/api/index.js";
import { silentLog } from "../../src/util/log.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

let door: HttpDoor | undefined;
let calls: unknown[][];
let pending: { secondsLeft: number } | undefined;
let refuse: boolean;
let top: string;

beforeEach(async () => {
  calls = [];
  pending = undefined;
  refuse = false;
  top = mkdtempSync(join(tmpdir(), "evpnctl-"));
  const answer = (call: unknown[], line: string) => {
    calls.push(call);
    return Promise.resolve({ ok: !refuse, lines: [line] });
  };
  const config: ConfigBackend = {
    running: () => ({
      file: "/etc/evpnd/evpnd.yaml",
      loaded: 1_700_000_100_000,
      pending,
      configuration: { as: 65000, peers: [{ address: "10.0.0.1", password: "[hidden]" }] },
    }),
    diff(text) {
      calls.push(["diff", text]);
      const key = { key: "hold-time", before: "90", after: "30" };
      return Promise.resolve({
        ok: !refuse,
        issues: refuse ? ["candidate:1:1: as: wrong; correct it"] : [],
        changes: [
          { subject: "peer 10.0.0.1", effect: "reset", keys: [key], sessions: ["10.0.0.1"] },
        ],
        lines: [
          "peer 10.0.0.1: session reset: hold-time 90 -> 30; 1 session ends: 10.0.0.1, which is long",
        ],
      });
    },
    confirm: () => answer(["confirm"], "confirmed"),
    rollback: () => answer(["rollback"], "log level info"),
    pending: () => pending,
  };
  door = await openHttpDoor(
    {
      control: new FakeControl(),
      log: silentLog,
      config,
      reload: (seconds) => answer(["reload", seconds], "10.0.0.1: reset, hold-time changed"),
      metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
    },
    { listen: { address: "127.0.0.1", port: 0 }, allowedHosts: [] },
  );
});
afterEach(async () => {
  await door?.close();
  rmSync(top, { recursive: true });
});

const run = (words: string) => evpnctl(words, { url: `http://${door?.address}` });

describe("reload", () => {
  test("under both names, with a time to confirm", async () => {
    expect(await run("reload")).toEqual({
      code: 0,
      out: "10.0.0.1: reset, hold-time changed\n",
      err: "",
    });
    for (const time of ["60s", "5m", "1h", "7"]) await run(`config reload --confirm ${time}`);
    expect(calls.map(([, seconds]) => seconds)).toEqual([undefined, 60, 300, 3600, 7]);
  });

  test.each(["0s", "2d", "soon", "25h"])("a time of %s is none", async (time) => {
    const { code, err } = await run(`reload --confirm ${time}`);
    expect(code).toBe(2);
    expect(err).toContain("It must be a time from 1s to 24h");
  });

  test("refused: why, and exit code 5", async () => {
    refuse = true;
    const { code, err } = await run("config reload");
    expect(code).toBe(5);
    expect(err).toContain("the running configuration stays");
  });
});

test("confirm and rollback", async () => {
  expect((await run("config confirm")).out).toBe("confirmed\n");
  expect((await run("config rollback")).out).toBe("log level info\n");
  expect(calls).toEqual([["confirm"], ["rollback"]]);
});

describe("show", () => {
  test("is YAML, with what waits on top", async () => {
    pending = { secondsLeft: 17 };
    expect((await run("config show")).out).toBe(
      "# /etc/evpnd/evpnd.yaml, in force for 00:01:00\n" +
        "# goes back in 17 s unless confirmed\n" +
        'as: 65000\npeers:\n  - address: 10.0.0.1\n    password: "[hidden]"\n',
    );
    expect((await run("show summary")).out).toContain(
      "Reload:       goes back in 17 s unless confirmed",
    );
  });

  test("summary says nothing when nothing waits", async () => {
    expect((await run("show summary")).out).not.toContain("Reload:");
    expect((await run("config show --json")).out).toContain('"configuration"');
  });
});

describe("diff", () => {
  test("of the daemon's own file, or of one given; 80 columns", async () => {
    const file = join(top, "next.yaml");
    writeFileSync(file, "as: 65001\n");
    const { code, out } = await run("config diff");
    expect(code).toBe(0);
    expect(out.split("\n").every((line) => line.length <= 80)).toBe(true);
    expect(out).toContain("1 session ends: 10.0.0.1");
    await run(`config diff ${file}`);
    expect(calls).toEqual([
      ["diff", undefined],
      ["diff", "as: 65001\n"],
    ]);
    expect(JSON.parse((await run("config diff --json")).out)).toMatchObject({
      changes: [{ subject: "peer 10.0.0.1", effect: "reset" }],
    });
  });

  test("of a bad file: its faults, and exit code 1", async () => {
    refuse = true;
    const file = join(top, "next.yaml");
    writeFileSync(file, "as: no\n");
    const { code, out } = await run(`config diff ${file}`);
    expect(code).toBe(1);
    // The name of the file that was given, not of the daemon's own.
    expect(out.replaceAll(/\s+/g, " ")).toContain(
      `${file}:1:1: as: wrong; correct it evpnd would refuse this file`,
    );
  });

  test("of a file that is not there", async () => {
    expect((await run("config diff /nowhere/x.yaml")).err).toContain("cannot be read (ENOENT)");
  });
});
