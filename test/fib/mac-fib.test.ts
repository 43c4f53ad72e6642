/** MAC entries and IP bindings over time: what is told, counted and dated. */
import { describe, expect, it } from "vitest";
import { FIB_EVENT_NAMES, FibEventKind } from "../../src/fib/index.js";
import { liveCounts } from "./lib/compare.js";
import { Fabric } from "./lib/fabric.js";
import { macIp, type AttrSpec } from "./lib/route.js";

const MAC = "02:00:00:00:00:01";
const OTHER = "02:00:00:00:00:02";

class Pes extends Fabric {
  at(pe: number, mac: string, ip?: string, attr: Partial<AttrSpec> = {}): this {
    const nlri = macIp({ rd: `10.0.0.${pe}:1`, mac, ip });
    return this.announce(pe, nlri, {
      nextHop: `10.0.0.${pe}`,
      targets: ["65000:100"],
      ...attr,
    });
  }

  not(pe: number, mac: string, ip?: string): this {
    return this.withdraw(pe, macIp({ rd: `10.0.0.${pe}:1`, mac, ip }));
  }

  told(): string[] {
    return this.news().map(({ kind, mac, ip, from, to }) =>
      [FIB_EVENT_NAMES[kind], ip || mac, ip === "" ? "" : mac, from && `from ${from}`, `to ${to}`]
        .filter((part) => part !== "" && part !== "to ")
        .join(" "),
    );
  }
}

describe("a move", () => {
  it("is one event however many routes carry it, and the addresses stay with the MAC", () => {
    const fabric = new Pes();
    const ips = ["10.1.0.1", "10.1.0.2", "20010db8000000000000000000000001"];
    for (const ip of [undefined, ...ips]) fabric.at(1, MAC, ip);
    expect(fabric.told()).toEqual([
      `learn ${MAC} to 10.0.0.1`,
      `ip-learn 10.1.0.1 ${MAC} to 10.0.0.1`,
      `ip-learn 10.1.0.2 ${MAC} to 10.0.0.1`,
      `ip-learn 2001:db8::1 ${MAC} to 10.0.0.1`,
    ]);
    for (const ip of [...ips, undefined]) fabric.at(2, MAC, ip, { sequence: 1 });
    for (const ip of [undefined, ...ips]) fabric.not(1, MAC, ip);
    expect(fabric.told()).toEqual([`move ${MAC} from 10.0.0.1 to 10.0.0.2`]);
    expect(fabric.fib.view.mac(1)).toMatchObject({
      moves: 1,
      sequence: 1,
      bindings: [
        { ip: "10.1.0.1", lost: false, moves: 0 },
        { ip: "10.1.0.2", lost: false, moves: 0 },
        { ip: "2001:db8::1", lost: false, moves: 0 },
      ],
    });
  });

  it("is dated, and what is seen first stays so", () => {
    const fabric = new Pes();
    const start = fabric.clock.time / 1000;
    fabric.at(1, MAC).read();
    fabric.clock.pass(10_000);
    fabric.at(2, MAC, undefined, { sequence: 1 });
    const [event] = fabric.news().slice(-1);
    expect(event?.time).toBe(fabric.clock.time);
    fabric.clock.pass(10_000);
    fabric.not(1, MAC).read();
    expect(fabric.fib.view.mac(1)).toMatchObject({ firstSeen: start, lastChange: start + 10 });
  });

  it("is none when only attributes change: an update, if any of it can be seen", () => {
    const fabric = new Pes().at(1, MAC);
    fabric.told();
    fabric.clock.pass(5000);
    fabric.at(1, MAC, undefined, { localPref: 7, sequence: 3 });
    expect(fabric.told()).toEqual([`update ${MAC} to 10.0.0.1`]);
    expect(fabric.fib.view.mac(1)).toMatchObject({ moves: 0, sequence: 3 });
    expect(fabric.fib.view.mac(1)!.lastChange).toBe(fabric.clock.time / 1000);
    fabric.at(1, MAC, undefined, { localPref: 8, sequence: 3 });
    expect(fabric.told()).toEqual([]);
  });

  it("back to an old candidate is one too", () => {
    const fabric = new Pes().at(1, MAC).at(2, MAC, undefined, { sequence: 1 });
    fabric.told();
    expect(fabric.not(2, MAC).told()).toEqual([`move ${MAC} from 10.0.0.2 to 10.0.0.1`]);
  });
});

describe("an IP binding", () => {
  it("moves to the MAC with the higher sequence, and the other shows it as lost", () => {
    const fabric = new Pes().at(1, MAC, "10.1.0.1");
    fabric.told();
    fabric.at(2, OTHER, "10.1.0.1", { sequence: 1 });
    expect(fabric.told()).toEqual([
      `learn ${OTHER} to 10.0.0.2`,
      `ip-move 10.1.0.1 ${OTHER} from ${MAC} to 10.0.0.2`,
    ]);
    expect(fabric.fib.view.mac(1)?.bindings).toMatchObject([{ lost: true, moves: 1 }]);
    expect(fabric.fib.view.mac(2)?.bindings).toMatchObject([{ lost: false, moves: 1 }]);
    fabric.not(1, MAC, "10.1.0.1");
    expect(fabric.told()).toEqual([`withdraw ${MAC} from 10.0.0.1`]);
  });

  it("goes with its last route, the MAC stays while another carries it (RFC 7432 section 10)", () => {
    const fabric = new Pes().at(1, MAC).at(1, MAC, "10.1.0.1");
    fabric.told();
    fabric.not(1, MAC, "10.1.0.1");
    expect(fabric.told()).toEqual([`ip-withdraw 10.1.0.1 ${MAC} to 10.0.0.1`]);
    expect(fabric.fib.view.mac(1)?.bindings).toEqual([]);
  });

  it("is the domain's own", () => {
    const fabric = new Pes().at(1, MAC, "10.1.0.1", { targets: ["65000:1"] });
    fabric.at(2, OTHER, "10.1.0.1", { targets: ["65000:2"] }).read();
    expect(fabric.fib.macs.bindings.count).toBe(2);
  });
});

describe("flags", () => {
  it("are those of the winner's PE, whichever of its routes says so", () => {
    const fabric = new Pes()
      .at(1, MAC)
      .at(1, MAC, "10.1.0.1", { gateway: true, arpNd: 1, routerMac: "02:ff:00:00:00:01" })
      .at(2, MAC, "10.1.0.2", { sequence: 0 })
      .read();
    expect(fabric.fib.view.mac(1)).toMatchObject({
      defaultGateway: true,
      router: true,
      sticky: false,
      routerMac: "02:ff:00:00:00:01",
    });
  });
});

describe("a wrap of sequences", () => {
  it("is told once while it lasts", () => {
    const fabric = new Pes().at(1, MAC, undefined, { sequence: 0xffffffff });
    fabric.at(2, MAC, undefined, { sequence: 1 });
    const kinds = (): number[] => fabric.news().map(({ kind }) => kind);
    expect(kinds()).toEqual([FibEventKind.Learn, FibEventKind.SequenceWrap, FibEventKind.Move]);
    expect(fabric.at(2, MAC, undefined, { sequence: 2 }).read().fib.view.mac(1)?.pe).toBe(
      "10.0.0.2",
    );
    expect(kinds()).toEqual([FibEventKind.Update]);
    fabric.not(1, MAC).read();
    fabric.at(1, MAC, undefined, { sequence: 0xfffffff0 });
    expect(kinds()).toEqual([FibEventKind.Update, FibEventKind.SequenceWrap]);
  });
});

describe("a route of several domains", () => {
  it("is in each, and changes of its route targets touch only what differs", () => {
    const fabric = new Pes().at(1, MAC, "10.1.0.1", { targets: ["65000:1", "65000:2"] });
    fabric.told();
    fabric.at(1, MAC, "10.1.0.1", { targets: ["65000:2", "65000:3"] });
    expect(fabric.told()).toEqual([
      `ip-withdraw 10.1.0.1 ${MAC} to 10.0.0.1`,
      `withdraw ${MAC} from 10.0.0.1`,
      `learn ${MAC} to 10.0.0.1`,
      `ip-learn 10.1.0.1 ${MAC} to 10.0.0.1`,
    ]);
    fabric.lose(1).read();
    expect(Object.values(liveCounts(fabric.fib)).every((count) => count === 0)).toBe(true);
  });
});

describe("joining a table that has routes", () => {
  it("takes them in, a slice at a time", () => {
    const fabric = new Pes();
    for (let n = 0; n < 2000; n++) {
      fabric.at(1, `02:00:00:00:${hexOf(n >> 8)}:${hexOf(n & 255)}`);
    }
    fabric.table.releaseUpTo(fabric.table.log.tail);
    const late = fabric.newFib();
    expect(late.read(0)).toBe(true);
    expect(late.macs.entries.count).toBeLessThan(2000);
    while (late.read(0));
    expect(late.macs.entries.count).toBe(2000);
  });
});

describe("a read", () => {
  /** Time passes at every look at the clock. */
  class Slow extends Pes {
    constructor() {
      super();
      const { clock } = this;
      clock.now = () => (clock.time += 1);
    }
  }

  it("takes a small share of the time while the reflector is busy, and all of it in the end", () => {
    const fabric = new Slow();
    const mac = (n: number): string => `02:00:00:00:${hexOf(n >> 8)}:${hexOf(n & 255)}`;
    for (let n = 0; n < 4000; n++) fabric.at(1, mac(n));
    fabric.clock.time += 20;
    expect(fabric.fib.read(10)).toBe(true);
    // A twentieth of the 20 ms that others had: 2 or 3 looks at the clock.
    expect(fabric.fib.macs.entries.count).toBeLessThan(300);
    let turns = 0;
    while (fabric.fib.read(10)) turns++;
    expect(fabric.fib.macs.entries.count).toBe(4000);
    // One stretch at least between two looks, as nothing new came.
    expect(turns).toBeLessThan(65);
  });
});

function hexOf(octet: number): string {
  return octet.toString(16).padStart(2, "0");
}
