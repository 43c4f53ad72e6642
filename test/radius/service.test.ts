/** Clients, counters and tenants of a whole relay; the test plays access points and home servers. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AcctStatus, Attr, Code } from "../../src/radius/packet/iana.js";
import { findAttribute } from "../../src/radius/packet/packet.js";
import { imbalance } from "../../src/radius/statistics/counters.js";
import { accessRequest, accountingRequest, Endpoint, STATION } from "./lib/packets.js";
import type { Pair } from "./lib/packets.js";
import {
  client,
  CLIENT_SECRET,
  homeServer,
  listener,
  PlayedHome,
  Run,
  tenant,
  until,
} from "./lib/run.js";

const BOB: readonly Pair[] = [[Attr.UserName, "bob"], ...STATION];
const access = (options = {}) => accessRequest(BOB, CLIENT_SECRET, { password: "x", ...options });

let run: Run;
let nas: Endpoint;
let home: PlayedHome;
const start = async (changes = {}, clients = [client()]) => {
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

describe("clients", () => {
  test("RAD-22, RAD-23: the longest prefix decides; without one a source is unknown and gets nothing", async () => {
    await start({}, [
      client({ prefix: "127.0.0.0/16", secrets: ["short prefix"] }),
      client({ prefix: "127.0.0.1/32" }),
    ]);
    nas.send(access(), run.authPort);
    await home.packet(0);
    const other = await Endpoint.open("127.0.0.2");
    other.send(accessRequest(BOB, "short prefix"), run.authPort);
    await home.packet(1);
    const stranger = await Endpoint.open("127.9.0.1");
    stranger.send(access(), run.authPort);
    await run.counted("unknown", 1);
    expect(stranger.received).toEqual([]);
    other.close();
    stranger.close();
  });

  test("RAD-25: authentication and accounting have key tables of their own", async () => {
    await start({
      authentication: listener([client({ secrets: ["for access"] })]),
      accounting: listener([client({ secrets: ["for counting"] })]),
    });
    nas.send(accessRequest(BOB, "for access"), run.authPort);
    await home.packet(0);
    const stop: readonly Pair[] = [...STATION, [Attr.AcctStatusType, AcctStatus.Stop]];
    nas.send(accountingRequest(stop, "for access", 8), run.acctPort);
    await run.counted("badAuthenticators", 1, "accounting");
    nas.send(accountingRequest(stop, "for counting"), run.acctPort);
    expect((await home.packet(1))[0]).toBe(Code.AccountingRequest);
  });

  test("RAD-05: a request without 30 or 31 is invalid: counted, not forwarded", async () => {
    await start();
    for (const [identifier, one] of STATION.entries()) {
      const pairs: readonly Pair[] = [[Attr.UserName, "bob"], one];
      nas.send(accessRequest(pairs, CLIENT_SECRET, { identifier }), run.authPort);
    }
    await run.counted("invalid", 2);
    expect(home.received).toEqual([]);
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-12: Start and Stop without 30 or 31, On and Off without 30 are invalid", async () => {
    await start({ profile: "seed" });
    const [called, calling] = STATION as readonly [Pair, Pair];
    const wrong: readonly (readonly Pair[])[] = [
      [[Attr.AcctStatusType, AcctStatus.Start], called],
      [[Attr.AcctStatusType, AcctStatus.Stop], calling],
      [
        [Attr.AcctStatusType, AcctStatus.On],
        [Attr.NasIdentifier, "ap"],
      ],
      [[Attr.AcctStatusType, AcctStatus.Off], calling],
      [called, calling],
    ];
    for (const [identifier, pairs] of wrong.entries()) {
      nas.send(accountingRequest(pairs, CLIENT_SECRET, identifier), run.acctPort);
    }
    await run.counted("invalid", 5, "accounting");
    expect(home.received).toEqual([]);
  });

  test("RAD-74: beyond its rate a client's new requests are dropped, those with State are not", async () => {
    await start({}, [client({ rateLimit: 2 })]);
    for (let identifier = 1; identifier <= 4; identifier++) {
      nas.send(access({ identifier }), run.authPort);
    }
    await run.counted("dropped", 2);
    const known: readonly Pair[] = [...BOB, [Attr.State, "s"]];
    nas.send(accessRequest(known, CLIENT_SECRET, { identifier: 5 }), run.authPort);
    await home.packet(2);
    run.clock.pass(1000);
    nas.send(access({ identifier: 6 }), run.authPort);
    await home.packet(3);
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-58: with all places taken, new requests are dropped before those with State", async () => {
    await start({ authentication: listener(undefined, { pendingMax: 4 }) });
    for (let identifier = 1; identifier <= 6; identifier++) {
      nas.send(access({ identifier }), run.authPort);
    }
    await run.counted("dropped", 2);
    const known: readonly Pair[] = [...BOB, [Attr.State, "s"]];
    nas.send(accessRequest(known, CLIENT_SECRET, { identifier: 9 }), run.authPort);
    await home.packet(4);
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-33, RAD-58: a thousand requests at once, none repeated: each is relayed and answered", async () => {
    await start();
    home.onRequest = (request) => home.answer(request, Code.AccessAccept);
    const points = await Promise.all([1, 2, 3, 4].map(() => Endpoint.open()));
    for (const point of points) {
      for (let identifier = 0; identifier < 250; identifier++) {
        point.send(access({ identifier }), run.authPort);
      }
    }
    await run.counted("accepts", 1000);
    expect(await run.counters()).toMatchObject({ received: 1000, requests: 1000, pending: 0 });
    expect(await run.upstream()).toMatchObject({ sent: 1000, resent: 0, used: 1000 });
    await until(() => points.every(({ received }) => received.length === 250));
    for (const { received } of points)
      expect(new Set(received.map((one) => one[1])).size).toBe(250);
    for (const point of points) point.close();
  });

  test("RAD-18: an accept without Service-Bundle, Class and User-Name becomes a reject where they are required", async () => {
    await start({ requireServiceAttributes: true });
    nas.send(access(), run.authPort);
    home.answer(await home.packet(0), Code.AccessAccept, [[Attr.Class, "c"]]);
    expect((await nas.packet(0))[0]).toBe(Code.AccessReject);
    expect(run.events).toEqual([]);
    nas.send(access({ identifier: 2 }), run.authPort);
    const bundle = Uint8Array.of(0, 0, 0x13, 0x0a, 31, 4, 65, 66);
    home.answer(await home.packet(1), Code.AccessAccept, [
      [Attr.Class, "c"],
      [Attr.UserName, "bob"],
      [Attr.VendorSpecific, bundle],
    ]);
    expect((await nas.packet(1))[0]).toBe(Code.AccessAccept);
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-75: two live secrets of a client; draining finishes what is pending and takes nothing new", async () => {
    await start({}, [client({ secrets: ["the new secret", CLIENT_SECRET] })]);
    nas.send(accessRequest(BOB, "the new secret"), run.authPort);
    nas.send(accessRequest(BOB, CLIENT_SECRET, { identifier: 2 }), run.authPort);
    const pending = await home.packet(1);
    await run.service.drain(true);
    nas.send(accessRequest(BOB, CLIENT_SECRET, { identifier: 3 }), run.authPort);
    await run.counted("dropped", 1);
    home.answer(pending, Code.AccessReject);
    await nas.packet(0);
    await run.service.drain(false);
    nas.send(accessRequest(BOB, CLIENT_SECRET, { identifier: 4 }), run.authPort);
    await home.packet(2);
  });

  test("RAD-68: a failed route is silent, or a reject that is signed and ends EAP", async () => {
    await start({ routes: [], authentication: listener(undefined, { onFailure: "reject" }) });
    const eap = Uint8Array.of(2, 77, 0, 5, 1);
    nas.send(accessRequest([...BOB, [Attr.EapMessage, eap]], CLIENT_SECRET), run.authPort);
    const answer = await nas.packet(0);
    expect(answer[0]).toBe(Code.AccessReject);
    expect(answer[20]).toBe(Attr.MessageAuthenticator);
    expect([...(findAttribute(answer, Attr.EapMessage) ?? [])]).toEqual([4, 77, 0, 4]);
    expect((await run.counters()).localRejects).toBe(1);
    await run.service.stop();
    await start({ routes: [] });
    nas.send(access(), run.authPort);
    await run.counted("pending", 1);
    run.clock.pass(21_000);
    expect(await run.counters()).toMatchObject({ timedOut: 1, pending: 0, localRejects: 0 });
    expect(nas.received).toHaveLength(1);
    expect(imbalance(await run.counters())).toBe(0);
  });
});

describe("counters", () => {
  test("RAD-30, RAD-31, RAD-33: every datagram has one outcome, whatever it is", async () => {
    await start();
    const zeros = new Array<number>(16).fill(0);
    const shapes = [
      access(),
      access({ identifier: 2, signed: false }),
      accessRequest([], CLIENT_SECRET, { identifier: 3 }),
      accountingRequest(STATION, CLIENT_SECRET),
      new Uint8Array(3),
      Uint8Array.of(99, 1, 0, 20, ...zeros),
      Uint8Array.of(12, 1, 0, 20, ...zeros),
    ];
    for (const shape of shapes) nas.send(shape, run.authPort);
    await run.counted("received", shapes.length);
    await run.counted("malformed", 1);
    await run.counted("statusServer", 1);
    expect(await run.counters()).toMatchObject({
      requests: 3,
      unexpected: 2,
      unsigned: 1,
      invalid: 1,
      pending: 1,
    });
    expect(imbalance(await run.counters())).toBe(0);
  });

  test("RAD-31: Start, Stop and Interim are counted among requests and responses", async () => {
    await start();
    home.onRequest = (request) => home.answer(request, Code.AccountingResponse);
    for (const [identifier, status] of [1, 2, 3, 7].entries()) {
      const pairs: readonly Pair[] = [...STATION, [Attr.AcctStatusType, status]];
      nas.send(accountingRequest(pairs, CLIENT_SECRET, identifier), run.acctPort);
    }
    await run.counted("responses", 4, "accounting");
    const counters = await run.counters("accounting");
    expect(counters).toMatchObject({ requests: 4, starts: 1, stops: 1, interims: 1 });
    expect(counters).toMatchObject({ startResponses: 1, stopResponses: 1, interimResponses: 1 });
    expect(imbalance(counters)).toBe(0);
  });

  test("RAD-34, RAD-35, RAD-36: a baseline, deltas since, per client, pending as it is", async () => {
    await start();
    nas.send(access(), run.authPort);
    await home.packet(0);
    expect((await run.service.statistics({ delta: true })).baseline).toBeUndefined();
    const wall = await run.service.baseline();
    nas.send(access({ identifier: 2 }), run.authPort);
    await home.packet(1);
    const delta = await run.service.statistics({ kind: "authentication", delta: true });
    expect(delta.baseline).toBe(wall);
    expect(delta.rows[0]?.counters).toMatchObject({ requests: 1, pending: 2 });
    const nobody = await run.service.statistics({ client: "127.0.0.9" });
    expect(nobody.rows[0]?.counters.requests).toBe(0);
    const each = await run.service.statistics({ kind: "authentication", byClient: true });
    expect(each.rows.map((row) => [row.client, row.counters.requests])).toEqual([
      ["", 0],
      ["127.0.0.1", 2],
    ]);
  });

  test("RAD-40, RAD-41: servers show address, mask and a fingerprint, never a secret", async () => {
    await start();
    const rows = await run.service.servers();
    expect(rows.map(({ kind }) => kind)).toEqual(["authentication", "accounting"]);
    expect(rows[0]?.clients[0]?.prefix).toBe("127.0.0.0/8");
    const [print] = rows[0]?.clients[0]?.fingerprints ?? [];
    expect(print).toMatch(/^[0-9a-f]{12}$/);
    expect(rows[1]?.clients[0]?.fingerprints).toEqual([print]);
    expect(JSON.stringify(rows)).not.toContain(CLIENT_SECRET);
  });

  test("RAD-69: each home server has a latency histogram", async () => {
    await start();
    home.onRequest = (request) => home.answer(request, Code.AccessAccept);
    nas.send(access(), run.authPort);
    await nas.packet(0);
    const { latency } = await run.upstream();
    expect(latency.reduce((sum, count) => sum + count, 0)).toBe(1);
  });
});

test("RAD-20: each tenant has its own listeners, clients, servers and sessions", async () => {
  const other = await PlayedHome.open();
  const one = (name: string, port: number) =>
    tenant([homeServer(port)], { name }, [client({ secrets: [name] })]);
  run = await Run.start([one("red", home.port), one("blue", other.port)]);
  other.onRequest = (request) => other.answer(request, Code.AccessAccept);
  await run.readPorts("red");
  nas.send(accessRequest(BOB, "red"), run.authPort);
  await home.packet(0);
  await run.readPorts("blue");
  nas.send(accessRequest(BOB, "blue", { identifier: 2 }), run.authPort);
  await nas.packet(0);
  nas.send(accessRequest(BOB, "red", { identifier: 3 }), run.authPort);
  await until(async () => (await run.counters("authentication", "blue")).badAuthenticators === 1);
  expect((await run.service.sessions({ tenant: "red" })).rows).toEqual([]);
  expect((await run.service.sessions({ tenant: "blue" })).rows).toHaveLength(1);
  await expect(run.service.sessions({ tenant: "green" })).rejects.toThrow("red, blue");
  other.close();
});
