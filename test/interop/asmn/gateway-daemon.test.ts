/**
 * An evpnd as Sec-EM and gateway between two VNFs that have real agents: nothing passes before both are trusted,
 * what the catalog names does then, and a revocation ends it. Nothing is done by hand but tokens.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "../lib/evpnd.js";
import { Lab } from "../lib/lab.js";
import type { Program } from "../lib/processes.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { AgentProgram } from "./lib/agent.js";
import { GATEWAY, VnfNet } from "./lib/vnf-net.js";

const TENANT = "blue";
const [ONE, TWO] = [VnfNet.address(1), VnfNet.address(2)];
/** The gateway's own, towards each VNF: agents need no rule to reach it. */
const OWN = ["10.97.1.254", "10.97.2.254"];

describeInterop("a gateway with agents", ["nftables", "ping"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let directory: string;
  let starts = 0;

  beforeAll(() => {
    lab = new Lab();
    const net = new VnfNet(lab);
    net.vnf(1);
    net.vnf(2);
    directory = lab.makeDirectory("state");
  });

  afterAll(() => lab.close());

  beforeEach(() => showLogsOnFailure(() => lab));

  async function startEvpnd(): Promise<void> {
    const config = [
      "as: 65000",
      `router-id: ${OWN[0]}`,
      `listen: ["${OWN[0]}:179"]`,
      'http: {listen: "127.0.0.1:8080"}',
      "asmn:",
      "  sec-em:",
      `    listen: [${OWN.map((address) => `"${address}:7201"`).join(", ")}]`,
      `    state-directory: ${directory}/sec-em`,
      "    tenants:",
      `      - name: ${TENANT}`,
      "        vnfs:",
      `          - {name: one, addresses: [${ONE}]}`,
      `          - {name: two, addresses: [${TWO}]}`,
      "        catalog:",
      "          - {from: one, to: two, protocol: icmp, rate: 1Mbit}",
      "  gateway:",
      `    tenant: ${TENANT}`,
      `    state-directory: ${directory}/gateway`,
      "    interfaces: [{name: p1}, {name: p2}]",
      "",
    ].join("\n");
    const name = `evpnd-${++starts}`;
    const address = OWN[0]!;
    evpnd = await Evpnd.start({ lab, label: GATEWAY, name, address, http: 8080, config });
  }

  async function post<T>(path: string, body: object): Promise<T> {
    const { status, body: text } = await evpnd.request("POST", path, body);
    if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
    return JSON.parse(text) as T;
  }

  async function passes(): Promise<boolean> {
    const args = ["-n", "-q", "-c", "1", "-W", "0.4", TWO];
    return lab.run("v1", "ping", args).then(
      () => true,
      () => false,
    );
  }

  function answered(pings: Program): number[] {
    return [...pings.log().matchAll(/^\[([\d.]+)\] 64 bytes/gm)].map(([, at]) => Number(at) * 1000);
  }

  test("ASM-05, ASM-33, ASM-76: closed from the start, open when both have proved themselves", async () => {
    await waitFor("a way without the gateway", passes);
    await startEvpnd();
    expect(await passes()).toBe(false);
    const { keys } = await evpnd.get<{ keys: { use: string; publicKey: string }[] }>(
      "/v1/asmn/keys",
    );
    const rootKeys = keys.flatMap(({ use, publicKey }) => (use === "root" ? [publicKey] : []));
    const image = lab.writeFile("image", "an image\n".repeat(1000));
    const enrol = async (vnf: string, index: number): Promise<void> => {
      const agent = new AgentProgram({
        ...{ lab, label: VnfNet.label(index + 1), tenant: TENANT, vnf, instance: `${vnf}-1` },
        ...{ secEms: [`${OWN[index]}:7201`], rootKeys, image },
      });
      const said = [agent.cli("measure", "--json"), agent.publicKey()] as const;
      const [measured, publicKey] = await Promise.all(said);
      const { image: digest } = JSON.parse(measured) as { image: string };
      const what = { tenant: TENANT, vnf };
      await post("/v1/asmn/images", { ...what, digest, version: "1" });
      const { token } = await post<{ token: string }>("/v1/asmn/tokens", {
        ...{ ...what, instance: `${vnf}-1`, image: digest, publicKey },
      });
      agent.giveToken(token);
      agent.start();
      await agent.waitTrusted();
    };
    await enrol("one", 0);
    // One of two is not enough.
    expect(await passes()).toBe(false);
    await enrol("two", 1);
    await waitFor("a way through", passes);
  });

  test("ASM-37: a catalog that the Sec-EM is given is in force at the gateway within a second", async () => {
    const pings = lab.start("v2", "back", "ping", ["-n", "-D", "-i", "0.02", ONE]);
    await sleep(300);
    expect(answered(pings)).toEqual([]);
    const begun = Date.now();
    const entries = [{ from: "two", to: "one", protocol: "icmp" }];
    await post("/v1/asmn/catalogs", { tenant: TENANT, entries });
    const first = await waitFor("answers", () => answered(pings)[0]);
    process.stdout.write(
      `catalog given, first packet through after ${Math.round(first - begun)} ms\n`,
    );
    // A second where the machine has one to spare.
    expect(first - begun).toBeLessThan(3000);
    await pings.stop();
  });

  test("ASM-71, ASM-81: a revocation cuts live traffic off, and only a new proof after restore opens it", async () => {
    const pings = lab.start("v1", "stream", "ping", ["-n", "-D", "-i", "0.02", TWO]);
    await waitFor("answers", () => answered(pings).length > 5);
    const begun = Date.now();
    const scope = { tenant: TENANT, vnf: "one", instance: "one-1", reason: "stolen" };
    await post("/v1/asmn/revoke", scope);
    let last = 0;
    await waitFor("silence", async () => {
      last = answered(pings).at(-1) ?? 0;
      await sleep(400);
      return answered(pings).at(-1) === last;
    });
    process.stdout.write(`revoked, last packet through after ${Math.round(last - begun)} ms\n`);
    expect(last - begun).toBeLessThan(3000);
    let count = answered(pings).length;
    const rows = await evpnd.get<{ members: { vnf: string; open: boolean; reason: string }[] }>(
      "/v1/asmn/gateway",
    );
    expect(rows.members).toMatchObject([
      { vnf: "one", open: false },
      { vnf: "two", open: true },
    ]);
    expect(rows.members[0]!.reason).toMatch(/revoked|stolen/);
    // ASM-81: an operator's word goes before that, for its time.
    const grant = { tenant: TENANT, vnf: "one", name: "ann", reason: "a fire", seconds: 600 };
    const { id } = await post<{ id: string }>("/v1/asmn/break-glass", grant);
    await waitFor("a way in", () => answered(pings).length > count + 3);
    const { status } = await evpnd.get<{ status: object }>("/v1/asmn/gateway");
    expect(status).toMatchObject({ breakGlass: [{ operator: "ann", vnf: "one" }] });
    await post("/v1/asmn/break-glass/end", { id });
    await waitFor("its end", async () => !(await passes()));
    await post("/v1/asmn/restore", {
      tenant: TENANT,
      vnf: "one",
      instance: "one-1",
      reason: "found",
    });
    count = answered(pings).length;
    await waitFor("answers again", () => answered(pings).length > count + 5);
    await pings.stop();
  });

  test("a daemon that is killed leaves the rules, and finds them again", async () => {
    const pings = lab.start("v1", "over", "ping", ["-n", "-D", "-i", "0.02", TWO]);
    await waitFor("answers", () => answered(pings).length > 5);
    evpnd.program.signal("SIGKILL");
    await evpnd.program.ended(5000);
    const before = answered(pings).length;
    await startEvpnd();
    await sleep(200);
    const after = answered(pings);
    expect(after.length).toBeGreaterThan(before);
    // Nobody noticed: no hole in it while the daemon was away and came back.
    const holes = after.slice(1).map((at, index) => at - after[index]!);
    expect(Math.max(...holes)).toBeLessThan(1000);
    expect(await evpnd.get<object>("/v1/asmn/gateway")).toMatchObject({
      members: [{ open: true }, { open: true }],
    });
    await pings.stop();
  });
});
