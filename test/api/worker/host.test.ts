import { describe, expect, it } from "vitest";
import type { HttpBackend } from "../../../src/api/index.js";
import { ApiHost, type ApiThreadEvents } from "../../../src/api/worker/host.js";
import type { ToWorker } from "../../../src/api/worker/messages.js";
import type { Log } from "../../../src/util/log.js";
import { FakeClock } from "../../model/lib/fake.js";
import { FakeControl } from "../../lib/fake-control.js";

interface Started {
  readonly events: ApiThreadEvents;
  readonly got: ToWorker[];
  killed: boolean;
}

const SETTINGS = {
  listen: { address: "127.0.0.1", port: 0 },
  allowedHosts: [],
};

function rig() {
  const clock = new FakeClock();
  const threads: Started[] = [];
  const lines: string[] = [];
  const note = (_fields: object, text: string) => void lines.push(text);
  const log: Log = { debug: note, info: note, warn: note, error: note };
  const backend: HttpBackend = {
    control: new FakeControl(),
    log,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "", text: "" }),
  };
  const host = new ApiHost({
    backend,
    log,
    clock,
    spawn: (events) => {
      const started: Started = { events, got: [], killed: false };
      threads.push(started);
      return {
        post: (message) => void started.got.push(message),
        kill: () => void (started.killed = true),
      };
    },
  });
  const kinds = (index: number) => threads[index]!.got.map(({ kind }) => kind);
  const opened = (index: number, door: number, address = "127.0.0.1:4711") =>
    threads[index]!.events.message({ kind: "opened", door, address });
  return { host, clock, threads, lines, backend, kinds, opened };
}

describe("doors", () => {
  it("are opened in a thread that starts with the first; without an address there is none", async () => {
    const { host, threads, kinds, opened } = rig();
    expect(await host.open({ ...SETTINGS, listen: undefined })).toBeUndefined();
    expect(threads).toHaveLength(0);
    const opening = host.open(SETTINGS);
    expect(kinds(0)).toEqual(["backend", "open"]);
    expect(threads[0]!.got[0]).toMatchObject({
      shape: { functions: ["reload", "metrics"], members: ["control"] },
    });
    opened(0, 1);
    expect((await opening)?.address).toBe("127.0.0.1:4711");
  });

  it("that cannot open say why, with the system's code", async () => {
    const { host, threads } = rig();
    const opening = host.open(SETTINGS);
    const error = { name: "Error", code: "EADDRINUSE", status: 0, message: "taken", stack: "at x" };
    threads[0]!.events.message({ kind: "failed", door: 1, error });
    await expect(opening).rejects.toMatchObject({ code: "EADDRINUSE", message: "taken" });
  });

  it("get new rules, give their address back, and end with the thread", async () => {
    const { host, threads, kinds, opened } = rig();
    const opening = host.open(SETTINGS);
    opened(0, 1);
    const door = (await opening)!;
    door.setRules({ ...SETTINGS, allowedHosts: ["rr1"] });
    const stopping = door.stopListening();
    threads[0]!.events.message({ kind: "stopped", door: 1 });
    await stopping;
    const closing = door.close();
    threads[0]!.events.message({ kind: "closed", door: 1 });
    await closing;
    expect(kinds(0)).toEqual(["backend", "open", "rules", "stop-listening", "close"]);
    expect(threads[0]!.killed).toBe(true);
  });

  it("that do not close are given up after a while", async () => {
    const { host, threads, clock, opened } = rig();
    const opening = host.open(SETTINGS);
    opened(0, 1);
    const closing = (await opening)!.close();
    clock.advance(3000);
    await closing;
    expect(threads[0]!.killed).toBe(true);
  });
});

describe("a thread that dies", () => {
  it("is started again after a wait, with its doors at their addresses and rules", async () => {
    const { host, threads, clock, lines, opened } = rig();
    const opening = host.open(SETTINGS);
    opened(0, 1);
    const door = (await opening)!;
    const rules = { ...SETTINGS, allowedHosts: ["rr1"] };
    door.setRules(rules);
    threads[0]!.events.died(new Error("out of memory"));
    expect(host.stats()).toMatchObject({ up: false, deaths: 1 });
    expect(lines).toEqual(["the API thread ended; it is started again, and BGP goes on"]);
    clock.advance(99);
    expect(threads).toHaveLength(1);
    clock.advance(1);
    expect(host.stats().up).toBe(true);
    expect(threads[1]!.got.at(-1)).toEqual({
      kind: "open",
      door: 1,
      settings: { ...rules, listen: { address: "127.0.0.1", port: 4711 } },
    });
    opened(1, 1);
    expect(lines.at(-1)).toBe("the API is back");
  });

  it("over and over is started ever more seldom, and quickly again after a good time", async () => {
    const { host, threads, clock, opened } = rig();
    const opening = host.open(SETTINGS);
    opened(0, 1);
    await opening;
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      const before = clock.now();
      threads[n]!.events.died(new Error("again"));
      while (threads.length === n + 1) clock.advance(100);
      waits.push(clock.now() - before);
    }
    expect(waits).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 10_000, 10_000]);
    clock.advance(60_000);
    threads[9]!.events.died(new Error("at last"));
    clock.advance(100);
    expect(threads).toHaveLength(11);
  });

  it("while it opens refuses that, and what is closed does not come back", async () => {
    const { host, threads, clock, opened } = rig();
    const first = host.open(SETTINGS);
    threads[0]!.events.died(new Error("bad start"));
    await expect(first).rejects.toThrow("bad start");
    clock.advance(100);
    const second = host.open(SETTINGS);
    opened(1, 2);
    const door = (await second)!;
    await Promise.all([
      door.stopListening(),
      Promise.resolve().then(() => threads[1]!.events.died(new Error("x"))),
    ]);
    clock.advance(1000);
    expect(threads[2]!.got.map(({ kind }) => kind)).toEqual(["backend"]);
  });

  it("tries again when its address is taken meanwhile", async () => {
    const { host, threads, clock, lines, opened, kinds } = rig();
    const opening = host.open(SETTINGS);
    opened(0, 1);
    await opening;
    threads[0]!.events.died(new Error("x"));
    clock.advance(100);
    const error = {
      name: "Error",
      code: "EADDRINUSE",
      status: 0,
      message: "taken",
      stack: undefined,
    };
    threads[1]!.events.message({ kind: "failed", door: 1, error });
    expect(lines.at(-1)).toBe("the API cannot have its address back; it tries again");
    clock.advance(200);
    expect(kinds(1)).toEqual(["backend", "open", "open"]);
    opened(1, 1);
    clock.advance(100_000);
    expect(kinds(1)).toEqual(["backend", "open", "open"]);
  });
});

it("calls of the thread are answered, its words are logged", async () => {
  const { host, threads, lines, opened } = rig();
  const opening = host.open(SETTINGS);
  opened(0, 1);
  await opening;
  const { events, got } = threads[0]!;
  events.message({ kind: "log", level: "warn", fields: {}, text: "hear" });
  expect(lines.at(-1)).toBe("hear");
  events.message({ kind: "call", call: 5, member: "control", method: "peers", args: [] });
  await new Promise((turn) => setImmediate(turn));
  expect(got.at(-1)).toMatchObject({ kind: "result", call: 5 });
});
