/** Lists MACs and looks them up without pause until told to stop, and reports. */
import { parentPort, workerData } from "node:worker_threads";
import { FibReader, type FibHandles } from "../../../src/fib/fib-reader.js";
import type { FibPage, MacQuery } from "../../../src/fib/lookups.js";
import type { MacView } from "../../../src/fib/view.js";
import { TORN } from "../../../src/util/shared-tables.js";
import { faultOf, isStable, macOf, STABLE } from "./moving.js";

export interface Report {
  readonly dumps: number;
  readonly rows: number;
  readonly torn: number;
  readonly wrong: readonly string[];
}

const { handles, signal } = workerData as { handles: FibHandles; signal: Int32Array };
const reader = new FibReader(handles);
const wrong: string[] = [];
let [dumps, rows, torn] = [0, 0, 0];

function take(query: MacQuery): FibPage<MacView> {
  for (let tries = 1; ; tries++) {
    const page = reader.attempt((lookups) => lookups.macs(query));
    if (page !== TORN) return page;
    torn++;
    if (tries % 10 === 0) reader.wantPause();
  }
}

function blame(text: string | undefined): void {
  if (text !== undefined && wrong.length < 5) wrong.push(text);
}

function dump(limit: number): void {
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = take({ cursor, limit });
    for (const row of page.rows) {
      blame(faultOf(row));
      // What went and came again may be met twice: it is another entry.
      if (seen.has(row.mac) && isStable(row)) blame(`${row.mac} twice`);
      seen.add(row.mac);
      rows++;
    }
    cursor = page.next;
  } while (cursor !== undefined);
  for (let n = 0; n < STABLE; n++) if (!seen.has(macOf(n))) blame(`${macOf(n)} is missing`);
  dumps++;
}

Atomics.add(signal, 1, 1);
for (let n = 0; Atomics.load(signal, 0) === 0 || dumps < 2; n++) {
  dump(1 + (n % 40));
  for (let at = 0; at < STABLE; at++) {
    const found = take({ mac: macOf(at) }).rows;
    if (found.length === 1) blame(faultOf(found[0]!));
    else blame(`${macOf(at)} found ${found.length} times`);
  }
}
parentPort!.postMessage({ dumps, rows, torn, wrong } satisfies Report);
