/**
 * Import and export rules among clients: GoBGP announces and is sent, FRR and a scripted client listen.
 * What rules do to routes is read at the clients; what a change sends is counted on the wire; what
 * `policy test` says before is compared with what then comes.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { announceMac, macIp, rd, u32 } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor, waitQuiet } from "./lib/wait.js";
import { EVPN, splitUpdate } from "./lib/wire.js";
import type { WireRoute } from "./lib/wire.js";

const RR = "10.99.0.254";
const WATCHER = "10.99.0.1";
const FRR = "10.99.0.3";
const GOBGP = "10.99.0.4";
const HTTP = 8080;
const CTL = join(DIST, "src", "cli", "main.js");

interface Part {
  readonly text?: string;
  /** Options of GoBGP, FRR and the watcher. */
  readonly gobgp?: string;
  readonly frr?: string;
  readonly watcher?: string;
}

const config = ({ text = "", gobgp = "", frr = "", watcher = "" }: Part): string => `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: {listen: "127.0.0.1:${String(HTTP)}"}
peer-groups:
  leaves: {passive: true}
peers:
  # Called by evpnd: GoBGP itself takes seconds before it tries.
  - {address: ${GOBGP}, connect-retry: 1, idle-hold: 0, local-address: ${RR}${gobgp}}
  - {address: ${FRR}, group: leaves${frr}}
  - {address: ${WATCHER}, group: leaves${watcher}}
${text}`;

/** MACs by the last octet, which is the route's name here; each has an RD, a target and a VNI. */
const ROUTES = [
  { name: "plain", mac: "02:00:00:00:00:01", rd: 100, rt: 100, vni: 100 },
  { name: "marked", mac: "02:00:00:00:00:02", rd: 200, rt: 200, vni: 200 },
  { name: "not for FRR", mac: "02:00:00:00:00:03", rd: 300, rt: 300, vni: 300 },
  { name: "RD", mac: "02:00:00:00:00:04", rd: 900, rt: 100, vni: 100 },
  { name: "target", mac: "02:00:00:00:00:05", rd: 100, rt: 901, vni: 100 },
  { name: "VNI", mac: "02:00:00:00:00:06", rd: 100, rt: 100, vni: 902 },
  { name: "MAC", mac: "02:5e:00:00:00:07", rd: 100, rt: 100, vni: 100 },
  { name: "quarantined", mac: "02:66:00:00:00:08", rd: 100, rt: 100, vni: 100 },
] as const;

const RULES = `
policies:
  from-gobgp:
    - {name: no-rd, match: {rd: "${GOBGP}:900"}, then: reject}
    - {name: no-target, match: {route-target: "65000:901"}, then: reject}
    - {name: no-vni, match: {vni: 902-910}, then: reject}
    - {name: no-mac, match: {mac: "02:5e:00:00:00:00/24"}, then: reject}
    - {name: suspect, match: {mac: "02:66:00:00:00:00/ff:ff:00:00:00:00"}, then: quarantine}
    - name: mark
      match: {vni: 200}
      set: {local-preference: 250, community: {add: "65000:77"}, large-community: {add: "65000:1:2"}}
  to-frr:
    - {name: frr-has-no-300, match: {vni: 300}, then: reject}
  to-gobgp:
    - set: {med: 50, community: {set: ["65000:88"]}, route-target: {add: "65000:999"}}
      then: accept
`;
const WITH_RULES: Part = {
  text: RULES,
  gobgp: ", import-policy: from-gobgp, export-policy: to-gobgp",
  frr: ", export-policy: to-frr",
};

interface PeerView {
  readonly establishedCount: number;
  readonly since: number;
  readonly messages: Readonly<Record<"in" | "out", Readonly<Record<string, number>>>>;
}

interface Decision {
  readonly by: string;
  readonly policy?: string;
  readonly rule?: number;
  readonly name?: string;
  readonly verdict: string;
}

interface Explained {
  readonly routes: readonly {
    readonly paths: readonly { readonly reason: string; readonly import: Decision }[];
    readonly receivers: readonly {
      readonly peer: string;
      readonly sent: boolean;
      readonly reason: string;
      readonly export: Decision;
    }[];
  }[];
}

interface Tested {
  readonly peers: readonly {
    readonly peer: string;
    readonly direction: string;
    readonly accepted: number;
    readonly rejected: number;
    readonly quarantined: number;
    readonly changed: number;
    readonly examples: unknown;
  }[];
}

/** Last octets of the MACs of routes, sorted. */
function numbersIn(names: Iterable<string>): number[] {
  const found = [...names].flatMap((name) => {
    const last = /02:[0-9a-f]{2}:00:00:00:([0-9a-f]{2})/i.exec(name)?.[1];
    return last === undefined ? [] : [parseInt(last, 16)];
  });
  return found.sort((a, b) => a - b);
}

/** The same of MAC routes on the wire. */
function numbersOf(routes: readonly WireRoute[]): number[] {
  return numbersIn(routes.map(({ nlri }) => nlri.slice(50, 62).replace(/..(?=.)/g, "$&:")));
}

describeInterop("policy between FRR and GoBGP", ["frr", "gobgp"], () => {
  let lab: Lab;
  let file: string;
  let evpnd: Evpnd;
  let frr: Frr;
  let gobgp: Gobgp;
  let watcher: SpeakerClient;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.1/16"]);
    file = lab.writeFile("evpnd.yaml", config(WITH_RULES));
    evpnd = await Evpnd.start({
      ...{ lab, label: "lo", address: RR, http: HTTP },
      extra: ["--config", file],
    });
    [frr, gobgp, watcher] = await Promise.all([
      Frr.start({
        ...{ lab, label: "lo", name: "frr", address: FRR },
        config: frrClient({ address: FRR, reflectors: [RR] }),
      }),
      Gobgp.start({
        ...{ lab, label: "lo", name: "gobgp", address: GOBGP, neighbor: RR },
        families: ["l2vpn-evpn"],
      }),
      SpeakerClient.up({ lab, label: "lo", localAddress: WATCHER, remoteAddress: RR }),
    ]);
    await Promise.all([frr.waitEstablished(RR), gobgp.waitEstablished()]);
    for (const route of ROUTES) {
      const where = `label ${String(route.vni)} rd ${GOBGP}:${String(route.rd)}`;
      const target = `rt 65000:${String(route.rt)}`;
      await gobgp.addEvpn(`macadv ${route.mac} 0.0.0.0 etag 0 ${where} ${target} encap vxlan`);
    }
    watcher.send(announceMac(WATCHER, 500, "020000000009"));
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const atFrr = async (): Promise<number[]> => numbersIn((await frr.evpnRoutes()).keys());
  const atWatcher = (): number[] => numbersOf(watcher.table.routes(EVPN));
  const peer = (address: string): Promise<PeerView> => evpnd.get(`/v1/peers/${address}`);
  const explain = (mac: string): Promise<Explained> => evpnd.get(`/v1/policy/explain?mac=${mac}`);

  async function holds(at: () => number[] | Promise<number[]>, numbers: number[]): Promise<void> {
    await waitFor(`routes ${numbers.join(" ")}`, async () => {
      const now = await at();
      if (now.join() !== numbers.join()) throw new Error(now.join());
      return true;
    });
  }

  /** What evpnctl prints, run inside the namespace. */
  function evpnctl(...words: readonly string[]): Promise<string> {
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("lo", process.execPath, [CTL, "--url", url, ...words]);
  }

  test("what rules reject or quarantine reaches nobody, and one client's rule only that client", async () => {
    await holds(atFrr, [1, 2, 9]);
    await holds(atWatcher, [1, 2, 3]);
    const shown = await evpnctl("show", "peer", GOBGP, "received");
    expect(numbersIn(shown.split("\n"))).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(shown).toMatch(/h .*02:66:00:00:00:08/);
  });

  test("what rules set is what clients see", async () => {
    const marked = await frr.vtysh(`show bgp l2vpn evpn route rd ${GOBGP}:200`);
    expect(marked).toMatch(/localpref 250,/);
    expect(marked).toMatch(/Community: 65000:77\s/);
    expect(marked).toMatch(/Large Community: 65000:1:2\s/);
    const attributes = await waitFor("the watcher's route at GoBGP", async () => {
      const table = await gobgp.rib("evpn");
      const [path] = [...table].find(([name]) => name.includes(`:09]`))?.[1] ?? [];
      return path?.attrs;
    });
    expect(attributes).toContainEqual({ type: 4, metric: 50 });
    expect(attributes).toContainEqual({ type: 8, communities: [65000 * 65536 + 88] });
    const targets = JSON.stringify(attributes.find(({ type }) => type === 16));
    for (const target of ["65000:500", "65000:999"]) expect(targets).toContain(`"${target}"`);
    const unmarked = await watcher.waitRoute(EVPN, nlriOf(ROUTES[0]));
    expect(unmarked.attributes.get(8)).toBeUndefined();
  });

  test("FRR acts on a community that a rule set", async () => {
    const inward = ["router bgp 65000", "address-family l2vpn evpn"];
    await frr.configure(
      ...["bgp community-list standard MARKED permit 65000:77"],
      ...["route-map IN deny 10", "match community MARKED", "route-map IN permit 20"],
      ...[...inward, `neighbor ${RR} route-map IN in`],
    );
    await holds(atFrr, [1, 9]);
    await frr.configure(...inward, `no neighbor ${RR} route-map IN in`);
    await holds(atFrr, [1, 2, 9]);
  });

  test("explain names the rule that decided", async () => {
    const rejecting = { 4: "no-rd", 5: "no-target", 6: "no-vni", 7: "no-mac" };
    for (const [number, name] of Object.entries(rejecting)) {
      const { routes } = await explain(ROUTES[Number(number) - 1]!.mac);
      expect(routes[0]?.paths[0]).toMatchObject({
        reason: "rejected by import policy",
        import: { by: "rule", policy: "from-gobgp", name, verdict: "reject" },
      });
    }
    expect(await evpnctl("explain", "route", "--mac", ROUTES[7].mac)).toMatch(
      /in quarantine\n +import: rule 5 \(suspect\) of from-gobgp: quarantine\n/,
    );
    const { routes } = await explain(ROUTES[2].mac);
    const toFrr = routes[0]?.receivers.find(({ peer }) => peer === FRR);
    expect(toFrr).toMatchObject({
      sent: false,
      reason: "rejected by export policy: rule 1 (frr-has-no-300) of to-frr",
      export: { policy: "to-frr", rule: 1, name: "frr-has-no-300", verdict: "reject" },
    });
    expect(routes[0]?.receivers.find(({ peer }) => peer === WATCHER)).toMatchObject({ sent: true });
  });

  test("a reload does what policy test said, and nothing else goes over the wire", async () => {
    await waitQuiet("the wire", async () => (await updates()).join());
    const before = { sessions: await sessions(), updates: await updates() };
    const text = RULES.replace(/.*name: no-mac.*\n/, "")
      .replace("local-preference: 250", "local-preference: 260")
      .replace("{vni: 300}", "{vni: 500}");
    const next = config({ ...WITH_RULES, text });
    const candidate = lab.writeFile("candidate.yaml", next);
    const json = await evpnctl("--json", "policy", "test", candidate);
    const { peers } = JSON.parse(json) as Tested;
    const counts = { accepted: 0, rejected: 0, quarantined: 0, changed: 1, examples: ANY };
    expect(peers).toEqual([
      { ...counts, peer: WATCHER, direction: "out", accepted: 1 },
      { ...counts, peer: FRR, direction: "out", accepted: 2, rejected: 1 },
      { ...counts, peer: GOBGP, direction: "in", accepted: 1 },
    ]);
    expect(await updates()).toEqual(before.updates);
    const seen = watcher.updates.length;
    const atFrrBefore = await updatesAtFrr();

    writeFileSync(file, next);
    const reloaded = await evpnctl("reload");
    expect(reloaded).toContain("policy changed, no reset");
    await holds(atFrr, [1, 2, 3, 7]);
    await holds(atWatcher, [1, 2, 3, 7]);
    await waitQuiet("the wire", async () => (await updates()).join());

    // The watcher: one route more, one otherwise. FRR: two more, one otherwise, one gone. GoBGP: none.
    const came = watcher.updates.slice(seen).map((message) => splitUpdate(message));
    expect(came.flatMap(({ withdrawn }) => withdrawn)).toEqual([]);
    expect(numbersOf(came.flatMap(({ announced }) => announced))).toEqual([2, 7]);
    const marked = watcher.table.get(EVPN, nlriOf(ROUTES[1]));
    expect(marked?.attributes.get(5)?.value).toBe(u32(260));
    const [toWatcher = 0, toFrr = 0, ...others] = (await updates()).map(
      (count, i) => count - before.updates[i]!,
    );
    expect(toWatcher).toBe(came.length);
    expect(toFrr).toBeGreaterThanOrEqual(3);
    expect(toFrr).toBeLessThanOrEqual(4);
    expect((await updatesAtFrr()) - atFrrBefore).toBe(toFrr);
    // To GoBGP no update and no refresh; from nobody an update.
    expect(others).toEqual(others.map(() => 0));
    expect(await sessions()).toEqual(before.sessions);
    expect((await frr.neighbor(RR)).connectionsEstablished).toBe(1);
  });

  test("without rules everything that was held comes back, and nobody is asked for it again", async () => {
    const before = await updates();
    const held = await sessions();
    writeFileSync(file, config({}));
    await evpnctl("reload");
    await holds(atFrr, [1, 2, 3, 4, 5, 6, 7, 8, 9]);
    await holds(atWatcher, [1, 2, 3, 4, 5, 6, 7, 8]);
    const marked = await frr.vtysh(`show bgp l2vpn evpn route rd ${GOBGP}:200`);
    expect(marked).toMatch(/localpref 100,/);
    expect(marked).not.toContain("Community: 65000:77");
    expect(await sessions()).toEqual(held);
    // From GoBGP to evpnd not a message more, and it has not been asked.
    expect((await updates()).slice(3)).toEqual(before.slice(3));
    expect(await evpnctl("policy", "show")).toBe("No policies.\n");
    expect(await evpnctl("audit")).toBe("clean\n");
  });

  /** UPDATEs to the watcher, to FRR, to GoBGP; from all three; refreshes to GoBGP. */
  async function updates(): Promise<number[]> {
    const [w, f, g] = await Promise.all([WATCHER, FRR, GOBGP].map((address) => peer(address)));
    const all = [w!, f!, g!];
    return [
      ...all.map(({ messages }) => messages.out["update"]!),
      ...all.map(({ messages }) => messages.in["update"]!),
      g!.messages.out["refresh"]!,
    ];
  }

  async function sessions(): Promise<(number | string)[]> {
    const views = await Promise.all([WATCHER, FRR, GOBGP].map((address) => peer(address)));
    return views.flatMap(({ establishedCount, since }) => [establishedCount, since]);
  }

  async function updatesAtFrr(): Promise<number> {
    type Raw = Record<string, { readonly messageStats: { readonly updatesRecv: number } }>;
    const all = await frr.json<Raw>(`show bgp neighbors ${RR}`);
    return all[RR]!.messageStats.updatesRecv;
  }
});

const ANY: unknown = expect.anything();

function nlriOf(route: (typeof ROUTES)[number]): string {
  const mac = route.mac.replaceAll(":", "");
  return macIp({ rd: rd(GOBGP, route.rd), mac, label: route.vni });
}
