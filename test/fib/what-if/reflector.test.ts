/**
 * What-if with a reflector behind it: other policies and lost sessions, asked first and then done. MACs and
 * the updates that each client is sent are what was said.
 */
import { describe, expect, it } from "vitest";
import type { PolicySettings } from "../../../src/bgp/policy/rules/settings.js";
import { PEER_POLICY_DEFAULTS } from "../../../src/bgp/policy/rules/settings.js";
import type { SpeakerSettings } from "../../../src/bgp/settings.js";
import type { WhatIf } from "../../../src/bgp/control.js";
import { suppose } from "../../../src/bgp/what-if/suppose.js";
import { Fib, LocalWhatIf, type WhatIfReport } from "../../../src/fib/index.js";
import { Random } from "../../model/lib/random.js";
import { Speaker, update, type Line } from "../../bgp/lib/speaker.js";
import { attribute, EMPTY_PATH, ORIGIN } from "../../bgp/lib/tables.js";
import { rulesOf } from "../../bgp/policy/rules/lib.js";
import { ethernetAd, hex, macIp, MAX_ET, settings } from "../lib/route.js";

const ESI = "00112233445566778899";
const PES = 3;
const CONDITIONS = [
  "{}",
  "{mac: 00:00:00:00:00:00/46}",
  "{mac: 00:00:00:00:00:04/47}",
  "{peer: 10.0.0.2}",
  "{vni: 100}",
];
const SETS = ["{local-preference: 200}", "{med: 5}", "{community: {add: '65000:1'}}"];

function randomRules(random: Random): PolicySettings[] {
  const rules = Array.from({ length: 1 + random.below(3) }, () => {
    const then = random.pick(["accept", "reject", "quarantine", "continue"]);
    const set = then === "continue" || random.oneIn(2) ? `, set: ${random.pick(SETS)}` : "";
    return `- {match: ${random.pick(CONDITIONS)}${set}, then: ${then}}`;
  });
  return rulesOf([...rules, "- {then: accept}"].join("\n"));
}

/** A route of the PE with this number. */
function announce(pe: number, nlri: string, attrs: string): Uint8Array {
  return update("", attrs + attribute(14, 0x80, `001946040a00000${pe + 1}00${nlri}`));
}

function attributes(localPref: number, communities: string): string {
  return (
    ORIGIN +
    EMPTY_PATH +
    attribute(5, 0x40, hex(localPref, 4)) +
    attribute(16, 0xc0, `0002fde800000064030c000000000008${communities}`)
  );
}

/** What a session has been sent, by key. */
class Holdings {
  private readonly routes = new Map<string, string>();
  private readonly line: Line;

  constructor(line: Line) {
    this.line = line;
  }

  /** Keys that came anew or otherwise, and keys that went. */
  take(): { announced: number; withdrawn: number } {
    const before = new Map(this.routes);
    for (const received of this.line.take()) {
      if (received.kind === "announce") {
        const text = JSON.stringify(received.attributes);
        for (const { key } of received.routes) this.routes.set(key, text);
      } else if (received.kind === "withdraw") {
        for (const key of received.keys) this.routes.delete(key);
      }
    }
    let announced = 0;
    for (const [key, text] of this.routes) if (before.get(key) !== text) announced++;
    const withdrawn = [...before.keys()].filter((key) => !this.routes.has(key)).length;
    return { announced, withdrawn };
  }
}

class World {
  readonly speaker = new Speaker();
  readonly lines: Line[];
  readonly holdings: Holdings[];
  readonly fib: Fib;
  private readonly whatIf: LocalWhatIf<WhatIf>;

  constructor(policies: readonly PolicySettings[]) {
    const { reflector, clock } = this.speaker;
    reflector.policies.configure(policies);
    const policy = { ...PEER_POLICY_DEFAULTS, importPolicies: ["p"], exportPolicies: ["p"] };
    const { table } = reflector;
    const fib = new Fib({ table, settings: settings(), clock });
    this.fib = fib;
    reflector.attachReader({
      get position() {
        return fib.position;
      },
      read: () => fib.read(1000),
    });
    this.lines = Array.from({ length: PES + 1 }, () => this.speaker.up({ policy }));
    this.holdings = this.lines.map((line) => new Holdings(line));
    const host = {
      suppose: (what: WhatIf) => suppose(reflector, what),
      later: (job: { step(): boolean }) => reflector.later(job),
    };
    const now = (): number => clock.time;
    this.whatIf = new LocalWhatIf({ host, table, fib, settings: settings(), now });
  }

  settle(): { announced: number; withdrawn: number }[] {
    this.speaker.run();
    return this.holdings.map((one) => one.take());
  }

  async ask(what: WhatIf): Promise<WhatIfReport> {
    const asked = this.whatIf.ask(what, { limit: 1000 });
    this.speaker.run();
    return asked;
  }

  /** What the reflector counts, but for its turns and what all have read of its log. */
  counts(): Record<string, number> {
    this.speaker.run();
    const { policies } = this.speaker.reflector;
    const hits = policies.engine.policies.flatMap((policy) => [...policies.engine.hitsOf(policy)]);
    const counts = { ...this.speaker.reflector.stats(), read: this.fib.position };
    for (const [i, hit] of hits.entries()) Object.assign(counts, { [`hits ${i}`]: hit });
    return { ...counts, flushes_total: 0, log_entries: 0 };
  }

  async askTwice(what: WhatIf): Promise<unknown> {
    const asked = [this.whatIf.ask(what, {}), this.whatIf.ask(what, {})];
    this.speaker.run();
    return Promise.all(asked);
  }

  address(line: number): string {
    return this.lines[line]!.session.peerAddress;
  }

  /** Random MAC routes, the same key from several lines now and then, and A-D routes of the segment. */
  fill(random: Random): void {
    for (let n = 0; n < 40; n++) {
      const line = random.below(PES);
      // Now and then another's route, as a second reflector would bring it.
      const pe = random.oneIn(3) ? random.below(PES) : line;
      const rd = `10.0.0.${pe}:1`;
      const mac = `00:00:00:00:00:0${random.below(10)}`;
      const sequence = random.oneIn(3) ? `06000000${hex(random.below(3), 4)}` : "";
      const nlri = macIp({ rd, mac, label: 100, esi: random.oneIn(3) ? ESI : undefined });
      const local = random.pick([100, 100, 150]);
      this.lines[line]!.say(announce(pe, nlri, attributes(local, sequence)));
    }
    for (let line = 0; line < PES; line++) {
      if (random.oneIn(3)) continue;
      const esiLabel = attributes(100, `0601${random.oneIn(3) ? "01" : "00"}0000000000`);
      const rd = `10.0.0.${line}:0`;
      this.lines[line]!.say(announce(line, ethernetAd(rd, ESI, MAX_ET, 0), esiLabel));
      const perEvi = ethernetAd(`10.0.0.${line}:1`, ESI, 0, 100);
      this.lines[line]!.say(announce(line, perEvi, attributes(100, "")));
    }
    this.settle();
  }

  /** `domain mac: hops` of every MAC. */
  macs(): Map<string, string> {
    const found = new Map<string, string>();
    for (const { domain, mac, nextHops } of this.fib.pages.list({}, 0, 1000).rows) {
      const hops = nextHops.map(({ address, role }) => `${address} ${role}`).sort();
      found.set(`${domain} ${mac}`, hops.join());
    }
    return found;
  }
}

function check(world: World, report: WhatIfReport, before: Map<string, string>, done: () => void) {
  done();
  const sent = world.settle();
  const after = world.macs();
  const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
    (key) => (before.get(key) ?? "") !== (after.get(key) ?? ""),
  );
  const told = report.rows
    .filter(({ before: a, after: b }) => JSON.stringify(a) !== JSON.stringify(b))
    .map(({ domain, mac }) => `${domain} ${mac}`);
  expect(told.sort()).toEqual(changed.sort());
  const costs = world.lines.map(({ session }) => {
    const cost = report.updates.find(({ peer }) => peer === session.peerAddress);
    return { announced: cost?.announced ?? 0, withdrawn: cost?.withdrawn ?? 0 };
  });
  const open = (_: unknown, i: number): boolean => world.lines[i]!.session.isOpen;
  expect(costs.filter(open)).toEqual(sent.filter(open));
  expect(report).toMatchObject({ complete: true, meanwhile: 0 });
}

describe("what-if behind a reflector", () => {
  it("tells what other policies do to MACs and to clients", async () => {
    let announced = 0;
    let dark = 0;
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Random(seed);
      const world = new World(randomRules(random));
      world.fill(random);
      const policies = randomRules(random);
      const policy = { ...PEER_POLICY_DEFAULTS, importPolicies: ["p"], exportPolicies: ["p"] };
      const peers = world.lines.map(({ session }) => ({ address: session.peerAddress, policy }));
      const candidate = {
        policies,
        settings: { peers, dynamic: [] } as unknown as SpeakerSettings,
      };
      const before = world.macs();
      const was = world.counts();
      const report = await world.ask({ kind: "policy", candidate });
      expect(world.counts()).toEqual(was);
      expect(world.speaker.reflector.audit()).toEqual([]);
      expect(world.settle().every((one) => one.announced + one.withdrawn === 0)).toBe(true);
      announced += report.updatesTotal.announced;
      dark += report.macs.dark;
      check(world, report, before, () => {
        world.speaker.reflector.policies.configure(policies);
        world.speaker.reflector.policies.refresh();
      });
    }
    expect(announced).toBeGreaterThan(50);
    expect(dark).toBeGreaterThan(20);
  });

  it("tells what the loss of a session does", async () => {
    let withdrawn = 0;
    let replaced = 0;
    for (let seed = 1; seed <= 25; seed++) {
      const random = new Random(seed);
      const world = new World(rulesOf("- {then: accept}"));
      world.fill(random);
      const line = random.below(PES);
      const before = world.macs();
      const report = await world.ask({ kind: "peer", address: world.address(line) });
      withdrawn += report.updatesTotal.withdrawn;
      replaced += report.routes.replaced;
      check(world, report, before, () => world.lines[line]!.down());
    }
    expect(withdrawn).toBeGreaterThan(50);
    expect(replaced).toBeGreaterThan(5);
  });

  it("refuses what makes no sense, and a second question", async () => {
    const world = new World(rulesOf("- {then: accept}"));
    world.fill(new Random(1));
    await expect(world.ask({ kind: "pe", address: "10.7.7.7" })).rejects.toThrow(
      "no route has the next hop 10.7.7.7",
    );
    await expect(world.ask({ kind: "pe", address: "pe1" })).rejects.toThrow("no IP address");
    await expect(world.ask({ kind: "segment", esi: "1" })).rejects.toThrow("is no ESI");
    await expect(world.ask({ kind: "peer", address: "10.7.7.7" })).rejects.toThrow("no session");
    const question = { kind: "peer", address: world.address(0) } as const;
    await expect(world.askTwice(question)).rejects.toThrow("another what-if is being worked out");
    await expect(world.ask(question)).resolves.toMatchObject({ complete: true });
  });
});
