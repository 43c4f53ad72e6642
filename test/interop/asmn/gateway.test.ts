/**
 * The VNF gateway in the kernel, between two VNFs: what a catalog names passes at its rate, the rest is lowered or
 * dropped, floods are held, and nothing but the catalog's own words changes that. Traffic is iperf3's, hping3's
 * and ping's.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { GatewayDesk } from "../../../src/asmn/gateway/index.js";
import { systemClock } from "../../../src/util/clock.js";
import { Lab } from "../lib/lab.js";
import { describeInterop, showLogsOnFailure } from "../lib/suite.js";
import { waitFor } from "../lib/wait.js";
import { GatewayNet, MEMBERS, ONE, SECEM_PORT, TWO, TWO_SIX } from "./lib/gateway-net.js";
import { countUdp, flood, iperf, rateDuring } from "./lib/traffic.js";

const ICMP = { from: "one", to: "two", protocol: "icmp" };
const ICMP6 = { from: "one", to: "two", protocol: "icmpv6" };
const BULK = { from: "one", to: "two", protocol: "tcp", port: 5201 };
const DATA = { from: "one", to: "two", protocol: "udp", port: 5201 };

describeInterop("the VNF gateway", ["nftables", "ping", "tshark", "traffic"], () => {
  let lab: Lab;
  let net: GatewayNet;

  beforeAll(async () => {
    lab = new Lab();
    net = new GatewayNet(lab);
    for (const port of [5201, SECEM_PORT]) {
      lab.start("two", `iperf3-${port}`, "iperf3", ["-s", "-p", String(port)]);
    }
    await waitFor("both servers", async () => {
      const text = await lab.run("two", "ss", ["-Htln"]);
      return text.includes(":5201") && text.includes(`:${SECEM_PORT}`);
    });
  });

  afterAll(async () => {
    await net?.gateway?.close();
    await lab?.close();
  });

  beforeEach(() => showLogsOnFailure(() => lab));

  async function setOf(name: string): Promise<{ readonly elem?: unknown }> {
    const text = await lab.run("gw", "nft", `-j list set inet evpnd_asmn ${name}`.split(" "));
    const { nftables } = JSON.parse(text) as { nftables: { set?: { elem?: unknown } }[] };
    return nftables.find(({ set }) => set !== undefined)?.set ?? {};
  }

  test("ASM-76: nothing passes but to the Sec-EM until a catalog has come, trusted or not", async () => {
    expect(await net.ping(["-c", "1"])).toBe(1);
    await net.start();
    expect(await net.ping(["-c", "1", "-W", "0.4"])).toBe(0);
    await net.trust();
    expect(await net.ping(["-c", "1", "-W", "0.4"])).toBe(0);
    expect(await net.connects(5201)).toBe(false);
    expect(await net.connects(SECEM_PORT)).toBe(true);
  });

  test("ASM-76: nobody speaks in the Sec-EM's name from elsewhere, and it floods nobody", async () => {
    const desk = new GatewayDesk(net.gateway, systemClock);
    // The gateway is to see it, not the kernel's own filter of sources.
    const off = "for f in all left; do echo 0 > /proc/sys/net/ipv4/conf/$f/rp_filter; done";
    await lab.run("gw", "sh", ["-c", off]);
    // A reset is answered by nobody.
    const answer = ["-R", "-s", String(SECEM_PORT), "-k", "-p", "5201", "-q"];
    const before = (await desk.status()).counters;
    const forged = ["-a", TWO, ...answer, "-c", "5", "-i", "u1000", "10.81.2.77"];
    await lab.run("one", "hping3", forged).catch(() => "");
    // Nor on the way there in the name of who is elsewhere.
    const there = ["-a", "10.81.2.78", "-S", "-p", String(SECEM_PORT), "-c", "5", "-i", "u1000"];
    await lab.run("one", "hping3", [...there, "-q", TWO]).catch(() => "");
    const after = (await desk.status()).counters;
    expect(after.spoofed.packets - before.spoofed.packets).toBe(10);
    const large = [...answer, "-d", "1400", "--flood", ONE];
    const flooding = lab.start("two", "flood-back", "hping3", large);
    await waitFor("a limit", async () => (await desk.status()).counters.secem_excess.packets > 50);
    await flooding.stop("SIGINT");
  });

  test("ASM-76: strangers who fill the table of limits take no VNF's place, and share one limit", async () => {
    const desk = new GatewayDesk(net.gateway, systemClock);
    const strangers = Array.from({ length: 65_536 }, (_, n) => `10.99.${n >> 8}.${n & 255}`);
    const set = "inet evpnd_asmn secem_octets4";
    const elements = strangers.map((address) => `${address} timeout 60s`).join(",\n");
    const script = lab.writeFile("strangers", `add element ${set} {\n${elements}\n}\n`);
    await lab.run("gw", "nft", [`flush set ${set}`]);
    await lab.run("gw", "nft", ["-f", script]);
    const late = ["-a", "10.81.1.78", "-S", "-p", String(SECEM_PORT), "-c", "3", "-i", "u1000"];
    await lab.run("one", "hping3", [...late, "-q", TWO]).catch(() => "");
    expect((await desk.status()).counters.secem_crowd.packets).toBeGreaterThanOrEqual(3);
    expect(await net.connects(SECEM_PORT)).toBe(true);
    const { elem } = await setOf("secem_known_octets4");
    // They go with the table, when the next test has it written anew.
    expect(JSON.stringify(elem)).toContain(ONE);
  });

  test("ASM-31: UDP from a port that may be asked passes only to who has asked", async () => {
    await net.apply([DATA]);
    const send = (from: "one" | "two", port: number, to: string, target: number) => {
      const socket = `const s = require("node:dgram").createSocket("udp4");`;
      const words = `s.bind(${port}, () => s.send("x", ${target}, "${to}", () => s.close()));`;
      return lab.run(from, process.execPath, ["-e", socket + words]);
    };
    const counts = async () => {
      const desk = new GatewayDesk(net.gateway, systemClock);
      const [status, [data]] = await Promise.all([desk.status(), desk.flows()]);
      return [status.counters.abnormal.packets, data?.answers.packets];
    };
    await send("two", 5201, ONE, 4000);
    await waitFor("it to be abnormal", async () => (await counts())[0] === 1);
    await send("one", 4000, TWO, 5201);
    await send("two", 5201, ONE, 4000);
    await waitFor("an answer", async () => (await counts())[1] === 1);
    await send("two", 5201, ONE, 4001);
    await waitFor("it to be abnormal", async () => (await counts())[0] === 2);
    expect(await counts()).toEqual([2, 1]);
  });

  test("ASM-31, ASM-33: what the catalog names passes, and its answers; nothing else does", async () => {
    const { gateway } = net;
    const outcome = await net.apply([ICMP, ICMP6, BULK]);
    expect(outcome).toMatchObject({ kind: "taken" });
    expect(await net.ping(["-c", "2", "-i", "0.01"])).toBe(2);
    expect(await net.ping(["-c", "1"], TWO_SIX)).toBe(1);
    // Fragments belong to what they are fragments of.
    expect(await net.ping(["-c", "1", "-s", "4096"])).toBe(1);
    expect(await net.ping(["-c", "1", "-s", "4096"], TWO_SIX)).toBe(1);
    expect(await net.connects(5201)).toBe(true);
    expect(await net.connects(22)).toBe(false);
    // The other way round nobody may ask.
    expect(await net.ping(["-c", "1", "-W", "0.4"], ONE, "two")).toBe(0);
    const syn = ["-S", "-s", "5201", "-k", "-p", "22", "-c", "3", "-i", "u1000", "-q", "10.81.1.2"];
    const before = (await new GatewayDesk(gateway, systemClock).status()).counters.abnormal.packets;
    await lab.run("two", "hping3", syn).catch(() => "");
    const after = await new GatewayDesk(gateway, systemClock).status();
    expect(after.counters.abnormal.packets - before).toBeGreaterThanOrEqual(3);
    expect(await new GatewayDesk(gateway, systemClock).flows()).toMatchObject([
      { name: "one > two icmp any" },
      { name: "one > two icmpv6 any" },
      { name: "one > two tcp 5201" },
    ]);
    const [icmp, , bulk] = await new GatewayDesk(gateway, systemClock).flows();
    expect(icmp!.forth.packets).toBeGreaterThanOrEqual(3);
    expect(icmp!.answers.packets).toBeGreaterThanOrEqual(3);
    expect(bulk!.answers.packets).toBeGreaterThan(0);
  });

  test("ASM-23: of a flow inside the agents' TLS the outer headers count, whatever is in it", async () => {
    await net.apply([{ ...BULK, port: SECEM_PORT + 1 }]);
    lab.start("two", "inner", "iperf3", ["-s", "-p", String(SECEM_PORT + 1), "-1"]);
    await waitFor("the inner server", () => net.connects(SECEM_PORT + 1));
    // What would be refused by itself passes inside: only the agent sees it.
    expect(await net.connects(5201)).toBe(false);
  });

  test("ASM-34: abnormal traffic is lowered: DSCP CS1 on the wire, and little bandwidth", async () => {
    await net.apply([BULK], { abnormal: "lower" });
    const capture = lab.start("two", "dumpcap", "dumpcap", [
      ...[
        "-i",
        "eth0",
        "-q",
        "-c",
        "30",
        "-f",
        `src host ${ONE} and udp port 5201`,
        "-w",
        `${lab.directory}/low.pcapng`,
      ],
    ]);
    await waitFor("dumpcap", () => capture.log().includes("File:"));
    const bitsPerSecond = await iperf(lab, ["-u", "-b", "50M", "-l", "1200", "-t", "1.5"]);
    expect(bitsPerSecond).toBeLessThan(2_500_000);
    expect(bitsPerSecond).toBeGreaterThan(300_000);
    await capture.ended(10_000);
    const codes = await lab.run("two", "tshark", [
      ...["-r", `${lab.directory}/low.pcapng`, "-T", "fields", "-e", "ip.dsfield.dscp"],
    ]);
    expect(new Set(codes.trim().split("\n"))).toEqual(new Set(["8"]));
    // What is named is not marked, nor slowed.
    expect(await iperf(lab, ["-t", "1"])).toBeGreaterThan(5_000_000);
  });

  test("ASM-34: on an interface that is shaped the lowered wait in the slow class of its queue", async () => {
    const { settings } = net.gateway.view();
    const [left, right] = settings.interfaces;
    const rate = 50_000_000;
    await net.gateway.configure({ ...settings, interfaces: [left!, { ...right!, rate }] });
    const bitsPerSecond = await iperf(lab, ["-u", "-b", "20M", "-l", "1200", "-t", "1.5"]);
    expect(bitsPerSecond).toBeLessThan(1_500_000);
    const classes = await lab.run("gw", "tc", ["-s", "class", "show", "dev", "right"]);
    const slow = /htb a5e0:20[\s\S]*?Sent (\d+) bytes \d+ pkt \(dropped (\d+)/.exec(classes);
    expect(Number(slow?.[1])).toBeGreaterThan(50_000);
    expect(Number(slow?.[2])).toBeGreaterThan(100);
    const whole = await iperf(lab, ["-t", "1"]);
    expect(whole).toBeGreaterThan(5_000_000);
    expect(whole).toBeLessThan(60_000_000);
    await net.gateway.configure(settings);
    expect(await lab.run("gw", "tc", ["qdisc", "show", "dev", "right"])).not.toContain("a5e0");
  });

  test("ASM-35, ASM-37: floods of UDP and ICMP are held to their rates, SYN to so many a second, at once", async () => {
    const fast = { ...DATA, rate: "1gbit", burst: "1m" };
    await net.apply([BULK, fast]);
    const stop = await flood(lab, "udp");
    try {
      // A slow machine floods slowly; more than the rate is flood enough.
      const before = await waitFor("a flood", async () => {
        const now = await rateDuring(net, 400);
        return now > 15_000_000 ? now : undefined;
      });
      const outcome = await net.apply([BULK, { ...DATA, rate: "10mbit" }]);
      const tookMs = outcome.kind === "taken" ? outcome.tookMs : Infinity;
      // The limit holds a second of its rate beside the burst, whenever nothing was sent for so long.
      const after = await waitFor("it to be held", async () => {
        const now = await rateDuring(net, 1000);
        return now < 12_000_000 ? now : undefined;
      });
      process.stdout.write(
        `flood: ${(before / 1e6).toFixed(0)} Mbit/s, held to ${(after / 1e6).toFixed(2)} Mbit/s; ` +
          `catalog in force after ${tookMs} ms\n`,
      );
      expect(tookMs).toBeLessThan(5000);
      const { counters } = await new GatewayDesk(net.gateway, systemClock).status();
      expect(counters.policed.packets).toBeGreaterThan(50);
    } finally {
      await stop();
    }
    await net.apply([
      { ...ICMP, rate: "1mbit" },
      { ...BULK, opens: 50 },
    ]);
    const icmp = await flood(lab, "icmp");
    await waitFor("ICMP to be held", async () => (await rateDuring(net, 700)) < 1_500_000);
    await icmp();
    const syn = await flood(lab, "syn");
    // Fifty a second, and what the first VNF says to their answers.
    await waitFor("SYN to be held", async () => (await rateDuring(net, 700, "packets")) < 150);
    await syn();
    const { counters } = await new GatewayDesk(net.gateway, systemClock).status();
    expect(counters.policed.packets).toBeGreaterThan(500);
  });

  test("ASM-35: connections are counted where a catalog limits them", async () => {
    await net.apply([{ ...BULK, connections: 3 }]);
    const hold = `for i in 4 5 6 7 8; do eval "exec $i<>/dev/tcp/${TWO}/5201" && echo up; done`;
    const script = lab.run("one", "timeout", ["2.5", "bash", "-c", hold]).catch(String);
    expect((await script).match(/^up$/gm) ?? []).toHaveLength(3);
  });

  test("ASM-37, ASM-70: a new catalog takes the place of the old one without a packet of a kept flow lost", async () => {
    const entries = [BULK, { ...DATA, rate: "1gbit", burst: "10m" }];
    await net.apply(entries);
    const counted = { one: await countUdp(lab, "one"), two: await countUdp(lab, "two") };
    const stop = await flood(lab, "udp");
    const took: number[] = [];
    for (let n = 0; n < 15; n++) {
      const outcome = await net.apply([...entries, { ...BULK, port: 6000 + n }]);
      if (outcome.kind === "taken") took.push(outcome.tookMs);
    }
    await stop();
    expect(took).toHaveLength(15);
    const sent = await counted.one();
    expect(sent).toBeGreaterThan(500);
    await waitFor("the last packets", async () => (await counted.two()) === sent, {
      deadline: 3000,
    });
  });

  test("ASM-71: a VNF that is revoked is cut off within a second, its live flows too, until trusted anew", async () => {
    await net.apply([ICMP]);
    const pings = lab.start("one", "stream", "ping", ["-n", "-D", "-i", "0.01", TWO]);
    await waitFor("answers", () => pings.log().split("\n").length > 20);
    const [first] = MEMBERS;
    const revoked = { ...first!, state: "untrusted", reason: "revoked" } as const;
    const at = Date.now() / 1000;
    expect(await net.gateway.members([{ kind: "item", item: revoked }])).toBe(true);
    await sleep(300);
    const times = [...pings.log().matchAll(/^\[([\d.]+)\] 64 bytes/gm)].map(([, time]) =>
      Number(time),
    );
    process.stdout.write(`cut off after ${Math.round((times.at(-1)! - at) * 1000)} ms\n`);
    // A second where the machine has one to spare.
    expect(times.at(-1)! - at).toBeLessThan(3);
    const answered = times.length;
    await net.gateway.members([{ kind: "item", item: { ...first!, state: "unknown" } }]);
    await sleep(200);
    expect(pings.log().match(/64 bytes/g)).toHaveLength(answered);
    await net.trust();
    await waitFor(
      "answers again",
      () => (pings.log().match(/64 bytes/g) ?? []).length > answered + 3,
    );
    await pings.stop();
  });

  test("ASM-71: with nobody there to close it, the kernel does when the verdict ends", async () => {
    await net.apply([ICMP]);
    const items = MEMBERS.map((item) => ({ ...item, leftMs: 3500 }));
    await net.gateway.members(items.map((item) => ({ kind: "item", item })));
    await net.gateway.close();
    expect(await net.ping(["-c", "1"])).toBe(1);
    await waitFor(
      "the door to close",
      async () => (await net.ping(["-c", "1", "-W", "0.4"])) === 0,
    );
  });

  test("after a restart what was in force is, and its flows lose nothing", async () => {
    await net.start();
    await net.trust();
    const stream = net.ping(["-c", "120", "-i", "0.01"]);
    await sleep(300);
    await net.gateway.close();
    await net.start();
    expect(net.gateway.view().state).toBe("enforcing");
    expect(await stream).toBe(120);
    expect(await net.connects(5201)).toBe(false);
  });

  test("ASM-70: an nft that fails halfway leaves the old policy whole and names the rule", async () => {
    const before = net.ruleset();
    net.spoil = (script) =>
      script.replace(
        "add chain inet evpnd_asmn check4",
        "add rule inet evpnd_asmn nowhere accept\n$&",
      );
    const outcome = await net.apply([ICMP, BULK]);
    net.spoil = undefined;
    const reason = outcome.kind === "refused" ? outcome.reason : "";
    expect(reason).toMatch(/what was before is: nft failed: .*add rule inet evpnd_asmn nowhere/);
    expect(net.ruleset()).toBe(before);
    expect(await net.ping(["-c", "1"])).toBe(1);
    expect(await net.connects(5201)).toBe(false);
  });

  test("somebody's flush of all rules is noticed and put back", async () => {
    const before = net.ruleset();
    const repairs = net.gateway.view().repairs;
    const at = performance.now();
    await lab.run("gw", "nft", ["flush", "ruleset"]);
    await waitFor("the rules", () => net.ruleset() === before, { deadline: 9000 });
    process.stdout.write(
      `flushed rules were back after ${Math.round(performance.now() - at)} ms\n`,
    );
    await waitFor("the count", () => net.gateway.view().repairs > repairs);
  });

  test("a catalog of some thousand entries loads", async () => {
    const many = Array.from({ length: 2000 }, (_, n) => ({
      ...BULK,
      port: 10_000 + n,
      rate: "1mbit",
    }));
    const outcome = await net.apply([ICMP, ...many]);
    const tookMs = outcome.kind === "taken" ? outcome.tookMs : Infinity;
    process.stdout.write(`2000 entries in force after ${tookMs} ms\n`);
    // Within a second where nothing else runs; a busy machine only has to get there.
    expect(tookMs).toBeLessThan(10_000);
    expect(await net.ping(["-c", "1"])).toBe(1);
  });

  test("removal leaves nothing of ours and everything of others", async () => {
    await lab.run("gw", "nft", ["add table inet others"]);
    const { settings } = net.gateway.view();
    const [left, right] = settings.interfaces;
    await lab.run("gw", "tc", "qdisc add dev left root handle 7: pfifo limit 500".split(" "));
    const interfaces = [left!, right!].map((one) => ({ ...one, rate: 100_000_000 }));
    await net.gateway.configure({ ...settings, interfaces });
    const { problems, shaped } = net.gateway.view();
    expect(shaped).toEqual(["right"]);
    expect(problems.join()).toContain("left has a queue of somebody else's (pfifo 7:)");
    lab.ip("gw", ["link add br0 type bridge", "link set right master br0"]);
    await net.gateway.look();
    expect(net.gateway.view().problems.join()).toContain("right is a port of the bridge br0");
    lab.ip("gw", ["link del br0"]);
    await net.gateway.remove("op");
    expect(net.ruleset().trim()).toBe("table inet others {\n}");
    const queues = await lab.run("gw", "tc", ["qdisc", "show"]);
    expect(queues).toContain("pfifo 7:");
    expect(queues).not.toContain("a5e0");
    expect(await net.ping(["-c", "1"])).toBe(1);
  });
});
