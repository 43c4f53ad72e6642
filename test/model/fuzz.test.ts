/**
 * Random and mutated UPDATEs from hostile peers: no exception, no harm to what the honest ones said,
 * nothing malformed passed on, clean books. The seed is fixed; EVPND_FUZZ_MESSAGES makes it longer.
 */
import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { Severity } from "../../src/fast-bgp-codec/fault.js";
import { silentLog } from "../../src/util/log.js";
import { check, decodeMessages } from "./lib/decode.js";
import { FakeClock, FakeSession, SoonQueue } from "./lib/fake.js";
import { Generator } from "./lib/generator.js";
import { bytesOf, hexOf } from "./lib/hex.js";
import { PEERS } from "./lib/material.js";
import { comparableNlri, macIp, nlriKey } from "./lib/nlri.js";
import { encodeOp } from "./lib/ops.js";
import { ALL_FAMILIES, CLUSTER_ID, OWN_AS, OWN_ID, peerSpec, type PeerSpec } from "./lib/peer.js";
import { Random } from "./lib/random.js";
import { isLiveCount, makeReflector } from "./lib/reflector.js";
import { encodeUpdate, MARKER } from "./lib/wire.js";

const MESSAGES = Number(process.env["EVPND_FUZZ_MESSAGES"] ?? 20_000);

/** The RD of the honest peer, which no hostile message is made from. */
const HONEST_RD = "0001c0a8fefe5a5a";

const HOSTILE: readonly PeerSpec[] = [
  peerSpec(0, { families: ALL_FAMILIES }),
  peerSpec(1, { families: ALL_FAMILIES, as4: false }),
  peerSpec(2, { kind: "ebgp", as: 65101, families: ALL_FAMILIES }),
  peerSpec(3, { kind: "non-client", extendedMessage: true, unknownTypes: true }),
  peerSpec(7, { families: ALL_FAMILIES, malformedNlri: "treat-as-withdraw" }),
  peerSpec(8, { kind: "ebgp", as: 65102, as4: false, families: ALL_FAMILIES, allowAsIn: 3 }),
];
const HONEST = peerSpec(4);
const LISTENERS = [5, 6].map((index) => peerSpec(index, { families: ALL_FAMILIES }));

/** Keeps a table without knowing what should be in it. */
class Listener {
  readonly table = new Map<string, string>();

  take(buffer: Uint8Array): number {
    const messages = decodeMessages(buffer, true);
    for (const { octets, received } of messages) {
      check(octets <= 4096, "a message is too long");
      if (received.kind === "announce")
        for (const { key, family, nlri, nextHop } of received.routes)
          this.table.set(key, `${comparableNlri(family, nlri)} ${nextHop} ${received.text}`);
      if (received.kind === "withdraw")
        for (const key of received.keys)
          check(this.table.delete(key), `${key} is withdrawn and was never announced`);
    }
    return messages.length;
  }
}

/** For peers whose AS_PATHs may be any nonsense in 2 octets. */
function countMessages(buffer: Uint8Array): number {
  let count = 0;
  for (let at = 0; at < buffer.length; count++) {
    const octets = ((buffer[at + 16] ?? 0) << 8) | (buffer[at + 17] ?? 0);
    check(octets >= 19 && at + octets <= buffer.length, "the messages do not add up");
    at += octets;
  }
  return count;
}

class Arena {
  readonly reflector;
  readonly listeners = LISTENERS.map(() => new Listener());
  private readonly sessions = new Map<number, FakeSession>();
  private readonly queue = new SoonQueue();
  private readonly clock = new FakeClock();
  private nextId = 1;
  resets = 0;

  constructor() {
    this.reflector = makeReflector({
      as: OWN_AS,
      routerId: OWN_ID,
      clusterId: CLUSTER_ID,
      compareMobility: true,
      flushIntervalMs: 1,
      log: silentLog,
      clock: this.clock,
      soon: this.queue.soon,
    });
    for (const peer of [...HOSTILE, HONEST, ...LISTENERS]) this.up(peer);
  }

  /** Gives the peer's message; a session that is down or must be reset comes up again at once. */
  give(peer: PeerSpec, bytes: Uint8Array): void {
    const session = this.sessions.get(peer.index) ?? this.up(peer);
    const fault = this.reflector.update(session, bytes, 0, bytes.length);
    if (fault?.severity !== Severity.SessionReset) return;
    this.resets++;
    this.down(peer);
  }

  down(peer: PeerSpec): void {
    const session = this.sessions.get(peer.index);
    if (session === undefined) return;
    this.sessions.delete(peer.index);
    session.isOpen = false;
    this.reflector.closed(session, { reason: "tcp", detail: "gone" });
  }

  run(): void {
    for (let quiet = 0; quiet < 20; quiet++) {
      if (this.queue.length > 0) quiet = 0;
      this.queue.runOnce();
      this.clock.advance(2);
    }
  }

  private up(peer: PeerSpec): FakeSession {
    const listener = this.listeners[LISTENERS.indexOf(peer)];
    const session = new FakeSession(
      this.nextId++,
      peer,
      (buffer) => listener?.take(buffer) ?? countMessages(buffer),
      () => this.down(peer),
    );
    this.sessions.set(peer.index, session);
    this.reflector.established(session);
    return session;
  }
}

function mutate(random: Random, message: Buffer): Buffer {
  let body = message.subarray(19);
  for (let times = 1 + random.below(3); times > 0 && body.length > 4; times--) {
    const at = random.below(body.length);
    const some = 1 + random.below(8);
    const bytes = Buffer.from(body);
    switch (random.below(6)) {
      case 0:
        bytes[at] = random.below(256);
        body = bytes;
        break;
      case 1:
        bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
        body = bytes;
        break;
      case 2:
        bytes[at] = (bytes[at] ?? 0) + random.pick([1, 255]);
        body = bytes;
        break;
      case 3:
        body = body.subarray(0, at);
        break;
      case 4:
        body = Buffer.concat([body.subarray(0, at), body.subarray(at + some)]);
        break;
      default:
        body = Buffer.concat([body.subarray(0, at), body.subarray(random.below(at + 1))]);
        break;
    }
  }
  return framed(random.oneIn(4) ? body : withLengths(message.subarray(19), body));
}

/** Where attributes filled the message they do so again: else nearly every fault is that lengths do not add up. */
function withLengths(before: Buffer, after: Buffer): Buffer {
  const out = Buffer.concat([after, Buffer.alloc(Math.max(0, 4 - after.length))]);
  if (before.readUInt16BE(0) !== 0 || before.readUInt16BE(2) !== before.length - 4) return out;
  out.writeUInt16BE(0, 0);
  out.writeUInt16BE(Math.min(out.length, 4000) - 4, 2);
  return out;
}

function framed(body: Buffer): Buffer {
  const whole = body.length < 4 ? Buffer.concat([body, Buffer.alloc(4 - body.length)]) : body;
  const cut = whole.subarray(0, 4000);
  return Buffer.concat([bytesOf(`${MARKER}${hexOf(19 + cut.length, 2)}02`), cut]);
}

function noise(random: Random): Buffer {
  return framed(Buffer.from(Array.from({ length: random.below(120) }, () => random.below(256))));
}

describe("hostile UPDATEs", () => {
  it("harm nobody else", { timeout: 0 }, () => {
    const random = new Random(7);
    const arena = new Arena();
    const corpus = new Generator(11, PEERS)
      .make(3000)
      .flatMap((op) => {
        const peer = op.kind === "update" ? PEERS[op.peer] : undefined;
        return op.kind === "update" && peer !== undefined ? [encodeOp(op, peer)] : [];
      })
      .filter((bytes) => bytes.length < 1500);
    const honest = new Map<string, string>();
    let sequence = 0;
    let most = 0;
    for (let count = 0; count < MESSAGES; count++) {
      const peer = random.pick(HOSTILE);
      const message = random.pick(corpus);
      const bytes = random.weighted([
        [20, () => message],
        [10, () => mutate(random, message)],
        [1, () => noise(random)],
      ])();
      arena.give(peer, bytes);
      if (random.oneIn(10)) {
        const nlri = macIp({ rd: HONEST_RD, mac: `02000000${hexOf(random.below(50), 2)}` });
        const nextHop = hexOf(sequence++, 4);
        const parts = random.oneIn(4)
          ? { unreach: { family: Family.Evpn, nlri: [nlri] } }
          : { reach: { family: Family.Evpn, nextHop, nlri: [nlri] }, attributes: PLAIN };
        arena.give(HONEST, encodeUpdate(parts, true, 0));
        const key = nlriKey(Family.Evpn, nlri);
        if ("unreach" in parts) honest.delete(key);
        else honest.set(key, nextHop);
      }
      if (random.oneIn(200)) arena.down(random.pick(HOSTILE));
      if (random.oneIn(3)) arena.run();
      most = Math.max(most, arena.listeners[0]?.table.size ?? 0);
      if (count % 1000 === 0) {
        arena.run();
        compare(arena, honest);
      }
    }
    // Or nothing was tried: some get through, and some cost the session.
    expect(most).toBeGreaterThan(honest.size + 30);
    expect(arena.resets).toBeGreaterThan(MESSAGES / 100);
    for (const peer of HOSTILE) arena.down(peer);
    arena.run();
    compare(arena, honest);
    expect(arena.listeners[0]?.table.size).toBe(honest.size);
    for (const peer of [HONEST, ...LISTENERS]) arena.down(peer);
    arena.run();
    expect(arena.reflector.audit()).toEqual([]);
    for (const [name, count] of Object.entries(arena.reflector.stats()))
      if (isLiveCount(name)) expect([name, count]).toEqual([name, 0]);
  });
});

const PLAIN = [
  { code: 1, flags: 0x40, value: "00" },
  { code: 2, flags: 0x40, value: "" },
  { code: 5, flags: 0x40, value: "00000064" },
];

/** Both listeners hold the same, and of the honest peer's routes exactly what it said. */
function compare(arena: Arena, honest: ReadonlyMap<string, string>): void {
  const [first, second] = arena.listeners.map(({ table }) => table);
  expect(Object.fromEntries(first ?? [])).toEqual(Object.fromEntries(second ?? []));
  const seen = [...(first ?? [])]
    .filter(([key]) => key.includes(HONEST_RD))
    .map(([key, held]) => [key, held.split(" ")[1]]);
  expect(Object.fromEntries(seen)).toEqual(Object.fromEntries(honest));
  expect(arena.reflector.audit()).toEqual([]);
}
