/** RAD-65: what the spool promises, with a disk that the test commands. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Disk } from "../../../src/radius/spool/disk.js";
import { Spool } from "../../../src/radius/spool/spool.js";
import { silentLog } from "../../../src/util/log.js";
import { TestDisk } from "../lib/engine.js";
import { ManualClock } from "../lib/hand-clock.js";
import { turn, until } from "../lib/run.js";

const packet = (n: number) => Uint8Array.of(4, n & 255, n >> 8, 20);
const numberOf = ({ packet: octets }: { packet: Uint8Array }) =>
  (octets[1] ?? 0) + (octets[2] ?? 0) * 256;

let store: TestDisk;
let clock: ManualClock;
let alarms: string[];
let disk: Disk;
beforeEach(() => {
  store = new TestDisk();
  clock = new ManualClock();
  alarms = [];
});
afterEach(() => disk.close());

const log = {
  ...silentLog,
  error: (_fields: object, message: string) => void alarms.push(message),
  info: (_fields: object, message: string) => void alarms.push(message),
};
const open = async (maxOctets = 2 ** 30, onFilled: (pool: string) => void = () => {}) => {
  disk = await Disk.open({ clock, log, directory: "/spool", open: store.open });
  const spool = new Spool({
    disk,
    tenant: "t",
    maxOctets: () => maxOctets,
    onAlarm: (problem) => void alarms.push(problem ?? "room again"),
    onFilled,
  });
  await disk.whenOpen(() => spool.load());
  return spool;
};

test("RAD-65: an append resolves only after a write that is on disk, and those meanwhile share the next", async () => {
  const spool = await open();
  store.isSlow = true;
  const done: number[] = [];
  for (const n of [1, 2, 3]) void spool.append("p", packet(n), 0).then(() => done.push(n));
  await turn();
  expect(done).toEqual([]);
  expect(spool.waiting("p")).toBe(3);
  store.release();
  await turn();
  expect(done).toEqual([1]);
  store.release();
  await turn();
  expect(done).toEqual([1, 2, 3]);
  expect(store.writes).toEqual([
    { count: 1, sync: true },
    { count: 2, sync: true },
  ]);
});

test("RAD-65: a full disk refuses and raises one alarm; it works again by itself", async () => {
  const spool = await open();
  store.isFull = true;
  await expect(spool.append("p", packet(1), 0)).rejects.toThrow("no room left");
  expect(spool.waiting("p")).toBe(0);
  await expect(spool.append("p", packet(2), 0)).rejects.toThrow("no room left");
  clock.pass(2000);
  await turn();
  expect(spool.problem).toContain("no room left");
  expect(alarms).toHaveLength(1);
  expect(alarms[0]).toContain("not acknowledged before a home server has it");
  store.isFull = false;
  clock.pass(2000);
  await until(() => spool.problem === undefined);
  await spool.append("p", packet(3), 0);
  expect(alarms.at(-1)).toContain("works again");
});

test("RAD-65: a directory that opens late is read then, and nothing is taken before", async () => {
  const before = await open();
  await before.append("p", packet(7), 5);
  await disk.close();
  store.isFull = true;
  const spool = await open();
  await expect(spool.append("p", packet(8), 0)).rejects.toThrow();
  store.isFull = false;
  clock.pass(2000);
  await until(() => spool.problem === undefined);
  expect(spool.waiting("p")).toBe(1);
  await spool.append("p", packet(8), 6);
  expect([...spool.oldest("p")].map(numberOf)).toEqual([7, 8]);
});

test("RAD-65: beyond its size it takes nothing, and says so once", async () => {
  const spool = await open(3 * 68);
  for (const n of [1, 2, 3]) await spool.append("p", packet(n), 0);
  await expect(spool.append("p", packet(4), 0)).rejects.toThrow("spool is full");
  await expect(spool.append("p", packet(5), 0)).rejects.toThrow("spool is full");
  expect(alarms).toHaveLength(1);
  const [first] = spool.oldest("p");
  if (first !== undefined) spool.remove(first);
  await spool.append("p", packet(6), 0);
  expect(alarms.at(-1)).toBe("room again");
});

test("RAD-65: another run finds what is left, in order, and counts on", async () => {
  const first = await open();
  for (let n = 0; n < 20; n++) await first.append(n % 2 === 0 ? "a" : "b", packet(n), 5 + n);
  const [head] = first.oldest("a");
  if (head !== undefined) first.remove(head);
  await turn();
  await disk.close();
  const second = await open();
  expect(second.size).toBe(19);
  expect([...second.oldest("a")].slice(0, 2).map((one) => [numberOf(one), one.arrivedAt])).toEqual([
    [2, 7],
    [4, 9],
  ]);
  await second.append("a", packet(99), 0);
  expect([...second.oldest("a")].map(numberOf).at(-1)).toBe(99);
});

test("RAD-65: of many thousand only the oldest are in memory, and all come in order, each once", async () => {
  const spool = await open();
  const appends: Promise<unknown>[] = [];
  for (let n = 0; n < 3000; n++) appends.push(spool.append("p", packet(n), n));
  await Promise.all(appends);
  const seen: number[] = [];
  let late = 3000;
  while (spool.waiting("p") > 0) {
    const window = [...spool.oldest("p")];
    expect(window.length).toBeLessThanOrEqual(512);
    for (const entry of window.slice(0, 50)) {
      seen.push(numberOf(entry));
      spool.remove(entry);
    }
    // Newer ones arrive meanwhile.
    if (late < 3200) void spool.append("p", packet(late), late++);
    await turn();
  }
  expect(seen).toEqual(Array.from({ length: late }, (_, n) => n));
  await disk.close();
  expect((await open()).size).toBe(0);
});

test("RAD-65: behind many that cannot be sent now others come into memory", async () => {
  const spool = await open();
  for (let n = 0; n < 600; n++) await spool.append("p", packet(n), 0);
  expect([...spool.oldest("p")]).toHaveLength(512);
  spool.setAside("p", 512);
  await until(() => [...spool.oldest("p")].length === 600);
});

test("RAD-65: a disk that fails while more is read is tried again later, not without end", async () => {
  let filled = 0;
  const again = (pool: string) => {
    if (++filled < 100) void [...spool.oldest(pool)];
  };
  const spool = await open(2 ** 30, again);
  for (let n = 0; n < 600; n++) await spool.append("p", packet(n), 0);
  for (const entry of [...spool.oldest("p")].slice(0, 450)) spool.remove(entry);
  await turn();
  store.isFull = true;
  await expect(spool.append("p", packet(1), 0)).rejects.toThrow("no room left");
  filled = 0;
  void [...spool.oldest("p")];
  await turn();
  expect(filled).toBeLessThan(3);
});

test("RAD-65: names of tenants and pools do not run into each other", async () => {
  const spool = await open();
  await spool.append("a/b", packet(1), 0);
  await spool.append("a", packet(2), 0);
  await disk.close();
  const again = await open();
  expect([again.waiting("a/b"), again.waiting("a")]).toEqual([1, 1]);
});
