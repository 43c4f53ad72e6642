import { expect, test } from "vitest";
import { Deadlines, type Deadline } from "../../src/util/deadlines.js";
import { FakeClock } from "../model/lib/fake.js";
import { Random } from "../model/lib/random.js";

const MS = 1000;

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
  let timers = 0;
  const clock = new FakeClock();
  const counted = {
    now: () => clock.now(),
    wall: () => clock.wall(),
    setTimer: (ms: number, run: () => void) => {
      timers++;
      return clock.setTimer(ms, run);
    },
  };
  const deadlines = new Deadlines(counted, MS);
  for (let i = 0; i < 10_000; i++) deadlines.begin(() => {}).end();
  expect(timers).toBe(1);
  clock.advance(10 * MS);
  expect(timers).toBe(1);
});

test("closed: nobody is late any more", () => {
  const clock = new FakeClock();
  const deadlines = new Deadlines(clock, MS);
  let late = 0;
  deadlines.begin(() => late++);
  deadlines.close();
  clock.advance(10 * MS);
  expect(late).toBe(0);
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
