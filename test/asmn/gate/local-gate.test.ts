/** The gate's answers: what is known of instances, time, and what the peer shows. */
import { beforeEach, describe, expect, test } from "vitest";
import type { GateEntry, GateEvent, GlassEntry } from "../../../src/asmn/gate/entry.js";
import { LocalGate, type LocalGateSettings } from "../../../src/asmn/gate/local-gate.js";
import type {
  TrustChange,
  TrustFacts,
  TrustRequirement,
  TrustState,
} from "../../../src/contract.js";
import type { Log } from "../../../src/util/log.js";
import { FakeClock } from "../../model/lib/fake.js";

const SETTINGS: LocalGateSettings = {
  staleSeconds: 15,
  graceSeconds: 120,
  dryRun: false,
  community: 7,
};
const ADDRESS = "192.0.2.1";

let clock: FakeClock;
let gate: LocalGate;
let changes: TrustChange[];
let alarms: string[];
let applied: number[];
let serial = 0;

const entry = (over: Partial<GateEntry> = {}): GateEntry => ({
  id: "aa",
  tenant: "t",
  vnf: "edge",
  instance: "1",
  instanceKey: "bb",
  state: "trusted",
  reason: "none",
  sentence: "",
  addresses: [ADDRESS],
  as: 65000,
  routerId: "1.1.1.1",
  binding: "address",
  md5Key: undefined,
  epoch: 1,
  serial: ++serial,
  remainingMs: 300_000,
  limits: { sessions: 0, updatesPerSecond: 0, prefixes: 0 },
  root: "none",
  revocation: 0,
  ...over,
});

const entries = (...list: GateEntry[]): GateEvent => ({
  kind: "entries",
  source: "em",
  entries: list,
});
const alive = (lagMs = 0): GateEvent => ({ kind: "alive", source: "em", lagMs });

const facts = (over: Partial<TrustFacts> = {}): TrustFacts => ({
  address: ADDRESS,
  required: { tenant: "t", vnf: undefined, effect: "refuse", dryRun: false },
  as: undefined,
  routerId: undefined,
  instance: undefined,
  live: false,
  ...over,
});

/** State and effect. */
const asked = (over: Partial<TrustFacts> = {}): [TrustState, string] => {
  const { state, effect } = gate.admit(facts(over));
  return [state, effect];
};

const states = (): string[] =>
  changes.splice(0).flatMap((one) => (one.kind === "item" ? [one.item.state] : [one.kind]));

beforeEach(() => {
  clock = new FakeClock();
  changes = [];
  alarms = [];
  applied = [];
  const log: Log = {
    debug() {},
    info: (_fields, message) => alarms.push(message),
    warn() {},
    error: (_fields, message) => alarms.push(message),
  };
  gate = new LocalGate({
    settings: SETTINGS,
    clock,
    log,
    applied: (_source, revocation) => applied.push(revocation),
  });
  gate.configure(SETTINGS, ["em", "other"]);
  gate.subscribe((more) => changes.push(...more));
  changes.length = 0;
});

/** A Sec-EM that lives for so long. */
function live(seconds: number): void {
  for (let passed = 0; passed < seconds; passed += 5) {
    clock.advance(5000);
    gate.take([alive()]);
  }
}

test("what comes due while a change is told is told by itself, without another event", () => {
  let telling = true;
  gate.subscribe((more) => {
    if (telling && more.some(({ kind }) => kind === "item")) {
      telling = false;
      clock.advance(20);
    }
  });
  gate.take([alive(), entries(entry({ remainingMs: 10 }))]);
  expect(states()).toEqual(["trusted"]);
  clock.advance(100);
  expect(states()).toEqual(["stale"]);
});

describe("who is known", () => {
  test("nobody: unknown, and closed", () => {
    expect(asked()).toEqual(["unknown", "refuse"]);
    expect(gate.admit(facts()).reason).toBe("no instance of t/* is known at this address");
  });

  test("ASM-67: a verdict lets in whom it names, at its address, with its AS and router id", () => {
    gate.take([alive(), entries(entry())]);
    expect(asked()).toEqual(["trusted", "admit"]);
    expect(asked({ as: 65000, routerId: "1.1.1.1" })).toEqual(["trusted", "admit"]);
    expect(asked({ as: 65001 })).toEqual(["untrusted", "refuse"]);
    expect(asked({ routerId: "2.2.2.2" })).toEqual(["untrusted", "refuse"]);
    expect(asked({ address: "192.0.2.2" })).toEqual(["unknown", "refuse"]);
    expect(gate.admit(facts())).toMatchObject({ subject: "t/edge/1", vnf: "t/edge" });
  });

  test("another tenant's instance, or another VNF, is not the one asked for", () => {
    gate.take([alive(), entries(entry())]);
    const other = { tenant: "u", vnf: undefined, effect: "refuse", dryRun: false } as const;
    expect(asked({ required: other })).toEqual(["untrusted", "refuse"]);
    const relay = { tenant: "t", vnf: "relay", effect: "refuse", dryRun: false } as const;
    expect(asked({ required: relay })).toEqual(["untrusted", "refuse"]);
    expect(gate.admit(facts({ required: relay })).reason).toContain("t/edge/1");
  });

  test("ASM-75: status says how a session is bound; a proxy's session is the proxy's alone", () => {
    gate.take([alive(), entries(entry())]);
    expect(gate.admit(facts()).reason).toBe("trusted, address-bound");
    gate.take([entries(entry({ binding: "tls-proxy" }))]);
    expect(asked()).toEqual(["untrusted", "refuse"]);
    expect(asked({ instance: "aa" })).toEqual(["trusted", "admit"]);
    expect(asked({ instance: "cc" })).toEqual(["untrusted", "refuse"]);
    // A plain session that is held would stand in the proxy's way.
    const hold = { tenant: "t", vnf: undefined, effect: "hold", dryRun: false } as const;
    expect(asked({ required: hold })).toEqual(["untrusted", "refuse"]);
    gate.take([entries(entry({ binding: "tcp-md5" }))]);
    expect(asked()).toEqual(["untrusted", "refuse"]);
    gate.take([entries(entry({ binding: "tcp-md5", md5Key: "k".repeat(32) }))]);
    expect(asked()).toEqual(["trusted", "admit"]);
    expect(gate.keyFor(ADDRESS, hold)).toBe("k".repeat(32));
    expect(JSON.stringify([gate.instances(), gate.gated(), gate.stats()])).not.toContain("kkkk");
  });

  test("ASM-75: of two tenants' instances at one address, each peer has that of its settings", () => {
    const of = (tenant: string, id: string, over: Partial<GateEntry>): GateEntry =>
      entry({ tenant, id, ...over });
    const wants = (tenant: string, vnf?: string): TrustRequirement => ({
      tenant,
      vnf,
      effect: "hold",
      dryRun: false,
    });
    gate.take([
      alive(),
      entries(
        of("t", "a1", { binding: "tcp-md5", md5Key: "k".repeat(32) }),
        of("u", "b1", { binding: "tcp-md5", md5Key: "l".repeat(32), epoch: 7 }),
        of("u", "b2", { binding: "tls-proxy" }),
        of("t", "a2", { binding: "tls-proxy" }),
      ),
    ]);
    expect(gate.keyFor(ADDRESS, wants("t"))).toBe("k".repeat(32));
    expect(gate.keyFor(ADDRESS, wants("u"))).toBe("l".repeat(32));
    expect(gate.keyFor(ADDRESS, wants("u", "relay"))).toBeUndefined();
    expect(gate.instanceAt(ADDRESS, wants("t"))).toBe("a2");
    expect(gate.instanceAt(ADDRESS, wants("u"))).toBe("b2");
    expect(gate.instanceAt(ADDRESS, wants("v"))).toBeUndefined();
  });

  test("ASM-17: each state comes with its reason", () => {
    for (const state of ["untrusted", "unknown", "stale"] as const) {
      gate.take([alive(), entries(entry({ state, reason: "image", sentence: "another image" }))]);
      expect(gate.admit(facts())).toMatchObject({ state, reason: "image: another image" });
      expect(asked({ live: true })[1]).toBe("refuse");
    }
    expect(gate.gated()).toMatchObject([{ address: ADDRESS, state: "stale", effect: "refuse" }]);
  });
});

describe("time", () => {
  test("ASM-67: a verdict ends by itself on the monotonic clock; that is told once", () => {
    gate.take([alive(), entries(entry({ remainingMs: 60_000 }))]);
    expect(states()).toEqual(["trusted"]);
    live(55);
    expect(states()).toEqual([]);
    live(10);
    expect(states()).toEqual(["stale"]);
    expect(asked({ live: true })).toEqual(["stale", "refuse"]);
    live(100);
    expect(states()).toEqual([]);
    gate.take([entries(entry())]);
    expect(states()).toEqual(["trusted"]);
  });

  test("a verdict renewed in time is no transition", () => {
    gate.take([alive(), entries(entry({ remainingMs: 60_000 }))]);
    states();
    for (let n = 0; n < 10; n++) {
      live(30);
      gate.take([entries(entry({ remainingMs: 60_000 }))]);
    }
    expect(states()).toEqual([]);
  });

  test("ASM-77: out of reach: live sessions keep their verdict for the grace, with an alarm; new ones are refused", () => {
    gate.take([alive(), entries(entry())]);
    states();
    clock.advance(14_000);
    expect(asked()).toEqual(["trusted", "admit"]);
    clock.advance(1100);
    expect(states()).toEqual(["stale"]);
    expect(asked()).toEqual(["stale", "refuse"]);
    expect(gate.admit(facts({ live: true }))).toMatchObject({
      state: "stale",
      effect: "admit",
      spared: "refuse",
    });
    expect(alarms.join()).toContain("out of reach");
    expect(gate.sources()[0]).toMatchObject({ state: "grace" });
    clock.advance(120_000);
    expect(states()).toEqual(["stale"]);
    expect(asked({ live: true })).toEqual(["stale", "refuse"]);
    gate.take([alive()]);
    expect(states()).toEqual(["trusted"]);
    expect(asked()).toEqual(["trusted", "admit"]);
    expect(alarms.at(-1)).toContain("in reach again");
  });

  test("ASM-77: the grace never goes beyond the verdict's life", () => {
    gate.take([alive(), entries(entry({ remainingMs: 40_000 }))]);
    clock.advance(39_000);
    expect(asked({ live: true })).toEqual(["stale", "admit"]);
    clock.advance(2000);
    expect(asked({ live: true })).toEqual(["stale", "refuse"]);
  });

  test("ASM-77: revoked is closed whatever is in reach", () => {
    gate.take([alive(), entries(entry({ state: "untrusted", reason: "revoked" }))]);
    clock.advance(16_000);
    expect(asked({ live: true })).toEqual(["untrusted", "refuse"]);
  });

  test("heartbeats that fall behind count by when they were due", () => {
    gate.take([alive(), entries(entry())]);
    clock.advance(10_000);
    gate.take([alive(9000)]);
    clock.advance(7000);
    expect(asked()).toEqual(["stale", "refuse"]);
  });

  test("a Sec-EM that keeps a revocation from us is not believed", () => {
    gate.take([alive(), entries(entry())]);
    gate.take([{ kind: "suspect", source: "em", why: "a revocation is missing" }]);
    expect(asked()).toEqual(["stale", "refuse"]);
    expect(gate.admit(facts()).reason).toContain("a revocation is missing");
    gate.take([
      { kind: "begin", source: "em" },
      alive(),
      entries(entry()),
      { kind: "sync", source: "em" },
    ]);
    expect(asked()).toEqual(["trusted", "admit"]);
  });
});

describe("snapshots and several Sec-EMs", () => {
  test("what a snapshot does not name is gone; until its end nothing is", () => {
    gate.take([alive(), entries(entry(), entry({ id: "cc", addresses: ["192.0.2.9"] }))]);
    states();
    gate.take([{ kind: "begin", source: "em" }, entries(entry())]);
    expect(asked({ address: "192.0.2.9" })).toEqual(["trusted", "admit"]);
    gate.take([{ kind: "sync", source: "em" }]);
    expect(states()).toEqual(["gone"]);
    expect(asked({ address: "192.0.2.9" })).toEqual(["unknown", "refuse"]);
  });

  test("ASM-67: of two writers the higher epoch counts", () => {
    const other = (over: Partial<GateEntry>): GateEvent => ({
      kind: "entries",
      source: "other",
      entries: [entry(over)],
    });
    gate.take([
      alive(),
      { kind: "alive", source: "other", lagMs: 0 },
      entries(entry({ epoch: 2 })),
    ]);
    gate.take([other({ epoch: 1, state: "untrusted" })]);
    expect(asked()).toEqual(["trusted", "admit"]);
    gate.take([other({ epoch: 3, state: "untrusted" })]);
    expect(asked()).toEqual(["untrusted", "refuse"]);
    gate.take([entries(entry({ epoch: 2 }))]);
    expect(asked()).toEqual(["untrusted", "refuse"]);
  });

  test("a Sec-EM that left the settings is forgotten with all it said", () => {
    gate.take([alive(), entries(entry())]);
    gate.configure(SETTINGS, ["other"]);
    expect(asked()).toEqual(["unknown", "refuse"]);
  });
});

describe("ways in and out", () => {
  const glass = (over: Partial<GlassEntry> = {}): GateEvent => ({
    kind: "glass",
    entry: {
      key: "em 1",
      serial: 1,
      operator: "ann",
      why: "the Sec-EM burnt",
      tenant: "t",
      vnf: undefined,
      instance: undefined,
      address: ADDRESS,
      remainingMs: 3_600_000,
      ...over,
    },
  });

  test("ASM-81: break-glass lets in by name and ends by itself", () => {
    gate.take([glass()]);
    expect(states()).toEqual(["trusted"]);
    expect(gate.admit(facts())).toMatchObject({ state: "trusted", effect: "admit" });
    expect(gate.admit(facts()).reason).toBe(
      "break-glass 1 by ann (the Sec-EM burnt), whoever has the address",
    );
    expect(gate.openGlass()).toMatchObject([{ serial: 1, operator: "ann", secondsLeft: 3600 }]);
    clock.advance(3_600_001);
    expect(states()).toEqual(["gone"]);
    expect(asked()).toEqual(["unknown", "refuse"]);
  });

  test("ASM-81: it can be ended by hand, and holds for its tenant alone", () => {
    gate.take([glass()]);
    const other = { tenant: "u", vnf: undefined, effect: "refuse", dryRun: false } as const;
    expect(asked({ required: other })).toEqual(["unknown", "refuse"]);
    expect(gate.endGlass(2)).toEqual([]);
    expect(gate.endGlass(1)).toEqual(["em 1"]);
    expect(asked()).toEqual(["unknown", "refuse"]);
  });

  test("ASM-81: one that is forgotten, because so many are open, lets nobody stay in", () => {
    gate.take([glass()]);
    expect(states()).toEqual(["trusted"]);
    for (let n = 2; n <= 257; n++) {
      gate.take([glass({ key: `em ${n}`, serial: n, address: "192.0.2.250" })]);
    }
    expect(states().filter((state) => state === "gone")).toHaveLength(1);
    expect(asked()).toEqual(["unknown", "refuse"]);
  });

  test("ASM-81: for an instance, it opens where that instance is, whatever its verdict says", () => {
    gate.take([alive(), entries(entry({ state: "stale", reason: "silent" }))]);
    gate.take([glass({ address: undefined, vnf: "edge", instance: "1" })]);
    expect(asked()).toEqual(["trusted", "admit"]);
    gate.take([glass({ key: "em 2", serial: 2, address: undefined, vnf: "relay" })]);
    expect(gate.endGlass(1)).toEqual(["em 1"]);
    expect(asked()).toEqual(["stale", "refuse"]);
  });

  test("ASM-82: a dry run of the gate gates nobody, and lists whom it would", () => {
    gate.configure({ ...SETTINGS, dryRun: true }, ["em", "other"]);
    expect(gate.admit(facts())).toMatchObject({ effect: "admit", spared: "refuse" });
    expect(gate.gated()).toMatchObject([{ address: ADDRESS, effect: "admit", spared: "refuse" }]);
    gate.configure(SETTINGS, ["em", "other"]);
    expect(asked()).toEqual(["unknown", "refuse"]);
  });

  test("a revocation is reported as applied when it is in force at every address", () => {
    gate.take([alive(), entries(entry({ addresses: [ADDRESS, "192.0.2.2"] }))]);
    const revoked = entry({
      addresses: [ADDRESS, "192.0.2.2"],
      state: "untrusted",
      reason: "revoked",
      revocation: 9,
    });
    gate.take([entries(revoked)]);
    const done = (address: string): void => {
      const { revision } = gate.admit(facts({ address }));
      gate.gateApplied({ address, revision, sessions: 1, routes: 5, beganMs: 0, doneMs: 3 });
    };
    done(ADDRESS);
    expect(applied).toEqual([]);
    done("192.0.2.2");
    expect(applied).toEqual([9]);
    expect(gate.applied()).toMatchObject([{ routes: 5 }, { routes: 5 }]);
  });

  test("a revocation that comes again in a new snapshot is reported again, once it is in force", () => {
    const revoked = { state: "untrusted", reason: "revoked", revocation: 9 } as const;
    const again = (): void => {
      gate.take([{ kind: "begin", source: "em" }]);
      gate.take([entries(entry(revoked))]);
      gate.take([{ kind: "sync", source: "em" }]);
    };
    gate.take([alive(), entries(entry())]);
    const done = (): void => {
      const { revision } = gate.admit(facts());
      gate.gateApplied({
        address: ADDRESS,
        revision,
        sessions: 1,
        routes: 5,
        beganMs: 0,
        doneMs: 3,
      });
    };
    done();
    again();
    expect(applied).toEqual([]);
    changes.length = 0;
    // The speaker has not answered, and might never have heard of it.
    again();
    expect(states()).toEqual(["untrusted"]);
    expect(applied).toEqual([]);
    done();
    expect(applied).toEqual([9]);
    again();
    expect(applied).toEqual([9, 9]);
    expect(states()).toEqual([]);
  });

  test("a revocation that another Sec-EM's later word stands before is not reported", () => {
    const other = { ...entries(entry({ epoch: 5 })), source: "other" } as GateEvent;
    gate.take([alive(), { ...alive(), source: "other" } as GateEvent, other]);
    gate.take([entries(entry({ state: "untrusted", reason: "revoked", revocation: 9 }))]);
    const { revision } = gate.admit(facts());
    gate.gateApplied({ address: ADDRESS, revision, sessions: 1, routes: 5, beganMs: 0, doneMs: 3 });
    expect(applied).toEqual([]);
  });

  test("a thousand expiries cost a few looks, and each is told once", () => {
    const many = Array.from({ length: 1000 }, (_, n) =>
      entry({
        id: `i${n}`,
        addresses: [`10.0.${n >>> 8}.${n & 255}`],
        remainingMs: 8000 + (n % 10),
      }),
    );
    gate.take([alive(), entries(...many)]);
    changes.length = 0;
    clock.advance(9000);
    expect(changes.length).toBe(1000);
  });
});
