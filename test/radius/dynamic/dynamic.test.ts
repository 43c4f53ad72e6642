/** Disconnect and CoA through a whole relay: the test plays home servers and access points. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { dynamicImbalance } from "../../../src/radius/dynamic/counters.js";
import type { DynamicCounters } from "../../../src/radius/dynamic/counters.js";
import type { DynamicSettings } from "../../../src/radius/dynamic/settings.js";
import {
  messageFits,
  packetFits,
  signMessage,
  signPacket,
  ZERO_AUTHENTICATOR,
} from "../../../src/radius/packet/authenticator.js";
import { Attr, Code, ErrorCause, HEADER } from "../../../src/radius/packet/iana.js";
import { Secret } from "../../../src/radius/packet/md5.js";
import {
  attributesOf,
  checkPacket,
  findAttribute,
  findNumber,
  findText,
} from "../../../src/radius/packet/packet.js";
import { PacketWriter } from "../../../src/radius/packet/writer.js";
import type { TenantSettings } from "../../../src/radius/settings.js";
import { firstEntries, prefixRange } from "../../../src/store/index.js";
import { TestDisk } from "../lib/engine.js";
import { accessRequest, Endpoint, responseTo } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import { CLIENT_SECRET, homeServer, PlayedHome, Run, tenant, until } from "../lib/run.js";

const MAIN = "secret-of-the-main-home";
const OTHER = "secret-of-another-home";
const MAC = "02-AA-BB-CC-DD-01";

let home: PlayedHome;
/** The access point: its requests come from here, and it takes Disconnect here. */
let point: Endpoint;
/** What the home servers send Disconnect from. */
let asker: Endpoint;
let run: Run;
let port: number;
/** Where the access point was asked from last. */
let from = 0;

beforeEach(async () => {
  home = await PlayedHome.open();
  point = await Endpoint.open();
  asker = await Endpoint.open();
  point.onPacket = (_, { port: number }) => (from = number);
});
afterEach(async () => {
  await run.service.stop();
  for (const end of [home, point, asker]) end.close();
});

function settings(changes: Partial<DynamicSettings> = {}): TenantSettings {
  const homes = [
    homeServer(home.port, { name: "main", secrets: [MAIN] }),
    homeServer(home.port + 1, { name: "other", secrets: [OTHER] }),
  ];
  return tenant(homes, {
    pools: [
      { name: "main", servers: ["main"], balance: false },
      { name: "others", servers: ["other"], balance: false },
    ],
    dynamic: {
      enabled: true,
      address: "127.0.0.1",
      ports: [0],
      clientPort: point.port,
      proxyState: "forward",
      requireEventTimestamp: true,
      windowMs: 300_000,
      ...changes,
    },
  });
}

async function start(one: TenantSettings, disk?: TestDisk): Promise<void> {
  run = await Run.start([one], disk === undefined ? {} : { engine: disk.open });
  [port = 0] = (await run.service.dynamic())[0]?.ports ?? [];
}

/** Lets a subscriber in. */
async function login(mac = MAC, user = "bob"): Promise<void> {
  const pairs: Pair[] = [
    [Attr.UserName, user],
    [Attr.CalledStationId, "02-00-00-00-00-01:corp"],
    [Attr.CallingStationId, mac],
    [Attr.NasIdentifier, "ap-1"],
    [Attr.AcctSessionId, `session of ${mac}`],
  ];
  const before = run.events.length;
  const identifier = before + 1;
  home.onRequest = (request) =>
    home.send(
      request,
      responseTo(request, Code.AccessAccept, [[Attr.TunnelPrivateGroupId, "42"]], MAIN),
    );
  point.send(accessRequest(pairs, CLIENT_SECRET, { identifier, password: "hello" }), run.authPort);
  await until(() => run.events.length > before);
}

interface Asking {
  readonly code?: number;
  readonly secret?: string;
  readonly identifier?: number;
  /** Seconds that the stamp is off; undefined: no stamp. */
  readonly off?: number | undefined;
}

function ask(pairs: readonly Pair[], asking: Asking = {}): Uint8Array {
  const { code = Code.DisconnectRequest, secret = MAIN, identifier = 9 } = asking;
  const writer = new PacketWriter().begin(code, identifier).placeMessageAuthenticator();
  for (const [type, value] of pairs) {
    if (typeof value === "string") writer.putText(type, value);
    else if (typeof value === "number") writer.putNumber(type, value);
    else writer.put(type, value);
  }
  const off = "off" in asking ? asking.off : 0;
  if (off !== undefined) {
    writer.putNumber(Attr.EventTimestamp, Math.floor(run.clock.wall() / 1000) + off);
  }
  const packet = writer.finish();
  if (packet === undefined) throw new Error("the test's packet is too long");
  signMessage(packet, HEADER, ZERO_AUTHENTICATOR, new Secret(secret));
  signPacket(packet, ZERO_AUTHENTICATOR, new Secret(secret));
  return packet;
}

const byMac: readonly Pair[] = [[Attr.CallingStationId, MAC]];

async function counters(): Promise<DynamicCounters> {
  const [row] = await run.service.dynamic();
  if (row === undefined) throw new Error("no tenant");
  expect(dynamicImbalance(row.counters)).toBe(0);
  return row.counters;
}

/** Whether an answer is signed by the home server's secret, in both ways. */
function isAnswer(answer: Uint8Array, request: Uint8Array, secret: string): boolean {
  const facts = checkPacket(answer);
  if (typeof facts === "string") return false;
  const [field, key] = [request.subarray(4, HEADER), new Secret(secret)];
  return (
    packetFits(answer, field, key) && messageFits(answer, facts.messageAuthenticator, field, key)
  );
}

const answered = (index = 0) => asker.packet(index);
const errorCause = async (index = 0) => findNumber(await answered(index), Attr.ErrorCause);
const sessionCount = async () => (await run.service.sessions({})).rows.length;

/** Names of requests that the disk has. */
async function seenOn(disk: TestDisk): Promise<number> {
  const { from, to } = prefixRange(Buffer.from("seen/"));
  return (await firstEntries(disk.kept, { from, to }, 10)).length;
}

/** The access point's answer to the request it got last. */
function reply(request: Uint8Array, code: number, pairs: readonly Pair[] = []): void {
  sendBack(responseTo(request, code, pairs, CLIENT_SECRET));
}

function sendBack(bytes: Uint8Array): void {
  point.send(bytes, from);
}

describe("a home server's Disconnect", () => {
  test("RAD-62: reaches the access point of the session under its secret, and its ACK comes back and ends the session", async () => {
    await start(settings());
    await login();
    const request = ask([...byMac, [Attr.ProxyState, "theirs"], [Attr.UserName, "bob"]]);
    asker.send(request, port);
    const got = await point.packet(1);
    expect(got[0]).toBe(Code.DisconnectRequest);
    const facts = checkPacket(got);
    if (typeof facts === "string") throw new Error(facts);
    const key = new Secret(CLIENT_SECRET);
    expect(packetFits(got, ZERO_AUTHENTICATOR, key)).toBe(true);
    expect(messageFits(got, facts.messageAuthenticator, ZERO_AUTHENTICATOR, key)).toBe(true);
    expect(facts.messageAuthenticator).toBe(HEADER);
    const states = [...attributesOf(got)].filter(({ type }) => type === Attr.ProxyState);
    expect(states).toHaveLength(2);
    expect(Buffer.from(states[0]!.value).toString()).toBe("theirs");
    expect(findText(got, Attr.CallingStationId)).toBe(MAC);
    reply(got, Code.DisconnectAck);
    const answer = await answered();
    expect(answer[0]).toBe(Code.DisconnectAck);
    expect(answer[1]).toBe(9);
    expect(isAnswer(answer, request, MAIN)).toBe(true);
    const back = [...attributesOf(answer)].filter(({ type }) => type === Attr.ProxyState);
    expect(back.map(({ value }) => Buffer.from(value).toString())).toEqual(["theirs"]);
    await until(() => run.events.length === 2);
    expect(run.events[1]).toMatchObject({ kind: "ended", reason: "disconnect" });
    expect((await counters()).acks).toBe(1);
  });

  test("RAD-28, RAD-62: is not heard while it is off, and there is no port", async () => {
    await start(settings({ enabled: false }));
    expect((await run.service.dynamic())[0]).toMatchObject({ enabled: false, ports: [] });
  });

  test("RAD-62: of a server outside the session's pool finds no session", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac, { secret: OTHER }), port);
    expect(await errorCause()).toBe(ErrorCause.SessionContextNotFound);
    expect((await answered())[0]).toBe(Code.DisconnectNak);
    expect(isAnswer(await answered(), ask(byMac, { secret: OTHER }), OTHER)).toBe(true);
    expect(await sessionCount()).toBe(1);
    expect(point.received).toHaveLength(1);
  });

  test("RAD-62: of a server outside the pool is not even told that the NAS is another, or that there are several", async () => {
    await start(settings());
    await login();
    await login("02-AA-BB-CC-DD-02");
    asker.send(ask([...byMac, [Attr.NasIdentifier, "no such"]], { secret: OTHER }), port);
    expect(await errorCause()).toBe(ErrorCause.SessionContextNotFound);
    asker.send(ask([[Attr.UserName, "bob"]], { secret: OTHER }), port);
    expect(await errorCause(1)).toBe(ErrorCause.SessionContextNotFound);
    asker.send(ask([[Attr.UserName, "bob"]]), port);
    expect(await errorCause(2)).toBe(ErrorCause.MultipleSessionSelectionUnsupported);
  });

  test("RAD-62: with another tenant's secret is a bad authenticator there", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac, { secret: "the secret of another tenant" }), port);
    await until(async () => (await counters()).badAuthenticators === 1);
    expect(asker.received).toEqual([]);
  });

  test("RAD-62: a NAK comes back with its Error-Cause, and the session goes on", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac), port);
    const got = await point.packet(1);
    reply(got, Code.DisconnectNak, [[Attr.ErrorCause, 504]]);
    expect(await errorCause()).toBe(504);
    expect(await sessionCount()).toBe(1);
    expect((await counters()).naks).toBe(1);
  });

  test("RAD-62: an access point that does not know the session ends it", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac), port);
    const got = await point.packet(1);
    reply(got, Code.DisconnectNak, [[Attr.ErrorCause, ErrorCause.SessionContextNotFound]]);
    expect(await errorCause()).toBe(ErrorCause.SessionContextNotFound);
    await until(async () => (await sessionCount()) === 0);
  });

  test("RAD-57, RAD-62: silence is asked again with the same octets, and in the end a NAK says so", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac), port);
    const first = await point.packet(1);
    for (let passed = 0; passed < 31_000; passed += 200) run.clock.pass(200);
    await until(() => point.received.length >= 4);
    for (const again of point.received.slice(2)) expect(again).toEqual(first);
    expect(await errorCause()).toBe(ErrorCause.OtherProxyProcessingError);
    expect(await sessionCount()).toBe(1);
  });

  test("RAD-62: an answer that another secret signed counts for nothing", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac), port);
    const got = await point.packet(1);
    sendBack(responseTo(got, Code.DisconnectAck, [], "not the secret"));
    await until(async () => (await counters()).badAnswers === 1);
    expect(asker.received).toEqual([]);
    expect(await sessionCount()).toBe(1);
  });

  test("RAD-53, RAD-62: an answer without our Proxy-State does not reach the home server", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac), port);
    const got = await point.packet(1);
    sendBack(responseTo(got, Code.DisconnectAck, [], CLIENT_SECRET, { proxyStates: false }));
    expect(await errorCause()).toBe(ErrorCause.OtherProxyProcessingError);
    expect(await sessionCount()).toBe(1);
  });

  test("RAD-62: access points that take none: the session ends here, and a CoA is refused", async () => {
    await start(settings({ clientPort: 0 }));
    await login();
    asker.send(ask(byMac, { code: Code.CoaRequest }), port);
    expect(await errorCause(0)).toBe(ErrorCause.UnsupportedExtension);
    asker.send(ask(byMac), port);
    expect((await answered(1))[0]).toBe(Code.DisconnectAck);
    await until(async () => (await sessionCount()) === 0);
    expect(run.events[1]).toMatchObject({ kind: "ended", reason: "disconnect" });
  });

  test("RAD-62: Proxy-State can be kept from access points that refuse it, and comes back all the same", async () => {
    await start(settings({ proxyState: "restore" }));
    await login();
    asker.send(ask([...byMac, [Attr.ProxyState, "one"], [Attr.ProxyState, "two"]]), port);
    const got = await point.packet(1);
    expect(findAttribute(got, Attr.ProxyState)).toBeUndefined();
    reply(got, Code.DisconnectAck);
    const back = [...attributesOf(await answered())].filter(({ type }) => type === Attr.ProxyState);
    expect(back.map(({ value }) => Buffer.from(value).toString())).toEqual(["one", "two"]);
  });
});

describe("when, and how often", () => {
  test("RAD-62: Event-Timestamp is required, within 300 seconds either way", async () => {
    await start(settings());
    await login();
    asker.send(ask(byMac, { off: undefined }), port);
    expect(await errorCause(0)).toBe(ErrorCause.MissingAttribute);
    for (const off of [-302, 302]) asker.send(ask(byMac, { off }), port);
    await until(async () => (await counters()).stale === 2);
    expect(asker.received).toHaveLength(1);
    for (const off of [-298, 298]) asker.send(ask(byMac, { off }), port);
    await point.packet(2);
  });

  test("RAD-62: the window and the need for a stamp can be set", async () => {
    await start(settings({ requireEventTimestamp: false, windowMs: 10_000 }));
    await login();
    asker.send(ask(byMac, { off: -12 }), port);
    await until(async () => (await counters()).stale === 1);
    asker.send(ask(byMac, { off: undefined }), port);
    await point.packet(1);
  });

  test("RAD-62: the same request again, from whatever port, gets the same answer and does nothing", async () => {
    await start(settings());
    await login();
    const request = ask(byMac);
    asker.send(request, port);
    const got = await point.packet(1);
    asker.send(request, port);
    await until(async () => (await counters()).duplicates === 1);
    reply(got, Code.DisconnectAck);
    const first = await answered(0);
    await login();
    const elsewhere = await Endpoint.open();
    try {
      run.clock.pass(59_000);
      elsewhere.send(request, port);
      expect(await elsewhere.packet(0)).toEqual(first);
      run.clock.pass(240_000);
      elsewhere.send(request, port);
      await until(async () => (await counters()).duplicates === 2);
    } finally {
      elsewhere.close();
    }
    expect(await sessionCount()).toBe(1);
    expect((await counters()).cachedAnswers).toBe(1);
  });

  test("RAD-62: a request that was captured does nothing after a restart either, while its stamp is good", async () => {
    const disk = new TestDisk();
    await start(settings(), disk);
    await login();
    // The home server's clock may be ahead: its stamp is good for ten minutes.
    const request = ask(byMac, { off: 298 });
    asker.send(request, port);
    reply(await point.packet(1), Code.DisconnectAck);
    await answered(0);
    await login();
    await run.service.stop();
    const before = point.received.length;
    await start(settings(), disk);
    expect(await sessionCount()).toBe(1);
    asker.send(request, port);
    await until(async () => (await counters()).duplicates === 1);
    expect(await sessionCount()).toBe(1);
    expect(point.received).toHaveLength(before);
    // What is over is not kept on disk.
    for (let passed = 0; passed < 601_000; passed += 1000) run.clock.pass(1000);
    await until(async () => (await seenOn(disk)) === 0);
    const other = ask(byMac, { identifier: 12 });
    asker.send(other, port);
    await point.packet(before);
    expect(await seenOn(disk)).toBe(1);
  });
});

describe("which session", () => {
  test("RAD-62: by MAC in any writing, session id or user; two that fit are too many", async () => {
    await start(settings());
    await login();
    await login("02-AA-BB-CC-DD-02");
    const cases: readonly [readonly Pair[], number | undefined][] = [
      [[[Attr.UserName, "bob"]], ErrorCause.MultipleSessionSelectionUnsupported],
      [[[Attr.UserName, "eve"]], ErrorCause.SessionContextNotFound],
      [[[Attr.CallingStationId, "02aa.bbcc.dd09"]], ErrorCause.SessionContextNotFound],
      [[[Attr.NasIdentifier, "ap-1"]], ErrorCause.MissingAttribute],
      [[...byMac, [Attr.NasIdentifier, "ap-2"]], ErrorCause.NasIdentificationMismatch],
      [[...byMac, [Attr.AcctSessionId, "another"]], ErrorCause.SessionContextNotFound],
    ];
    for (const [index, [pairs, cause]] of cases.entries()) {
      asker.send(ask(pairs, { identifier: index }), port);
      expect(await errorCause(index)).toBe(cause);
    }
    const good: readonly (readonly Pair[])[] = [
      [[Attr.CallingStationId, "02aa.bbcc.dd01"]],
      [[Attr.AcctSessionId, "session of 02-AA-BB-CC-DD-02"]],
    ];
    for (const [index, pairs] of good.entries()) {
      asker.send(ask(pairs, { identifier: 20 + index }), port);
      await point.packet(2 + index);
    }
  });
});

test("RAD-62: what is not known of a session does not make it the one that is meant", async () => {
  await start(settings());
  // Neither its accounting session nor its address is known.
  const pairs: Pair[] = [
    [Attr.UserName, "bob"],
    [Attr.CalledStationId, "02-00-00-00-00-01:corp"],
    [Attr.CallingStationId, MAC],
  ];
  home.onRequest = (request) =>
    home.send(request, responseTo(request, Code.AccessAccept, [], MAIN));
  point.send(accessRequest(pairs, CLIENT_SECRET, { identifier: 1 }), run.authPort);
  await until(() => run.events.length === 1);
  const address: Pair = [Attr.FramedIpAddress, Uint8Array.of(10, 1, 2, 3)];
  const others: readonly (readonly Pair[])[] = [
    [[Attr.AcctSessionId, "of somebody else"]],
    [address],
    [[Attr.AcctSessionId, "of somebody else"], address],
  ];
  for (const [index, some] of others.entries()) {
    asker.send(ask(some, { identifier: index }), port);
    expect(await errorCause(index)).toBe(ErrorCause.SessionContextNotFound);
  }
  expect(await sessionCount()).toBe(1);
  asker.send(ask([[Attr.UserName, "bob"], ...(others[2] ?? [])]), port);
  await point.packet(1);
});

describe("a home server's CoA", () => {
  test("RAD-62, RAD-73: once confirmed, a new VLAN is the session's", async () => {
    await start(settings());
    await login();
    const change: Pair[] = [...byMac, [Attr.TunnelPrivateGroupId, "77"]];
    asker.send(ask(change, { code: Code.CoaRequest }), port);
    const got = await point.packet(1);
    expect(got[0]).toBe(Code.CoaRequest);
    reply(got, Code.CoaAck);
    expect((await answered())[0]).toBe(Code.CoaAck);
    await until(() => run.events.length === 2);
    expect(run.events[1]).toMatchObject({ kind: "changed", session: { vlan: "77" } });
  });

  test("RAD-62: one that is refused changes nothing", async () => {
    await start(settings());
    await login();
    const change: Pair[] = [...byMac, [Attr.TunnelPrivateGroupId, "77"]];
    asker.send(ask(change, { code: Code.CoaRequest }), port);
    reply(await point.packet(1), Code.CoaNak, [[Attr.ErrorCause, 401]]);
    expect((await answered())[0]).toBe(Code.CoaNak);
    expect(await errorCause()).toBe(401);
    expect((await run.service.sessions({})).rows[0]?.vlan).toBe("42");
  });
});

describe("an operator's disconnect", () => {
  test("RAD-62: names the session to its access point, and ends it", async () => {
    await start(settings({ enabled: false }));
    await login();
    const done = run.service.disconnect("default", "02aabbccdd01");
    const got = await point.packet(1);
    expect(got[0]).toBe(Code.DisconnectRequest);
    expect(packetFits(got, ZERO_AUTHENTICATOR, new Secret(CLIENT_SECRET))).toBe(true);
    expect(findText(got, Attr.CallingStationId)).toBe(MAC);
    expect(findText(got, Attr.UserName)).toBe("bob");
    expect(findText(got, Attr.NasIdentifier)).toBe("ap-1");
    expect(findNumber(got, Attr.EventTimestamp)).toBeDefined();
    expect(findAttribute(got, Attr.ProxyState)).toBeUndefined();
    reply(got, Code.DisconnectAck);
    expect(await done).toEqual({ ended: true, accessPoint: "ack", errorCause: undefined });
    expect(run.events[1]).toMatchObject({ kind: "ended", reason: "admin" });
  });

  test("RAD-62: a NAK keeps the session, silence and access points that take none do not", async () => {
    await start(settings());
    await login();
    const refused = run.service.disconnect("default", MAC);
    reply(await point.packet(1), Code.DisconnectNak, [[Attr.ErrorCause, 501]]);
    expect(await refused).toEqual({ ended: false, accessPoint: "nak", errorCause: 501 });
    const silent = run.service.disconnect("default", MAC);
    await point.packet(2);
    run.clock.pass(5000);
    expect(await silent).toMatchObject({ ended: true, accessPoint: "silent" });
    await login();
    await run.service.configure({
      ...{ stateDirectory: undefined, spoolMax: 0, dictionaries: [] },
      tenants: [settings({ clientPort: 0 })],
    });
    expect(await run.service.disconnect("default", MAC)).toMatchObject({
      ended: true,
      accessPoint: "none",
    });
    expect(await run.service.disconnect("default", MAC)).toBeUndefined();
  });
});

describe("strangers and noise", () => {
  test("RAD-62, RAD-64: unknown sources, other codes and broken packets are counted, and get nothing", async () => {
    await start(settings());
    await login();
    const stranger = await Endpoint.open("127.0.0.2");
    stranger.send(ask(byMac), port);
    asker.send(Uint8Array.of(40, 1, 0, 5), port);
    asker.send(accessRequest(byMac, MAIN), port);
    asker.send(ask(byMac, { secret: "wrong" }), port);
    await until(async () => (await counters()).received === 4);
    expect(await counters()).toMatchObject({
      ...{ unknown: 1, malformed: 1, unexpected: 1, badAuthenticators: 1 },
    });
    expect([...stranger.received, ...asker.received]).toEqual([]);
    stranger.close();
  });

  test("RAD-62: a reload switches it on and off; what stays keeps its ports", async () => {
    await start(settings());
    const others = { stateDirectory: undefined, spoolMax: 0, dictionaries: [] };
    await run.service.configure({ ...others, tenants: [settings({ windowMs: 1000 })] });
    expect((await run.service.dynamic())[0]?.ports).toEqual([port]);
    await run.service.configure({ ...others, tenants: [settings({ enabled: false })] });
    expect((await run.service.dynamic())[0]?.ports).toEqual([]);
  });
});
