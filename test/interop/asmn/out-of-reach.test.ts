/**
 * A Sec-EM elsewhere, heard through TLS, and its absence: evpnd as Sec-EM alone (em), evpnd as reflector and gate
 * (v2), FRR with its agent (v1).
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { signingKeyFromSeed, signingKeyToPem } from "../../../src/asmn/crypto/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { Evpnd } from "../lib/evpnd.js";
import { Frr, frrClient } from "../lib/frr.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { AgentProgram } from "./lib/agent.js";
import { MANAGER, MANAGER_ADDRESS, VnfNet } from "./lib/vnf-net.js";

const AS = 65000;
const HTTP = 8080;
const VNF = VnfNet.address(1);
const REFLECTOR = VnfNet.address(2);

interface TrustRow {
  readonly state: string;
  readonly effect: string;
  readonly spared?: string;
  readonly reason: string;
}

interface PeerRow {
  readonly state: string;
  readonly establishedCount: number;
  readonly trust: TrustRow;
}

describeInterop("a Sec-EM out of reach", ["frr"], () => {
  let lab: Lab;
  let secEm: Evpnd;
  let reflector: Evpnd;
  let frr: Frr;
  let agent: AgentProgram;
  const gateKey = signingKeyFromSeed(new Uint8Array(32).fill(0x61));
  let directory: string;
  let starts = 0;

  beforeAll(async () => {
    lab = new Lab();
    const net = new VnfNet(lab);
    for (const vnf of [1, 2]) net.vnf(vnf);
    directory = lab.makeDirectory("sec-em");
    secEm = await startSecEm();
    const keys = await waitFor("the Sec-EM's keys", async () => {
      const answer = await secEm.get<{ keys: { use: string; publicKey: string }[] }>(
        "/v1/asmn/keys",
      );
      return answer.keys.some(({ use }) => use === "transport") ? answer.keys : undefined;
    });
    const keyOf = (use: string): string => keys.find((key) => key.use === use)?.publicKey ?? "";
    [reflector, frr] = await Promise.all([
      startReflector(keyOf("transport"), keyOf("root")),
      Frr.start({
        lab,
        label: VnfNet.label(1),
        name: "frr",
        address: VNF,
        config: frrClient({ as: AS, address: VNF, reflectors: [REFLECTOR] }),
      }),
    ]);
    agent = new AgentProgram({
      lab,
      label: VnfNet.label(1),
      tenant: "blue",
      vnf: "edge",
      instance: "edge-1",
      secEms: [`${MANAGER_ADDRESS}:7201`],
      rootKeys: [keyOf("root")],
      image: lab.writeFile("image", "a genuine image\n".repeat(1000)),
    });
    const measured = JSON.parse(await agent.cli("measure", "--json")) as { image: string };
    const names = { tenant: "blue", vnf: "edge" };
    await post("/v1/asmn/images", { ...names, digest: measured.image, version: "1" });
    const { token } = await post<{ token: string }>("/v1/asmn/tokens", {
      ...names,
      instance: "edge-1",
      image: measured.image,
      publicKey: await agent.publicKey(),
    });
    agent.giveToken(token);
    agent.start();
    await agent.waitTrusted();
  });

  afterAll(async () => {
    await lab.close();
  });

  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  function startSecEm(): Promise<Evpnd> {
    const name = `sec-em-${String(starts++)}`;
    const config = [
      `as: ${String(AS)}`,
      `router-id: ${MANAGER_ADDRESS}`,
      `listen: ["${MANAGER_ADDRESS}:179"]`,
      `http: {listen: "127.0.0.1:${String(HTTP)}"}`,
      "asmn:",
      "  sec-em:",
      `    listen: ["${MANAGER_ADDRESS}:7201"]`,
      `    feed-listen: ["${MANAGER_ADDRESS}:7203"]`,
      "    heartbeat-seconds: 1",
      `    state-directory: ${directory}`,
      "    feeds:",
      `      - {name: rr, role: gate, public-key: "${toHex(gateKey.publicKey)}"}`,
      "    tenants:",
      `      - {name: blue, vnfs: [{name: edge, addresses: [${VNF}], as: ${String(AS)}}]}`,
      "",
    ].join("\n");
    return Evpnd.start({ lab, label: MANAGER, name, address: MANAGER_ADDRESS, http: HTTP, config });
  }

  function startReflector(transportKey: string, rootKey: string): Promise<Evpnd> {
    const keyFile = lab.writeFile("gate.pem", signingKeyToPem(gateKey));
    const config = [
      `as: ${String(AS)}`,
      `router-id: ${REFLECTOR}`,
      `listen: ["${REFLECTOR}:179"]`,
      `http: {listen: "127.0.0.1:${String(HTTP)}"}`,
      "peers:",
      `  - address: ${VNF}`,
      "    connect-retry: 2",
      "    trust: {tenant: blue, vnf: edge, effect: hold}",
      "asmn:",
      "  gate:",
      `    state-directory: ${lab.makeDirectory("gate")}`,
      `    key-file: ${keyFile}`,
      "    stale-seconds: 2",
      "    grace-seconds: 60",
      "    sources:",
      `      - name: em`,
      `        address: "${MANAGER_ADDRESS}:7203"`,
      `        public-key: "${transportKey}"`,
      `        root-keys: ["${rootKey}"]`,
      "",
    ].join("\n");
    const label = VnfNet.label(2);
    return Evpnd.start({ lab, label, name: "rr", address: REFLECTOR, http: HTTP, config });
  }

  async function post<T>(path: string, body: object): Promise<T> {
    const answer = await secEm.request("POST", path, body);
    if (answer.status !== 200) throw new Error(`${path}: ${String(answer.status)} ${answer.body}`);
    return JSON.parse(answer.body) as T;
  }

  async function waitTrust(what: string, wanted: Partial<TrustRow>): Promise<PeerRow> {
    return waitFor(what, async () => {
      const row = await reflector.get<PeerRow>(`/v1/peers/${VNF}`);
      expect(row).toMatchObject({ state: "Established", trust: wanted });
      return row;
    });
  }

  test("ASM-67: a gate elsewhere learns of the verdict through its feed, and verifies it", async () => {
    await frr.waitEstablished(REFLECTOR);
    await waitTrust("the VNF to be served", { state: "trusted", effect: "admit" });
    const { instances } = await reflector.get<{ instances: { subject: string; source: string }[] }>(
      "/v1/asmn/gate/instances",
    );
    expect(instances).toMatchObject([{ subject: "blue/edge/edge-1", source: "em" }]);
  });

  test("ASM-77: out of reach: the live session keeps its verdict with an alarm, a new one is held", async () => {
    await secEm.kill();
    const kept = await waitTrust("the grace", { state: "stale", effect: "admit", spared: "hold" });
    expect(kept.establishedCount).toBe(1);
    const { gate } = await reflector.get<{ gate: { inGrace: boolean } }>("/v1/asmn/status");
    expect(gate.inGrace).toBe(true);
    await reflector.program.says("a Sec-EM is out of reach");
    await frr.vtysh(`clear bgp ${REFLECTOR}`);
    await frr.waitEstablished(REFLECTOR);
    const held = await waitTrust("the new session to be held", { state: "stale", effect: "hold" });
    expect(held.trust.reason).toContain("Sec-EM em is out of reach");
  });

  test("ASM-77: back in reach, a new proof releases it without a reset", async () => {
    const before = await reflector.get<PeerRow>(`/v1/peers/${VNF}`);
    secEm = await startSecEm();
    const after = await waitTrust("the VNF to be served again", {
      state: "trusted",
      effect: "admit",
    });
    expect(after.establishedCount).toBe(before.establishedCount);
  });
});
