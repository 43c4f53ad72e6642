/**
 * evpnd killed, or stopped, and started again: GoBGP (EVPN) and FRR (IPv4 unicast, for which 8.4.4 has a
 * helper) keep what it told them, and lose nothing when it is back.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Frr, frrClient } from "./lib/frr.js";
import { Gobgp } from "./lib/gobgp.js";
import { Lab } from "./lib/lab.js";
import { announceMac, endOfRib, mac, multiprotocol, u16, u32 } from "./lib/messages.js";
import { SpeakerClient } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { EVPN, hex } from "./lib/wire.js";

const RR = "10.99.0.254";
const GOBGP = ["10.99.0.1", "10.99.0.2"] as const;
const FRR = ["10.99.0.3", "10.99.0.4"] as const;
const SOURCE = "10.99.0.5";
const OBSERVER = "10.99.0.6";
const HTTP = 8080;
const ROUTES = 6;
/** GoBGP's own, and the scripted speaker's. */
const ALL_ROUTES = ROUTES + 1;
const PREFIXES = ["192.0.2.0/26", "192.0.2.64/26"];

describeInterop("evpnd restarts", ["gobgp", "frr"], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let gobgp: Gobgp;
  let frr: Frr;
  let source: SpeakerClient;
  let observer: SpeakerClient;
  let config: string;

  const start = async (): Promise<Evpnd> =>
    Evpnd.start({ lab, label: "lo", address: RR, config, http: HTTP });
  const up = (localAddress: string): Promise<SpeakerClient> =>
    SpeakerClient.up({
      lab,
      label: "lo",
      localAddress,
      remoteAddress: RR,
      capabilities: [
        multiprotocol(EVPN),
        [2, ""],
        [65, u32(65000)],
        [64, `${u16(0x0078)}00194680`],
      ],
    });
  const evpnRoutes = async (): Promise<number> => (await gobgp.rib("evpn")).size;
  const prefixes = async (): Promise<number> =>
    Object.keys((await frr.json<{ routes: object }>("show bgp ipv4 unicast")).routes).length;

  /** The fewest routes that GoBGP and FRR have had since the last look. */
  function watch(): { stop(): Promise<readonly number[]> } {
    let stopped = false;
    const fewest = [Infinity, Infinity];
    const running = (async () => {
      while (!stopped) {
        const [a, b] = await Promise.all([evpnRoutes(), prefixes()]);
        fewest[0] = Math.min(fewest[0]!, a);
        fewest[1] = Math.min(fewest[1]!, b);
        // Looking costs processes: not all the time, or the others come back later.
        await sleep(50);
      }
    })();
    return {
      async stop() {
        stopped = true;
        await running;
        return fewest;
      },
    };
  }

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", ["10.99.0.9/16"]);
    config = [
      "as: 65000",
      `router-id: ${RR}`,
      `listen: ["${RR}:179"]`,
      "http:",
      `  listen: 127.0.0.1:${String(HTTP)}`,
      "restart:",
      `  state-dir: ${lab.makeDirectory("state")}`,
      // Called by evpnd: GoBGP itself takes seconds before it tries.
      "peers:",
      ...GOBGP.flatMap((address) => [
        `  - address: ${address}`,
        `    local-address: ${RR}`,
        "    connect-retry: 1",
        "    idle-hold: 0",
        "    families: [l2vpn-evpn, ipv4-unicast]",
        "    graceful-restart: {mode: full}",
      ]),
      "dynamic-peers:",
      "  - prefix: 10.99.0.0/24",
      "    families: [l2vpn-evpn, ipv4-unicast]",
      "    graceful-restart: {mode: full}",
      "",
    ].join("\n");
    evpnd = await start();
    const gobgps = await Promise.all(
      GOBGP.map((address, index) => {
        const ports = { apiPort: 50051 + index };
        const families = ["l2vpn-evpn"];
        const name = `gobgp${String(index)}`;
        const common = { lab, label: "lo", neighbor: RR, families, gracefulRestart: true };
        return Gobgp.start({ ...common, ...ports, name, address });
      }),
    );
    const frrs = await Promise.all(
      FRR.map((address, index) =>
        Frr.start({
          lab,
          label: "lo",
          name: `frr${String(index)}`,
          address,
          config: [
            ...frrClient({
              address,
              reflectors: [RR],
              // One has EVPN as well: it keeps nothing of it, and must not be waited for in vain.
              families: index === 0 ? ["l2vpn evpn"] : ["ipv4 unicast"],
            }),
            ...(index === 0
              ? [
                  " address-family ipv4 unicast",
                  `  neighbor ${RR} activate`,
                  ...PREFIXES.map((prefix) => `  network ${prefix}`),
                ]
              : []),
          ],
        }),
      ),
    );
    gobgp = gobgps[1]!;
    frr = frrs[1]!;
    await Promise.all(gobgps.map((one) => one.waitEstablished()));
    await Promise.all(frrs.map((one) => one.waitEstablished(RR)));
    for (let number = 0; number < ROUTES; number += 1) {
      // No MACs: GoBGP 3.10 ends with a nil dereference when it marks a helped peer's MACs stale and has its own.
      await gobgps[0]!.addEvpn(
        `multicast ${GOBGP[0]} etag ${String(number)} rd 65000:1 rt 65000:1 encap vxlan`,
      );
    }
    source = await up(SOURCE);
    source.send(announceMac(SOURCE, 1, mac(5, 1)), endOfRib(EVPN));
    observer = await up(OBSERVER);
    observer.send(endOfRib(EVPN));
    await observer.waitSize(ALL_ROUTES);
    await waitFor("GoBGP and FRR to have all", async () => {
      return (await evpnRoutes()) === ALL_ROUTES && (await prefixes()) === PREFIXES.length;
    });
  });
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  /** Comes back with what it had; GoBGP and FRR do so by themselves. */
  async function returns(client: SpeakerClient): Promise<void> {
    if (client === source) client.send(announceMac(SOURCE, 1, mac(5, 1)));
    client.send(endOfRib(EVPN));
    await Promise.resolve();
  }

  async function restarts(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    // The state file settles.
    await waitFor("the state file", async () => {
      const text = await lab.run("lo", "cat", [`${lab.directory}/state/established-peers.json`]);
      return [...GOBGP, ...FRR, SOURCE, OBSERVER].every((address) => text.includes(`"${address}"`));
    });
    const watching = watch();
    await evpnd.program.stop(signal);
    await waitFor("the observer to notice", () => observer.closed);
    expect(observer.notification).toBeUndefined();
    evpnd = await start();
    observer = await up(OBSERVER);
    await returns(observer);
    // R, and the families with F.
    expect(hex(observer.opened!)).toContain("400ac0780001018000194680");
    // Nothing is sent while a peer of before is missing.
    const summary = (): Promise<{ restarting?: { waitingFor: string[] } }> =>
      evpnd.get("/v1/summary");
    await waitFor("only the source to be missing", async () => {
      const { restarting } = await summary();
      return JSON.stringify(restarting?.waitingFor) === JSON.stringify([SOURCE]);
    });
    expect(observer.updates).toEqual([]);
    source = await up(SOURCE);
    await returns(source);
    await observer.waitSize(ALL_ROUTES);
    await waitFor("End-of-RIB", () => observer.table.endOfRib.has(EVPN));
    // It is the last of what is sent.
    expect(hex(observer.updates.at(-1)!)).toBe(hex(endOfRib(EVPN)));
    expect((await summary()).restarting).toBeUndefined();
    await waitFor("GoBGP and FRR to have all, nothing of it stale", async () => {
      const stale = await frr.vtysh("show bgp ipv4 unicast");
      return !/^\s*S/m.test(stale.split("Path")[1] ?? "") && (await evpnRoutes()) === ALL_ROUTES;
    });
    expect(await watching.stop()).toEqual([ALL_ROUTES, PREFIXES.length]);
  }

  test("killed: nobody loses a route", () => restarts("SIGKILL"), 60_000);

  test("stopped in order, without NOTIFICATION: the same", () => restarts("SIGTERM"), 60_000);

  test("on-stop: cease says goodbye, and the next start is a cold one", async () => {
    config = config.replace("restart:\n", "restart:\n  on-stop: cease\n");
    await evpnd.program.stop("SIGTERM");
    evpnd = await start();
    await waitFor("evpnd to be ready", () => evpnd.get("/v1/summary"));
    await evpnd.program.stop("SIGTERM");
    evpnd = await start();
    observer = await up(OBSERVER);
    expect(hex(observer.opened!)).toContain("400a40780001018000194680");
    await evpnd.program.stop("SIGTERM");
    expect(await observer.waitNotification()).toMatch(/^06(02|09)/);
  });
});
