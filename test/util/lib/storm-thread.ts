/** Reads rows without pause until told to stop, and reports. */
import { parentPort, workerData } from "node:worker_threads";
import { SharedTables, TORN, type SharedHandles } from "../../../src/util/shared-tables.js";
import { readOne, WIDTH } from "./storm.js";

const { handles, stop, keys } = workerData as {
  handles: SharedHandles;
  stop: Int32Array;
  keys: number;
};
const shared = new SharedTables(handles);
const table = shared.table("rows", WIDTH);
/** Rows looked up in one attempt: long enough to meet the writer. */
const PIECE = 100;
const wrong: string[] = [];
Atomics.add(stop, 1, 1);
let [whole, torn, none] = [0, 0, 0];
for (let n = 1; ; n += PIECE) {
  const found = shared.attempt(() =>
    Array.from({ length: PIECE }, (_, i) =>
      readOne(table, 1 + ((Math.imul(n + i, 7919) >>> 0) % keys)),
    ),
  );
  if (found === TORN) torn++;
  else {
    for (const one of found) {
      if (one === "whole") whole++;
      else if (one === "none") none++;
      else if (wrong.length < 10) wrong.push(one);
    }
  }
  if (Atomics.load(stop, 0) === 1) break;
}
parentPort!.postMessage({ whole, torn, none, wrong });
