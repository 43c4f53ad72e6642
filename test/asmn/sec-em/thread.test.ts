/** The Sec-EM's thread from outside: answers, refusals, its death and its return. */
import { MessageChannel } from "node:worker_threads";
import { beforeEach, expect, test } from "vitest";
import { RemoteSecEm, SecEmError } from "../../../src/asmn/sec-em/index.js";
import type { Command } from "../../../src/asmn/sec-em/thread/messages.js";
import type { SecEmThreadEvents } from "../../../src/asmn/sec-em/thread/remote.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { OPERATOR, secEmSettings } from "./lib/world.js";

/** A thread as the test plays it. */
interface Played {
  readonly events: SecEmThreadEvents;
  readonly commands: Command[];
  readonly heartbeatSeconds: number;
  killed: boolean;
}

let clock: ManualClock;
let threads: Played[];
let lines: string[];
let ups: number;
beforeEach(() => {
  clock = new ManualClock();
  threads = [];
  lines = [];
  ups = 0;
});

const start = () =>
  RemoteSecEm.start({
    settings: secEmSettings(),
    clock,
    log: { ...silentLog, error: (_fields, message) => void lines.push(message) },
    onUp: () => void ups++,
    spawn: ({ heartbeatSeconds }, events) => {
      const thread: Played = { events, commands: [], heartbeatSeconds, killed: false };
      threads.push(thread);
      return {
        post: (command) => void thread.commands.push(command),
        kill: () => void (thread.killed = true),
      };
    },
  });
const up = async () => {
  const starting = start();
  threads[0]?.events.report({ kind: "ready", told: { rootKey: "aa" } });
  return starting;
};
const last = () => threads.at(-1)!;
const lastCall = () => {
  const call = last().commands.findLast(({ kind }) => kind === "call");
  return call?.kind === "call" ? call : undefined;
};

test("a directory that is in use fails the first start, with what to do", async () => {
  const starting = start();
  const message = "it is in use by another process; stop that one";
  last().events.report({ kind: "failed", error: { message, refusal: undefined, code: "locked" } });
  await expect(starting).rejects.toThrow(/stop that one/);
  clock.pass(60_000);
  expect(threads).toHaveLength(1);
});

test("calls are answered in any order; a refusal keeps its class and code", async () => {
  const secEm = await up();
  expect(secEm.rootKey).toBe("aa");
  const first = secEm.revoke({ tenant: "red" }, "why", OPERATOR);
  const id = lastCall()?.id ?? 0;
  const second = secEm.keys();
  last().events.report({ kind: "result", id: lastCall()?.id ?? 0, value: [] });
  expect(await second).toEqual([]);
  const error = { message: "no such tenant", refusal: "not-found" as const, code: undefined };
  last().events.report({ kind: "refused", id, error });
  await expect(first).rejects.toThrow(SecEmError);
  await expect(first).rejects.toMatchObject({ code: "not-found" });
});

test("a thread that dies is started anew, with the last settings, and its readers are told", async () => {
  const secEm = await up();
  const configured = secEm.configure(secEmSettings({ heartbeatSeconds: 2 }));
  last().events.report({ kind: "result", id: lastCall()?.id ?? 0, value: undefined });
  await configured;
  const waiting = secEm.status();
  last().events.died(new Error("out of memory"));
  await expect(waiting).rejects.toMatchObject({ code: "off" });
  await expect(secEm.status()).rejects.toMatchObject({ code: "off" });
  expect(lines.join()).toMatch(/thread ended; it starts anew/);
  const { port1, port2 } = new MessageChannel();
  const closed = new Promise((resolve) => port1.once("close", resolve));
  secEm.subscribe(port2);
  await closed;
  clock.pass(100);
  expect(threads).toHaveLength(2);
  expect(last().heartbeatSeconds).toBe(2);
  expect(ups).toBe(0);
  last().events.report({ kind: "ready", told: { rootKey: "aa" } });
  expect(ups).toBe(1);
  // Ever more seldom, as long as it does not stay.
  last().events.died(new Error("again"));
  clock.pass(199);
  expect(threads).toHaveLength(2);
  clock.pass(1);
  expect(threads).toHaveLength(3);
});

test("what it is asked while it does not answer is bounded", async () => {
  const secEm = await up();
  const asked = Array.from({ length: 1001 }, () => secEm.keys());
  await expect(asked.at(-1)).rejects.toThrow(/does not keep up/);
  last().events.died(new Error("gone"));
  const outcomes = await Promise.allSettled(asked);
  expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
});

test("stop waits for the thread's end, and not for ever", async () => {
  const secEm = await up();
  const stopping = secEm.stop();
  expect(lastCall()?.method).toBe("stop");
  clock.pass(3001);
  await stopping;
  expect(last().killed).toBe(true);
  last().events.died(new Error("late"));
  clock.pass(60_000);
  expect(threads).toHaveLength(1);
});
