/** Everything of IPsec held together, over an IKE daemon and a packet filter that are made up. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { IpsecService, type IpsecSettings } from "../../src/ipsec/index.js";
import type { IpsecModel } from "../../src/ipsec/model/index.js";
import { KvStore, MemoryKv } from "../../src/store/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { FakeCharon } from "./lib/fake-charon.js";
import { modelOf } from "./lib/sides.js";

let directory: string;
let charon: FakeCharon;
let store: KvStore;
let scripts: string[];
let nftProblem: string | undefined;
let service: IpsecService | undefined;

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-ipsec-"));
  charon = new FakeCharon(join(directory, "vici"));
  store = new KvStore(new MemoryKv(), systemClock);
  scripts = [];
  nftProblem = undefined;
  await charon.start();
});
afterEach(async () => {
  await service?.stop();
  service = undefined;
  await charon.kill();
  rmSync(directory, { recursive: true, force: true });
});

const MODEL = modelOf({ name: "a" });

function settings(model: IpsecModel = MODEL, more: Partial<IpsecSettings> = {}): IpsecSettings {
  return {
    model,
    local: "a-east",
    install: "automatic",
    secrets: { file: join(directory, "secrets"), keyFile: undefined },
    viciSocket: charon.path,
    fabric: { effect: "off", holdDownSeconds: 10 },
    ...more,
  };
}

async function start(with_: IpsecSettings): Promise<IpsecService> {
  service = await IpsecService.start({
    settings: with_,
    store,
    clock: systemClock,
    log: silentLog,
    nft: (_args, input) => {
      if (nftProblem !== undefined) return Promise.reject(new Error(nftProblem));
      scripts.push(input);
      return Promise.resolve("");
    },
  });
  return service;
}

async function until(what: () => boolean): Promise<void> {
  for (let n = 0; n < 5000 && !what(); n++) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(what()).toBe(true);
}

async function withKey(running: IpsecService): Promise<void> {
  const order = { name: "a-key", kind: "psk", actor: "test" } as const;
  await running.secrets.set({ ...order, value: "0123456789 abcdef of enough bits" });
}

test("IPS-54: nothing takes effect before an install; an install guards, loads and begins", async () => {
  const running = await start(settings(MODEL, { install: "manual" }));
  await withKey(running);
  await until(() => running.driver?.daemon().connected === true);
  expect(scripts).toEqual([]);
  expect(charon.count("load-conn")).toBe(0);
  const progress = await running.staging.install({ actor: "test" });
  expect(progress).toMatchObject({ state: "done", problems: [] });
  expect(scripts[0]).toContain("10.2.0.0/24");
  await until(() => charon.sas.length === 1);
});

test("IPS-88: what was installed is there after a restart, nothing torn down, whatever the file says", async () => {
  const first = await start(settings(MODEL, { install: "manual" }));
  await withKey(first);
  await until(() => first.driver?.daemon().connected === true);
  await first.staging.install({ actor: "test" });
  await until(() => charon.sas.length === 1);
  const id = charon.sas[0]?.uniqueId;
  await first.stop();
  const other = modelOf({ name: "a", networks: [["10.1.0.0/24"], ["10.9.0.0/24"]] });
  const second = await start(settings(other, { install: "manual" }));
  await until(() => second.driver?.tunnels()[0]?.up === true);
  expect(charon.sas.map(({ uniqueId }) => uniqueId)).toEqual([id]);
  expect(charon.count("terminate")).toBe(0);
  expect((await second.staging.status()).differs).toBe(true);
});

test("a reload stages; where installs are automatic it installs, and says what is wrong", async () => {
  const running = await start(settings());
  await withKey(running);
  await until(() => running.driver?.daemon().connected === true);
  // The key was not there at the start.
  expect(charon.connections.size).toBe(0);
  expect(await running.configure(settings())).toEqual([]);
  expect([...charon.connections.keys()]).toEqual(["evpnd-a"]);
  const wide = modelOf({ name: "a", networks: [["10.1.0.0/24"], ["10.2.0.0/23"]] });
  expect(await running.configure(settings(wide))).toEqual(["IPsec: another candidate"]);
  expect(scripts.at(-1)).toContain("10.2.0.0/23");
  nftProblem = "nft may not change rules";
  const wider = modelOf({ name: "a", networks: [["10.1.0.0/24"], ["10.2.0.0/22"]] });
  expect((await running.configure(settings(wider))).join("\n")).toContain(
    "nft may not change rules",
  );
});

test("a reload that waits for the operator says so", async () => {
  const running = await start(settings(MODEL, { install: "manual" }));
  const wide = modelOf({ name: "a", networks: [["10.1.0.0/24"], ["10.2.0.0/23"]] });
  const lines = await running.configure(settings(wide, { install: "manual" }));
  expect(lines).toEqual(["IPsec: another candidate; evpnctl ipsec install puts it into force"]);
});

test("another daemon's socket, and none", async () => {
  const running = await start(settings());
  await withKey(running);
  const second = new FakeCharon(join(directory, "vici2"));
  await second.start();
  const moved = settings(MODEL, { viciSocket: second.path });
  expect(await running.configure(moved)).toContain("IPsec: drives a-east");
  await until(() => second.sas.length === 1);
  expect(await running.configure({ ...moved, local: undefined })).toContain(
    "IPsec: drives no IKE daemon",
  );
  expect(running.driver).toBeUndefined();
  expect(second.sas).toHaveLength(1);
  await second.kill();
});

test("IPS-90: a damaged policy and a reboot: what is configured is guarded, and nothing is loaded", async () => {
  const first = await start(settings(MODEL, { install: "manual" }));
  await withKey(first);
  await first.staging.install({ actor: "test" });
  await first.stop();
  const parts = await store.scan({ prefix: "ipsec/policy/model/" });
  for (const { key } of parts) {
    await store.write([{ kind: "put", key, value: Buffer.from("damaged") }]);
  }
  await store.write([{ kind: "delete", key: "ipsec/guarded" }]);
  scripts = [];
  const loads = charon.count("load-conn");
  const second = await start(settings(MODEL, { install: "manual" }));
  await until(() => second.driver?.daemon().connected === true);
  expect((await second.staging.status()).installed).toBeUndefined();
  expect(scripts.join("\n")).toContain("10.2.0.0/24");
  expect(charon.count("load-conn")).toBe(loads);
  // An install puts it right.
  expect((await second.staging.install({ actor: "test" })).state).toBe("done");
});

test("IPS-90: a removed tunnel's networks are guarded after a reboot, with nothing else installed", async () => {
  const first = await start(settings());
  await withKey(first);
  await first.staging.install({ actor: "test" });
  const none = { ...MODEL, tunnels: [] };
  expect((await first.configure(settings(none))).join()).toContain("another candidate");
  await first.stop();
  scripts = [];
  await start(settings(none));
  expect(scripts.join("\n")).toContain("10.2.0.0/24");
});

test("a tunnel that an operator has ended stays down over a restart, until he begins it", async () => {
  const first = await start(settings());
  await withKey(first);
  await until(() => first.driver?.daemon().connected === true);
  await first.staging.install({ actor: "test" });
  await until(() => charon.sas.length === 1);
  await first.driver?.terminate("a");
  await until(() => charon.sas.length === 0);
  await first.stop();
  const second = await start(settings());
  await until(() => second.driver?.daemon().loaded === 1);
  expect(second.driver?.tunnels()).toMatchObject([{ tunnel: "a", held: true, up: false }]);
  await second.driver?.sas();
  expect(charon.sas).toEqual([]);
  await second.driver?.initiate("a");
  await until(() => charon.sas.length === 1);
  await second.stop();
  const third = await start(settings());
  await until(() => third.driver?.tunnels()[0]?.up === true);
});
