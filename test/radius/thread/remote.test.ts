/** The relay's thread from outside: answers, refusals, its death and its return. */
import { beforeEach, expect, test } from "vitest";
import { RadiusError } from "../../../src/radius/index.js";
import type { Command } from "../../../src/radius/thread/messages.js";
import { RemoteRadius } from "../../../src/radius/thread/remote.js";
import type { RadiusThreadEvents } from "../../../src/radius/thread/remote.js";
import { silentLog } from "../../../src/util/log.js";
import type { ThreadCall } from "../../../src/util/thread-messages.js";
import { ManualClock } from "../lib/hand-clock.js";
import { relaySettings } from "../lib/run.js";

/** A thread as the test plays it. */
interface Played {
  readonly events: RadiusThreadEvents;
  readonly calls: ThreadCall[];
  readonly tenants: number;
  killed: boolean;
}

let clock: ManualClock;
let threads: Played[];
let lines: string[];
beforeEach(() => {
  clock = new ManualClock();
  threads = [];
  lines = [];
});

const start = () =>
  RemoteRadius.start({
    settings: relaySettings([]),
    clock,
    log: { ...silentLog, error: (_fields, message) => void lines.push(message) },
    onSession: () => {},
    spawn: (settings, events) => {
      const thread: Played = { events, calls: [], tenants: settings.tenants.length, killed: false };
      threads.push(thread);
      return {
        post: (command: Command) => {
          if (command.kind === "call") thread.calls.push(command);
        },
        kill: () => void (thread.killed = true),
      };
    },
  });
const up = async () => {
  const starting = start();
  threads[0]?.events.report({ kind: "ready", told: undefined });
  return starting;
};
const last = () => {
  const thread = threads.at(-1);
  if (thread === undefined) throw new Error("no thread was started");
  return thread;
};

test("a port that is taken fails the first start, with the system's code", async () => {
  const starting = start();
  const error = { message: "bind EADDRINUSE", refusal: undefined, code: "EADDRINUSE" };
  last().events.report({ kind: "failed", error });
  await expect(starting).rejects.toMatchObject({ code: "EADDRINUSE" });
  clock.pass(60_000);
  expect(threads).toHaveLength(1);
});

test("a result, and a refusal with its class and code", async () => {
  const relay = await up();
  const wall = relay.baseline();
  last().events.report({ kind: "result", id: last().calls[0]?.id ?? 0, value: 17 });
  expect(await wall).toBe(17);
  const page = relay.sessions({ tenant: "x" });
  const error = { message: "there is no tenant", refusal: "not-found", code: undefined } as const;
  last().events.report({ kind: "refused", id: last().calls[1]?.id ?? 0, error });
  const refusal = await page.catch((thrown: unknown) => thrown);
  expect(refusal).toBeInstanceOf(RadiusError);
  expect(refusal).toMatchObject({ code: "not-found" });
});

test("RAD-66: a thread that dies is started anew with the settings of now, ever more seldom; calls meanwhile are refused", async () => {
  const relay = await up();
  const configured = relay.configure(relaySettings([], { spoolMax: 5 }));
  last().events.report({ kind: "result", id: last().calls[0]?.id ?? 0, value: undefined });
  await configured;
  const asked = relay.spools();
  last().events.died(new Error("out of memory"));
  await expect(asked).rejects.toMatchObject({ code: "off" });
  await expect(relay.spools()).rejects.toThrow("is being started");
  expect(lines).toHaveLength(1);
  for (const wait of [100, 200, 400]) {
    clock.pass(wait - 1);
    const before = threads.length;
    clock.pass(1);
    expect(threads).toHaveLength(before + 1);
    last().events.died(new Error("again"));
  }
  clock.pass(10_000);
  last().events.report({ kind: "ready", told: undefined });
  const again = relay.spools();
  last().events.report({ kind: "result", id: last().calls[0]?.id ?? 0, value: [] });
  expect(await again).toEqual([]);
});

test("stopping waits for the thread, but not for ever; what dies later is not started anew", async () => {
  const relay = await up();
  const stopping = relay.stop();
  expect(last().calls.map(({ method }) => method)).toEqual(["stop"]);
  clock.pass(3000);
  await stopping;
  expect(last().killed).toBe(true);
  last().events.died(new Error("late"));
  clock.pass(60_000);
  expect(threads).toHaveLength(1);
});

test("RAD-75: a thread that dies while it drains is followed by one that drains", async () => {
  const remote = await up();
  const drained = remote.drain(true);
  last().events.report({ kind: "result", id: last().calls[0]?.id ?? 0, value: undefined });
  await drained;
  last().events.died(new Error("a bug"));
  clock.pass(100);
  last().events.report({ kind: "ready", told: undefined });
  expect(threads).toHaveLength(2);
  expect(last().calls).toMatchObject([{ method: "drain", parameters: [true, undefined] }]);
});

test("RAD-75: so does one tenant alone, and what was said of it last counts", async () => {
  const remote = await up();
  const say = async (on: boolean, tenant?: string): Promise<void> => {
    const said = remote.drain(on, tenant);
    const { id = 0 } = last().calls.at(-1) ?? {};
    last().events.report({ kind: "result", id, value: undefined });
    await said;
  };
  await say(true, "red");
  await say(true, "blue");
  await say(false, "red");
  last().events.died(new Error("a bug"));
  clock.pass(100);
  last().events.report({ kind: "ready", told: undefined });
  expect(last().calls.map(({ parameters }) => parameters)).toEqual([
    [true, "blue"],
    [false, "red"],
  ]);
  await say(false);
  last().events.died(new Error("a bug"));
  clock.pass(60_000);
  last().events.report({ kind: "ready", told: undefined });
  expect(last().calls.map(({ parameters }) => parameters)).toEqual([[false, undefined]]);
});
