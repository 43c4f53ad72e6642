/** Routes of our own beside those of sessions: who gets them, how they look, and that the table stays sound. */
import { describe, expect, it } from "vitest";
import type { LocalSource } from "../../src/bgp/local-routes.js";
import type { ExplainedRoute } from "../../src/bgp/policy-view.js";
import { RouteExplainer } from "../../src/bgp/route-explain.js";
import { queryRoutes } from "../../src/bgp/route-query.js";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { bytesOf } from "../model/lib/hex.js";
import { maskOf } from "../model/lib/peer.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "./lib/speaker.js";
import { attribute, key as keyOf, mac, PLAIN } from "./lib/tables.js";
import { rulesOf } from "./policy/rules/lib.js";

const HOP = "0a000009";
const key = (number: number): string => keyOf(mac(number));
const RT_100 = attribute(16, 0xc0, "0002fde800000064");

function announce(source: LocalSource, nlri: string, attributes = PLAIN, pathId = 0): boolean {
  const bytes = bytesOf(nlri);
  const set = bytesOf(HOP + attributes);
  return source.announce(Family.Evpn, bytes, bytes.length, pathId, set, set.length, 4);
}

function withdraw(source: LocalSource, nlri: string, pathId = 0): boolean {
  const bytes = bytesOf(nlri);
  return source.withdraw(Family.Evpn, bytes, bytes.length, pathId);
}

function state(source: LocalSource, nlri: string, pathId = 0) {
  const bytes = bytesOf(nlri);
  return source.state(Family.Evpn, bytes, bytes.length, pathId);
}

function start() {
  const speaker = new Speaker();
  const source = speaker.reflector.localRoutes.source((id) => `local, owner ${id}`);
  const say = (nlri: string, attributes?: string, pathId?: number): void => {
    announce(source, nlri, attributes, pathId);
    source.wake();
    speaker.run();
  };
  return { speaker, source, say };
}

/** Codes of the attributes that a line was last sent. */
function codes(line: Line): number[][] {
  return line
    .take()
    .flatMap((received) =>
      received.kind === "announce" ? [received.attributes.map(({ code }) => code)] : [],
    );
}

describe("routes of our own", () => {
  it("go to clients and non-clients as they are, to eBGP peers that may have them with our AS", () => {
    const { speaker, say, source } = start();
    const client = speaker.up();
    const other = speaker.up({ kind: "non-client" });
    const outside = speaker.up({ kind: "ebgp", as: 65001, acceptOut: true });
    const silent = speaker.up({ kind: "ebgp", as: 65001, acceptOut: false });
    say(mac(1));
    expect(codes(client)).toEqual([[1, 2, 5]]);
    expect(codes(other)).toEqual([[1, 2, 5]]);
    const [sent] = outside.take().filter(({ kind }) => kind === "announce");
    const path = sent?.kind === "announce" ? sent.attributes.find(({ code }) => code === 2) : null;
    expect(path?.value).toBe("02010000fde8");
    expect(codes(silent)).toEqual([]);
    expect(withdraw(source, mac(1))).toBe(true);
    expect(withdraw(source, mac(1))).toBe(false);
    source.wake();
    speaker.run();
    expect(client.takeKeys()).toEqual([`-${key(1)}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("are sent once, however often they are announced, and again when they change", () => {
    const { speaker, say, source } = start();
    const client = speaker.up();
    say(mac(1));
    say(mac(1));
    expect(client.takeKeys()).toEqual([`+${key(1)}`]);
    say(mac(1), PLAIN + RT_100);
    expect(client.takeKeys()).toEqual([`+${key(1)}`]);
    expect(source.count).toBe(1);
    expect(announce(source, `${mac(1)}00`)).toBe(false);
  });

  it("are as old as their announcement, however long nothing happened before", () => {
    const { speaker, source, say } = start();
    const { clock, reflector } = speaker;
    speaker.up();
    say(mac(1));
    clock.advance(40_000);
    announce(source, mac(2));
    expect(reflector.table.nowMs).toBe(clock.now());
    const { routes } = queryRoutes(reflector, { table: "all" }, undefined, () => 0);
    const ages = routes.map(({ changed }) => Math.round((clock.wall() - changed) / 1000));
    expect(ages).toEqual([40, 0]);
    clock.advance(40_000);
    withdraw(source, mac(1));
    expect(reflector.table.nowMs).toBe(clock.now());
  });

  it("compete with a peer's by ordinary best path, our BGP identifier for originator", () => {
    const { speaker, say, source } = start();
    const pe = speaker.up({ id: 0x0a000001 });
    const late = speaker.up({ id: 0x0a6300ff });
    say(mac(1));
    expect(state(source, mac(1))).toEqual({ best: true, reason: "only path" });
    pe.say(evpnUpdate([mac(1)]));
    speaker.run();
    expect(state(source, mac(1))).toEqual({
      best: false,
      reason: "the best has: lower originator or router id",
    });
    pe.say(evpnWithdraw([mac(1)]));
    late.say(evpnUpdate([mac(1)]));
    speaker.run();
    expect(state(source, mac(1))?.best).toBe(true);
    say(mac(1), PLAIN.replace("00000064", "00000001"));
    expect(state(source, mac(1))?.reason).toBe("the best has: higher LOCAL_PREF");
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("are decided anew when our identifier changes", () => {
    const identity = { as: 65000, routerId: 0x0a6300fe, clusterId: 0x0a6300fd };
    const speaker = new Speaker(identity);
    const source = speaker.reflector.localRoutes.source(() => "local");
    const pe = speaker.up({ id: 0x0a000002 });
    pe.say(evpnUpdate([mac(1), mac(2)]));
    announce(source, mac(1));
    announce(source, mac(3));
    speaker.run();
    expect(state(source, mac(1))?.best).toBe(false);
    Object.assign(speaker.reflector.identity, { routerId: 0x0a000001 });
    speaker.reflector.localRoutes.reidentify();
    speaker.run();
    expect(state(source, mac(1))?.best).toBe(true);
    expect(source.count).toBe(2);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("of several owners stand beside each other, the first before the others", () => {
    const { speaker, say, source } = start();
    const client = speaker.up();
    say(mac(1, 100), PLAIN, 0);
    say(mac(1, 200), PLAIN, 7);
    expect(source.count).toBe(2);
    expect(client.takeKeys()).toEqual([`+${key(1)}`]);
    expect(state(source, mac(1), 7)?.best).toBe(false);
    const page = queryRoutes(speaker.reflector, { table: "all" }, undefined, () => 0);
    expect(page.routes.map(({ peer }) => peer)).toEqual(["local, owner 0", "local, owner 7"]);
    expect(page.routes[0]?.originator).toBe("10.99.0.254");
    withdraw(source, mac(1), 0);
    source.wake();
    speaker.run();
    expect(client.takeKeys()).toEqual([`+${key(1)}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("obey route-target constraint and export rules, and no import rules", () => {
    const { speaker, source } = start();
    const membership = (target: string): string => `600000fde80002fde8${target}`;
    speaker.reflector.policies.configure(rulesOf(`- {match: {vni: 100}, then: reject}`));
    const rtc = maskOf(Family.Evpn, Family.RouteTarget);
    const wants = speaker.up({ families: rtc });
    const others = speaker.up({ families: rtc });
    const ruled = speaker.up({ policy: { exportPolicies: ["p"], importPolicies: ["p"] } });
    for (const [line, target] of [
      [wants, "00000064"],
      [others, "000000c8"],
    ] as const) {
      const reach = `00018404${HOP}00${membership(target)}`;
      line.say(update("", PLAIN + attribute(14, 0x80, reach)));
      line.say(update("", attribute(15, 0x80, "000184")));
    }
    speaker.run();
    for (const line of [wants, others, ruled]) line.take();
    announce(source, mac(1, 100), PLAIN + RT_100);
    announce(source, mac(2, 300), PLAIN + RT_100);
    source.wake();
    speaker.run();
    expect(wants.takeKeys().sort()).toEqual([`+${key(1)}`, `+${key(2)}`].sort());
    expect(others.takeKeys()).toEqual([]);
    expect(ruled.takeKeys()).toEqual([`+${key(2)}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it("are explained as what they are: whose, why best or not, and who was sent them", () => {
    const { speaker, say } = start();
    const client = speaker.up({ id: 0x0a000001 });
    const outside = speaker.up({ kind: "ebgp", as: 65001, acceptOut: false });
    say(mac(1));
    const explain = (): ExplainedRoute | undefined => {
      const found: ExplainedRoute[] = [];
      const job = new RouteExplainer(speaker.reflector, { table: "all" }, ({ routes }) =>
        found.push(...routes),
      );
      while (!job.step());
      return found[0];
    };
    const alone = explain();
    expect(alone?.paths).toMatchObject([
      { peer: "local, owner 0", best: true, reason: "only path" },
    ]);
    expect(alone?.receivers.map(({ sent }) => sent)).toEqual([true, false]);
    expect(alone?.receivers[1]?.reason).toBe("eBGP without ebgp-accept-out (RFC 8212)");
    client.say(evpnUpdate([mac(1)]));
    speaker.run();
    const reasons = explain()?.paths.map(({ peer, reason }) => [peer, reason]);
    expect(reasons).toContainEqual([
      "local, owner 0",
      "the best has: lower originator or router id",
    ]);
    expect(outside.takeKeys()).toEqual([]);
  });

  it("that are not renewed go", () => {
    const { speaker, source } = start();
    const client = speaker.up();
    for (const number of [1, 2, 3]) announce(source, mac(number));
    source.wake();
    speaker.run();
    client.take();
    source.beginRenewal();
    announce(source, mac(2));
    source.endRenewal();
    speaker.run();
    expect(client.takeKeys().sort()).toEqual([`-${key(1)}`, `-${key(3)}`].sort());
    expect(source.count).toBe(1);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  it.each(["before", "in"])(
    "that are not renewed go, though our identifier changes %s it",
    (when) => {
      const { speaker, say, source } = start();
      speaker.up().say(evpnUpdate([mac(1)]));
      say(mac(1));
      say(mac(2));
      Object.assign(speaker.reflector.identity, { routerId: 0x0a000001 });
      if (when === "before") speaker.reflector.localRoutes.reidentify();
      source.beginRenewal();
      if (when === "in") speaker.reflector.localRoutes.reidentify();
      speaker.run();
      announce(source, mac(2));
      source.endRenewal();
      speaker.run();
      expect(source.count).toBe(1);
      expect(state(source, mac(1))).toBeUndefined();
      expect(speaker.reflector.audit()).toEqual([]);
    },
  );

  it("of a reader of the change log are sent in the turn after it", () => {
    const { speaker, source } = start();
    const client = speaker.up();
    const pe = speaker.up();
    const { table } = speaker.reflector;
    let position = table.log.tail;
    speaker.reflector.attachReader({
      get position() {
        return position;
      },
      read: () => {
        if (position < table.log.tail) announce(source, mac(9));
        position = table.log.tail;
        return false;
      },
    });
    pe.say(evpnUpdate([mac(1)]));
    speaker.run();
    expect(client.takeKeys().sort()).toEqual([`+${key(1)}`, `+${key(9)}`].sort());
  });
});
