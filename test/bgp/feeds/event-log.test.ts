import { describe, expect, test } from "vitest";
import { EventKind, EventLog, EventReader } from "../../../src/bgp/feeds/event-log.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { toHex } from "../../../src/util/bytes.js";
import { Random } from "../../model/lib/random.js";

/** What the reader has just read, for comparison. */
function told(reader: EventReader<string>): string {
  const { kind, slot, dest, pathId, family, bytes, start, length, seconds, micros } = reader;
  const hex = toHex(bytes, start, start + length);
  const at = `${String(seconds)}.${String(micros)}`;
  switch (kind) {
    case EventKind.Changed:
      return `${at} changed ${String(slot)} ${String(dest)} ${String(pathId)}`;
    case EventKind.Removed:
      return `${at} removed ${String(slot)} ${String(family)} ${String(pathId)} ${hex}`;
    case EventKind.Sent:
      return `${at} sent ${String(slot)} ${hex}`;
    default:
      return `${at} ${kind === EventKind.Up ? "up" : "down"} ${String(slot)} ${String(reader.object)}`;
  }
}

describe("the event log", () => {
  test.each([1, 2])("gives every reader everything in order, at its own pace (seed %i)", (seed) => {
    const random = new Random(seed);
    const log = new EventLog<string>(() => 1 << 30);
    const readers = [new EventReader(log), new EventReader(log)];
    const written: string[] = [];
    const seen: string[][] = [[], []];
    let at = "0.0";
    for (let i = 0; i < 20_000; i++) {
      const slot = random.below(60_000);
      const bytes = Uint8Array.from({ length: random.below(120) + 1 }, () => random.below(256));
      const hex = toHex(bytes);
      switch (random.below(8)) {
        case 0:
          log.time(1_700_000_000_000 + i + 0.5);
          at = `${String(Math.floor((1_700_000_000_000 + i) / 1000))}.${String((i % 1000) * 1000 + 500)}`;
          break;
        case 1:
          log.removed(slot, Family.Evpn, i, bytes, 0, bytes.length);
          written.push(`${at} removed ${String(slot)} 2 ${String(i)} ${hex}`);
          break;
        case 2:
          log.sent(slot, bytes, 0, bytes.length);
          written.push(`${at} sent ${String(slot)} ${hex}`);
          break;
        case 3:
          log.session(EventKind.Up, slot, `peer ${String(i)}`);
          written.push(`${at} up ${String(slot)} peer ${String(i)}`);
          break;
        default:
          log.changed(slot, i, 3);
          written.push(`${at} changed ${String(slot)} ${String(i)} 3`);
      }
      for (const [index, reader] of readers.entries()) {
        if (!random.oneIn(index === 0 ? 3 : 400)) continue;
        while (reader.next()) seen[index]!.push(told(reader));
      }
      if (random.oneIn(50)) log.trim(Math.min(...readers.map(({ position }) => position)));
    }
    for (const [index, reader] of readers.entries()) {
      while (reader.next()) seen[index]!.push(told(reader));
      expect(seen[index]).toEqual(written);
      expect(reader.atEnd).toBe(true);
    }
    log.trim(log.tail);
    expect(log.usedBytes).toBeLessThanOrEqual(512 * 1024);
  });

  test("stays within its limit, and says who must go before it drops anything", () => {
    const log = new EventLog<string>(() => 1 << 20);
    const reader = new EventReader(log);
    const gone: number[] = [];
    log.onOverflow = (kept) => {
      if (reader.position < kept) gone.push(kept);
    };
    for (let i = 0; i < 1_000_000 && gone.length === 0; i++) log.changed(1, i, 0);
    expect(gone).toHaveLength(1);
    expect(log.usedBytes).toBeLessThanOrEqual(1 << 20);
    expect(() => reader.next()).toThrow("gone");
  });

  test("peers that come and go without end count against the limit, too", () => {
    const log = new EventLog<string>(() => 1 << 20);
    const reader = new EventReader(log);
    let overflows = 0;
    log.onOverflow = (kept) => {
      if (reader.position < kept) overflows++;
    };
    let told = 0;
    while (overflows === 0 && told < 100_000) log.session(EventKind.Up, 1, String(told++));
    expect(overflows).toBe(1);
    expect(told).toBeLessThan(1000);
    const late = new EventReader(log);
    for (let i = 0; i < 300; i++) log.session(EventKind.Down, 2, `late ${String(i)}`);
    for (let i = 0; i < 300; i++) {
      expect(late.next()).toBe(true);
      expect(late.object).toBe(`late ${String(i)}`);
    }
  });
});
