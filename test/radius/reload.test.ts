/** Other settings while requests are under way: what did not change is not touched. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { messageFits } from "../../src/radius/packet/authenticator.js";
import { Attr, Code, HEADER } from "../../src/radius/packet/iana.js";
import { Secret } from "../../src/radius/packet/md5.js";
import type { TenantSettings } from "../../src/radius/settings.js";
import { imbalance } from "../../src/radius/statistics/counters.js";
import { dial, listenerSettings, SECRET, shows } from "./radsec/lib/tls.js";
import { accessRequest, Endpoint, STATION } from "./lib/packets.js";
import type { Pair } from "./lib/packets.js";
import {
  client,
  CLIENT_SECRET,
  HOME_SECRET,
  homeServer,
  listener,
  PlayedHome,
  relaySettings,
  Run,
  tenant,
  turn,
} from "./lib/run.js";

const BOB: readonly Pair[] = [[Attr.UserName, "bob"], ...STATION];
const access = (identifier: number, secret = CLIENT_SECRET) =>
  accessRequest(BOB, secret, { identifier, authenticator: identifier });

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

const one = (changes: Partial<TenantSettings> = {}, clients = [client()], homeChanges = {}) =>
  tenant([homeServer(home.port, homeChanges)], changes, clients);
const configure = (...tenants: readonly TenantSettings[]) =>
  run.service.configure(relaySettings(tenants));

test("RAD-22, RAD-75: another client and another secret leave what is pending and cached where it is", async () => {
  run = await Run.start([one()]);
  nas.send(access(1), run.authPort);
  const pending = await home.packet(0);
  nas.send(access(2), run.authPort);
  home.answer(await home.packet(1), Code.AccessAccept);
  const cached = await nas.packet(0);
  const port = run.authPort;
  await configure(
    one({}, [
      client({ secrets: ["the next secret", CLIENT_SECRET] }),
      client({ prefix: "10.0.0.0/8" }),
    ]),
  );
  await run.readPorts();
  expect(run.authPort).toBe(port);
  nas.send(access(2), run.authPort);
  expect(await nas.packet(1)).toEqual(cached);
  home.answer(pending, Code.AccessReject);
  expect((await nas.packet(2))[0]).toBe(Code.AccessReject);
  nas.send(access(3, "the next secret"), run.authPort);
  await home.packet(2);
  expect(await run.counters()).toMatchObject({ requests: 4, cachedAnswers: 1, pending: 1 });
  expect(imbalance(await run.counters())).toBe(0);
});

test("RAD-23: after its key is gone a client's requests are dropped, and so is what was pending", async () => {
  run = await Run.start([one({}, [client(), client({ prefix: "127.0.0.1/32" })])]);
  nas.send(access(1), run.authPort);
  await home.packet(0);
  await configure(one({}, [client()]));
  nas.send(access(2), run.authPort);
  const second = await home.packet(1);
  await configure(one({}, [client({ prefix: "10.0.0.0/8" })]));
  nas.send(access(3), run.authPort);
  await run.counted("unknown", 1);
  home.answer(second, Code.AccessAccept);
  await run.heard("unmatched");
  expect(nas.received).toEqual([]);
  expect(await run.counters()).toMatchObject({ superseded: 2, pending: 0 });
  expect(imbalance(await run.counters())).toBe(0);
});

test("RAD-75: another secret of a home server: what is pending is checked with the old one", async () => {
  run = await Run.start([one()]);
  nas.send(access(1), run.authPort);
  const pending = await home.packet(0);
  await configure(one({}, undefined, { secrets: ["the next secret of this hop"] }));
  home.answer(pending, Code.AccessAccept);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  nas.send(access(2), run.authPort);
  home.answer(await home.packet(1), Code.AccessAccept);
  while ((await run.upstream()).badAuthenticators === 0) await turn();
});

test("RAD-67: a home server that goes leaves its requests to the others of its pool", async () => {
  const other = await PlayedHome.open();
  const both = tenant([homeServer(home.port), homeServer(other.port)]);
  run = await Run.start([both]);
  nas.send(access(1), run.authPort);
  await home.packet(0);
  await configure(tenant([homeServer(other.port)]));
  other.answer(await other.packet(0), Code.AccessAccept);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  other.close();
});

test("RAD-20, RAD-21: tenants and servers come and go beside each other", async () => {
  run = await Run.start([one({ name: "red" })]);
  await run.readPorts("red");
  const port = run.authPort;
  await configure(one({ name: "red" }), one({ name: "blue" }));
  await run.readPorts("blue");
  nas.send(access(1), run.authPort);
  await home.packet(0);
  await configure(one({ name: "red", accounting: undefined }));
  const rows = await run.service.servers();
  expect(rows.map((row) => [row.tenant, row.kind, row.port])).toEqual([
    ["red", "authentication", port],
  ]);
});

test("RAD-24: another port, with the counters of before; one that is taken changes nothing", async () => {
  run = await Run.start([one()]);
  nas.send(access(1), run.authPort);
  home.answer(await home.packet(0), Code.AccessAccept);
  await nas.packet(0);
  const before = run.authPort;
  const taken = listener(undefined, { port: nas.port });
  await expect(configure(one({ authentication: taken }))).rejects.toThrow("EADDRINUSE");
  await run.readPorts();
  expect(run.authPort).toBe(before);
  const free = await Endpoint.open();
  const { port } = free;
  await free.closed();
  await configure(one({ authentication: listener(undefined, { port }) }));
  await run.readPorts();
  expect(run.authPort).toBe(port);
  nas.send(access(2), port);
  await home.packet(1);
  expect(await run.counters()).toMatchObject({ requests: 2, accepts: 1 });
});

test("RAD-24: another address for the same port", async () => {
  run = await Run.start([one()]);
  const free = await Endpoint.open();
  const { port } = free;
  await free.closed();
  await configure(one({ authentication: listener(undefined, { port, address: "0.0.0.0" }) }));
  await configure(one({ authentication: listener(undefined, { port, address: "127.0.0.1" }) }));
  nas.send(access(1), port);
  await home.packet(0);
});

test("RAD-75: a pending request goes out anew with the secret that its home server turns out to know", async () => {
  const secrets = ["the secret it does not know yet", HOME_SECRET];
  const patience = { suspectAfterMs: 3000, probeIntervalMs: 500, probesUntilDead: 10 };
  run = await Run.start([one({}, undefined, { secrets, watchdog: "status-server", ...patience })]);
  // It hears only what is signed with the secret it knows.
  const known = new Secret(HOME_SECRET);
  home.onRequest = (request) => {
    if (!messageFits(request, HEADER, request.subarray(4, HEADER), known)) return;
    home.answer(request, Code.AccessAccept);
  };
  nas.send(access(1), run.authPort);
  await home.packet(0);
  for (let time = 0; time < 6000; time += 200) {
    run.clock.pass(200);
    await turn();
    await turn();
  }
  nas.send(access(1), run.authPort);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  expect(await run.counters()).toMatchObject({ accepts: 1, duplicates: 1 });
});

test("RAD-20, RAD-60: a tenant without a UDP port: its clients come over TLS, and a reload gives it one and takes it away", async () => {
  const off = listener([], { address: "", port: 0 });
  const over: Partial<TenantSettings> = {
    authentication: off,
    accounting: off,
    radsec: listenerSettings(),
  };
  run = await Run.start([one(over)]);
  expect((await run.service.servers()).map(({ address, port }) => `${address}:${port}`)).toEqual([
    ":0",
    ":0",
  ]);
  home.onRequest = (request) => home.answer(request, Code.AccessAccept);
  const [door] = await run.service.radsec();
  const end = await dial(door?.port ?? 0, shows("viewer"));
  end.send(accessRequest(BOB, SECRET, { identifier: 1, password: "hello" }));
  expect((await end.packet(0))[0]).toBe(Code.AccessAccept);
  expect((await run.service.sessions({})).rows.map((row) => row.client)).toEqual([
    "radsec:dashboard",
  ]);
  await configure(one({ ...over, authentication: listener() }));
  await run.readPorts();
  nas.send(access(2), run.authPort);
  expect((await nas.packet(0))[0]).toBe(Code.AccessAccept);
  await configure(one(over));
  end.send(accessRequest(BOB, SECRET, { identifier: 3, password: "hello" }));
  expect((await end.packet(1))[0]).toBe(Code.AccessAccept);
  expect(imbalance(await run.counters())).toBe(0);
});

test("RAD-75: one tenant drains, and the others go on", async () => {
  run = await Run.start([one({ name: "red" }), one({ name: "blue" })]);
  await run.service.drain(true, "red");
  expect(
    (await run.service.servers()).map(({ tenant: name, draining }) => `${name} ${draining}`),
  ).toEqual(["red true", "red true", "blue false", "blue false"]);
  const [red, blue] = (await run.service.servers()).filter(({ kind }) => kind === "authentication");
  nas.send(access(1), red?.port ?? 0);
  nas.send(access(2), blue?.port ?? 0);
  expect((await home.packet(0))[0]).toBe(Code.AccessRequest);
  while ((await run.counters("authentication", "red")).dropped === 0) await turn();
  expect((await run.counters("authentication", "blue")).pending).toBe(1);
  await expect(run.service.drain(true, "green")).rejects.toThrow('there is no tenant "green"');
  await run.service.drain(false, "red");
  nas.send(access(3), red?.port ?? 0);
  await home.packet(1);
});
