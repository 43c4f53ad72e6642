/** What a hostile access point that has the secret tries: to take more than its part. */
import { expect, test } from "vitest";
import { Addresses } from "../../../src/radius/address/addresses.js";
import type { AddressSource } from "../../../src/radius/address/source.js";
import type { Session } from "../../../src/radius/session/session.js";
import { imbalance } from "../../../src/radius/statistics/counters.js";
import { silentLog } from "../../../src/util/log.js";
import { Core, CORE_CLIENT_SECRET, HandClock } from "../lib/core.js";
import { Hop, ownAccess, STATIONS, Type, type Pairs } from "../lib/own-packets.js";

const hop = new Hop(CORE_CLIENT_SECRET);

test("RAD-74: a State that it made up is no way around its rate", () => {
  const core = new Core({ client: { rateLimit: 2 } });
  const known: Pairs = [...STATIONS, [Type.State, "made up"]];
  for (let n = 0; n < 20; n++) core.take(ownAccess(hop, known, { identifier: n }));
  // Two at once, and a second's worth on credit.
  expect(core.toHome).toHaveLength(4);
  expect(core.counters.dropped).toBe(16);
  for (let second = 1; second <= 10; second++) {
    core.advance(1000);
    for (let n = 0; n < 20; n++) {
      core.take(ownAccess(hop, known, { identifier: 20 * second + n, authenticator: second }));
    }
  }
  expect(core.toHome).toHaveLength(24);
  expect(imbalance(core.counters)).toBe(0);
});

test("RAD-33, RAD-68: a reject that its Proxy-States leave no room for is silence, and keeps no place", () => {
  const core = new Core({
    client: { requireMessageAuthenticator: "no", limitProxyState: false },
    listener: { onFailure: "reject" },
  });
  core.home.close();
  const states: Pairs = Array.from({ length: 16 }, () => [Type.ProxyState, new Uint8Array(250)]);
  const pairs: Pairs = [
    [Type.CalledStationId, "a"],
    [Type.CallingStationId, "b"],
    ...states,
    [Type.ProxyState, new Uint8Array(30)],
  ];
  core.take(ownAccess(hop, pairs, { signed: false }));
  expect(core.toClient).toEqual([]);
  expect([core.counters.pending, core.ingress.pending, core.counters.timedOut]).toEqual([0, 0, 1]);
  expect(imbalance(core.counters)).toBe(0);
});

test("RAD-05: an empty station id names nobody", () => {
  const core = new Core();
  const [called = [0, ""] as const, calling = [0, ""] as const] = STATIONS;
  core.take(ownAccess(hop, [called, [Type.CallingStationId, ""]], { identifier: 1 }));
  core.take(ownAccess(hop, [[Type.CalledStationId, ""], calling], { identifier: 2 }));
  expect([core.counters.invalid, core.toHome.length]).toEqual([2, 0]);
});

test("RAD-07: a subscriber that begins again and again waits once for its address", () => {
  const asked: string[] = [];
  const source: AddressSource = {
    acquire: ({ session }) => {
      asked.push(session.mac);
      return new Promise(() => {});
    },
    renew: () => new Promise(() => {}),
    release: () => {},
    adopt: () => {},
    close: () => {},
  };
  const sessions = new Map<string, Session>();
  const addresses = new Addresses({
    clock: new HandClock(),
    log: silentLog,
    leased: () => true,
    of: (mac) => [sessions.get(mac)].flatMap((session) => session ?? []),
  });
  addresses.setSource(source, []);
  const begin = (mac: string, startedAt: number): void => {
    const session = { mac, startedAt } as unknown as Session;
    sessions.set(mac, session);
    addresses.begin({ session, accept: new Uint8Array(20) });
  };
  // As many as may be asked for at a time, of a server that says nothing.
  for (let n = 0; n < 256; n++) begin(`other ${n}`, 0);
  for (let n = 0; n < 1000; n++) begin("mac", n);
  expect([asked.length, addresses.waiting]).toEqual([256, 1]);
  addresses.end(sessions.get("mac")!, "stop");
  expect(addresses.waiting).toBe(0);
});
