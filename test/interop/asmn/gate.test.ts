/**
 * Who may peer, with real routers and what was on the wire:
 *
 *   v1  FRR with its agent: a genuine one that listens
 *   v2  GoBGP without any agent: a fake that announces
 *   v3  GoBGP with its agent: a genuine one that announces
 *   v4  FRR beside an honest agent with another image: a fake that listens
 *
 *   v5  FRR that waits to be connected to, with its agent: refused until it is trusted
 *
 * The effect on the others is `hold`: all sessions are up, and a fake has nothing of it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Capture, type Flow } from "../lib/capture.js";
import { Frr, frrClient } from "../lib/frr.js";
import { Gobgp } from "../lib/gobgp.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { MessageType, messageType } from "../lib/wire.js";
import { AgentProgram } from "./lib/agent.js";
import { AGENT_PORT, AS, Manager, TENANT, type ManagedVnf } from "./lib/manager.js";
import { GATEWAY, MANAGER_ADDRESS, VnfNet } from "./lib/vnf-net.js";

const SHARED = "02:00:00:00:00:01";
const OF_FAKE = "02:00:00:00:00:66";
const OF_GENUINE = "02:00:00:00:00:03";

const NAMES = ["one", "two", "three", "four", "five"];

const vnfs = NAMES.map((name, index): ManagedVnf => ({
  name,
  address: VnfNet.address(index + 1),
  binding: "address",
  ...(name === "five" && { effect: "refuse", connectRetrySeconds: 300 }),
}));

interface PeerRow {
  readonly state: string;
  readonly establishedCount: number;
  readonly families: readonly { readonly advertised: number; readonly endOfRibSent: boolean }[];
}

interface GatedRow {
  readonly address: string;
  readonly state: string;
  readonly reason: string;
  readonly effect: string;
}

describeInterop("the gate", ["frr", "gobgp", "tshark"], () => {
  let lab: Lab;
  let manager: Manager;
  let waiting: Frr;
  let listener: Frr;
  let fakeListener: Frr;
  let fake: Gobgp;
  let genuine: Gobgp;
  let captures: Capture[];
  let digest: string;
  /** Milliseconds from a revocation until FRR had nothing more of the VNF. */
  let revokedMs = 0;
  const agents = new Map<number, AgentProgram>();

  beforeAll(async () => {
    lab = new Lab();
    const net = new VnfNet(lab);
    for (const vnf of [1, 2, 3, 4, 5]) net.vnf(vnf);
    manager = await Manager.start({
      lab,
      effect: "hold",
      vnfs,
    });
    captures = await Promise.all([2, 4].map((vnf) => Capture.start(lab, GATEWAY, `p${vnf}`)));
    const image = lab.writeFile("image", "a genuine image\n".repeat(1000));
    const other = lab.writeFile("other-image", "something else\n".repeat(1000));
    for (const vnf of [1, 3, 4, 5]) agents.set(vnf, agent(vnf, vnf === 4 ? other : image));
    const measured = JSON.parse(await agents.get(1)!.cli("measure", "--json")) as { image: string };
    digest = measured.image;
    for (const name of NAMES) await manager.register(name, digest);
    [waiting, listener, fakeListener, fake, genuine] = await Promise.all([
      router(5, ["passive"]),
      router(1),
      router(4),
      gobgp(2, OF_FAKE),
      gobgp(3, OF_GENUINE),
    ]);
    await Promise.all([
      ...[listener, fakeListener].map((frr) => frr.waitEstablished(MANAGER_ADDRESS)),
      ...[fake, genuine].map((one) => one.waitEstablished()),
    ]);
  });

  afterAll(async () => {
    await lab.close();
  });

  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  function router(vnf: number, neighborLines: readonly string[] = []): Promise<Frr> {
    const address = VnfNet.address(vnf);
    const config = frrClient({ as: AS, address, reflectors: [MANAGER_ADDRESS], neighborLines });
    return Frr.start({ lab, label: VnfNet.label(vnf), name: `frr${vnf}`, address, config });
  }

  async function gobgp(vnf: number, own: string): Promise<Gobgp> {
    const made = await Gobgp.start({
      lab,
      label: VnfNet.label(vnf),
      name: `gobgp${vnf}`,
      address: VnfNet.address(vnf),
      neighbor: MANAGER_ADDRESS,
      as: AS,
      families: ["l2vpn-evpn"],
    });
    for (const mac of [own, SHARED]) {
      await made.addEvpn(
        `macadv ${mac} 0.0.0.0 etag 0 label 100 rd 65000:1 rt 65000:1 encap vxlan`,
      );
    }
    return made;
  }

  function agent(vnf: number, image: string): AgentProgram {
    const name = NAMES[vnf - 1]!;
    return new AgentProgram({
      lab,
      label: VnfNet.label(vnf),
      tenant: TENANT,
      vnf: name,
      instance: `${name}-1`,
      secEms: [`${MANAGER_ADDRESS}:${AGENT_PORT}`],
      rootKeys: [manager.rootKey],
      image,
    });
  }

  async function enrol(vnf: number): Promise<AgentProgram> {
    const program = agents.get(vnf)!;
    const name = NAMES[vnf - 1]!;
    const key = await program.publicKey();
    program.giveToken(await manager.token(name, `${name}-1`, digest, key));
    program.start();
    return program;
  }

  const gated = async (): Promise<Map<string, GatedRow>> => {
    const { peers } = await manager.evpnd.get<{ peers: GatedRow[] }>("/v1/asmn/gate/peers");
    return new Map(peers.map((row) => [row.address, row]));
  };

  const peer = (vnf: number): Promise<PeerRow> =>
    manager.evpnd.get<PeerRow>(`/v1/peers/${VnfNet.address(vnf)}`);

  /** Next hops by MAC, as FRR has them. */
  async function learnt(frr: Frr): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (const [prefix, paths] of await frr.evpnRoutes()) {
      const mac = /\[2\]:\[\d+\]:\[48\]:\[([0-9a-f:]+)\]/.exec(prefix)?.[1];
      if (mac !== undefined) found.set(mac, paths[0]?.nexthops?.[0]?.ip ?? "");
    }
    return found;
  }

  async function timed(what: string, is: (macs: Map<string, string>) => boolean): Promise<number> {
    const begun = performance.now();
    await waitFor(what, async () => is(await learnt(listener)), { every: 20 });
    return Math.round(performance.now() - begun);
  }

  test("before any proof all sessions are up, and nobody has anything of anybody", async () => {
    await sleep(500);
    expect((await learnt(listener)).size).toBe(0);
    for (const vnf of [1, 2, 3, 4]) {
      const { state, families } = await peer(vnf);
      expect({ vnf, state, families }).toMatchObject({
        state: "Established",
        families: [{ advertised: 0, endOfRibSent: false }],
      });
    }
    const rows = await gated();
    expect([...rows.keys()].sort()).toEqual([1, 2, 3, 4, 5].map((vnf) => VnfNet.address(vnf)));
    expect(rows.get(VnfNet.address(2))).toMatchObject({ state: "unknown", effect: "hold" });
  });

  test("ASM-03, ASM-71: the genuine converge; the fakes are reflected to nobody and served nothing, and named", async () => {
    await Promise.all([enrol(1), enrol(3), enrol(4)]);
    await Promise.all([1, 3].map((vnf) => agents.get(vnf)!.waitTrusted()));
    await timed("the genuine VNF's routes at FRR", (macs) => macs.size === 2);
    const macs = await learnt(listener);
    expect(macs.get(OF_GENUINE)).toBe(VnfNet.address(3));
    // The fake announces that one, too.
    expect(macs.get(SHARED)).toBe(VnfNet.address(3));
    expect(macs.has(OF_FAKE)).toBe(false);
    await waitFor("the wrong image to be refused", () =>
      agents.get(4)!.program!.log().includes("not the image"),
    );
    const rows = await gated();
    expect(rows.get(VnfNet.address(2))?.reason).toContain("no instance of blue/two is known");
    expect(rows.get(VnfNet.address(4))?.reason).toContain("no instance of blue/four is known");
    expect(rows.has(VnfNet.address(1))).toBe(false);
    // What the gate cannot know, the Sec-EM has seen.
    const { secEm, gated: named } = await manager.evpnd.get<{
      secEm: { refusals: { address: string; subject: string; reason: string }[] };
      gated: GatedRow[];
    }>("/v1/asmn/status");
    const refused = secEm.refusals.find(({ address }) => address === VnfNet.address(4));
    expect(refused).toMatchObject({
      subject: "blue/four/four-1",
      reason: expect.stringMatching(/^image: /) as string,
    });
    expect(named.map(({ address }) => address)).toEqual(
      expect.arrayContaining([2, 4].map((vnf) => VnfNet.address(vnf))),
    );
    expect((await learnt(fakeListener)).size).toBe(0);
  });

  test("one that is refused is connected to as soon as it is trusted, not when its retry timer is due", async () => {
    const before = await manager.evpnd.get<{ state: string; lastError: string }>(
      `/v1/peers/${VnfNet.address(5)}`,
    );
    expect(before).toMatchObject({ state: "Idle" });
    expect(before.lastError).toContain("peer not trusted: no instance of blue/five is known");
    const program = await enrol(5);
    const begun = performance.now();
    await program.waitTrusted();
    const trusted = performance.now();
    await waiting.waitEstablished(MANAGER_ADDRESS);
    const up = performance.now();
    process.stderr.write(
      `gate: trusted ${Math.round(trusted - begun)} ms after the agent's start, connected ${Math.round(up - trusted)} ms later\n`,
    );
    await waitFor("its table", async () => (await learnt(waiting)).size === 2);
  });

  test("what is held says why", async () => {
    const trace = await manager.evpnd.get<object>(`/v1/explain/mac?mac=${OF_FAKE}`);
    expect(JSON.stringify(trace)).toContain(
      "held: peer not trusted (no instance of blue/two is known at this address)",
    );
    const held = await manager.evpnd.get<object>(`/v1/explain/mac?mac=${OF_GENUINE}`);
    expect(JSON.stringify(held)).toContain("held: peer not trusted");
    const status = await manager.evpnd.get<{ trust?: object }>(`/v1/peers/${VnfNet.address(2)}`);
    expect(status.trust).toMatchObject({ state: "unknown", effect: "hold" });
  });

  test("ASM-71: revoked: gating begins within a second of the command, no session is reset; restored by a new proof", async () => {
    const who = { tenant: TENANT, vnf: "three", instance: "three-1" };
    const scope = { ...who, reason: "test" };
    const [posted] = await Promise.all([
      manager.post("/v1/asmn/revoke", scope),
      timed("the routes to go", (macs) => macs.size === 0).then((took) => {
        revokedMs = took;
        process.stderr.write(`gate: FRR without the revoked VNF's routes after ${took} ms\n`);
      }),
    ]);
    expect(posted).toBeDefined();
    expect((await gated()).get(VnfNet.address(3))).toMatchObject({ state: "untrusted" });
    const { gate } = await manager.evpnd.get<{
      gate: { applied: { address: string; beganMs: number; doneMs: number; sessions: number }[] };
    }>("/v1/asmn/status");
    const applied = gate.applied.find(({ address }) => address === VnfNet.address(3));
    expect(applied).toMatchObject({ sessions: 1 });
    expect(applied?.beganMs).toBeLessThan(1000);
    process.stderr.write(
      `gate: began after ${applied?.beganMs} ms, done after ${applied?.doneMs} ms\n`,
    );
    expect(await peer(3)).toMatchObject({ state: "Established", establishedCount: 1 });
    await manager.post("/v1/asmn/restore", scope);
    await manager.post("/v1/asmn/verify", who);
    const took = await timed("the routes to be back", (macs) => macs.size === 2);
    process.stderr.write(`gate: routes back ${took} ms after restore and a new proof\n`);
    expect(await peer(3)).toMatchObject({ state: "Established", establishedCount: 1 });
  });

  test("and a peer that goes down takes as long, for comparison", async () => {
    await genuine.program.stop("SIGKILL");
    const took = await timed("the routes to go", (macs) => macs.size === 0);
    process.stderr.write(`gate: FRR without a dead VNF's routes after ${took} ms\n`);
    // No slower, with what the command, the Sec-EM's disk and a machine that has much to do take.
    expect(revokedMs).toBeLessThan(3000 + 10 * took);
    expect(await manager.evpnd.get<{ ok: boolean }>("/v1/audit")).toMatchObject({ ok: true });
  });

  test("ASM-03: on the wire, evpnd said nothing to a fake but OPEN and KEEPALIVE", async () => {
    const flows = (await Promise.all(captures.map((capture) => capture.finish()))).flat();
    const towards = (vnf: number): Flow | undefined =>
      flows.find(({ from, to }) => from === MANAGER_ADDRESS && to === VnfNet.address(vnf));
    for (const vnf of [2, 4]) {
      const types = new Set(towards(vnf)?.messages.map((message) => messageType(message)));
      expect({ vnf, types }).toEqual({
        vnf,
        types: new Set([MessageType.Open, MessageType.Keepalive]),
      });
    }
    // The fake has spoken, all the same.
    const said = flows.find(({ from }) => from === VnfNet.address(2));
    expect(said?.messages.some((each) => messageType(each) === MessageType.Update)).toBe(true);
  });

  test("one that is in a range of dynamic peers is connected to as soon as it is trusted, too", async () => {
    const who = { tenant: TENANT, vnf: "five", instance: "five-1" };
    await manager.post("/v1/asmn/revoke", { ...who, reason: "test" });
    await manager.reload({
      vnfs: vnfs.map((one) => (one.name === "five" ? { ...one, dynamic: true } : one)),
    });
    const stateOf = async () => (await waiting.neighbor(MANAGER_ADDRESS)).state;
    await waitFor("its session to end", async () => (await stateOf()) !== "Established");
    await manager.post("/v1/asmn/restore", { ...who, reason: "test" });
    await manager.post("/v1/asmn/verify", who);
    // It waits for us, and we would for it: only the verdict makes us connect.
    await waiting.waitEstablished(MANAGER_ADDRESS);
    expect(await peer(5)).toMatchObject({ state: "Established", establishedCount: 1 });
  });
});
