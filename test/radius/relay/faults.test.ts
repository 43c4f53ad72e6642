/** Home servers that are silent, slow, or gone in the middle of EAP; and what the log says of bad clients. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { homeServerImbalance, imbalance } from "../../../src/radius/statistics/counters.js";
import { silentLog } from "../../../src/util/log.js";
import { accessRequest, Endpoint, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import { client, CLIENT_SECRET, homeServer, PlayedHome, Run, tenant, turn } from "../lib/run.js";

const BOB: readonly Pair[] = [[Attr.UserName, "bob"], ...STATION];
const eap = (state?: string): readonly Pair[] => [
  ...BOB,
  [Attr.EapMessage, Uint8Array.of(2, 1, 0, 5, 1)],
  ...(state === undefined ? [] : ([[Attr.State, state]] as const)),
];
const ask = (pairs: readonly Pair[], identifier: number) =>
  nas.send(
    accessRequest(pairs, CLIENT_SECRET, { identifier, authenticator: identifier }),
    run.authPort,
  );

let run: Run;
let nas: Endpoint;
let one: PlayedHome;
let two: PlayedHome;
const start = async () => {
  const patience = { watchdog: "none", suspectAfterMs: 3000, deadIntervalMs: 60_000 } as const;
  const homes = [homeServer(one.port, patience), homeServer(two.port, patience)];
  run = await Run.start([tenant(homes)]);
};
beforeEach(async () => {
  nas = await Endpoint.open();
  one = await PlayedHome.open();
  two = await PlayedHome.open();
});
afterEach(async () => {
  await run.service.stop();
  for (const end of [nas, one, two]) end.close();
});
const pass = async (milliseconds: number) => {
  for (let left = milliseconds; left > 0; left -= 200) {
    run.clock.pass(Math.min(200, left));
    await turn();
  }
};

test("RAD-67: the rounds of a conversation go to the server that gave the State, though another is preferred now", async () => {
  await start();
  ask(eap(), 1);
  one.answer(await one.packet(0), Code.AccessChallenge, [[Attr.State, "of one"]]);
  await nas.packet(0);
  // Now it is silent for a new request, and suspect: new ones go to the other.
  ask(BOB, 2);
  await one.packet(1);
  await pass(3400);
  ask(BOB, 3);
  await two.packet(0);
  ask(eap("of one"), 4);
  await one.packet(2);
  expect(two.received).toHaveLength(1);
});

test("RAD-67: a server restarted in the middle of EAP: its word about the State it does not know reaches the client", async () => {
  await start();
  ask(eap(), 1);
  one.answer(await one.packet(0), Code.AccessChallenge, [[Attr.State, "lost"]]);
  await nas.packet(0);
  ask(eap("lost"), 2);
  one.answer(await one.packet(1), Code.AccessReject);
  expect((await nas.packet(1))[0]).toBe(Code.AccessReject);
  ask(eap(), 3);
  one.answer(await one.packet(2), Code.AccessChallenge, [[Attr.State, "anew"]]);
  expect((await nas.packet(2))[0]).toBe(Code.AccessChallenge);
});

test("RAD-67, RAD-57: a dead server's requests move to the next one, without the client asking again", async () => {
  await start();
  ask(BOB, 1);
  await one.packet(0);
  // Suspect after three seconds, dead a second later.
  await pass(4600);
  two.answer(await two.packet(0), Code.AccessAccept);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  expect(await run.counters()).toMatchObject({ accepts: 1, duplicates: 0, pending: 0 });
});

test("RAD-33: a slow server: the client has given up, the answer is late, and the sums balance", async () => {
  run = await Run.start([tenant([homeServer(one.port)])]);
  ask(BOB, 1);
  const request = await one.packet(0);
  await pass(21_000);
  expect(await run.counters()).toMatchObject({ timedOut: 1, pending: 0 });
  one.answer(request, Code.AccessAccept);
  await run.heard("unmatched");
  expect(nas.received).toEqual([]);
  expect(imbalance(await run.counters())).toBe(0);
  expect(homeServerImbalance(await run.upstream())).toBe(0);
});

test("RAD-05: an invalid request is logged, once a minute for each reason, without a secret or a password", async () => {
  const lines: string[] = [];
  const log = {
    ...silentLog,
    warn: (fields: object, message: string) =>
      void lines.push(`${message} ${JSON.stringify(fields)}`),
  };
  run = await Run.start([tenant([homeServer(one.port)], {}, [client()])], { log });
  const nameless: readonly Pair[] = [[Attr.UserName, "bob"]];
  const send = (identifier: number) =>
    nas.send(
      accessRequest(nameless, CLIENT_SECRET, { identifier, password: "hello" }),
      run.authPort,
    );
  send(1);
  send(2);
  await run.counted("invalid", 2);
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain("without the attributes that it must have");
  expect(lines[0]).toContain("127.0.0.1");
  run.clock.pass(61_000);
  send(3);
  await run.counted("invalid", 3);
  expect(lines[1]).toContain('"suppressed":1');
  expect(lines.join("")).not.toMatch(/hello|from-the-access-point/);
});
