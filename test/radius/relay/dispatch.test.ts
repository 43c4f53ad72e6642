/** What leaves for the home server and what comes back, octet by octet; the test plays both ends. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Attr, Code } from "../../../src/radius/packet/iana.js";
import { attributesOf, findAttribute } from "../../../src/radius/packet/packet.js";
import { homeServerImbalance, imbalance } from "../../../src/radius/statistics/counters.js";
import { accessRequest, accountingRequest, Endpoint, responseTo, STATION } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import { client, CLIENT_SECRET, homeServer, PlayedHome, Run, tenant } from "../lib/run.js";

const BOB: readonly Pair[] = [[Attr.UserName, "bob"], ...STATION];
const access = (options = {}) => accessRequest(BOB, CLIENT_SECRET, { password: "x", ...options });

let run: Run;
let nas: Endpoint;
let home: PlayedHome;
const start = async (clients = [client()], changes = {}) => {
  run = await Run.start([tenant([homeServer(home.port)], changes, clients)]);
};
beforeEach(async () => {
  nas = await Endpoint.open();
  home = await PlayedHome.open();
});
afterEach(async () => {
  await run.service.stop();
  nas.close();
  home.close();
});

describe("duplicates", () => {
  test("RAD-55: of a pending request: counted, not forwarded twice at once; of an answered one: the same octets", async () => {
    await start();
    nas.send(access(), run.authPort);
    const forwarded = await home.packet(0);
    nas.send(access(), run.authPort);
    await run.counted("duplicates", 1);
    expect(home.received).toHaveLength(1);
    home.answer(forwarded, Code.AccessAccept);
    const first = await nas.packet(0);
    nas.send(access(), run.authPort);
    expect(await nas.packet(1)).toEqual(first);
    expect(await run.counters()).toMatchObject({ accepts: 1, duplicates: 1, cachedAnswers: 1 });
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-55: the identifier with another authenticator detaches the old request", async () => {
    await start();
    nas.send(access(), run.authPort);
    const old = await home.packet(0);
    nas.send(access({ authenticator: 9 }), run.authPort);
    const next = await home.packet(1);
    home.answer(old, Code.AccessAccept);
    await run.heard("unmatched");
    home.answer(next, Code.AccessReject);
    expect((await nas.packet(0))[0]).toBe(Code.AccessReject);
    expect(await run.counters()).toMatchObject({ superseded: 1, rejects: 1, accepts: 0 });
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-53, RAD-57: a repeat that is forwarded has the same octets, at most once a second", async () => {
    await start();
    nas.send(access(), run.authPort);
    const first = await home.packet(0);
    run.clock.pass(999);
    nas.send(access(), run.authPort);
    await run.counted("duplicates", 1);
    expect((await run.upstream()).resent).toBe(0);
    run.clock.pass(1);
    nas.send(access(), run.authPort);
    expect(await home.packet(1)).toEqual(first);
    expect((await run.upstream()).resent).toBe(1);
  });

  test("RAD-55: an answer is kept for its time, and no longer", async () => {
    await start();
    home.onRequest = (request) => home.answer(request, Code.AccessAccept);
    nas.send(access(), run.authPort);
    await nas.packet(0);
    run.clock.pass(4900);
    nas.send(access(), run.authPort);
    await run.counted("cachedAnswers", 1);
    run.clock.pass(400);
    nas.send(access(), run.authPort);
    await home.packet(1);
  });
});

describe("what leaves", () => {
  test("RAD-50, RAD-53: Message-Authenticator first, our Proxy-State last and of 128 random bits", async () => {
    await start([client({ requireMessageAuthenticator: "no" })]);
    nas.send(access({ signed: false }), run.authPort);
    nas.send(access({ signed: false, identifier: 2 }), run.authPort);
    const states: string[] = [];
    for (const index of [0, 1]) {
      const list = [...attributesOf(await home.packet(index))];
      expect(list[0]?.type).toBe(Attr.MessageAuthenticator);
      expect(list.at(-1)?.type).toBe(Attr.ProxyState);
      expect(list.at(-1)?.value).toHaveLength(16);
      states.push(Buffer.from(list.at(-1)?.value ?? []).toString("hex"));
    }
    expect(states[0]).not.toBe(states[1]);
  });

  test("RAD-03, RAD-71: EAP, State, stations and unknown attributes keep octets and order", async () => {
    await start();
    const odd: readonly Pair[] = [
      [Attr.State, Uint8Array.of(0, 255, 3)],
      [222, Uint8Array.of(1, 2, 3)],
      [Attr.EapMessage, new Uint8Array(253).fill(7)],
      [Attr.EapMessage, Uint8Array.of(8, 9)],
      [Attr.VendorSpecific, Uint8Array.of(0, 0, 1, 55, 16, 1, 9)],
      [223, new Uint8Array()],
    ];
    nas.send(accessRequest([...BOB, ...odd], CLIENT_SECRET), run.authPort);
    const packet = await home.packet(0);
    const list = [...attributesOf(packet)];
    expect(list.slice(1 + BOB.length, -1).map(({ type, value }) => [type, [...value]])).toEqual(
      odd.map(([type, value]) => [type, [...(value as Uint8Array)]]),
    );
    const called = findAttribute(packet, Attr.CalledStationId);
    expect(Buffer.from(called ?? []).toString()).toBe("02-00-00-00-00-01:corp");
  });

  test("RAD-70: CHAP without a challenge gets one: the client's authenticator", async () => {
    await start();
    const chap: readonly Pair[] = [...BOB, [Attr.ChapPassword, new Uint8Array(17).fill(3)]];
    nas.send(accessRequest(chap, CLIENT_SECRET, { authenticator: 42 }), run.authPort);
    const packet = await home.packet(0);
    expect(findAttribute(packet, Attr.ChapChallenge)).toEqual(Buffer.alloc(16, 42));
    expect(packet.subarray(4, 20)).not.toEqual(Buffer.alloc(16, 42));
  });

  test("RAD-11: accounting carries our own address in 26-52, and no other message does", async () => {
    await start(undefined, { relayAddress: "10.1.2.3" });
    const start1: readonly Pair[] = [...BOB, [Attr.AcctStatusType, 1]];
    nas.send(accountingRequest(start1, CLIENT_SECRET), run.acctPort);
    const vendor = findAttribute(await home.packet(0), Attr.VendorSpecific);
    expect([...(vendor ?? [])]).toEqual([0, 0, 0x13, 0x0a, 52, 6, 10, 1, 2, 3]);
    nas.send(access(), run.authPort);
    expect(findAttribute(await home.packet(1), Attr.VendorSpecific)).toBeUndefined();
  });
});

describe("wrong answers reach no client, and the request stays pending", () => {
  test.each([
    ["RAD-51: without Message-Authenticator", "unsigned", { signed: false }],
    ["RAD-53: without our Proxy-State", "unmatched", { proxyStates: false }],
  ] as const)("%s", async (_name, counter, options) => {
    await start();
    nas.send(access(), run.authPort);
    const request = await home.packet(0);
    home.answer(request, Code.AccessAccept, [], options);
    await run.heard(counter);
    expect(nas.received).toEqual([]);
    expect((await run.counters()).pending).toBe(1);
    home.answer(request, Code.AccessAccept);
    expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
    expect(homeServerImbalance(await run.upstream())).toBe(0);
  });

  test("RAD-32: signed with another secret, or twice", async () => {
    await start();
    nas.send(access(), run.authPort);
    const request = await home.packet(0);
    home.send(request, responseTo(request, Code.AccessAccept, [], "another secret"));
    await run.heard("badAuthenticators");
    home.answer(request, Code.AccessAccept);
    home.answer(request, Code.AccessAccept);
    await run.heard("unmatched");
    await nas.packet(0);
    expect(nas.received).toHaveLength(1);
  });

  test("RAD-51: every answer to the client is signed, Message-Authenticator first", async () => {
    await start();
    home.onRequest = (request) => home.answer(request, Code.AccessAccept, [[Attr.Class, "gold"]]);
    nas.send(access(), run.authPort);
    const [first] = attributesOf(await nas.packet(0));
    expect(first?.type).toBe(Attr.MessageAuthenticator);
  });
});
