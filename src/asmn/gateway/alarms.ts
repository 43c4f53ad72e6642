/**
 * Traffic patterns (a large flow towards outside, transfers at unusual hours), found in what the kernel counted.
 * No clock of its own: each reading comes with its time.
 */
import { hoursText, type CatalogAlarm, type Hours } from "../catalog/index.js";

export interface RaisedAlarm {
  readonly name: string;
  readonly vnf: string;
  /** Where to; undefined = outside. */
  readonly to: string | undefined;
  /** What passed within the window that raised it. */
  readonly octets: number;
  /** Wall-clock milliseconds. */
  readonly since: number;
  /** Undefined: it still holds. */
  readonly until: number | undefined;
  /** A sentence without the full stop. */
  readonly text: string;
}

export interface Reading {
  readonly alarm: CatalogAlarm;
  readonly vnf: string;
  /** Octets so far, since the count began; it may begin anew. */
  readonly octets: number;
}

/** Steps that a window is divided into: no sample is kept for longer than the window. */
const STEPS = 60;

interface Watch {
  readonly alarm: CatalogAlarm;
  /** Of the last reading. */
  octets: number;
  /** What passed, and when, oldest first. */
  samples: { at: number; octets: number }[];
  raised: RaisedAlarm | undefined;
}

export class AlarmBook {
  private readonly watches = new Map<string, Watch>();

  /** Counts begin anew with the next reading: the table was written again. */
  rebase(): void {
    for (const watch of this.watches.values()) watch.octets = 0;
  }

  /**
   * Alarms that are raised or over with these readings; those that were read before and are not now, are over.
   * @param now monotonic milliseconds; `wall` wall-clock milliseconds
   */
  read(readings: readonly Reading[], now: number, wall: number): RaisedAlarm[] {
    const told: RaisedAlarm[] = [];
    const seen = new Set<string>();
    for (const reading of readings) {
      const key = `${reading.alarm.name} ${reading.vnf}`;
      seen.add(key);
      const former = this.watches.get(key);
      const same = former !== undefined && sameAlarm(former.alarm, reading.alarm);
      const watch = same ? former : newWatch(reading.alarm, former?.raised);
      this.watches.set(key, watch);
      const change = judge(watch, reading, now, wall);
      if (change !== undefined) told.push(change);
    }
    for (const [key, { raised }] of this.watches) {
      if (seen.has(key)) continue;
      this.watches.delete(key);
      if (raised !== undefined) told.push({ ...raised, until: wall });
    }
    return told;
  }

  raised(): RaisedAlarm[] {
    return [...this.watches.values()].flatMap(({ raised }) => raised ?? []);
  }
}

/** Whether a time of day is within the hours, in their zone. */
export function isWithin({ from, to, zone }: Hours, wall: number): boolean {
  const parts = new Intl.DateTimeFormat("en-GB", {
    ...{ timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" },
  }).formatToParts(wall);
  const part = (type: string) => Number(parts.find((one) => one.type === type)?.value);
  const minute = part("hour") * 60 + part("minute");
  return from < to ? minute >= from && minute < to : minute >= from || minute < to;
}

function judge(watch: Watch, reading: Reading, now: number, wall: number): RaisedAlarm | undefined {
  const { alarm, vnf, octets } = reading;
  const begun = octets < watch.octets;
  const grown = begun ? octets : octets - watch.octets;
  watch.octets = octets;
  const counts = alarm.hours === undefined || isWithin(alarm.hours, wall);
  const windowMs = alarm.windowSeconds * 1000;
  if (counts && grown > 0) addSample(watch.samples, now, grown, windowMs / STEPS);
  watch.samples = watch.samples.filter(({ at }) => at > now - windowMs);
  const sum = watch.samples.reduce((total, sample) => total + sample.octets, 0);
  const holds = counts && sum > alarm.octets;
  if (holds === (watch.raised !== undefined)) return undefined;
  if (!holds) {
    const over = watch.raised;
    watch.raised = undefined;
    return over && { ...over, until: wall };
  }
  const text = textOf(alarm, vnf, sum);
  watch.raised = {
    ...{ name: alarm.name, vnf, to: alarm.to, octets: sum, since: wall, until: undefined, text },
  };
  return watch.raised;
}

function addSample(samples: Watch["samples"], at: number, octets: number, stepMs: number): void {
  const last = samples.at(-1);
  if (last !== undefined && at - last.at < stepMs) last.octets += octets;
  else samples.push({ at, octets });
}

function newWatch(alarm: CatalogAlarm, raised: RaisedAlarm | undefined): Watch {
  return { alarm, octets: 0, samples: [], raised };
}

function sameAlarm(a: CatalogAlarm, b: CatalogAlarm): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function textOf(
  { name, to, octets, windowSeconds, hours }: CatalogAlarm,
  vnf: string,
  sum: number,
): string {
  const when = hours === undefined ? "" : ` between ${hoursText(hours)}`;
  const most = octets === 0 ? "" : `, more than ${octets}`;
  return `${name}: ${vnf} sent ${sum} octets to ${to ?? "outside"} within ${windowSeconds} s${when}${most}`;
}
