/** evpnctl ipsec, through the HTTP door with plain answers behind it. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpBackend, type HttpDoor } from "../../src/api/index.js";
import type { TunnelRouteControl } from "../../src/bgp/control.js";
import {
  SecretError,
  StagingError,
  type SecretControl,
  type SecretFacts,
  type StagingControl,
} from "../../src/ipsec/index.js";
import { InstalledTunnels } from "../../src/ipsec/watch/installed-tunnels.js";
import { IpsecWatch } from "../../src/ipsec/watch/watch.js";
import { silentLog } from "../../src/util/log.js";
import { childSa, HandDriver, ikeSa, logLine } from "../ipsec/lib/observed.js";
import { modelOf, sideFor } from "../ipsec/lib/sides.js";
import { FakeControl } from "../lib/fake-control.js";
import { FakeClock } from "../model/lib/fake.js";
import { evpnctl, type RunOptions } from "./lib/host.js";

const FACTS: SecretFacts = {
  name: "t-key",
  kind: "psk",
  origin: "generated",
  bits: 256,
  fingerprint: "0123456789abcdef0123456789abcdef",
  created: 1_700_000_000_000,
  live: 1,
  olderUntil: undefined,
  algorithm: undefined,
  notAfter: undefined,
  seenInClear: false,
};
const IDLE = {
  state: "done",
  revision: 3,
  reason: "install",
  done: 1,
  total: 1,
  steps: [{ tunnel: "t", action: "add", problem: undefined }],
  problems: [],
  ended: 1_700_000_000_000,
} as const;

let door: HttpDoor | undefined;
let watch: IpsecWatch;
let driver: HandDriver;
let clock: FakeClock;
let given: string[];

const staging: StagingControl = {
  status: () =>
    Promise.resolve({
      candidate: { digest: "abc", tunnels: 1 },
      installed: {
        revision: 3,
        actor: "alice",
        installed: 1_700_000_000_000,
        digest: "abd",
        tunnels: 1,
      },
      previous: undefined,
      differs: true,
      progress: IDLE,
    }),
  diff: () =>
    Promise.resolve({
      installed: 3,
      changes: [
        {
          kind: "tunnel",
          name: "t",
          action: "change",
          details: ["child.lifetimeSeconds 3600 -> 28800"],
        },
      ],
      findings: [],
      installable: true,
    }),
  check: () =>
    Promise.resolve([
      {
        code: "phase1-group-differs",
        severity: "error",
        tunnel: "t",
        gateway: "",
        message: "group of phase 1 differs",
        values: [
          { gateway: "t-east", value: "modp1024" },
          { gateway: "t-west", value: "modp2048" },
        ],
        remedy: "make both ends the same",
      },
    ]),
  install: ({ actor }) => {
    given.push(`install by ${actor}`);
    return Promise.resolve(IDLE);
  },
  rollback: () => Promise.reject(new StagingError("nothing", "there is no policy before this one")),
};
const secrets: SecretControl = {
  list: () => Promise.resolve([FACTS]),
  set: ({ name, value, kind }) => {
    given.push(`${name} ${kind} ${value}`);
    return Promise.resolve(FACTS);
  },
  generate: ({ name, bits }) => {
    given.push(`${name} ${String(bits)}`);
    return Promise.resolve(FACTS);
  },
  retire: () => Promise.resolve(FACTS),
  remove: () => Promise.reject(new SecretError("in-use", "tunnel t needs it: remove that first")),
  exportFile: () => Promise.resolve("/var/lib/evpnd/ipsec/export/t-key"),
  exportTexts: () => Promise.resolve({ files: [], left: [] }),
};
const vtep = { address: "10.0.0.1", present: true, routes: 3, macs: 2, counted: 0 };
const tunnelRoutes: TunnelRouteControl = {
  list: () =>
    Promise.resolve([
      {
        tunnel: "t",
        state: "down",
        reason: "no SA",
        since: 0,
        carries: false,
        prefixes: ["10.0.0.0/24"],
        effect: "hold",
        vteps: [vtep],
        routes: 3,
        macsAtRisk: 2,
      },
    ]),
  risk: (tunnel) =>
    Promise.resolve({
      tunnel,
      vteps: [vtep],
      routes: 3,
      macs: 2,
      rows: [{ mac: "52:54:00:00:00:01", vtep: "10.0.0.1" }],
    }),
};

beforeEach(async () => {
  given = [];
  clock = new FakeClock();
  const model = modelOf({ name: "t", profile: "pix" });
  driver = new HandDriver(sideFor({ name: "t", profile: "pix" }));
  watch = new IpsecWatch({
    clock,
    log: silentLog,
    driver,
    installed: new InstalledTunnels(
      () => model,
      () => "t-east",
    ),
    gateway: () => "t-east",
    candidate: () => [],
    run: () => Promise.resolve({ code: 0, out: "5 packets transmitted, 5 received" }),
  });
  await watch.start();
  driver.list = [ikeSa({ children: [childSa({ packetsIn: 19, packetsOut: 19 })] })];
  const backend: HttpBackend = {
    control: new FakeControl(),
    ipsec: watch,
    ipsecStaging: staging,
    ipsecSecrets: secrets,
    tunnelRoutes,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  door = await openHttpDoor(backend, {
    listen: { address: "127.0.0.1", port: 0 },
    allowedHosts: [],
  });
});
afterEach(async () => {
  await watch.stop();
  await door?.close();
});

const run = (words: string, options: RunOptions = {}) =>
  evpnctl(words, { url: `http://${door?.address}`, now: clock.wall(), ...options });
const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("tables", () => {
  const WORDS = [
    "show",
    "show t",
    "status",
    "sa",
    "cookies",
    "isakmp",
    "crypto",
    "events",
    "faults",
    "trace show t",
    "check",
    "diff",
    "policy",
    "secrets list",
    "vteps",
    "risk t",
  ];

  test.each(WORDS)("ipsec %s fits 80 columns, and has JSON beside it", async (words) => {
    driver.emit(logLine("received NO_PROPOSAL_CHOSEN error notify"));
    clock.advance(2000);
    const table = await run(`ipsec ${words}`);
    expect(table.err).toBe("");
    expect(widest(table.out)).toBeLessThanOrEqual(80);
    const json = await run(`ipsec ${words} --json`);
    expect(() => JSON.parse(json.out) as unknown).not.toThrow();
  });

  test("IPS-31: get sa in its own form", async () => {
    const { out } = await run("ipsec sa");
    expect(out.split("\n").slice(0, 4)).toEqual([
      "total configured sa: 1",
      "HEX ID    Gateway         Port Algorithm     SPI      Life:sec kb   Sta PID vsys",
      "00000001< 192.0.2.2       500  esp:a128/sha1 ced238c7  3600 4608000 A/-   0 0",
      "00000001> 192.0.2.2       500  esp:a128/sha1 6b15a355  3600 4608000 A/-   0 0",
    ]);
  });

  test("IPS-32: get ike cookies in its own form", async () => {
    const { out } = await run("ipsec cookies");
    expect(out).toContain("Active: 1, Dead: 0, Total 1");
    expect(out).toContain(
      "522f/0003, 192.0.2.1:500->192.0.2.2:500, PRESHR/grp2/AES128/SHA, xchg(2)",
    );
    expect(out).toContain("DPD seq local 0, peer 0");
  });

  test("IPS-57: show crypto ipsec sa in its own form", async () => {
    const { out } = await run("ipsec crypto t");
    expect(out).toContain("#pkts encaps: 19, #pkts encrypt: 19, #pkts digest 19");
    expect(out).toContain("path mtu 1500, ipsec overhead 56, media mtu 1500");
    expect(out).toContain("  spi: 0xced238c7(3469883591)");
    expect(out).toContain("inbound pcp sas:");
  });
});

describe("orders", () => {
  test("IPS-34: clear, initiate, terminate and rekey reach the driver", async () => {
    for (const words of ["clear t", "initiate t", "terminate t", "rekey t", "rekey t --phase 1"]) {
      expect((await run(`ipsec ${words}`)).code).toBe(0);
    }
    expect(driver.orders).toEqual([
      "renegotiate t",
      "initiate t",
      "terminate t",
      "rekey t child",
      "rekey t ike",
    ]);
    expect(await run("ipsec clear u")).toMatchObject({ code: 4 });
  });

  test("IPS-33: a trace is switched on, shown and cleared", async () => {
    expect((await run("ipsec trace show t")).out).toContain("Trace of t: off");
    await run("ipsec trace on t --seconds 60");
    driver.emit(logLine("generating ID_PROT request 0 [ ID HASH ]"));
    expect((await run("ipsec trace show t")).out).toContain("Xmit* (main mode): [ID] [HASH]");
    expect((await run("ipsec trace clear t")).out).not.toContain("[HASH]");
    expect((await run("ipsec trace off t")).out).toContain("off");
  });

  test("IPS-58: ping shows answers and counters", async () => {
    expect((await run("ipsec ping t --count 5")).out).toContain("5 of 5 answered");
    const far = await run(`ipsec ping t --far-url http://${door?.address}`);
    expect(far.out).toContain("there: 0 encaps, 0 decaps");
    expect(await run("ipsec ping t --destination nowhere")).toMatchObject({ code: 2 });
  });

  test("IPS-60: decode shows payloads", async () => {
    const { out } = await run("ipsec decode 0000000c011101f4ac127c9e --first ID");
    expect(out).toContain("  identity: 172.18.124.158");
  });

  test("IPS-95: the difference is shown before an install; a roll-back without a policy is refused", async () => {
    expect((await run("ipsec diff")).out).toContain("child.lifetimeSeconds 3600 -> 28800");
    expect((await run("ipsec install --expect abc")).out).toContain("install of revision 3: done");
    expect(given).toEqual(["install by local"]);
    expect(await run("ipsec rollback")).toMatchObject({ code: 4 });
    expect(await run("ipsec check")).toMatchObject({ code: 1 });
  });

  test("IPS-86: a secret is read from standard input, and never comes back", async () => {
    const set = await run("ipsec secrets set t-key", { stdin: "correct horse\n" });
    expect(set.code).toBe(0);
    expect(given).toEqual(["t-key psk correct horse"]);
    const list = await run("ipsec secrets list");
    expect(set.out + set.err + list.out).not.toContain("horse");
    expect((await run("ipsec secrets generate t-key --bits 128")).code).toBe(0);
    expect(await run("ipsec secrets remove t-key")).toMatchObject({ code: 5 });
    expect((await run("ipsec secrets export t-key")).out).toBe(
      "/var/lib/evpnd/ipsec/export/t-key\n",
    );
    expect(await run("ipsec secrets set t-key", { stdin: "" })).toMatchObject({ code: 2 });
  });
});
