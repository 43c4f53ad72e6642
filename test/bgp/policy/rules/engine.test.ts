/** What rules of all sessions share, and what a look at them costs: many rules, many sessions, little memory. */
import { describe, expect, it, vi } from "vitest";
import { Chain } from "../../../../src/bgp/policy/rules/chain.js";
import { PolicyEngine, type PolicyPeer } from "../../../../src/bgp/policy/rules/engine.js";
import { CacheRoom } from "../../../../src/bgp/policy/rules/match-cache.js";
import { PEER_POLICY_DEFAULTS } from "../../../../src/bgp/policy/rules/settings.js";
import { AttrStore } from "../../../../src/bgp/rib/attr-store.js";
import { RouteTable } from "../../../../src/bgp/rib/route-table.js";
import { Sources } from "../../../../src/bgp/rib/sources.js";
import { Family } from "../../../../src/fast-bgp-codec/family.js";
import { bytesOf, hexOf } from "../../../model/lib/hex.js";
import { attribute, mac, PLAIN } from "../../lib/tables.js";
import { policiesOf, rulesOf } from "./lib.js";
import { CONTEXT } from "./routes.js";

function peer(number: number, over: Partial<PolicyPeer["policy"]> = {}): PolicyPeer {
  const policy = { ...PEER_POLICY_DEFAULTS, ...over };
  return {
    address: `10.0.0.${String(number)}`,
    groups: policy.groups,
    ebgp: false,
    self: undefined,
    policy,
  };
}

function engineWith(text: string): PolicyEngine {
  const table = new RouteTable(new AttrStore(), new Sources(), true);
  const engine = new PolicyEngine(table, { as: 65000 });
  engine.configure(policiesOf(`policies:\n${text}`));
  return engine;
}

const BOTH = { importPolicies: ["a"], exportPolicies: ["a"] };

describe("sessions with equal rules", () => {
  it("share a chain and an export policy; others have their own", () => {
    const engine = engineWith("  a: [{match: {vni: 1}, then: reject}]\n  b: [{then: reject}]");
    for (const slot of [0, 1]) engine.attach(slot, peer(slot, BOTH));
    engine.attach(2, peer(2, { exportPolicies: ["b"] }));
    engine.attach(3, peer(3));
    expect(engine.importOf(0)).toEqual(engine.importOf(1));
    expect(engine.exportOf(0)).toBe(engine.exportOf(1));
    expect([engine.count, engine.exportOf(3), engine.importOf(3)]).toEqual([2, -1, undefined]);
  });

  it("have masks of their own only if a rule asks whose a route is", () => {
    const engine = engineWith(
      "  a: [{match: {vni: 1}, then: reject}]\n  b: [{match: {peer: 10.0.0.1}, then: reject}]",
    );
    for (const slot of [0, 1]) engine.attach(slot, peer(slot, BOTH));
    expect(engine.importOf(0)!.mask).toBe(engine.importOf(1)!.mask);
    for (const slot of [0, 1]) engine.attach(slot, peer(slot, { importPolicies: ["b"] }));
    expect([0, 1].map((slot) => engine.importOf(slot)!.mask[0])).toEqual([0, 1]);
  });

  it("cost nothing more when they are looked at again", () => {
    const rules = Array.from(
      { length: 1000 },
      (_, i) => `    - {match: {vni: ${String(i)}}, then: reject}`,
    );
    const engine = engineWith(`  a:\n${rules.join("\n")}`);
    const policies = engine.policies;
    engine.attach(0, peer(0, BOTH));
    const written = vi.spyOn(JSON, "stringify");
    const masks = vi.spyOn(Chain.prototype, "maskFor");
    engine.configure(policies);
    for (let slot = 0; slot < 300; slot++) engine.attach(slot, peer(slot, BOTH));
    const changes = Array.from({ length: 300 }, (_, slot) => engine.attach(slot, peer(slot, BOTH)));
    expect(written).not.toHaveBeenCalled();
    expect(new Set(masks.mock.results.map(({ value }) => value as Int32Array)).size).toBe(1);
    expect(changes.every((one) => !one.import && one.exportBefore === undefined)).toBe(true);
    vi.restoreAllMocks();
  });

  it("a policy that nobody has leaves nothing behind", () => {
    const engine = engineWith("  a: [{match: {vni: 1}, then: reject}]");
    for (let slot = 0; slot < 40; slot++) engine.attach(slot, peer(slot, BOTH));
    for (let slot = 0; slot < 40; slot++) engine.detach(slot);
    expect([engine.isIdle, engine.count]).toEqual([true, 0]);
  });
});

describe("caches", () => {
  const attrs = new AttrStore();
  const sets = Array.from({ length: 3000 }, (_, i) => {
    const octets = bytesOf(`0a000001${PLAIN}${attribute(8, 0xc0, `fde8${hexOf(i, 2)}`)}`);
    return attrs.intern(Family.Evpn, 4, octets, 0, octets.length);
  });
  const nlri = bytesOf(mac(1));
  const rules = rulesOf(
    `- {match: {community: "65000:7"}, set: {med: 1}, then: accept}\n- {set: {med: 2}}`,
  );

  const meds = (room: CacheRoom): number[] => {
    const made: number[] = [];
    const chain = new Chain("", rules, "accept", CONTEXT, attrs, (attr) => made.push(attr), room);
    const mask = chain.maskFor({ address: "10.0.0.1", groups: [] });
    const round = (): number[] =>
      sets.map((attr) => {
        chain.evaluate(attr, Family.Evpn, nlri, 0, mask);
        return attrs.med(chain.attr);
      });
    const first = round();
    expect(round()).toEqual(first);
    chain.close();
    for (const attr of made) attrs.release(attr);
    return first;
  };

  it("answer the same with room and without", () => {
    const wanted = sets.map((_, i) => (i === 7 ? 1 : 2));
    expect(meds(new CacheRoom())).toEqual(wanted);
    expect(meds(new CacheRoom(0))).toEqual(wanted);
    expect(meds(new CacheRoom(5000))).toEqual(wanted);
  });

  it("give back what they took", () => {
    const room = new CacheRoom(100_000);
    meds(room);
    expect(room.take(100_001)).toBe(false);
    expect(room.take(100_000)).toBe(true);
  });
});
