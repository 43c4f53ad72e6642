/** Restarts through the whole reflector: what others are sent, or spared, while a peer is away and back. */
import { describe, expect, test } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { encodeEndOfRib } from "../../src/fast-bgp-codec/end-of-rib.js";
import type { Negotiated } from "../../src/bgp/session/types.js";
import { SETTLE_MS } from "../../src/bgp/restart/deferral.js";
import { GRACEFUL_RESTART_DEFAULTS } from "../../src/bgp/graceful-settings.js";
import { ALL_FAMILIES, maskOf, type PeerSpec } from "../model/lib/peer.js";
import { bytesOf, hexOf } from "../model/lib/hex.js";
import { evpnUpdate, evpnWithdraw, Speaker, update, type Line } from "./lib/speaker.js";
import { rulesOf } from "./policy/rules/lib.js";
import { attribute, EMPTY_PATH, key, LOCAL_PREF, mac, ORIGIN, PLAIN } from "./lib/tables.js";

const EVPN = maskOf(Family.Evpn);
const END = encodeEndOfRib(Family.Evpn);
const graceful: Partial<Negotiated> = {
  gracefulRestart: {
    restarting: false,
    notification: false,
    time: 30,
    families: EVPN,
    forwarding: EVPN,
  },
};
const longLived: Partial<Negotiated> = {
  ...graceful,
  longLived: { families: EVPN, forwarding: EVPN, times: [0, 0, 600, 0, 0, 0] },
};
const lasting = {
  longLived: { ...GRACEFUL_RESTART_DEFAULTS.longLived, enabled: true },
};

const SOURCE: Partial<PeerSpec> = { address: "10.0.0.77", id: 77, negotiated: graceful };
const [A, B, C] = [mac(1), mac(2), mac(3)];
const withCommunity = (value: string): string =>
  ORIGIN + EMPTY_PATH + LOCAL_PREF + attribute(8, 0xc0, value);

function bench(over: Partial<PeerSpec> = {}, ...others: Partial<PeerSpec>[]) {
  const speaker = new Speaker();
  const listeners = (others.length === 0 ? [{}] : others).map((other) => speaker.up(other));
  const source = (): Line => speaker.up({ ...SOURCE, ...over });
  const sourceLine = source();
  sourceLine.say(evpnUpdate([A, B]));
  sourceLine.say(END);
  speaker.run();
  for (const listener of listeners) listener.take();
  const clean = (): void => expect(speaker.reflector.audit()).toEqual([]);
  return { speaker, listeners, listener: listeners[0]!, source, line: sourceLine, clean };
}

describe("a peer that restarts", () => {
  test("costs the others nothing when it comes back with the same routes", () => {
    const { speaker, listener, source, line, clean } = bench();
    line.down();
    speaker.run();
    clean();
    expect(speaker.reflector.stats()).toMatchObject({ retained_peers: 1, stale_routes: 2 });
    const again = source();
    again.say(evpnUpdate([A, B]));
    again.say(END);
    speaker.run();
    expect(listener.take()).toEqual([]);
    expect(speaker.reflector.stats()).toMatchObject({
      retained_peers: 0,
      stale_routes: 0,
      routes: 2,
    });
    clean();
    // It is sent the whole table itself, which here is nothing of its own.
    again.say(evpnWithdraw([A]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(A)}`]);
  });

  test("what it does not announce again goes with End-of-RIB, what changed is sent", () => {
    const { speaker, listener, source, line } = bench();
    line.down();
    const again = source();
    again.say(evpnUpdate([B], withCommunity("00010001")));
    again.say(evpnUpdate([C]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(B)}`, `+${key(C)}`]);
    again.say(END);
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(A)}`]);
  });

  test("and does not come back costs them the routes", () => {
    const { speaker, listener, line, clean } = bench();
    line.down();
    speaker.run();
    speaker.clock.advance(29_000);
    speaker.run();
    expect(listener.take()).toEqual([]);
    speaker.clock.advance(1_100);
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual([`-${key(A)}`, `-${key(B)}`]);
    expect(speaker.reflector.stats()).toMatchObject({ routes: 0, retained_peers: 0 });
    clean();
    // The slot is free again, and nothing of its past is left on it.
    const next = speaker.up({ address: "10.0.0.78" });
    next.say(evpnUpdate([A]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(A)}`]);
  });

  test("a second time, in the middle of coming back", () => {
    const { speaker, listener, source, line, clean } = bench();
    line.down();
    const again = source();
    again.say(evpnUpdate([B]));
    again.down();
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(A)}`]);
    const third = source();
    third.say(evpnUpdate([B, A]));
    third.say(END);
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(A)}`]);
    clean();
  });

  test("with an enhanced refresh that has no place before End-of-RIB, and one after it", () => {
    const { speaker, listener, source, line } = bench();
    line.down();
    const again = source();
    speaker.reflector.routeRefresh(again.session, Family.Evpn, 1);
    again.say(evpnUpdate([A]));
    speaker.reflector.routeRefresh(again.session, Family.Evpn, 2);
    speaker.run();
    expect(listener.take()).toEqual([]);
    again.say(evpnUpdate([B]));
    again.say(END);
    speaker.reflector.routeRefresh(again.session, Family.Evpn, 1);
    again.say(evpnUpdate([B]));
    speaker.reflector.routeRefresh(again.session, Family.Evpn, 2);
    speaker.run();
    expect(listener.takeKeys()).toEqual([`-${key(A)}`]);
  });

  test("in the middle of an enhanced refresh: what waited for it is kept as well", () => {
    const { speaker, listener, source, line } = bench();
    speaker.reflector.routeRefresh(line.session, Family.Evpn, 1);
    line.say(evpnUpdate([A]));
    line.down();
    const again = source();
    again.say(evpnUpdate([A, B]));
    again.say(END);
    speaker.run();
    expect(listener.take()).toEqual([]);
  });

  test("as another speaker is another peer", () => {
    const { speaker, listener, line, clean } = bench();
    line.down();
    const other = speaker.up({ ...SOURCE, id: 78 });
    other.say(evpnUpdate([A]));
    speaker.run();
    // The better known of two equal routes may change; what only the old one had is gone.
    expect(listener.takeKeys()).toContain(`-${key(B)}`);
    expect(speaker.reflector.stats()["routes"]).toBe(1);
    clean();
  });

  test("asks for the same targets as before, and hears of what came meanwhile", () => {
    const speaker = new Speaker();
    const both = EVPN | maskOf(Family.RouteTarget);
    const asking = (): Line =>
      speaker.up({
        ...SOURCE,
        families: both,
        negotiated: {
          gracefulRestart: { ...graceful.gracefulRestart!, families: both, forwarding: both },
        },
      });
    const asks = (line: Line): void => {
      const target = `60${hexOf(65000, 4)}0002fde800000001`;
      line.say(update("", PLAIN + attribute(14, 0x80, `000184040a00000100${target}`)));
      for (const family of [Family.RouteTarget, Family.Evpn]) line.say(encodeEndOfRib(family));
    };
    const other = speaker.up();
    const targeted = PLAIN + attribute(16, 0xc0, "0002fde800000001");
    const elsewhere = PLAIN + attribute(16, 0xc0, "0002fde800000002");
    other.say(evpnUpdate([A], targeted));
    let line = asking();
    asks(line);
    speaker.run();
    expect(line.takeKeys()).toContain(`+${key(A)}`);
    line.down();
    other.say(evpnUpdate([B], targeted));
    other.say(evpnUpdate([C], elsewhere));
    speaker.run();
    line = asking();
    asks(line);
    speaker.run();
    const keys = line.takeKeys();
    expect(keys).toEqual(expect.arrayContaining([`+${key(A)}`, `+${key(B)}`]));
    expect(keys).not.toContain(`+${key(C)}`);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  test("given up by the operator while it is away", () => {
    const { speaker, listener, line } = bench();
    line.down();
    speaker.run();
    expect(speaker.reflector.retains("10.0.0.77")).toBe(true);
    speaker.reflector.abandon("10.0.0.77", "administrative shutdown");
    speaker.run();
    expect(speaker.reflector.retains("10.0.0.77")).toBe(false);
    expect(listener.takeKeys()).toHaveLength(2);
  });

  test("a shutdown of ours keeps nothing", () => {
    const { speaker, listener, line } = bench();
    line.down({ reason: "shutdown", detail: "", code: 6, subcode: 2, hard: true });
    speaker.run();
    expect(listener.takeKeys()).toHaveLength(2);
  });
});

describe("a long-lived stale route", () => {
  const takes = { negotiated: longLived };
  const source = { negotiated: longLived, gracefulRestart: lasting };

  test("goes out marked, to those that know the mark, and from the others", () => {
    const { speaker, listeners, line, clean } = bench(source, takes, {});
    const [knows, other] = listeners as [Line, Line];
    line.down();
    speaker.run();
    speaker.clock.advance(30_100);
    speaker.run();
    clean();
    expect(other.takeKeys().sort()).toEqual([`-${key(A)}`, `-${key(B)}`]);
    const [sent, ...more] = knows.take();
    expect(more).toEqual([]);
    expect(JSON.stringify(sent)).toContain("ffff0006");
    expect(speaker.reflector.stats()["long_lived_families_total"]).toBe(1);
    speaker.clock.advance(600_000);
    speaker.run();
    expect(knows.takeKeys()).toHaveLength(2);
    clean();
  });

  test("is fresh again when announced", () => {
    const { speaker, listener, source: again, line, clean } = bench(source, takes);
    line.down();
    speaker.run();
    speaker.clock.advance(31_000);
    speaker.run();
    listener.take();
    const back = again();
    back.say(evpnUpdate([A, B]));
    back.say(END);
    speaker.run();
    const sent = listener.take();
    expect(sent).toHaveLength(1);
    expect(JSON.stringify(sent)).not.toContain("ffff0006");
    clean();
  });

  test("loses to any other route", () => {
    const { speaker, listener, line } = bench(source, takes);
    const worse = speaker.up({ id: 0x7f000001 });
    worse.say(evpnUpdate([A], ORIGIN + EMPTY_PATH + attribute(5, 0x40, "00000001")));
    speaker.run();
    expect(listener.take()).toEqual([]);
    line.down();
    speaker.run();
    speaker.clock.advance(31_000);
    speaker.run();
    const routes = JSON.stringify(listener.take());
    expect(routes).toContain("00000001");
  });

  test("that refuses it (NO_LLGR) goes", () => {
    const { speaker, listener, line, clean } = bench(source, takes);
    line.say(evpnUpdate([A], withCommunity("ffff0007")));
    speaker.run();
    listener.take();
    line.down();
    speaker.run();
    speaker.clock.advance(31_000);
    speaker.run();
    const sent = listener.takeKeys().sort();
    expect(sent).toEqual([`+${key(B)}`, `-${key(A)}`]);
    clean();
  });

  test("keeps its mark whatever import rules say about it", () => {
    const speaker = new Speaker();
    const rules = (preference: number): void =>
      speaker.reflector.policies.configure(rulesOf(`- {set: {local-preference: ${preference}}}`));
    rules(300);
    const [knows, other] = [speaker.up(takes), speaker.up()];
    const up = (): Line => speaker.up({ ...SOURCE, ...source, policy: { importPolicies: ["p"] } });
    const line = up();
    line.say(evpnUpdate([A]));
    speaker.run();
    line.down();
    speaker.run();
    speaker.clock.advance(31_000);
    speaker.run();
    expect(JSON.stringify(knows.take())).toContain("ffff0006");
    other.take();
    // Back, with rules for its slot once more, and then with others.
    const again = up();
    speaker.run();
    expect([...knows.take(), ...other.take()]).toEqual([]);
    rules(400);
    speaker.reflector.policies.refresh();
    speaker.run();
    const sent = JSON.stringify(knows.take());
    expect(sent).toContain("ffff0006");
    expect(sent).toContain("00000190");
    expect(other.take()).toEqual([]);
    again.say(evpnUpdate([A]));
    speaker.run();
    for (const fresh of [knows, other]) {
      expect(JSON.stringify(fresh.take())).not.toContain("ffff0006");
    }
    expect(speaker.reflector.audit()).toEqual([]);
  });

  test("in partial deployment goes to iBGP peers as the last choice that stays there", () => {
    const { speaker, listener, line, clean } = bench(source, {
      gracefulRestart: { longLived: { ...lasting.longLived, partial: true } },
    });
    line.down();
    speaker.run();
    speaker.clock.advance(31_000);
    speaker.run();
    const [sent] = listener.take();
    expect(JSON.stringify(sent)).toContain("ffff0006ffffff01");
    expect(JSON.stringify(sent)).toContain("5/40=00000000");
    clean();
  });
});

describe("our own restart", () => {
  const before = (...addresses: readonly string[]) =>
    addresses.map((address) => ({ address, localAddress: "10.0.0.254" }));
  const keeps: Partial<PeerSpec> = {
    families: ALL_FAMILIES,
    negotiated: graceful,
    gracefulRestart: { mode: "full" },
  };

  test("peers that keep our routes get nothing before all have sent theirs, and then all at once", () => {
    const speaker = new Speaker();
    const { reflector } = speaker;
    reflector.restarts.begin(before("10.0.0.77", "10.0.0.88"), 120);
    expect(reflector.restarts.isRestarting).toBe(true);
    const listener = speaker.up(keeps);
    const other = speaker.up();
    const source = speaker.up({ ...SOURCE, ...keeps, families: EVPN });
    source.say(evpnUpdate([A]));
    source.say(END);
    speaker.run();
    expect(listener.take()).toEqual([]);
    // Whoever keeps nothing of ours has no use for the wait.
    expect(other.takeKeys()).toEqual([`+${key(A)}`]);
    expect(reflector.restarts.deferralView()?.waitingFor).toContain("10.0.0.88");
    const late = speaker.up({ ...SOURCE, ...keeps, families: EVPN, address: "10.0.0.88", id: 88 });
    late.say(evpnUpdate([B]));
    speaker.run();
    expect(listener.take()).toEqual([]);
    late.say(END);
    for (const family of [0, 1, 2, 4, 5] as const) listener.say(encodeEndOfRib(family));
    reflector.restarts.abandon(other.session.peerAddress, "no End-of-RIB from it");
    speaker.run();
    expect(listener.take()).toEqual([]);
    speaker.clock.advance(SETTLE_MS);
    speaker.run();
    expect(reflector.restarts.isRestarting).toBe(false);
    const kinds = listener.take().map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "announce")).toHaveLength(2);
    expect(kinds.slice(-1)).toEqual(["end-of-rib"]);
    expect(reflector.audit()).toEqual([]);
  });

  test("what follows from the table is sent with it, before the End-of-RIB", () => {
    const speaker = new Speaker();
    const { reflector } = speaker;
    const { table } = reflector;
    const source = reflector.localRoutes.source(() => "local");
    const route = bytesOf(C);
    const set = bytesOf(`0a000009${PLAIN}`);
    let position = table.log.tail;
    // It comes to its end long after the peers have.
    let slow = 40;
    reflector.attachReader({
      get position() {
        return position;
      },
      read: () => {
        if (slow-- > 0) return true;
        source.announce(Family.Evpn, route, route.length, 0, set, set.length, 4);
        position = table.log.tail;
        return false;
      },
    });
    reflector.restarts.begin(before("10.0.0.77"), 120);
    const listener = speaker.up({ ...keeps, families: EVPN });
    const peer = speaker.up({ ...SOURCE, ...keeps, families: EVPN });
    peer.say(evpnUpdate([A]));
    for (const line of [peer, listener]) line.say(END);
    speaker.queue.runOnce();
    speaker.clock.advance(SETTLE_MS);
    speaker.run();
    const received = listener.take();
    expect(received.at(-1)?.kind).toBe("end-of-rib");
    expect(received.filter(({ kind }) => kind === "announce")).toHaveLength(2);
    expect(slow).toBeLessThan(0);
    expect(reflector.audit()).toEqual([]);
  });

  test("the timer ends it, too", () => {
    const speaker = new Speaker();
    speaker.reflector.restarts.begin(before("10.0.0.88"), 120);
    const listener = speaker.up(keeps);
    const source = speaker.up({ ...SOURCE, ...keeps, families: EVPN });
    source.say(evpnUpdate([A]));
    speaker.run();
    speaker.clock.advance(119_000);
    speaker.run();
    expect(listener.take()).toEqual([]);
    speaker.clock.advance(1_500);
    speaker.run();
    expect(listener.takeKeys()).toEqual([`+${key(A)}`]);
  });
});
