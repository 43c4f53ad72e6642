/**
 * Duplicates and quarantines as lines of the log: one for each change, but no more of one MAC than one a
 * minute, and of all together no more than a hundred that begin and a hundred that end: a loop makes thousands.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { QuarantineDesk } from "./desk.js";
import { Output } from "./machine.js";
import { quarantineText } from "./view.js";

const MOST_LINES = 100;
const MINUTE_MS = 60_000;

export class AlarmLog {
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly rate: LogRate;
  private minute = -Infinity;
  /** Of what begins, and of what ends: lines this minute, and how many were left out since the last one. */
  private readonly lines = [0, 0];
  private readonly left = [0, 0];

  constructor(log: Log, clock: Clock) {
    this.log = log;
    this.clock = clock;
    this.rate = new LogRate(clock);
  }

  /** @param output bits of `Output` that the record's last step gave */
  changed(desk: QuarantineDesk, id: number, output: number): void {
    const begins = (output & (Output.Alarm | Output.Apply | Output.Turn)) !== 0 ? 0 : 1;
    if (output === Output.None || !this.hasRoom(begins)) return;
    const { domain, mac } = desk.nameOf(id);
    const kind =
      output & (Output.Alarm | Output.Cleared | Output.Apply | Output.Lift | Output.Turn);
    const suppressed = this.rate.pass(`${kind} ${mac} ${domain}`);
    if (suppressed === undefined) return;
    this.lines[begins]!++;
    const left = this.left[begins]!;
    this.left[begins] = 0;
    const row = desk.row(id);
    const fields = { mac, domain, ...LogRate.fields(suppressed + left) };
    if ((output & Output.Alarm) !== 0) {
      const { moves } = row?.duplicate ?? { moves: 0 };
      this.log.warn({ ...fields, moves, ...this.effect(row) }, "duplicate MAC: it moves too often");
    } else if ((output & (Output.Apply | Output.Turn)) !== 0) {
      this.log.warn({ ...fields, ...this.effect(row) }, "MAC in quarantine");
    } else if ((output & Output.Cleared) !== 0) {
      this.log.info(fields, "duplicate MAC: it is none any more");
    } else {
      this.log.info(fields, "MAC out of quarantine");
    }
  }

  private effect(row: ReturnType<QuarantineDesk["row"]>): { readonly effect?: string } {
    return row?.quarantine === undefined ? {} : { effect: quarantineText(row.quarantine) };
  }

  private hasRoom(which: number): boolean {
    const now = this.clock.now();
    if (now - this.minute >= MINUTE_MS) {
      this.minute = now;
      this.lines.fill(0);
    }
    if (this.lines[which]! < MOST_LINES) return true;
    this.left[which]!++;
    return false;
  }
}
