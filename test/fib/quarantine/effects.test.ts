/** What a quarantine does to the reflector: what others are sent, while it lasts and when it is over. */
import { describe, expect, it, vi } from "vitest";
import { FibEventKind, type DuplicateSettings } from "../../../src/fib/index.js";
import { Output } from "../../../src/fib/quarantine/machine.js";
import { auditNow } from "../../../src/bgp/audit/index.js";
import { queryRoutes } from "../../../src/bgp/route-query.js";
import { HoldReason } from "../../../src/bgp/rib/index.js";
import { Family, parseIp } from "../../../src/fast-bgp-codec/index.js";
import { bytesOf } from "../../model/lib/hex.js";
import { maskOf } from "../../model/lib/peer.js";
import { attributesHex, macIp } from "../lib/route.js";
import { hop, MAC, Rig, type Said } from "./lib/rig.js";

function rules(change: Partial<DuplicateSettings>): { duplicates: DuplicateSettings } {
  return {
    duplicates: {
      moves: 5,
      seconds: 180,
      action: "pin",
      releaseSeconds: 60,
      rateSeconds: 10,
      exemptMacs: [],
      exemptOuis: [],
      ...change,
    },
  };
}

/** What a receiver of a reflector without quarantine has when it is told the same. */
function fresh(told: readonly (readonly [number, Said])[]): string[] {
  const rig = new Rig({}, {});
  for (const [pe, said] of told) rig.say(pe, said);
  return rig.run().receiver().content;
}

function whole(rig: Rig): void {
  expect(auditNow(rig.speaker.reflector.auditSubject())).toEqual([]);
}

describe("pin", () => {
  it("lets only the last stable PE count, and all again when it is over", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5);
    // At the alarm PE 2 has the higher sequence; PE 1 had the MAC before it began to move.
    expect(receiver.hops).toEqual([hop(1)]);
    expect(rig.held).toBe(1);
    expect(rig.fib.view.mac(1)).toMatchObject({
      pe: "10.0.0.1",
      duplicate: { moves: 5 },
      quarantine: { state: "pin", pe: "10.0.0.1", attempts: 0, byHand: false },
    });
    whole(rig);
    rig.pass(62);
    expect(rig.held).toBe(0);
    expect(rig.fib.quarantines.count).toBe(0);
    expect(receiver.content).toEqual(
      fresh([
        [1, { sequence: 4 }],
        [2, { sequence: 5 }],
      ]),
    );
    expect(rig.fib.view.mac(1)).toMatchObject({
      pe: "10.0.0.2",
      quarantine: { state: "released" },
    });
    whole(rig);
    rig.pass(200);
    expect(rig.fib.view.mac(1)).toMatchObject({ duplicate: undefined, quarantine: undefined });
    expect(rig.news().map(({ kind }) => kind)).toContain(FibEventKind.DuplicateCleared);
  });

  it("goes on to who has it when the pinned PE loses it, a second later", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5).pass(5).say(1, { withdraw: true }).run();
    expect(receiver.hops).toEqual([]);
    rig.pass(3);
    expect(receiver.hops).toEqual([hop(2)]);
    expect(rig.fib.view.mac(1)?.quarantine).toMatchObject({ state: "pin", pe: "10.0.0.2" });
    // What comes back later is no longer where it is pinned to.
    rig.say(1, { sequence: 9 }).run();
    expect(receiver.hops).toEqual([hop(2)]);
    whole(rig);
  });

  it("goes on at once when the last stable PE had been told of the other already", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    for (let n = 0; n <= 5; n++) {
      rig.say(1 + (n % 2), { sequence: n }).run();
      if (n > 0) rig.say(2 - (n % 2), { withdraw: true }).run();
    }
    expect(rig.fib.view.mac(1)?.quarantine).toMatchObject({ pe: "10.0.0.2" });
    expect(receiver.hops).toEqual([hop(2)]);
    rig.say(1, { sequence: 6 }).run();
    expect(receiver.hops).toEqual([hop(2)]);
    expect(rig.held).toBe(1);
  });

  it("does not give way while the pinned PE replaces its routes", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5).pass(5).say(1, { withdraw: true }).run().say(1, { sequence: 4 }).run().pass(3);
    expect(receiver.hops).toEqual([hop(1)]);
  });

  it("counts what comes and is held as attempts, and not as moves; they put off the release", () => {
    const rig = new Rig(rules({}));
    rig.flap(5);
    const { moves } = rig.fib.view.mac(1)!;
    rig.pass(50);
    // A burst of one PE with one sequence is one attempt; word for word again is none.
    rig
      .say(2, { sequence: 7 })
      .say(2, { sequence: 7, ip: "10.1.0.1" })
      .say(2, { sequence: 7 })
      .run();
    rig.pass(50);
    expect(rig.fib.view.mac(1)).toMatchObject({
      moves,
      quarantine: { state: "pin", attempts: 1 },
    });
    rig.say(2, { sequence: 8 }).run().pass(2);
    expect(rig.fib.view.mac(1)?.quarantine?.attempts).toBe(2);
    expect(rig.held).toBe(2);
    rig.pass(62);
    expect(rig.held).toBe(0);
    whole(rig);
  });

  it("alarms and pins again when the MAC goes on moving on trial", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5).pass(62).news();
    rig.flap(5, 10);
    const kinds = rig.news().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === FibEventKind.Duplicate)).toHaveLength(1);
    expect(kinds.filter((kind) => kind === FibEventKind.Quarantine)).toHaveLength(1);
    expect(receiver.hops).toHaveLength(1);
    expect(rig.fib.duplicates.alarms).toBe(2);
    expect(rig.fib.duplicates.duplicates).toBe(1);
  });

  it("leaves other MACs, other domains and other route types alone", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5);
    rig.say(2, { mac: "02:00:00:00:00:02", sequence: 9 });
    rig.say(2, { mac: "06:00:00:00:00:01", sequence: 9 });
    rig.say(3, { target: "65000:200", sequence: 9 }).run();
    expect(receiver.hops).toEqual([hop(1), hop(2), hop(2), hop(3)]);
    expect(rig.held).toBe(1);
  });

  it("lets all PEs of the segment count that the MAC is on", () => {
    const esi = "00112233445566778899";
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.say(1, { esi }).say(3, { esi }).run();
    for (let n = 1; n <= 5; n++) {
      if (n % 2 === 1) rig.say(2, { sequence: n }).run();
      else rig.say(1, { esi, sequence: n }).say(3, { esi, sequence: n }).run();
    }
    expect(rig.fib.view.mac(1)?.quarantine).toMatchObject({ state: "pin", pe: "10.0.0.1" });
    expect(receiver.hops).toEqual([hop(1), hop(3)]);
  });
});

describe("hold", () => {
  it("lets only who had it at the alarm count, and nobody when that PE goes", () => {
    const rig = new Rig(rules({ action: "hold" }));
    const receiver = rig.receiver();
    rig.flap(5);
    expect(receiver.hops).toEqual([hop(2)]);
    rig.say(2, { withdraw: true }).run().pass(10);
    expect(receiver.hops).toEqual([]);
    expect(rig.fib.macs.entries.count).toBe(0);
    expect(rig.held).toBe(1);
    rig.pass(55);
    expect(receiver.content).toEqual(fresh([[1, { sequence: 4 }]]));
    whole(rig);
  });
});

describe("rate-limit", () => {
  it("lets a change pass every so often", () => {
    const rig = new Rig(rules({ action: "rate-limit", releaseSeconds: 600 }));
    const receiver = rig.receiver();
    rig.flap(5);
    expect(receiver.hops).toEqual([hop(2)]);
    const before = receiver.changes;
    let sequence = 6;
    for (let second = 0; second < 30; second++) {
      for (let n = 0; n < 10; n++, sequence++) {
        rig.say(1 + (sequence % 2), { sequence }).run();
      }
      rig.pass(1);
    }
    // Three choices in thirty seconds, each a withdrawal and an announcement at most; the place that
    // counts says its new sequences, which is no change of place.
    expect(rig.fib.view.mac(1)?.quarantine).toMatchObject({ state: "rate-limit" });
    const moves = rig.news().filter(({ kind }) => kind === FibEventKind.Move);
    expect(moves.length).toBeLessThanOrEqual(5 + 4);
    expect(receiver.hops).toHaveLength(1);
    expect(receiver.changes - before).toBeLessThan(30 * 10);
    whole(rig);
  });
});

describe("of a backbone MAC, a quarantine by hand", () => {
  it("stays with its PE when the MAC is gone for a moment, and is shown", () => {
    const domain = {
      name: "core",
      service: "pbb",
      routeTargets: ["65000:100"],
      ethernetTag: undefined,
      vni: undefined,
      duplicates: undefined,
    } as const;
    const rig = new Rig({ ...rules({}), domains: [domain] });
    const receiver = rig.receiver();
    rig.say(1).say(2).run();
    const pe = parseIp("10.0.0.1")!;
    rig.fib.change(() => rig.fib.desk.begin(1, "pin", 0, pe));
    rig.run().pass(5);
    expect(receiver.hops).toEqual([hop(1)]);
    rig.say(1, { withdraw: true }).run().say(1).run().pass(5);
    expect(receiver.hops).toEqual([hop(1)]);
    expect(rig.fib.view.mac(1)?.quarantine).toMatchObject({ state: "pin", pe: "10.0.0.1" });
    expect(rig.fib.duplicates.records.count).toBe(1);
  });
});

describe("choosing again", () => {
  it("takes a sequence that has wrapped for the higher one, as the FIB does", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.say(1, { sequence: 0xfffffffe }).run();
    rig.fib.change(() => rig.fib.desk.begin(1, "rate-limit", 0, undefined));
    rig.say(2, { sequence: 1 }).run().pass(15);
    expect(receiver.hops).toEqual([hop(2)]);
    rig.say(1, { sequence: 0xffffffff }).run().pass(30);
    expect(receiver.hops).toEqual([hop(2)]);
  });

  it("by hand goes by the domain's own interval", () => {
    const base = rules({}).duplicates;
    const domain = {
      name: "red",
      service: "vlan-based",
      routeTargets: ["65000:100"],
      ethernetTag: undefined,
      vni: undefined,
      duplicates: { ...base, rateSeconds: 60 },
    } as const;
    const rig = new Rig({ ...rules({}), domains: [domain] });
    const receiver = rig.receiver();
    rig.say(1, { sequence: 1 }).run();
    rig.fib.change(() => rig.fib.desk.begin(1, "rate-limit", 0, undefined));
    rig.say(2, { sequence: 2 }).run().pass(50);
    expect(receiver.hops).toEqual([hop(1)]);
    rig.pass(15);
    expect(receiver.hops).toEqual([hop(2)]);
  });

  it.each(["pin", "rate-limit"] as const)(
    "is told when it comes to another place (%s)",
    (action) => {
      const rig = new Rig(rules({}));
      rig.say(1, { sequence: 1 }).run();
      rig.fib.change(() => rig.fib.desk.begin(1, action, 0, undefined));
      const told = vi.fn();
      rig.fib.duplicates.onChange = told;
      rig.pass(10).say(1, { withdraw: true }).run().pass(60);
      expect(told).not.toHaveBeenCalled();
      rig.say(2, { sequence: 2 }).run().pass(20);
      expect(told.mock.calls.filter(([, output]) => output === Output.Turn)).toHaveLength(1);
      expect(rig.fib.view.mac(1)).toMatchObject({ pe: "10.0.0.2", quarantine: { pe: "10.0.0.2" } });
    },
  );
});

describe("by hand, for weeks", () => {
  it("knows since when it is, and that its place has lost the MAC", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.say(1).run();
    const since = rig.speaker.clock.wall();
    rig.fib.change(() => rig.fib.desk.begin(1, "pin", 0, undefined));
    rig.pass(5).say(1, { withdraw: true }).run();
    // More milliseconds than 31 bits hold.
    rig.speaker.clock.advance(25 * 86_400_000);
    expect(rig.fib.desk.page(0, 10, 10).rows[0]?.quarantine).toMatchObject({ since });
    rig.say(2).run().pass(3);
    expect(receiver.hops).toEqual([hop(2)]);
  });
});

describe("a quarantine", () => {
  it("costs an announcement nothing while there is none", () => {
    const rig = new Rig(rules({}));
    const holds = vi.spyOn(rig.fib.quarantines, "holds");
    rig.flap(4);
    expect(rig.speaker.reflector.policies.engine.screen).toBeUndefined();
    expect(holds).not.toHaveBeenCalled();
    rig.flap(1, 5);
    expect(rig.speaker.reflector.policies.engine.screen).toBeDefined();
    rig.fib.change(() => rig.fib.duplicates.release(rig.fib.macs.entries.watch(1)));
    rig.run();
    holds.mockClear();
    rig.say(2, { sequence: 20 }).run();
    expect(rig.speaker.reflector.policies.engine.screen).toBeUndefined();
    expect(holds).not.toHaveBeenCalled();
  });

  it("holds in the table with the reason, the time, and a word in show mac", () => {
    const rig = new Rig(rules({}));
    rig.flap(5);
    const { table } = rig.speaker.reflector;
    const held = [];
    for (let path = 1; path < table.pathLimit; path++) {
      if (table.pathDest(path) !== 0 && table.pathAttr(path) === 0) held.push(table.pathHold(path));
    }
    expect(held).toEqual([HoldReason.Duplicate]);
    const { rows } = rig.fib.desk.page(0, 100, 100);
    expect(rows).toMatchObject([
      { domain: "65000:100", mac: MAC, duplicate: { moves: 5 }, held: 1 },
    ]);
    const { routes } = queryRoutes(rig.speaker.reflector, { table: "all" }, undefined, () => 0);
    const shown = routes.filter(({ held: why }) => why !== undefined);
    expect(shown.map(({ held: why }) => why)).toEqual([
      expect.stringMatching(
        /^Its MAC is in quarantine as a duplicate: pinned to 10.0.0.1 until 2023-11-14 \d\d:\d\d:\d\d UTC, unless it is tried again$/,
      ),
    ]);
    const explained = rig.fib.explainer.explain(1);
    expect(explained?.summary[0]).toMatch(/^Its MAC is in quarantine as a duplicate: pinned/);
    expect(explained?.candidates).toMatchObject([
      { pe: "10.0.0.1", winner: true },
      { pe: "10.0.0.2", peer: "10.9.0.2", bestPath: "held", sequence: 5, winner: false },
    ]);
  });

  it("ends with nothing left when the peers go and come, before or after", () => {
    for (const order of ["before", "after"] as const) {
      const rig = new Rig(rules({}));
      const receiver = rig.receiver();
      rig.flap(5).down(2);
      expect(rig.held).toBe(0);
      if (order === "before") rig.pass(62);
      rig.say(2, { sequence: 5 }).run();
      if (order === "after") rig.pass(62);
      expect(receiver.content).toEqual(
        fresh([
          [1, { sequence: 4 }],
          [2, { sequence: 5 }],
        ]),
      );
      rig.down(1).down(2);
      expect(receiver.content).toEqual([]);
      rig.pass(400);
      expect(rig.fib.duplicates.isIdle).toBe(true);
      whole(rig);
    }
  });

  it("keeps routes of a peer that restarts held, and lets them go when it does not come back", () => {
    const families = maskOf(Family.Evpn);
    const kept = { restarting: false, notification: false, time: 120, families };
    for (const returns of [true, false]) {
      const rig = new Rig(rules({}), {
        negotiated: { gracefulRestart: { ...kept, forwarding: families } },
      });
      const receiver = rig.receiver();
      rig.flap(5).down(2);
      // Stale, and held as it was.
      expect(rig.held).toBe(1);
      expect(receiver.hops).toEqual([hop(1)]);
      if (returns) rig.say(2, { sequence: 5 }).run();
      rig.pass(62);
      expect(rig.held).toBe(0);
      expect(receiver.hops).toEqual([hop(1), hop(2)]);
      if (!returns) rig.pass(100);
      expect(receiver.hops).toEqual(returns ? [hop(1), hop(2)] : [hop(1)]);
      whole(rig);
    }
  });

  it("is right for receivers of several paths", () => {
    const rig = new Rig(rules({}), { sendsPaths: true });
    const receiver = rig.receiver({ takesPaths: 4 });
    const told: [number, Said][] = [];
    for (let n = 0; n <= 5; n++) {
      const said = { sequence: n, pathId: 7 };
      told.push([1 + (n % 2), said]);
      rig.say(1 + (n % 2), said).run();
    }
    rig.say(2, { sequence: 6, pathId: 8 }).run();
    expect(receiver.hops).toEqual([hop(1)]);
    expect(rig.held).toBe(2);
    rig.pass(62);
    expect(receiver.hops).toEqual([hop(1), hop(2), hop(2)]);
    whole(rig);
  });

  it("does not hold what an operator has us announce", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5);
    const source = rig.speaker.reflector.localRoutes.source(() => "static");
    const nlri = bytesOf(macIp({ rd: "10.0.0.9:1", mac: MAC }));
    const attr = { nextHop: "10.0.0.9", targets: ["65000:100"], sticky: true };
    const set = bytesOf(hop(9) + attributesHex(attr));
    source.announce(Family.Evpn, nlri, nlri.length, 0, set, set.length, 4);
    source.wake();
    rig.run();
    expect(receiver.hops).toEqual([hop(1), hop(9)]);
    rig.fib.change(() => rig.fib.desk.begin(1, "hold", 0, parseIp("10.0.0.1")));
    rig.run();
    expect(receiver.hops).toEqual([hop(1), hop(9)]);
    expect(rig.held).toBe(1);
  });

  it("stands beside import rules, whatever these are changed to", () => {
    const rig = new Rig(rules({}));
    const receiver = rig.receiver();
    rig.flap(5);
    const { reflector } = rig.speaker;
    // As a reload does: everything is decided on again.
    for (const peer of reflector.livePeers()) reflector.policies.renewGate(peer);
    rig.run();
    expect(receiver.hops).toEqual([hop(1)]);
    rig.pass(62);
    expect(receiver.hops).toEqual([hop(1), hop(2)]);
    for (const peer of reflector.livePeers()) reflector.policies.renewGate(peer);
    rig.run();
    expect(receiver.hops).toEqual([hop(1), hop(2)]);
    whole(rig);
  });

  it("goes on in another FIB of the same table, and over a restart", () => {
    const rig = new Rig(rules({ action: "hold" }));
    const receiver = rig.receiver();
    rig.flap(5).pass(10);
    const saved = rig.fib.desk.save();
    expect(saved).toMatchObject([
      { domain: "65000:100", mac: MAC, action: "hold", pe: "10.0.0.2", alarmed: true },
    ]);
    const next = rig.attach(rig.settings);
    rig.run();
    rig.fib.close();
    next.quarantines.open(rig.holds);
    expect(next.change(() => next.desk.adopt(saved, false))).toEqual([]);
    rig.run();
    expect(receiver.hops).toEqual([hop(2)]);
    expect(next.view.mac(1)?.quarantine).toMatchObject({ state: "hold", pe: "10.0.0.2" });

    const after = new Rig(rules({ action: "hold" }));
    const other = after.receiver();
    expect(after.fib.change(() => after.fib.desk.adopt(saved, true))).toEqual([]);
    after.say(1, { sequence: 4 }).run();
    expect(other.hops).toEqual([]);
    after.say(2, { sequence: 5 }).run();
    expect(other.hops).toEqual([hop(2)]);
    expect(after.fib.duplicates.duplicates).toBe(1);
    after.pass(70);
    expect(other.content).toEqual(
      fresh([
        [1, { sequence: 4 }],
        [2, { sequence: 5 }],
      ]),
    );
    whole(after);
  });

  it("holds what came before it began and is read after, though the MAC went in between", () => {
    const rig = new Rig(rules({ action: "none" }));
    const receiver = rig.receiver();
    rig.say(3, { sequence: 1 }).run();
    const [row] = rig.fib.pages.list({}, 0, 10).rows;
    rig.say(3, { withdraw: true }).say(1, { sequence: 2 });
    rig.fib.change(() => rig.fib.desk.begin(row!.id, "hold", 0, undefined));
    rig.run();
    expect(rig.held).toBe(1);
    expect(receiver.hops).toEqual([]);
  });

  it("of before a restart gives a pinned PE time to come up, and is left out when it is over", () => {
    const rig = new Rig(rules({}));
    rig.flap(5);
    const saved = rig.fib.desk.save();
    const after = new Rig(rules({}));
    after.fib.change(() => after.fib.desk.adopt(saved, true));
    const other = after.receiver();
    after.say(2, { sequence: 5 }).run().pass(30);
    expect(other.hops).toEqual([]);
    after.say(1, { sequence: 4 }).run();
    expect(other.hops).toEqual([hop(1)]);

    const late = new Rig(rules({}));
    late.pass(120);
    expect(late.fib.change(() => late.fib.desk.adopt(saved, true))).toEqual(saved);
    expect(late.fib.duplicates.isIdle).toBe(true);
  });

  it("follows other settings at once", () => {
    const rig = new Rig(rules({ action: "none" }));
    const receiver = rig.receiver();
    rig.flap(5);
    expect(receiver.hops).toEqual([hop(1), hop(2)]);
    rig.fib.configure({ ...rig.settings, ...rules({ action: "hold" }) });
    rig.pass(1);
    expect(receiver.hops).toEqual([hop(2)]);
    rig.fib.configure({ ...rig.settings, ...rules({ action: "none" }) });
    rig.pass(1);
    expect(receiver.hops).toEqual([hop(1), hop(2)]);
    expect(rig.fib.view.mac(1)?.duplicate).toBeDefined();
    rig.fib.configure({ ...rig.settings, ...rules({ exemptMacs: [MAC] }) });
    rig.pass(1);
    expect(rig.fib.view.mac(1)?.duplicate).toBeUndefined();
    whole(rig);
  });
});
