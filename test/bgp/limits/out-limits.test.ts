/** Limits on routes sent: withheld to the route, let go when there is room, warned of, or the end. */
import { describe, expect, it } from "vitest";
import { NO_LIMITS, type OutRouteLimit } from "../../../src/bgp/limits/settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../../src/util/log.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "../lib/speaker.js";
import { imet, rd } from "../../model/lib/nlri.js";
import { key, mac, marked } from "../lib/tables.js";

function limit(over: Partial<OutRouteLimit> = {}): OutRouteLimit {
  return {
    family: undefined,
    routeType: undefined,
    perVni: false,
    maximum: 3,
    warnAt: 0,
    action: "withhold",
    ...over,
  };
}

/** What a receiver holds after all it was told. */
class Held {
  readonly keys = new Set<string>();

  names(nlri: string): boolean {
    return this.keys.has(key(nlri));
  }

  read(line: Line): Set<string> {
    for (const said of line.takeKeys()) {
      if (said.startsWith("+")) this.keys.add(said.slice(1));
      else this.keys.delete(said.slice(1));
    }
    return this.keys;
  }
}

function start(out: readonly OutRouteLimit[]): {
  speaker: Speaker;
  source: Line;
  limited: Line;
  free: Line;
  said: string[];
} {
  const said: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => said.push(message) };
  const speaker = new Speaker({ log });
  const source = speaker.up();
  const limited = speaker.up({ limits: { out } });
  const free = speaker.up();
  speaker.run();
  return { speaker, source, limited, free, said };
}

function settle(speaker: Speaker): void {
  speaker.run();
  speaker.clock.advance(1100);
  speaker.run();
}

function set(speaker: Speaker, line: Line, out: readonly OutRouteLimit[]): void {
  const before = line.session.options;
  (line.session as { options: PeerOptions }).options = {
    ...before,
    limits: { ...NO_LIMITS, out },
  };
  speaker.reflector.reconfigured(line.session, before);
}

describe("withhold", () => {
  it("sends so many and no more, in one batch as in many; the others get all", () => {
    const { speaker, source, limited, free, said } = start([limit()]);
    source.say(evpnUpdate([mac(1), mac(2), mac(3), mac(4), mac(5)]));
    settle(speaker);
    const [few, all] = [new Held(), new Held()];
    expect(few.read(limited).size).toBe(3);
    expect(all.read(free).size).toBe(5);
    source.say(evpnUpdate([mac(6)]));
    settle(speaker);
    expect(few.read(limited).size).toBe(3);
    expect(said).toContain("routes beyond a limit are not sent");
    expect(speaker.reflector.audit()).toEqual([]);
    // A change of a route that it has reaches it, one that it has not does not.
    source.say(evpnUpdate([mac(1), mac(6)], marked(7)));
    settle(speaker);
    expect(few.read(limited).size).toBe(3);
  });

  it("a place that becomes free is given to what was withheld", () => {
    const { speaker, source, limited } = start([limit()]);
    source.say(evpnUpdate([mac(1), mac(2), mac(3), mac(4)]));
    settle(speaker);
    const held = new Held();
    held.read(limited);
    source.say(evpnWithdraw([mac(1), mac(2)]));
    settle(speaker);
    expect(held.read(limited).size).toBe(2);
    source.say(evpnWithdraw([mac(3), mac(4)]));
    settle(speaker);
    expect(held.read(limited).size).toBe(0);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("holds for the first table, and for a refresh", () => {
    const { speaker, source } = start([]);
    source.say(evpnUpdate(Array.from({ length: 20 }, (_, n) => mac(n))));
    settle(speaker);
    const late = speaker.up({ limits: { out: [limit({ maximum: 5 })] } });
    settle(speaker);
    const held = new Held();
    expect(held.read(late).size).toBe(5);
    speaker.reflector.refreshOut(late.session, Family.Evpn);
    settle(speaker);
    expect(held.read(late).size).toBe(5);
    const view = speaker.reflector.outLimits.view(speaker.reflector.peer(late.session.id)!.slot);
    expect(view.find(({ family }) => family === "l2vpn-evpn")).toMatchObject({
      direction: "out",
      count: 5,
      maximum: 5,
      action: "withhold",
    });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("raised and taken away under way sends what was missing", () => {
    const { speaker, source, limited } = start([limit()]);
    source.say(evpnUpdate(Array.from({ length: 10 }, (_, n) => mac(n))));
    settle(speaker);
    const held = new Held();
    expect(held.read(limited).size).toBe(3);
    set(speaker, limited, [limit({ maximum: 7 })]);
    settle(speaker);
    expect(held.read(limited).size).toBe(7);
    set(speaker, limited, []);
    settle(speaker);
    expect(held.read(limited).size).toBe(10);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("random changes never bring more, and room is never left unused", () => {
    const { speaker, source, limited, free } = start([limit({ maximum: 8 })]);
    const [few, all] = [new Held(), new Held()];
    let seed = 11;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    for (let step = 0; step < 400; step++) {
      const nlri = mac(below(20));
      source.say(below(2) === 0 ? evpnUpdate([nlri], marked(below(3))) : evpnWithdraw([nlri]));
      if (below(4) === 0) speaker.run();
      expect(few.read(limited).size).toBeLessThanOrEqual(8);
      if (below(40) !== 0) continue;
      settle(speaker);
      settle(speaker);
      const have = all.read(free);
      expect(few.read(limited).size).toBe(Math.min(8, have.size));
      for (const key of few.keys) expect(have).toContain(key);
      expect(speaker.reflector.audit()).toEqual([]);
    }
  });
});

describe("by route type and by VNI", () => {
  const EVPN_ONLY = { family: Family.Evpn, warnAt: 0 } as const;

  it("withhold: each VNI by itself, and the types not meant go out", () => {
    const { speaker, source, limited, free } = start([
      limit({ ...EVPN_ONLY, perVni: true, maximum: 2 }),
      limit({ ...EVPN_ONLY, routeType: 3, maximum: 1 }),
    ]);
    source.say(evpnUpdate([1, 2, 3, 4].map((n) => mac(n, 100))));
    source.say(evpnUpdate([5, 6].map((n) => mac(n, 200))));
    source.say(evpnUpdate([1, 2].map((n) => imet(rd(n), 0, "0a000001"))));
    settle(speaker);
    const [few, all] = [new Held(), new Held()];
    expect(few.read(limited).size).toBe(5);
    expect(all.read(free).size).toBe(8);
    const { slot } = speaker.reflector.peer(limited.session.id)!;
    expect(speaker.reflector.outLimits.view(slot)).toMatchObject([
      { direction: "out", perVni: true, count: 2, maximum: 2 },
      { direction: "out", routeType: 3, count: 1, maximum: 1 },
    ]);
    // Room in the one VNI is given to what was withheld of it.
    const gone = [1, 2, 3, 4].find((n) => few.names(mac(n, 100)))!;
    source.say(evpnWithdraw([mac(gone, 100)]));
    settle(speaker);
    expect(few.read(limited).size).toBe(5);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("a route that moves to another VNI counts there, and leaves room", () => {
    const { speaker, source, limited } = start([limit({ ...EVPN_ONLY, perVni: true, maximum: 1 })]);
    source.say(evpnUpdate([mac(1, 100), mac(2, 100)]));
    settle(speaker);
    const held = new Held();
    expect(held.read(limited).size).toBe(1);
    const sent = held.names(mac(1, 100)) ? 1 : 2;
    source.say(evpnUpdate([mac(sent, 300)]));
    settle(speaker);
    expect(held.read(limited).size).toBe(2);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("set under way counts what is there; a lower one needs a new session", () => {
    const { speaker, source, limited } = start([]);
    source.say(evpnUpdate([1, 2, 3].map((n) => mac(n, 100))));
    settle(speaker);
    set(speaker, limited, [limit({ ...EVPN_ONLY, perVni: true, maximum: 3 })]);
    source.say(evpnUpdate([mac(4, 100), mac(5, 200)]));
    settle(speaker);
    const held = new Held();
    expect(held.read(limited).size).toBe(4);
    expect(limited.resets).toEqual([]);
    const before = limited.session.options;
    const after = { ...NO_LIMITS, out: [limit({ ...EVPN_ONLY, routeType: 2, maximum: 2 })] };
    (limited.session as { options: PeerOptions }).options = { ...before, limits: after };
    expect(speaker.reflector.reconfigured(limited.session, before)).toMatch(/more routes than/);
  });

  it("stop: of a route type", () => {
    const { speaker, source, limited } = start([
      limit({ ...EVPN_ONLY, routeType: 3, maximum: 1, action: "stop" }),
    ]);
    source.say(evpnUpdate([mac(1), mac(2), imet(rd(1), 0, "0a000001")]));
    settle(speaker);
    expect(limited.resets).toEqual([]);
    source.say(evpnUpdate([imet(rd(2), 0, "0a000001")]));
    settle(speaker);
    expect(limited.resets).toEqual([
      "would be sent more than 1 l2vpn-evpn type 3 routes (limit out)",
    ]);
  });

  it("random changes never bring more, counts are those of the table, and room is used", () => {
    const { speaker, source, limited, free } = start([
      limit({ ...EVPN_ONLY, perVni: true, maximum: 3 }),
    ]);
    const [few, all] = [new Held(), new Held()];
    let seed = 17;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    const { slot } = speaker.reflector.peer(limited.session.id)!;
    const kind = { routeType: undefined, perVni: true, maximum: Infinity };
    // The VNI hangs on the MAC: none moves.
    const vniOf = (n: number): number => 100 + (n % 3);
    for (let step = 0; step < 600; step++) {
      const n = below(24);
      const nlri = mac(n, vniOf(n));
      source.say(below(2) === 0 ? evpnUpdate([nlri], marked(below(3))) : evpnWithdraw([nlri]));
      if (below(4) === 0) speaker.run();
      if (below(30) !== 0) continue;
      settle(speaker);
      settle(speaker);
      few.read(limited);
      all.read(free);
      const { out } = speaker.reflector;
      expect(out.kindCount(slot, Family.Evpn, 0).count).toBe(
        out.countKind(slot, Family.Evpn, kind).count,
      );
      for (const vni of [0, 1, 2]) {
        const count = (held: Held): number =>
          Array.from({ length: 24 }, (_, each) => each)
            .filter((each) => each % 3 === vni)
            .filter((each) => held.names(mac(each, vniOf(each)))).length;
        expect(count(few)).toBe(Math.min(3, count(all)));
      }
      expect(speaker.reflector.audit()).toEqual([]);
    }
  });
});

describe("stop and warn", () => {
  it("stop ends the session that would have too many, and no other", () => {
    const { speaker, source, limited, free } = start([limit({ action: "stop" })]);
    source.say(evpnUpdate([mac(1), mac(2), mac(3)]));
    settle(speaker);
    expect(limited.resets).toEqual([]);
    source.say(evpnUpdate([mac(4)]));
    settle(speaker);
    expect(limited.resets).toHaveLength(1);
    expect(free.resets).toEqual([]);
    expect(speaker.reflector.outLimits.isIdle).toBe(true);
  });

  it("warn says so at the threshold and beyond, and sends all", () => {
    const { speaker, source, limited, said } = start([limit({ action: "warn", warnAt: 60 })]);
    source.say(evpnUpdate([mac(1), mac(2)]));
    settle(speaker);
    expect(said).toEqual(["60 % of a limit on routes sent reached"]);
    source.say(evpnUpdate([mac(3), mac(4), mac(5)]));
    settle(speaker);
    expect(said).toHaveLength(2);
    expect(new Held().read(limited).size).toBe(5);
  });
});
