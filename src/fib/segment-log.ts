/**
 * A PE that leaves an Ethernet segment as a line of the log: all its MACs there leave it at once (RFC 7432
 * section 8.2), however many they are. No more than one line a minute for a PE and segment.
 */
import { formatEsi } from "../fast-bgp-codec/index.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { LogRate } from "../util/log-rate.js";
import type { FibTables } from "./mac-fib.js";

export class SegmentLog {
  private readonly log: Log;
  private readonly rate: LogRate;

  constructor(log: Log, clock: Clock) {
    this.log = log;
    this.rate = new LogRate(clock);
  }

  /** @param macs MAC/IP routes that the PE still has there */
  left({ segments, pes }: FibTables, segment: number, pe: number, macs: number): void {
    const esi = formatEsi(segments.esi(segment), 0);
    const address = pes.address(pe);
    const suppressed = this.rate.pass(`${esi} ${address}`);
    if (suppressed === undefined) return;
    this.log.warn(
      { esi, pe: address, macs, ...LogRate.fields(suppressed) },
      "PE left an Ethernet segment: its MACs there are reached through the others, if any",
    );
  }
}
