/** Addresses of subscribers: local pools, and the hook itself. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { Addresses } from "../../../src/radius/address/addresses.js";
import { LocalSource } from "../../../src/radius/address/local-source.js";
import type { AddressSource, Subscriber } from "../../../src/radius/address/source.js";
import { AcctStatus, Attr, Code } from "../../../src/radius/packet/iana.js";
import { findText } from "../../../src/radius/packet/packet.js";
import type { Lease, Session } from "../../../src/radius/session/session.js";
import type { LocalAddressSettings } from "../../../src/radius/settings.js";
import { silentLog } from "../../../src/util/log.js";
import { TestDisk } from "../lib/engine.js";
import { ManualClock } from "../lib/hand-clock.js";
import { accessRequest, accountingRequest, Endpoint } from "../lib/packets.js";
import type { Pair } from "../lib/packets.js";
import { CLIENT_SECRET, homeServer, PlayedHome, Run, tenant, until } from "../lib/run.js";

let run: Run;
let nas: Endpoint;
let home: PlayedHome;
beforeEach(async () => {
  nas = await Endpoint.open();
  home = await PlayedHome.open();
});
afterEach(async () => {
  await run.service.stop();
  nas.close();
  home.close();
});

const erx = (type: number, text: string): Pair => [
  Attr.VendorSpecific,
  Uint8Array.of(0, 0, 0x13, 0x0a, type, text.length + 2, ...Buffer.from(text)),
];
const POOLS: LocalAddressSettings = {
  source: "local",
  pools: [
    { name: "all", first: "10.0.0.1", last: "10.0.0.2" },
    { name: "gold", first: "10.1.0.1", last: "10.1.0.1" },
    { name: "named", first: "10.2.0.255", last: "10.2.1.0" },
  ],
  bundles: { "gold-bundle": "gold" },
};
const stations = (n: number): readonly Pair[] => [
  [Attr.CalledStationId, "02-00-00-00-00-01:corp"],
  [Attr.CallingStationId, `02-AA-BB-CC-DD-0${n}`],
];
let identifier = 0;
/** Subscriber n is accepted, with what its accept says. */
const accept = async (n: number, pairs: readonly Pair[] = []) => {
  home.onRequest = (request) =>
    home.answer(
      request,
      request[0] === Code.AccessRequest ? Code.AccessAccept : Code.AccountingResponse,
      request[0] === Code.AccessRequest ? pairs : [],
    );
  const count = nas.received.length;
  const request = [[Attr.UserName, `user${n}`] as const, ...stations(n)];
  nas.send(accessRequest(request, CLIENT_SECRET, { identifier: ++identifier }), run.authPort);
  await nas.packet(count);
};
const account = async (n: number, status: number) => {
  const count = nas.received.length;
  const pairs: readonly Pair[] = [[Attr.AcctStatusType, status], ...stations(n)];
  nas.send(accountingRequest(pairs, CLIENT_SECRET, ++identifier), run.acctPort);
  await nas.packet(count);
};
const addressOf = async (n: number) =>
  (await run.service.sessions({ mac: `02aabbccdd0${n}` })).rows[0]?.address;
const withAddress = async (n: number, address: string) =>
  until(async () => (await addressOf(n)) === address);

test("RAD-07, RAD-15: an address from the pool when a session begins; back when it ends, whatever ended it", async () => {
  run = await Run.start([tenant([homeServer(home.port)], { addresses: POOLS })]);
  await accept(1);
  await withAddress(1, "10.0.0.1");
  expect(run.events.map(({ kind }) => kind)).toEqual(["begun", "changed"]);
  await accept(2);
  await withAddress(2, "10.0.0.2");
  await accept(3);
  expect(await addressOf(3)).toBeUndefined();
  await account(1, AcctStatus.Stop);
  await accept(4);
  await withAddress(4, "10.0.0.1");
  await run.service.disconnect("default", "02:aa:bb:cc:dd:02");
  await accept(5);
  await withAddress(5, "10.0.0.2");
  await account(4, AcctStatus.Off);
  await accept(6);
  await withAddress(6, "10.0.0.1");
});

test("RAD-07: an accept that names an address, or a pool, has its way", async () => {
  run = await Run.start([tenant([homeServer(home.port)], { addresses: POOLS })]);
  await accept(1, [[Attr.FramedIpAddress, Uint8Array.of(192, 0, 2, 1)]]);
  expect(await addressOf(1)).toBe("192.0.2.1");
  await accept(2, [[Attr.FramedPool, "named"]]);
  await withAddress(2, "10.2.0.255");
  await accept(3, [erx(2, "named")]);
  await withAddress(3, "10.2.1.0");
});

test("RAD-17: a service manager's bundle chooses the pool, before what else is named", async () => {
  run = await Run.start([tenant([homeServer(home.port)], { addresses: POOLS })]);
  await accept(1, [erx(31, "gold-bundle"), [Attr.FramedPool, "named"]]);
  await withAddress(1, "10.1.0.1");
});

test("RAD-15, RAD-66: what is on loan stays so over a restart", async () => {
  const disk = new TestDisk();
  const one = tenant([homeServer(home.port)], { addresses: POOLS });
  run = await Run.start([one], { engine: disk.open });
  await accept(1);
  await withAddress(1, "10.0.0.1");
  await run.service.stop();
  run = await Run.start([one], { engine: disk.open });
  expect(await addressOf(1)).toBe("10.0.0.1");
  await accept(2);
  await withAddress(2, "10.0.0.2");
  await account(1, AcctStatus.Stop);
  await accept(3);
  await withAddress(3, "10.0.0.1");
});

test("RAD-15: a pool lends the address that was free longest", async () => {
  run = await Run.start([tenant([homeServer(home.port)])]);
  const source = new LocalSource(POOLS);
  const subscriber = { session: { bundles: [] } } as unknown as Subscriber;
  const first = await source.acquire(subscriber);
  const second = await source.acquire(subscriber);
  await expect(source.acquire(subscriber)).rejects.toThrow('"all" is used up');
  source.release(undefined, second);
  source.release(undefined, first);
  source.release(undefined, first);
  expect((await source.acquire(subscriber)).address).toBe("10.0.0.2");
  expect((await source.acquire(subscriber)).address).toBe("10.0.0.1");
});

/** A source of somebody else's: what it is called with. */
class Recorder implements AddressSource {
  readonly calls: string[] = [];
  answer: (lease: Lease) => void = () => {};
  acquire({ session, accept: packet }: Subscriber): Promise<Lease> {
    const reply = findText(packet, Attr.ReplyMessage) ?? "";
    this.calls.push(`acquire ${session.mac} ${session.accessPoint} ${session.userName} ${reply}`);
    return new Promise((resolve) => (this.answer = resolve));
  }
  renew(_session: Session, lease: Lease): Promise<Lease> {
    this.calls.push(`renew ${lease.address}`);
    return Promise.resolve({ ...lease, until: undefined, renewAt: undefined });
  }
  release(session: Session, lease: Lease, reason: string): void {
    this.calls.push(`release ${session.mac} ${lease.address} ${reason}`);
  }
  adopt(): void {}
  close(): void {}
}

test("RAD-07, RAD-15: the hook gets the subscriber and its accept, renewals, and the reason of the end", async () => {
  const hook = new Recorder();
  run = await Run.start([tenant([homeServer(home.port)])], { addresses: hook });
  await accept(1, [[Attr.ReplyMessage, "welcome"]]);
  expect(hook.calls).toEqual(["acquire 02:aa:bb:cc:dd:01 02:00:00:00:00:01 user1 welcome"]);
  const wall = run.clock.wall();
  hook.answer({ address: "10.9.9.9", from: "x", until: wall + 60_000, renewAt: wall + 30_000 });
  await withAddress(1, "10.9.9.9");
  run.clock.pass(30_400);
  expect(hook.calls.at(-1)).toBe("renew 10.9.9.9");
  await account(1, AcctStatus.Stop);
  expect(hook.calls.at(-1)).toBe("release 02:aa:bb:cc:dd:01 10.9.9.9 stop");
  // Over before the address came: it goes back as it comes.
  await accept(2);
  await account(2, AcctStatus.Stop);
  hook.answer({ address: "10.9.9.8", from: "x", until: undefined, renewAt: undefined });
  await until(() => hook.calls.at(-1) === "release 02:aa:bb:cc:dd:02 10.9.9.8 stop");
});

test("RAD-15, RAD-72: of two users with one MAC the first has the address, and keeps it whatever the other does", async () => {
  const hook = new Recorder();
  run = await Run.start([tenant([homeServer(home.port)])], { addresses: hook });
  await accept(1);
  hook.answer({
    address: "10.9.9.9",
    from: "x",
    until: undefined,
    renewAt: run.clock.wall() + 30_000,
  });
  await withAddress(1, "10.9.9.9");
  const other = (identifier: number): Uint8Array => {
    const there: Pair = [Attr.CalledStationId, "02-00-00-00-00-02:corp"];
    const [, mac] = stations(1);
    const pairs: readonly Pair[] = [[Attr.UserName, "eve"], there, mac!];
    return accessRequest(pairs, CLIENT_SECRET, { identifier });
  };
  nas.send(other(200), run.authPort);
  await until(() => run.events.at(-1)?.session.userName === "eve");
  expect((await run.service.sessionCounts())[0]).toMatchObject({ count: 2, twice: 1 });
  expect(hook.calls.filter((call) => call.startsWith("acquire"))).toHaveLength(1);
  await expect(run.service.disconnect("default", "02:aa:bb:cc:dd:01")).rejects.toThrow(
    /2 sessions; name the access point of one: 02:00:00:00:00:01 \(user1\), 02:00:00:00:00:02 \(eve\)/,
  );
  const done = await run.service.disconnect("default", "02:aa:bb:cc:dd:01", "02-00-00-00-00-02");
  expect(done?.ended).toBe(true);
  run.clock.pass(30_400);
  expect(hook.calls.at(-1)).toBe("renew 10.9.9.9");
  await account(1, AcctStatus.Stop);
  expect(hook.calls.at(-1)).toBe("release 02:aa:bb:cc:dd:01 10.9.9.9 stop");
});

test("RAD-07: a subscriber whose address was asked of a source that a reload replaced gets one from the next", async () => {
  const asked: string[] = [];
  let give: (error: Error) => void = () => {};
  const source = (name: string): AddressSource => ({
    acquire: ({ session }) => {
      asked.push(`${name} ${session.mac}`);
      return new Promise((_resolve, reject) => (give = reject));
    },
    renew: (_session, lease) => Promise.resolve(lease),
    release: () => {},
    adopt: () => {},
    close: () => give(new Error("closed")),
  });
  const session = { mac: "a", id: 1, startedAt: 1 } as unknown as Session;
  const addresses = new Addresses({
    ...{ clock: new ManualClock(), log: silentLog, leased: () => true, of: () => [session] },
  });
  addresses.setSource(source("first"), []);
  addresses.begin({ session, accept: new Uint8Array(20) });
  addresses.setSource(source("second"), []);
  await until(() => asked.length === 2);
  expect(asked).toEqual(["first a", "second a"]);
  run = await Run.start([tenant([homeServer(home.port)])]);
});
