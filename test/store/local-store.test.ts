import { expect, test } from "vitest";
import { LocalStore, MemoryKv, StoreError, type OrderedKv } from "../../src/store/index.js";
import { ManualClock } from "../radius/lib/hand-clock.js";

function faulty() {
  const kv = new MemoryKv();
  const disk = { full: false, opened: 0, closed: 0 };
  const open = (): Promise<OrderedKv> => {
    disk.opened++;
    if (disk.full) return Promise.reject(new StoreError("full", "no room; free disk space"));
    const engine: OrderedKv = {
      get: (key) => kv.get(key),
      cursor: (range) => kv.cursor(range),
      clear: (range) => kv.clear(range),
      size: (range) => kv.size(range),
      compact: () => kv.compact(),
      close: () => Promise.resolve(void disk.closed++),
      batch: (writes) =>
        disk.full
          ? Promise.reject(new StoreError("full", "no room; free disk space"))
          : kv.batch(writes),
    };
    return Promise.resolve(engine);
  };
  return { disk, open };
}

const put = (key: string) => [{ kind: "put" as const, key, value: Uint8Array.of(1) }];

test("after a fault it refuses for a while, then opens anew, and has what it had", async () => {
  const clock = new ManualClock();
  const { disk, open } = faulty();
  const store = new LocalStore("/somewhere", clock, 2000, open);
  await store.write(put("a"), { sync: true });
  disk.full = true;
  await expect(store.write(put("b"))).rejects.toMatchObject({ code: "full" });
  expect(store.status()).toMatchObject({ state: "unavailable" });
  await expect(store.get("a")).rejects.toThrow(/free disk space/);
  expect(disk).toMatchObject({ opened: 1, closed: 1 });
  clock.pass(2000);
  await expect(store.get("a")).rejects.toMatchObject({ code: "full" });
  disk.full = false;
  clock.pass(2000);
  expect(await store.get("a")).toBeDefined();
  expect(await store.get("b")).toBeUndefined();
  expect(store.status()).toMatchObject({ state: "open", problem: undefined });
  expect(disk.opened).toBe(3);
  await store.close();
  await expect(store.get("a")).rejects.toThrow(/closed/);
});

test("a conflict is the caller's, and closes nothing", async () => {
  const { disk, open } = faulty();
  const store = new LocalStore("/somewhere", new ManualClock(), 2000, open);
  await store.write(put("a"));
  const conflict = store.write([{ ...put("a")[0]!, expect: 0 }]);
  await expect(conflict).rejects.toMatchObject({ code: "conflict" });
  expect(disk).toMatchObject({ opened: 1, closed: 0 });
  expect(store.status()).toMatchObject({ state: "open" });
});
