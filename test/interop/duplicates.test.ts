/**
 * Two hosts with one MAC behind two FRR PEs, and what a third PE's kernel makes of it: the alarm, the effects
 * that hold one side's routes, the release by hand and by time.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Fabric, hostOf, peAddress, PES, type Host } from "./lib/fabric.js";
import { Lab } from "./lib/lab.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const REFLECTOR = "10.99.0.254";
const HTTP = 8179;
/** FRR itself is wary of five moves: three are enough here. */
const config = (release: string, state: string): string => `
restart: {state-dir: "${state}"}
as: 65000
router-id: ${REFLECTOR}
listen: ["${REFLECTOR}:179"]
dynamic-peers:
  - {prefix: 10.99.0.0/24, client: true, families: [l2vpn-evpn]}
http: {listen: "127.0.0.1:${String(HTTP)}"}
fib:
  enabled: true
  duplicates: {moves: 3, seconds: 180, action: pin, release: ${release}}
  domains:
    - {name: careful, route-targets: ["65000:200"], duplicates: {action: hold, release: manual}}
`;

interface Row {
  readonly domain: string;
  readonly mac: string;
  readonly duplicate?: { readonly moves: number };
  readonly quarantine?: { readonly state: string; readonly pe: string; readonly attempts: number };
  readonly held: number;
}

describeInterop("duplicate MACs", ["ping", "frr"], () => {
  let lab: Lab;
  let fabric: Fabric;
  let evpnd: Evpnd;
  let file: string;

  beforeAll(async () => {
    lab = new Lab();
    fabric = new Fabric(lab, [REFLECTOR]);
    fabric.attach("rr", REFLECTOR);
    file = join(lab.directory, "duplicates.yaml");
    writeFileSync(file, config("manual", lab.directory));
    evpnd = await start();
    await Promise.all(PES.map((pe) => fabric.startPe(pe)));
    for (const vni of [100, 200]) {
      for (const pe of [1, 3]) fabric.plug(pe, hostOf(pe, vni));
      // The same MAC and address once more, behind PE 2.
      fabric.plug(2, hostOf(1, vni), twin(vni));
    }
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const start = (): Promise<Evpnd> =>
    Evpnd.start({
      lab,
      label: "rr",
      address: REFLECTOR,
      config: "",
      extra: ["--config", file],
      http: HTTP,
    });

  const twin = (vni: number): string => `twin${String(vni)}`;
  const labelOf = (pe: number, host: Host): string => (pe === 1 ? host.label : twin(host.vni));

  async function evpnctl(...words: string[]): Promise<string> {
    const script = join(DIST, "src", "cli", "main.js");
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("rr", process.execPath, [script, ...words, "--url", url]);
  }

  async function list(): Promise<Row[]> {
    return (await evpnd.get<{ quarantines: Row[] }>("/v1/quarantine")).quarantines;
  }

  async function release({ mac }: Host): Promise<void> {
    const { status, body } = await evpnd.request("POST", "/v1/quarantine/release", { mac });
    expect(status, body).toBe(200);
  }

  /** The host speaks behind this PE until the reflector has it there, or that is enough. */
  async function speak(
    pe: number,
    host: Host,
    wanted: number,
    enough: () => Promise<boolean> = () => Promise.resolve(false),
  ): Promise<void> {
    await waitFor(`${host.mac} to be at PE ${String(wanted)}`, async () => {
      await fabric.gratuitousArp(labelOf(pe, host), host.address);
      if (await enough()) return true;
      const query = `mac=${host.mac}&vni=${String(host.vni)}`;
      const { macs } = await evpnd.get<{ macs: { pe: string }[] }>(`/v1/fib/macs?${query}`);
      const at = macs[0]?.pe ?? "nowhere";
      if (at === peAddress(wanted)) return true;
      throw new Error(at);
    });
  }

  async function until(what: string, wanted: (row: Row | undefined) => boolean): Promise<Row> {
    let row: Row | undefined;
    await waitFor(what, async () => {
      [row] = await list();
      if (wanted(row)) return true;
      throw new Error(JSON.stringify(row));
    });
    return row!;
  }

  /** Three moves, the last one to PE 2. */
  async function alarm(host: Host): Promise<Row> {
    await speak(1, host, 1);
    const enough = (): Promise<boolean> => list().then((rows) => rows.length > 0);
    for (const pe of [2, 1, 2]) {
      // That it came here after the last release may have been a move, too.
      if (await enough()) break;
      await speak(pe, host, pe, enough);
    }
    return until("the alarm", (one) => one?.quarantine !== undefined);
  }

  test("an alarm after three moves, and from then on one PE counts: the other's frames move nothing", async () => {
    const host = hostOf(1, 100);
    const row = await alarm(host);
    expect(row).toMatchObject({ domain: "65000:100", mac: host.mac, duplicate: { moves: 3 } });
    // The PE it is pinned to may let go at first, as it had been told of the other one.
    let pe = "";
    await waitFor("one PE to be left, and the third PE's kernel to know", async () => {
      const [one] = await list();
      pe = one?.quarantine?.pe ?? "";
      const there = await fabric.fdb(3, 100, host.mac);
      if (there === pe) return true;
      throw new Error(`${pe} and ${there}`);
    });
    const other = pe === peAddress(1) ? 2 : 1;
    // It stays there, whatever the other side says.
    for (let n = 0; n < 2; n++) {
      await fabric.gratuitousArp(labelOf(other, host), host.address);
      expect(await fabric.fdb(3, 100, host.mac)).toBe(pe);
    }
    const held = await until("an attempt", (one) => (one?.held ?? 0) > 0);
    expect(held.quarantine).toMatchObject({ state: "pin", pe });
    const routes = await evpnd.routes<{ held?: string; peer: string }>(`table=all&mac=${host.mac}`);
    const kept = routes.filter((route) => route.held !== undefined);
    expect(new Set(kept.map((route) => route.peer))).toEqual(new Set([peAddress(other)]));
    expect(kept[0]?.held).toContain(`pinned to ${pe} until`);
    expect(await evpnctl("show", "mac", host.mac, "--domain", "65000:100")).toMatch(
      new RegExp(`^Quarantine: +pin; only ${pe} counts`, "m"),
    );
    const explained = await evpnctl("explain", "mac", host.mac);
    expect(explained.replaceAll(/\s+/g, " ")).toContain("evpnctl quarantine release lets it count");
    // By hand: the other side, which counted up meanwhile, has it at once.
    expect(await evpnctl("quarantine", "release", host.mac)).toContain("released in 65000:100");
    await fabric.waitFdb(3, host, peAddress(other));
    expect(await list()).toEqual([]);
  });

  test("other rules apply at once: the time brings it on trial, and to an end of what is held", async () => {
    const host = hostOf(1, 100);
    await alarm(host);
    writeFileSync(file, config("2", lab.directory));
    const { status, body } = await evpnd.request("POST", "/v1/reload");
    expect(status, body).toBe(200);
    expect(body).toContain("other rules for duplicates, in force now");
    const row = await until("the trial", (one) => one?.quarantine?.state === "released");
    expect(row.held).toBe(0);
    const routes = await evpnd.routes<{ held?: string }>(`table=all&mac=${host.mac}`);
    expect(routes.filter((route) => route.held !== undefined)).toEqual([]);
    // Whatever PE has it now, the third one's kernel and the FIB agree.
    await waitFor("PE 3 and the FIB to agree", async () => {
      const { macs } = await evpnd.get<{ macs: { pe: string }[] }>(
        `/v1/fib/macs?mac=${host.mac}&vni=100`,
      );
      const [wanted, there] = [macs[0]?.pe, await fabric.fdb(3, 100, host.mac)];
      if (wanted === there) return true;
      throw new Error(`${wanted} and ${there}`);
    });
    await release(host);
  });

  test("hold: only who had it at the alarm, until released by hand", async () => {
    const host = hostOf(1, 200);
    const row = await alarm(host);
    expect(row).toMatchObject({
      domain: "careful",
      quarantine: { state: "hold", pe: peAddress(2) },
    });
    await fabric.waitFdb(3, host, peAddress(2));
    await fabric.gratuitousArp(labelOf(1, host), host.address);
    await until("the other side to be held", (one) => (one?.held ?? 0) > 0);
    expect(await fabric.fdb(3, 200, host.mac)).toBe(peAddress(2));
    // A reflector that starts again knows it before the first route comes.
    await evpnd.program.stop("SIGTERM");
    evpnd = await start();
    expect(await list()).toMatchObject([
      { mac: host.mac, duplicate: { moves: 3 }, quarantine: { state: "hold", pe: peAddress(2) } },
    ]);
    await until("the other side to be held again", (one) => (one?.held ?? 0) > 0);
    await fabric.waitFdb(3, host, peAddress(2));
    // Its PE loses it: nobody has it, though the other says so.
    fabric.unplug(2, twin(200));
    await fabric.waitFdb(3, host, undefined);
    await fabric.gratuitousArp(labelOf(1, host), host.address);
    expect(await fabric.fdb(3, 200, host.mac)).toBeUndefined();
    await release(host);
    await speak(1, host, 1);
    await fabric.waitFdb(3, host, peAddress(1));
    expect(await list()).toEqual([]);
    const metrics = await (await lab.relay("rr")).get("127.0.0.1", HTTP, "/metrics");
    expect(metrics.body).toMatch(/^evpnd_fib_quarantined 0$/m);
    // None since it started.
    expect(metrics.body).toMatch(/^evpnd_fib_duplicate_alarms_total 0$/m);
  });
});
