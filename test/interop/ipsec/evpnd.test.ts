/**
 * A whole evpnd beside its IKE daemon: one file has the tunnel, evpnd at one end and the driver at the other work
 * from it. What happens to packets when evpnd dies, and to SAs when it comes back or reads its file again.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { loadConfig } from "../../../src/config/index.js";
import type { IkeSa } from "../../../src/ipsec/live/index.js";
import { sideOf, type TunnelSide } from "../../../src/ipsec/model/index.js";
import { SecretStore } from "../../../src/ipsec/secrets/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { DIST, listens } from "../lib/evpnd.js";
import { Lab } from "../lib/lab.js";
import type { Program } from "../lib/processes.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";
import { WireWatch } from "./lib/wire-watch.js";

/** Found in no log afterwards. */
const KEY = canary("lab key of 256 bits");
const PHASES = [
  "before the tunnel",
  "after SIGKILL of evpnd",
  "after SIGKILL of both",
  "after their return",
] as const;

describeInterop("evpnd and its IKE daemon", ["ping", "tshark", "strongswan", "nftables"], () => {
  let lab: Lab;
  let net: TunnelNet;
  let hq: Site;
  let branch: Site;
  let far: Driven;
  let watch: WireWatch;
  let evpnd: Program;
  let file: string;
  let starts = 0;
  const secrets: TestSecrets = new Map([["hq-branch-key", { values: [KEY] }]]);

  const text = (lifetime: number, more = ""): string => `
as: 65000
router-id: 10.30.1.1
listen: ["127.0.0.1:179"]
restart: {state-dir: ${join(lab.directory, "state")}}
ipsec:
  local: hq
  install: automatic
  vici-socket: ${hq.swan?.socket ?? ""}
  secrets: {file: ${join(lab.directory, "secrets")}}
  sites:
    - name: hq
      gateways:
        - name: hq
          vendor: strongswan
          address: 198.51.100.1
          interfaces: [{name: out, zone: Untrust, addresses: [198.51.100.1/24]}]
    - name: branch
      gateways:
        - name: branch
          vendor: strongswan
          address: 203.0.113.1
          interfaces: [{name: out, zone: Untrust, addresses: [203.0.113.1/24]}]
  tunnels:
    - name: hq-branch
      kind: policy-based
      psk: hq-branch-key
      esp: {proposals: [aes256gcm16-curve25519], lifetime: ${String(lifetime)}}
      ends:
        - {gateway: hq, interface: out, networks: [10.30.1.0/24], start: start}
        - {gateway: branch, interface: out, networks: [10.77.1.0/24], start: respond}
${more}`;

  async function startEvpnd(): Promise<void> {
    starts++;
    const name = `evpnd-${String(starts)}`;
    const main = join(DIST, "src", "main.js");
    evpnd = lab.start("hq", name, process.execPath, [main, "--config", file]);
    await waitFor(`${name} to listen`, () => {
      evpnd.mustRun();
      return listens(evpnd.pid, 179);
    });
  }

  function sas(): Promise<IkeSa[]> {
    return hq.swan!.ask((charon) => charon.sas());
  }

  async function pinged(): Promise<void> {
    await waitFor("a ping", async () => (await net.ping(hq, branch)) === 1);
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.makeDirectory("state");
    net = new TunnelNet(lab);
    [hq, branch] = await Promise.all([
      net.site({ name: "hq", outside: ["198.51.100.1"], networks: ["10.30.1.0/24"] }),
      net.site({ name: "br", outside: ["203.0.113.1"], networks: ["10.77.1.0/24"] }),
    ]);
    const store = await SecretStore.open({
      settings: { file: lab.mayHoldSecrets(join(lab.directory, "secrets")), keyFile: undefined },
      users: () => [],
      clock: systemClock,
      log: silentLog,
    });
    await store.set({ name: "hq-branch-key", kind: "psk", value: KEY, actor: "test" });
    file = lab.writeFile("evpnd.yaml", text(3600));
    far = new Driven(lab, branch, secrets);
    watch = await WireWatch.start(lab, net.router);
  });
  afterAll(async () => {
    await Driven.stopAll();
    await lab.close();
  });
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** The other end's side of the same file. */
  function branchSide(): TunnelSide {
    const loaded = loadConfig({ file, arguments: {} } as Parameters<typeof loadConfig>[0]);
    if (!loaded.ok) throw new Error(JSON.stringify(loaded));
    const { model } = loaded.settings.ipsec!;
    return sideOf(model, model.tunnels[0]!, 1)!;
  }

  test("IPS-90: a fresh evpnd guards before the other end is there", async () => {
    await far.guard.protect(["10.30.1.0/24"], { interfaces: [] });
    watch.phase("before the tunnel");
    await startEvpnd();
    expect(await net.ping(hq, branch, { count: 3 })).toBe(0);
  });

  test("IPS-04: both ends work from one file", async () => {
    watch.phase("while it carries");
    expect(await far.install([branchSide()])).toEqual({ ok: true, problems: [] });
    await pinged();
    expect(await net.ping(branch, hq, { count: 3 })).toBe(3);
  });

  test("IPS-90: SIGKILL of evpnd: the tunnel carries on, nothing is in clear", async () => {
    watch.phase("after SIGKILL of evpnd");
    await evpnd.stop("SIGKILL");
    expect(await net.ping(hq, branch, { count: 5 })).toBe(5);
  });

  test("IPS-88: evpnd comes back and finds what is there: nothing is torn down", async () => {
    const before = await sas();
    await startEvpnd();
    await waitFor("the tunnel to be taken up", async () => {
      const names = await hq.swan!.ask((charon) => charon.connections());
      return names.length === 1 && evpnd.log().includes("IKE daemon connected");
    });
    expect(await net.ping(hq, branch, { count: 20 })).toBe(20);
    const now = await sas();
    expect(now.map(({ initiatorSpi }) => initiatorSpi)).toEqual(
      before.map(({ initiatorSpi }) => initiatorSpi),
    );
    expect(now.flatMap(({ children }) => children.map(({ spiIn }) => spiIn))).toEqual(
      before.flatMap(({ children }) => children.map(({ spiIn }) => spiIn)),
    );
  });

  test("IPS-90: SIGKILL of both: nothing passes", async () => {
    watch.phase("after SIGKILL of both");
    await evpnd.stop("SIGKILL");
    await hq.swan!.kill();
    expect(await net.ping(hq, branch, { count: 3 })).toBe(0);
    expect(await net.ping(branch, hq, { count: 3 })).toBe(0);
  });

  test("both come back, the tunnel with them", { timeout: 60_000 }, async () => {
    watch.phase("after their return");
    await Promise.all([hq.swan!.start(), startEvpnd()]);
    await pinged();
    await waitFor("one SA", async () => (await sas()).length === 1);
  });

  test("IPS-90: rules that somebody flushed are back at once, without being asked for", async () => {
    lab.runSync("hq", "nft", ["flush ruleset"]);
    // What looks from time to time looks every 30 s.
    await waitFor(
      "the guard",
      () => lab.runSync("hq", "nft", ["list ruleset"]).includes("10.77.1.0/24"),
      { deadline: 15_000 },
    );
    await evpnd.says("put back");
  });

  test("a reload with another tunnel leaves this one alone", async () => {
    const before = await sas();
    const more = `    - name: another
      kind: policy-based
      psk: hq-branch-key
      esp: {proposals: [aes256gcm16-curve25519]}
      ends:
        - {gateway: hq, interface: out, networks: [10.30.2.0/24], start: respond}
        - {gateway: branch, interface: out, networks: [10.77.2.0/24], start: start}
`;
    writeFileSync(file, text(3600, more));
    evpnd.signal("SIGHUP");
    await waitFor("the other tunnel", async () => {
      const names = await hq.swan!.ask((charon) => charon.connections());
      return names.join() === "evpnd-hq-branch,evpnd-another";
    });
    expect((await sas()).map(({ initiatorSpi }) => initiatorSpi)).toEqual(
      before.map(({ initiatorSpi }) => initiatorSpi),
    );
    expect(await net.ping(hq, branch, { count: 3 })).toBe(3);
  });

  test("IPS-86: the key is in no log, neither ours nor the daemon's", () => {
    expect(evpnd.log()).not.toBe("");
    expect(lab.leaksNow()).toEqual([]);
  });

  test("IPS-90: what the capture says of evpnd's absence", async () => {
    const traffic = await watch.finish(["10.30.0.0/16", "10.77.0.0/16"]);
    for (const phase of PHASES) expect([phase, traffic.get(phase)?.clear]).toEqual([phase, []]);
    expect(traffic.get("after SIGKILL of evpnd")?.protected).toBeGreaterThanOrEqual(20);
  });
});
