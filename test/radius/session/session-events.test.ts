/** What is told of sessions to those who watch, and outside the relay's thread. */
import { describe, expect, test } from "vitest";
import { SessionEventLog } from "../../../src/radius/session/session-events.js";
import { SessionNews } from "../../../src/radius/session/session-news.js";
import type { SessionEvent } from "../../../src/radius/session/session.js";
import { radiusSession } from "../../lib/fake-radius.js";
import { HandClock } from "../../fib/lib/fabric.js";

const begun = (n: number): SessionEvent => ({
  kind: "begun",
  session: radiusSession({ id: n, mac: `02:00:00:00:00:${String(n % 100).padStart(2, "0")}` }),
});

const nobody = () => undefined;

describe("a watch", () => {
  test("is told of changes once, as the session is by then, and of one that is over its end only", async () => {
    const now = new Map([
      ["a", radiusSession({ mac: "a", inputOctets: 1 })],
      ["b", radiusSession({ mac: "b" })],
    ]);
    const log = new SessionEventLog(new HandClock(), (_tenant, mac) => now.get(mac));
    const change = (mac: string, inputOctets: number): void => {
      const session = radiusSession({ mac, inputOctets });
      now.set(mac, session);
      log.note({ kind: "changed", session });
    };
    change("a", 2);
    change("b", 3);
    change("a", 4);
    const ended = radiusSession({ mac: "b", inputOctets: 5 });
    now.delete("b");
    log.note({ kind: "ended", session: ended, reason: "stop" });
    const { events, next } = await log.read(0, 100, 0);
    expect(events).toEqual([
      { kind: "changed", session: now.get("a") },
      { kind: "ended", session: ended, reason: "stop" },
    ]);
    expect(next).toBe(4);
  });

  test("begins now, and goes on where it was", async () => {
    const log = new SessionEventLog(new HandClock(), nobody);
    log.note(begun(1));
    const start = await log.read(undefined, 10, 0);
    expect(start).toEqual({ events: [], lost: 0, next: 1 });
    for (let n = 2; n < 7; n++) log.note(begun(n));
    const some = await log.read(start.next, 3, 0);
    expect(some.events.map(({ session }) => session.id)).toEqual([2, 3, 4]);
    const rest = await log.read(some.next, 100, 0);
    expect(rest.events.map(({ session }) => session.id)).toEqual([5, 6]);
  });

  test("is told how much it lost; a position of elsewhere begins now", async () => {
    const log = new SessionEventLog(new HandClock(), nobody);
    for (let n = 0; n < 5000; n++) log.note(begun(n));
    const batch = await log.read(10, 1, 0);
    expect(batch.lost).toBe(5000 - 4096 - 10);
    expect(batch.events[0]?.session.id).toBe(5000 - 4096);
    expect(await log.read(999_999, 1, 0)).toEqual({ events: [], lost: 0, next: 5000 });
  });

  test("waits for something to come, and no longer than it said", async () => {
    const clock = new HandClock();
    const log = new SessionEventLog(clock, nobody);
    const first = log.read(0, 10, 1000);
    log.note(begun(1));
    expect((await first).events).toHaveLength(1);
    const second = log.read(1, 10, 1000);
    clock.pass(1000);
    expect((await second).events).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

test("counters are no news: only who is where, and its accounting's beginning", () => {
  const news = new SessionNews();
  const session = radiusSession({ confirmed: false });
  const changed = (over: object): SessionEvent => ({
    kind: "changed",
    session: { ...session, ...over },
  });
  expect(news.isNews({ kind: "begun", session })).toBe(true);
  expect(news.isNews(changed({ inputOctets: 5, lastSeenAt: 9 }))).toBe(false);
  expect(news.isNews(changed({ confirmed: true }))).toBe(true);
  expect(news.isNews(changed({ confirmed: true, sessionTime: 9 }))).toBe(false);
  expect(news.isNews(changed({ confirmed: true, vlan: "7" }))).toBe(true);
  expect(news.isNews({ kind: "ended", session, reason: "stop" })).toBe(true);
  // Restored, and heard of for the first time.
  expect(news.isNews(changed({}))).toBe(true);
});
