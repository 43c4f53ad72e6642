/**
 * The timeline in its thread: takes events from the ring, writes them, lets old ones go, answers questions.
 * When the store fails it goes on without, says so, and tries again; what was not written is marked
 * in the history.
 */
import { plainKey, Space } from "./layout.js";
import type { OrderedKv } from "../../store/index.js";
import { StoreError } from "../../store/index.js";
import { readU32 } from "../../util/bytes.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { FibQueryError } from "../control.js";
import { EventReader } from "../event-reader.js";
import type { EventShare } from "../event-ring.js";
import { FibReader, type FibHandles } from "../fib-reader.js";
import { Chunks } from "./chunks.js";
import { History } from "./history.js";
import { Intake, type Piece } from "./intake.js";
import { Marks } from "./marks.js";
import { RingNames } from "./names.js";
import { Questions } from "./questions.js";
import { MarkKind } from "./record.js";
import { Repair, type RepairStep } from "./repair.js";
import type { TimelineSettings } from "./settings.js";
import type { TimelineStatus } from "./views.js";
import { TimelineWriter } from "./writer.js";

const HIGH = 0x1_0000_0000;
/** How often the ring is looked at, and the store's upkeep done. */
export const LOOK_MS = 20;
export const UPKEEP_MS = 10_000;
export const RETRY_MS = 30_000;
/** Time between two marks of loss. */
const LOST_MS = 1000;
/** After a loss, until what there is is compared: a storm is to be over. And before another attempt. */
export const CALM_MS = 2000;
const AGAIN_MS = 10_000;
/** Between two steps of it, so that events and questions have their turns. */
const STEP_MS = 1;
/** Other FIBs, one after the other, that are remembered while there is no store. */
const MOST_RESETS = 100;

interface Opened {
  readonly kv: OrderedKv;
  readonly writer: TimelineWriter;
  readonly chunks: Chunks;
  readonly history: History;
  readonly questions: Questions;
}

interface Reset {
  readonly kind: MarkKind;
  readonly time: number;
  readonly lost: number;
  readonly since: number;
}

export interface EngineOptions {
  readonly settings: TimelineSettings;
  /** Wall-clock milliseconds when the daemon turned it on: before the first event. */
  readonly started: number;
  readonly clock: Clock;
  readonly open: (directory: string) => Promise<OrderedKv>;
  /** Another state than before. */
  readonly told: (status: TimelineStatus) => void;
}

export class TimelineEngine {
  private settings: TimelineSettings;
  private readonly started: number;
  private readonly clock: Clock;
  private readonly openKv: EngineOptions["open"];
  private readonly told: EngineOptions["told"];
  private opened: Opened | undefined;
  private problem: string | undefined;
  private intake: Intake | undefined;
  private names: RingNames | undefined;
  private lost = 0;
  private lostUntold = 0;
  private lostSince = 0;
  private lastLostMark = -Infinity;
  /** What the FIB of the ring holds. */
  private fib: FibReader | undefined;
  private reader: EventReader | undefined;
  /** Since when something may be lost that no repair has made good; undefined while nothing is. */
  private doubtSince: number | undefined;
  private repairing: Repair | undefined;
  /** Not before. */
  private repairAt = 0;
  private lastTime = 0;
  /** This life has said that it started. */
  private begun = false;
  /** There was a ring, and there is none. */
  private isOff = false;
  /** Marks that the store has not yet, and what was lost before each. */
  private resets: Reset[] = [];
  private readonly timers = new Map<string, TimerHandle>();
  private work: Promise<unknown> = Promise.resolve();
  private pumping = false;
  private compacting: Promise<void> | undefined;
  private closed = false;

  constructor({ settings, started, clock, open, told }: EngineOptions) {
    this.settings = settings;
    this.started = started;
    this.clock = clock;
    this.openKv = open;
    this.told = told;
    void this.inTurn(() => this.open());
    this.every("look", LOOK_MS, () => this.look());
    this.every("upkeep", UPKEEP_MS, () => void this.inTurn(() => this.upkeep()));
  }

  status(): TimelineStatus {
    const { opened, settings } = this;
    return {
      state: opened !== undefined ? "open" : this.problem === undefined ? "opening" : "unavailable",
      directory: settings.directory,
      problem: this.problem,
      oldest: opened?.chunks.list[0]?.first,
      events: opened?.chunks.events ?? 0,
      octets: opened?.chunks.octets ?? 0,
      lost: this.lost,
    };
  }

  /** Throws `FibQueryError` while there is no store. */
  questions(): Questions {
    if (this.opened !== undefined) return this.opened.questions;
    throw new FibQueryError(
      "off",
      this.problem === undefined
        ? "the timeline is being opened; ask again in a moment"
        : `the timeline is not usable: ${this.problem}`,
    );
  }

  /**
   * Events come from this ring now; from no ring when `share` is undefined.
   * @param time wall-clock milliseconds when its first event may have been written
   * @param resumed a thread before this one has read the ring: what it wrote of it is not known
   * @param fib of the same FIB; without it what is lost is not repaired
   */
  attach(
    share: EventShare | undefined,
    time: number,
    resumed: boolean,
    fib?: FibHandles,
  ): Promise<void> {
    return this.inTurn(async () => {
      this.look();
      await this.pump();
      // The store is away: what waits for it is of a ring that nobody reads any more.
      if (this.intake !== undefined) this.lose(this.intake.waiting);
      const first = this.names === undefined && !this.isOff;
      const reader = share === undefined ? undefined : new EventReader(share);
      this.intake = reader && new Intake(reader, resumed ? reader.next : 0);
      this.names = reader && new RingNames(reader);
      this.isOff = reader === undefined;
      this.reader = reader;
      this.fib = fib && new FibReader(fib);
      this.repairing = undefined;
      this.doubtSince = undefined;
      if (resumed && reader !== undefined) this.count(Math.max(1, reader.next));
      if (first) return;
      const kind = this.isOff ? MarkKind.Off : MarkKind.Rebuilt;
      this.resets.push({ kind, time, lost: this.lostUntold, since: this.lostSince });
      this.lostUntold = 0;
      if (this.resets.length > MOST_RESETS) this.resets.shift();
      await this.guarded(({ writer }) => this.markResets(writer));
    });
  }

  setBounds(settings: TimelineSettings): void {
    this.settings = settings;
    this.opened?.writer.setBounds(settings);
    void this.inTurn(() => this.upkeep());
  }

  /** Everything taken from the ring so far is written. */
  settled(): Promise<void> {
    return this.inTurn(() => {
      this.look();
      return this.pump();
    });
  }

  async close(): Promise<void> {
    if (this.closed) return;
    await this.inTurn(async () => {
      this.look();
      await this.pump();
      await this.guarded(async ({ writer }) => {
        this.markLost(true);
        const now = this.clock.wall();
        writer.mark(MarkKind.Stopped, now, 0);
        writer.note("alive", now);
        await writer.flush(true);
      });
    });
    this.closed = true;
    for (const timer of this.timers.values()) timer.cancel();
    await this.compacting;
    await this.opened?.kv.close().catch(() => {});
    this.opened = undefined;
  }

  private async open(): Promise<void> {
    try {
      const kv = await this.openKv(this.settings.directory);
      const chunks = new Chunks();
      const marks = new Marks();
      await chunks.load(kv);
      await marks.load(kv);
      const writer = new TimelineWriter(kv, chunks, marks, this.settings);
      const history = new History(kv, chunks, marks);
      const questions = new Questions(history, this.clock);
      this.opened = { kv, writer, chunks, history, questions };
      this.problem = undefined;
      if (!this.begun) await this.begin(kv, writer);
      await this.markResets(writer);
      this.told(this.status());
    } catch (error) {
      this.fail(error);
    }
  }

  /** Nothing of the life before holds any more. */
  private async begin(kv: OrderedKv, writer: TimelineWriter): Promise<void> {
    const bytes = await kv.get(plainKey(Space.Meta, Buffer.from("alive")));
    const alive = bytes === undefined ? 0 : readU32(bytes, 0) * HIGH + readU32(bytes, 4);
    await writer.forgetPresent();
    writer.mark(MarkKind.Started, this.started, Math.min(alive, this.started));
    writer.note("alive", this.clock.wall());
    await writer.flush(true);
    this.begun = true;
  }

  /** What was known of the present is void: said when there is a store to say it in. */
  private async markResets(writer: TimelineWriter): Promise<void> {
    if (this.resets.length === 0) return;
    for (const { kind, time, lost, since } of this.resets) {
      if (lost > 0) writer.mark(MarkKind.Lost, time, since, lost);
      writer.mark(kind, time, 0);
    }
    await writer.flush(true);
    await writer.forgetPresent();
    this.resets = [];
  }

  private look(): void {
    if (this.intake === undefined) return;
    this.intake.take();
    this.lose(this.intake.lost);
    this.intake.lost = 0;
    if (this.opened === undefined) return;
    if (this.doubtSince !== undefined) this.repair();
    if (this.intake.waiting > 0 && !this.pumping) void this.inTurn(() => this.pump());
  }

  /** Begins a repair, when it is time for one. */
  private repair(): void {
    const { clock, fib, reader } = this;
    if (fib === undefined || reader === undefined || this.repairing !== undefined) return;
    if (this.lostUntold > 0 || clock.now() < this.repairAt) return;
    this.repairing = new Repair({
      fib,
      events: reader,
      settle: (position) => this.settleTo(position),
      wall: () => clock.wall(),
      wait: () => new Promise((resolve) => void clock.setTimer(STEP_MS, resolve)),
    });
    void this.repairOn(this.repairing);
  }

  private async repairOn(repair: Repair): Promise<void> {
    let step = "later" as RepairStep;
    await this.inTurn(async () => {
      if (this.repairing !== repair) return;
      await this.guarded(async ({ history, writer }) => {
        step = await repair.step(history, writer);
        if (step !== "done" || this.lostUntold > 0) return;
        writer.mark(MarkKind.Repaired, this.clock.wall(), this.doubtSince ?? 0, repair.found);
        await writer.flush(false);
        this.doubtSince = undefined;
      });
    });
    if (this.repairing !== repair || this.closed) return;
    if (step === "more") {
      this.timers.set(
        "repair",
        this.clock.setTimer(STEP_MS, () => void this.repairOn(repair)),
      );
      return;
    }
    this.repairing = undefined;
    this.repairAt = this.clock.now() + AGAIN_MS;
  }

  /** Writes all events below the position; false when that failed, or some are lost. */
  private async settleTo(position: number): Promise<boolean> {
    for (;;) {
      this.intake?.take();
      const piece = this.intake?.next(position);
      if (piece === undefined) break;
      await this.write(piece);
    }
    this.lose(this.intake?.lost ?? 0);
    if (this.intake !== undefined) this.intake.lost = 0;
    return this.opened !== undefined && this.lostUntold === 0;
  }

  /** Writes what the queue holds, a piece at a time. */
  private async pump(): Promise<void> {
    this.pumping = true;
    try {
      for (;;) {
        const piece = this.opened === undefined ? undefined : this.intake?.next();
        if (piece === undefined) break;
        await this.write(piece);
        const { chunks } = this.opened ?? {};
        if (chunks !== undefined && chunks.octets > this.settings.maxSize) await this.trim();
      }
      if (this.lostUntold > 0) {
        await this.guarded(async ({ writer }) => {
          this.markLost(false);
          await writer.flush(false);
        });
      }
    } finally {
      this.pumping = false;
    }
  }

  private async write(piece: Piece): Promise<void> {
    const { names } = this;
    const done = await this.guarded(async ({ writer }) => {
      writer.add(piece, names!);
      this.lastTime = this.clock.wall();
      // What is written shows that evpnd was alive: after a kill, nothing before it is in doubt.
      writer.note("alive", this.lastTime);
      this.markLost(false);
      await writer.flush(false);
    });
    if (!done) this.lose(piece.count);
  }

  private async upkeep(): Promise<void> {
    if (this.opened === undefined) return;
    await this.guarded(async ({ writer }) => {
      writer.note("alive", this.clock.wall());
      await writer.flush(false);
    });
    await this.trim();
  }

  private async trim(): Promise<void> {
    await this.guarded(async ({ writer }) => {
      const gone = await writer.trim(this.clock.wall());
      if (gone.length === 0 || this.compacting !== undefined) return;
      // Beside the writing: it may take long.
      this.compacting = writer
        .compact(gone)
        .catch(() => {})
        .finally(() => {
          this.compacting = undefined;
        });
    });
  }

  private lose(events: number): void {
    if (events === 0) return;
    if (this.lostUntold === 0) this.lostSince = this.lastTime;
    this.count(events);
    this.repairAt = Math.max(this.repairAt, this.clock.now() + CALM_MS);
  }

  private count(events: number): void {
    this.lost += events;
    this.lostUntold += events;
  }

  /** Losses are marked once a second, not once an event. */
  private markLost(now: boolean): void {
    if (this.lostUntold === 0) return;
    if (!now && this.clock.now() - this.lastLostMark < LOST_MS) return;
    this.opened?.writer.mark(MarkKind.Lost, this.clock.wall(), this.lostSince, this.lostUntold);
    this.doubtSince = Math.min(this.doubtSince ?? this.lostSince, this.lostSince);
    this.lastLostMark = this.clock.now();
    this.lostUntold = 0;
  }

  /** False when there is no store, or none any more. */
  private async guarded(run: (opened: Opened) => Promise<void>): Promise<boolean> {
    const { opened } = this;
    if (opened === undefined) return false;
    try {
      await run(opened);
      return true;
    } catch (error) {
      this.opened = undefined;
      await opened.kv.close().catch(() => {});
      this.fail(error);
      return false;
    }
  }

  private fail(error: unknown): void {
    const text = error instanceof StoreError ? error.message : String(error);
    const news = this.problem !== text;
    this.opened = undefined;
    this.problem = text;
    if (news) this.told(this.status());
    if (this.closed) return;
    this.timers.get("retry")?.cancel();
    this.timers.set(
      "retry",
      this.clock.setTimer(RETRY_MS, () => void this.inTurn(() => this.open())),
    );
  }

  private every(name: string, milliseconds: number, run: () => void): void {
    const next = (): void => {
      if (this.closed) return;
      run();
      this.timers.set(name, this.clock.setTimer(milliseconds, next));
    };
    this.timers.set(name, this.clock.setTimer(milliseconds, next));
  }

  /** Work on the store, one thing after the other. Never rejects. */
  private inTurn(run: () => Promise<void>): Promise<void> {
    const result = this.work.then(run).catch((error: unknown) => this.fail(error));
    this.work = result;
    return result;
  }
}
