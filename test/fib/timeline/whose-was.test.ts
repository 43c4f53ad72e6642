/** Whose an IP address was at a time, and where: by its own events and its MAC's, over restarts and what was cut. */
import { describe, expect, it } from "vitest";
import { Random } from "../../model/lib/random.js";
import { ESI, LastingKv, SETTINGS, TimedFabric } from "./lib.js";

const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";
const IP = "10.1.0.7";

function whose(fabric: TimedFabric, time = fabric.clock.time, ip = IP) {
  return fabric.engine.questions().at({ ip, time });
}

describe("whose an address was", () => {
  it("is the MAC that it was told of last, where that one was", async () => {
    const fabric = await new TimedFabric().pass();
    const start = fabric.clock.time;
    await fabric.at(1, MAC, { ip: IP }).pass();
    await fabric.at(2, MAC, { ip: IP, sequence: 1 }).pass();
    await fabric.not(1, MAC, IP).not(2, MAC, IP).at(3, OTHER, { ip: IP }).pass();
    await fabric.not(3, OTHER, IP).at(3, OTHER).pass();
    const seen = async (after: number) => (await whose(fabric, start + after))[0];
    expect(await seen(-1)).toMatchObject({ state: "absent", mac: "", ip: IP, certain: true });
    expect(await seen(500)).toMatchObject({
      state: "present",
      ip: IP,
      mac: MAC,
      domain: "65000:1",
      pe: "10.0.0.1",
      since: start,
      certain: true,
      notes: [],
    });
    expect(await seen(1500)).toMatchObject({ mac: MAC, pe: "10.0.0.2", since: start + 1000 });
    expect(await seen(2500)).toMatchObject({ mac: OTHER, pe: "10.0.0.3", since: start + 2000 });
    expect(await seen(3500)).toMatchObject({ state: "absent", mac: "", since: start + 3000 });
    expect((await fabric.where(OTHER))[0]).toMatchObject({ state: "present", pe: "10.0.0.3" });
    await expect(whose(fabric, start, "10.9.9.9")).rejects.toMatchObject({ code: "not-found" });
    await expect(whose(fabric, start, "10.1.0")).rejects.toMatchObject({ code: "invalid" });
    const questions = fabric.engine.questions();
    for (const query of [{}, { mac: MAC, ip: IP }]) {
      await expect(questions.at({ ...query, time: start })).rejects.toThrow(/say mac or ip/);
    }
  });

  it("is told for each domain, of IPv6 too", async () => {
    const ip = "2001:db8::7";
    const hex = "20010db8000000000000000000000007";
    const fabric = await new TimedFabric().at(1, MAC, { ip: hex }).pass();
    await fabric.at(2, MAC, { ip: hex, targets: ["65000:2"] }).pass();
    expect(await whose(fabric, undefined, ip)).toMatchObject([
      { ip, domain: "65000:1", pe: "10.0.0.1" },
      { ip, domain: "65000:2", pe: "10.0.0.2" },
    ]);
    const { time } = fabric.clock;
    const one = await fabric.engine.questions().at({ ip, time, domain: "65000:2" });
    expect(one).toMatchObject([{ domain: "65000:2" }]);
  });

  it("goes with its MAC when a PE leaves the segment", async () => {
    const fabric = await new TimedFabric().perEs(1, true).perEs(2, true).pass();
    await fabric.at(1, MAC, { ip: IP, esi: ESI }).pass();
    await fabric.perEs(1, false).pass();
    expect((await whose(fabric))[0]).toMatchObject({ mac: MAC, via: ["10.0.0.2"] });
  });

  it("outlives what is cut, and is not known from before a restart", async () => {
    const kv = new LastingKv();
    const settings = { ...SETTINGS, maxAge: 640 };
    const fabric = await new TimedFabric(kv, settings).at(1, MAC, { ip: IP }).pass();
    for (let n = 0; n < 100; n++) {
      await fabric.at(1 + (n % 2), OTHER, { sequence: n }).pass(10_000);
    }
    const early = fabric.engine.status().oldest! + 200_000;
    expect((await whose(fabric, early))[0]).toMatchObject({ mac: MAC, pe: "10.0.0.1" });
    await fabric.not(1, MAC, IP).at(1, MAC).pass();
    expect((await whose(fabric))[0]).toMatchObject({ state: "absent" });
    expect((await whose(fabric, early))[0]).toMatchObject({ mac: MAC, certain: false });
    await fabric.engine.close();
    const back = fabric.clock.time + 5000;
    const again = await new TimedFabric(kv, settings, back).pass();
    expect((await whose(again, back - 1000))[0]).toMatchObject({ state: "unknown", mac: "" });
    expect((await whose(again))[0]).toMatchObject({ state: "absent" });
  });
});

it.each([1, 2, 3])(
  "random addresses: what is certain is what the FIB said, seed %i",
  async (seed) => {
    const random = new Random(seed);
    const fabric = new TimedFabric();
    const macs = [MAC, OTHER, "02:00:00:00:00:03"];
    const ips = [IP, "10.1.0.8"];
    const held = new Map<string, () => void>();
    const was: { time: number; of: Map<string, string> }[] = [];
    for (let n = 0; n < 150; n++) {
      for (let changes = random.below(3); changes >= 0; changes--) {
        const [pe, mac, ip] = [1 + random.below(3), random.pick(macs), random.pick(ips)];
        const key = `${pe} ${mac} ${ip}`;
        const withdraw = held.get(key);
        if (withdraw !== undefined && random.oneIn(2)) {
          withdraw();
          held.delete(key);
        } else {
          fabric.at(pe, mac, { ip, sequence: random.below(20) });
          held.set(key, () => void fabric.not(pe, mac, ip));
        }
      }
      fabric.read();
      const of = new Map<string, string>();
      for (const { mac, pe, bindings } of fabric.fib.pages.list({}, 1, 100).rows) {
        for (const { ip, lost } of bindings) if (!lost) of.set(ip, `${mac} ${pe}`);
      }
      was.push({ time: fabric.clock.time, of });
      await fabric.pass(2000);
    }
    for (let n = 0; n < 150; n++) {
      const { time, of } = random.pick(was);
      const ip = random.pick(ips);
      const [row] = await fabric.engine.questions().at({ ip, time, domain: "65000:1" });
      const said = row!.state === "present" ? `${row!.mac} ${row!.pe}` : undefined;
      expect([ip, time, row!.certain, said]).toEqual([ip, time, true, of.get(ip)]);
    }
  },
);
