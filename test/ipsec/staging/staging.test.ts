/** Candidate, difference, install, roll-back, and what a restart finds. */
import { beforeEach, describe, expect, test } from "vitest";
import type { IpsecModel } from "../../../src/ipsec/model/index.js";
import {
  describePolicyChange,
  Staging,
  StagingError,
  type InstallOutcome,
  type InstallPlan,
  type InstallStep,
} from "../../../src/ipsec/staging/index.js";
import { KvStore, MemoryKv, StoreError, type Store } from "../../../src/store/index.js";
import { silentLog, type Log } from "../../../src/util/log.js";
import { HandClock } from "../../fib/lib/fabric.js";
import { end, gateway, model, NOW, tunnel } from "../lib/models.js";

const order = { actor: "ops" };

/** Notes its plans; does each change at once unless told to fail. */
class FakeInstaller {
  readonly plans: InstallPlan[] = [];
  fails: string | undefined;
  hold: Promise<void> | undefined;

  async install(plan: InstallPlan, progress: (step: InstallStep) => void): Promise<InstallOutcome> {
    this.plans.push(plan);
    await this.hold;
    for (const [action, names] of [
      ["remove", plan.removed],
      ["add", plan.added],
      ["change", plan.changed],
    ] as const) {
      for (const name of names) {
        const problem =
          name === this.fails && plan.reason !== "rollback" ? "no such proposal" : undefined;
        progress({ tunnel: name, action, problem });
        if (problem !== undefined) return { ok: false, problems: [`${name}: ${problem}`] };
      }
    }
    return { ok: true, problems: [] };
  }
}

let store: Store;
let installer: FakeInstaller;
let clock: HandClock;

beforeEach(() => {
  clock = new HandClock();
  store = new KvStore(new MemoryKv(), clock);
  installer = new FakeInstaller();
});

const staging = (kept: Store | undefined = store, log: Log = silentLog) =>
  new Staging({
    store: kept,
    installer,
    local: () => "a",
    context: () => ({ now: NOW }),
    clock,
    log,
  });

const named = (...names: readonly string[]): IpsecModel =>
  model(names.map((name) => tunnel("modern", { name })));

function changed(whole: IpsecModel, name: string, lifetimeSeconds: number): IpsecModel {
  const tunnels = whole.tunnels.map((one) =>
    one.name === name ? { ...one, child: { ...one.child, lifetimeSeconds } } : one,
  );
  return { ...whole, tunnels };
}

async function refusal(work: Promise<unknown>): Promise<StagingError> {
  const error: unknown = await work.then(
    () => undefined,
    (caught: unknown) => caught,
  );
  if (!(error instanceof StagingError)) throw new Error("it was not refused");
  return error;
}

describe("IPS-54: staged, then installed as one", () => {
  test("nothing takes effect before an install", async () => {
    const stage = staging();
    stage.stage(named("x", "y"));
    await stage.diff();
    await stage.check();
    expect(installer.plans).toEqual([]);
    expect(await stage.status()).toMatchObject({ installed: undefined, differs: true });
  });

  test("an install has progress and a result", async () => {
    const stage = staging();
    stage.stage(named("x", "y"));
    const result = await stage.install(order);
    expect(result).toMatchObject({ state: "done", revision: 1, done: 2, total: 2, problems: [] });
    expect(result.steps.map(({ tunnel: name, action }) => `${action} ${name}`)).toEqual([
      "add x",
      "add y",
    ]);
    expect(await stage.status()).toMatchObject({
      installed: { revision: 1, actor: "ops", tunnels: 2 },
      differs: false,
    });
  });

  test("progress is seen while it runs, and another install has to wait", async () => {
    const stage = staging();
    stage.stage(named("x"));
    let go = (): void => {};
    installer.hold = new Promise((resolve) => {
      go = resolve;
    });
    const first = stage.install(order);
    while (installer.plans.length === 0)
      await Promise.resolve().then(() => new Promise(setImmediate));
    expect((await stage.status()).progress).toMatchObject({ state: "running", total: 1, done: 0 });
    expect((await refusal(stage.install(order))).code).toBe("busy");
    go();
    expect((await first).state).toBe("done");
  });

  test("a plan names what came, went and changed; what is the same is not in it", async () => {
    const stage = staging();
    stage.stage(named("x", "y", "z"));
    await stage.install(order);
    const next = changed(named("x", "y", "new"), "y", 1800);
    stage.stage(next);
    await stage.install(order);
    expect(installer.plans.at(-1)).toMatchObject({
      revision: 2,
      reason: "install",
      added: ["new"],
      removed: ["z"],
      changed: ["y"],
    });
    expect(installer.plans.at(-1)?.after.map((side) => side.local.name)).toEqual(["a", "a", "a"]);
  });

  test("what is switched off, or between others, is not installed here", async () => {
    const others = tunnel("modern", {
      name: "elsewhere",
      ends: [end("b", "10.2.0.0/16"), end("c", "10.3.0.0/16")],
    });
    const off = tunnel("modern", { name: "off", enabled: false });
    const gateways = [
      gateway("a", "192.0.2.1"),
      gateway("b", "198.51.100.1"),
      gateway("c", "203.0.113.1"),
    ];
    const stage = staging();
    stage.stage(model([others, off, tunnel("modern", { name: "x" })], gateways));
    await stage.install(order);
    expect(installer.plans[0]?.added).toEqual(["x"]);
  });

  test("IPS-55: a fault refuses the policy as a whole, and names it", async () => {
    const stage = staging();
    const bad = tunnel("modern", {
      name: "bad",
      ends: [
        { ...tunnel("modern").ends[0], override: { ike: { version: 1 } } },
        tunnel("modern").ends[1],
      ],
    });
    stage.stage(model([tunnel("modern", { name: "good" }), bad]));
    const { code, message, findings } = await refusal(stage.install(order));
    expect(code).toBe("refused");
    expect(message).toContain("bad: IKE version differs");
    expect(findings.every(({ severity }) => severity === "error")).toBe(true);
    expect(installer.plans).toEqual([]);
  });

  test("one that fails half-way is taken back, and the one before stays", async () => {
    const stage = staging();
    stage.stage(named("x"));
    await stage.install(order);
    stage.stage(named("x", "y", "z"));
    installer.fails = "z";
    const result = await stage.install(order);
    expect(result).toMatchObject({ state: "failed", problems: ["z: no such proposal"] });
    expect(installer.plans.at(-1)).toMatchObject({ reason: "rollback", removed: ["y", "z"] });
    expect((await stage.status()).installed?.revision).toBe(1);
    expect(stage.model.tunnels.map(({ name }) => name)).toEqual(["x"]);
  });
});

describe("IPS-95: the difference is shown before, and there is a way back", () => {
  test("thing by thing, in the configuration's words", async () => {
    const stage = staging();
    stage.stage(named("x", "y"));
    await stage.install(order);
    stage.stage(changed(named("x", "new"), "x", 1800));
    const diff = await stage.diff();
    expect(diff).toMatchObject({ installed: 1, installable: true });
    expect(diff.changes.map(describePolicyChange)).toEqual([
      "tunnel y: is removed",
      "tunnel new: is added",
      "tunnel x: child.lifetime-seconds 3600 -> 1800",
    ]);
  });

  test("an install can ask for the candidate that was looked at", async () => {
    const stage = staging();
    stage.stage(named("x"));
    const { digest } = (await stage.status()).candidate;
    stage.stage(named("x", "y"));
    expect((await refusal(stage.install({ ...order, expect: digest }))).code).toBe("conflict");
    stage.stage(named("x"));
    expect((await stage.install({ ...order, expect: digest })).state).toBe("done");
  });

  test("to the policy before, and forward again", async () => {
    const stage = staging();
    expect((await refusal(stage.rollback(order))).code).toBe("nothing");
    stage.stage(named("x"));
    await stage.install(order);
    stage.stage(named("x", "y"));
    await stage.install(order);
    const back = await stage.rollback(order);
    expect(back).toMatchObject({ state: "done", reason: "rollback", revision: 3 });
    expect(installer.plans.at(-1)).toMatchObject({ removed: ["y"], added: [], changed: [] });
    expect(await stage.status()).toMatchObject({ differs: true });
    await stage.rollback(order);
    expect(stage.model.tunnels.map(({ name }) => name)).toEqual(["x", "y"]);
  });

  test("before the first install there was nothing", async () => {
    const stage = staging();
    stage.stage(named("x"));
    await stage.install(order);
    await stage.rollback(order);
    expect(stage.model.tunnels).toEqual([]);
  });
});

describe("after a restart", () => {
  test("what was installed is in force, whatever the file says meanwhile", async () => {
    const before = staging();
    before.stage(named("x", "y"));
    await before.install(order);
    const after = staging();
    after.stage(named("z"));
    await after.restore();
    expect(installer.plans.at(-1)).toMatchObject({ reason: "restore", revision: 1 });
    expect(installer.plans.at(-1)?.after.map((side) => side.tunnel)).toEqual(["x", "y"]);
    expect(await after.status()).toMatchObject({ differs: true, installed: { actor: "ops" } });
  });

  test("there is still a way back", async () => {
    const before = staging();
    before.stage(named("x"));
    await before.install(order);
    before.stage(named("y"));
    await before.install(order);
    const after = staging();
    await after.restore();
    await after.rollback(order);
    expect(after.model.tunnels.map(({ name }) => name)).toEqual(["x"]);
  });

  test("a thousand tunnels come back whole, and old ones leave nothing behind", async () => {
    const many = named(...Array.from({ length: 1000 }, (_, n) => `t${n}`));
    const before = staging();
    for (const one of [named("x"), many, changed(many, "t7", 1800)]) {
      before.stage(one);
      await before.install(order);
    }
    const after = staging();
    await after.restore();
    expect(after.model).toEqual(changed(many, "t7", 1800));
    const keys = (await store.scan({ prefix: "ipsec/policy/model/" })).map(({ key }) => key);
    expect(new Set(keys.map((key) => key.split("/")[3]))).toEqual(new Set(["2", "3"]));
  });

  test("without a store, or with nothing in it, nothing is in force", async () => {
    for (const stage of [staging(), staging(undefined)]) {
      await stage.restore();
      expect((await stage.status()).installed).toBeUndefined();
    }
    expect(installer.plans).toEqual([]);
  });

  test("what is damaged is told, and counts as nothing", async () => {
    const before = staging();
    before.stage(named("x"));
    await before.install(order);
    const key = "ipsec/policy/model/1/0";
    await store.write([{ kind: "put", key, value: Buffer.from("not gzip") }]);
    const told: string[] = [];
    const after = staging(store, {
      ...silentLog,
      error: (_fields, words) => void told.push(words),
    });
    await after.restore();
    expect(told).toEqual(["what IPsec policy was installed cannot be read"]);
    expect((await after.status()).installed).toBeUndefined();
    expect(after.lost).toBe(true);
    // An install puts it right.
    after.stage(named("x"));
    expect((await after.install(order)).problems).toEqual([]);
    expect(after.lost).toBe(false);
  });

  test("damage to the policy before does not take the one in force along", async () => {
    const before = staging();
    for (const name of ["x", "y"]) {
      before.stage(named(name));
      await before.install(order);
    }
    const key = "ipsec/policy/model/1/0";
    await store.write([{ kind: "put", key, value: Buffer.from("not gzip") }]);
    const after = staging(store, silentLog);
    await after.restore();
    expect(await after.status()).toMatchObject({ installed: { revision: 2 }, previous: undefined });
    expect(after.lost).toBe(false);
  });

  test("what could not be kept is told", async () => {
    const full: Store = Object.assign(Object.create(store) as Store, {
      write: () => Promise.reject(new StoreError("full", "no room on the disk")),
    });
    const stage = staging(full);
    stage.stage(named("x"));
    const result = await stage.install(order);
    expect(result.state).toBe("done");
    expect(result.problems[0]).toContain("could not be kept");
  });
});

test("IPS-88: what could not be brought about at a start is tried again, until it could", async () => {
  const first = staging();
  first.stage(named("x"));
  await first.install(order);
  installer.fails = "x";
  const second = staging();
  await second.restore();
  expect(second.needsReapply).toBe(true);
  installer.fails = undefined;
  await second.reapply();
  expect(second.needsReapply).toBe(false);
  expect(installer.plans.at(-1)).toMatchObject({ reason: "restore", added: ["x"] });
});

test("IPS-88: another installer is told of what is in force, also without a store", async () => {
  const stage = new Staging({
    store: undefined,
    installer,
    local: () => "a",
    context: () => ({ now: NOW }),
    clock,
    log: silentLog,
  });
  await stage.reapply();
  expect(installer.plans).toEqual([]);
  stage.stage(named("x"));
  await stage.install(order);
  await stage.reapply();
  expect(installer.plans.at(-1)).toMatchObject({ reason: "restore", added: ["x"], revision: 1 });
});
