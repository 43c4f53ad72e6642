/** Restarts without end and without number: what a peer that does nothing else can cost. */
import { expect, test } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { encodeEndOfRib } from "../../src/fast-bgp-codec/end-of-rib.js";
import type { Negotiated } from "../../src/bgp/session/types.js";
import { maskOf, type PeerSpec } from "../model/lib/peer.js";
import { evpnUpdate, Speaker, type Line } from "./lib/speaker.js";
import { mac } from "./lib/tables.js";

const EVPN = maskOf(Family.Evpn);
const END = encodeEndOfRib(Family.Evpn);
const MANY = 10_000;
const PER_MESSAGE = 100;

function source(notification = false): Partial<PeerSpec> {
  const restart = { restarting: false, notification, time: 30, families: EVPN, forwarding: EVPN };
  const negotiated: Partial<Negotiated> = { gracefulRestart: restart };
  return { address: "10.0.0.77", id: 77, negotiated };
}

function announce(line: Line, from: number, to: number): void {
  for (let first = from; first < to; first += PER_MESSAGE) {
    const numbers = Array.from(
      { length: Math.min(PER_MESSAGE, to - first) },
      (_, at) => first + at,
    );
    line.say(evpnUpdate(numbers.map((number) => mac(number))));
  }
}

test("a peer that flaps all the time takes no slot, no route and no message more", () => {
  const speaker = new Speaker();
  const { reflector } = speaker;
  const listener = speaker.up();
  const up = (): Line => speaker.up(source());
  let line = up();
  announce(line, 0, 200);
  line.say(END);
  speaker.run();
  listener.take();
  const { limit } = reflector.sources;
  for (let round = 0; round < 600; round++) {
    line.down();
    line = up();
    announce(line, 0, 200);
    line.say(END);
    if (round % 7 === 0) speaker.run();
  }
  speaker.run();
  expect(listener.take()).toEqual([]);
  expect(reflector.sources.limit).toBe(limit);
  expect(reflector.stats()).toMatchObject({ routes: 200, stale_routes: 0, retained_peers: 0 });
  expect(reflector.audit()).toEqual([]);
});

test("in notification mode other routes each time do not pile up for ever", () => {
  const speaker = new Speaker();
  const { reflector } = speaker;
  let line = speaker.up(source(true));
  for (let round = 0; round < 100; round++) {
    announce(line, 10 * round, 10 * round + 10);
    speaker.run();
    line.down();
    speaker.clock.advance(20_000);
    speaker.run();
    line = speaker.up(source(true));
    // Stale for 360 seconds and what it takes to the next loss, at 20 seconds a round.
    expect(reflector.table.pathCount).toBeLessThanOrEqual(10 * 40);
  }
  expect(reflector.audit()).toEqual([]);
});

test("BoRR without end costs nothing, and EoRR sweeps once", () => {
  const speaker = new Speaker();
  const { reflector } = speaker;
  const listener = speaker.up();
  const line = speaker.up(source());
  announce(line, 0, 200);
  line.say(END);
  speaker.run();
  const marks = (): number => reflector.sources.marks.reduce((sum, mark) => sum + mark, 0);
  const before = marks();
  for (let round = 0; round < 1000; round++) {
    reflector.routeRefresh(line.session, Family.Evpn, 1);
  }
  expect(marks()).toBe(before + 1);
  announce(line, 0, 100);
  reflector.routeRefresh(line.session, Family.Evpn, 2);
  reflector.routeRefresh(line.session, Family.Evpn, 2);
  speaker.run();
  listener.take();
  expect(reflector.table.pathCount).toBe(100);
  expect(reflector.audit()).toEqual([]);
});

test("ten thousand stale routes go in slices, and the peers hear of other things between them", () => {
  const speaker = new Speaker();
  const { reflector, queue } = speaker;
  const listener = speaker.up();
  const other = speaker.up();
  let line = speaker.up(source());
  announce(line, 0, MANY);
  line.say(END);
  speaker.run();
  line.down();
  line = speaker.up(source());
  announce(line, 0, PER_MESSAGE);
  speaker.run();
  listener.take();
  line.say(END);
  other.say(evpnUpdate([mac(MANY + 1)]));
  let turns = 0;
  while (reflector.table.pathCount > PER_MESSAGE + 1) {
    const before = reflector.table.pathCount;
    speaker.clock.advance(2);
    if (queue.length > 0) queue.runOnce();
    expect(before - reflector.table.pathCount).toBeLessThanOrEqual(5_000);
    if (++turns > 100) throw new Error("the sweep does not end");
  }
  expect(turns).toBeGreaterThan(1);
  speaker.run();
  const keys = listener.takeKeys();
  expect(keys.filter((key) => key.startsWith("-"))).toHaveLength(MANY - PER_MESSAGE);
  expect(keys.filter((key) => key.startsWith("+"))).toHaveLength(1);
  expect(reflector.audit()).toEqual([]);
});

test("a thousand peers that leave and never return: nothing is left of them", () => {
  const speaker = new Speaker();
  const { reflector } = speaker;
  speaker.run();
  for (let number = 0; number < 1000; number++) {
    const address = `10.1.${String(number >> 8)}.${String(number & 255)}`;
    const line = speaker.up({ ...source(), address, id: 1000 + number });
    line.say(evpnUpdate([mac(number)]));
    line.down();
  }
  speaker.run();
  expect(reflector.stats()).toMatchObject({ retained_peers: 1000, stale_routes: 1000 });
  speaker.clock.advance(31_000);
  speaker.run();
  expect(reflector.stats()).toMatchObject({ retained_peers: 0, routes: 0, leaving_sessions: 0 });
  expect(reflector.audit()).toEqual([]);
});
