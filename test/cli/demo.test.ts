/** The newcomer's five minutes in one process: speaker, HTTP door, demo PEs, evpnctl. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { openHttpDoor } from "../../src/api/index.js";
import type { HttpDoor } from "../../src/api/index.js";
import { createSpeaker } from "../../src/bgp/speaker.js";
import type { Speaker } from "../../src/bgp/speaker.js";
import { loadConfig } from "../../src/config/index.js";
import { systemClock } from "../../src/util/clock.js";
import { silentLog } from "../../src/util/log.js";
import { evpnctl } from "./lib/host.js";

let speaker: Speaker;
let door: HttpDoor | undefined;
let bgp: string;
let url: string;

beforeEach(async () => {
  const config = loadConfig({});
  if (!config.ok) throw new Error("the default is refused");
  const settings = { ...config.settings.speaker, listen: [{ address: "127.0.0.1", port: 0 }] };
  speaker = createSpeaker({ settings, log: silentLog, clock: systemClock });
  await speaker.start();
  [bgp = ""] = (await speaker.control.summary()).listening;
  const backend = {
    control: speaker.control,
    log: silentLog,
    reload: () => Promise.resolve({ ok: true, lines: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
  };
  const listen = { address: "127.0.0.1", port: 0 };
  door = await openHttpDoor(backend, { listen, allowedHosts: [] });
  url = `http://${door?.address}`;
});

afterEach(async () => {
  await door?.close();
  await speaker.stop("the test is over");
});

test("two PEs exchange their routes, and evpnctl shows them", async () => {
  let stop: () => void = () => {};
  const interrupted = new Promise<void>((resolve) => (stop = resolve));
  const demo = evpnctl(`demo --to ${bgp}`, { interrupted });
  await vi.waitFor(async () => {
    expect((await evpnctl("show routes", { url })).out).toContain("4 routes\n");
  });
  const peers = await evpnctl("show peers", { url });
  expect(peers.out).toMatch(/^127\.0\.0\.2 +65000 +client +Established/m);
  const mac = await evpnctl("show routes --mac 52:54:00:00:00:03 --json", { url });
  expect(JSON.parse(mac.out)).toMatchObject({
    prefix: "2:192.0.2.3:100::0::52:54:00:00:00:03::192.168.100.3",
    nextHop: "192.0.2.3",
    peer: "127.0.0.3",
    best: true,
    nlri: { type: 2, mac: "52:54:00:00:00:03", label1: { vni24: 100 } },
  });
  await vi.waitFor(async () => {
    const { out } = await evpnctl("show peer 127.0.0.2 advertised", { url });
    expect(out).toContain("3:192.0.2.3:100::0::192.0.2.3");
    expect(out).toContain("2 routes\n");
  });
  expect((await evpnctl("audit", { url })).out).toBe("clean\n");
  stop();
  const { code, out } = await demo;
  expect(code).toBe(0);
  expect(out).toContain("Each PE has the other's routes.");
  await vi.waitFor(async () => {
    expect((await evpnctl("show routes", { url })).out).toBe("No route.\n");
  });
});

test("--once ends by itself", async () => {
  const { code, out } = await evpnctl(`demo --once --to ${bgp}`);
  expect(code).toBe(0);
  expect(out).toContain(
    "PE 127.0.0.2  learned   2:192.0.2.3:100::0::52:54:00:00:00:03::192.168.100.3\n",
  );
});

test("another AS is refused, and the demo says why", async () => {
  const { code, err } = await evpnctl(`demo --once --as 65001 --to ${bgp}`);
  expect(code).toBe(3);
  expect(err).toContain("does its AS fit, --as?");
});

test("nobody there", async () => {
  await speaker.stop("stopped before");
  const { code, err } = await evpnctl(`demo --once --to ${bgp}`);
  expect(code).toBe(3);
  expect(err).toContain("is evpnd running?");
});
