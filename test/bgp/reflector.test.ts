/** What the random operations of test/model do not reach: limits, floods, sleepers. */
import { describe, expect, it } from "vitest";
import { evpnUpdate, Speaker } from "./lib/speaker.js";
import { mac } from "./lib/tables.js";

const CONGESTED = 256 * 1024 + 1;
/** Whole chunks of the log, whose times are those of their first entries. */
const FLOOD = 16_384;

describe("laggards above the budget", () => {
  function flood(speaker: Speaker, source: ReturnType<Speaker["up"]>, from: number): void {
    for (let n = from; n < from + FLOOD; n += 64) {
      source.say(evpnUpdate(Array.from({ length: 64 }, (_, i) => mac(n + i))));
      speaker.run();
    }
  }

  it("the worst is closed, one at a time, and none that has just fallen behind", () => {
    const speaker = new Speaker({ laggardBudget: 60_000 });
    const source = speaker.up();
    const [reader, sleeper, late] = [speaker.up(), speaker.up(), speaker.up()];
    speaker.run();
    sleeper.session.block(CONGESTED);
    flood(speaker, source, 0);
    expect(sleeper.resets).toEqual([]);
    speaker.clock.advance(5000);
    late.session.block(CONGESTED);
    flood(speaker, source, FLOOD);
    expect(sleeper.resets).toHaveLength(1);
    expect(late.resets).toEqual([]);
    expect(reader.resets).toEqual([]);
    expect(new Set(reader.takeKeys()).size).toBe(2 * FLOOD);
  });

  it("readers that lag for a moment behind the loss of a large peer stay", () => {
    const speaker = new Speaker({ laggardBudget: 60_000 });
    const source = speaker.up();
    const readers = [speaker.up(), speaker.up()];
    flood(speaker, source, 0);
    for (const { session } of readers) session.block(CONGESTED);
    source.down();
    speaker.run();
    for (const { session } of readers) {
      session.drain(0, false);
      speaker.reflector.drained(session);
    }
    speaker.run();
    for (const reader of readers) {
      expect(reader.resets).toEqual([]);
      expect(reader.takeKeys().filter((key) => key.startsWith("-"))).toHaveLength(FLOOD);
    }
    expect(speaker.reflector.table.tombstones).toBe(0);
  });
});
