/**
 * MACs without or away from their sessions as lines of the log: one for each that begins and ends, no more of
 * one MAC than one a minute, and no more than a hundred a minute of all.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import { placeText, type SubscriberFinding } from "./finding.js";

const MOST_LINES = 100;
const MINUTE_MS = 60_000;

export class SubscriberAlarmLog {
  private readonly log: Log;
  private readonly clock: Clock;
  private readonly rate: LogRate;
  private minute = -Infinity;
  private lines = 0;
  private left = 0;

  constructor(log: Log, clock: Clock) {
    this.log = log;
    this.clock = clock;
    this.rate = new LogRate(clock);
  }

  began(finding: SubscriberFinding): void {
    const fields = this.fields("began", finding);
    if (fields === undefined) return;
    const { session, action } = finding;
    if (session === undefined) {
      this.log.warn({ ...fields, action }, "MAC without a subscriber's session");
      return;
    }
    const { accessPoint, expected } = session;
    const belongs = expected === undefined ? "" : placeText(expected);
    this.log.warn({ ...fields, action, accessPoint, belongs }, "MAC away from its session");
  }

  ended(finding: SubscriberFinding, why: string): void {
    const fields = this.fields("ended", finding);
    if (fields !== undefined) this.log.info({ ...fields, why }, "MAC and session agree again");
  }

  private fields(what: string, { mac, domain, pe }: SubscriberFinding): object | undefined {
    const now = this.clock.now();
    if (now - this.minute >= MINUTE_MS) {
      this.minute = now;
      this.lines = 0;
    }
    const suppressed = this.rate.pass(`${what} ${mac} ${domain}`);
    if (suppressed === undefined || this.lines >= MOST_LINES) {
      if (suppressed !== undefined) this.left++;
      return undefined;
    }
    this.lines++;
    const left = this.left;
    this.left = 0;
    return { mac, domain, pe, ...LogRate.fields(suppressed + left) };
  }
}
