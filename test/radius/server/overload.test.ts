/** RAD-58: who waits, who goes first, and who is lost when too many come at once. */
import { expect, test } from "vitest";
import type { Exchange, Origin } from "../../../src/radius/server/exchange.js";
import { UdpListener } from "../../../src/radius/server/udp-listener.js";
import type { ListenerSettings } from "../../../src/radius/settings.js";
import type { UdpHooks } from "../../../src/radius/udp/udp-end.js";
import { Hop, ownAccess, STATIONS, Type, type Pairs } from "../lib/own-packets.js";

const hop = new Hop("a secret");
const settings = (queueMax: number): ListenerSettings => ({
  ...{ address: "127.0.0.1", port: 0, queueMax, pendingMax: 100, cacheMs: 5000 },
  ...{ timeoutMs: 1000, onFailure: "silent" },
  clients: [
    {
      ...{ name: "ap", prefix: "127.0.0.0/8", secrets: ["a secret"], proxy: false },
      ...{ requireMessageAuthenticator: "yes", limitProxyState: true, rateLimit: 0 },
    },
  ],
});

const JUNK = Buffer.alloc(20);

const turnOver = () => new Promise((resolve) => setImmediate(resolve));

/** A listener whose datagrams the test hands over itself. */
function listen(queueMax: number) {
  const taken: number[] = [];
  const origins: Origin[] = [];
  let hooks: UdpHooks | undefined;
  const listener = new UdpListener(
    settings(queueMax),
    {
      take: (origin: Origin, bytes: Uint8Array) => {
        taken.push(bytes[1] ?? -1);
        origins.push(origin);
      },
      leave: () => undefined,
    },
    (_place, given) => {
      hooks = given;
      return { open: () => Promise.resolve(1812), send: () => undefined, close: () => undefined };
    },
  );
  const sender = { address: "127.0.0.1", port: 4000, send: () => undefined };
  const hear = (identifier: number, known: boolean, source = 1): void => {
    const pairs: Pairs = known ? [[Type.State, "conversation"]] : [];
    const bytes =
      known || source === 1 ? ownAccess(hop, [...STATIONS, ...pairs], { identifier }) : JUNK;
    hooks?.onDatagram(bytes, source, { sender: () => sender });
  };
  const counters = () => listener.byAddress.get("127.0.0.1");
  return { listener, hear, taken, origins, counters };
}

test("RAD-58: requests with State go before new ones, each kind in its order", async () => {
  const { hear, taken } = listen(100);
  for (const identifier of [1, 2, 3]) hear(identifier, false);
  for (const identifier of [11, 12]) hear(identifier, true);
  hear(4, false);
  expect(taken).toEqual([]);
  await turnOver();
  expect(taken).toEqual([11, 12, 1, 2, 3, 4]);
});

test("RAD-58: a full queue turns new requests away, and a conversation pushes the oldest new one out", async () => {
  const { hear, taken, counters } = listen(4);
  for (const identifier of [1, 2, 3, 4, 5]) hear(identifier, false);
  for (const identifier of [11, 12]) hear(identifier, true);
  await turnOver();
  expect(taken).toEqual([11, 12, 3, 4]);
  expect(counters()).toMatchObject({ received: 7, requests: 3, dropped: 3 });
});

test("RAD-58: a queue full of conversations takes no more of them", async () => {
  const { hear, taken, counters } = listen(2);
  for (const identifier of [11, 12, 13]) hear(identifier, true);
  hear(1, false);
  await turnOver();
  expect(taken).toEqual([11, 12]);
  expect(counters()?.dropped).toBe(2);
});

test("RAD-58: more than a turn's work goes on in the next turns, in order", async () => {
  const { hear, taken, listener } = listen(1000);
  for (let i = 0; i < 200; i++) hear(i, false);
  await turnOver();
  const first = taken.length;
  expect(first).toBeLessThan(200);
  // What comes meanwhile, and belongs to a conversation, goes before what waited longer.
  hear(255, true);
  while (listener.queued > 0) await turnOver();
  expect(taken[first]).toBe(255);
  expect(taken.filter((one) => one !== 255)).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

test("RAD-64: sources that a flood makes up are forgotten, though those that came first are busy", async () => {
  const { hear, origins, listener } = listen(100);
  for (let source = 0; source < 40; source++) hear(1, false, source);
  await turnOver();
  // Something is in their caches, whatever it is.
  for (const origin of origins) origin.slots.set(1, {} as Exchange);
  for (let source = 40; source < 20_000; source++) {
    hear(1, false, source);
    if (listener.queued > 90) await turnOver();
  }
  expect(listener.sources).toBeLessThan(5000);
});
