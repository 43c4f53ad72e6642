/** Commands of operators: what each can do wrong ends, and is said. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { runCommand } from "../../src/util/bounded-command.js";
import { until } from "../asmn/sec-em/lib/player.js";

const BOUNDS = { timeoutMs: 60_000, mostOutput: 1000 };
const shell = (script: string, bounds: Partial<Parameters<typeof runCommand>[1]> = {}) =>
  runCommand(["sh", "-c", script, "name"], { ...BOUNDS, ...bounds });
const text = (out: Uint8Array) => Buffer.from(out).toString();

describe("a command", () => {
  test("is given input, variables and words, and its output is whole", async () => {
    const end = await runCommand(["sh", "-c", 'cat; echo "$WHO $1"', "name", "last"], {
      ...BOUNDS,
      input: "input\n",
      env: { WHO: "me" },
    });
    expect(end.ok && text(end.out)).toBe("input\nme last\n");
  });

  test.each<[string, readonly string[], RegExp]>([
    ["is not there", ["/nowhere/at/all"], /^there is no such program$/],
    ["is no program", ["/etc/passwd"], /^it cannot be run \(EACCES\)$/],
    ["is no name", [""], /^it cannot be run/],
    [
      "fails",
      ["sh", "-c", "echo; echo 'no such\tTPM' >&2; exit 3"],
      /^it ended with code 3: no such TPM$/,
    ],
    ["is killed", ["sh", "-c", "kill -9 $$"], /^it ended by SIGKILL$/],
    ["says too much", ["sh", "-c", "yes"], /^it printed more than 1000 octets$/],
  ])("that %s", async (_what, command, expected) => {
    const end = await runCommand(command, BOUNDS);
    expect(end.ok ? text(end.out) : end.why).toMatch(expected);
  });

  test("that says much at its end is heard to the end", async () => {
    const end = await shell("head -c 5000000 /dev/zero", { mostOutput: 5_000_000 });
    expect(end.ok && end.out.length).toBe(5_000_000);
  });

  test("that does not read its input is not held against it", async () => {
    const end = await shell("exec 0<&-; echo done", { input: "x".repeat(1_000_000) });
    expect(end.ok && text(end.out)).toBe("done\n");
  });
});

describe("time is bounded", () => {
  /** Whether it runs: a zombie that nobody has waited for does not. */
  const runs = (pid: number): boolean => {
    try {
      return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
    } catch {
      return false;
    }
  };

  test("of one that hangs, with the children that it has begun", async () => {
    const directory = mkdtempSync(join(tmpdir(), "evpnd-command-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const script = `sleep 600 & echo $! > ${directory}/pid; echo x > ${directory}/there; wait`;
    const ended = shell(script, { timeoutMs: 400 });
    expect(await ended).toEqual({ ok: false, why: "it took longer than 0.4 s" });
    // On a machine that was too slow to begin it, there is nothing to look for.
    if (!existsSync(join(directory, "there"))) return;
    const pid = Number(readFileSync(join(directory, "pid"), "utf8"));
    await until(() => !runs(pid));
  });

  test("of one whose child holds the output open: what it said counts", async () => {
    const end = await shell("sleep 600 & echo $!");
    const pid = Number(end.ok && text(end.out));
    expect(runs(pid)).toBe(true);
    process.kill(pid, "SIGKILL");
  });
});
