/** One suite for every store: in memory, on disk, and on disk behind a thread's messages. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MessageChannel } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import {
  KvStore,
  MemoryKv,
  openLevel,
  type Store,
  type StoreChange,
} from "../../src/store/index.js";
import type { StoreReport } from "../../src/store/messages.js";
import { serveStore } from "../../src/store/server.js";
import { ThreadStore, type StoreThreadFactory } from "../../src/store/thread-store.js";
import type { Clock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { HandClock } from "../fib/lib/fabric.js";

const cleanUp: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const run of cleanUp.splice(0).reverse()) await run();
});

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), "evpnd-store-"));
  cleanUp.push(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

/** Serves in this thread what a worker serves in its own. */
function channelThread(path: string, clock: Clock): StoreThreadFactory {
  return (events) => {
    const { port1, port2 } = new MessageChannel();
    port1.on("message", (message: StoreReport) => events.report(message));
    void serveStore(port2, async () => new KvStore(await openLevel(path), clock, path));
    return {
      post: (command) => port1.postMessage(command),
      kill: () => {
        port1.close();
        port2.close();
      },
    };
  };
}

const STORES: Readonly<Record<string, (clock: Clock, path: string) => Promise<Store>>> = {
  "in memory": (clock) => Promise.resolve(new KvStore(new MemoryKv(), clock)),
  "on disk": async (clock, path) => new KvStore(await openLevel(path), clock, path),
  "behind a thread": (clock, path) =>
    Promise.resolve(new ThreadStore(path, clock, silentLog, channelThread(path, clock))),
};

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : new TextDecoder().decode(value);

/** Resolves when `ready` is true; what it waits for comes by messages, not by time. */
async function until(ready: () => boolean): Promise<void> {
  while (!ready()) await new Promise((resolve) => setImmediate(resolve));
}

describe.each(Object.entries(STORES))("a store %s", (name, make) => {
  async function open(clock = new HandClock(), path = directory()): Promise<Store> {
    const store = await make(clock, path);
    cleanUp.push(() => store.close());
    return store;
  }

  it("gives what was put, with rising revisions", async () => {
    const store = await open();
    expect(await store.get("a/1")).toBeUndefined();
    const first = await store.write([{ kind: "put", key: "a/1", value: bytes("one") }]);
    const second = await store.write(
      [
        { kind: "put", key: "a/2", value: bytes("two") },
        { kind: "put", key: "b/1", value: bytes("") },
      ],
      { sync: true },
    );
    expect(second).toBeGreaterThan(first);
    const found = await store.get("a/1");
    expect([text(found?.value), found?.revision, found?.expires]).toEqual([
      "one",
      first,
      undefined,
    ]);
    await store.write([{ kind: "delete", key: "a/1" }]);
    expect(await store.get("a/1")).toBeUndefined();
    expect((await store.get("b/1"))?.revision).toBe(second);
  });

  it("scans by prefix in order, in pages", async () => {
    const store = await open();
    const keys = ["p/1", "p/10", "p/2", "pa", "q", "o/9"];
    await store.write(keys.map((key) => ({ kind: "put", key, value: bytes(key) })));
    const all = await store.scan({ prefix: "p/" });
    expect(all.map(({ key }) => key)).toEqual(["p/1", "p/10", "p/2"]);
    const page = await store.scan({ prefix: "p/", after: "p/1", limit: 1 });
    expect(page.map(({ key }) => key)).toEqual(["p/10"]);
    expect(await store.scan({ prefix: "x" })).toEqual([]);
  });

  it("writes on a condition, all or nothing", async () => {
    const store = await open();
    const put = (key: string, expect?: number) =>
      ({ kind: "put", key, value: bytes("v"), expect }) as const;
    const revision = await store.write([put("k", 0)]);
    await expect(store.write([put("other"), put("k", 0)])).rejects.toMatchObject({
      code: "conflict",
    });
    expect(await store.get("other")).toBeUndefined();
    const next = await store.write([put("k", revision)]);
    await expect(
      store.write([{ kind: "delete", key: "k", expect: revision }]),
    ).rejects.toMatchObject({ code: "conflict" });
    await store.write([{ kind: "delete", key: "k", expect: next }]);
    await expect(store.write([put("k", next)])).rejects.toMatchObject({ code: "conflict" });
  });

  it("lets one of many writers win who saw the same revision", async () => {
    const store = await open();
    const tries = await Promise.allSettled(
      Array.from({ length: 10 }, (_, n) =>
        store.write([{ kind: "put", key: "k", value: bytes(String(n)), expect: 0 }]),
      ),
    );
    expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  });

  it("forgets what has run out, and tells it", async () => {
    const clock = new HandClock();
    const store = await open(clock);
    const seen: StoreChange[] = [];
    store.watch("t/", (changes) => seen.push(...changes));
    await store.write([{ kind: "put", key: "t/1", value: bytes("v"), ttlMs: 5000 }]);
    await store.write([{ kind: "put", key: "t/2", value: bytes("v"), ttlMs: 5000 }]);
    await store.write([{ kind: "put", key: "t/2", value: bytes("for good") }]);
    clock.pass(4000);
    expect((await store.get("t/1"))?.expires).toBe(clock.time + 1000);
    clock.pass(1000);
    expect(await store.get("t/1")).toBeUndefined();
    expect((await store.scan({ prefix: "t/" })).map(({ key }) => key)).toEqual(["t/2"]);
    for (let n = 0; n < 10 && !seen.some(({ kind }) => kind === "delete"); n++) {
      clock.pass(1000);
      await store.get("t/1");
    }
    expect(seen.filter(({ kind }) => kind === "delete")).toMatchObject([{ key: "t/1" }]);
    expect(text((await store.get("t/2"))?.value)).toBe("for good");
  });

  it("shows a watcher what is there, then every change, in order", async () => {
    const store = await open();
    const put = (key: string) => store.write([{ kind: "put", key, value: bytes(key) }]);
    await put("w/1");
    await put("v/1");
    const seen: StoreChange[] = [];
    const stop = store.watch("w/", (changes) => seen.push(...changes));
    await put("w/2");
    await store.write([
      { kind: "delete", key: "w/1" },
      { kind: "put", key: "v/2", value: bytes("") },
    ]);
    await until(() => seen.length >= 5);
    stop();
    await put("w/3");
    await store.get("w/3");
    const words = seen.map((change) =>
      change.kind === "put"
        ? `put ${change.entry.key}`
        : change.kind === "delete"
          ? `delete ${change.key}`
          : change.kind,
    );
    expect(words).toEqual(["reset", "put w/1", "sync", "put w/2", "delete w/1"]);
  });

  it("appends to streams, reads them from anywhere, and cuts the old end", async () => {
    const store = await open();
    expect(await store.append("s", [bytes("1"), bytes("2")])).toBe(2);
    expect(await store.append("t", [bytes("x")])).toBe(1);
    expect(await store.append("s", [bytes("3")], { sync: true })).toBe(3);
    const read = async (from: number, most = 10) =>
      (await store.read("s", from, most)).map(({ sequence, value }) => [sequence, text(value)]);
    expect(await read(1, 2)).toEqual([
      [1, "1"],
      [2, "2"],
    ]);
    await store.trim("s", 3);
    expect(await read(0)).toEqual([[3, "3"]]);
    await store.trim("s", 4);
    expect(await store.append("s", [bytes("4")])).toBe(4);
    expect(await read(0)).toEqual([[4, "4"]]);
  });

  it("refuses what it does not take", async () => {
    const store = await open();
    const put = (key: string, size = 1) =>
      store.write([{ kind: "put", key, value: new Uint8Array(size) }]);
    for (const key of ["", "a b", "ü", "a".repeat(513)]) {
      await expect(put(key)).rejects.toMatchObject({ code: "invalid" });
    }
    await expect(put("k", 1024 * 1024 + 1)).rejects.toMatchObject({ code: "invalid" });
    await expect(
      store.write(["k", "k"].map((key) => ({ kind: "delete", key }))),
    ).rejects.toMatchObject({ code: "invalid" });
    await put("k");
  });

  it("refuses everything when it is closed", async () => {
    const store = await open();
    await store.close();
    await store.close();
    expect(store.status().state).toBe("closed");
    await expect(store.get("k")).rejects.toMatchObject({ code: "unavailable" });
  });

  it.runIf(name !== "in memory")("has everything after a restart", async () => {
    const path = directory();
    const clock = new HandClock();
    const before = await open(clock, path);
    await before.write([{ kind: "put", key: "k", value: bytes("v"), ttlMs: 60_000 }]);
    const revision = await before.write([{ kind: "put", key: "l", value: bytes("w") }]);
    await before.append("s", [bytes("1")]);
    await before.close();
    const after = await open(clock, path);
    expect(text((await after.get("k"))?.value)).toBe("v");
    expect(await after.write([{ kind: "delete", key: "l" }])).toBeGreaterThan(revision);
    expect(await after.append("s", [bytes("2")])).toBe(2);
    clock.pass(60_000);
    expect(await after.get("k")).toBeUndefined();
  });
});

describe("a store behind a thread", () => {
  it("says what is wrong with its directory, refuses, and comes back by itself", async () => {
    const path = directory();
    const clock = new HandClock();
    const owner = await openLevel(path);
    const lines: string[] = [];
    const log = { ...silentLog, error: (_: object, line: string) => void lines.push(line) };
    const store = new ThreadStore(path, clock, log, channelThread(path, clock));
    cleanUp.push(() => store.close());
    const seen: StoreChange[] = [];
    store.watch("", (changes) => seen.push(...changes));
    await expect(store.get("k")).rejects.toMatchObject({ code: "locked" });
    expect(store.status()).toMatchObject({
      state: "unavailable",
      problem: expect.stringContaining("in use by another process") as string,
    });
    clock.pass(30_000);
    await expect(store.get("k")).rejects.toMatchObject({ code: "locked" });
    expect(lines).toHaveLength(1);
    await owner.close();
    clock.pass(30_000);
    await store.write([{ kind: "put", key: "k", value: bytes("v") }]);
    await until(() => seen.length >= 3);
    expect(seen.map(({ kind }) => kind)).toEqual(["reset", "sync", "put"]);
    expect(store.status().state).toBe("open");
  });

  it("ends although its thread hangs", async () => {
    const clock = new HandClock();
    let killed = 0;
    const store = new ThreadStore("/nowhere", clock, silentLog, () => ({
      post: () => {},
      kill: () => killed++,
    }));
    const asked = store.get("k").catch((error: unknown) => error);
    const closed = store.close();
    clock.pass(3000);
    await closed;
    expect(await asked).toMatchObject({ code: "unavailable" });
    expect(killed).toBe(1);
  });
});
