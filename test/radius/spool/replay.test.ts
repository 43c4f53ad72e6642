/** RAD-65: from the spool to the home server: order, Acct-Delay-Time, patience; the test plays both ends. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { AcctStatus, Attr, Code } from "../../../src/radius/packet/iana.js";
import { findNumber, findText } from "../../../src/radius/packet/packet.js";
import { imbalance } from "../../../src/radius/statistics/counters.js";
import { nextWait, RETRANSMISSION, SPOOLED } from "../../../src/radius/upstream/retransmission.js";
import { TestDisk } from "../lib/engine.js";
import { accountingRequest, Endpoint, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import {
  CLIENT_SECRET,
  homeServer,
  PlayedHome,
  relaySettings,
  Run,
  tenant,
  turn,
  until,
} from "../lib/run.js";
import { silentLog } from "../../../src/util/log.js";

let run: Run;
let nas: Endpoint;
let home: PlayedHome;
let store: TestDisk;
const start = async () => {
  run = await Run.start([tenant([homeServer(home.port)])], { engine: store.open });
};
beforeEach(async () => {
  nas = await Endpoint.open();
  home = await PlayedHome.open();
  store = new TestDisk();
  await start();
});
afterEach(async () => {
  await run.service.stop();
  nas.close();
  home.close();
});

let identifier = 0;
const account = (session: string, status: number, more: readonly Pair[] = []) => {
  const pairs: readonly Pair[] = [
    [Attr.AcctStatusType, status],
    [Attr.AcctSessionId, session],
    ...STATION,
    ...more,
  ];
  nas.send(accountingRequest(pairs, CLIENT_SECRET, ++identifier & 255), run.acctPort);
};
const waiting = async () => (await run.service.spools())[0]?.waiting;
const answer = (request: Uint8Array) => home.answer(request, Code.AccountingResponse);
/** `session status delay` of what came to the home server. */
const said = (request: Uint8Array) =>
  [
    findText(request, Attr.AcctSessionId),
    findNumber(request, Attr.AcctStatusType),
    findNumber(request, Attr.AcctDelayTime) ?? 0,
  ].join(" ");
/** Time passes a little at a time, so that what the sockets bring is seen in between. */
const pass = async (milliseconds: number) => {
  for (let left = milliseconds; left > 0; left -= 200) {
    run.clock.pass(Math.min(200, left));
    await turn();
    await turn();
  }
};

test("RAD-65: a silent home server: acknowledged from the spool after three seconds, not before", async () => {
  account("one", AcctStatus.Start);
  await home.packet(0);
  await pass(2800);
  expect(nas.received).toEqual([]);
  await pass(400);
  expect((await nas.packet(0))[0]).toBe(Code.AccountingResponse);
  expect(store.writes.some(({ sync }) => sync)).toBe(true);
  expect(await run.counters("accounting")).toMatchObject({ spooled: 1, responses: 0, pending: 0 });
  expect(imbalance(await run.counters("accounting"))).toBe(0);
});

test("RAD-65: what is spooled goes first, a session's records in order, with the time they waited added", async () => {
  account("one", AcctStatus.Start, [[Attr.AcctDelayTime, 4]]);
  await home.packet(0);
  await pass(3400);
  account("one", AcctStatus.Interim);
  account("one", AcctStatus.Stop);
  account("two", AcctStatus.Start);
  await until(async () => (await run.counters("accounting")).spooled === 4);
  const heard: string[] = [];
  home.onRequest = (request) => {
    heard.push(said(request));
    answer(request);
  };
  while ((await waiting()) !== 0) await pass(400);
  const of = (session: string) => heard.filter((line) => line.startsWith(session));
  const order = [...new Set(of("one").map((line) => line.split(" ")[1]))];
  expect(order).toEqual(["1", "3", "2"]);
  expect(Number(of("one")[0]?.split(" ")[2])).toBeGreaterThanOrEqual(4 + 3);
  expect(of("two")).toHaveLength(1);
  // Afterwards they go straight through.
  account("two", AcctStatus.Stop);
  await until(() => nas.received.length === 5);
  expect(await run.counters("accounting")).toMatchObject({ responses: 1 });
});

test("RAD-57, RAD-65: replayed until it is taken, with growing pauses, never given up", async () => {
  account("one", AcctStatus.Start);
  await home.packet(0);
  await pass(3400);
  await nas.packet(0);
  const before = home.received.length;
  await pass(120_000);
  const times = home.received.length - before;
  // 2, 4, 8, 16, 16, … seconds, a tenth more or less.
  expect(times).toBeGreaterThanOrEqual(6);
  expect(times).toBeLessThanOrEqual(11);
  expect(await waiting()).toBe(1);
  home.onRequest = answer;
  while ((await waiting()) !== 0) await pass(1000);
  expect(Number(said(home.received.at(-1) ?? new Uint8Array(20)).split(" ")[2])).toBeGreaterThan(
    120,
  );
});

test("RAD-65: a record that is never answered does not hold up the others for ever", async () => {
  home.onRequest = (request) => {
    if (findText(request, Attr.AcctSessionId) !== "stuck") answer(request);
  };
  account("stuck", AcctStatus.Start);
  await pass(3400);
  await until(async () => (await run.counters("accounting")).spooled === 1);
  await pass(20_000);
  account("fine", AcctStatus.Start);
  await until(async () => (await run.counters("accounting")).responses === 1);
  // Its own session's records stay behind it.
  account("stuck", AcctStatus.Stop);
  await until(async () => (await run.counters("accounting")).spooled === 2);
});

test("RAD-65: many records that are never answered leave room for the others", async () => {
  home.onRequest = (request) => {
    if (findText(request, Attr.AcctSessionId)?.startsWith("stuck") !== true) answer(request);
  };
  for (let n = 0; n < 100; n++) account(`stuck ${n}`, AcctStatus.Start);
  await until(async () => (await run.counters("accounting")).pending === 100);
  await pass(3400);
  await until(async () => (await run.counters("accounting")).spooled === 100);
  account("fine", AcctStatus.Start);
  await until(async () => (await run.counters("accounting")).spooled === 101);
  await pass(40_000);
  expect(await waiting()).toBe(100);
  account("fine", AcctStatus.Stop);
  await until(async () => (await run.counters("accounting")).responses === 1);
  // Each of those aside still has its turn.
  const before = home.received.length;
  await pass(150_000);
  expect(
    new Set(home.received.slice(before).map((one) => findText(one, Attr.AcctSessionId))).size,
  ).toBe(100);
});

test("RAD-65: with a full disk nothing is acknowledged before the home server has it, and it may still come late", async () => {
  store.isFull = true;
  account("one", AcctStatus.Start);
  const request = await home.packet(0);
  await pass(3400);
  expect(nas.received).toEqual([]);
  expect((await run.service.spools())[0]?.failing).toBe(true);
  answer(request);
  await nas.packet(0);
  expect(await run.counters("accounting")).toMatchObject({ responses: 1, spooled: 0 });
  expect(imbalance(await run.counters("accounting"))).toBe(0);
});

test("RAD-65, RAD-66: a relay that ends leaves its records and sessions to the next one", async () => {
  account("one", AcctStatus.Start);
  await home.packet(0);
  await pass(3400);
  await nas.packet(0);
  await run.service.stop();
  await start();
  expect(await waiting()).toBe(1);
  home.onRequest = answer;
  while ((await waiting()) !== 0) await pass(400);
  expect(said(home.received.at(-1) ?? new Uint8Array(20))).toMatch(/^one 1 /);
});

test("RAD-57: times of requests of our own are RFC 5080's", () => {
  expect(nextWait(RETRANSMISSION, 1, 0, 0, 0.5)).toBe(2000);
  expect(nextWait(RETRANSMISSION, 1, 0, 0, 0)).toBe(1800);
  expect(nextWait(RETRANSMISSION, 1, 0, 0, 1)).toBe(2200);
  expect(nextWait(RETRANSMISSION, 2, 2000, 2000, 0.5)).toBe(4000);
  expect(nextWait(RETRANSMISSION, 4, 12_000, 14_000, 0.5)).toBe(16_000);
  expect(nextWait(RETRANSMISSION, 4, 12_000, 28_000, 0.5)).toBe(2000);
  expect(nextWait(RETRANSMISSION, 5, 16_000, 29_000, 0.5)).toBeUndefined();
  expect(nextWait(RETRANSMISSION, 2, 2000, 30_000, 0.5)).toBeUndefined();
  expect(nextWait(SPOOLED, 1000, 16_000, 10_000_000, 0.5)).toBe(16_000);
});

test("RAD-65: a reload that takes the pool away says so, and with the pool what waits for it goes", async () => {
  const lines: string[] = [];
  await run.service.stop();
  const log = { ...silentLog, error: (_fields: object, line: string) => void lines.push(line) };
  const one = tenant([homeServer(home.port)]);
  run = await Run.start([one], { engine: store.open, log });
  account("one", AcctStatus.Start);
  await home.packet(0);
  await pass(3400);
  await nas.packet(0);
  const [main] = one.pools;
  const other = { ...one, pools: [{ ...main!, name: "other" }] };
  await run.service.configure(
    relaySettings([
      { ...other, routes: [{ authenticationPool: "other", accountingPool: "other" }] },
    ]),
  );
  expect(lines).toEqual([expect.stringContaining("a pool that is not configured")]);
  home.onRequest = answer;
  await pass(20_000);
  expect(await waiting()).toBe(1);
  await run.service.configure(relaySettings([one]));
  while ((await waiting()) !== 0) await pass(1000);
  expect(lines).toHaveLength(1);
});
