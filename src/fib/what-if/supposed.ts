/** What a what-if asks of the table: declared here, done by the speaker (`Speaker.suppose`). */
import type { WhatIfCost } from "./report.js";

export interface Supposed {
  /** Of the last `look`: the best path of the destination then, 0 for none, its set, and whether either is another. */
  readonly path: number;
  readonly attr: number;
  readonly changed: boolean;
  /** Nothing can be different. */
  readonly isNothing: boolean;
  readonly notes: readonly string[];
  /** At the end: a sentence when there is nothing of what was to fail. */
  readonly absent: string | undefined;
  /** @param counts whether its updates count: once for each destination */
  look(dest: number, counts: boolean): void;
  /** At the end of every slice. */
  endSlice(): void;
  close(): void;
  costs(): readonly WhatIfCost[];
}
