/** Table dumps at intervals and on demand, one file each. */
import type { Clock, TimerHandle } from "../../../util/clock.js";
import type { Log } from "../../../util/log.js";
import type { RouteTable } from "../../rib/index.js";
import type { DumpResult, MrtTablesView } from "../control.js";
import type { MrtTablesSettings } from "../settings.js";
import { FileSink } from "./file-sink.js";
import { waitForDisk } from "./patience.js";
import { dumpTable } from "./table-dump.js";

export interface TableLogParts {
  readonly table: RouteTable;
  readonly routerId: () => number;
  readonly clock: Clock;
  readonly log: Log;
}

export class TableLog {
  readonly settings: MrtTablesSettings;
  private readonly parts: TableLogParts;
  private readonly sink: FileSink;
  private running: Promise<DumpResult | undefined> | undefined;
  private lastDump: number | undefined;
  private timer: TimerHandle | undefined;
  private stopped = false;

  constructor(settings: MrtTablesSettings, parts: TableLogParts) {
    this.settings = settings;
    this.parts = parts;
    this.sink = new FileSink(settings, parts.clock, parts.log);
    this.arm();
  }

  /** A dump from now on, or the one under way; undefined when it could not be written (`view` says why). */
  dump(): Promise<DumpResult | undefined> {
    this.running ??= this.run().finally(() => (this.running = undefined));
    return this.running;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    this.timer?.cancel();
    const { clock, log } = this.parts;
    await waitForDisk(this.running, clock, log, this.settings.directory);
  }

  view(): MrtTablesView {
    return {
      ...this.sink.view(),
      running: this.running !== undefined,
      lastDump: this.lastDump,
    };
  }

  private async run(): Promise<DumpResult | undefined> {
    const { table, clock, log, routerId } = this.parts;
    const { sink, settings } = this;
    const before = sink.view();
    const records = await dumpTable({
      table,
      sink,
      clock,
      routerId: routerId(),
      view: settings.view,
      cancelled: () => this.stopped,
    });
    const file = await sink.finishFile();
    const after = sink.view();
    if (file === undefined) return undefined;
    this.lastDump = clock.wall();
    const lost = after.dropped - before.dropped;
    if (lost > 0) log.warn({ file, lost }, "table dump is not whole: records were lost");
    return { file, records: records - lost, octets: after.octets - before.octets };
  }

  private arm(): void {
    const interval = this.settings.interval * 1000;
    if (interval === 0) return;
    const { clock } = this.parts;
    this.timer = clock.setTimer(interval - (clock.wall() % interval), () => {
      this.arm();
      void this.dump();
    });
  }
}
