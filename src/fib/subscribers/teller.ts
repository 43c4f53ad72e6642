/** Alarms of the comparison, and their ends, as events of the FIB. Called inside `Fib.change`. */
import { FibEventKind } from "../event-record.js";
import type { Fib } from "../fib.js";
import { macNumber } from "./sessions.js";

export function tellAlarm(fib: Fib, entry: number): void {
  const { entries, candidates } = fib.macs;
  fib.tables.events
    .begin(FibEventKind.SessionAlarm)
    .mac(entries.domain(entry), entries.macHigh(entry), entries.macLow(entry))
    .to(candidates.pe(entries.head(entry)));
}

/** How a domain is named in events: it may be gone when its last alarm ends. */
export interface DomainWords {
  readonly k0: number;
  readonly k1: number;
  readonly tag: number;
}

export function wordsOf({ tables: { domains } }: Fib, domain: number): DomainWords {
  return {
    k0: domains.keyWord(domain, 0),
    k1: domains.keyWord(domain, 1),
    tag: domains.tag(domain),
  };
}

export function tellEnd(fib: Fib, { k0, k1, tag }: DomainWords, mac: string): void {
  const number = macNumber(mac);
  if (number === undefined) return;
  const high = Math.floor(number / 0x1_0000_0000);
  fib.tables.events.begin(FibEventKind.SessionAlarmEnded).key(k0, k1, tag, high, number | 0);
}
