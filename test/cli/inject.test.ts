/** evpnctl inject through the HTTP door, with injection itself behind. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openHttpDoor, type HttpDoor } from "../../src/api/index.js";
import type { InjectAnswer, InjectedAnswer } from "../../src/cli/inject-wire.js";
import type { InjectedRoute } from "../../src/inject/index.js";
import { silentLog } from "../../src/util/log.js";
import { KvStore, MemoryKv } from "../../src/store/index.js";
import { Speaker } from "../bgp/lib/speaker.js";
import { start } from "../inject/lib.js";
import { FakeControl } from "../lib/fake-control.js";
import { evpnctl } from "./lib/host.js";

export const fits: (route: InjectedRoute) => InjectedAnswer = (route) => route;

const MAC = "52:54:00:00:64:01";
const ROUTE = `2:10.0.0.1:100::0::${MAC}`;

let started: ReturnType<typeof start>;
let door: HttpDoor | undefined;

beforeEach(async () => {
  const speaker = new Speaker();
  started = start({ maxRoutesPerOwner: 20 }, new KvStore(new MemoryKv(), speaker.clock), speaker);
  const backend = {
    control: new FakeControl(),
    inject: started.injection.door,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
});
afterEach(() => door?.close());

const run = (words: string) =>
  evpnctl(words, { url: `http://${door?.address}`, now: started.speaker.clock.wall() });

const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));

describe("inject", () => {
  test("a MAC, and says what came of it", async () => {
    const { code, out, err } = await run(`inject mac ${MAC} --next-hop 10.0.0.1 --domain red`);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(`Route:         ${ROUTE}\n`);
    expect(out).toMatch(/^Route targets: 65000:100 65000:7$/m);
    expect(out).toMatch(/^Owner: +evpnctl$/m);
    expect(out).toMatch(/^Sent: +yes$/m);
  });

  test.each<[string, string, Record<string, unknown>]>([
    [
      `mac ${MAC} --vni 100 --ip 10.1.0.1 --no-sticky --sequence 4 --router --router-mac 0200.0000.0001`,
      `${ROUTE}::10.1.0.1`,
      { sticky: false, sequence: 4, router: true, ip: "10.1.0.1" },
    ],
    ["imet --domain red --originator 10.0.0.7", "3:10.0.0.1:100::0::10.0.0.7", { vni: 100 }],
    [
      "es 00:11:22:33:44:55:66:77:88:99 --df highest-preference --df-preference 9",
      "4:10.0.0.1:0::00112233445566778899:10.0.0.1",
      { dfAlgorithm: "highest-preference", dfPreference: 9 },
    ],
    [
      "ad 00:11:22:33:44:55:66:77:88:99 --per-es --single-active --rt 65000:1 65000:2",
      "1:10.0.0.1:0::00112233445566778899::FFFF:FFFF",
      { perEs: true, singleActive: true, routeTargets: ["65000:1", "65000:2"] },
    ],
    [
      "prefix 192.0.2.0/24 --vni 5000 --rt 65000:5000 --rd 65000:9",
      "5:65000:9::0::192.0.2.0::24",
      { vni: 5000, prefix: "192.0.2.0/24" },
    ],
  ])("%s", async (words, route, spec) => {
    const { code, out, err } = await run(`inject ${words} --next-hop 10.0.0.1 --json`);
    expect([code, err]).toEqual([0, ""]);
    const [row] = (JSON.parse(out) as InjectAnswer).routes;
    expect(row?.route).toBe(route);
    expect(row?.spec).toMatchObject(spec);
  });

  test("for a time, kept, under a name; listed and withdrawn", async () => {
    const life = "--owner ops --ttl 5m --persist";
    await run(`inject mac ${MAC} --next-hop 10.0.0.1 --vni 100 --ip 2001:db8::1 ${life}`);
    await run(`inject mac ${MAC} --next-hop 10.0.0.1 --vni 100 --persist`);
    const list = await run("inject list");
    expect(list.out).toMatch(/^ops +2:10\.0\.0\.1:100::0::\S+::2001:db8::1 +yes +00:05:00$/m);
    expect(list.out).toMatch(/^evpnctl +2:\S+ +yes +kept$/m);
    expect(widest(list.out)).toBeLessThanOrEqual(80);
    const json = await run("inject list --owner ops --json");
    expect((JSON.parse(json.out) as InjectedAnswer).owner).toBe("ops");
    expect((await run(`inject withdraw ${ROUTE}`)).out).toBe("1 withdrawn\n");
    expect((await run(`inject withdraw ${ROUTE}`)).code).toBe(4);
    expect((await run("inject withdraw --all --owner ops")).out).toBe("1 withdrawn\n");
    expect((await run("inject list")).out).toBe("Nothing is injected.\n");
  });

  test.each([
    [`mac ${MAC} --vni 100`, 2, "required option '--next-hop <address>' not specified"],
    [`mac ${MAC} --next-hop 10.0.0.1`, 2, "route targets are missing"],
    [`mac ${MAC} --next-hop 10.0.0.1 --vni many`, 2, "It must be a whole number"],
    [`mac ${MAC} --next-hop 10.0.0.1 --vni 1 --ttl soon`, 2, "It must be a time"],
    ["withdraw", 2, "name routes, or say --all"],
    ["list --type vlan", 2, "type must be one of: ad, mac, imet, es, prefix"],
    ["mac --next-hop 10.0.0.1", 2, "missing required argument"],
  ])("%s is refused", async (words, code, why) => {
    const ran = await run(`inject ${words}`);
    expect(ran.err).toContain(why);
    expect(ran.code).toBe(code);
  });
});
