import { describe, expect, test } from "vitest";
import type { GlassEntry } from "../../../src/asmn/gate/entry.js";
import { GatewayDesk } from "../../../src/asmn/gateway/index.js";
import { KvStore, MemoryKv, StoreError } from "../../../src/store/index.js";
import { keyOf, signedOf, WRITTEN } from "../catalog/lib.js";
import { Bench, PE1, RR } from "./lib/gateway-bench.js";

const CATALOG = {
  ...{ tenant: "acme", version: 1, descriptors: ["pe1", "rr"] },
  entries: [{ from: "pe1", to: "rr", protocol: "tcp", port: 179, rate: "10mbit" }],
};

async function enforcing(bench = new Bench()): Promise<Bench> {
  await bench.start();
  expect(await bench.gateway.catalog(signedOf(CATALOG), keyOf)).toMatchObject({ kind: "taken" });
  expect(await bench.tell(PE1, RR)).toBe(true);
  return bench;
}

test("ASM-76: from its start the gateway denies all but the Sec-EM, until a catalog has come", async () => {
  const bench = new Bench();
  await bench.start();
  const rules = bench.kernel.table()?.rules ?? [];
  const check = rules.filter((rule) => rule.startsWith("check4 "));
  expect(check).toEqual([
    "check4 ip daddr . tcp dport @secem4 goto to_secem4",
    "check4 ip saddr . tcp sport @secem4 tcp flags & (syn | ack) != syn goto from_secem4",
    "check4 goto closed",
  ]);
  // Neither way for a forged source, nor without a limit.
  for (const [way, limits] of [
    ["to_secem4", ["secem_opens4 { ip saddr", "secem_octets4 { ip saddr"]],
    ["from_secem4", ["secem_back4 { ip daddr"]],
  ] as const) {
    const [first, ...others] = rules.filter((rule) => rule.startsWith(`${way} `));
    expect(first).toBe(`${way} fib saddr . iif oif missing goto spoofed`);
    for (const limit of limits) expect(others.join("\n")).toContain(`update @${limit} limit rate`);
    expect(others.at(-1)).toBe(`${way} counter name secem accept`);
  }
  expect(rules).toContain("check6 goto closed");
  await bench.tell(PE1, RR);
  expect(bench.kernel.table()?.rules).toContain("check4 goto closed");
  expect(bench.gateway.view().state).toBe("closed");
});

test("ASM-33: the gateway takes a signed catalog of its tenant and enforces it", async () => {
  const { kernel, gateway } = await enforcing();
  expect(gateway.view().state).toBe("enforcing");
  expect(kernel.open()).toEqual(["10.0.1.2", "10.0.2.2"]);
  const sets = kernel.table()?.sets;
  expect([...(sets?.get("port4")?.keys() ?? [])]).toEqual(["10.0.1.2 . 10.0.2.2 . 6 . 179"]);
  expect([...(sets?.get("answer4")?.keys() ?? [])]).toEqual(["10.0.2.2 . 10.0.1.2 . 6 . 179"]);
  const foreign = await gateway.catalog(signedOf({ ...CATALOG, tenant: "other" }), keyOf);
  expect(foreign).toEqual({
    kind: "refused",
    reason: "the catalog is of other, the gateway of acme",
  });
});

test("ASM-70: an older catalog is refused, also after a restart and after the rules were removed", async () => {
  const bench = await enforcing();
  const newer = signedOf({ ...CATALOG, version: 5 });
  expect(await bench.gateway.catalog(newer, keyOf)).toMatchObject({ kind: "taken", version: 5 });
  expect(await bench.gateway.catalog(newer, keyOf)).toEqual({ kind: "same", version: 5 });
  const older = signedOf({ ...CATALOG, version: 4 });
  const refused = {
    kind: "refused",
    reason:
      "catalog 4 of acme is older than 5, which was in force: give the older content a higher version",
  };
  expect(await bench.gateway.catalog(older, keyOf)).toMatchObject(refused);
  await bench.gateway.remove("op");
  await bench.gateway.close();
  await bench.start();
  expect(bench.gateway.view().state).toBe("closed");
  expect(await bench.gateway.catalog(older, keyOf)).toMatchObject(refused);
  expect(await bench.gateway.catalog(newer, keyOf)).toMatchObject({ kind: "taken" });
});

test("ASM-71: who loses trust is cut off at once, and is back only when trusted anew", async () => {
  const bench = await enforcing();
  const written = bench.kernel.scripts.length;
  await bench.tell({ ...PE1, state: "untrusted", reason: "revoked" });
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  // One small transaction, not the whole table.
  expect(bench.kernel.scripts.slice(written)).toEqual([
    "add element inet evpnd_asmn open4 { 10.0.1.2 }\ndelete element inet evpnd_asmn open4 { 10.0.1.2 }\n",
  ]);
  for (const state of ["unknown", "stale"] as const) {
    await bench.tell({ ...PE1, state });
    expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  }
  await bench.tell(PE1);
  expect(bench.kernel.open()).toEqual(["10.0.2.2", "10.0.1.2"]);
});

test("ASM-71: a verdict that is not renewed ends in the kernel, and in the status", async () => {
  const bench = await enforcing();
  expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.1.2")).toBe("300s");
  await bench.pass(200_000);
  await bench.tell(RR);
  await bench.pass(1000);
  expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.2.2")).toBe("299s");
  await bench.pass(99_100);
  const rows = await new GatewayDesk(bench.gateway, bench.clock).members();
  expect(rows).toMatchObject([
    { vnf: "pe1", state: "stale", reason: "its verdict ran out", open: false },
    { vnf: "rr", state: "trusted", open: true },
  ]);
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
});

test("ASM-71: the last word on an address that two instances have counts", async () => {
  const bench = await enforcing();
  const second = { ...PE1, id: "cc", instance: "i2" };
  await bench.pass(10);
  await bench.tell({ ...second, state: "untrusted", reason: "clone" });
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  await bench.gateway.members([{ kind: "gone", id: "cc" }]);
  expect(bench.kernel.open()).toContain("10.0.1.2");
  await bench.tell({ ...PE1, id: "dd", vnf: "rr", addresses: ["10.0.1.2"] });
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  expect(bench.gateway.view().problems).toEqual([
    "10.0.1.2 is claimed by two VNFs and closed: correct the descriptors",
  ]);
});

test("ASM-02, ASM-70: who is trusted with a later catalog waits for it, who is in stays in", async () => {
  const bench = await enforcing();
  const third = { ...PE1, id: "cc", instance: "i3", addresses: ["10.0.3.2"], catalogVersion: 2 };
  await bench.tell({ ...PE1, catalogVersion: 2 }, third);
  expect(bench.kernel.open()).toEqual(["10.0.1.2", "10.0.2.2"]);
  const desk = new GatewayDesk(bench.gateway, bench.clock);
  expect((await desk.members()).find(({ id }) => id === "cc")).toMatchObject({
    ...{ open: false, reason: "it waits for catalog 2, which has not come" },
  });
  await bench.gateway.catalog(signedOf({ ...CATALOG, version: 2 }), keyOf);
  expect(bench.kernel.open().sort()).toEqual(["10.0.1.2", "10.0.2.2", "10.0.3.2"]);
});

test("ASM-37, ASM-70: an nft that fails leaves what was in force whole, says the rule, and is tried again", async () => {
  const bench = await enforcing();
  const before = structuredClone(bench.kernel.tables);
  bench.kernel.problem = "nft failed: Error: Could not process rule, in: add rule inet x y";
  const next = signedOf({ ...CATALOG, version: 2, abnormal: "lower" });
  expect(await bench.gateway.catalog(next, keyOf)).toEqual({
    kind: "refused",
    reason: `catalog 2 is not in force, what was before is: ${bench.kernel.problem}`,
  });
  expect(bench.kernel.tables).toEqual(before);
  expect(bench.gateway.view()).toMatchObject({
    state: "failing",
    catalog: { catalog: { version: 1 } },
  });
  bench.kernel.problem = undefined;
  await bench.pass(10_000);
  expect(bench.gateway.view()).toMatchObject({
    state: "enforcing",
    catalog: { catalog: { version: 2 } },
  });
});

test("ASM-71: a cut-off that the kernel does not take is tried again until it does", async () => {
  const bench = await enforcing();
  bench.kernel.problem = "nft failed: Error: Cannot allocate memory";
  expect(await bench.tell({ ...PE1, state: "untrusted" })).toBe(false);
  expect(bench.gateway.view()).toMatchObject({
    state: "failing",
    problems: [bench.kernel.problem],
  });
  bench.kernel.problem = undefined;
  await bench.pass(1000);
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  expect(bench.gateway.view()).toMatchObject({ state: "enforcing", problems: [] });
});

test("a flush of everybody's rules is noticed and put back, and so is one rule or address less", async () => {
  const bench = await enforcing();
  const whole = bench.kernel.table();
  bench.kernel.tables = new Map();
  bench.hint();
  await bench.pass(50);
  expect(bench.kernel.table()).toEqual(whole);
  bench.kernel.table()?.rules.splice(3, 1);
  await bench.pass(10_000);
  expect(bench.kernel.table()?.rules).toEqual(whole?.rules);
  bench.kernel.table()?.sets.get("open4")?.delete("10.0.2.2");
  bench.hint();
  await bench.pass(50);
  expect(bench.kernel.open()).toContain("10.0.2.2");
  bench.kernel.table()?.sets.get("open4")?.set("10.6.6.6", "");
  await bench.pass(10_000);
  expect(bench.kernel.open()).not.toContain("10.6.6.6");
  expect(bench.gateway.view().repairs).toBe(4);
});

test("what was in force is in force after a restart, without who was cut off or has run out", async () => {
  const bench = await enforcing();
  const third = {
    ...PE1,
    id: "cc",
    vnf: "pe1",
    instance: "i3",
    addresses: ["10.0.3.2"],
    leftMs: 5000,
  };
  await bench.tell({ ...RR, state: "untrusted", reason: "revoked" }, third);
  await bench.gateway.close();
  // A new boot: nothing in the kernel, and ten seconds later.
  bench.kernel.tables = new Map();
  bench.clock.pass(10_000);
  await bench.start();
  expect(bench.gateway.view().catalog?.catalog.version).toBe(1);
  expect(bench.kernel.open()).toEqual(["10.0.1.2"]);
  expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.1.2")).toBe("290s");
  // The feed tells who there still is.
  await bench.gateway.members([
    { kind: "item", item: RR },
    { kind: "only", ids: ["bb"] },
  ]);
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
});

test("a wall clock that went back lets nobody in from before", async () => {
  const bench = await enforcing();
  await bench.gateway.close();
  bench.clock.offset -= 3_600_000;
  await bench.start();
  expect(bench.kernel.open()).toEqual([]);
});

test("ASM-70: a full disk takes no new catalog, and keeps nobody in who is cut off", async () => {
  const bench = new Bench();
  const store = new KvStore(new MemoryKv(), bench.clock);
  let full = false;
  const write = store.write.bind(store);
  store.write = (...args) =>
    full ? Promise.reject(new StoreError("full", "no room on the disk")) : write(...args);
  bench.store = store;
  await enforcing(bench);
  full = true;
  const next = signedOf({ ...CATALOG, version: 2, entries: [] });
  expect(await bench.gateway.catalog(next, keyOf)).toMatchObject({
    kind: "refused",
    reason: "catalog 2 is not in force, what was before is: no room on the disk",
  });
  expect(bench.gateway.view().catalog?.catalog.version).toBe(1);
  await bench.tell({ ...PE1, state: "untrusted" });
  expect(bench.kernel.open()).toEqual(["10.0.2.2"]);
  expect(bench.gateway.view().problems.join()).toContain("may be forgotten at a restart");
});

test("removal leaves nothing, and installing begins closed", async () => {
  const bench = new Bench();
  const interfaces = [{ name: "left", vnfs: [], rate: 100_000_000 }];
  await bench.start({ interfaces });
  await bench.gateway.catalog(signedOf(CATALOG), keyOf);
  expect([...bench.kernel.queues]).toEqual([["left", "a5e0:"]]);
  await bench.gateway.remove("op");
  expect(bench.kernel.tables.size).toBe(0);
  expect(bench.kernel.queues.size).toBe(0);
  expect(bench.gateway.view().state).toBe("removed");
  expect(bench.lines.join("\n")).toContain('"actor":"op"');
  await bench.pass(60_000);
  expect(bench.kernel.tables.size).toBe(0);
  await bench.gateway.install("op");
  expect(bench.gateway.view().state).toBe("closed");
  expect(bench.kernel.table()?.rules).toContain("check4 goto closed");
});

test("a change of settings is all or nothing; a new table takes the place of the old one in one stroke", async () => {
  const bench = await enforcing();
  const { settings } = bench.gateway.view();
  bench.kernel.problem = "nft failed";
  await expect(bench.gateway.configure({ ...settings, table: "other" })).rejects.toThrow(
    "nft failed",
  );
  bench.kernel.problem = undefined;
  expect([...bench.kernel.tables.keys()]).toEqual(["evpnd_asmn"]);
  const written = bench.kernel.scripts.length;
  await bench.gateway.configure({ ...settings, table: "other" });
  expect([...bench.kernel.tables.keys()]).toEqual(["other"]);
  expect(bench.kernel.scripts.length).toBe(written + 1);
  expect(bench.kernel.open("other")).toEqual(["10.0.1.2", "10.0.2.2"]);
});

test("a table that was renamed while the gateway was away is replaced in one stroke", async () => {
  const bench = await enforcing();
  await bench.gateway.close();
  const written = bench.kernel.scripts.length;
  await bench.start({ table: "other" });
  expect([...bench.kernel.tables.keys()]).toEqual(["other"]);
  // Not closed in between: the old one kept the door.
  expect(bench.kernel.scripts.length).toBe(written + 1);
  expect(bench.kernel.open("other")).toEqual(["10.0.1.2", "10.0.2.2"]);
  // It is told once: somebody else's table of that name is left alone later.
  bench.kernel.tables.set("evpnd_asmn", { rules: [], sets: new Map(), counted: new Map() });
  await bench.gateway.close();
  await bench.start({ table: "other" });
  await bench.gateway.remove("op");
  expect([...bench.kernel.tables.keys()]).toEqual(["evpnd_asmn"]);
});

test("ASM-71: members of one tenant are not those of another, and are there when it is back", async () => {
  const bench = await enforcing();
  const { settings } = bench.gateway.view();
  await bench.tell({ ...RR, leftMs: 400_000 });
  await bench.gateway.configure({ ...settings, tenant: "other" });
  expect(bench.gateway.view().members).toEqual([]);
  expect(bench.kernel.open()).toEqual([]);
  await bench.gateway.close();
  await bench.start({ tenant: "other" });
  expect(bench.kernel.open()).toEqual([]);
  await bench.gateway.configure(settings);
  expect(bench.kernel.open()).toEqual(["10.0.1.2", "10.0.2.2"]);
  // What had waited for others to be kept was kept before.
  expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.2.2")).toBe("400s");
});

test("ASM-71: whoever asks for status and flows again and again holds up no revocation", async () => {
  const bench = await enforcing();
  const desk = new GatewayDesk(bench.gateway, bench.clock);
  const { calls } = bench.kernel;
  calls.length = 0;
  const moment = () => new Promise<void>((resolve) => setImmediate(resolve));
  bench.kernel.pace = moment;
  const asked = Array.from({ length: 50 }, () => [desk.status(), desk.flows()]).flat();
  await moment();
  const revoked = bench.tell({ ...PE1, state: "untrusted" });
  const more = Array.from({ length: 50 }, () => [desk.status(), desk.flows()]).flat();
  expect(await revoked).toBe(true);
  await Promise.all([...asked, ...more]);
  expect(calls.findIndex((call) => call.startsWith("-f"))).toBeLessThan(4);
  // Each kind is read as often as it has to be, not for each who asks.
  expect(calls.filter((call) => call.startsWith("-j")).length).toBeLessThan(20);
});

test("ASM-36: a volume that passes within its window is told, and is over when it is", async () => {
  const bench = new Bench();
  await bench.start();
  const alarms = [{ name: "leak", from: "pe1", octets: 1000, window: 60 }];
  await bench.gateway.catalog(signedOf({ ...CATALOG, alarms }), keyOf);
  await bench.tell(PE1, RR);
  expect([...(bench.kernel.table()?.sets.get("volume_out4")?.keys() ?? [])]).toEqual(["10.0.1.2"]);
  bench.kernel.table()?.counted.set("10.0.1.2", 900);
  await bench.pass(5000);
  expect(bench.gateway.alarms.raised()).toEqual([]);
  bench.kernel.table()?.counted.set("10.0.1.2", 1900);
  await bench.pass(5000);
  expect(bench.gateway.alarms.raised()).toMatchObject([{ name: "leak", vnf: "pe1", octets: 1900 }]);
  expect(bench.lines.join("\n")).toContain("leak: pe1 sent 1900 octets to outside within 60 s");
  await bench.pass(65_000);
  expect(bench.gateway.alarms.raised()).toEqual([]);
});

test("the desk tells what is in force, and what a catalog would change", async () => {
  const bench = await enforcing();
  const desk = new GatewayDesk(bench.gateway, bench.clock);
  expect(await desk.status()).toMatchObject({
    ...{ state: "enforcing", tenant: "acme", open: 2, members: 2, repairs: 0, problems: [] },
    catalog: { version: 1, entries: 1, action: "drop" },
    counters: { closed: { packets: 0 }, lowered: { octets: 0 } },
  });
  expect(await desk.flows()).toMatchObject([
    { name: "pe1 > rr tcp 179", limits: "10 Mbit/s burst 65536, 100 SYN/s" },
  ]);
  expect(await desk.script()).toBe(bench.kernel.scripts.find((script) => script.includes("port4")));
  const trial = await desk.compare({ ...CATALOG, version: 2, entries: [] });
  expect(trial).toMatchObject({ changes: [{ kind: "removed", name: "pe1 > rr tcp 179" }] });
  expect((await desk.compare({ ...WRITTEN, version: 0 })).problems).toHaveLength(1);
});

describe("break-glass", () => {
  const ENTRY: GlassEntry = {
    ...{ key: "em 7", serial: 7, operator: "ann", why: "a fire", tenant: "acme" },
    ...{ vnf: "pe1", instance: undefined, address: undefined, remainingMs: 600_000 },
  };
  const open = (bench: Bench, over: Partial<GlassEntry> = {}): Promise<boolean> =>
    bench.gateway.breakGlass({ kind: "glass", entry: { ...ENTRY, ...over } });

  test("ASM-81: lets in who is in its scope, revoked or not, by name, and is over by itself", async () => {
    const bench = await enforcing();
    await bench.tell({ ...PE1, state: "untrusted", reason: "revoked" });
    await bench.tell({ ...RR, state: "stale", reason: "silence" });
    expect(bench.kernel.open()).toEqual([]);
    expect(await open(bench)).toBe(true);
    expect(bench.kernel.open()).toEqual(["10.0.1.2"]);
    expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.1.2")).toBe("600s");
    const desk = new GatewayDesk(bench.gateway, bench.clock);
    expect((await desk.members())[0]).toMatchObject({
      ...{ state: "trusted", open: true, reason: "break-glass 7 by ann (a fire)" },
    });
    const grant = { serial: 7, operator: "ann", why: "a fire", vnf: "pe1", secondsLeft: 600 };
    expect((await desk.status()).breakGlass).toMatchObject([grant]);
    expect(bench.lines.join("\n")).toMatch(/a way in is open .*"operator":"ann".*"audit":true/);
    await bench.pass(600_100);
    expect(bench.kernel.open()).toEqual([]);
    expect((await desk.status()).breakGlass).toEqual([]);
    expect(bench.lines.join("\n")).toMatch(/break-glass: over .*"serial":7/);
  });

  test("ASM-81: is ended by hand at once; that of another tenant opens nothing", async () => {
    const bench = await enforcing();
    await bench.tell({ ...PE1, state: "untrusted" }, { ...RR, state: "untrusted" });
    await open(bench, { tenant: "other" });
    await open(bench, { instance: "i2" });
    expect(bench.kernel.open()).toEqual([]);
    await open(bench, { key: "em 8", serial: 8, vnf: undefined });
    expect(bench.kernel.open()).toEqual(["10.0.1.2", "10.0.2.2"]);
    await bench.gateway.breakGlass({ kind: "glass-ended", key: "em 8" });
    expect(bench.kernel.open()).toEqual([]);
    expect(bench.gateway.view().glass.map(({ entry }) => entry.serial)).toEqual([7]);
    await open(bench);
    const desk = new GatewayDesk(bench.gateway, bench.clock);
    expect(await desk.endBreakGlass(7)).toBe(true);
    expect(await desk.endBreakGlass(7)).toBe(false);
    expect(bench.kernel.open()).toEqual([]);
  });

  test("ASM-81: an address is opened for whoever has it, as the VNF that is named, within its catalog", async () => {
    const bench = await enforcing();
    await open(bench, { address: "10.0.7.7" });
    expect(bench.kernel.open()).toContain("10.0.7.7");
    const flows = [...(bench.kernel.table()?.sets.get("port4")?.keys() ?? [])];
    expect(flows).toContain("10.0.7.7 . 10.0.2.2 . 6 . 179");
    // Another VNF's address stays that VNF's: nobody is shut out by it.
    await open(bench, { key: "em 8", serial: 8, address: "10.0.2.2" });
    expect(bench.kernel.open()).toContain("10.0.2.2");
    expect(bench.gateway.view().problems).toEqual([]);
  });

  test("ASM-81: survives a restart for what is left of it, and no wall clock that went back", async () => {
    const bench = await enforcing();
    await bench.tell({ ...PE1, state: "untrusted" });
    await open(bench);
    await bench.gateway.close();
    bench.clock.pass(100_000);
    await bench.start();
    expect(bench.kernel.table()?.sets.get("open4")?.get("10.0.1.2")).toBe("500s");
    await bench.gateway.close();
    bench.clock.offset -= 3_600_000;
    await bench.start();
    expect(bench.kernel.open()).toEqual([]);
  });

  test("ASM-76, ASM-81: before a catalog has come it opens nothing, and removal ends it", async () => {
    const bench = new Bench();
    await bench.start();
    await bench.tell({ ...PE1, state: "untrusted" });
    await open(bench);
    expect(bench.kernel.table()?.rules).toContain("check4 goto closed");
    await bench.gateway.remove("op");
    await bench.gateway.install("op");
    expect(bench.gateway.view().glass).toEqual([]);
  });

  test("ASM-81: a document that is given here is checked, and answered when it is in force", async () => {
    const bench = await enforcing();
    await bench.tell({ ...PE1, state: "untrusted" });
    let why: string | undefined = "signature: it is wrong";
    const admit = () => {
      if (why === undefined) void open(bench);
      return why;
    };
    const desk = new GatewayDesk(bench.gateway, bench.clock, { admit, askAgain() {} });
    await expect(desk.breakGlass("AA==")).rejects.toThrow("signature: it is wrong");
    await expect(desk.breakGlass("")).rejects.toThrow("some hundred octets");
    why = undefined;
    expect(await desk.breakGlass("AA==")).toMatchObject({ serial: 7, secondsLeft: 600 });
    expect(bench.kernel.open()).toContain("10.0.1.2");
    await bench.gateway.remove("op");
    await expect(desk.breakGlass("AA==")).rejects.toThrow("were removed");
  });
});

test("an interface that is a port of a bridge is told, until it is none", async () => {
  const bench = new Bench();
  bench.kernel.bridges.set("left", "br0");
  await bench.start();
  const trouble =
    "left is a port of the bridge br0: what is bridged is not policed; take it out of the bridge, and route";
  expect(bench.gateway.view().problems).toEqual([trouble]);
  expect(bench.lines.join("\n")).toContain("it does not see all of the traffic");
  bench.kernel.bridges.clear();
  await bench.pass(10_000);
  expect(bench.gateway.view().problems).toEqual([]);
});

test("ASM-31: a kernel without connection tracking holds the rest of the rules, and status says so", async () => {
  const bench = new Bench();
  bench.kernel.lacks = "ct state";
  await bench.start();
  const entries = [{ from: "pe1", to: "rr", protocol: "udp", port: 53 }];
  await bench.tell(PE1, RR);
  const taken = await bench.gateway.catalog(signedOf({ ...CATALOG, entries }), keyOf);
  expect(taken).toMatchObject({ kind: "taken" });
  expect(bench.kernel.table()?.sets.has("answer4")).toBe(true);
  expect(bench.gateway.view().problems.join()).toContain("told by their port alone");
  expect(bench.gateway.view().state).toBe("enforcing");
});

test("ASM-76: who is known takes no stranger's place towards the Sec-EM; who finds none shares a limit", async () => {
  const bench = await enforcing();
  const rules = bench.kernel.table()?.rules ?? [];
  const chain = (name: string) => rules.filter((rule) => rule.startsWith(`${name} `));
  expect(chain("to_secem4")[1]).toBe("to_secem4 ip saddr @known4 goto to_secem4_known");
  expect(chain("from_secem4")[1]).toBe("from_secem4 ip daddr @known4 goto from_secem4_known");
  for (const [name, set, end] of [
    ["to_secem4", "secem_octets4", "saddr"],
    ["to_secem4_known", "secem_known_octets4", "saddr"],
    ["from_secem4", "secem_back4", "daddr"],
    ["from_secem4_known", "secem_known_back4", "daddr"],
  ] as const) {
    const crowd = `${name} ip ${end} != @${set} counter name secem_crowd limit name ${set} counter name secem_excess drop`;
    expect(chain(name)).toContain(crowd);
  }
});
