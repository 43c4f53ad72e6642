/**
 * A full collection of this thread's garbage, now. For a thread that lets go of another one's memory: that
 * is freed when no thread holds it any more, and a thread with little of its own to collect may hold
 * it for hours. Takes some tens of milliseconds: not for the BGP thread.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

export function collectGarbage(): void {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
