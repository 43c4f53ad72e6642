/** Sessions: how they begin, what changes them, and each reason for their end. */
import { beforeEach, describe, expect, test } from "vitest";
import { AcctStatus, Attr, Code } from "../../../src/radius/packet/iana.js";
import { SessionTable } from "../../../src/radius/session/session-table.js";
import type { SessionEvent } from "../../../src/radius/session/session.js";
import { accessRequest, accountingRequest, responseTo } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";

const DAY = 86_400_000;
const SOURCE = { client: "10.0.0.1", clientPort: 1000, pool: "main" };
let now: number;
let events: SessionEvent[];
let table: SessionTable;

const create = (profile: "seed" | "modern") =>
  new SessionTable({
    tenant: "t",
    rules: () => ({ profile, sessionIdleMs: DAY }),
    wall: () => now,
    onEvent: (event) => events.push(event),
  });
beforeEach(() => {
  now = 1_000_000;
  events = [];
  table = create("modern");
});

const station = (ap = "02-00-00-00-00-01:corp", mac = "02-AA-BB-CC-DD-01"): Pair[] => [
  [Attr.CalledStationId, ap],
  [Attr.CallingStationId, mac],
];
const accept = (more: readonly Pair[] = [], request: readonly Pair[] = station(), user = "bob") => {
  const packet = accessRequest([[Attr.UserName, user], ...request], "s");
  table.accepted(packet, responseTo(packet, Code.AccessAccept, more, "s"), SOURCE);
};
const account = (
  status: number,
  more: readonly Pair[] = [],
  where = station(),
  from = SOURCE.client,
) =>
  table.accounted(accountingRequest([[Attr.AcctStatusType, status], ...where, ...more], "s"), from);
const kinds = () => events.map((event) => (event.kind === "ended" ? event.reason : event.kind));

test("RAD-14: more than 24 hours without a word end a session; exactly 24 do not", () => {
  accept();
  now += DAY;
  table.expire();
  expect(table.size).toBe(1);
  now += 1;
  table.expire();
  expect(kinds()).toEqual(["begun", "idle"]);
});

test("RAD-14: an interim keeps it", () => {
  accept();
  now += DAY;
  account(AcctStatus.Interim);
  now += DAY;
  table.expire();
  expect(table.size).toBe(1);
});

describe("RAD-08: reauthentication", () => {
  const first: Pair[] = [[Attr.Class, "one"]];
  const second: Pair[] = [[Attr.Class, "two"]];
  test("seed profile: new attributes are ignored", () => {
    table = create("seed");
    accept(first);
    accept(second);
    expect([...table.list()][0]?.classes).toEqual([Buffer.from("one").toString("hex")]);
  });
  test("modern profile: they are applied", () => {
    accept(first);
    accept(second);
    expect([...table.list()][0]?.classes).toEqual([Buffer.from("two").toString("hex")]);
    expect(kinds()).toEqual(["begun", "changed"]);
  });
  test("another user on the same MAC is a new session", () => {
    accept();
    accept([], station(), "eve");
    expect(kinds()).toEqual(["begun", "user-changed", "begun"]);
  });
});

test("RAD-72: roaming moves the session, and a late Stop of the old access point does not end it", () => {
  accept();
  const there = station("02-00-00-00-00-02:corp");
  accept([], there);
  expect(kinds()).toEqual(["begun", "roam", "begun"]);
  account(AcctStatus.Stop);
  expect([...table.list()]).toMatchObject([{ accessPoint: "02:00:00:00:00:02" }]);
  account(AcctStatus.Stop, [], there);
  expect(table.size).toBe(0);
});

describe("RAD-72: somebody else's credentials with this MAC, at another access point", () => {
  const home = station();
  const there = station("02-00-00-00-00-02:corp");
  const both = () =>
    [...table.list()].map(({ userName, accessPoint }) => `${userName} ${accessPoint}`);
  const BOB = "bob 02:00:00:00:00:01";
  const EVE = "eve 02:00:00:00:00:02";
  let twice: string[];
  beforeEach(() => {
    twice = [];
    table = new SessionTable({
      tenant: "t",
      rules: () => ({ profile: "modern", sessionIdleMs: DAY }),
      wall: () => now,
      onEvent: (event) => events.push(event),
      onTwice: (session, other) => twice.push(`${session.userName} ${other.userName}`),
    });
    accept([], home, "bob");
    now += 1000;
    accept([], there, "eve");
  });

  test("RAD-72: does not end the session that is there; both go on, and somebody is told", () => {
    expect(both()).toEqual([BOB, EVE]);
    expect(kinds()).toEqual(["begun", "changed", "begun"]);
    expect(twice).toEqual(["eve bob"]);
    expect([table.size, table.twice]).toEqual([2, 1]);
    // Each goes on with its own word, and ends by its own.
    accept([[Attr.Class, "gold"]], home, "bob");
    account(AcctStatus.Start, [[Attr.AcctSessionId, "b"]], home);
    account(AcctStatus.Start, [[Attr.AcctSessionId, "e"]], there);
    expect(table.of("02aabbccdd01").map(({ acctSessionId }) => acctSessionId)).toEqual(["b", "e"]);
    expect(twice).toHaveLength(1);
    account(AcctStatus.Stop, [[Attr.AcctSessionId, "e"]], there);
    expect(both()).toEqual([BOB]);
    expect(table.twice).toBe(0);
    accept([[Attr.Class, "tin"]], home, "bob");
    expect(table.find("02:aa:bb:cc:dd:01")).toMatchObject({ id: 1, acctSessionId: "b" });
    account(AcctStatus.Stop, [[Attr.AcctSessionId, "b"]], home);
    expect(table.size).toBe(0);
  });

  test("RAD-72: whose roaming moves his own session alone", () => {
    accept([], station("02-00-00-00-00-03:corp"), "eve");
    expect(both()).toEqual([BOB, "eve 02:00:00:00:00:03"]);
    accept([], station("02-00-00-00-00-04:corp"), "bob");
    expect(both().sort()).toEqual(["bob 02:00:00:00:00:04", "eve 02:00:00:00:00:03"]);
  });

  test("RAD-72: a name that he only asks in is not his, where the home server says another", () => {
    const request = accessRequest([[Attr.UserName, "bob"], ...station("02-00-00-00-00-05")], "s");
    const said: Pair[] = [[Attr.UserName, "eve"]];
    table.accepted(request, responseTo(request, Code.AccessAccept, said, "s"), SOURCE);
    expect(both()).toEqual([BOB, "eve 02:00:00:00:00:05"]);
  });

  test("RAD-14, RAD-16: both end by silence, and each by its access point's On", () => {
    account(AcctStatus.On, [], [[Attr.CalledStationId, "02-00-00-00-00-01"]]);
    expect(both()).toEqual([EVE]);
    accept([], home, "bob");
    now += DAY + 1;
    table.expire();
    expect(table.size).toBe(0);
  });

  test("RAD-64: there is an end to how many of one MAC there may be; the first stays", () => {
    for (let n = 3; n < 30; n++) {
      const at = station(`02-00-00-00-00-${String(n).padStart(2, "0")}:corp`);
      accept([], at, `eve ${n}`);
    }
    expect(table.size).toBe(9);
    expect(both()[0]).toBe(BOB);
    expect(both().at(-1)).toMatch(/^eve 29/);
  });

  test("RAD-66: both survive a restart", () => {
    const left = [...table.list()];
    const next = create("modern");
    next.restore(left);
    expect([...next.list()].map(({ userName }) => userName)).toEqual(["bob", "eve"]);
    next.restore(left);
    expect(next.size).toBe(2);
  });
});

test("RAD-16: access points that come back together cost one walk, not one each", () => {
  const turns: (() => void)[] = [];
  let looks = 0;
  table = new SessionTable({
    tenant: "t",
    rules: () => ({ profile: "modern", sessionIdleMs: DAY }),
    wall: () => now,
    onEvent: (event) => events.push(event),
    later: (run) => void turns.push(run),
  });
  const many = 6000;
  const hex = (n: number) =>
    [n >> 16, n >> 8, n].map((o) => (o & 255).toString(16).padStart(2, "0")).join("-");
  for (let n = 0; n < many; n++) {
    accept([], station(`02-00-00-${hex(n % 300)}:corp`, `02-AA-BB-${hex(n)}`));
  }
  for (const session of table.list()) {
    const { client } = session;
    Object.defineProperty(session, "client", { get: () => (looks++, client) });
  }
  for (let n = 0; n < 300; n++)
    account(AcctStatus.On, [], [[Attr.CalledStationId, `02-00-00-${hex(n)}`]]);
  for (let run = turns.shift(); run !== undefined; run = turns.shift()) run();
  expect(table.size).toBe(0);
  expect(looks).toBeLessThan(3 * many);
});

test("RAD-16: no client ends another's sessions, and an SSID ends only its own", () => {
  accept();
  accept([], station("02-00-00-00-00-01:guests", "02-AA-BB-CC-DD-02"));
  const ap = (text: string): Pair[] => [[Attr.CalledStationId, text]];
  account(AcctStatus.Off, [], ap("02-00-00-00-00-01"), "10.9.9.9");
  account(AcctStatus.Stop, [], station(), "10.9.9.9");
  expect(table.size).toBe(2);
  account(AcctStatus.Off, [], ap("02:00:00:00:00:01:guests"));
  expect([...table.list()].map(({ ssid }) => ssid)).toEqual(["corp"]);
  account(AcctStatus.On, [], ap("020000000001"));
  expect(table.size).toBe(0);
});

test("RAD-14, RAD-16: a restarted access point's thousands of sessions end a part at a time; who comes back meanwhile stays", () => {
  const turns: (() => void)[] = [];
  const many = 10_000;
  let later = 0;
  table = new SessionTable({
    tenant: "t",
    rules: () => ({ profile: "modern", sessionIdleMs: DAY }),
    wall: () => now,
    onEvent: (event) => events.push(event),
    later: (run) => void turns.push(run),
  });
  const mac = (n: number) =>
    `02-AA-BB-${[n >> 16, n >> 8, n].map((octet) => (octet & 255).toString(16).padStart(2, "0")).join("-")}`;
  for (let n = 0; n < many; n++) accept([], station("02-00-00-00-00-01:corp", mac(n)));
  events = [];
  account(AcctStatus.On, [], [[Attr.CalledStationId, "02-00-00-00-00-01:corp"]]);
  expect(events.length).toBeGreaterThan(0);
  expect(events.length).toBeLessThan(many / 2);
  // The last one is let in again before its old session's turn has come.
  accept([], station("02-00-00-00-00-01:corp", mac(many - 1)), "alice");
  table.expire();
  for (let run = turns.shift(); run !== undefined; run = turns.shift()) {
    later++;
    run();
  }
  expect(later).toBeGreaterThan(1);
  expect(table.size).toBe(1);
  expect(table.find(mac(many - 1))?.userName).toBe("alice");
  expect(kinds().filter((kind) => kind === "on-off")).toHaveLength(many - 1);
  // Nothing is left over: the next one is done at once.
  now += DAY + 1;
  table.expire();
  expect(table.size).toBe(0);
});

test("RAD-16: the modern profile knows a device by its NAS-Identifier", () => {
  accept([], [...station(), [Attr.NasIdentifier, "ap-7"]]);
  const off: Pair[] = [
    [Attr.CalledStationId, "something else"],
    [Attr.NasIdentifier, "ap-7"],
  ];
  account(AcctStatus.Off, [], off);
  expect(kinds()).toEqual(["begun", "on-off"]);
});

test("RAD-16: a device that names no radio is known by NAS-Identifier or NAS-IP-Address, in the modern profile", () => {
  const address: Pair = [Attr.NasIpAddress, Uint8Array.of(10, 1, 1, 1)];
  for (const profile of ["modern", "seed"] as const) {
    events = [];
    table = create(profile);
    accept([], [...station(), address]);
    account(AcctStatus.On, [[Attr.NasIpAddress, Uint8Array.of(10, 1, 1, 2)]], []);
    expect(table.size).toBe(1);
    account(AcctStatus.On, [address], []);
    expect(table.size).toBe(profile === "modern" ? 0 : 1);
  }
});

test("RAD-16: another radio of the same device ends nothing of this one", () => {
  accept([], [...station(), [Attr.NasIdentifier, "ap-7"]]);
  account(
    AcctStatus.On,
    [[Attr.NasIdentifier, "ap-7"]],
    [[Attr.CalledStationId, "02-00-00-00-00-02"]],
  );
  expect(table.size).toBe(1);
});

test("RAD-08: a reauthentication with new attributes is no new session for the address either", () => {
  const begun: string[] = [];
  table = new SessionTable({
    tenant: "t",
    rules: () => ({ profile: "seed", sessionIdleMs: DAY }),
    wall: () => now,
    onEvent: (event) => events.push(event),
    onBegun: ({ mac }) => begun.push(mac),
  });
  accept();
  accept([[Attr.Class, "two"]]);
  expect(begun).toHaveLength(1);
});

test("RAD-66: Event-Timestamp, User-Name, Class and Acct-Session-Id are in the session", () => {
  accept([
    [Attr.Class, "gold"],
    [Attr.UserName, "bob@example.org"],
  ]);
  account(AcctStatus.Start, [
    [Attr.AcctSessionId, "17"],
    [Attr.EventTimestamp, 1_700_000_000],
  ]);
  expect([...table.list()]).toMatchObject([
    {
      userName: "bob@example.org",
      classes: [Buffer.from("gold").toString("hex")],
      acctSessionId: "17",
      eventTimestamp: 1_700_000_000,
      confirmed: true,
    },
  ]);
});

test("RAD-17: the session knows the pool and the bundles that its accept names", () => {
  const erx = (type: number, text: string): Pair => [
    Attr.VendorSpecific,
    Uint8Array.of(0, 0, 0x13, 0x0a, type, text.length + 2, ...Buffer.from(text)),
  ];
  accept([erx(31, "gold"), erx(31, "tv"), erx(2, "east")]);
  expect([...table.list()]).toMatchObject([{ bundles: ["gold", "tv"], addressPool: "east" }]);
});

test("RAD-13: a Stop of another accounting session does not end this one", () => {
  accept();
  account(AcctStatus.Start, [[Attr.AcctSessionId, "1"]]);
  account(AcctStatus.Stop, [[Attr.AcctSessionId, "0"]]);
  expect(table.size).toBe(1);
  account(AcctStatus.Stop, [[Attr.AcctSessionId, "1"]]);
  expect(kinds().at(-1)).toBe("stop");
});

test("RAD-13: accounting alone begins nothing", () => {
  account(AcctStatus.Start);
  expect(table.size).toBe(0);
});

test("RAD-71: a MAC is one however it is written", () => {
  accept();
  for (const mac of ["02aabbccdd01", "02:AA:BB:CC:DD:01", "02aa.bbcc.dd01"]) {
    expect(table.find(mac)).toBeDefined();
    accept([], station("02:00:00:00:00:01:corp", mac));
  }
  expect(table.size).toBe(1);
});

test("RAD-73: VLAN from Tunnel-Private-Group-Id, with and without a tag", () => {
  accept([[Attr.TunnelPrivateGroupId, Uint8Array.of(1, 0x34, 0x32)]]);
  expect([...table.list()][0]?.vlan).toBe("42");
  accept([[Attr.TunnelPrivateGroupId, "staff"]]);
  expect([...table.list()][0]?.vlan).toBe("staff");
});

test("RAD-64: there is an end to how many there may be; those that are there go on", () => {
  let full = 0;
  table = new SessionTable({
    tenant: "t",
    rules: () => ({ profile: "modern", sessionIdleMs: DAY }),
    wall: () => now,
    onEvent: (event) => events.push(event),
    most: 2,
    onFull: () => full++,
  });
  for (let n = 1; n <= 5; n++) accept([], station(undefined, `02-AA-BB-CC-DD-0${n}`));
  expect([table.size, full]).toEqual([2, 3]);
  // Another user in the place of one that is over.
  accept([], station(), "alice");
  expect(table.find("02:aa:bb:cc:dd:01")?.userName).toBe("alice");
  expect([table.size, full]).toEqual([2, 3]);
});
