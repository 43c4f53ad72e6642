/** The TCP-MD5 key goes to the router by a command, once, again after a failure, and into no log. */
import { beforeEach, describe, expect, test } from "vitest";
import { Md5Hook } from "../../../../src/asmn/agent/binding/md5-hook.js";
import type { RunCommand } from "../../../../src/asmn/agent/binding/md5-hook.js";
import type { BindingState } from "../../../../src/asmn/agent/status.js";
import { systemClock } from "../../../../src/util/clock.js";
import type { Log } from "../../../../src/util/log.js";
import { canary } from "../../../lib/canary.js";
import { ManualClock } from "../../../radius/lib/hand-clock.js";

const KEY = canary("md5-hook");
const binding = {
  kind: "tcp-md5",
  command: ["vtysh", "--x={key}"],
  input: "password {key}\n",
} as const;

let lines: string[];
let states: BindingState[];
let runs: { command: readonly string[]; input: string | undefined }[];
let answers: (string | undefined)[];
const clock = new ManualClock();
const note = (fields: object, message: string): void => {
  lines.push(`${JSON.stringify(fields)} ${message}`);
};
const log: Log = { debug: note, info: note, warn: note, error: note };
const run: RunCommand = (command, input) => {
  runs.push({ command, input });
  return Promise.resolve(answers.shift());
};
const settle = (): Promise<void> => new Promise(setImmediate);

beforeEach(() => {
  [lines, states, runs, answers] = [[], [], [], []];
});

describe("ASM-75: TCP-MD5 key by a command", () => {
  const hook = (): Md5Hook =>
    new Md5Hook({ binding, clock, log, run, onState: (state) => states.push(state) });

  test("ASM-75: the key stands where the operator wanted it, and is given once", async () => {
    const it = hook();
    it.give(undefined);
    it.give(KEY);
    await settle();
    it.give(KEY);
    await settle();
    expect(runs).toEqual([{ command: ["vtysh", `--x=${KEY}`], input: `password ${KEY}\n` }]);
    expect(states).toEqual([{ kind: "tcp-md5", bound: true, detail: "the router has its key" }]);
  });

  test("ASM-75: after a failure it is tried again, and the key is in no line and no state", async () => {
    answers = [`vtysh: code 1: cannot set password ${KEY}`, undefined];
    const it = hook();
    it.give(KEY);
    await settle();
    expect(states.at(-1)?.bound).toBe(false);
    expect(states.at(-1)?.detail).toContain("cannot set password ***");
    clock.pass(1000);
    await settle();
    expect(states.at(-1)?.bound).toBe(true);
    expect(runs).toHaveLength(2);
    expect(JSON.stringify([lines, states])).not.toContain(KEY);
  });

  test("ASM-75: a new key that comes while the former is being installed follows it", async () => {
    const it = hook();
    it.give(KEY);
    it.give("another");
    await settle();
    await settle();
    expect(runs.map(({ input }) => input)).toEqual([`password ${KEY}\n`, "password another\n"]);
  });

  test("ASM-75: a real command, with what it says when it fails", async () => {
    const shell = { kind: "tcp-md5", command: ["sh", "-c", "cat >&2; exit 3"], input: "no {key}" };
    let last: (state: BindingState) => void = () => undefined;
    const told = new Promise<BindingState>((resolve) => (last = resolve));
    const real = new Md5Hook({
      binding: shell as never,
      clock: { ...systemClock, setTimer: () => ({ cancel: () => undefined }) },
      log,
      onState: (state) => last(state),
    });
    real.give(KEY);
    expect((await told).detail).toBe(
      "the command that installs the key failed: sh: it ended with code 3: no ***",
    );
    real.stop();
  });
});
