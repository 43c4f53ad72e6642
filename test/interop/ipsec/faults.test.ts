/**
 * Faults that one end alone has, on real daemons: for each, and for both versions of IKE, what the check says
 * beforehand, what is diagnosed live and how soon, and what only a forced renewal brings out. Every fault has a
 * tunnel of its own between two gateways, all at once; both ends are watched. docs/ipsec-faults.md has the table.
 */
import { spawn } from "node:child_process";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { canary } from "../../lib/canary.js";
import { compareSides } from "../../../src/ipsec/check/index.js";
import type { Diagnosis } from "../../../src/ipsec/diagnosis/fault.js";
import {
  parseEspProposal,
  parseIkeSuite,
  type IkeIdentity,
  type IpsecModel,
  type TunnelSide,
} from "../../../src/ipsec/model/index.js";
import {
  InstalledTunnels,
  type NumberedTunnel,
} from "../../../src/ipsec/watch/installed-tunnels.js";
import type { RunProgram } from "../../../src/ipsec/watch/index.js";
import { IpsecWatch } from "../../../src/ipsec/watch/watch.js";
import { systemClock } from "../../../src/util/clock.js";
import { silentLog } from "../../../src/util/log.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { sidesOf } from "./lib/definition.js";
import { Driven, type TestSecrets } from "./lib/driven.js";
import { TunnelNet, type Site } from "./lib/tunnel-net.js";

type Version = 1 | 2;
type Pair = readonly [TunnelSide, TunnelSide];

interface Fault {
  readonly name: string;
  /** Diagnosed, or false where the protocol does not let it show while keys are first made. */
  readonly live: Readonly<Record<Version, string | false>>;
  /** After a forced renewal; false = nothing more. */
  readonly renewed?: Readonly<Record<Version, string | false>>;
  /** Code of the check's finding; undefined = no configuration shows it. */
  readonly check?: string;
  readonly make?: (pair: Pair, version: Version) => Pair;
  readonly otherKey?: true;
}

/** Acceptance: a live one is diagnosed so soon after its first trace. */
const MOST_SECONDS = 30;
/** What fits into the daemon's TUN device, so that a healthy tunnel passes what it should. */
const PATH = 1450;
const NARROW = 1300;

const halves = (network: string): string[] => {
  const base = network.replace(/\.0\/24$/, "");
  return [`${base}.0/25`, `${base}.128/25`];
};
const split = (side: TunnelSide, which: "local" | "remote"): TunnelSide => ({
  ...side,
  selectors: side.selectors.flatMap((one) =>
    halves(one[which]).map((part) => ({ ...one, [which]: part })),
  ),
});
const withChild = (side: TunnelSide, change: Partial<TunnelSide["child"]>): TunnelSide => ({
  ...side,
  child: { ...side.child, ...change },
});
const withPfs = (side: TunnelSide, pfs: "modp1024" | undefined): TunnelSide =>
  withChild(side, { proposals: side.child.proposals.map((one) => ({ ...one, pfs })) });

const FAULTS: readonly Fault[] = [
  {
    name: "merged-here",
    live: { 1: "summarised-networks", 2: "summarised-networks" },
    check: "selectors-summarised",
    make: ([near, far]) => [near, split(far, "local")],
  },
  {
    name: "merged-there",
    live: { 1: "summarised-networks", 2: "summarised-networks" },
    check: "selectors-summarised",
    make: ([near, far]) => [split(near, "local"), far],
  },
  { name: "key", live: { 1: "wrong-key", 2: "wrong-key" }, otherKey: true },
  {
    name: "phase1",
    live: { 1: "phase-1-proposal", 2: "phase-1-proposal" },
    check: "phase1-encryption-differs",
    make: ([near, far]) => [
      near,
      {
        ...far,
        ike: {
          ...far.ike,
          proposals: far.ike.proposals.map((one) => ({
            ...one,
            ...parseIkeSuite("aes256-sha256-modp2048")!,
          })),
        },
      },
    ],
  },
  {
    name: "phase2",
    live: { 1: "phase-2-proposal", 2: "phase-2-proposal" },
    check: "phase2-hash-differs",
    make: ([near, far]) => [
      withChild(near, { proposals: [parseEspProposal("aes128-sha1")!] }),
      withChild(far, { proposals: [parseEspProposal("aes128-sha256")!] }),
    ],
  },
  {
    name: "pfs-here",
    live: { 1: "pfs", 2: false },
    renewed: { 1: false, 2: "pfs" },
    check: "pfs-differs",
    make: ([near, far]) => [withPfs(near, "modp1024"), withPfs(far, undefined)],
  },
  {
    name: "pfs-there",
    live: { 1: "pfs", 2: false },
    renewed: { 1: false, 2: "pfs" },
    check: "pfs-differs",
    make: ([near, far]) => [withPfs(near, undefined), withPfs(far, "modp1024")],
  },
  {
    name: "lifetime",
    live: { 1: "lifetime", 2: false },
    check: "phase2-lifetime-differs",
    make: ([near, far]) => [near, withChild(far, { lifetimeSeconds: 1800 })],
  },
  {
    name: "nat",
    live: { 1: "nat", 2: "nat" },
    make: ([near, far]) => {
      const local: IkeIdentity = near.local.identity;
      const reach = { kind: "dynamic", peerId: local.value } as const;
      return [near, { ...far, remote: { ...far.remote, reach, identity: local } }];
    },
  },
  {
    name: "mtu",
    live: { 1: "mtu", 2: "mtu" },
    make: ([near, far]) => [
      {
        ...near,
        monitor: {
          source: near.localNetworks[0]!.replace(".0/24", ".1"),
          destination: near.remoteNetworks[0]!.replace(".0/24", ".10"),
          optimized: false,
          rekey: false,
          intervalSeconds: 5,
          threshold: 3,
        },
      },
      far,
    ],
  },
  { name: "unreachable", live: { 1: "peer-unreachable", 2: "peer-unreachable" } },
];
const VERSIONS = [1, 2] as const;
const ALL = FAULTS.flatMap((fault) => VERSIONS.map((version) => ({ fault, version })));

describeInterop("faults of one end", ["ping", "strongswan", "nftables"], () => {
  let lab: Lab;
  let net: TunnelNet;
  const pairs = new Map<string, Pair>();
  const driven: Driven[] = [];
  const watches: IpsecWatch[] = [];
  /** Wall-clock milliseconds of the first line about a tunnel. */
  const firstTrace = new Map<string, number>();

  const nameOf = ({ name }: Fault, version: Version): string => `${name}-v${String(version)}`;

  async function found(tunnel: string): Promise<Diagnosis[]> {
    const lists = await Promise.all(watches.map((watch) => watch.diagnoses(tunnel, true)));
    return lists.flat();
  }

  async function codes(tunnel: string): Promise<string[]> {
    return [...new Set((await found(tunnel)).map(({ code }) => code))];
  }

  function watchOver(site: Site, one: Driven, end: 0 | 1): IpsecWatch {
    const tunnels = [...pairs.values()].map((pair, index): NumberedTunnel => ({
      side: pair[end],
      farSelectors: pair[end === 0 ? 1 : 0].selectors.map((selector) => ({
        ...selector,
        local: selector.remote,
        remote: selector.local,
      })),
      id: index + 1,
    }));
    return new IpsecWatch({
      clock: systemClock,
      log: silentLog,
      driver: one.driver,
      installed: new GivenTunnels(tunnels),
      gateway: () => site.name,
      candidate: () => [],
      run: inNamespace(lab.name(site.name)),
    });
  }

  beforeAll(async () => {
    lab = new Lab();
    net = new TunnelNet(lab);
    const numbers = ALL.map((_, index) => index + 1);
    const [a, b] = await Promise.all(
      ["198.51.100", "203.0.113"].map((outside, at) =>
        net.site({
          name: at === 0 ? "a" : "b",
          outside: numbers.map((n) => `${outside}.${String(n)}`),
          networks: numbers.map((n) => `10.${String(at + 1)}.${String(n)}.0/24`),
        }),
      ),
    );
    const secrets = [new Map(), new Map()] as [TestSecrets, TestSecrets];
    const rules: string[] = [];
    for (const [index, { fault, version }] of ALL.entries()) {
      const name = nameOf(fault, version);
      const key = canary(name);
      secrets[0].set(`${name}-key`, { values: [key] });
      secrets[1].set(`${name}-key`, { values: [fault.otherKey === true ? `another ${key}` : key] });
      const profile = version === 1 ? "ssg" : "modern";
      const more = { mtu: { path: PATH, clampMss: false } };
      const [near, far] = sidesOf({
        name,
        profile,
        ends: [a!, b!],
        outside: [index, index],
        network: [index, index],
        more,
      });
      const made: Pair = [near, { ...far, start: "respond" }];
      pairs.set(name, fault.make?.(made, version) ?? made);
      const n = String(index + 1);
      if (fault.name === "unreachable") rules.push(`ip daddr 203.0.113.${n} drop`);
      if (fault.name === "mtu")
        rules.push(`ip saddr 198.51.100.${n} meta length > ${String(NARROW)} drop`);
      if (fault.name === "nat") {
        rules.push(`ip saddr 198.51.100.${n} ip saddr set 192.0.2.${n}`);
        rules.push(`ip daddr 192.0.2.${n} ip daddr set 198.51.100.${n}`);
      }
    }
    const table = `table ip way { chain there { type filter hook prerouting priority -300;\n${rules.join("\n")}\n}\n}\n`;
    lab.runSync(net.router, "nft", ["-f", lab.writeFile("way.nft", table)]);
    const [sideA, sideB] = [new Driven(lab, a!, secrets[0]), new Driven(lab, b!, secrets[1])];
    driven.push(sideA, sideB);
    watches.push(watchOver(a!, sideA, 0), watchOver(b!, sideB, 1));
    sideA.driver.subscribe((event) => {
      if (event.kind !== "log" || event.connection === undefined) return;
      const tunnel = event.connection.replace(/^evpnd-/, "");
      if (!firstTrace.has(tunnel)) firstTrace.set(tunnel, Date.now());
    });
    const all = [...pairs.values()];
    await sideB.install(all.map(([, far]) => far));
    await Promise.all(watches.map((watch) => watch.start()));
    await sideA.install(all.map(([near]) => near));
  }, 60_000);
  afterAll(async () => {
    await Promise.all(watches.map((watch) => watch.stop()));
    await Driven.stopAll();
    await lab.close();
  });
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  describe("beforehand", () => {
    test.each(ALL)("IPS-55: the check of $fault.name, IKEv$version", ({ fault, version }) => {
      const [near, far] = pairs.get(nameOf(fault, version))!;
      const context = { now: Date.now(), secrets: () => undefined };
      const told = compareSides(near, far, context).map(({ code }) => code);
      if (fault.check === undefined) expect(told.filter((code) => !isExpected(code))).toEqual([]);
      else expect(told).toContain(fault.check);
    });
  });

  describe("live", () => {
    const live = ALL.filter(({ fault, version }) => fault.live[version] !== false);
    test.each(live)(
      "IPS-62: $fault.name is diagnosed within 30 s, IKEv$version",
      { timeout: 60_000 },
      async ({ fault, version }) => {
        const name = nameOf(fault, version);
        const wanted = fault.live[version];
        let diagnosis: Diagnosis | undefined;
        await waitFor(`${name} to be diagnosed as ${String(wanted)}`, async () => {
          const list = await found(name);
          diagnosis = list.find(({ code }) => code === wanted);
          if (diagnosis === undefined) throw new Error(JSON.stringify(list));
          return true;
        });
        const seconds = (diagnosis!.first - (firstTrace.get(name) ?? diagnosis!.first)) / 1000;
        expect(seconds).toBeLessThan(MOST_SECONDS);
        expect(diagnosis!.remedy).not.toBe("");
      },
    );

    test("IPS-21: where nothing is wrong at first sight, the tunnel is up and nothing is diagnosed", async () => {
      const quiet = ALL.filter(({ fault, version }) => fault.live[version] === false);
      for (const { fault, version } of quiet) {
        const name = nameOf(fault, version);
        await driven[0]!.waitUp(name).catch(async (error: unknown) => {
          throw new Error(`${String(error)} ${JSON.stringify(await found(name))}`);
        });
        const told = await codes(name);
        expect([name, told]).toEqual([name, []]);
      }
    });
  });

  describe("after a forced renewal", () => {
    const renewed = ALL.filter(
      ({ fault, version }) => typeof fault.renewed?.[version] === "string",
    );
    test.each(renewed)(
      "IPS-62: $fault.name, IKEv$version",
      { timeout: 60_000 },
      async ({ fault, version }) => {
        const name = nameOf(fault, version);
        await driven[0]!.waitUp(name);
        await driven[0]!.driver.rekey(name, "child");
        await waitFor(`${name} to be diagnosed`, async () =>
          (await codes(name)).includes(fault.renewed![version] as string),
        );
      },
    );
  });

  test("IPS-59: the status page has a remedy for each tunnel that does not work", async () => {
    const rows = await watches[0]!.status();
    const broken = rows.filter(({ works }) => works === "no");
    expect(broken.length).toBeGreaterThan(5);
    for (const row of broken) expect([row.tunnel, row.advice]).not.toEqual([row.tunnel, ""]);
  });
});

/** What a test gives, in place of a model. */
class GivenTunnels extends InstalledTunnels {
  private readonly given: readonly NumberedTunnel[];

  constructor(given: readonly NumberedTunnel[]) {
    const nothing: IpsecModel = { sites: [], gateways: [], tunnels: [] };
    super(
      () => nothing,
      () => undefined,
    );
    this.given = given;
  }

  override list(): readonly NumberedTunnel[] {
    return this.given;
  }

  override named(name: string): NumberedTunnel | undefined {
    return this.given.find(({ side }) => side.tunnel === name);
  }

  override byConnection(connection: string): NumberedTunnel | undefined {
    return this.named(connection.replace(/^evpnd-/, ""));
  }

  override byAddresses(local: string, remote: string): NumberedTunnel | undefined {
    const at = (reach: TunnelSide["local"]["reach"]): string =>
      reach.kind === "static" ? reach.address : "";
    return this.given.find(
      ({ side }) => at(side.local.reach) === local && at(side.remote.reach) === remote,
    );
  }
}

/** Findings that a side changed for the test has by itself. */
function isExpected(code: string): boolean {
  return (
    code === "peer-address-differs" || code === "peer-unpredictable" || code.startsWith("monitor")
  );
}

function inNamespace(namespace: string): RunProgram {
  return (program, args, timeoutMs) =>
    new Promise((resolve) => {
      const child = spawn("ip", ["netns", "exec", namespace, program, ...args], {
        timeout: timeoutMs,
      });
      let out = "";
      child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
      child.stderr.on("data", (chunk: Buffer) => (out += chunk.toString("utf8")));
      child.on("close", (code) => {
        resolve({ code: code ?? -1, out });
      });
    });
}
