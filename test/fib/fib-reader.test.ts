/** The FIB read by other threads while it changes as fast as it can. */
import { Worker } from "node:worker_threads";
import { afterAll, beforeAll, expect, it } from "vitest";
import { Random } from "../model/lib/random.js";
import { bundleThread, type Bundle } from "../lib/thread.js";
import { Fabric } from "./lib/fabric.js";
import { ALL, announce, STABLE, withdraw } from "./lib/moving.js";
import type { Report } from "./lib/moving-thread.js";
import { settings } from "./lib/route.js";

let bundle: Bundle;
beforeAll(async () => {
  bundle = await bundleThread("test/fib/lib/moving-thread.ts");
});
afterAll(() => bundle.remove());

const ROUNDS = 160;

it("two threads: every answer true, every MAC that stays listed exactly once", async () => {
  const fabric = new Fabric({ defaultEncapsulation: "vxlan" });
  const random = new Random(5);
  const sequences = new Map<number, number>();
  for (let n = 0; n < STABLE; n++) {
    sequences.set(n, n % 7);
    announce(fabric, n, n % 7);
  }
  fabric.read();
  const signal = new Int32Array(new SharedArrayBuffer(8));
  const handles = {
    shared: fabric.fib.shared.handles,
    settings: settings({ defaultEncapsulation: "vxlan" }),
  };
  const workers = [1, 2].map(() => new Worker(bundle.entry, { workerData: { handles, signal } }));
  const reports = workers.map(
    (worker) =>
      new Promise<Report>((resolve, reject) => {
        worker.on("message", resolve);
        worker.on("error", reject);
      }),
  );
  while (Atomics.load(signal, 1) < workers.length) await turn();
  for (let round = 0; round < ROUNDS; round++) {
    const grows = Math.floor(round / 40) % 2 === 0;
    const moved = new Set<number>();
    for (let count = 0; count < 200; count++) {
      const n = random.below(count % 2 === 0 ? STABLE : ALL);
      // What moves twice between two looks of the FIB may be gone in between: another entry then.
      if (moved.has(n)) continue;
      moved.add(n);
      const sequence = sequences.get(n);
      if (n >= STABLE && sequence !== undefined && !grows) {
        withdraw(fabric, n, sequence);
        sequences.delete(n);
        continue;
      }
      if (sequence === undefined && !grows) continue;
      announce(fabric, n, (sequence ?? 0) + 1);
      if (sequence !== undefined) withdraw(fabric, n, sequence);
      sequences.set(n, (sequence ?? 0) + 1);
    }
    fabric.read();
    if (round % 4 === 0) await turn();
  }
  Atomics.store(signal, 0, 1);
  for (const report of await Promise.all(reports)) {
    expect(report.wrong).toEqual([]);
    expect(report.dumps).toBeGreaterThanOrEqual(2);
    expect(report.torn).toBeGreaterThan(0);
  }
  await Promise.all(workers.map((worker) => worker.terminate()));
});

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
