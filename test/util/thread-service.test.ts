/** The thread's side, over a port that the test plays; and both sides together. */
import { MessageChannel } from "node:worker_threads";
import { describe, expect, test } from "vitest";
import { silentLog, type Log } from "../../src/util/log.js";
import { SupervisedThread } from "../../src/util/supervised-thread.js";
import type { ThreadCommand, ThreadReport } from "../../src/util/thread-messages.js";
import { serveThread, type Served } from "../../src/util/thread-service.js";
import { ManualClock } from "../radius/lib/hand-clock.js";

class Refusal extends Error {
  readonly code: "off" | "invalid";
  constructor(code: Refusal["code"], message: string) {
    super(message);
    this.code = code;
  }
}

class Adder {
  readonly notes: string[] = [];
  private readonly log: Log;

  constructor(log: Log) {
    this.log = log;
  }

  sum(a: number, b: number): Promise<number> {
    if (!Number.isFinite(a + b)) throw new Refusal("invalid", "only finite numbers");
    return Promise.resolve(a + b);
  }

  read(): Promise<string> {
    this.log.warn({ err: new Error("EIO: torn"), sector: 5 }, "the disk");
    return Promise.reject(Object.assign(new Error("EIO: torn"), { code: "EIO" }));
  }

  odd(): Promise<unknown> {
    this.log.info({ run: () => {} }, "odd");
    return Promise.resolve(() => {});
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

class Port {
  readonly said: ThreadReport<string, number>[] = [];
  closed = false;
  private listener: (command: ThreadCommand<string>) => void = () => {};

  postMessage(report: ThreadReport<string, number>): void {
    this.said.push(structuredClone(report));
  }

  on(_event: "message", listener: (command: ThreadCommand<string>) => void): void {
    this.listener = listener;
  }

  close(): void {
    this.closed = true;
  }

  async hear(command: ThreadCommand<string>): Promise<void> {
    this.listener(command);
    for (let turn = 0; turn < 10; turn++) await Promise.resolve();
  }

  call(id: number, method: string, ...parameters: unknown[]): Promise<void> {
    return this.hear({ kind: "call", id, method, parameters });
  }
}

const adder = (log: Log): Served<string, string> & { readonly door: Adder } => {
  const door = new Adder(log);
  return { door, told: "up", onNote: (note) => void door.notes.push(note) };
};

describe("a thread", () => {
  test("is ready, answers by the methods' names, and ends after stop", async () => {
    const port = new Port();
    await serveThread<string, string, number>(port, Refusal, ({ log, note }) => {
      note(17);
      return Promise.resolve(adder(log));
    });
    await port.call(1, "sum", 2, 3);
    await port.call(2, "stop");
    expect(port.said).toEqual([
      { kind: "note", note: 17 },
      { kind: "ready", told: "up" },
      { kind: "result", id: 1, value: 5 },
      { kind: "result", id: 2, value: undefined },
      { kind: "closed" },
    ]);
    expect(port.closed).toBe(true);
  });

  test("hears what comes while it begins, after it has told that it is up", async () => {
    const port = new Port();
    let up: (served: Served<string, string>) => void = () => {};
    let log: Log = silentLog;
    const serving = serveThread<string, string, number>(port, Refusal, (lines) => {
      log = lines.log;
      return new Promise((resolve) => (up = resolve));
    });
    await port.hear({ kind: "note", note: "early" });
    await port.call(1, "sum", 1, 1);
    expect(port.said).toEqual([]);
    const served = adder(log);
    up(served);
    await serving;
    await Promise.resolve();
    expect(port.said.map(({ kind }) => kind)).toEqual(["ready", "result"]);
    expect(served.door.notes).toEqual(["early"]);
  });

  test("that cannot begin says why, with the code, and ends; what was sent meanwhile is nothing", async () => {
    const port = new Port();
    const serving = serveThread<string, string, number>(port, Refusal, async () => {
      await Promise.resolve();
      throw Object.assign(new Error("in use"), { code: "EADDRINUSE" });
    });
    await port.call(1, "sum", 1, 1);
    await serving;
    const error = { message: "in use", refusal: undefined, code: "EADDRINUSE" };
    expect(port.said).toEqual([{ kind: "failed", error }]);
    expect(port.closed).toBe(true);
  });

  test("tells refusals from bugs, and says what cannot cross as well as it can", async () => {
    const port = new Port();
    await serveThread<string, string, number>(port, Refusal, ({ log }) =>
      Promise.resolve(adder(log)),
    );
    await port.call(1, "sum", 1, Infinity);
    await port.call(2, "read");
    await port.call(3, "odd");
    const refused = port.said.flatMap((one) => (one.kind === "refused" ? [one.error] : []));
    expect(refused).toMatchObject([
      { refusal: "invalid", message: "only finite numbers", code: undefined },
      { refusal: undefined, message: "EIO: torn", code: "EIO" },
      { refusal: undefined, code: undefined },
    ]);
    expect(refused[2]?.message).toMatch(/could not be cloned/);
    expect(port.said.filter(({ kind }) => kind === "log")).toEqual([
      { kind: "log", level: "warn", fields: { err: "EIO: torn", sector: 5 }, message: "the disk" },
      { kind: "log", level: "info", fields: {}, message: "odd" },
    ]);
  });
});

test("both sides together, over a real port", async () => {
  const { port1, port2 } = new MessageChannel();
  const thread = new SupervisedThread<Omit<Adder, "notes">, string, string, number>({
    name: "the adder",
    clock: new ManualClock(),
    log: silentLog,
    spawn: (events) => {
      port1.on("message", (report: ThreadReport<string, number>) => events.report(report));
      void serveThread<string, string, number>(port2, Refusal, ({ log }) =>
        Promise.resolve(adder(log)),
      );
      return { post: (command) => port1.postMessage(command), kill: () => port1.close() };
    },
    refusal: Refusal,
  });
  await thread.start();
  expect(await thread.call("sum", 20, 3)).toBe(23);
  await expect(thread.call("sum", NaN, 0)).rejects.toBeInstanceOf(Refusal);
  await expect(thread.call("read")).rejects.toMatchObject({ code: "EIO" });
  await thread.stop();
});
