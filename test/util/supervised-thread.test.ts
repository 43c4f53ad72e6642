/** The owner of a thread that answers calls: its first beginning, deaths, what waits meanwhile, and its end. */
import { beforeEach, describe, expect, test } from "vitest";
import { silentLog } from "../../src/util/log.js";
import { SupervisedThread } from "../../src/util/supervised-thread.js";
import { ManualClock } from "../radius/lib/hand-clock.js";
import { PlayedThread } from "./lib/played-thread.js";

class Refusal extends Error {
  readonly code: "off" | "not-found";
  constructor(code: Refusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}

interface Door {
  sum(a: number, b: number): Promise<number>;
  stop(): Promise<void>;
}

let clock: ManualClock;
let threads: PlayedThread<string, string, number>[];
let said: string[];
let waits: unknown[];
let none: boolean;
beforeEach(() => {
  clock = new ManualClock();
  [threads, said, waits, none] = [[], [], [], false];
});

const make = (mostCalls = 3) =>
  new SupervisedThread<Door, string, string, number>({
    name: "the adder",
    clock,
    log: {
      ...silentLog,
      warn: (_fields, message) => void said.push(message),
      error: (fields, message) => {
        said.push(message);
        waits.push((fields as { retryMs?: number }).retryMs);
      },
    },
    spawn: (events) => {
      if (none) throw new Error("no memory for a thread");
      const thread = new PlayedThread<string, string, number>(events);
      threads.push(thread);
      return thread.owned;
    },
    refusal: Refusal,
    mostCalls,
    onUp: (told, isFirst) => void said.push(`up ${told} ${isFirst ? "first" : "again"}`),
    onDown: () => void said.push("down"),
    onNote: (note) => void said.push(`note ${note}`),
  });
const last = () => threads.at(-1)!;
const ready = () => last().say({ kind: "ready", told: "x" });
async function begun(mostCalls?: number) {
  const thread = make(mostCalls);
  const starting = thread.start();
  ready();
  await starting;
  return thread;
}
const AGAIN = "the adder's thread ended; it starts anew";

describe("the first beginning", () => {
  test("is settled when the thread is up, and calls are answered in any order", async () => {
    const thread = await begun();
    expect(said).toEqual(["up x first"]);
    const [one, two] = [thread.call("sum", 1, 2), thread.call("sum", 3, 4)];
    expect(last().calls.map(({ parameters }) => parameters)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    last().answer(7);
    expect(await two).toBe(7);
    last().say({ kind: "result", id: last().calls[0]!.id, value: 3 });
    expect(await one).toBe(3);
  });

  test("that fails is told with its own error and code, and not tried again", async () => {
    const starting = make().start();
    const error = { message: "taken", refusal: undefined, code: "EADDRINUSE" };
    last().say({ kind: "failed", error });
    await expect(starting).rejects.toMatchObject({ code: "EADDRINUSE", message: "taken" });
    expect(last().killed).toBe(true);
    clock.pass(100_000);
    expect([threads.length, said]).toEqual([1, ["down"]]);
  });

  test("that dies at once, or finds no thread to have, is told as well", async () => {
    const starting = make().start();
    last().die("out of memory");
    await expect(starting).rejects.toThrow("out of memory");
    none = true;
    await expect(make().start()).rejects.toThrow("no memory for a thread");
    clock.pass(100_000);
    expect(threads).toHaveLength(1);
  });
});

describe("a thread that dies", () => {
  test("at once, again and again, is begun ever more seldom", async () => {
    await begun();
    for (const wait of [100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]) {
      const before = threads.length;
      last().die();
      clock.pass(wait - 1);
      expect(threads).toHaveLength(before);
      clock.pass(1);
      expect(threads).toHaveLength(before + 1);
      expect(waits.at(-1)).toBe(wait);
    }
    ready();
    expect(said.at(-1)).toBe("up x again");
  });

  test("after a steady minute is begun with short waits again, one that is up for less is not", async () => {
    await begun();
    last().die();
    clock.pass(100);
    ready();
    clock.pass(59_000);
    last().die();
    expect(waits).toEqual([100, 200]);
    clock.pass(200);
    ready();
    clock.pass(60_001);
    last().die();
    expect(waits).toEqual([100, 200, 100]);
  });

  test("and cannot be begun again is tried again, also when the system has no thread to give", async () => {
    await begun();
    last().die();
    clock.pass(100);
    const error = { message: "taken", refusal: undefined, code: "EADDRINUSE" };
    last().say({ kind: "failed", error });
    none = true;
    clock.pass(200);
    expect(threads).toHaveLength(2);
    none = false;
    clock.pass(400);
    expect(threads).toHaveLength(3);
    ready();
    // The one that was never there is not told as gone.
    const downs = said.filter((line) => line !== AGAIN);
    expect(downs).toEqual(["up x first", "down", "down", "up x again"]);
  });

  test("refuses what is under way, and what is asked while it is away", async () => {
    const thread = await begun();
    const asked = thread.call("sum", 1, 2);
    last().die();
    expect(said).toEqual(["up x first", "down", AGAIN]);
    await expect(asked).rejects.toThrow("ask again");
    await expect(asked).rejects.toMatchObject({ code: "off" });
    expect(thread.isThere).toBe(false);
    await expect(thread.call("sum", 1, 2)).rejects.toThrow("is being started");
    expect(thread.note("lost")).toBe(false);
  });

  test("says nothing any more: its late reports are not those of its follower", async () => {
    const thread = await begun();
    const [former] = threads;
    last().die();
    clock.pass(100);
    const asked = thread.call("sum", 1, 2);
    former!.say({ kind: "result", id: last().calls[0]!.id, value: "late" });
    former!.die();
    ready();
    last().answer(3);
    expect(await asked).toBe(3);
    expect(threads).toHaveLength(2);
  });
});

describe("calls and notes", () => {
  test("are bounded while there is no answer; to stop is always possible", async () => {
    const thread = await begun(2);
    const asked = [1, 2, 3].map((n) => thread.call("sum", n, n));
    await expect(asked[2]).rejects.toThrow("does not keep up");
    const stopping = thread.stop();
    last().answer(undefined);
    await stopping;
    const outcomes = await Promise.allSettled(asked);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  });

  test("that are refused keep class and code, others the system's code", async () => {
    const thread = await begun();
    const [one, two] = [thread.call("sum", 1, 2), thread.call("sum", 3, 4)];
    const [first, second] = last().calls.map(({ id }) => id) as [number, number];
    const refused = { message: "no such sum", refusal: "not-found", code: undefined };
    last().say({ kind: "refused", id: first, error: refused });
    await expect(one).rejects.toBeInstanceOf(Refusal);
    await expect(one).rejects.toMatchObject({ code: "not-found", message: "no such sum" });
    const broken = { message: "disk", refusal: undefined, code: "EIO" };
    last().say({ kind: "refused", id: second, error: broken });
    await expect(two).rejects.toMatchObject({ code: "EIO" });
    await expect(two).rejects.not.toBeInstanceOf(Refusal);
  });

  test("that cannot be sent reject, and nothing waits for them", async () => {
    const thread = await begun(1);
    const { commands } = last();
    commands.push = () => {
      throw new Error("could not be cloned");
    };
    await expect(thread.call("sum", 1, 2)).rejects.toThrow("could not be cloned");
    await expect(thread.call("sum", 1, 2)).rejects.toThrow("could not be cloned");
  });

  test("notes cross both ways, lines for the log at their level", async () => {
    const thread = await begun();
    expect(thread.note("look")).toBe(true);
    expect(last().commands).toEqual([{ kind: "note", note: "look" }]);
    last().say({ kind: "note", note: 5 });
    last().say({ kind: "log", level: "warn", fields: {}, message: "full" });
    expect(said).toEqual(["up x first", "note 5", "full"]);
  });
});

describe("stopping", () => {
  test("lets the thread end by itself, once", async () => {
    const thread = await begun();
    const stopping = [thread.stop(), thread.stop()];
    expect(last().calls.map(({ method }) => method)).toEqual(["stop"]);
    last().answer(undefined);
    last().say({ kind: "closed" });
    await Promise.all(stopping);
    expect(last().killed).toBe(true);
    expect(said).toEqual(["up x first", "down"]);
    await expect(thread.call("sum", 1, 2)).rejects.toThrow("has been stopped");
    await thread.stop();
  });

  test("in the middle of calls refuses them; one that is late is killed, and not begun anew", async () => {
    const thread = await begun();
    const asked = thread.call("sum", 1, 2);
    const stopping = thread.stop();
    clock.pass(2999);
    expect(last().killed).toBe(false);
    clock.pass(1);
    await stopping;
    expect(last().killed).toBe(true);
    await expect(asked).rejects.toThrow("has been stopped");
    last().die("late");
    clock.pass(100_000);
    expect(threads).toHaveLength(1);
  });

  test("does not wait for a thread that dies of it, nor for one that is away", async () => {
    const thread = await begun();
    const stopping = thread.stop();
    last().die();
    await stopping;
    clock.pass(100_000);
    expect([threads.length, said]).toEqual([1, ["up x first", "down"]]);
    const other = await begun();
    last().die();
    await other.stop();
    clock.pass(100_000);
    expect(threads).toHaveLength(2);
  });

  test("before it has begun settles who waits for it", async () => {
    const thread = make();
    const starting = thread.start();
    const stopping = thread.stop();
    await expect(starting).rejects.toThrow("stopped before");
    ready();
    last().answer(undefined);
    await stopping;
    expect(said).toEqual(["down"]);
  });
});
