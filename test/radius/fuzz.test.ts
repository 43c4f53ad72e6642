/**
 * A million datagrams of which hardly one is right, from clients and from a home server: every one is counted
 * once, under what is wrong with it, nobody who did not sign makes the relay send anything, and nothing is left of it afterwards.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import {
  homeServerImbalance,
  imbalance,
  listenerCounters,
} from "../../src/radius/statistics/counters.js";
import type { UpstreamPort } from "../../src/radius/upstream/port.js";
import { Random } from "../model/lib/random.js";
import {
  Core,
  CORE_CACHE_MS,
  CORE_CLIENT_SECRET,
  CORE_HOME_SECRET,
  CORE_TIMEOUT_MS,
} from "./lib/core.js";
import {
  Code,
  findAttribute,
  Hop,
  ownAccess,
  ownAccounting,
  ownAnswerTo,
  signAgain,
  STATIONS,
  Type,
  type Pairs,
} from "./lib/own-packets.js";
import { refusalOf } from "./lib/outcome.js";

const client = new Hop(CORE_CLIENT_SECRET);
const server = new Hop(CORE_HOME_SECRET);
const BOB: Pairs = [[Type.UserName, "bob"], ...STATIONS];
const MPPE = Buffer.concat([Uint8Array.of(0, 0, 1, 55, 16, 52, 0x80, 1), Buffer.alloc(48, 3)]);

const REQUESTS: readonly Buffer[] = [
  ownAccess(client, BOB, { password: "secret" }),
  ownAccess(client, BOB, { password: "secret", signed: false }),
  ownAccess(client, [...BOB, [3, Buffer.alloc(17, 5)]]),
  ownAccess(client, [...BOB, [Type.EapMessage, Buffer.alloc(200, 1)], [Type.State, "state"]]),
  ownAccess(client, [
    ...BOB,
    [Type.ProxyState, "one"],
    [Type.VendorSpecific, MPPE],
    [69, Buffer.alloc(19, 1)],
  ]),
  ownAccess(client, [
    ...BOB,
    [250, new Uint8Array(0)],
    [Type.VendorSpecific, Uint8Array.of(0, 0, 19, 10, 52)],
  ]),
];
const ACCOUNTING: readonly Buffer[] = [1, 2, 3, 7, 8, 15].map((status, index) =>
  ownAccounting(client, [...BOB, [40, status], [44, `session ${index}`], [41, 3]]),
);

/** One to four changes of the kinds that break parsers. */
function mutate(random: Random, from: Buffer): Buffer {
  let packet: Buffer = Buffer.from(from);
  for (let changes = 1 + random.below(4); changes > 0; changes--) {
    const spot = random.below(Math.max(1, packet.length));
    switch (random.below(12)) {
      case 0:
        packet[spot] = random.below(256);
        break;
      case 1:
        packet = packet.subarray(0, spot);
        break;
      case 2:
        if (packet.length >= 4)
          packet.writeUInt16BE(random.below(random.oneIn(4) ? 65536 : 400), 2);
        break;
      case 3:
        setLength(random, packet, random.pick([0, 1, 2, 3, 17, 18, 19, 254, 255]));
        break;
      case 4:
        packet = appended(packet, Uint8Array.of(random.below(256), random.below(8)));
        break;
      case 5:
        packet = appended(
          packet,
          Uint8Array.of(26, 2 + random.below(7), 0, 0, 1, 55, 16, random.below(4)),
        );
        break;
      case 6:
        packet = appended(packet, from.subarray(20 + random.below(20), 60));
        break;
      case 7:
        if (packet.length > 0)
          packet[0] = random.pick([1, 1, 1, 4, 4, 2, 3, 5, 11, 12, 40, 43, 255, 0]);
        break;
      case 8:
        packet[1 % Math.max(1, packet.length)] = random.below(256);
        break;
      case 9:
        if (random.oneIn(50)) packet = appended(packet, Buffer.alloc(4000 + random.below(200), 33));
        break;
      case 10:
        for (let i = 4; i < Math.min(20, packet.length); i++) packet[i] = random.below(256);
        break;
      default:
        flip(packet, Math.min(packet.length - 1, 20 + random.below(3)), random.below(8));
    }
  }
  return packet;
}

function flip(packet: Buffer, at: number, bit: number): void {
  if (at >= 0) packet[at] = (packet[at] ?? 0) ^ (1 << bit);
}

/** Appended, with the length told rightly. */
function appended(packet: Buffer, more: Uint8Array): Buffer {
  const longer = Buffer.concat([packet, more]);
  if (longer.length >= 4) longer.writeUInt16BE(longer.length & 0xffff, 2);
  return longer;
}

function setLength(random: Random, packet: Buffer, octets: number): void {
  const offsets: number[] = [];
  for (let at = 20; at + 2 <= packet.length; at += packet[at + 1] ?? 2) {
    offsets.push(at);
    if ((packet[at + 1] ?? 0) < 2) break;
  }
  if (offsets.length > 0) packet[random.pick(offsets) + 1] = octets;
}

/** By Node's crypto alone: has whoever sent this the secret? */
function isAuthentic(packet: Buffer): boolean {
  const length = packet.length >= 20 ? packet.readUInt16BE(2) : 0;
  if (length < 20 || length > packet.length) return false;
  const whole = Buffer.from(packet.subarray(0, length));
  if (whole[0] === Code.AccountingRequest) return client.answerFits(whole, Buffer.alloc(16));
  const at = findAttribute(whole, Type.MessageAuthenticator);
  return at !== 0 && at + 18 <= length && client.answerIsSigned(whole, whole.subarray(4, 20));
}

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

/** Octets in use when all that nobody holds is gone. */
function inUse(): number {
  // What the first one finds of memory outside the heap is given back by the second.
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What may come to it after a quarter: a leak of a few octets a datagram would be more. */
const GROWTH_MAX = 2 * 1024 * 1024;
const REFUSALS = [
  "malformed",
  "statusServer",
  "unexpected",
  "badAuthenticators",
  "unsigned",
] as const;

test.each([
  ["authentication", REQUESTS, 600_000],
  ["accounting", ACCOUNTING, 200_000],
] as const)(
  "RAD-64, RAD-33: %s: %#: hundreds of thousands of mutated requests",
  (kind, corpus, count) => {
    const random = new Random(kind.length);
    const core = new Core({ kind });
    const expected = listenerCounters();
    let sent = 0;
    let octets = 0;
    for (let i = 0; i < count; i++) {
      const packet = mutate(random, random.pick(corpus));
      if (random.oneIn(3)) signAgain(client, packet);
      const refusal = refusalOf(packet, kind, client);
      core.take(packet, random.below(8));
      if (refusal !== undefined && core.counters[refusal] !== ++expected[refusal])
        throw new Error(`packet ${i} is no ${refusal}: ${packet.toString("hex")}`);
      if (i === count / 4) octets = inUse();
      // Whatever leaves has been asked for by somebody with the secret.
      if (core.toClient.length + core.toHome.length > 0) {
        if (!isAuthentic(packet))
          throw new Error(`packet ${i} made it send: ${packet.toString("hex")}`);
        sent++;
        for (const { port, bytes } of core.toHome) {
          if (random.oneIn(2)) core.heard(answerTo(random, bytes), port);
        }
        core.toClient = [];
        core.toHome = [];
      }
      if (i % 1000 === 0) {
        core.advance(random.below(1000));
        expect(imbalance(core.counters)).toBe(0);
      }
    }
    expect(inUse() - octets).toBeLessThan(GROWTH_MAX);
    expect(core.counters.received).toBe(count);
    for (const name of REFUSALS) expect(core.counters[name]).toBe(expected[name]);
    expect(sent).toBeGreaterThan(count / 100);
    for (const counter of ["malformed", "unexpected", "badAuthenticators", "statusServer"] as const)
      expect(core.counters[counter]).toBeGreaterThan(100);
    // All that waited is over, and nothing of it is kept.
    core.advance(CORE_TIMEOUT_MS + 1);
    core.advance(CORE_CACHE_MS + 1);
    core.advance(CORE_CACHE_MS + 1);
    expect(core.counters.pending).toBe(0);
    expect(core.home.pending).toBe(0);
    expect([core.ingress.cached, core.remembered]).toEqual([0, 0]);
    expect(imbalance(core.counters)).toBe(0);
    expect(homeServerImbalance(core.home.counters)).toBe(0);
  },
);

function answerTo(random: Random, request: Uint8Array): Buffer {
  if (request[0] === Code.AccountingRequest)
    return ownAnswerTo(server, request, Code.AccountingResponse);
  const code = random.pick([Code.AccessAccept, 3, Code.AccessChallenge]);
  const keys = Buffer.concat([Uint8Array.of(0, 0, 1, 55, 16, 52, 0x80, 1), Buffer.alloc(48, 3)]);
  return ownAnswerTo(server, request, code, [
    [Type.State, "challenge"],
    [Type.VendorSpecific, keys],
  ]);
}

test("RAD-64, RAD-33: hundreds of thousands of mutated answers: none that is wrong reaches a client", () => {
  const random = new Random(7);
  const core = new Core();
  const port = (): { port: UpstreamPort | undefined; bytes: Uint8Array } =>
    core.toHome.at(-1) ?? { port: undefined, bytes: Buffer.alloc(0) };
  const ask = (turn: number): void => {
    core.toHome = [];
    core.take(
      ownAccess(client, BOB, { identifier: turn & 255, authenticator: turn % 251, password: "x" }),
    );
  };
  let asked = 0;
  ask(asked);
  const count = 250_000;
  for (let i = 0; i < count; i++) {
    const { bytes, port: way } = port();
    const right = answerTo(random, bytes);
    const wrong = mutate(random, right);
    const before = core.toClient.length;
    core.heard(wrong, way);
    if (core.toClient.length === before) continue;
    // It got through: then it was whole, whatever was done to it.
    const length = wrong.readUInt16BE(2);
    const whole = wrong.subarray(0, length);
    expect(server.answerFits(whole, bytes.subarray(4, 20))).toBe(true);
    expect(server.answerIsSigned(whole, bytes.subarray(4, 20))).toBe(true);
    core.toClient = [];
    core.advance(10);
    ask(++asked);
  }
  expect(core.home.counters.received).toBe(count);
  expect(homeServerImbalance(core.home.counters)).toBe(0);
  for (const counter of ["malformed", "badAuthenticators", "unmatched"] as const)
    expect(core.home.counters[counter]).toBeGreaterThan(1000);
  expect(core.counters.accepts + core.counters.rejects + core.counters.challenges).toBe(asked);
  expect(imbalance(core.counters)).toBe(0);
});
