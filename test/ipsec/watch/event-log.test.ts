/** The event log: a line of each thing that happened, bounded, and over a restart. */
import { describe, expect, test } from "vitest";
import { EventLog, MOST_EVENTS } from "../../../src/ipsec/watch/event-log.js";
import { eventOf } from "../../../src/ipsec/watch/event-words.js";
import { KvStore } from "../../../src/store/kv-store.js";
import { MemoryKv } from "../../../src/store/memory.js";
import { FakeClock } from "../../model/lib/fake.js";
import { childSa, ikeSa, logLine } from "../lib/observed.js";
import { sideFor } from "../lib/sides.js";

const SIDE = sideFor({ name: "t", profile: "ssg" });

describe("lines", () => {
  test("IPS-63: main mode and quick mode completion, with interface, origin, ends and subnet ids", () => {
    expect(eventOf({ kind: "ike-up", sa: ikeSa() }, SIDE)).toEqual({
      tunnel: "t",
      interface: "eth0",
      origin: "t-east",
      type: "log",
      action: "key install",
      source: "192.0.2.1",
      destination: "192.0.2.2",
      info: "main mode completion",
    });
    expect(eventOf({ kind: "child-up", sa: ikeSa(), child: childSa() }, SIDE)?.info).toBe(
      "quick mode completion; subnet ids 10.1.0.0/24 and 10.2.0.0/24, SPI in ced238c7 out 6b15a355",
    );
    expect(eventOf({ kind: "child-down", sa: ikeSa(), child: childSa() }, SIDE)?.action).toBe(
      "key delete",
    );
  });

  test("IPS-63: initial contact received; what we send ourselves is none", () => {
    const told = (text: string): string | undefined => eventOf(logLine(text), SIDE)?.info;
    expect(told("parsed ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]")).toBe(
      "initial contact received",
    );
    expect(told("generating ID_PROT request 0 [ ID HASH N(INITIAL_CONTACT) ]")).toBeUndefined();
    expect(told("sending packet: from 192.0.2.1[500] to 192.0.2.2[500]")).toBeUndefined();
  });
});

describe("the log", () => {
  const line = (info: string, tunnel = "t") => ({
    tunnel,
    interface: "",
    origin: "",
    type: "log" as const,
    action: "state",
    source: "",
    destination: "",
    info,
  });

  test("IPS-63: it is asked by tunnel and place, and keeps the newest", () => {
    const log = new EventLog(new FakeClock());
    for (let n = 1; n <= 1.5 * MOST_EVENTS; n++)
      log.add(line(`event ${String(n)}`, n % 2 === 0 ? "t" : "u"));
    expect(log.list({ limit: 2 }).map(({ info }) => info)).toEqual(["event 14999", "event 15000"]);
    expect(log.list({ tunnel: "t", limit: 1 })[0]?.info).toBe("event 15000");
    expect(log.list({ after: 14_998 })).toHaveLength(2);
    expect(log.list({ limit: 100_000 }).length).toBeLessThanOrEqual(1.25 * MOST_EVENTS);
  });

  test("IPS-63: it survives a restart, and goes on counting", async () => {
    const clock = new FakeClock();
    const store = new KvStore(new MemoryKv(), clock);
    const before = new EventLog(clock, store);
    before.add(line("one"));
    before.add(line("two"));
    await before.close();
    const after = new EventLog(clock, store);
    await after.restore();
    after.add(line("three"));
    expect(after.list({}).map(({ sequence, info }) => [sequence, info])).toEqual([
      [1, "one"],
      [2, "two"],
      [3, "three"],
    ]);
    await after.close();
  });
});
