/** The MAC FIB in a fabric of FRR PEs: what it holds is what the PEs have learnt themselves. */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { CLIENTS, Fabric, hostOf, peAddress, PES, VNIS } from "./lib/fabric.js";
import { Lab } from "./lib/lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { WatchClient } from "./lib/watch-client.js";

const REFLECTOR = "10.99.0.254";
const HTTP = 8179;

/** As `show evpn mac vni all json` has it, by VNI. */
type ZebraMacs = Readonly<
  Record<string, { readonly macs: Readonly<Record<string, { readonly type: string }>> }>
>;

interface MacLine {
  readonly mac: string;
  readonly domain: string;
  readonly pe: string;
  readonly label: { readonly kind: string; readonly value: number };
  readonly nextHops: readonly { readonly address: string }[];
  readonly moves: number;
}

describeInterop("MAC FIB", ["ping", "frr"], () => {
  let lab: Lab;
  let fabric: Fabric;
  let evpnd: Evpnd;
  const live = new Set<number>(PES);

  beforeAll(async () => {
    lab = new Lab();
    fabric = new Fabric(lab, [REFLECTOR]);
    fabric.attach("rr", REFLECTOR);
    evpnd = await Evpnd.start({
      lab,
      label: "rr",
      address: REFLECTOR,
      clients: CLIENTS,
      http: HTTP,
      extra: ["--fib"],
    });
    await Promise.all(PES.map((pe) => fabric.startPe(pe)));
    for (const pe of PES) for (const vni of VNIS) fabric.plug(pe, hostOf(pe, vni));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  async function evpnctl(...words: string[]): Promise<string> {
    const script = join(DIST, "src", "cli", "main.js");
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("rr", process.execPath, [script, ...words, "--url", url]);
  }

  async function showMac(...words: string[]): Promise<MacLine[]> {
    const out = await evpnctl("show", "mac", ...words, "--json");
    const lines = out.split("\n").filter((line) => line !== "");
    return lines.map((line) => JSON.parse(line) as MacLine);
  }

  /** `VNI MAC PE` of each local MAC of each live PE. */
  async function learnt(): Promise<string[]> {
    const all: string[] = [];
    for (const pe of live) {
      const tables = await fabric.pe(pe).json<ZebraMacs>("show evpn mac vni all");
      for (const [vni, { macs }] of Object.entries(tables)) {
        for (const [mac, { type }] of Object.entries(macs)) {
          if (type === "local") all.push(`${vni} ${mac} ${peAddress(pe)}`);
        }
      }
    }
    return all.sort();
  }

  async function held(): Promise<string[]> {
    return (await showMac()).map(({ label, mac, pe }) => `${label.value} ${mac} ${pe}`).sort();
  }

  /** Both sides settle at their own pace: equal at last, and holding what the test put there. */
  async function agree(...wanted: string[]): Promise<void> {
    await waitFor(
      `the FIB to hold what the PEs have learnt, with ${wanted.join(", ")}`,
      async () => {
        const [there, here] = [await learnt(), await held()];
        const missing = wanted.filter((entry) => !there.includes(entry));
        if (missing.length > 0) throw new Error(`the PEs lack ${missing.join(", ")}`);
        if (there.join("\n") === here.join("\n")) return true;
        throw new Error(`the PEs have ${there.join(", ")}; the FIB has ${here.join(", ")}`);
      },
    );
  }

  const entry = (pe: number, host: { vni: number; mac: string }): string =>
    `${String(host.vni)} ${host.mac} ${peAddress(pe)}`;

  test("holds the local MACs of every PE, and nothing else", async () => {
    for (const vni of VNIS) {
      await fabric.waitPing(hostOf(1, vni).label, hostOf(2, vni));
      await fabric.waitPing(hostOf(2, vni).label, hostOf(3, vni));
    }
    await agree(...PES.flatMap((pe) => VNIS.map((vni) => entry(pe, hostOf(pe, vni)))));
    const [one] = await showMac(hostOf(1, 100).mac, "--vni", "100");
    expect(one).toMatchObject({
      domain: "65000:100",
      label: { kind: "vni", value: 100 },
      nextHops: [{ address: peAddress(1) }],
    });
  });

  test("is a fabric in which lint finds nothing", async () => {
    await waitFor("lint to find nothing", async () => {
      const out = await evpnctl("lint").catch((error: unknown) => String(error));
      if (/^clean: \d+ rules/.test(out)) return true;
      throw new Error(out);
    });
  });

  test("follows a MAC that moves", async () => {
    const host = hostOf(1, 100);
    const watch = await WatchClient.open(
      evpnd,
      `/v1/watch/macs?mac=${host.mac}&kinds=move&snapshot=false`,
    );
    fabric.plug(2, host, "twin");
    await fabric.gratuitousArp("twin", host.address);
    await agree(entry(2, host));
    const [moved] = await showMac(host.mac, "--vni", "100");
    expect(moved?.moves).toBeGreaterThan(0);
    await waitFor("the watch to tell of the move", () => {
      return watch.items.some(({ key, change }) => {
        return key === `65000:100 ${host.mac}` && change?.kind === "move";
      });
    });
    watch.close();
    expect(await evpnctl("explain", "mac", host.mac)).toContain(
      `${host.mac} is at ${peAddress(2)}.`,
    );
  });

  test("forgets a PE that died", async () => {
    await fabric.pe(3).kill();
    live.delete(3);
    await waitFor("the FIB to forget the PE", async () => {
      return (await showMac("--pe", peAddress(3))).length === 0;
    });
    await agree(entry(2, hostOf(2, 200)));
  });
});
