/**
 * The MAC FIB as a reload sees it: on, off, or another one. A FIB is a function of the table and of its
 * settings, so other settings are another FIB that reads the table beside the old one, a slice a turn;
 * it answers from when it has caught up. Moves counted and duplicates found start anew with it, quarantines go
 * on. Other rules for duplicates alone are no other FIB.
 */
import type { LogReader } from "../bgp/adj-rib-out/adj-rib-out.js";
import type { WhatIf } from "../bgp/control.js";
import type { Speaker } from "../bgp/speaker.js";
import type { DaemonSettings } from "../config/index.js";
import {
  Fib,
  AlarmLog,
  LocalFibControl,
  LocalQuarantineControl,
  LocalWhatIf,
  QuarantineKeeper,
  SegmentLog,
  type ComparedFib,
  type EventShare,
  type FibControl,
  type FibHandles,
  type FibSettings,
  type HostRoutes,
  type QuarantineControl,
  type WhatIfControl,
} from "../fib/index.js";
import type { Store } from "../store/index.js";
import { sameSettings, type Applier } from "../util/applier.js";
import type { Clock } from "../util/clock.js";
import { silentLog, type Log } from "../util/log.js";
import { HostRouteSwitch } from "./host-route-switch.js";

type FibSpeaker = Partial<Pick<Speaker, "whatIf" | "localRoutes">> &
  Pick<Speaker, "table" | "attachReader" | "detachReader" | "holds">;

/** What-if as the API asks for it. */
export type WhatIfDoor = WhatIfControl<WhatIf>;

interface Attached {
  readonly fib: Fib;
  readonly whatIf: WhatIfDoor | undefined;
  readonly control: LocalFibControl;
  readonly quarantine: LocalQuarantineControl;
  readonly reader: LogReader;
  readonly hostRoutes: HostRoutes | undefined;
  /** For readers in other threads. */
  handles: FibHandles;
  events?: EventShare;
}

export class FibSwitch implements Applier<DaemonSettings> {
  readonly name = "fib";
  private readonly speaker: FibSpeaker;
  private readonly clock: Clock;
  private readonly changed: () => void;
  private readonly log: Log;
  private readonly alarms: AlarmLog;
  private readonly segments: SegmentLog;
  private readonly hostRoutes: HostRouteSwitch;
  /** Quarantines over a restart, once `restore` was called. */
  private keeper: QuarantineKeeper | undefined;
  private answering: Attached | undefined;
  /** Reads, and does not answer yet. */
  private catchingUp: Attached | undefined;

  /** @param changed `control` is another one than before */
  constructor(
    speaker: FibSpeaker,
    clock: Clock,
    settings: FibSettings | undefined,
    changed: () => void = () => {},
    log: Log = silentLog,
  ) {
    this.speaker = speaker;
    this.clock = clock;
    this.changed = changed;
    this.log = log;
    this.alarms = new AlarmLog(log, clock);
    this.segments = new SegmentLog(log, clock);
    this.hostRoutes = new HostRouteSwitch(speaker.localRoutes, clock, log);
    if (settings === undefined) return;
    this.answering = this.attach(settings);
    this.answering.fib.quarantines.open(speaker.holds);
    this.hostRoutes.begin(this.answering.hostRoutes);
  }

  /** Takes up the quarantines of before the restart: before the first session, so that none slips through. */
  async restore(store: Store): Promise<void> {
    const keeper = new QuarantineKeeper(store, this.clock, this.log);
    this.keeper = keeper;
    const saved = await keeper.load();
    const fib = this.answering?.fib;
    if (saved.length === 0) return;
    const over = fib === undefined ? saved : fib.change(() => fib.desk.adopt(saved, true));
    keeper.ended(over);
    const taken = saved.length - over.length;
    this.log.info({ taken, over: over.length }, "quarantines of before the restart");
  }

  /** Duplicates and quarantines; undefined while the FIB is off. */
  get quarantine(): QuarantineControl | undefined {
    return this.answering?.quarantine;
  }

  /** Who answers questions; undefined while the FIB is off. */
  get control(): FibControl | undefined {
    return this.answering?.control;
  }

  /** What another thread reads the answering FIB by; the same object as long as it is the same. */
  get handles(): FibHandles | undefined {
    return this.answering?.handles;
  }

  /** Events of the FIB that was made last, which may still be catching up; undefined while it is off. */
  get events(): EventShare | undefined {
    const last = this.catchingUp ?? this.answering;
    return last === undefined ? undefined : (last.events ??= shareOf(last));
  }

  /** By what another thread reads the FIB whose events these are. */
  get eventHandles(): FibHandles | undefined {
    return (this.catchingUp ?? this.answering)?.handles;
  }

  /** For the fabric check. */
  get fib(): Fib | undefined {
    return this.answering?.fib;
  }

  /** For the comparison with subscribers' sessions. */
  get compared(): ComparedFib | undefined {
    const { answering } = this;
    if (answering === undefined) return undefined;
    return { fib: answering.fib, domains: answering.handles.settings.domains };
  }

  /** What would be different; undefined while the FIB is off. */
  get whatIf(): WhatIfDoor | undefined {
    return this.answering?.whatIf;
  }

  apply(before: DaemonSettings, after: DaemonSettings): string[] {
    if (sameSettings(before.fib, after.fib)) return [];
    if (
      before.fib !== undefined &&
      after.fib !== undefined &&
      !this.isOther(before.fib, after.fib)
    ) {
      this.answering?.fib.configure(after.fib);
      this.catchingUp?.fib.configure(after.fib);
      for (const one of [this.answering, this.catchingUp]) {
        if (one === undefined) continue;
        const { duplicates, domains } = after.fib;
        const settings = { ...one.handles.settings, duplicates, domains };
        one.handles = { ...one.handles, settings };
      }
      this.changed();
      if (
        sameSettings({ ...before.fib, timeline: undefined }, { ...after.fib, timeline: undefined })
      )
        return [];
      return ["MAC FIB: other rules for duplicates, in force now"];
    }
    this.detach(this.catchingUp);
    this.catchingUp = undefined;
    if (after.fib === undefined) {
      this.keeper?.ended(this.answering?.fib.desk.save() ?? []);
      this.detach(this.answering);
      this.answering = undefined;
      this.hostRoutes.begin(undefined);
      this.changed();
      return ["MAC FIB off"];
    }
    const next = this.attach(after.fib);
    if (this.answering === undefined) {
      this.answering = next;
      next.fib.quarantines.open(this.speaker.holds);
      this.hostRoutes.begin(next.hostRoutes);
      this.changed();
      return ["MAC FIB on: it reads the table"];
    }
    this.catchingUp = next;
    return ["MAC FIB reads the table again with its new settings; the old one answers until then"];
  }

  /** What is to be kept is in the store when the promise is settled. */
  async close(): Promise<void> {
    // Written first: what ends because we end is no end.
    await this.keeper?.close();
    this.keeper = undefined;
    this.answering?.fib.close();
    this.catchingUp?.fib.close();
  }

  /** Whether more differs than the rules for duplicates. */
  private isOther(before: FibSettings, after: FibSettings): boolean {
    return !sameSettings(withoutDuplicates(before), withoutDuplicates(after));
  }

  private attach(settings: FibSettings): Attached {
    const { table } = this.speaker;
    const fib = new Fib({ table, settings, clock: this.clock });
    const hostRoutes = this.hostRoutes.of(fib, settings);
    const reader: LogReader = {
      get position() {
        return fib.position;
      },
      read: (budgetMs) => {
        const behind = fib.read(budgetMs);
        if (!behind && this.catchingUp?.fib === fib) this.takeOver();
        return hostRoutes?.flush(budgetMs) === true || behind;
      },
    };
    fib.duplicates.onChange = (id, output) => {
      if (this.answering?.fib !== fib) return;
      this.alarms.changed(fib.desk, id, output);
      this.keeper?.changed(fib.desk, id);
    };
    fib.ads.onLeft = (segment, pe, macs) => {
      if (this.answering?.fib === fib) this.segments.left(fib.tables, segment, pe, macs);
    };
    this.speaker.attachReader(reader);
    const { whatIf: host } = this.speaker;
    const now = (): number => this.clock.now();
    const whatIf = host && new LocalWhatIf<WhatIf>({ host, table, fib, settings, now });
    const control = new LocalFibControl(fib, settings.domains);
    const quarantine = new LocalQuarantineControl(fib);
    const handles = { shared: fib.shared.handles, settings };
    return { fib, control, quarantine, whatIf, reader, hostRoutes, handles };
  }

  private takeOver(): void {
    const next = this.catchingUp;
    if (next === undefined) return;
    // What is in quarantine stays so: the routes are decided on again when the new FIB says which they are.
    const saved = this.answering?.fib.desk.save() ?? [];
    this.detach(this.answering);
    this.answering = next;
    this.catchingUp = undefined;
    next.fib.quarantines.open(this.speaker.holds);
    const over = next.fib.change(() => next.fib.desk.adopt(saved, false));
    this.keeper?.ended(over);
    this.hostRoutes.begin(next.hostRoutes);
    this.changed();
  }

  private detach(attached: Attached | undefined): void {
    if (attached === undefined) return;
    this.speaker.detachReader(attached.reader);
    attached.fib.close();
  }
}

function withoutDuplicates({ domains, ...rest }: FibSettings): unknown {
  return {
    ...rest,
    duplicates: undefined,
    // Where the history goes and how much of it is kept is the timeline's own affair.
    timeline: undefined,
    domains: domains.map((domain) => ({ ...domain, duplicates: undefined })),
  };
}

function shareOf({ fib, handles }: Attached): EventShare {
  return fib.tables.events.share(
    handles.settings.domains.map(({ name, ethernetTag }) => ({
      name,
      fixedTag: ethernetTag !== undefined,
    })),
  );
}
