/**
 * Routes that evpnd announces itself, at real counterparts: injected ones of all five types, and host routes
 * that follow a host from PE to PE.
 */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Fabric, hostOf, peAddress, VNIS, type Host } from "./lib/fabric.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const REFLECTOR = "10.99.0.254";
const EDGE = "10.99.0.10";
const GOBGP = "10.99.0.20";
const HTTP = 8179;
/** Nobody has it: what is injected leads there. */
const VTEP = "10.99.0.77";
const MAC = "52:54:00:aa:00:01";
const ESI = "00:11:22:33:44:55:66:77:88:99";

interface IpRoute {
  readonly nexthops: readonly { readonly ip?: string }[];
}

describeInterop("routes of evpnd's own", ["ping", "frr", "gobgp"], () => {
  let lab: Lab;
  let fabric: Fabric;
  let evpnd: Evpnd;
  /** Takes unicast routes into its kernel table. */
  let edge: Frr;
  let gobgp: Gobgp;

  function startEvpnd(): Promise<Evpnd> {
    return Evpnd.start({
      lab,
      label: "rr",
      address: REFLECTOR,
      http: HTTP,
      config: `
as: 65000
router-id: ${REFLECTOR}
listen: ["${REFLECTOR}:179"]
dynamic-peers:
  - prefix: 10.99.0.0/24
    client: true
    families: [l2vpn-evpn, ipv4-unicast]
peers:
  # Called by evpnd: GoBGP itself takes seconds before it tries.
  - address: ${GOBGP}
    client: true
    families: [l2vpn-evpn, ipv4-unicast]
    connect-retry: 1
    idle-hold: 0
restart: { state-dir: ${join(lab.directory, "state")} }
http: { listen: "127.0.0.1:${String(HTTP)}" }
fib:
  enabled: true
  domains:
    - { name: servers, route-targets: ["65000:100"], vni: 100, host-routes: unicast }
    - name: storage
      route-targets: ["65000:200"]
      host-routes:
        announce: type-5
        rd: "${REFLECTOR}:5000"
        route-targets: ["65000:5000"]
        l3-vni: 5000
`,
    });
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.makeDirectory("state");
    fabric = new Fabric(lab, [REFLECTOR]);
    fabric.attach("rr", REFLECTOR);
    fabric.attach("edge", EDGE);
    fabric.attach("go", GOBGP);
    evpnd = await startEvpnd();
    [edge, gobgp] = await Promise.all([
      Frr.start({
        lab,
        label: "edge",
        name: "edge",
        address: EDGE,
        zebra: true,
        config: frrClient({ address: EDGE, reflectors: [REFLECTOR], families: ["ipv4 unicast"] }),
      }),
      Gobgp.start({
        lab,
        label: "go",
        name: "go",
        address: GOBGP,
        neighbor: REFLECTOR,
        families: ["l2vpn-evpn", "ipv4-unicast"],
      }),
      ...[1, 2].map((pe) => fabric.startPe(pe)),
    ]);
    for (const pe of [1, 2]) {
      for (const vni of VNIS) {
        const own = `192.168.${String(vni)}.${String(250 + pe)}/24`;
        lab.ip(`pe${String(pe)}`, [`addr add ${own} dev br${String(vni)}`]);
      }
    }
    await Promise.all([
      edge.waitEstablished(REFLECTOR),
      gobgp.waitEstablished(),
      ...[1, 2].map((pe) => fabric.pe(pe).waitEstablished(REFLECTOR)),
    ]);
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  function evpnctl(words: string): Promise<string> {
    const script = join(DIST, "src", "cli", "main.js");
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("rr", process.execPath, [script, ...words.split(" "), "--url", url]);
  }

  /** Through the API, all to the VTEP that nobody has. */
  async function inject(owner: string, ...routes: readonly object[]): Promise<void> {
    const body = { owner, routes: routes.map((route) => ({ nextHop: VTEP, ...route })) };
    const { status, body: answer } = await evpnd.request("POST", "/v1/injected", body);
    if (status !== 200) throw new Error(answer);
  }

  /** Remote VTEP of the MAC in VNI 100 at a PE. */
  async function remote(pe: number, mac: string): Promise<string | undefined> {
    interface Macs {
      readonly macs?: Readonly<Record<string, { remoteVtep?: string }>>;
    }
    const { macs } = await fabric.pe(pe).json<Macs>("show evpn mac vni 100");
    return macs?.[mac]?.remoteVtep;
  }

  async function gobgpHas(wanted: readonly RegExp[]): Promise<boolean> {
    const names = [...(await gobgp.rib("evpn")).keys()];
    const missing = wanted.filter((one) => !names.some((name) => one.test(name)));
    if (missing.length > 0) throw new Error(`no ${missing.join(", ")} in ${names.join("\n")}`);
    return true;
  }

  test("FRR takes an injected sticky MAC, a type 3 and a prefix", async () => {
    const out = await evpnctl(`inject mac ${MAC} --domain servers --next-hop ${VTEP} --owner ops`);
    expect(out).toMatch(/^Sent: +yes$/m);
    const prefix = { type: "prefix", prefix: "203.0.113.0/24", vni: 5000 };
    await inject("ops", { type: "imet", domain: "servers" }, prefix);
    for (const pe of [1, 2]) {
      await waitFor(`pe${String(pe)} to have the MAC`, async () => {
        const at = await remote(pe, MAC);
        if (at !== VTEP) throw new Error(at ?? "nowhere");
        return true;
      });
      await waitFor(`the kernel of pe${String(pe)} to flood to the injected VTEP`, async () => {
        const text = await lab.run(`pe${String(pe)}`, "bridge", ["fdb", "show", "dev", "vx100"]);
        return new RegExp(`^00:00:00:00:00:00 .*dst ${VTEP}`, "m").test(text);
      });
      expect(await fabric.fdb(pe, 100, MAC)).toBe(VTEP);
      const routes = await fabric.pe(pe).evpnRoutes();
      const five = [...routes].find(([name]) => name.includes("[5]:[0]:[24]:[203.0.113.0]"));
      expect(five?.[1][0]?.nexthops?.[0]?.ip).toBe(VTEP);
      const [, paths] = [...routes].find(([name]) => name.includes(MAC)) ?? [];
      expect(paths?.[0]?.extendedCommunity?.string).toMatch(/MM:0, sticky MAC/);
    }
    const shown = await evpnctl(`show routes --mac ${MAC}`);
    expect(shown).toMatch(/local, own/);
    const [mac] = await evpnd.macs<{ sticky: boolean; pe: string }>(`mac=${MAC}`);
    expect(mac).toMatchObject({ sticky: true, pe: VTEP });
  });

  test("GoBGP takes all five types", async () => {
    // Without a DF election community: GoBGP 3.10 takes a route that has one for withdrawn.
    await inject(
      "five",
      { type: "es", esi: ESI },
      { type: "ad", esi: ESI, domain: "servers", perEs: true },
      { type: "ad", esi: ESI, domain: "servers" },
    );
    await waitFor("GoBGP to have the five types", () =>
      gobgpHas([
        /type:A-D.*\[etag:0\]/,
        /type:A-D.*\[etag:4294967295\]/,
        new RegExp(`type:macadv.*${MAC}`),
        new RegExp(`type:multicast.*${VTEP}`),
        new RegExp(`type:esi.*${VTEP}`),
        /type:Prefix.*203\.0\.113\.0\/24/,
      ]),
    );
    const list = await evpnctl("inject list");
    expect(list.trimEnd().split("\n")).toHaveLength(7);
  });

  test("an owner's routes go together, those of others stay", async () => {
    expect(await evpnctl("inject withdraw --all --owner five")).toBe("3 withdrawn\n");
    await waitFor("GoBGP to lose the segment", async () => {
      const names = [...(await gobgp.rib("evpn")).keys()];
      return !names.some((name) => /type:(A-D|esi)/.test(name));
    });
    expect(await remote(1, MAC)).toBe(VTEP);
  });

  /** Where the edge's kernel sends packets for a host. */
  async function edgeRoute(address: string): Promise<string | undefined> {
    const table = await edge.json<Record<string, IpRoute[]>>("show ip route");
    return table[`${address}/32`]?.[0]?.nexthops[0]?.ip;
  }

  /** Next hop and mobility sequence of the host's type 5 at GoBGP. */
  async function typeFive(address: string): Promise<string | undefined> {
    const found = [...(await gobgp.rib("evpn"))].find(([name]) =>
      new RegExp(`type:Prefix.*${address.replaceAll(".", "\\.")}/32`).test(name),
    );
    const text = JSON.stringify(found?.[1][0]?.attrs ?? []);
    const hop = /"nexthop":"([\d.]+)"/.exec(text)?.[1];
    const sequence = /"sequence":(\d+)/.exec(text)?.[1] ?? "0";
    return hop && `${hop} seq ${sequence}`;
  }

  /** The PE has spoken with the host, so that it announces the address with the MAC. */
  async function hears(pe: number, host: Host): Promise<void> {
    await fabric.waitPing(`pe${String(pe)}`, host);
  }

  async function becomes(what: string, wanted: string | undefined, now: () => Promise<unknown>) {
    await waitFor(`${what} to be ${wanted ?? "nowhere"}`, async () => {
      const is = await now();
      if (is !== wanted) throw new Error(String(is));
      return true;
    });
  }

  test("a host route follows its host from PE to PE, in both forms, and goes with it", async () => {
    const [server, disk] = [hostOf(1, 100), hostOf(1, 200)];
    for (const host of [server, disk]) {
      fabric.plug(1, host);
      await hears(1, host);
    }
    await becomes("the server's /32", peAddress(1), () => edgeRoute(server.address));
    await becomes("the disk's type 5", `${peAddress(1)} seq 0`, () => typeFive(disk.address));
    const unicast = await gobgp.rib("ipv4");
    expect([...unicast.keys()]).toEqual([`${server.address}/32`]);
    const kernel = await lab.run("edge", "ip", ["route", "get", server.address]);
    expect(kernel).toContain(`via ${peAddress(1)}`);

    for (const host of [server, disk]) {
      fabric.unplug(1, host.label);
      fabric.plug(2, host);
      await fabric.gratuitousArp(host.label, host.address);
      await hears(2, host);
    }
    await becomes("the server's /32", peAddress(2), () => edgeRoute(server.address));
    await waitFor("the disk's type 5 to be at the second PE", async () =>
      (await typeFive(disk.address))?.startsWith(`${peAddress(2)} `),
    );
    const [mac] = await evpnd.macs<{ sequence: number }>(`mac=${disk.mac}`);
    await becomes("its sequence", `${peAddress(2)} seq ${String(mac?.sequence)}`, () =>
      typeFive(disk.address),
    );

    await fabric.pe(2).kill();
    await becomes("the server's /32", undefined, () => edgeRoute(server.address));
    await becomes("the disk's type 5", undefined, () => typeFive(disk.address));
  });

  test("an injected route that is to stay is there again after a crash", async () => {
    const other = "52:54:00:aa:00:02";
    const order = { type: "mac", mac: other, nextHop: VTEP, domain: "servers" };
    const body = { owner: "ops", routes: [order], persist: true };
    expect((await evpnd.request("POST", "/v1/injected", body)).status).toBe(200);
    await waitFor("pe1 to have the MAC", async () => (await remote(1, other)) === VTEP);
    await evpnd.kill();
    evpnd = await startEvpnd();
    const { routes } = await evpnd.get<{ routes: { route: string }[] }>("/v1/injected");
    expect(routes.map(({ route }) => route)).toEqual([`2:${VTEP}:100::0::${other}`]);
    await fabric.pe(1).waitEstablished(REFLECTOR);
    await waitFor("pe1 to have that MAC alone", async () => {
      return (await remote(1, other)) === VTEP && (await remote(1, MAC)) === undefined;
    });
    expect(await evpnctl("audit")).toMatch(/no finding|clean|ok/i);
  });
});
