import { describe, expect, test } from "vitest";
import { Deferral, SETTLE_MS } from "../../../src/bgp/restart/deferral.js";
import { NEGOTIATED_DEFAULTS, type Negotiated } from "../../../src/bgp/session/types.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { FakeClock } from "../session/harness.js";

const RESTART = { restarting: false, notification: false, time: 0, families: 0, forwarding: 0 };
const FAMILIES = (1 << Family.Evpn) | (1 << Family.RouteTarget);

function up(peerAddress: string, over: Partial<Negotiated> = {}) {
  const negotiated = { ...NEGOTIATED_DEFAULTS, families: FAMILIES, gracefulRestart: RESTART };
  return { peerAddress, negotiated: { ...negotiated, ...over } };
}

function begin(...expected: string[]) {
  const clock = new FakeClock();
  const over: { why: string; missing: readonly string[] }[] = [];
  const deferral = new Deferral(expected, clock, 120, (why, missing) => {
    over.push({ why, missing });
  });
  return { clock, over, deferral };
}

describe("sending waits", () => {
  test("until every peer has sent every family", () => {
    const { clock, over, deferral } = begin("a", "b");
    for (const address of ["a", "b"]) deferral.established(up(address));
    deferral.endOfRib("a", Family.Evpn);
    deferral.endOfRib("a", Family.RouteTarget);
    deferral.endOfRib("b", Family.RouteTarget);
    expect(deferral.view()).toEqual({ secondsLeft: 120, waitingFor: ["b"] });
    expect(deferral.active).toBe(true);
    deferral.endOfRib("b", Family.Evpn);
    // Some send End-of-RIB a moment before their last routes.
    clock.advance(SETTLE_MS - 1, () => {});
    expect(over).toEqual([]);
    expect(deferral.view()).toMatchObject({ waitingFor: [] });
    clock.advance(1, () => {});
    expect(over).toEqual([{ why: "every peer has sent what it has", missing: [] }]);
    expect(deferral.active).toBe(false);
    expect(deferral.view()).toBeUndefined();
    expect(clock.pendingTimers).toBe(0);
  });

  test("for its time at most", () => {
    const { clock, over, deferral } = begin("a", "b");
    deferral.established(up("a"));
    clock.advance(119_999, () => {});
    expect(over).toEqual([]);
    clock.advance(1, () => {});
    expect(over).toMatchObject([{ missing: ["a", "b"] }]);
    deferral.endOfRib("a", Family.Evpn);
    deferral.forget("b");
    expect(over).toHaveLength(1);
  });

  test("also for a peer that nobody remembered, and that came at the last moment", () => {
    const { clock, over, deferral } = begin("a");
    deferral.forget("a");
    deferral.established(up("c"));
    clock.advance(SETTLE_MS, () => {});
    expect(over).toEqual([]);
    deferral.endOfRib("c", Family.Evpn);
    deferral.endOfRib("c", Family.RouteTarget);
    clock.advance(SETTLE_MS, () => {});
    expect(over).toHaveLength(1);
  });
});

describe("nobody waits", () => {
  test("for a peer that restarted itself, or has no graceful restart", () => {
    const { clock, over, deferral } = begin("a", "b");
    deferral.established(up("a", { gracefulRestart: { ...RESTART, restarting: true } }));
    expect(over).toEqual([]);
    deferral.established(up("b", { gracefulRestart: undefined }));
    clock.advance(SETTLE_MS, () => {});
    expect(over).toHaveLength(1);
  });

  test("for a peer that somebody took down", () => {
    const { clock, over, deferral } = begin("a");
    deferral.forget("a");
    clock.advance(SETTLE_MS, () => {});
    expect(over).toHaveLength(1);
  });
});

test("a peer that is lost again sends everything anew", () => {
  const { clock, over, deferral } = begin("a");
  deferral.established(up("a"));
  deferral.endOfRib("a", Family.Evpn);
  deferral.lost("a");
  deferral.endOfRib("a", Family.RouteTarget);
  deferral.established(up("a"));
  deferral.endOfRib("a", Family.RouteTarget);
  clock.advance(SETTLE_MS, () => {});
  expect(over).toEqual([]);
  deferral.endOfRib("a", Family.Evpn);
  clock.advance(SETTLE_MS, () => {});
  expect(over).toHaveLength(1);
});
