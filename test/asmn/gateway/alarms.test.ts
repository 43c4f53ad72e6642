import { expect, test } from "vitest";
import type { CatalogAlarm } from "../../../src/asmn/catalog/index.js";
import { AlarmBook, isWithin } from "../../../src/asmn/gateway/alarms.js";

const LEAK: CatalogAlarm = {
  ...{ name: "leak", from: "db", to: undefined, octets: 1000, windowSeconds: 60 },
  hours: undefined,
};
const DAWN: CatalogAlarm = {
  ...{ ...LEAK, name: "dawn", octets: 0 },
  hours: { from: 60, to: 300, zone: "UTC" },
};
const NOON = Date.UTC(2024, 5, 1, 12);
const NIGHT = Date.UTC(2024, 5, 1, 3);

function reader(alarm: CatalogAlarm) {
  const book = new AlarmBook();
  return {
    book,
    /** Names of what is raised, and of what is over with a minus. */
    at: (seconds: number, octets: number, wall: number) =>
      book
        .read([{ alarm, vnf: "db", octets }], seconds * 1000, wall)
        .map(({ name, until }) => (until === undefined ? name : `-${name}`)),
  };
}

test("ASM-36: more than a volume within a window is an alarm, once, and over when the window has passed", () => {
  const { at, book } = reader(LEAK);
  expect(at(0, 600, NOON)).toEqual([]);
  expect(at(30, 1000, NOON)).toEqual([]);
  expect(at(50, 1100, NOON)).toEqual(["leak"]);
  expect(at(55, 1500, NOON)).toEqual([]);
  expect(book.raised()).toMatchObject([{ name: "leak", vnf: "db", octets: 1100 }]);
  expect(at(111, 1500, NOON)).toEqual(["-leak"]);
  expect(book.raised()).toEqual([]);
});

test("ASM-36: the same volume spread over more than the window is none", () => {
  const { at } = reader(LEAK);
  for (let minute = 0; minute < 10; minute++) {
    expect(at(minute * 61, 900 * (minute + 1), NOON)).toEqual([]);
  }
});

test("ASM-36: a transfer at an unusual hour is an alarm, at any other it is none", () => {
  const { at } = reader(DAWN);
  expect(at(0, 1e9, NOON)).toEqual([]);
  expect(at(10, 1e9, NIGHT)).toEqual([]);
  expect(at(20, 1e9 + 1, NIGHT + 10_000)).toEqual(["dawn"]);
  // The window is over at five o'clock at the latest.
  expect(at(25, 1e9 + 2, Date.UTC(2024, 5, 1, 5, 0, 1))).toEqual(["-dawn"]);
});

test("ASM-36: counts that begin anew lose nothing and invent nothing", () => {
  const { at, book } = reader(LEAK);
  at(0, 500_000, NOON);
  book.rebase();
  const fresh = reader(LEAK);
  fresh.at(0, 600, NOON);
  fresh.book.rebase();
  expect(fresh.at(10, 300, NOON)).toEqual([]);
  expect(fresh.at(20, 450, NOON)).toEqual(["leak"]);
  // A table that somebody else wrote anew, without a word.
  expect(fresh.at(90, 200, NOON)).toEqual(["-leak"]);
});

test("ASM-36: an alarm that nobody asks for any more is over", () => {
  const { at, book } = reader(LEAK);
  at(0, 5000, NOON);
  expect(book.read([], 1000, NOON)).toMatchObject([{ name: "leak", until: NOON }]);
});

test("ASM-36: hours are those of their zone, and go past midnight", () => {
  const berlin = { from: 60, to: 300, zone: "Europe/Berlin" };
  // Summer time: two hours ahead.
  expect(isWithin(berlin, Date.UTC(2024, 5, 30, 23, 30))).toBe(true);
  expect(isWithin(berlin, Date.UTC(2024, 5, 30, 22, 30))).toBe(false);
  expect(isWithin(berlin, Date.UTC(2024, 5, 30, 3, 0))).toBe(false);
  const late = { from: 23 * 60, to: 60, zone: "UTC" };
  expect([22, 23, 0, 1].map((hour) => isWithin(late, Date.UTC(2024, 0, 1, hour)))).toEqual([
    ...[false, true, true, false],
  ]);
});

test("a window of a day keeps few samples", () => {
  const day = { ...LEAK, octets: 1e12, windowSeconds: 86_400 };
  const { at, book } = reader(day);
  for (let second = 0; second < 86_400; second += 5) at(second, second * 100, NOON);
  const watches = (book as unknown as { watches: Map<string, { samples: unknown[] }> }).watches;
  expect([...watches.values()][0]?.samples.length).toBeLessThanOrEqual(61);
});
