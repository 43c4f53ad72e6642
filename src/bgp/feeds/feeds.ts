/** All feeds together: one tap for the sessions, one place for settings and views. */
import type { MessageTap, SessionDown, TappedSession, TapPoint } from "../session/types.js";
import { BmpFeed } from "./bmp/bmp-feed.js";
import type { FeedSources } from "./bmp/sources.js";
import type { DumpResult, FeedsView, RecordingFormat, RecordingView } from "./control.js";
import { TableLog } from "./mrt/table-log.js";
import { UpdateLog } from "./mrt/update-log.js";
import { Recorder } from "./recorder/recorder.js";
import type { FeedsSettings } from "./settings.js";

export class Feeds {
  private settings: FeedsSettings;
  private readonly sources: FeedSources;
  private readonly taps: TapPoint;
  private readonly bmp: BmpFeed;
  private readonly recorder: Recorder;
  private updates: UpdateLog | undefined;
  private tables: TableLog | undefined;

  constructor(settings: FeedsSettings, sources: FeedSources, taps: TapPoint) {
    this.settings = settings;
    this.sources = sources;
    this.taps = taps;
    this.bmp = new BmpFeed(settings.bmp, sources, (paths) => {
      sources.table.onPath = paths ? this.bmp : undefined;
    });
    this.recorder = new Recorder(settings.recorder, sources.clock);
    this.openMrt(settings);
    this.tap();
  }

  /** Connects to collectors. */
  start(): void {
    this.bmp.start();
  }

  /** Memory is short: what is kept for no other reason than to be looked at goes. */
  shed(): void {
    this.recorder.clear();
  }

  /** Ends files and connections. */
  async stop(): Promise<void> {
    this.taps.tap = undefined;
    this.recorder.stop();
    this.bmp.stop("evpnd is stopping");
    await Promise.all([this.updates?.stop(), this.tables?.stop()]);
  }

  /**
   * What was done, a line each; no session notices.
   * @param renamed our AS or router-id is another one: collectors are told anew
   */
  async apply(next: FeedsSettings, renamed = false): Promise<string[]> {
    const before = this.settings;
    this.settings = next;
    const done: string[] = [];
    if (renamed || !same(before.bmp, next.bmp)) done.push(...this.bmp.apply(next.bmp, renamed));
    if (!same(before.recorder, next.recorder)) done.push(...this.recorder.apply(next.recorder));
    if (!same(before.mrt.updates, next.mrt.updates)) {
      const old = this.updates;
      this.updates = undefined;
      await old?.stop();
      done.push(`mrt updates ${next.mrt.updates === undefined ? "off" : "on"}`);
    }
    if (!same(before.mrt.tables, next.mrt.tables)) {
      const old = this.tables;
      this.tables = undefined;
      await old?.stop();
      done.push(`mrt tables ${next.mrt.tables === undefined ? "off" : "on"}`);
    }
    this.openMrt(next);
    this.tap();
    return done;
  }

  view(): FeedsView {
    return {
      collectors: this.bmp.views(),
      eventLogBytes: this.bmp.eventLogBytes,
      updates: this.updates?.view(),
      tables: this.tables?.view(),
      recorder: this.recorder.view(),
    };
  }

  /** A table dump now; undefined where `mrt.tables` is not configured. */
  dumpTable(): Promise<DumpResult | undefined> | undefined {
    return this.tables?.dump();
  }

  /** Ends the file of updates and begins another; undefined where `mrt.updates` is not configured. */
  rotate(): Promise<string | undefined> | undefined {
    return this.updates?.rotate();
  }

  recordings(): RecordingView[] {
    return this.recorder.views();
  }

  /** One peer's recording as a file's octets, or everybody's; undefined when there is none. */
  recording(peer: string | undefined, format: RecordingFormat): Uint8Array | undefined {
    return peer === undefined
      ? this.recorder.exportAll(format)
      : this.recorder.export(peer, format);
  }

  private openMrt({ mrt }: FeedsSettings): void {
    const { clock, log, table } = this.sources;
    if (mrt.updates !== undefined) this.updates ??= new UpdateLog(mrt.updates, clock, log);
    if (mrt.tables !== undefined) {
      const routerId = (): number => this.sources.routerId;
      this.tables ??= new TableLog(mrt.tables, { table, routerId, clock, log });
    }
  }

  /** Those that listen, and nobody where there is none: then a message costs nothing. */
  private tap(): void {
    const taps: MessageTap[] = [];
    if (this.settings.recorder.enabled) taps.push(this.recorder);
    if (this.updates !== undefined) taps.push(this.updates);
    if (this.settings.bmp.collectors.length > 0) taps.push(this.bmp);
    this.taps.tap = taps.length > 1 ? new Several(taps) : taps[0];
  }
}

class Several implements MessageTap {
  private readonly taps: readonly MessageTap[];

  constructor(taps: readonly MessageTap[]) {
    this.taps = taps;
  }

  received(session: TappedSession, bytes: Uint8Array, start: number, end: number): void {
    for (const tap of this.taps) tap.received(session, bytes, start, end);
  }

  sent(session: TappedSession, bytes: Uint8Array): void {
    for (const tap of this.taps) tap.sent(session, bytes);
  }

  state(session: TappedSession, from: string, to: string): void {
    for (const tap of this.taps) tap.state(session, from, to);
  }

  established(session: TappedSession): void {
    for (const tap of this.taps) tap.established(session);
  }

  ended(session: TappedSession, down: SessionDown, wasEstablished: boolean): void {
    for (const tap of this.taps) tap.ended(session, down, wasEstablished);
  }
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
