/** TCP MD5 (RFC 2385) in both roles and GTSM (RFC 5082), against FRR. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { canary } from "../lib/canary.js";
import { Capture } from "./lib/capture.js";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Lab } from "./lib/lab.js";
import { command } from "./lib/command.js";
import { tcpAoGap } from "../../src/util/tcp-ao-probe.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const RR = "10.99.0.254";
const RR6 = "fd99::254";
const HTTP = 8080;
const KEY = canary("peers");
const OTHER_KEY = canary("others");

/** FRR's addresses by the part it plays. */
const LISTENED = "10.99.0.1";
const WRONG = "10.99.0.2";
const NONE = "10.99.0.3";
const DIALLED = "10.99.0.4";
const DIALLED_WRONG = "10.99.0.5";
const RANGE = "10.99.1.1";
const V6 = "fd99::1";
const GTSM = "10.99.0.6";
const GTSM_OFF = "10.99.0.7";
const GTSM_DIALLED = "10.99.0.8";
const AO = "10.99.0.10";

/** @param second options of the peer with another key, and @param third of the one with none */
const config = (keyFile: string, second = "group: keyed", third = second): string => `
as: 65000
router-id: ${RR}
listen: ["${RR}:179", "[${RR6}]:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
peer-groups:
  keyed: { password-file: ${keyFile}, client: true, connect-retry: 1, idle-hold: 1, idle-hold-max: 2, tcp-user-timeout-ms: 1500 }
  gtsm: { ttl-security-hops: 1, ebgp-accept-in: true, ebgp-accept-out: true, connect-retry: 1, idle-hold: 1, idle-hold-max: 2, tcp-user-timeout-ms: 1500 }
peers:
  - { address: ${LISTENED}, group: keyed, passive: true }
  - { address: ${WRONG}, passive: true, ${second} }
  - { address: ${NONE}, passive: true, ${third} }
  - { address: "${V6}", group: keyed, passive: true }
  - { address: ${DIALLED}, group: keyed, local-address: ${RR} }
  - { address: ${DIALLED_WRONG}, group: keyed, local-address: ${RR} }
  - { address: ${GTSM}, group: gtsm, peer-as: 65001, passive: true }
  - { address: ${GTSM_OFF}, group: gtsm, peer-as: 65002, passive: true }
  - { address: ${GTSM_DIALLED}, group: gtsm, peer-as: 65003, local-address: ${RR} }
  - { address: ${AO}, tcp-ao: chain, connect-retry: 1 }
key-chains:
  chain: { keys: [{ id: 1, secret-file: ${keyFile} }] }
dynamic-peers:
  - { prefix: 10.99.1.0/24, group: keyed, passive: true }
`;

interface PeerView {
  readonly address: string;
  readonly state: string;
  readonly lastError?: string;
  readonly establishedCount: number;
  readonly md5: boolean;
  readonly ttlSecurityHops: number;
}

describeInterop("TCP MD5 and GTSM with FRR", ["frr", "tshark"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let capture: Capture;
  let keyFile: string;
  let file: string;
  const daemons = new Map<string, Frr>();

  async function start(address: string, lines: readonly string[], as = 65000): Promise<void> {
    const reflector = address.includes(":") ? RR6 : RR;
    const routerId = address.includes(":") ? "10.99.0.9" : address;
    const base = frrClient({
      as,
      address,
      reflectors: [reflector],
      remoteAs: 65000,
      neighborLines: lines,
    });
    const text = base.map((line) =>
      line.startsWith(" bgp router-id") ? ` bgp router-id ${routerId}` : line,
    );
    const name = `frr-${address.replaceAll(":", "-")}`;
    daemons.set(address, await Frr.start({ lab, label: "lo", name, address, config: text }));
  }

  function frr(address: string): Frr {
    const found = daemons.get(address);
    if (found === undefined) throw new Error(`no FRR at ${address}`);
    return found;
  }

  async function peers(): Promise<Map<string, PeerView>> {
    const { peers: list } = await evpnd.get<{ peers: PeerView[] }>("/v1/peers");
    return new Map(list.map((peer) => [peer.address, peer]));
  }

  beforeAll(async () => {
    lab = new Lab();
    const all = [
      RR,
      LISTENED,
      WRONG,
      NONE,
      DIALLED,
      DIALLED_WRONG,
      RANGE,
      GTSM,
      GTSM_OFF,
      GTSM_DIALLED,
    ];
    lab.namespace("lo", [...all.map((address) => `${address}/32`), `${RR6}/128`, `${V6}/128`]);
    capture = await Capture.start(lab, "lo", "lo");
    keyFile = lab.secretFile("key", KEY);
    file = join(lab.directory, "evpnd.yaml");
    writeFileSync(file, config(keyFile));
    evpnd = await Evpnd.start({
      lab,
      label: "lo",
      address: RR,
      config: "",
      extra: ["--config", file],
      http: HTTP,
    });
    await Promise.all([
      start(LISTENED, [`password ${KEY}`]),
      start(WRONG, [`password ${OTHER_KEY}`]),
      start(NONE, []),
      start(DIALLED, [`password ${KEY}`, "passive"]),
      start(DIALLED_WRONG, [`password ${OTHER_KEY}`, "passive"]),
      start(RANGE, [`password ${KEY}`]),
      start(V6, [`password ${KEY}`]),
      start(GTSM, ["ttl-security hops 1"], 65001),
      start(GTSM_OFF, ["disable-connected-check"], 65002),
      start(GTSM_DIALLED, ["ttl-security hops 1", "passive"], 65003),
    ]);
  }, 120_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("the right key, evpnd listening", () => frr(LISTENED).waitEstablished(RR));
  test("the right key, evpnd connecting", () => frr(DIALLED).waitEstablished(RR));
  test("the right key for a whole range of dynamic peers", () => frr(RANGE).waitEstablished(RR));
  test("the right key over IPv6", () => frr(V6).waitEstablished(RR6));
  test("ttl-security over eBGP, evpnd listening", () => frr(GTSM).waitEstablished(RR));
  test("ttl-security over eBGP, evpnd connecting", () => frr(GTSM_DIALLED).waitEstablished(RR));

  test("a wrong key, no key, and a TTL too low never come up", { timeout: 60_000 }, async () => {
    for (const address of [LISTENED, DIALLED, RANGE, GTSM, GTSM_DIALLED])
      await frr(address).waitEstablished(RR);
    // They tried: the kernel counted segments with a bad, a missing and an unexpected key.
    await waitFor("dropped segments", async () => {
      const count = await lab.run("lo", "cat", ["/proc/net/netstat"]);
      return tcpExt(count, "TCPMD5NotFound") > 0 && tcpExt(count, "TCPMD5Failure") > 0;
    });
    const views = await peers();
    for (const address of [WRONG, NONE, DIALLED_WRONG]) {
      expect(`${address} ${(await frr(address).neighbor(RR)).state}`).not.toContain("Established");
    }
    for (const address of [WRONG, NONE, DIALLED_WRONG, GTSM_OFF]) {
      expect(views.get(address)).toMatchObject({ establishedCount: 0 });
    }
    for (const address of [LISTENED, DIALLED, RANGE, V6]) {
      expect(views.get(address)).toMatchObject({ state: "Established", md5: true });
    }
    for (const address of [GTSM, GTSM_DIALLED]) {
      expect(views.get(address)).toMatchObject({ state: "Established", ttlSecurityHops: 1 });
    }
  });

  test("on the wire: the MD5 option on evpnd's segments, TTL 255 towards GTSM peers, no key in the log", async () => {
    await capture.stop();
    const of = (filter: string, field: string): Promise<string> =>
      command("tshark", ["-r", capture.file, "-Y", filter, "-T", "fields", "-e", field]);
    const keyed = `ip.src == ${RR} && ip.dst == ${LISTENED} && tcp.len > 0`;
    expect((await of(keyed, "frame.number")).length).toBeGreaterThan(0);
    expect(await of(`${keyed} && !tcp.options.md5`, "frame.number")).toBe("");
    const ttls = await of(
      `ip.src == ${RR} && ip.dst in {${GTSM}, ${GTSM_DIALLED}} && tcp.len > 0`,
      "ip.ttl",
    );
    expect(new Set(ttls.trim().split("\n"))).toEqual(new Set(["255"]));
    expect(evpnd.program.log()).not.toContain(KEY);
  });

  test("TCP-AO: a kernel without it is said at the start and at the peer, which is not served", async () => {
    const gap = tcpAoGap();
    const view = (await peers()).get(AO);
    expect(view).toMatchObject({ establishedCount: 0, tcpAo: "chain" });
    if (gap === undefined) {
      expect(evpnd.program.log()).not.toContain("peers with tcp-ao stay down");
      return;
    }
    await evpnd.program.says(gap);
    await waitFor("the reason", async () => {
      return (await peers()).get(AO)?.lastError?.includes(gap) === true;
    });
    expect(await evpnd.get("/v1/config")).toBeDefined();
    expect(JSON.stringify(await evpnd.get("/v1/config"))).not.toContain(KEY);
  });

  test("keys that change with a reload: who has the right one now comes up, the others stay up", async () => {
    const established = async (): Promise<number[]> => {
      const views = await peers();
      return [LISTENED, DIALLED, RANGE, V6].map((address) => views.get(address)!.establishedCount);
    };
    const before = await established();
    const other = lab.secretFile("other-key", OTHER_KEY);
    writeFileSync(file, config(keyFile, `client: true, password-file: ${other}`, "client: true"));
    evpnd.program.signal("SIGHUP");
    await frr(WRONG).waitEstablished(RR);
    await frr(NONE).waitEstablished(RR);
    expect(await established()).toEqual(before);
    // And with the key taken away again.
    writeFileSync(file, config(keyFile));
    evpnd.program.signal("SIGHUP");
    await waitFor("the peers without the key to be down", async () => {
      const views = await peers();
      return [WRONG, NONE].every((address) => views.get(address)?.state !== "Established");
    });
    expect(await established()).toEqual(before);
    expect(evpnd.program.log()).not.toMatch(/an-RFC2385-key|another-key/);
  });
});

/** A counter of /proc/net/netstat. */
function tcpExt(text: string, name: string): number {
  const [names = "", values = ""] = text.split("\n").filter((line) => line.startsWith("TcpExt:"));
  return Number(values.split(" ")[names.split(" ").indexOf(name)] ?? 0);
}
