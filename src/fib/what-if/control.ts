/** The door of what-if: one question at a time, each a walk over the table in slices on this thread. */
import type { RouteTable } from "../../bgp/rib/index.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { FibQueryError } from "../control.js";
import type { Fib } from "../fib.js";
import type { FibSettings } from "../settings.js";
import { FibFork } from "./fork.js";
import { WhatIfJob } from "./job.js";
import type { MacChangeKind, WhatIfReport } from "./report.js";
import { SinglePoints, type SinglePointReport } from "./single-points.js";
import type { Supposed } from "./supposed.js";

export interface WhatIfPage {
  /** Rows of this kind alone. */
  readonly changes?: MacChangeKind | undefined;
  /** From the page before: the question is worked out again for each page. */
  readonly cursor?: string | undefined;
  /** Rows of MACs, 0 to 1000, 100 unless given. */
  readonly limit?: number | undefined;
}

/** `What` is how the speaker puts the question. */
export interface WhatIfControl<What> {
  /** Rejects with `not-found` when nothing is of what is to fail, and with `busy` while another is worked out. */
  ask(what: What, page: WhatIfPage): Promise<WhatIfReport>;
  /** PEs that MACs hang on. */
  singlePoints(): Promise<SinglePointReport>;
}

/** The speaker, as what-if needs it. */
export interface WhatIfHost<What> {
  /** Throws when the question makes no sense. */
  suppose(what: What): Supposed;
  /** Long work, a slice a turn of the event loop. */
  later(job: SlicedJob): void;
}

export interface LocalWhatIfParts<What> {
  readonly host: WhatIfHost<What>;
  readonly table: RouteTable;
  readonly fib: Fib;
  readonly settings: FibSettings;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

const ROWS_DEFAULT = 100;
const ROWS_MAX = 1000;

export class LocalWhatIf<What> implements WhatIfControl<What> {
  private readonly parts: LocalWhatIfParts<What>;
  /** Empty between two questions, and kept: its memory is address space, of which there is an end. */
  private fork: FibFork | undefined;
  private busy = false;

  constructor(parts: LocalWhatIfParts<What>) {
    this.parts = parts;
  }

  ask(what: What, page: WhatIfPage): Promise<WhatIfReport> {
    return new Promise((resolve, reject) => {
      this.refuseSecond();
      const { host, table, fib, settings, now } = this.parts;
      const from = positionOf(page.cursor);
      const most = Math.max(0, Math.min(ROWS_MAX, page.limit ?? ROWS_DEFAULT));
      const supposed = host.suppose(what);
      const fork = (this.fork ??= new FibFork(table, settings));
      this.busy = true;
      const options = { table, live: fib, fork, supposed, from, most, kind: page.changes, now };
      const job = new WhatIfJob(options, (report, error) => {
        this.busy = false;
        if (report === undefined) {
          this.fork = undefined;
          reject(error instanceof Error ? error : new Error(String(error)));
        } else if (supposed.absent !== undefined) {
          reject(new FibQueryError("not-found", supposed.absent));
        } else {
          resolve(report);
        }
      });
      host.later(job);
    });
  }

  singlePoints(): Promise<SinglePointReport> {
    return new Promise((resolve) => {
      this.refuseSecond();
      this.busy = true;
      const { host, fib, now } = this.parts;
      const job = new SinglePoints(fib, now, (report) => {
        this.busy = false;
        resolve(report);
      });
      host.later(job);
    });
  }

  private refuseSecond(): void {
    if (!this.busy) return;
    throw new FibQueryError(
      "busy",
      "another what-if is being worked out; ask again when it is done",
    );
  }
}

function positionOf(cursor = "0"): number {
  if (/^\d{1,9}$/.test(cursor)) return Number(cursor);
  throw new FibQueryError("invalid", "cursor is not from a page before; leave it out to begin");
}
