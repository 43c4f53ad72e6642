/** The state machine of RFC 5880 sections 6.2, 6.5 and 6.8: states, timers in force, Poll Sequences. */
import { describe, expect, it } from "vitest";
import {
  announcedTx,
  detectionTime,
  initialVars,
  SLOW_TX,
  step,
  txInterval,
  type BfdEvent,
  type Vars,
} from "../../../src/bgp/bfd/machine.js";
import { BfdState, Diag, type BfdPacket } from "../../../src/bgp/bfd/packet.js";

const { AdminDown, Down, Init, Up } = BfdState;
const TIMERS = { minTx: 50_000, minRx: 60_000, multiplier: 3 };

function packet(over: Partial<BfdPacket> = {}): BfdPacket {
  return {
    diag: 0,
    state: Down,
    poll: false,
    final: false,
    independent: false,
    demand: false,
    multiplier: 5,
    myDiscriminator: 7,
    yourDiscriminator: 9,
    minTx: 100_000,
    minRx: 40_000,
    minEchoRx: 0,
    authenticated: false,
    length: 24,
    ...over,
  };
}

const heard = (over: Partial<BfdPacket>): BfdEvent => ({ kind: "packet", packet: packet(over) });
const run = (vars: Vars, ...events: readonly BfdEvent[]): Vars =>
  events.reduce((now, event) => step(now, event).vars, vars);
const START = initialVars(TIMERS, false);
const UP = run(
  START,
  heard({ state: Down }),
  heard({ state: Up }),
  heard({ final: true, state: Up }),
);

function inState(state: BfdState): Vars {
  switch (state) {
    case AdminDown:
      return run(START, { kind: "adminDown" });
    case Down:
      return START;
    case Init:
      return run(START, heard({ state: Down }));
    case Up:
      return UP;
  }
}

describe("states (section 6.8.6)", () => {
  it.each([
    // Ours, what the peer says, ours then.
    [Down, Down, Init],
    [Down, Init, Up],
    [Down, Up, Down],
    [Down, AdminDown, Down],
    [Init, Down, Init],
    [Init, Init, Up],
    [Init, Up, Up],
    [Init, AdminDown, Down],
    [Up, Down, Down],
    [Up, Init, Up],
    [Up, Up, Up],
    [Up, AdminDown, Down],
    [AdminDown, Down, AdminDown],
    [AdminDown, Init, AdminDown],
    [AdminDown, Up, AdminDown],
  ])("%i and a packet of state %i: %i", (ours, theirs, then) => {
    expect(step(inState(ours), heard({ state: theirs })).vars.state).toBe(then);
  });

  it("says why a session that was Up is not", () => {
    expect(step(UP, heard({ state: Down }))).toMatchObject({
      cause: "neighbor-down",
      vars: { diag: Diag.NeighborSignaledDown },
      send: "now",
    });
    expect(step(UP, heard({ state: AdminDown })).cause).toBe("neighbor-admin-down");
    expect(step(UP, { kind: "adminDown" })).toMatchObject({
      cause: "admin-down",
      vars: { state: AdminDown, diag: Diag.AdministrativelyDown },
    });
    expect(step(UP, { kind: "expired" })).toMatchObject({
      cause: "expired",
      vars: { state: Down, diag: Diag.DetectionTimeExpired },
    });
  });

  it("has no cause where the session was never Up", () => {
    for (const state of [Down, Init]) {
      expect(step(inState(state), { kind: "expired" }).cause).toBeUndefined();
      expect(step(inState(state), heard({ state: AdminDown })).cause).toBeUndefined();
    }
  });

  it("a silence makes what the peer said of itself void", () => {
    expect(step(UP, { kind: "expired" }).vars).toMatchObject({
      remoteDiscriminator: 0,
      remoteMinRx: 1,
      remoteMultiplier: 0,
    });
    expect(detectionTime(step(UP, { kind: "expired" }).vars)).toBe(0);
  });
});

describe("timers (sections 6.8.2 to 6.8.4)", () => {
  it("are slow until Up, and the faster ones are polled", () => {
    expect(txInterval(START)).toBe(SLOW_TX);
    const init = run(START, heard({ state: Down }));
    expect(announcedTx(init)).toBe(SLOW_TX);
    const up = step(init, heard({ state: Up }));
    expect(up).toMatchObject({ send: "now", vars: { polling: true } });
    expect(announcedTx(up.vars)).toBe(50_000);
    expect(run(up.vars, heard({ state: Up })).polling).toBe(true);
    expect(run(up.vars, heard({ state: Up, final: true })).polling).toBe(false);
  });

  it("take the slower of both sides", () => {
    expect(txInterval(UP)).toBe(50_000);
    expect(txInterval(run(UP, heard({ state: Up, minRx: 90_000 })))).toBe(90_000);
    // Five packets of the peer, at the interval it sends at or at the one we can take.
    expect(detectionTime(UP)).toBe(5 * 100_000);
    expect(detectionTime(run(UP, heard({ state: Up, minTx: 10_000 })))).toBe(5 * 60_000);
  });

  it("stay while the peer wants to hear nothing: none are sent", () => {
    expect(txInterval(run(UP, heard({ state: Up, minRx: 0 })))).toBe(0);
  });

  it("a passive session says nothing before the peer does", () => {
    const passive = initialVars(TIMERS, true);
    expect(txInterval(passive)).toBe(0);
    expect(txInterval(run(passive, heard({ state: Down })))).toBe(SLOW_TX);
  });

  it("honour the peer's demand mode once both are Up, but for Poll Sequences", () => {
    const demanded = run(UP, heard({ state: Up, demand: true }));
    expect(txInterval(demanded)).toBe(0);
    const retimed = run(demanded, { kind: "timers", timers: { ...TIMERS, minRx: 80_000 } });
    expect(txInterval(retimed)).toBe(50_000);
    expect(txInterval(run(UP, heard({ state: Init, demand: true })))).toBe(50_000);
  });

  it("slower sending and a shorter detection wait for the Final", () => {
    const slower = step(UP, {
      kind: "timers",
      timers: { minTx: 200_000, minRx: 20_000, multiplier: 3 },
    });
    expect(slower).toMatchObject({ send: "now", vars: { polling: true, state: Up } });
    expect(announcedTx(slower.vars)).toBe(200_000);
    expect(txInterval(slower.vars)).toBe(50_000);
    expect(slower.vars.rxInForce).toBe(60_000);
    const done = run(slower.vars, heard({ state: Up, final: true, minTx: 1000 }));
    expect(txInterval(done)).toBe(200_000);
    expect(detectionTime(done)).toBe(5 * 20_000);
  });

  it("faster sending and a longer detection hold at once", () => {
    const faster = run(UP, {
      kind: "timers",
      timers: { minTx: 20_000, minRx: 200_000, multiplier: 3 },
    });
    expect(txInterval(faster)).toBe(40_000);
    expect(detectionTime(faster)).toBe(5 * 200_000);
  });

  it("another multiplier alone is no news to poll", () => {
    const step1 = step(UP, { kind: "timers", timers: { ...TIMERS, multiplier: 9 } });
    expect(step1).toMatchObject({ send: "none", vars: { multiplier: 9, polling: false } });
  });
});

describe("a Poll (section 6.5)", () => {
  it("is answered with a Final in every state but AdminDown", () => {
    for (const state of [Down, Init, Up]) {
      expect(step(inState(state), heard({ state: Up, poll: true })).send).toBe("final");
    }
    expect(step(inState(AdminDown), heard({ state: Up, poll: true })).send).toBe("none");
  });

  it("is over with the session: a Final that comes late changes nothing", () => {
    const gone = run(
      UP,
      { kind: "timers", timers: { ...TIMERS, minTx: 90_000 } },
      { kind: "expired" },
    );
    expect(gone.polling).toBe(false);
    expect(run(gone, heard({ state: Up, final: true })).state).toBe(Down);
  });
});
