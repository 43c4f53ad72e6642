/** RAD-56: identifiers of outgoing requests: least recently used, never twice while pending, and more than 256. */
import { expect, test } from "vitest";
import { IdentifierRing } from "../../../src/radius/upstream/port.js";
import type { UpstreamPort } from "../../../src/radius/upstream/port.js";
import { Random } from "../../model/lib/random.js";
import { Core, CORE_CLIENT_SECRET, CORE_HOME_SECRET } from "../lib/core.js";
import { Code, Hop, ownAccess, ownAnswerTo, STATIONS, Type } from "../lib/own-packets.js";

const client = new Hop(CORE_CLIENT_SECRET);
const server = new Hop(CORE_HOME_SECRET);

test("RAD-56: an identifier that was given back is the last to be taken again", () => {
  const random = new Random(56);
  const ring = new IdentifierRing();
  const taken = new Set<number>();
  /** When it was last given back; never = 0. */
  const since = new Array<number>(256).fill(0);
  for (let step = 1; step < 10_000; step++) {
    if (random.oneIn(2) || taken.size === 0) {
      const identifier = ring.take();
      if (taken.size === 256) expect(identifier).toBe(-1);
      else {
        expect(taken.has(identifier)).toBe(false);
        const oldest = Math.min(...since.filter((_, other) => !taken.has(other)));
        expect(since[identifier]).toBe(oldest);
        taken.add(identifier);
      }
    } else {
      const identifier = random.pick([...taken]);
      taken.delete(identifier);
      since[identifier] = step;
      ring.release(identifier);
    }
    expect(ring.free).toBe(256 - taken.size);
  }
});

test("RAD-56: thousands wait at one home server at once, no two under one port and identifier", () => {
  const random = new Random(5656);
  const core = new Core();
  const numbers = new Map<UpstreamPort, number>();
  const keyOf = (port: UpstreamPort, bytes: Uint8Array): number => {
    if (!numbers.has(port)) numbers.set(port, numbers.size);
    return (numbers.get(port) ?? 0) * 256 + (bytes[1] ?? 0);
  };
  const waiting = new Map<number, { port: UpstreamPort; bytes: Uint8Array }>();
  let next = 0;
  const ask = (count: number): void => {
    core.toHome = [];
    for (let i = 0; i < count; i++, next++) {
      const options = { identifier: next & 255, authenticator: (next >> 14) & 255 };
      core.take(ownAccess(client, [[Type.UserName, "bob"], ...STATIONS], options), next >> 8);
    }
    for (const sent of core.toHome) {
      const key = keyOf(sent.port, sent.bytes);
      expect(waiting.has(key)).toBe(false);
      waiting.set(key, sent);
    }
  };
  ask(6000);
  expect(waiting.size).toBe(6000);
  expect(core.home.pending).toBe(6000);
  for (let round = 0; round < 3; round++) {
    for (const [key, { port, bytes }] of waiting) {
      if (random.oneIn(2)) continue;
      core.heard(ownAnswerTo(server, bytes, Code.AccessAccept), port);
      waiting.delete(key);
    }
    ask(6000 - waiting.size);
    expect(core.home.pending).toBe(6000);
  }
  expect(core.counters.dropped).toBe(0);
  expect(core.home.counters.unmatched).toBe(0);
});
