/** Limits at work in a reflector: routes by family, type and VNI, attributes, update rate, changes under way. */
import { describe, expect, it } from "vitest";
import { NO_LIMITS, type PeerLimits, type RouteLimit } from "../../../src/bgp/limits/settings.js";
import type { PeerOptions } from "../../../src/bgp/settings.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { silentLog } from "../../../src/util/log.js";
import { evpn, imet, rd } from "../../model/lib/nlri.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "../lib/speaker.js";
import { attribute, key, mac, marked, PLAIN } from "../lib/tables.js";

const EVPN = Family.Evpn;

function routes(over: Partial<RouteLimit>): RouteLimit {
  return {
    family: EVPN,
    routeType: undefined,
    perVni: false,
    maximum: 3,
    warnAt: 0,
    action: "discard",
    ...over,
  };
}

class Lines {
  readonly lines: { readonly fields: Record<string, unknown>; readonly message: string }[] = [];
  readonly log = {
    ...silentLog,
    warn: (fields: object, message: string): void => {
      this.lines.push({ fields: fields as Record<string, unknown>, message });
    },
  };
}

function start(limits: Partial<PeerLimits>): {
  speaker: Speaker;
  source: Line;
  listener: Line;
  said: Lines["lines"];
  set: (next: Partial<PeerLimits>) => void;
} {
  const said = new Lines();
  const speaker = new Speaker({ log: said.log });
  const source = speaker.up({ limits });
  const listener = speaker.up();
  speaker.run();
  listener.take();
  const set = (next: Partial<PeerLimits>): void => {
    const was = source.session.options;
    (source.session as { options: PeerOptions }).options = {
      ...was,
      limits: { ...NO_LIMITS, ...next },
    };
    speaker.reflector.reconfigured(source.session, was);
  };
  return { speaker, source, listener, said: said.lines, set };
}

const keys = (...numbers: number[]): string[] => numbers.map((n) => `+${key(mac(n))}`);

describe("limits on routes received", () => {
  it("discard: routes beyond are held, shown and not sent; room lets them in", () => {
    const { speaker, source, listener, said } = start({ in: [routes({})] });
    source.say(evpnUpdate([mac(1), mac(2), mac(3), mac(4), mac(5)]));
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual(keys(1, 2, 3));
    expect(speaker.reflector.table.pathCount).toBe(5);
    const limiter = speaker.reflector.peer(source.session.id)!.limiter!;
    expect(limiter.view()).toMatchObject({
      routes: [{ family: "l2vpn-evpn", count: 3, maximum: 3, action: "discard" }],
      held: 2,
      refused: { discarded: 2, dropped: 0 },
    });
    expect(said.map(({ message }) => message)).toEqual(["routes beyond a limit are held"]);
    // Another label, the same route: no new one.
    source.say(evpnUpdate([mac(1, 200)]));
    speaker.run();
    expect(listener.takeKeys()).toEqual(keys(1));
    source.say(evpnWithdraw([mac(2)]));
    speaker.clock.advance(300);
    speaker.run();
    const seen = listener.takeKeys();
    expect(seen).toContain(`-${key(mac(2))}`);
    expect(seen).toHaveLength(2);
    expect(limiter.view()).toMatchObject({ routes: [{ count: 3 }], held: 1 });
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("stop: the session ends with the number in the data", () => {
    const { speaker, source, listener } = start({ in: [routes({ action: "stop" })] });
    source.say(evpnUpdate([mac(1), mac(2), mac(3)]));
    speaker.run();
    expect(source.resets).toEqual([]);
    source.say(evpnUpdate([mac(4)]));
    speaker.run();
    expect(source.resets).toEqual(["more than 3 routes (limit on l2vpn-evpn)"]);
    expect(listener.takeKeys().filter((one) => one.startsWith("-"))).toHaveLength(3);
  });

  it("warn: a line at the threshold, a line beyond, and no more of them in a minute", () => {
    const { speaker, source, said } = start({ in: [routes({ action: "warn", warnAt: 60 })] });
    source.say(evpnUpdate([mac(1)]));
    expect(said).toEqual([]);
    source.say(evpnUpdate([mac(2)]));
    expect(said.map(({ message }) => message)).toEqual(["60 % of a limit on routes reached"]);
    for (let n = 3; n < 50; n++) source.say(evpnUpdate([mac(n)]));
    expect(said).toHaveLength(2);
    expect(said[1]).toMatchObject({ message: "more routes than its limit" });
    speaker.clock.advance(61_000);
    source.say(evpnUpdate([mac(50)]));
    expect(said[2]).toMatchObject({ fields: { suppressed: 45 } });
    expect(source.resets).toEqual([]);
  });

  it("by EVPN route type, the others left alone", () => {
    const { speaker, source, listener } = start({ in: [routes({ routeType: 2, maximum: 1 })] });
    source.say(
      evpnUpdate([mac(1), mac(2), imet(rd(1), 0, "0a000001"), imet(rd(2), 0, "0a000001")]),
    );
    speaker.run();
    expect(listener.takeKeys()).toHaveLength(3);
  });

  it("by VNI: of the label, of type 3's tunnel; a route that changes its VNI counts there", () => {
    const { speaker, source, listener } = start({ in: [routes({ perVni: true, maximum: 2 })] });
    source.say(evpnUpdate([mac(1, 100), mac(2, 100), mac(3, 100), mac(4, 200)]));
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual(keys(1, 2, 4));
    const tunnel = (vni: string): string => PLAIN + attribute(22, 0xc0, `0006${vni}0a000001`);
    source.say(evpnUpdate([imet(rd(1), 0, "0a000001")], tunnel("000064")));
    source.say(evpnUpdate([imet(rd(2), 0, "0a000001")], tunnel("0000c8")));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(imet(rd(2), 0, "0a000001"))}`]);
    const limiter = speaker.reflector.peer(source.session.id)!.limiter!;
    expect(limiter.view()).toMatchObject({ routes: [{ count: 2 }], held: 2 });
    // From VNI 100 to 300: its place there is free for one of those held.
    source.say(evpnUpdate([mac(1, 300)]));
    speaker.clock.advance(300);
    speaker.run();
    expect(limiter.held).toBe(1);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("counts are what the table has after random announcements, withdrawals and refreshes", () => {
    const { speaker, source } = start({
      in: [
        routes({ maximum: 12 }),
        routes({ perVni: true, maximum: 5 }),
        routes({ routeType: 2, maximum: 9 }),
      ],
    });
    let seed = 7;
    const below = (n: number): number => (seed = (seed * 48271) % 0x7fffffff) % n;
    const limiter = speaker.reflector.peer(source.session.id)!.limiter!;
    for (let step = 0; step < 3000; step++) {
      const nlri = mac(below(25), 100 + below(4));
      const what = below(10);
      if (what < 6) source.say(evpnUpdate([nlri], marked(below(3))));
      else if (what < 9) source.say(evpnWithdraw([nlri]));
      else if (below(10) === 0) {
        speaker.reflector.routeRefresh(source.session, EVPN, 1);
        source.say(evpnUpdate([nlri]));
        speaker.reflector.routeRefresh(source.session, EVPN, 2);
      }
      if (below(20) === 0) {
        speaker.clock.advance(300);
        speaker.run();
      }
    }
    speaker.clock.advance(300);
    speaker.run();
    const counted = limiter.view();
    const { held } = limiter;
    limiter.recount();
    expect(limiter.view()).toEqual(counted);
    expect(limiter.held).toBe(held);
    for (const { count, maximum } of counted.routes) expect(count).toBeLessThanOrEqual(maximum);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("a change under way: smaller holds, larger lets in, none lets all in", () => {
    const { speaker, source, listener, set } = start({});
    source.say(evpnUpdate([mac(1), mac(2), mac(3), mac(4)]));
    speaker.run();
    listener.take();
    set({ in: [routes({ maximum: 2 })] });
    speaker.clock.advance(300);
    speaker.run();
    expect(listener.takeKeys().filter((one) => one.startsWith("-"))).toHaveLength(2);
    set({ in: [routes({ maximum: 3 })] });
    speaker.clock.advance(300);
    speaker.run();
    expect(listener.takeKeys().filter((one) => one.startsWith("+"))).toHaveLength(1);
    set({});
    speaker.clock.advance(300);
    speaker.run();
    expect(listener.takeKeys().filter((one) => one.startsWith("+"))).toHaveLength(1);
    expect(speaker.reflector.audit()).toEqual([]);
    set({ in: [routes({ action: "stop", maximum: 2 })] });
    expect(source.resets).toHaveLength(1);
  });
});

describe("limits on attributes", () => {
  const communities = (count: number): string =>
    PLAIN +
    attribute(8, 0xc0, "fde80001".repeat(count)) +
    attribute(32, 0xc0, "0000fde8".repeat(3));

  it("count communities of all kinds; what exceeds them is withdrawn", () => {
    const attributes = { ...NO_LIMITS.attributes, communities: 4 };
    const { speaker, source, listener, said } = start({ attributes });
    source.say(evpnUpdate([mac(1)], communities(3)));
    speaker.run();
    expect(listener.takeKeys()).toEqual(keys(1));
    source.say(evpnUpdate([mac(1)], communities(4)));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(mac(1))}`]);
    expect(speaker.reflector.table.pathCount).toBe(0);
    expect(speaker.reflector.attrs.count).toBe(0);
    expect(said).toHaveLength(1);
    const limiter = speaker.reflector.peer(source.session.id)!.limiter!;
    expect(limiter.view().refused).toMatchObject({ communities: 1, attributeSize: 0 });
  });

  it.each([
    ["size", { size: 20 }, PLAIN + attribute(200, 0xc0, "00".repeat(10))],
    ["clusterList", { clusterList: 2 }, PLAIN + attribute(10, 0x80, "0a000001".repeat(3))],
    [
      "asPath",
      { asPath: 2 },
      PLAIN.replace("400200", attribute(2, 0x40, `0203${"0000fde9".repeat(3)}`)),
    ],
  ])("%s", (_name, limit, set) => {
    const { speaker, source, listener } = start({
      attributes: { ...NO_LIMITS.attributes, ...limit },
    });
    source.say(evpnUpdate([mac(1)], set));
    source.say(evpnUpdate([mac(2)]));
    speaker.run();
    expect(listener.takeKeys()).toEqual(keys(2));
  });

  it("a change under way takes out what is too much, and asks for what was", () => {
    const { speaker, source, listener, set } = start({});
    source.say(evpnUpdate([mac(1)], communities(9)));
    source.say(evpnUpdate([mac(2)]));
    speaker.run();
    listener.take();
    set({ attributes: { ...NO_LIMITS.attributes, communities: 5 } });
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(mac(1))}`]);
    source.take();
    set({});
    speaker.run();
    expect(source.take()).toMatchObject([{ kind: "refresh", subtype: 0 }]);
  });
});

describe("update rate", () => {
  const rate = { updates: 10, routes: 0, burst: 1 };

  it("pauses reading for what is owed, and forgives nothing", () => {
    const { speaker, source } = start({ rate });
    const limiter = speaker.reflector.peer(source.session.id)!.limiter!;
    for (let n = 0; n < 10; n++) source.say(evpnUpdate([mac(n)]));
    expect(source.session.paused).toBe(false);
    // What the kernel had given us already is applied, and owed.
    for (let n = 10; n < 30; n++) source.say(evpnUpdate([mac(n)]));
    expect(source.session.paused).toBe(true);
    speaker.clock.advance(1900);
    expect(source.session.paused).toBe(true);
    speaker.clock.advance(200);
    expect(source.session.paused).toBe(false);
    expect(limiter.view().reading).toMatchObject({ paused: false, pauses: 1 });
    expect(limiter.view().reading.pausedSeconds).toBeGreaterThan(1.9);
  });

  it("counts routes where it is told to", () => {
    const { source } = start({ rate: { updates: 0, routes: 10, burst: 1 } });
    source.say(evpnUpdate(Array.from({ length: 11 }, (_, n) => mac(n))));
    expect(source.session.paused).toBe(true);
  });

  it("is changed under way: what is owed is forgiven", () => {
    const { source, set } = start({ rate });
    for (let n = 0; n < 100; n++) source.say(evpnUpdate([mac(n)]));
    expect(source.session.paused).toBe(true);
    set({});
    expect(source.session.paused).toBe(false);
  });

  it("ends with the session: no timer wakes what is gone", () => {
    const { speaker, source } = start({ rate });
    for (let n = 0; n < 100; n++) source.say(evpnUpdate([mac(n)]));
    source.down();
    speaker.clock.advance(60_000);
    expect(source.session.paused).toBe(true);
  });
});

describe("no limits", () => {
  it("cost nothing: nobody is told of paths", () => {
    const { speaker, source } = start({});
    expect(speaker.reflector.peer(source.session.id)!.limiter).toBeUndefined();
    expect(speaker.reflector.table.counter).toBeUndefined();
    expect(evpn(1, "")).toBe("0100");
  });
});
