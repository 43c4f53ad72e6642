/**
 * The timeline of a running evpnd: what played PEs do is on the disk, asked for by HTTP and by evpnctl, over a
 * stop, a kill, a directory that is taken, and an unprivileged user.
 */
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { DIST, Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { mac } from "./lib/messages.js";
import { PlayedPe } from "./lib/played-pe.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";

const RR = "10.99.0.254";
const [ONE, TWO] = ["10.99.0.1", "10.99.0.2"];
const HTTP = 8179;
const ESI = "00112233445566778899";
const VNI = 100;
const [A, B, C] = [mac(1, 1), mac(1, 2), mac(1, 3)];

interface MacAt {
  readonly state: string;
  readonly pe?: string;
  readonly via: readonly string[];
  readonly sequence?: number;
  readonly peer?: string;
  readonly label?: { readonly kind: string; readonly value: number };
  readonly certain: boolean;
}
interface Event {
  readonly time: number;
  readonly kind: string;
  readonly mac?: string;
  readonly to?: string;
  readonly from?: string;
}

describeInterop("timeline", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let config: string;
  let pes: readonly PlayedPe[];

  const start = async (): Promise<void> => {
    evpnd = await Evpnd.start({ lab, label: "lo", address: RR, config, http: HTTP });
    pes = await Promise.all([ONE, TWO].map((each) => PlayedPe.up(lab, "lo", each, RR)));
  };
  const pe = (number: number): PlayedPe => pes[number - 1]!;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", [`${RR}/16`, `${ONE}/16`, `${TWO}/16`]);
    config = [
      "as: 65000",
      `router-id: ${RR}`,
      `listen: ["${RR}:179"]`,
      `http: {listen: "127.0.0.1:${String(HTTP)}"}`,
      "user: nobody",
      "group: nogroup",
      `restart: {state-dir: "${lab.makeDirectory("state")}"}`,
      "dynamic-peers: [{prefix: 10.99.0.0/24}]",
      "fib: {enabled: true, timeline: {enabled: true}}",
      "",
    ].join("\n");
    await start();
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  const text = (hex: string): string => hex.match(/../g)!.join(":");
  const at = async (which: string, time: number | string): Promise<MacAt | undefined> => {
    const when = typeof time === "number" ? new Date(time).toISOString() : time;
    const path = `/v1/timeline/at?mac=${which}&time=${encodeURIComponent(when)}`;
    return (await evpnd.get<{ macs: MacAt[] }>(path)).macs[0];
  };
  const events = (query = ""): Promise<Event[]> =>
    evpnd.rows<Event>(`/v1/timeline/events?${query}`, "events", 1000);
  /** The first event like this one, when it is there. */
  const told = (wanted: Partial<Event>, since = 0): Promise<Event> =>
    waitFor(`a ${wanted.kind ?? ""} event`, async () => {
      const all = await events(wanted.kind === undefined ? "" : `kind=${wanted.kind}`);
      const found = all.findLast(
        (one) =>
          one.time >= since &&
          Object.entries(wanted).every(([name, value]) => one[name as keyof Event] === value),
      );
      if (found === undefined) throw new Error(JSON.stringify(all.slice(-5)));
      return found;
    });

  async function evpnctl(...words: string[]): Promise<string> {
    const script = join(DIST, "src", "cli", "main.js");
    const url = `http://127.0.0.1:${String(HTTP)}`;
    return lab.run("lo", process.execPath, [script, ...words, "--url", url]);
  }

  test("where a MAC was, to the millisecond, from its routes", async () => {
    pe(1).mac({ vni: VNI, mac: A });
    const learnt = await told({ kind: "learn", mac: text(A), to: ONE });
    pe(2).mac({ vni: VNI, mac: A, sequence: 1 });
    const moved = await told({ kind: "move", mac: text(A), from: ONE, to: TWO });
    expect(await at(A, learnt.time)).toMatchObject({
      state: "present",
      pe: ONE,
      via: [ONE],
      peer: ONE,
      label: { kind: "vni", value: VNI },
      certain: true,
    });
    expect(await at(A, learnt.time - 1)).toMatchObject({ state: "absent" });
    expect(await at(A, moved.time - 1)).toMatchObject({ pe: ONE });
    expect(await at(A, moved.time)).toMatchObject({ pe: TWO, sequence: 1, peer: TWO });
  });

  test("a segment's loss is one event, and moves its MACs", async () => {
    for (const one of pes) {
      one.perEs(ESI, [VNI]);
      one.perEvi(ESI, VNI);
    }
    await told({ kind: "segment-up", to: TWO });
    await told({ kind: "segment-up", to: ONE });
    pe(1).mac({ vni: VNI, mac: B, esi: ESI }, { vni: VNI, mac: C, esi: ESI });
    await told({ kind: "learn", mac: text(C) });
    pe(1).withdrawPerEs(ESI);
    const down = await told({ kind: "segment-down", from: ONE });
    expect(await at(B, down.time - 1)).toMatchObject({ via: [ONE, TWO] });
    expect(await at(C, down.time)).toMatchObject({ state: "present", via: [TWO] });
    expect((await events(`mac=${B}`)).map(({ kind }) => kind)).toContain("segment-down");
    const path = `/v1/timeline/diff?from=${new Date(down.time - 1).toISOString()}`;
    const { differences } = await evpnd.get<{ differences: { mac: string; change: string }[] }>(
      path,
    );
    expect(differences.map(({ mac: one, change }) => `${one} ${change}`)).toEqual([
      `${text(B)} moved`,
      `${text(C)} moved`,
    ]);
  });

  test("evpnctl asks in people's words, within 80 columns", async () => {
    const table = await evpnctl("show", "timeline", "--mac", text(A), "--from", "-10m");
    expect(table).toMatch(/move +[0-9a-f:]{17} +65000:100 +10\.99\.0\.1 > 10\.99\.0\.2/);
    expect(Math.max(...table.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    const now = new Date();
    const clock = `${now.toTimeString().slice(0, 8)}.${now.toISOString().slice(20, 23)}`;
    const one = await evpnctl("show", "mac", text(A), "--at", clock);
    expect(one).toMatch(/State: +present/);
    expect(one).toMatch(/Reached via: +10\.99\.0\.2/);
    pe(2).mac({ vni: VNI, mac: A, ip: "0a010007", sequence: 1 });
    const learnt = await told({ kind: "ip-learn", mac: text(A) });
    const known = new Date(learnt.time).toISOString();
    const address = await evpnctl("show", "ip", "10.1.0.7", "--at", known);
    expect(address).toMatch(new RegExp(`MAC: +${text(A)}`));
    expect(address).toMatch(/Reached via: +10\.99\.0\.2/);
    expect(await evpnctl("show", "timeline", "--restless", "3")).toMatch(
      /1 +[0-9a-f:]{17} +65000:100/,
    );
    const begin = new Date((await told({ kind: "started" })).time).toISOString();
    const rows = (await evpnctl("diff", "fib", "--from", begin, "--json")).trim().split("\n");
    expect(rows.map((row) => (JSON.parse(row) as { change: string }).change)).toEqual(
      Array(3).fill("came"),
    );
    await expect(evpnctl("show", "mac", text(A), "--at", "noon")).rejects.toThrow(/-5m/);
  });

  test("outlives a stop and a kill, and knows that it was away", async () => {
    const before = await told({ kind: "move" });
    await evpnd.program.stop();
    await start();
    const second = await told({ kind: "started" });
    expect(await at(A, before.time)).toMatchObject({ state: "present", pe: TWO });
    expect(await at(A, second.time)).toMatchObject({ state: "absent" });
    expect((await events("kind=stopped")).length).toBe(1);
    pe(1).mac({ vni: VNI, mac: A });
    const learnt = await told({ kind: "learn", mac: text(A), to: ONE }, second.time);
    await evpnd.kill();
    await start();
    const third = await waitFor("a third start", async () => {
      const starts = await events("kind=started");
      expect(starts.filter(({ kind }) => kind === "started")).toHaveLength(3);
      return starts.at(-1)!;
    });
    expect(await at(A, learnt.time)).toMatchObject({ state: "present", pe: ONE });
    expect(await at(A, third.time - 1)).toMatchObject({ state: "unknown" });
  });

  test("a directory that cannot be used costs the timeline, not the daemon, and is told", async () => {
    await evpnd.program.stop();
    const file = lab.writeFile("no-directory", "");
    config = config.replace("{enabled: true}", `{enabled: true, directory: "${file}"}`);
    await start();
    pe(1).mac({ vni: VNI, mac: A });
    await waitFor("the MAC", async () => (await evpnd.macs()).length === 1);
    await waitFor("the alarm", async () => {
      expect(await evpnd.get("/health")).toMatchObject({
        status: "alarm",
        storage: [
          { name: "store", state: "open" },
          { name: "timeline", state: "unavailable" },
        ],
      });
      return true;
    });
    await expect(evpnd.get(`/v1/timeline/at?mac=${A}&time=-1s`)).rejects.toThrow(/no directory/);
  });
});
