/**
 * What-if and explain against a running evpnd: three played PEs and a segment; what evpnctl says would happen is
 * what then happens, and what it says of peers is what they were sent.
 */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { LackAnswer, TraceAnswer, WhatIfAnswer } from "../../src/cli/what-if-wire.js";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { mac } from "./lib/messages.js";
import { PlayedPe } from "./lib/played-pe.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const RR = "10.99.0.254";
const HTTP = 8179;
const ESI = "00112233445566778899";
const ESI_TEXT = "00:11:22:33:44:55:66:77:88:99";
const VNI = 100;
/** Single-homed at PE 1, many of them: the walk takes many slices. */
const ALONE = 5000;

describeInterop("what-if and explain", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let pes: PlayedPe[];

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", [`${RR}/16`, "192.0.2.1/16"]);
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      clients: "0.0.0.0/0",
      http: HTTP,
      extra: ["--fib"],
    });
    const addresses = ["10.99.0.1", "10.99.0.2", "10.99.0.3"];
    pes = await Promise.all(addresses.map((each) => PlayedPe.up(lab, "lo", each, RR)));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const pe = (number: number): PlayedPe => pes[number - 1]!;
  const shared = mac(2, 1);

  async function evpnctl(...words: string[]): Promise<string> {
    const script = join(DIST, "src", "cli", "main.js");
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("lo", process.execPath, [script, ...words, "--url", url]);
  }

  async function ask(...words: string[]): Promise<WhatIfAnswer & Record<string, object>> {
    return JSON.parse(await evpnctl("what-if", ...words, "--json")) as WhatIfAnswer &
      Record<string, object>;
  }

  const count = async (): Promise<number> =>
    (await evpnd.get<{ destinations: number }>("/v1/summary")).destinations;

  test("a fabric with a segment is there", async () => {
    const alone = Array.from({ length: ALONE }, (_, n) => ({ vni: VNI, mac: mac(1, n) }));
    pe(1).macs(alone);
    for (const number of [1, 2]) {
      pe(number).perEs(ESI, [VNI]);
      pe(number).perEvi(ESI, VNI);
      pe(number).segment(ESI);
    }
    pe(1).mac({ vni: VNI, mac: shared, esi: ESI });
    pe(2).mac({ vni: VNI, mac: shared, esi: ESI }, { vni: VNI, mac: mac(3, 1) });
    pe(3).mac({ vni: VNI, mac: mac(3, 2) });
    await waitFor("all routes", async () => (await count()) === ALONE + 10);
    await waitFor("the others to have them", () => pe(3).speaker.table.size >= ALONE + 9);
    const es = await evpnctl("show", "es", ESI_TEXT);
    expect(es).toContain(`${ESI_TEXT}  all-active, local-bias, 2 MACs`);
    expect(es).toMatch(/65000:100 +100 +10\.99\.0\.1 +10\.99\.0\.2 +100 modulo 2 PEs/);
    expect(es).toMatch(/10\.99\.0\.1 +nothing, so modulo +11:22:33:44:55:66/);
  });

  test("a PE's failure: what is said is what then happens, and asking touches nothing", async () => {
    const before = await evpnd.get<Record<string, number>>("/v1/stats");
    const heard = pe(3).speaker.messages.length;
    const said = await ask("pe", "10.99.0.1", "--limit", "1000");
    const after = await evpnd.get<Record<string, number>>("/v1/stats");
    for (const name of ["destinations", "routes", "attribute_sets", "best_path_changes_total"]) {
      expect(after[name], name).toBe(before[name]);
    }
    const updates = pe(3)
      .speaker.messages.slice(heard)
      .filter(({ type }) => type === 2);
    expect(updates).toEqual([]);
    expect(said).toMatchObject({
      macs: { dark: ALONE, moved: 1, takenOver: 1, onOnePe: 1 },
      routes: { gone: ALONE + 4 },
      segments: [{ esi: ESI_TEXT, after: ["10.99.0.2"], onOnePe: true }],
      forwarders: [{ domain: "65000:100", before: "10.99.0.1", after: "10.99.0.2" }],
      updatesTotal: { announced: 0, withdrawn: 2 * (ALONE + 4) },
      complete: true,
      meanwhile: 0,
    });
    expect(said.rows).toHaveLength(1000);
    expect(said.next).toBe("1000");
    const [moved] = (await ask("pe", "10.99.0.1", "--changes", "moved")).rows;
    expect(moved).toMatchObject({
      before: [{ address: "10.99.0.1" }, { address: "10.99.0.2" }],
      after: [{ address: "10.99.0.2" }],
    });
    const people = await evpnctl("what-if", "pe", "10.99.0.1", "--limit", "3");
    expect(people).toContain(`${ALONE} MACs would go dark`);
    for (const line of people.split("\n")) expect(line.length, line).toBeLessThanOrEqual(80);
  });

  test("who was told of a MAC, and what a peer lacks", async () => {
    const trace = JSON.parse(
      await evpnctl("explain", "mac", textOf(mac(3, 1)), "--json"),
    ) as TraceAnswer;
    expect(trace.routes).toHaveLength(1);
    expect(trace.routes[0]?.receivers).toMatchObject([
      { sent: false, reason: "the route is its own", examples: ["10.99.0.2"] },
      { sent: true, peers: 2 },
    ]);
    const lacks = JSON.parse(
      await evpnctl("explain", "peer", "10.99.0.1", "--than", "10.99.0.3", "--json"),
    ) as LackAnswer[];
    expect(lacks).toMatchObject([{ code: "own", routes: ALONE + 4 }]);
  });

  test("then the PE fails", async () => {
    pe(1).speaker.close();
    await waitFor("its routes to go", async () => (await count()) === 6);
    await waitFor("withdrawals", () => pe(3).speaker.table.size === 5);
    const text = await evpnctl("show", "mac", textOf(shared), "--json");
    const row = JSON.parse(text.trim()) as { nextHops: { address: string }[] };
    expect(row.nextHops.map(({ address }) => address)).toEqual(["10.99.0.2"]);
    const es = await evpnctl("show", "es", ESI_TEXT);
    expect(es).toMatch(/65000:100 +100 +10\.99\.0\.2 +none +the only candidate/);
    await expect(evpnctl("what-if", "pe", "10.99.0.1")).rejects.toThrow(
      "no route has the next hop",
    );
  });

  test("other policies: what they would hold is what they hold", async () => {
    const file = lab.writeFile("candidate.yaml", "policies: {}\n");
    expect(await ask("policy", file)).toMatchObject({ macs: { dark: 0 }, routes: { gone: 0 } });
  });
});

/** `02:00:…` of twelve digits. */
function textOf(digits: string): string {
  return digits.match(/../g)!.join(":");
}
