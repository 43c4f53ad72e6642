/** DHCP: messages octet by octet, and a server that is silent, refuses, lies or answers twice. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { decodeDhcp, DhcpType, encodeDhcp } from "../../../src/radius/address/dhcp-message.js";
import { DhcpSource } from "../../../src/radius/address/dhcp-source.js";
import type { Subscriber } from "../../../src/radius/address/source.js";
import type { Session } from "../../../src/radius/session/session.js";
import { ManualClock } from "../lib/hand-clock.js";
import { turn, until } from "../lib/run.js";

const MAC = "02:aa:bb:cc:dd:01";
const session = { mac: MAC, accessPoint: "02:00:00:00:00:01", ssid: "corp" } as Session;
const subscriber = { session } as Subscriber;

/** Options of a message we sent, by number. */
function optionsOf(message: Uint8Array): Map<number, Buffer> {
  const options = new Map<number, Buffer>();
  for (let at = 240; message[at] !== 255; at += 2 + (message[at + 1] ?? 0)) {
    const end = at + 2 + (message[at + 1] ?? 0);
    options.set(message[at] ?? 0, Buffer.from(message.subarray(at + 2, end)));
  }
  return options;
}

/** A server's message for what it was asked. */
function reply(asked: Uint8Array, type: number, address: readonly number[], xor = 0): Buffer {
  const message = Buffer.alloc(300);
  message.set([2, 1, 6, 0]);
  message.set(asked.subarray(4, 8), 4);
  message.writeUInt8((message.readUInt8(4) ^ xor) & 255, 4);
  message.set(address, 16);
  message.set(asked.subarray(28, 34), 28);
  message.writeUInt32BE(0x63825363, 236);
  const lease = [51, 4, 0, 0, 0, 60];
  message.set([53, 1, type, 54, 4, 127, 0, 0, 1, ...lease, 255], 240);
  return message;
}

let server: Socket;
let asked: Buffer[];
let ports: number[];
let clock: ManualClock;
let source: DhcpSource;
beforeEach(async () => {
  asked = [];
  ports = [];
  clock = new ManualClock();
  server = createSocket("udp4");
  server.on("message", (bytes, { port }) => {
    ports.push(port);
    asked.push(bytes);
  });
  await new Promise<void>((resolve) => server.bind(0, "127.0.0.1", resolve));
  source = await DhcpSource.open(
    {
      source: "dhcp",
      server: "127.0.0.1",
      serverPort: server.address().port,
      relayAddress: "127.0.0.1",
      relayPort: 0,
      timeoutMs: 10_000,
    },
    clock,
  );
});
afterEach(() => {
  source.close();
  server.close();
});
const answer = (message: Uint8Array) => server.send(message, ports.at(-1) ?? 0, "127.0.0.1");
const message = async (index: number): Promise<Buffer> => {
  await until(() => asked.length > index);
  return asked[index] ?? Buffer.alloc(0);
};

test("RAD-07: discover, offer, request, acknowledgement, with the subscriber's MAC and place in them", async () => {
  const wanted = source.acquire(subscriber);
  const discover = await message(0);
  expect(discover.toString("hex", 28, 34)).toBe("02aabbccdd01");
  expect([...discover.subarray(24, 28)]).toEqual([127, 0, 0, 1]);
  expect(optionsOf(discover).get(53)?.[0]).toBe(DhcpType.Discover);
  expect(optionsOf(discover).get(82)?.toString("latin1")).toContain("02:00:00:00:00:01:corp");
  // Somebody else's, and one for another question.
  answer(reply(discover, DhcpType.Offer, [10, 0, 0, 9], 1));
  answer(reply(discover, DhcpType.Ack, [10, 0, 0, 9]));
  answer(Buffer.from("no DHCP at all"));
  answer(reply(discover, DhcpType.Offer, [10, 0, 0, 7]));
  const request = optionsOf(await message(1));
  expect([...(request.get(50) ?? [])]).toEqual([10, 0, 0, 7]);
  expect([...(request.get(54) ?? [])]).toEqual([127, 0, 0, 1]);
  answer(reply(await message(1), DhcpType.Ack, [10, 0, 0, 7]));
  const wall = clock.wall();
  expect(await wanted).toEqual({
    address: "10.0.0.7",
    from: "127.0.0.1",
    until: wall + 60_000,
    renewAt: wall + 30_000,
  });
});

test("RAD-07: asked again after 1, 2 and 4 seconds, given up after ten", async () => {
  const wanted = source.acquire(subscriber).catch((error: Error) => error.message);
  await message(0);
  for (const [index, wait] of [1000, 2000, 4000].entries()) {
    clock.pass(wait - 1);
    await turn();
    expect(asked).toHaveLength(index + 1);
    clock.pass(1);
    expect((await message(index + 1)).subarray(0, 8)).toEqual(asked[0]?.subarray(0, 8));
  }
  clock.pass(3000);
  expect(await wanted).toContain("does not answer");
});

test("RAD-07: who waits when it is closed is told", async () => {
  const wanted = source.acquire(subscriber).catch((error: Error) => error.message);
  await message(0);
  source.close();
  expect(await wanted).toContain("another one now");
});

test("RAD-15: a refusal is told, a renewal names the address, a release goes out once with the reason", async () => {
  const lease = { address: "10.0.0.7", from: "127.0.0.1", until: 0, renewAt: 0 };
  const renewed = source.renew(session, lease).catch((error: Error) => error.message);
  const request = await message(0);
  expect([...request.subarray(12, 16)]).toEqual([10, 0, 0, 7]);
  expect(optionsOf(request).has(50)).toBe(false);
  answer(reply(request, DhcpType.Nak, [0, 0, 0, 0]));
  expect(await renewed).toContain("refuses");
  source.release(session, lease, "idle");
  const release = await message(1);
  expect(optionsOf(release).get(53)?.[0]).toBe(DhcpType.Release);
  expect(optionsOf(release).get(56)?.toString()).toBe("idle");
  expect([...release.subarray(12, 16)]).toEqual([10, 0, 0, 7]);
});

test("RAD-07: any octets are a reply or nothing", () => {
  const good = reply(
    encodeDhcp({ type: 1, xid: 5, mac: MAC, relayAddress: "10.0.0.1" }),
    DhcpType.Offer,
    [10, 0, 0, 7],
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.nat(299), fc.nat(255), (bytes, at, octet) => {
      decodeDhcp(bytes);
      const mutated = Buffer.from(good);
      mutated[at] = octet;
      decodeDhcp(mutated);
      decodeDhcp(mutated.subarray(0, at));
    }),
    { numRuns: 3000 },
  );
});
