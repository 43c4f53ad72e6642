/**
 * Policy test: what it says would change is what changing then does, no more and no less; and where a
 * change leads is where a fresh start with the new rules leads.
 */
import { describe, expect, it } from "vitest";
import { PolicyControl } from "../../src/bgp/policy-control.js";
import type { PolicyTestReport } from "../../src/bgp/policy-view.js";
import { PEER_POLICY_DEFAULTS, type PeerPolicy } from "../../src/bgp/policy/rules/settings.js";
import type { PolicySettings } from "../../src/bgp/policy/rules/settings.js";
import type { SpeakerSettings } from "../../src/bgp/settings.js";
import { HOLD_REASONS } from "../../src/bgp/rib/hold.js";
import { Random } from "../model/lib/random.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "./lib/speaker.js";
import { attribute, EMPTY_PATH, mac, ORIGIN } from "./lib/tables.js";
import { policiesOf, rulesOf } from "./policy/rules/lib.js";

/** What a session has been sent and not lost: its attributes by key. */
class Holdings {
  readonly routes = new Map<string, string>();

  /** Takes what came; keys that are new, gone, or came again. */
  take(line: Line): { added: number; removed: number; again: number } {
    const counts = { added: 0, removed: 0, again: 0 };
    const before = new Map(this.routes);
    const touched = new Set<string>();
    for (const received of line.take()) {
      if (received.kind === "announce") {
        const attributes = JSON.stringify(received.attributes);
        for (const { key } of received.routes) {
          this.routes.set(key, attributes);
          touched.add(key);
        }
      } else if (received.kind === "withdraw") {
        for (const key of received.keys) {
          this.routes.delete(key);
          touched.add(key);
        }
      }
    }
    for (const key of touched) {
      if (!before.has(key) && this.routes.has(key)) counts.added++;
      else if (before.has(key) && !this.routes.has(key)) counts.removed++;
      else if (before.has(key) && before.get(key) !== this.routes.get(key)) counts.again++;
    }
    return counts;
  }
}

class Fabric {
  readonly speaker = new Speaker();
  readonly lines: Line[];
  readonly holdings: Holdings[];

  constructor(policies: readonly PolicySettings[], parts: readonly Partial<PeerPolicy>[]) {
    this.speaker.reflector.policies.configure(policies);
    this.lines = parts.map((policy, i) =>
      this.speaker.up({ policy, ...(i === 3 && { kind: "ebgp" as const, as: 65010 }) }),
    );
    this.holdings = this.lines.map(() => new Holdings());
    this.settle();
  }

  settle(): ReturnType<Holdings["take"]>[] {
    this.speaker.run();
    return this.lines.map((line, i) => this.holdings[i]!.take(line));
  }

  async tested(
    policies: readonly PolicySettings[],
    parts: readonly Partial<PeerPolicy>[],
    options: Parameters<PolicyControl["test"]>[1] = {},
  ): Promise<PolicyTestReport> {
    const control = new PolicyControl(this.speaker.reflector, () => 0);
    const peers = this.lines.map(({ session }, i) => ({
      address: session.peerAddress,
      policy: { ...PEER_POLICY_DEFAULTS, ...parts[i] },
    }));
    const settings = { peers, dynamic: [] } as unknown as SpeakerSettings;
    const report = control.test({ policies, settings }, options);
    this.speaker.run();
    return report;
  }

  apply(policies: readonly PolicySettings[], parts: readonly Partial<PeerPolicy>[]): void {
    const { policies: live } = this.speaker.reflector;
    for (const [i, { session }] of this.lines.entries()) {
      Object.assign(session.options, { policy: { ...PEER_POLICY_DEFAULTS, ...parts[i] } });
    }
    live.configure(policies);
    live.refresh();
  }

  /** Each path's source, NLRI, effective attributes and hold. */
  paths(): string[] {
    const { table, attrs, sources } = this.speaker.reflector;
    const found: string[] = [];
    for (let dest = 1; dest < table.destinationLimit; dest++) {
      if (!table.exists(dest)) continue;
      for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
        const from = table.pathNlri(path);
        const nlri = Buffer.from(table.nlriBytes.slice(from, from + table.pathNlriLength(path)));
        const attr = table.pathAttr(path);
        const set =
          attr === 0
            ? HOLD_REASONS[table.pathHold(path)]!
            : Buffer.from(
                attrs.bytes.slice(attrs.nextHopStart(attr), attrs.attributesEnd(attr)),
              ).toString("hex");
        const source = sources.address[table.pathSlot(path)]!;
        found.push(`${source} ${nlri.toString("hex")} ${set}`);
      }
    }
    return found.sort();
  }
}

const CONDITIONS = [
  "{}",
  "{vni: 100}",
  "{vni: [101, 102]}",
  "{mac: 00:00:00:00:00:00/46}",
  "{community: '65000:1'}",
  "{local-preference: 100}",
  "{local-preference: 200}",
  "{peer: 10.0.0.2}",
  "{peer: 'group:guests'}",
];
const SETS = [
  "{local-preference: 200}",
  "{local-preference: 50}",
  "{community: {add: '65000:1'}}",
  "{community: {delete: '65000:*'}}",
  "{med: 5}",
  "{as-path-prepend: 1}",
];
const THEN = ["accept", "reject", "quarantine", "continue", "continue"];

function randomPolicies(random: Random): PolicySettings[] {
  const names = ["a", "b"].map((name) => {
    const rules = Array.from({ length: random.below(4) }, () => {
      const then = random.pick(THEN);
      const set = then === "continue" || random.oneIn(3) ? random.pick(SETS) : "{}";
      return `    - {match: ${random.pick(CONDITIONS)}, set: ${set}, then: ${then}}`;
    });
    return `  ${name}:${rules.length === 0 ? " []" : `\n${rules.join("\n")}`}`;
  });
  return policiesOf(`policies:\n${names.join("\n")}`);
}

function randomPart(random: Random): Partial<PeerPolicy> {
  const names = (): string[] => ["a", "b"].filter(() => random.oneIn(2));
  return {
    importPolicies: names(),
    exportPolicies: names(),
    importDefault: random.oneIn(8) ? "reject" : "accept",
    exportDefault: random.oneIn(8) ? "reject" : "accept",
    groups: random.oneIn(4) ? ["guests"] : [],
  };
}

function say(fabric: readonly Fabric[], random: Random): void {
  const who = random.below(4);
  const numbers = Array.from({ length: 1 + random.below(4) }, () => random.below(12));
  const routes = [...new Set(numbers)].map((n) => mac(n, 100 + (n % 3)));
  if (random.oneIn(5)) {
    for (const { lines } of fabric) lines[who]!.say(evpnWithdraw(routes));
    return;
  }
  const community = random.oneIn(2) ? attribute(8, 0xc0, "fde80001") : "";
  const ebgp = who === 3;
  const path = ebgp ? attribute(2, 0x40, "02010000fdf2") : EMPTY_PATH;
  const preference = ebgp ? "" : attribute(5, 0x40, random.pick(["00000064", "000000c8"]));
  const message = evpnUpdate(routes, ORIGIN + path + preference + community);
  for (const { lines } of fabric) lines[who]!.say(message);
}

const SEEDS = Array.from({ length: 40 }, (_, i) => i + 1);

describe("random rules and routes", () => {
  it.each(SEEDS)("the difference shown is the one that is made, seed %i", async (seed) => {
    const random = new Random(seed);
    let policies = randomPolicies(random);
    let parts = Array.from({ length: 5 }, () => randomPart(random));
    const fabric = new Fabric(policies, parts);
    for (let round = 0; round < 6; round++) {
      for (let i = 0; i < 20; i++) say([fabric], random);
      fabric.settle();
      if (!random.oneIn(3)) policies = randomPolicies(random);
      if (random.oneIn(2))
        parts = parts.map((part) => (random.oneIn(3) ? randomPart(random) : part));
      const before = fabric.paths();
      const report = await fabric.tested(policies, parts);
      expect(
        fabric.settle().every(({ added, removed, again }) => added + removed + again === 0),
      ).toBe(true);
      expect(fabric.paths()).toEqual(before);
      fabric.apply(policies, parts);
      const made = fabric.settle();
      for (const [i, { session }] of fabric.lines.entries()) {
        const shown = report.peers.find(
          ({ peer, direction }) => peer === session.peerAddress && direction === "out",
        );
        const counts = {
          added: shown?.accepted ?? 0,
          removed: shown?.rejected ?? 0,
          again: shown?.changed ?? 0,
        };
        expect(counts, `to peer ${i}, round ${round}`).toEqual(made[i]);
      }
      const moved = before.filter((path) => !fabric.paths().includes(path)).length;
      const shownIn = report.peers.filter(({ direction }) => direction === "in");
      const totals = shownIn.map(
        (one) => one.accepted + one.rejected + one.quarantined + one.changed,
      );
      expect(totals.reduce((sum, one) => sum + one, 0)).toBe(moved);
      expect(fabric.speaker.reflector.audit()).toEqual([]);
    }
  });

  it.each(SEEDS)("a change leads where a fresh start leads, seed %i", (seed) => {
    const random = new Random(1000 + seed);
    const first = randomPolicies(random);
    const firstParts = Array.from({ length: 5 }, () => randomPart(random));
    const last = randomPolicies(random);
    const lastParts = Array.from({ length: 5 }, () => randomPart(random));
    const changed = new Fabric(first, firstParts);
    const fresh = new Fabric(last, lastParts);
    for (let i = 0; i < 40; i++) say([changed, fresh], random);
    if (random.oneIn(2)) changed.settle();
    // Another change in between, before anything of it was sent.
    if (random.oneIn(2)) changed.apply(randomPolicies(random), firstParts);
    changed.apply(last, lastParts);
    for (let i = 0; i < 10; i++) say([changed, fresh], random);
    changed.settle();
    fresh.settle();
    expect(changed.paths()).toEqual(fresh.paths());
    for (const [i, holdings] of changed.holdings.entries()) {
      expect([...holdings.routes].sort()).toEqual([...fresh.holdings[i]!.routes].sort());
    }
    expect(changed.speaker.reflector.audit()).toEqual([]);
  });
});

describe("the report", () => {
  const DROP = rulesOf(`- {name: no-100, match: {vni: 100}, then: reject}`);

  it("names rule, route and source, before and after", async () => {
    const fabric = new Fabric([], [{}, {}]);
    fabric.lines[0]!.say(evpnUpdate([mac(1, 100), mac(2, 200)]));
    fabric.settle();
    const report = await fabric.tested(DROP, [{ importPolicies: ["p"] }, {}]);
    expect(report).toMatchObject({ complete: true, notes: [] });
    const [inward, outward] = report.peers;
    expect(inward).toMatchObject({ peer: "10.0.0.2", direction: "in", rejected: 1, accepted: 0 });
    expect(inward!.examples).toMatchObject([
      {
        change: "rejected",
        from: "10.0.0.2",
        before: { by: "none", verdict: "accept" },
        after: { by: "rule", policy: "p", rule: 1, name: "no-100", verdict: "reject" },
      },
    ]);
    expect(outward).toMatchObject({ peer: "10.0.0.3", direction: "out", rejected: 1 });
  });

  it("is bounded, and asks for one peer and one way alone", async () => {
    const fabric = new Fabric([], [{}, {}, {}]);
    fabric.lines[0]!.say(evpnUpdate(Array.from({ length: 50 }, (_, n) => mac(n, 100))));
    fabric.settle();
    const parts = [{ importPolicies: ["p"] }, {}, {}];
    const all = await fabric.tested(DROP, parts, { examples: 3 });
    expect(all.peers).toHaveLength(3);
    for (const { examples, rejected } of all.peers)
      expect([examples.length, rejected]).toEqual([3, 50]);
    const one = await fabric.tested(DROP, parts, { peer: "10.0.0.3" });
    expect(one.peers.map(({ peer, direction }) => `${peer} ${direction}`)).toEqual([
      "10.0.0.3 out",
    ]);
    const inward = await fabric.tested(DROP, parts, { direction: "in" });
    expect(inward.peers.map(({ peer, direction }) => `${peer} ${direction}`)).toEqual([
      "10.0.0.2 in",
    ]);
  });

  it("one at a time", async () => {
    const fabric = new Fabric([], [{}]);
    const control = new PolicyControl(fabric.speaker.reflector, () => 0);
    const first = control.test({ policies: DROP, settings: undefined }, {});
    expect(() => control.test({ policies: DROP, settings: undefined }, {})).toThrow(/under way/);
    expect(() => control.test({ policies: DROP, settings: undefined }, { peer: "x" })).toThrow();
    fabric.speaker.run();
    expect((await first).peers).toEqual([]);
  });
});
