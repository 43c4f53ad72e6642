/**
 * Storms under an effect: one MAC that flaps ten thousand times, ten thousand MACs at once, one MAC in ten
 * thousand domains. The cost is counted in questions to the screen and in what others are sent, never in
 * time; alarms are exact, and who has nothing to do with it is not touched.
 */
import { describe, expect, it, vi } from "vitest";
import { FibEventKind, type DuplicateAction } from "../../../src/fib/index.js";
import { BridgeDomains } from "../../../src/fib/bridge-domain.js";
import { hop, Rig } from "./lib/rig.js";

const MANY = 10_000;

function rig(action: DuplicateAction, eventRing = 1 << 17): Rig {
  return new Rig({
    eventRing,
    duplicates: {
      moves: 5,
      seconds: 180,
      action,
      releaseSeconds: 60,
      rateSeconds: 10,
      exemptMacs: [],
      exemptOuis: [],
    },
  });
}

const mac = (n: number): string => {
  const digits = n.toString(16).padStart(8, "0");
  return `02:00:${digits.match(/../g)!.join(":")}`;
};

describe("a storm of", () => {
  for (const [action, times] of [
    ["pin", MANY],
    ["hold", 2000],
    ["rate-limit", 3000],
  ] as const) {
    it(`one MAC that flaps ${times} times, a thousand times a second (${action})`, () => {
      const on = rig(action);
      const innocent = on.receiver();
      on.say(3, { mac: mac(77) }).run();
      const resolve = vi.spyOn(BridgeDomains.prototype, "resolve");
      for (let n = 0; n < times; n++) {
        on.say(1 + (n % 2), { sequence: n });
        on.speaker.clock.advance(1);
        if (n % 10 === 9) on.run();
      }
      on.run();
      // The FIB reads what counts, the screen looks at what comes: each route once or twice.
      expect(resolve.mock.calls.length).toBeLessThan(3 * times);
      resolve.mockRestore();
      const kinds = on.news().map(({ kind }) => kind);
      expect(kinds.filter((kind) => kind === FibEventKind.Duplicate)).toHaveLength(1);
      expect(kinds.filter((kind) => kind === FibEventKind.Move).length).toBeLessThan(10);
      expect(on.fib.duplicates.alarms).toBe(1);
      expect(on.fib.quarantines.count).toBe(1);
      expect(on.fib.view.mac(1)).toBeDefined();
      expect(innocent.hops).toHaveLength(2);
      expect(innocent.hops).toContain(hop(3));
      on.pass(62);
      expect(on.held).toBe(0);
      expect(innocent.hops).toEqual([hop(1), hop(2), hop(3)]);
    });
  }

  it("ten thousand MACs at once: each is one alarm and one quarantine, then none", () => {
    const on = rig("pin");
    const innocent = on.receiver();
    on.say(3, { mac: mac(MANY + 1) }).run();
    for (let n = 0; n <= 5; n++) {
      for (let one = 0; one < MANY; one++) on.say(1 + (n % 2), { mac: mac(one), sequence: n });
      on.run();
      on.speaker.clock.advance(100);
    }
    on.run();
    expect(on.fib.duplicates.alarms).toBe(MANY);
    expect(on.fib.duplicates.duplicates).toBe(MANY);
    expect(on.fib.quarantines.count).toBe(MANY);
    expect(on.held).toBe(MANY);
    expect(innocent.routes.size).toBe(MANY + 1);
    expect(new Set(innocent.hops)).toEqual(new Set([hop(1), hop(3)]));
    const events = on.news().filter(({ kind }) => kind === FibEventKind.Duplicate);
    expect(new Set(events.map((event) => event.mac)).size).toBe(MANY);
    on.pass(70);
    expect(on.fib.quarantines.count).toBe(0);
    expect(on.held).toBe(0);
    expect(innocent.routes.size).toBe(2 * MANY + 1);
  }, 60_000);

  it("one MAC in ten thousand domains: one quarantine in each, and no domain costs another", () => {
    const on = rig("hold");
    const resolve = vi.spyOn(BridgeDomains.prototype, "resolve");
    const asked: number[] = [];
    for (let n = 0; n <= 6; n++) {
      for (let one = 0; one < MANY; one++) {
        on.say(1 + (n % 2), { rd: one, target: `65000:${one}`, sequence: n });
      }
      on.run();
      on.speaker.clock.advance(100);
      asked.push(resolve.mock.calls.length);
      resolve.mockClear();
    }
    resolve.mockRestore();
    expect(on.fib.quarantines.count).toBe(MANY);
    expect(on.fib.duplicates.alarms).toBe(MANY);
    expect(on.held).toBe(MANY);
    // Once for the FIB, and while there are quarantines once or twice for the screen.
    for (const count of asked) expect(count).toBeLessThan(5 * MANY);
    on.pass(70);
    expect(on.fib.quarantines.count).toBe(0);
    expect(on.held).toBe(0);
  }, 60_000);

  it("more MACs than can be in quarantine: alarms for all, and the rest as it is", () => {
    const on = rig("pin");
    vi.spyOn(on.fib.quarantines, "hasRoom", "get").mockImplementation(
      () => on.fib.quarantines.count < 3,
    );
    for (let one = 0; one < 10; one++) on.flap(5, 0, { mac: mac(one) });
    expect(on.fib.duplicates.alarms).toBe(10);
    expect(on.fib.quarantines.count).toBe(3);
    expect(on.held).toBe(3);
    on.pass(62);
    expect(on.held).toBe(0);
  });
});
