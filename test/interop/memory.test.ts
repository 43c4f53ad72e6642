/** The ceiling on memory in a real process: what is given up in which order, who stays, how much it takes. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { Evpnd } from "./lib/evpnd.js";
import { Lab } from "./lib/lab.js";
import { announce, attribute, ip4, macIp, rd, update } from "./lib/messages.js";
import { AS_PATH_EMPTY, LOCAL_PREF, ORIGIN } from "./lib/messages.js";
import { SpeakerClient, type SpeakerOptions } from "./lib/speaker-client.js";
import { describeInterop, showLogsOnFailure } from "./lib/suite.js";
import { waitFor } from "./lib/wait.js";
import { bytesOf, EVPN, IPV4, MessageType } from "./lib/wire.js";

const RR = "10.98.0.254";
const GOOD = "10.97.0.1";
const FLOODER = "10.98.0.2";
const HTTP = 8080;
const MIB = 2 ** 20;
const CEILING = 320;

const CONFIG = `
as: 65000
router-id: ${RR}
listen: ["${RR}:179"]
http: { listen: "127.0.0.1:${String(HTTP)}" }
memory-limit: ${String(CEILING)}MiB
peers:
  - { address: ${GOOD}, passive: true, hold-time: 6, families: [ipv4-unicast] }
dynamic-peers:
  - { prefix: 10.98.0.0/24, idle-hold: 1, idle-hold-max: 1 }
`;

interface Summary {
  readonly memory: {
    readonly level: string;
    readonly used: number;
    readonly shed: number;
    readonly refused: number;
    readonly closed: number;
  };
}

describeInterop("memory-limit", [], () => {
  let lab: Lab;
  let evpnd: Evpnd;
  let good: SpeakerClient;
  let flooder: SpeakerClient;

  const speaker = (localAddress: string, more: Partial<SpeakerOptions> = {}): SpeakerOptions => ({
    lab,
    label: "lo",
    localAddress,
    remoteAddress: RR,
    ...more,
  });
  const memory = async () => (await evpnd.get<Summary>("/v1/summary")).memory;

  beforeAll(async () => {
    lab = new Lab();
    lab.namespace("lo", [`${RR}/24`, `${GOOD}/24`]);
    evpnd = await Evpnd.start({ lab, label: "lo", address: RR, http: HTTP, config: CONFIG });
    good = await SpeakerClient.up(speaker(GOOD, { families: [IPV4], holdTime: 6 }));
    const basic = ORIGIN + AS_PATH_EMPTY + attribute(0x40, 3, ip4(GOOD)) + LOCAL_PREF;
    good.send(update(basic, "180a0101" + "180a0102"));
    flooder = await SpeakerClient.up(speaker(FLOODER));
  }, 60_000);
  afterAll(() => lab.close());
  beforeEach(() => {
    showLogsOnFailure(() => lab);
  });

  test("caches, then newcomers, then the peer that costs most; the others do not notice", async () => {
    const flood = floodFrom(1);
    const levels: string[] = ["normal"];
    const until = async (level: string): Promise<void> => {
      await waitFor(`level ${level}`, async () => {
        const now = (await memory()).level;
        if (now !== levels.at(-1)) levels.push(now);
        if (now === level) return true;
        flooder.send(flood(2 * MIB));
        throw new Error(now);
      });
    };
    await until("shedding caches");
    expect((await memory()).shed).toBe(1);
    // Newcomers are welcome still.
    const early = await SpeakerClient.up(speaker("10.98.0.3"));
    await until("no new peers");
    const late = await SpeakerClient.connect(speaker("10.98.0.4"));
    expect(await late.waitNotification()).toMatch(/^0608/);
    expect((await memory()).refused).toBeGreaterThanOrEqual(1);
    expect([good.closed, early.closed, flooder.closed]).toEqual([false, false, false]);
    const health = await evpnd.request("GET", "/health");
    expect(health.body).toContain("alarm");

    // As fast as it can, without looking.
    while (!flooder.closed) {
      flooder.send(flood(4 * MIB));
      await waitFor("a moment", () => new Promise<true>((done) => setTimeout(done, 20, true)));
    }
    expect(flooder.notification).toMatch(/^0608/);
    await waitFor("memory to be free", async () => {
      const now = await memory();
      if (now.level === "normal") return now;
      throw new Error(JSON.stringify(now));
    });
    expect((await memory()).closed).toBe(1);
    expect(levels).toEqual(["normal", "shedding caches", "no new peers"]);
    // What the kernel and the sockets had was read, and the collector is not at once there.
    expect(peakMib(evpnd.program.pid)).toBeLessThan(1.25 * CEILING);

    // A minute away, whatever it tries; the others have not noticed.
    const again = await SpeakerClient.connect(speaker(FLOODER));
    expect(await again.waitNotification()).toMatch(/^0608/);
    expect([good.closed, early.closed]).toEqual([false, false]);
    const { establishedCount, families } = await evpnd.get<{
      readonly establishedCount: number;
      readonly families: readonly { readonly accepted: number }[];
    }>(`/v1/peers/${GOOD}`);
    expect([establishedCount, families[0]?.accepted]).toEqual([1, 2]);
    // Keepalives came in time for a hold time of six seconds.
    const times = good.messages.filter(({ type }) => type === MessageType.Keepalive);
    const gaps = times.slice(1).map(({ at }, index) => at - times[index]!.at);
    expect(Math.max(...gaps)).toBeLessThan(6000);
  });
});

/** UPDATEs of one route each, every one with 3.5 KiB of attributes that no other has. */
function floodFrom(first: number): (octets: number) => Buffer {
  const marker = "fedcba98";
  const nlri = macIp({ rd: rd(FLOODER, 1), mac: `0200${marker}`, label: 1 });
  const blob = attribute(0xd0, 200, marker + "00".repeat(3500));
  const template = announce(EVPN, ip4(FLOODER), nlri, blob);
  const needle = bytesOf(marker);
  const places = [template.indexOf(needle), template.lastIndexOf(needle)];
  let number = first;
  return (octets) => {
    const count = Math.floor(octets / template.length);
    const all = Buffer.alloc(count * template.length);
    for (let at = 0; at < all.length; at += template.length) {
      template.copy(all, at);
      for (const place of places) all.writeUInt32BE(number, at + place);
      number++;
    }
    return all;
  };
}

/** The most it ever had resident. */
function peakMib(pid: number): number {
  const status = readFileSync(`/proc/${String(pid)}/status`, "utf8");
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
}
