/**
 * The MAC FIB as a reload sees it: on, off, or another one. A FIB is a function of the table and of its
 * settings, so other settings are another FIB that reads the table beside the old one, a slice a turn;
 * it answers from when it has caught up. Moves counted and duplicates found start anew with it.
 */
import type { LogReader } from "../bgp/adj-rib-out/adj-rib-out.js";
import type { WhatIf } from "../bgp/control.js";
import type { Speaker } from "../bgp/speaker.js";
import type { DaemonSettings } from "../config/index.js";
import {
  Fib,
  LocalFibControl,
  LocalWhatIf,
  type FibControl,
  type FibSettings,
  type WhatIfControl,
} from "../fib/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";

type FibSpeaker = Partial<Pick<Speaker, "whatIf">> &
  Pick<Speaker, "table" | "attachReader" | "detachReader" | "holds">;

/** What-if as the API asks for it. */
export type WhatIfDoor = WhatIfControl<WhatIf>;

interface Attached {
  readonly fib: Fib;
  readonly whatIf: WhatIfDoor | undefined;
  readonly control: LocalFibControl;
  readonly reader: LogReader;
}

export class FibSwitch implements Applier<DaemonSettings> {
  readonly name = "fib";
  private readonly speaker: FibSpeaker;
  private readonly clock: Clock;
  private readonly changed: () => void;
  private answering: Attached | undefined;
  /** Reads, and does not answer yet. */
  private catchingUp: Attached | undefined;

  /** @param changed `control` is another one than before */
  constructor(
    speaker: FibSpeaker,
    clock: Clock,
    settings: FibSettings | undefined,
    changed: () => void = () => {},
  ) {
    this.speaker = speaker;
    this.clock = clock;
    this.changed = changed;
    if (settings === undefined) return;
    this.answering = this.attach(settings);
  }

  /** Who answers questions; undefined while the FIB is off. */
  get control(): FibControl | undefined {
    return this.answering?.control;
  }

  /** What would be different; undefined while the FIB is off. */
  get whatIf(): WhatIfDoor | undefined {
    return this.answering?.whatIf;
  }

  apply(before: DaemonSettings, after: DaemonSettings): string[] {
    if (sameSettings(before.fib, after.fib)) return [];
    this.detach(this.catchingUp);
    this.catchingUp = undefined;
    if (after.fib === undefined) {
      this.detach(this.answering);
      this.answering = undefined;
      this.changed();
      return ["MAC FIB off"];
    }
    const next = this.attach(after.fib);
    if (this.answering === undefined) {
      this.answering = next;
      this.changed();
      return ["MAC FIB on: it reads the table"];
    }
    this.catchingUp = next;
    return ["MAC FIB reads the table again with its new settings; the old one answers until then"];
  }

  close(): void {
    this.answering?.fib.close();
    this.catchingUp?.fib.close();
  }

  private attach(settings: FibSettings): Attached {
    const { table } = this.speaker;
    const fib = new Fib({ table, settings, clock: this.clock });
    const reader: LogReader = {
      get position() {
        return fib.position;
      },
      read: (budgetMs) => {
        const more = fib.read(budgetMs);
        if (!more && this.catchingUp?.fib === fib) this.takeOver();
        return more;
      },
    };
    this.speaker.attachReader(reader);
    const { whatIf: host } = this.speaker;
    const now = (): number => this.clock.now();
    const whatIf = host && new LocalWhatIf<WhatIf>({ host, table, fib, settings, now });
    return { fib, control: new LocalFibControl(fib, settings.domains), whatIf, reader };
  }

  private takeOver(): void {
    this.detach(this.answering);
    this.answering = this.catchingUp;
    this.catchingUp = undefined;
    this.changed();
  }

  private detach(attached: Attached | undefined): void {
    if (attached === undefined) return;
    this.speaker.detachReader(attached.reader);
    attached.fib.close();
  }
}
