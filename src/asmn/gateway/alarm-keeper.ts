/** Reads the kernel's counts for the alarms every few seconds, and tells of what is raised and of what is over. */
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { AlarmBook, type RaisedAlarm } from "./alarms.js";
import type { KernelTable } from "./kernel-table.js";
import { FAMILIES, VOLUME_OUT, VOLUME_PAIRS } from "./names.js";
import type { Volumes } from "./volumes.js";

export interface AlarmKeeperParts {
  readonly kernel: Pick<KernelTable, "elements">;
  readonly clock: Clock;
  readonly log: Log;
  readonly volumes: () => Volumes;
  /** Keeps readings and changes of the table apart. */
  readonly inTurn: (work: () => Promise<void>) => Promise<void>;
}

const EVERY_MS = 5000;

export class AlarmKeeper {
  private readonly parts: AlarmKeeperParts;
  private readonly book = new AlarmBook();
  private timer: TimerHandle | undefined;

  constructor(parts: AlarmKeeperParts) {
    this.parts = parts;
  }

  start(): void {
    this.timer = this.parts.clock.setTimer(EVERY_MS, () => {
      void this.parts
        .inTurn(() => this.read())
        .catch((error: unknown) => {
          this.parts.log.warn({ err: error }, "ASMN gateway: counts for the alarms cannot be read");
        })
        .finally(() => {
          if (this.timer !== undefined) this.start();
        });
    });
  }

  stop(): void {
    this.timer?.cancel();
    this.timer = undefined;
  }

  raised(): RaisedAlarm[] {
    return this.book.raised();
  }

  /** To be called in turn, before the table is written anew: its counts begin at nothing then. */
  async beforeRewrite(): Promise<void> {
    await this.read();
    this.book.rebase();
  }

  /** To be called in turn. */
  async read(): Promise<void> {
    const { kernel, clock, log, volumes } = this.parts;
    const { pairs, out, watched } = volumes();
    const counts = new Map<string, number>();
    for (const family of FAMILIES) {
      for (const [set, some] of [
        [VOLUME_PAIRS, pairs.length > 0],
        [VOLUME_OUT, out.length > 0],
      ] as const) {
        if (!some) continue;
        for (const [key, { octets }] of await kernel.elements(`${set}${family}`)) {
          counts.set(key, octets);
        }
      }
    }
    const readings = watched.map(({ alarm, vnf, keys }) => ({
      ...{ alarm, vnf },
      octets: keys.reduce((sum, key) => sum + (counts.get(key) ?? 0), 0),
    }));
    for (const alarm of this.book.read(readings, clock.now(), clock.wall())) {
      const { name, vnf, octets } = alarm;
      if (alarm.until === undefined)
        log.warn({ name, vnf, octets, audit: true }, `ASMN gateway: ${alarm.text}`);
      else log.info({ name, vnf }, `ASMN gateway: over: ${alarm.text}`);
    }
  }
}
