import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import type { GuardWays } from "../../../src/ipsec/guard/index.js";
import { Driver, type DriverEvent } from "../../../src/ipsec/live/index.js";
import type { TunnelSide } from "../../../src/ipsec/model/index.js";
import type { SecretFacts } from "../../../src/ipsec/secrets/control.js";
import type { InstallPlan, InstallStep } from "../../../src/ipsec/staging/control.js";
import type { ViciTree } from "../../../src/ipsec/vici/index.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../../model/lib/fake.js";
import { FakeCharon } from "../lib/fake-charon.js";
import { sideFor, type TunnelChoice } from "../lib/sides.js";

let directory: string;
let charon: FakeCharon;
let clock: FakeClock;
let driver: Driver;
const guarded: string[][] = [];
const ways: GuardWays[] = [];
let guardProblem: string | undefined;
let events: DriverEvent[];
let secrets: Map<string, string[]>;
let rollovers: Map<string, SecretFacts>;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-live-"));
  charon = new FakeCharon(join(directory, "vici"));
  clock = new FakeClock();
  guarded.length = 0;
  ways.length = 0;
  guardProblem = undefined;
  secrets = new Map();
  rollovers = new Map();
  driver = newDriver();
});
afterEach(async () => {
  await driver.stop();
  await charon.kill();
  rmSync(directory, { recursive: true, force: true });
});

function newDriver(): Driver {
  const made = new Driver({
    socket: charon.path,
    clock,
    log: silentLog,
    secrets: {
      live: (name) => (secrets.get(name) ?? [canary("driver")]).map((value) => Buffer.from(value)),
      facts: (name) => rollovers.get(name),
    },
    guard: {
      protect: (prefixes, given) => {
        ways.push(given);
        guarded.push([...prefixes, String(charon.count("load-conn"))]);
        return guardProblem === undefined
          ? Promise.resolve()
          : Promise.reject(new Error(guardProblem));
      },
    },
  });
  events = [];
  made.subscribe((event) => events.push(event));
  return made;
}

function plan(after: readonly TunnelSide[], more: Partial<InstallPlan> = {}): InstallPlan {
  const added = after.map(({ tunnel }) => tunnel);
  return {
    revision: 1,
    reason: "install",
    before: [],
    after,
    added,
    removed: [],
    changed: [],
    ...more,
  };
}

/** Until the driver has heard of the daemon, and of what it told. */
async function settle(): Promise<void> {
  for (let n = 0; n < 200 && !driver.daemon().connected; n++) {
    clock.advance(1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  for (let n = 0; n < 3; n++) {
    await driver.sas();
    clock.advance(150);
    await driver.sas();
  }
}

/** Keys as the daemon tries them for itself: what was loaded last is first. */
const inUse = (): ViciTree[] => [...charon.secrets.values()].reverse();

const side = (name: string, more: TunnelChoice = {}): TunnelSide => sideFor({ name, ...more });

test("IPS-88: an install guards, then loads, then begins, and tells each step", async () => {
  await charon.start();
  driver.start();
  await settle();
  const steps: InstallStep[] = [];
  const outcome = await driver.install(plan([side("a"), side("b")]), (step) => steps.push(step));
  expect(outcome).toEqual({ ok: true, problems: [] });
  expect(steps).toEqual([
    { tunnel: "a", action: "add", problem: undefined },
    { tunnel: "b", action: "add", problem: undefined },
  ]);
  expect(guarded).toEqual([["10.2.0.0/24", "10.2.0.0/24", "0"]]);
  expect([...charon.connections.keys()]).toEqual(["evpnd-a", "evpnd-b"]);
  expect(charon.sas).toHaveLength(2);
  await settle();
  expect(driver.tunnels().map(({ tunnel, up }) => [tunnel, up])).toEqual([
    ["a", true],
    ["b", true],
  ]);
  expect(charon.sas).toHaveLength(2);
});

test("IPS-90: what cannot be guarded is not loaded", async () => {
  await charon.start();
  driver.start();
  await settle();
  guardProblem = "nft is not installed";
  const outcome = await driver.install(plan([side("a")]), () => {});
  expect(outcome).toEqual({
    ok: false,
    problems: ["nothing was installed: nft is not installed"],
  });
  expect(charon.count("load-conn")).toBe(0);
});

test("IPS-88: the same policy again changes nothing, other people's connections stay", async () => {
  await charon.start();
  charon.connections.set("somebody-else", {});
  driver.start();
  await settle();
  await driver.install(plan([side("a")]), () => {});
  const before = charon.count("load-conn") + charon.count("load-shared") + charon.count("initiate");
  await driver.install(plan([side("a")]), () => {});
  await settle();
  const after = charon.count("load-conn") + charon.count("load-shared") + charon.count("initiate");
  expect(after).toBe(before);
  expect([...charon.connections.keys()]).toEqual(["somebody-else", "evpnd-a"]);
  expect(charon.count("unload-conn")).toBe(0);
});

test("IPS-88: after the daemon was killed all is back, and nothing twice", async () => {
  await charon.start();
  driver.start();
  await settle();
  await driver.install(plan([side("a"), side("b"), side("c")]), () => {});
  await settle();
  await charon.kill();
  for (let n = 0; n < 100 && driver.daemon().connected; n++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(driver.tunnels().map(({ up }) => up)).toEqual([false, false, false]);
  await charon.start();
  await settle();
  await settle();
  expect(charon.connections.size).toBe(3);
  expect(charon.secrets.size).toBe(3);
  expect(charon.sas.map(({ connection }) => connection).sort()).toEqual([
    "evpnd-a",
    "evpnd-b",
    "evpnd-c",
  ]);
  expect(events.map(({ kind }) => kind).filter((kind) => kind.startsWith("daemon"))).toEqual([
    "daemon-up",
    "daemon-down",
    "daemon-up",
  ]);
});

test("IPS-88: after a restart of ours nothing is torn down, nothing begun again", async () => {
  await charon.start();
  driver.start();
  await settle();
  await driver.install(plan([side("a"), side("b")]), () => {});
  await settle();
  const ids = charon.sas.map(({ uniqueId }) => uniqueId);
  const begun = charon.count("initiate");
  await driver.stop();
  driver = newDriver();
  driver.start();
  await settle();
  // Before the policy is known, what the daemon has is not judged.
  expect(charon.count("unload-conn")).toBe(0);
  await driver.install(plan([side("a"), side("b")], { reason: "restore", added: [] }), () => {});
  await settle();
  expect(charon.sas.map(({ uniqueId }) => uniqueId)).toEqual(ids);
  expect(charon.count("initiate")).toBe(begun);
  expect(charon.count("terminate")).toBe(0);
  expect(charon.secrets.size).toBe(2);
});

test("a tunnel that was removed is unloaded and ended; the others are not touched", async () => {
  await charon.start();
  driver.start();
  await settle();
  await driver.install(plan([side("a"), side("b")]), () => {});
  await settle();
  const steps: InstallStep[] = [];
  const kept = charon.sas.find(({ connection }) => connection === "evpnd-a")?.uniqueId;
  await driver.install(plan([side("a")], { added: [], removed: ["b"] }), (step) =>
    steps.push(step),
  );
  await settle();
  expect(steps).toEqual([{ tunnel: "b", action: "remove", problem: undefined }]);
  expect([...charon.connections.keys()]).toEqual(["evpnd-a"]);
  expect(charon.sas.map(({ uniqueId }) => uniqueId)).toEqual([kept]);
  expect([...charon.secrets.keys()].every((id) => id.startsWith("evpnd-a/"))).toBe(true);
});

test("what the daemon refuses is said with its reason, and keeps no other tunnel out", async () => {
  await charon.start();
  driver.start();
  await settle();
  secrets.set("b-key", []);
  const outcome = await driver.install(plan([side("a"), side("b"), side("c")]), () => {});
  expect(outcome.ok).toBe(false);
  expect(outcome.problems).toEqual([
    expect.stringContaining('b: there is no secret "b-key"') as string,
  ]);
  expect([...charon.connections.keys()]).toEqual(["evpnd-a", "evpnd-c"]);
});

test("without a daemon the policy is installed as soon as there is one", async () => {
  driver.start();
  const outcome = await driver.install(plan([side("a")]), () => {});
  expect(outcome).toMatchObject({
    ok: true,
    problems: [expect.stringContaining("as soon as there is an IKE daemon")],
  });
  await charon.start();
  await settle();
  expect(driver.tunnels()[0]).toMatchObject({ loaded: true, up: true });
});

test("IPS-84: narrowed selectors are told when they are negotiated, and when it is over", async () => {
  await charon.start();
  charon.narrow = (selectors) => selectors.map((one) => one.replace("10.2.0.0/24", "10.2.0.0/25"));
  driver.start();
  await settle();
  await driver.install(plan([side("a")]), () => {});
  await settle();
  const missing = { local: "10.1.0.0/24", remote: "10.2.0.128/25", protocol: 0 };
  expect(driver.tunnels("a")[0]?.uncovered).toEqual([missing]);
  charon.narrow = (selectors) => selectors;
  await driver.renegotiate("a");
  await settle();
  expect(driver.tunnels("a")[0]?.uncovered).toEqual([]);
  expect(events.filter(({ kind }) => kind === "coverage")).toEqual([
    { kind: "coverage", tunnel: "a", uncovered: [missing] },
    { kind: "coverage", tunnel: "a", uncovered: [] },
  ]);
});

test("IPS-92: two live keys are loaded older first, and in the other order when that fails", async () => {
  await charon.start();
  charon.peer = false;
  secrets.set("a-key", ["new", "old"]);
  driver.start();
  await settle();
  await driver.install(plan([side("a")]), () => {});
  const order = (): unknown[] => inUse().map((secret) => secret["data"]);
  expect(order()).toEqual(["old", "new"]);
  clock.advance(5_000);
  await settle();
  expect(order()).toEqual(["new", "old"]);
  // The rollover ends: what is left is the new one, and at no time there was none.
  secrets.set("a-key", ["new"]);
  await driver.refreshCredentials();
  expect(order()).toEqual(["new"]);
});

test("IPS-92: half-way through the overlap the newer key is the one that is used", async () => {
  await charon.start();
  const created = clock.wall();
  secrets.set("a-key", ["new", "old"]);
  rollovers.set("a-key", { created, olderUntil: created + 100_000 } as SecretFacts);
  driver.start();
  await settle();
  await driver.install(plan([side("a")]), () => {});
  const order = (): unknown[] => inUse().map((secret) => secret["data"]);
  expect(order()).toEqual(["old", "new"]);
  clock.advance(51_000);
  await driver.refreshCredentials();
  expect(order()).toEqual(["new", "old"]);
  const loads = charon.count("load-shared");
  await driver.refreshCredentials();
  expect(charon.count("load-shared")).toBe(loads);
});

test("an operator's terminate holds until he says otherwise", async () => {
  await charon.start();
  driver.start();
  await settle();
  await driver.install(plan([side("a")]), () => {});
  await settle();
  expect(await driver.terminate("a")).toBe(1);
  clock.advance(120_000);
  await settle();
  expect(driver.tunnels("a")[0]).toMatchObject({ held: true, up: false });
  await driver.initiate("a");
  await settle();
  expect(driver.tunnels("a")[0]).toMatchObject({ held: false, up: true });
  await expect(driver.initiate("nothing")).rejects.toMatchObject({ code: "not-found" });
});

test("IPS-93: a backup tunnel is begun when the main one stays down, and ended when it stays up", async () => {
  await charon.start();
  driver.start();
  await settle();
  const backupOf = { tunnel: "main", takeOverAfterSeconds: 30, returnAfterSeconds: 60 };
  const addresses = ["192.0.2.1", "192.0.2.3"] as const;
  const spare = side("spare", { addresses, more: { backupOf } });
  await driver.install(plan([side("main"), spare]), () => {});
  await settle();
  const carrying = (): string[] =>
    driver.tunnels().flatMap(({ tunnel, up }) => (up ? [tunnel] : []));
  expect(carrying()).toEqual(["main"]);
  await driver.terminate("main");
  await settle();
  expect(carrying()).toEqual([]);
  clock.advance(31_000);
  await settle();
  expect(carrying()).toEqual(["spare"]);
  await driver.initiate("main");
  await settle();
  expect(carrying()).toEqual(["main", "spare"]);
  for (let n = 0; n < 14; n++) {
    clock.advance(5_000);
    await settle();
  }
  expect(carrying()).toEqual(["main"]);
  expect(events.filter(({ kind }) => kind === "backup")).toEqual([
    { kind: "backup", tunnel: "spare", active: true },
    { kind: "backup", tunnel: "spare", active: false },
  ]);
});

test("IPS-88: an SA that has gone before it is ended stops nothing, and fails no install", async () => {
  await charon.start();
  driver.start();
  await settle();
  await driver.install(plan([side("a"), side("b")]), () => {});
  charon.refused.set("terminate", "no matching SAs to terminate found");
  const outcome = await driver.install(plan([side("b")]), () => {});
  expect(outcome).toEqual({ ok: true, problems: [] });
  charon.sas.length = 0;
  clock.advance(5000);
  await settle();
  expect(driver.tunnels().map(({ tunnel, up }) => [tunnel, up])).toEqual([["b", true]]);
});

test("IPS-90: networks that only a selector names are guarded, too; any is not", async () => {
  await charon.start();
  const [local, remote] = ["10.1.0.0/24", "10.7.0.0/24"];
  const selector = { local, remote, protocol: 0, localPort: 0, remotePort: 0 };
  const any = { ...selector, local: "0.0.0.0/0", remote: "0.0.0.0/0" };
  await driver.install(plan([side("a", { more: { selectors: [selector, any] } })]), () => {});
  expect(guarded[0]?.slice(0, -1)).toEqual(["10.2.0.0/24", "10.7.0.0/24"]);
});

test("IPS-90: the name of a tunnel interface opens no other one", async () => {
  await charon.start();
  const bound = { ...side("a"), kind: "route-based" as const };
  for (const name of ["*", 'x" return; "', "an-interface-with-a-long-name", "tunnel.1"]) {
    await driver.install(
      plan([{ ...bound, binding: { kind: "interface", interface: name } }]),
      () => {},
    );
  }
  expect(ways.map(({ interfaces }) => interfaces)).toEqual([
    ["ipsec1"],
    ["ipsec1"],
    ["ipsec1"],
    ["tunnel.1"],
  ]);
});
