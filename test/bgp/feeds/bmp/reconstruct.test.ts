/**
 * A collector that has read everything knows what the tables hold: each stream is compared with the
 * table it stands for after random churn, with collectors that come late, stop reading and go.
 */
import { describe, expect, test } from "vitest";
import { HoldReason } from "../../../../src/bgp/rib/index.js";
import type { Negotiated } from "../../../../src/bgp/session/types.js";
import { encodeEndOfRib } from "../../../../src/fast-bgp-codec/end-of-rib.js";
import { Family } from "../../../../src/fast-bgp-codec/family.js";
import { attribute } from "../../lib/tables.js";
import { evpnUpdate, evpnWithdraw, update } from "../../lib/speaker.js";
import { hexOf } from "../../../model/lib/hex.js";
import { macIp, prefix, rd, NO_ESI } from "../../../model/lib/nlri.js";
import { ALL_FAMILIES, maskOf } from "../../../model/lib/peer.js";
import { Random } from "../../../model/lib/random.js";
import { bmpOnly, collector, World, type PeerOver, type WorldPeer } from "../lib/world.js";

const ADD_PATH = maskOf(Family.Evpn, Family.Ipv4Unicast);
const mask = { families: ALL_FAMILIES, forwarding: ALL_FAMILIES };
/** Its routes are kept while it is away, and told again when it is back. */
const restarting: Partial<Negotiated> = {
  gracefulRestart: { restarting: false, notification: true, time: 100, ...mask },
};
const SHAPES: readonly PeerOver[] = [
  { families: ALL_FAMILIES },
  { families: ALL_FAMILIES, as4: false },
  { families: ALL_FAMILIES, addPath: ADD_PATH },
  { families: ALL_FAMILIES, addPath: ADD_PATH, addPathOut: maskOf(Family.Evpn) },
  { families: ALL_FAMILIES, addPathOut: ADD_PATH },
  { kind: "ebgp", as: 65010, families: ALL_FAMILIES },
  { kind: "non-client" },
  { families: ALL_FAMILIES, extendedMessage: true },
  { families: ALL_FAMILIES, negotiated: restarting },
  { families: ALL_FAMILIES, addPath: ADD_PATH, negotiated: restarting },
];

class Churn {
  readonly world: World;
  /** Collectors are left alone. */
  quiet = false;
  /** Most peers that were away with their routes kept. */
  retained = 0;
  private readonly random: Random;
  private readonly places = new Map<number, WorldPeer>();

  constructor(world: World, random: Random) {
    this.world = world;
    this.random = random;
  }

  step(): void {
    const { random, world } = this;
    const place = random.below(SHAPES.length);
    const peer = this.places.get(place);
    if (peer === undefined) {
      this.places.set(
        place,
        world.up({ ...SHAPES[place]!, address: `10.0.0.${String(place + 1)}` }),
      );
    } else if (random.oneIn(60)) {
      world.down(peer);
      this.places.delete(place);
      const { retained_peers: retained = 0 } = world.speaker.reflector.stats();
      this.retained = Math.max(this.retained, retained);
    } else if (random.oneIn(8)) this.reconsider();
    else if (random.oneIn(12)) {
      peer.line.say(encodeEndOfRib(random.oneIn(2) ? Family.Evpn : Family.Ipv4Unicast));
    } else this.say(peer);
    if (random.oneIn(3)) world.speaker.queue.runOnce();
    if (random.oneIn(10)) world.speaker.clock.advance(random.below(2000));
    const names = [...world.connections.keys()];
    if (!this.quiet && names.length > 0 && random.oneIn(25)) this.disturb(random.pick(names));
    if (random.oneIn(20) && this.places.size > 0)
      this.stumble(random.pick([...this.places.values()]));
  }

  /** Everybody reads, everything is said. */
  rest(): void {
    const { world } = this;
    for (const { line } of world.peers) {
      if (line.session.drain(0, false)) world.speaker.reflector.drained(line.session);
    }
    world.deaf.clear();
    world.refusing.clear();
    for (let i = 0; i < 4; i++) {
      for (const connections of world.connections.values()) connections.at(-1)!.read();
      world.run();
      world.speaker.clock.advance(120_000);
      world.run();
    }
  }

  private say(peer: WorldPeer): void {
    const { random } = this;
    const families = peer.line.session.negotiated.families;
    const classic = (families & maskOf(Family.Ipv4Unicast)) !== 0 && random.oneIn(3);
    const asPath = peer.line.session.negotiated.ibgp ? "" : "02010000fdf2";
    const base = attribute(1, 0x40, "00") + attribute(2, 0x40, asPath);
    const set =
      base +
      (classic ? attribute(3, 0x40, hexOf(0x0a000001 + random.below(2), 4)) : "") +
      attribute(5, 0x40, hexOf(100 + random.below(3), 4)) +
      attribute(200, 0xe0, hexOf(random.below(4), 4) + "ee".repeat(random.oneIn(40) ? 3000 : 0));
    const addPath = peer.line.session.negotiated.addPathIn;
    const id = (family: Family): string =>
      (addPath & (1 << family)) === 0 ? "" : hexOf(random.below(3), 4);
    const count = 1 + random.below(6);
    if (classic) {
      const nlri = Array.from(
        { length: count },
        () => id(Family.Ipv4Unicast) + prefix(24, hexOf(0x0a6400 + random.below(6), 3)),
      );
      if (random.oneIn(2)) peer.line.say(update(nlri.join(""), ""));
      else peer.line.say(update("", set, nlri.join("")));
      return;
    }
    const nlri = Array.from({ length: count }, () => {
      const label = random.oneIn(4) ? 200 : 100;
      const esi = random.oneIn(5) ? "00112233445566778899" : NO_ESI;
      return (
        id(Family.Evpn) +
        macIp({ rd: rd(random.below(2)), mac: hexOf(0x20000 + random.below(9), 6), label, esi })
      );
    });
    if (random.oneIn(3)) peer.line.say(evpnWithdraw(nlri));
    else peer.line.say(evpnUpdate(nlri, set));
  }

  /** What a change of import policy does: a path is held, let go, or has another set. */
  private reconsider(): void {
    const { random } = this;
    const { reflector } = this.world.speaker;
    const { table } = reflector;
    const dest = 1 + random.below(Math.max(1, table.destinationLimit - 1));
    if (!table.exists(dest)) return;
    const path = table.firstPath(dest);
    if (path === 0) return;
    const other = table.nextPath(path);
    const sets = [0, table.pathReceived(path), ...(other === 0 ? [] : [table.pathReceived(other)])];
    table.reconsider(path, random.pick(sets), HoldReason.Policy);
    reflector.later({ step: () => true });
  }

  private disturb(name: string): void {
    const { world, random } = this;
    const connection = world.connection(name);
    const what = random.below(4);
    if (what === 0 && connection.isOpen) connection.close();
    else if (what === 1) connection.reading = false;
    else if (what === 2) world.deaf.add(name);
    else connection.read();
  }

  private stumble(peer: WorldPeer): void {
    const { line } = peer;
    if (this.random.oneIn(2)) line.session.block(300 * 1024);
    else if (line.session.drain(0, false)) this.world.speaker.reflector.drained(line.session);
  }
}

function check(world: World, name: string): void {
  const station = world.station(name);
  expect([...station.peers.keys()].sort()).toEqual(
    [...world.peers.map((peer) => peer.line.session.peerAddress), "loc-rib"].sort(),
  );
  for (const peer of world.peers) {
    const address = peer.line.session.peerAddress;
    for (const view of ["in-pre", "in-post", "out-pre"] as const) {
      expect(station.routes(address, view), `${view} of ${address}`).toEqual(
        world.expected(peer, view),
      );
    }
    expect(station.routes(address, "out-post"), `out-post of ${address}`).toEqual(peer.got);
  }
  expect(station.routes("loc-rib", "loc-rib")).toEqual(world.locRib());
}

describe("a collector's picture", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("is the tables', whatever happened (seed %i)", (seed) => {
    const world = new World(bmpOnly([collector("a"), collector("b")]));
    const churn = new Churn(world, new Random(seed));
    for (let round = 0; round < 4; round++) {
      for (let step = 0; step < 250; step++) churn.step();
      churn.rest();
      check(world, "a");
      check(world, "b");
    }
    expect(world.speaker.reflector.audit()).toEqual([]);
    expect(churn.retained).toBeGreaterThan(0);
  });

  test("is the tables' again after it was thrown out for not reading", () => {
    const limit = 1 << 20;
    const world = new World(bmpOnly([collector("a"), collector("sleeper")], limit));
    world.deaf.add("sleeper");
    const churn = new Churn(world, new Random(99));
    churn.quiet = true;
    const dropped = (): number =>
      world.feeds.view().collectors.find(({ name }) => name === "sleeper")!.dropped;
    let most = 0;
    for (let step = 0; step < 50_000 && dropped() === 0; step++) {
      churn.step();
      world.speaker.queue.runOnce();
      most = Math.max(most, world.feeds.view().eventLogBytes);
    }
    expect(dropped()).toBe(1);
    expect(most).toBeLessThanOrEqual(limit);
    churn.rest();
    check(world, "a");
    check(world, "sleeper");
  });
});
