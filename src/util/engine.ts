/**
 * How the engine (V8) collects garbage in this process. evpnd keeps its tables outside of the heap, and makes
 * little garbage on its hot paths; what counts is how long a collection holds up a thread that answers others.
 */
import { setFlagsFromString } from "node:v8";

/** Megabytes of old objects before a thread's first collection of them: what a thread has for good is less. */
const FIRST_COLLECTION_MB = 64;

/** Once, before threads are started. */
export function tuneEngine(): void {
  // Helpers that share a core with the thread that waits for them make a pause of milliseconds out of a tenth of one.
  setFlagsFromString("--no-parallel-scavenge");
  // By default the heap of a thread that has just begun is collected twice a second.
  setFlagsFromString(`--initial-old-space-size=${FIRST_COLLECTION_MB}`);
}
