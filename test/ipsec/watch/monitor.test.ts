/** The monitor's state machine, and what ping says. */
import { describe, expect, test } from "vitest";
import { Monitor } from "../../../src/ipsec/watch/monitor.js";
import {
  largestPacket,
  pingArguments,
  pingFault,
  readPing,
  type RunProgram,
} from "../../../src/ipsec/watch/ping.js";

const RULES = { optimized: false, rekey: false, intervalSeconds: 10, threshold: 3 };
const none = { packetsIn: 0, packetsOut: 0 };

describe("monitor", () => {
  test("IPS-21: it probes at its interval, and lost in a row as many as the threshold make it down", () => {
    const monitor = new Monitor(RULES, 0);
    expect([0, 1, 9_999, 10_000].map((now) => monitor.step(now, none))).toEqual([
      "probe",
      "wait",
      "wait",
      "probe",
    ]);
    for (const lost of [1, 2]) {
      monitor.answered(false, none, none);
      expect([monitor.state, monitor.lost]).toEqual(["up", lost]);
    }
    monitor.answered(false, none, none);
    expect(monitor.state).toBe("down");
    monitor.answered(true, none, none);
    expect([monitor.state, monitor.text]).toEqual(["up", ""]);
  });

  test("IPS-21: optimized, traffic that came in is an answer; rekey, going down asks for one once", () => {
    const monitor = new Monitor({ ...RULES, optimized: true, rekey: true, threshold: 1 }, 0);
    expect(monitor.step(0, { packetsIn: 5, packetsOut: 0 })).toBe("probe");
    expect(monitor.step(10_000, { packetsIn: 6, packetsOut: 0 })).toBe("wait");
    expect(monitor.step(20_000, { packetsIn: 6, packetsOut: 0 })).toBe("probe");
    expect(monitor.answered(false, none, none)).toBe(true);
    expect(monitor.answered(false, none, none)).toBe(false);
  });

  test("IPS-96: up but passes nothing is named, with where packets are lost", () => {
    const lossAt = (after: { packetsIn: number; packetsOut: number }): string => {
      const monitor = new Monitor({ ...RULES, threshold: 1 }, 0);
      monitor.answered(false, none, after);
      return monitor.text;
    };
    expect(lossAt(none)).toMatch(/up but passes nothing.*do not enter the tunnel/);
    expect(lossAt({ packetsIn: 0, packetsOut: 1 })).toMatch(
      /up but passes nothing.*none comes out/,
    );
    expect(lossAt({ packetsIn: 1, packetsOut: 1 })).toMatch(/destination/);
  });
});

describe("ping", () => {
  const OK =
    "3 packets transmitted, 2 received, 33% packet loss, time 402ms\nrtt min/avg/max/mdev = 0.045/0.061/0.085/0.017 ms\n";

  test("what it says is read", () => {
    expect(readPing(OK)).toEqual({
      sent: 3,
      received: 2,
      averageMs: 0.061,
      mtu: undefined,
      text: "",
    });
    const tooLong =
      "ping: local error: message too long, mtu=1400\n1 packets transmitted, 0 received, +1 errors\n";
    expect(readPing(tooLong)).toMatchObject({ sent: 1, received: 0, mtu: 1400 });
    expect(readPing("ping: connect: Network is unreachable\n").text).toBe(
      "connect: Network is unreachable",
    );
  });

  test("nothing that is asked for reaches ping but addresses and numbers", () => {
    const order = { destination: "10.0.0.1", count: 3 };
    expect(pingFault(order)).toBeUndefined();
    expect(pingFault({ ...order, destination: "-f" })).toContain("no IP address");
    expect(pingFault({ ...order, destination: "host.example" })).toContain("no IP address");
    expect(pingFault({ ...order, source: "eth0; reboot" })).toContain("neither");
    expect(pingFault({ ...order, count: 1000 })).toContain("1 to 100");
    expect(pingFault({ ...order, size: 70_000 })).toContain("65000");
    expect(
      pingArguments({ ...order, source: "tun0", size: 1372, dontFragment: true }).join(" "),
    ).toBe("-n -c 3 -i 0.2 -W 1 -I tun0 -s 1372 -M do 10.0.0.1");
  });

  test("the largest packet that passes is found", async () => {
    const pathOf =
      (limit: number): RunProgram =>
      (_program, args) => {
        const size = Number(args[args.indexOf("-s") + 1]) + 28;
        const received = size <= limit ? 1 : 0;
        return Promise.resolve({
          code: 0,
          out: `1 packets transmitted, ${String(received)} received`,
        });
      };
    const order = { destination: "10.0.0.1" };
    expect(await largestPacket(pathOf(1386), order, 1438)).toBe(1386);
    expect(await largestPacket(pathOf(1500), order, 1438)).toBe(1438);
    expect(await largestPacket(pathOf(0), order, 1438)).toBeUndefined();
  });
});
