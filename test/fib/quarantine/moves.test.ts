/**
 * A move is one event however many routes carry it, in whatever order they come and go: as FRR sends them,
 * a UPDATE for each route, the new PE's first or the old one's, all read at once or one after the other.
 */
import { describe, expect, it } from "vitest";
import { FibEventKind, type FibEvent } from "../../../src/fib/index.js";
import { Fabric } from "../lib/fabric.js";
import { macIp } from "../lib/route.js";

const MAC = "02:00:00:00:00:01";
const IPS = [undefined, "10.1.0.1", "10.1.0.2"];

interface Said {
  readonly targets?: readonly string[];
  readonly sticky?: boolean;
  readonly esi?: string;
  readonly ips?: readonly (string | undefined)[];
}

/** All routes of the MAC at a PE, one after the other. */
function tell(on: Fabric, pe: number, sequence: number, said: Said = {}, each = () => {}): void {
  const { targets = ["65000:100"], sticky, esi, ips = IPS } = said;
  for (const ip of ips) {
    on.announce(pe, macIp({ rd: `10.0.0.${pe}:1`, mac: MAC, ip, esi }), {
      nextHop: `10.0.0.${pe}`,
      targets,
      sequence,
      sticky,
    });
    each();
  }
}

function take(on: Fabric, pe: number, each = () => {}, ips: Said["ips"] = IPS): void {
  for (const ip of ips) {
    on.withdraw(pe, macIp({ rd: `10.0.0.${pe}:1`, mac: MAC, ip }));
    each();
  }
}

const OF_MAC: readonly FibEventKind[] = [
  FibEventKind.Learn,
  FibEventKind.Move,
  FibEventKind.Withdraw,
  FibEventKind.Duplicate,
  FibEventKind.StickyConflict,
  FibEventKind.StickyConflictEnded,
];

const NAMES = new Map(Object.entries(FibEventKind).map(([name, kind]) => [kind, name]));

/** `Move 10.0.0.1>10.0.0.2`, of MACs only. */
function lines(events: readonly FibEvent[]): string[] {
  return events
    .filter(({ kind }) => OF_MAC.includes(kind))
    .map(({ kind, from, to }) => `${NAMES.get(kind)} ${from}>${to}`);
}

/** With the FIB reading after each UPDATE, or once for all. */
const PACES = [
  ["each UPDATE read by itself", true],
  ["all read at once", false],
] as const;

for (const [name, single] of PACES) {
  describe(`a MAC with three routes, ${name}`, () => {
    const make = (): { on: Fabric; read: () => void } => {
      const on = new Fabric();
      return { on, read: single ? () => void on.read() : () => {} };
    };

    it("make before break", () => {
      const { on, read } = make();
      tell(on, 1, 0, {}, read);
      expect(lines(on.news())).toEqual(["Learn >10.0.0.1"]);
      for (let n = 1; n <= 4; n++) {
        const [to, from] = n % 2 === 1 ? [2, 1] : [1, 2];
        tell(on, to, n, {}, read);
        take(on, from, read);
        expect(lines(on.news())).toEqual([`Move 10.0.0.${from}>10.0.0.${to}`]);
      }
      expect(on.fib.view.mac(1)?.moves).toBe(4);
      tell(on, 2, 5, {}, read);
      expect(lines(on.news())).toEqual(["Move 10.0.0.1>10.0.0.2", "Duplicate >10.0.0.2"]);
    });

    it("break before make", () => {
      const { on, read } = make();
      tell(on, 1, 0, {}, read);
      on.news();
      for (let n = 1; n <= 5; n++) {
        const [to, from] = n % 2 === 1 ? [2, 1] : [1, 2];
        take(on, from, read);
        tell(on, to, n, {}, read);
        expect(lines(on.news())).toEqual([
          `Withdraw 10.0.0.${from}>`,
          `Move 10.0.0.${from}>10.0.0.${to}`,
          ...(n === 5 ? ["Duplicate >10.0.0.2"] : []),
        ]);
        on.clock.pass(100);
      }
      const [entry] = on.fib.pages.list({}, 0, 10).rows;
      expect(entry).toMatchObject({ moves: 5, duplicate: { moves: 5 } });
    });

    it("routes of both PEs mixed", () => {
      const { on, read } = make();
      tell(on, 1, 0, {}, read);
      on.news();
      tell(on, 2, 1, { ips: [undefined] }, read);
      take(on, 1, read, ["10.1.0.1"]);
      tell(on, 2, 1, { ips: ["10.1.0.1"] }, read);
      take(on, 1, read, [undefined]);
      tell(on, 2, 1, { ips: ["10.1.0.2"] }, read);
      take(on, 1, read, ["10.1.0.2"]);
      expect(lines(on.news())).toEqual(["Move 10.0.0.1>10.0.0.2"]);
    });

    it("a PE that replaces its routes while the old PE still has its own", () => {
      const { on, read } = make();
      tell(on, 1, 0, {}, read);
      tell(on, 2, 1, {}, read);
      on.news();
      for (let n = 2; n < 12; n++) {
        take(on, 2, read);
        tell(on, 2, n, {}, read);
      }
      const seen = lines(on.news());
      if (!single) {
        expect(seen).toEqual([]);
        expect(on.fib.view.mac(1)?.moves).toBe(1);
      }
      // Where it can be seen in between, the MAC was at the old PE, and that is told; what counts is that
      // the PE took it back, not that it had let go.
      expect(seen.filter((line) => line === "Duplicate >10.0.0.2")).toHaveLength(single ? 1 : 0);
      expect(seen.filter((line) => line === "Move 10.0.0.2>10.0.0.1")).toHaveLength(
        single ? 10 : 0,
      );
    });
  });
}

describe("moves", () => {
  it("are one in each domain of the routes", () => {
    const on = new Fabric();
    const said = { targets: ["65000:100", "65000:200"] };
    tell(on, 1, 0, said);
    expect(lines(on.news())).toEqual(["Learn >10.0.0.1", "Learn >10.0.0.1"]);
    for (let n = 1; n <= 5; n++) {
      tell(on, 1 + (n % 2), n, said);
      const seen = lines(on.news());
      expect(seen.filter((line) => line.startsWith("Move"))).toHaveLength(2);
      expect(seen.filter((line) => line.startsWith("Duplicate"))).toHaveLength(n === 5 ? 2 : 0);
    }
    expect(on.fib.pages.list({}, 0, 10).rows.map(({ domain, moves }) => [domain, moves])).toEqual([
      ["65000:100", 5],
      ["65000:200", 5],
    ]);
  });

  it("do not count when an older route wins again: only that a PE takes the MAC does", () => {
    const on = new Fabric();
    tell(on, 1, 0);
    tell(on, 2, 1);
    on.news();
    for (let n = 2; n <= 4; n++) {
      take(on, 2);
      expect(lines(on.news())).toEqual(["Move 10.0.0.2>10.0.0.1"]);
      tell(on, 2, n);
      expect(lines(on.news())).toEqual(["Move 10.0.0.1>10.0.0.2"]);
    }
    // Seven moves in the FIB, four of them by somebody who said so.
    expect(on.fib.view.mac(1)).toMatchObject({ moves: 7, duplicate: undefined });
    take(on, 2);
    on.news();
    tell(on, 2, 5);
    expect(lines(on.news())).toEqual(["Move 10.0.0.1>10.0.0.2", "Duplicate >10.0.0.2"]);
  });

  it("are none when the MAC comes back where it was, or after a long time", () => {
    const on = new Fabric();
    tell(on, 1, 0);
    on.read();
    take(on, 1);
    on.read();
    tell(on, 1, 0);
    expect(lines(on.news())).toEqual(["Learn >10.0.0.1", "Withdraw 10.0.0.1>", "Learn >10.0.0.1"]);
    on.clock.pass(1000);
    take(on, 1);
    on.read().clock.pass(181_000);
    tell(on, 2, 0);
    expect(lines(on.news())).toEqual(["Withdraw 10.0.0.1>", "Learn >10.0.0.2"]);
    expect(on.fib.duplicates.count).toBe(0);
  });

  it("are none when it comes back on the same segment", () => {
    const on = new Fabric();
    const esi = "00112233445566778899";
    tell(on, 1, 0, { esi });
    take(on, 1);
    on.news();
    tell(on, 2, 0, { esi });
    expect(lines(on.news())).toEqual(["Learn >10.0.0.2"]);
  });

  it("of MACs that went are remembered within bounds", () => {
    const on = new Fabric({ eventRing: 1 << 17 });
    const many = 6000;
    for (let n = 0; n < many; n++) {
      const mac = `02:00:00:00:${(n >> 8).toString(16).padStart(2, "0")}:${(n & 255).toString(16).padStart(2, "0")}`;
      on.announce(1, macIp({ rd: "10.0.0.1:1", mac }), {
        nextHop: "10.0.0.1",
        targets: ["65000:100"],
      });
    }
    on.read().lose(1).read();
    // A PE that dies is no crowd of movers.
    expect(on.fib.duplicates.records.goneCount).toBeLessThanOrEqual(4096);
    expect(on.fib.duplicates.count).toBe(0);
    on.clock.pass(400_000);
    expect(on.fib.duplicates.isIdle).toBe(true);
    expect(on.clock.pending).toBe(0);
  });
});

describe("a sticky MAC (RFC 7432 section 15.2)", () => {
  it("that shows up elsewhere is an alarm, once, and no move", () => {
    const on = new Fabric();
    tell(on, 1, 0, { sticky: true });
    tell(on, 2, 7);
    expect(lines(on.news())).toEqual(["Learn >10.0.0.1", "StickyConflict 10.0.0.2>10.0.0.1"]);
    expect(on.fib.view.mac(1)).toMatchObject({ pe: "10.0.0.1", conflict: "10.0.0.2", moves: 0 });
    expect(on.fib.macs.conflicts.count).toBe(1);
    for (let n = 8; n < 20; n++) tell(on, 2, n, {}, () => void on.read());
    expect(lines(on.news())).toEqual([]);
    take(on, 2);
    expect(lines(on.news())).toEqual(["StickyConflictEnded >10.0.0.1"]);
    expect(on.fib.view.mac(1)?.conflict).toBeUndefined();
    expect(on.fib.macs.conflicts.count).toBe(0);
  });

  it("at two PEs is an alarm; the lower address has it, and that is no move", () => {
    const on = new Fabric();
    tell(on, 2, 0, { sticky: true });
    tell(on, 1, 0, { sticky: true });
    expect(lines(on.news())).toEqual(["Learn >10.0.0.2", "StickyConflict 10.0.0.2>10.0.0.1"]);
    take(on, 1);
    expect(lines(on.news())).toEqual(["StickyConflictEnded >10.0.0.2"]);
    expect(on.fib.view.mac(1)).toMatchObject({ pe: "10.0.0.2", moves: 0 });
    expect(on.fib.duplicates.count).toBe(0);
  });

  it("that takes over from one that is not is an alarm while both are there", () => {
    const on = new Fabric();
    tell(on, 1, 3);
    tell(on, 2, 0, { sticky: true });
    expect(lines(on.news())).toEqual(["Learn >10.0.0.1", "StickyConflict 10.0.0.1>10.0.0.2"]);
    take(on, 1);
    expect(lines(on.news())).toEqual(["StickyConflictEnded >10.0.0.2"]);
    on.lose(2).read();
    expect(on.fib.macs.conflicts.count).toBe(0);
  });

  it("on one segment is none", () => {
    const on = new Fabric();
    const esi = "00112233445566778899";
    tell(on, 1, 0, { sticky: true, esi });
    tell(on, 2, 0, { sticky: true, esi });
    expect(lines(on.news())).toEqual(["Learn >10.0.0.1"]);
  });
});
