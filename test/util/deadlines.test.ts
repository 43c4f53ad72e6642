import { expect, test } from "vitest";
import type { TimerHandle } from "../../src/util/clock.js";
import { Deadlines, type Deadline } from "../../src/util/deadlines.js";
import { FakeClock } from "../model/lib/fake.js";
import { Random } from "../model/lib/random.js";

const MS = 1000;

/** How many timers were set, and how many of them run still. */
function countedClock() {
  const clock = new FakeClock();
  let set = 0;
  const running = new Set<object>();
  const setTimer = (ms: number, run: () => void): TimerHandle => {
    set++;
    const timer = clock.setTimer(ms, () => {
      running.delete(timer);
      run();
    });
    running.add(timer);
    return {
      cancel: () => {
        running.delete(timer);
        timer.cancel();
      },
    };
  };
  return {
    clock: {
      now: () => clock.now(),
      wall: () => clock.wall(),
      setTimer,
      advance: (ms: number) => clock.advance(ms),
    },
    set: () => set,
    running: () => running.size,
  };
}

test("who does not end in time is late, once, and after those who began before", () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock, MS);
  const late: string[] = [];
  deadlines.begin(() => late.push("a"));
  clock.advance(400);
  const b = deadlines.begin(() => late.push("b"));
  deadlines.begin(() => late.push("c"));
  clock.advance(599);
  expect(late).toEqual([]);
  clock.advance(1);
  expect(late).toEqual(["a"]);
  b.end();
  b.end();
  clock.advance(10 * MS);
  expect(late).toEqual(["a", "c"]);
});

test("one timer serves all, and none is left of what ended", () => {
  const { clock, set } = countedClock();
  const deadlines = new Deadlines(clock, MS);
  for (let i = 0; i < 10_000; i++) deadlines.begin(() => {}).end();
  expect(set()).toBe(1);
  clock.advance(10 * MS);
  expect(set()).toBe(1);
});

test("closed: who waits is late at once, and who begins then; no timer is left", () => {
  const { clock, running } = countedClock();
  const deadlines = new Deadlines(clock, MS);
  const late: string[] = [];
  deadlines.begin(() => late.push("a"));
  deadlines.begin(() => late.push("b")).end();
  deadlines.close();
  expect(late).toEqual(["a"]);
  deadlines.begin(() => late.push("c")).end();
  expect(late).toEqual(["a", "c"]);
  expect(running()).toBe(0);
  clock.advance(10 * MS);
  expect(late).toEqual(["a", "c"]);
});

test("one that begins when another is late has its time, and close ends its timer too", () => {
  const { clock, running } = countedClock();
  const deadlines = new Deadlines(clock, MS);
  const late: string[] = [];
  deadlines.begin(() => {
    late.push("a");
    deadlines.begin(() => late.push("c"));
  });
  clock.advance(500);
  deadlines.begin(() => late.push("b"));
  clock.advance(500);
  expect(running()).toBe(1);
  clock.advance(500);
  expect(late).toEqual(["a", "b"]);
  clock.advance(500);
  expect(late).toEqual(["a", "b", "c"]);
  deadlines.begin(() => late.push("d"));
  deadlines.close();
  expect(late).toEqual(["a", "b", "c", "d"]);
  expect(running()).toBe(0);
});

test("agrees with a timer for each, whatever begins and ends when", () => {
  const random = new Random(20261122);
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock, MS);
  const late: number[] = [];
  const wanted: number[] = [];
  const open: { readonly id: number; readonly at: number; readonly deadline: Deadline }[] = [];
  for (let id = 0; id < 5000; id++) {
    const choice = random.below(10);
    if (choice < 5) {
      open.push({ id, at: clock.now() + MS, deadline: deadlines.begin(() => late.push(id)) });
    } else if (choice < 8 && open.length > 0) {
      open.splice(random.below(open.length), 1)[0]!.deadline.end();
    } else {
      clock.advance(random.below(300));
      while (open.length > 0 && open[0]!.at <= clock.now()) wanted.push(open.shift()!.id);
    }
    expect(late).toEqual(wanted);
  }
  expect(late.length).toBeGreaterThan(100);
});
