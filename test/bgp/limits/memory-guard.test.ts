/** The order in which things are given up for memory, what is left alone, and when it ends. */
import { describe, expect, it } from "vitest";
import {
  AWAY_MS,
  fairShare,
  levelOf,
  MemoryGuard,
  MemoryLevel,
  worstOf,
  type MemoryHost,
  type PeerCost,
} from "../../../src/bgp/limits/memory-guard.js";
import { ceilingOctets } from "../../../src/bgp/limits/memory-settings.js";
import { silentLog } from "../../../src/util/log.js";
import { FakeClock } from "../../model/lib/fake.js";

const MIB = 2 ** 20;

class FakeHost implements MemoryHost {
  octets = 100 * MIB;
  tables = 0;
  settling = false;
  braked = false;
  peers: PeerCost[] = [];
  readonly did: string[] = [];
  waiting: ((costs: readonly PeerCost[]) => void) | undefined;

  used(): number {
    return this.octets;
  }

  tableOctets(): number {
    return this.tables;
  }

  shedCaches(): void {
    this.did.push("shed");
  }

  costs(done: (costs: readonly PeerCost[]) => void): void {
    this.waiting = done;
  }

  /** The walk over the table ends. */
  answer(): void {
    const done = this.waiting;
    this.waiting = undefined;
    done?.(this.peers);
  }

  isSettling(): boolean {
    return this.settling;
  }

  brake(on: boolean): void {
    this.braked = on;
  }

  close(address: string): void {
    this.did.push(`close ${address}`);
  }

  proceed(address: string): void {
    this.did.push(`proceed ${address}`);
  }
}

/** In MiB. */
function cost(address: string, mebibytes: number): PeerCost {
  return { address, octets: mebibytes * MIB, routes: 1 };
}

function start(limit = 1000 * MIB): { host: FakeHost; clock: FakeClock; guard: MemoryGuard } {
  const host = new FakeHost();
  const clock = new FakeClock();
  const guard = new MemoryGuard(host, clock, silentLog);
  guard.setLimit(limit);
  return { host, clock, guard };
}

describe("levels", () => {
  const { Normal, Caches, NoNewPeers, Closing } = MemoryLevel;
  it.each([
    [0.79, Normal, Normal],
    [0.8, Normal, Caches],
    [0.76, Caches, Caches],
    [0.74, Caches, Normal],
    [0.9, Caches, NoNewPeers],
    [0.86, NoNewPeers, NoNewPeers],
    [0.84, NoNewPeers, Caches],
    [1, Normal, Closing],
    [0.96, Closing, Closing],
    [0.94, Closing, NoNewPeers],
    [0.5, Closing, Normal],
  ])("%f after level %i is level %i", (share, before, after) => {
    expect(levelOf(share, before)).toBe(after);
  });
});

describe("the order of shedding", () => {
  it("caches first, again after a while; nobody is refused or closed", () => {
    const { host, clock, guard } = start();
    clock.advance(5000);
    expect(host.did).toEqual([]);
    host.octets = 850 * MIB;
    clock.advance(1000);
    expect(host.did).toEqual(["shed"]);
    clock.advance(20_000);
    expect(host.did).toEqual(["shed"]);
    clock.advance(15_000);
    expect(host.did).toEqual(["shed", "shed"]);
    expect(guard.refuses("10.0.0.1", true)).toBeUndefined();
    expect(guard.view()).toMatchObject({ level: "shedding caches", shed: 2, closed: 0 });
  });

  it("then new dynamic peers; configured ones that did nothing wrong come up", () => {
    const { host, clock, guard } = start();
    host.octets = 920 * MIB;
    clock.advance(1000);
    expect(guard.refuses("10.0.0.1", true)).toMatch(/no new peers/);
    expect(guard.refuses("10.0.0.1", false)).toBeUndefined();
    host.octets = 840 * MIB;
    clock.advance(1000);
    expect(guard.refuses("10.0.0.1", true)).toBeUndefined();
    expect(guard.view().refused).toBe(1);
  });

  it("then the peer that costs most, one at a time, with everybody's reading stopped meanwhile", () => {
    const { host, clock, guard } = start();
    host.peers = [cost("10.0.0.1", 10), cost("10.0.0.2", 900), cost("10.0.0.3", 300)];
    host.octets = 1001 * MIB;
    clock.advance(1000);
    expect(host.braked).toBe(true);
    host.answer();
    expect(host.braked).toBe(false);
    expect(host.did.filter((one) => one !== "shed")).toEqual(["close 10.0.0.2"]);
    // Its routes are on their way out: nobody else pays for that.
    host.settling = true;
    clock.advance(20_000);
    expect(host.waiting).toBeUndefined();
    host.settling = false;
    host.peers.splice(1, 1);
    clock.advance(1000);
    host.answer();
    expect(host.did.filter((one) => one !== "shed")).toEqual(["close 10.0.0.2", "close 10.0.0.3"]);
    expect(guard.view().closed).toBe(2);
  });

  it("memory that came back while costs were worked out closes nobody", () => {
    const { host, clock } = start();
    host.peers = [cost("10.0.0.1", 400)];
    host.octets = 1001 * MIB;
    clock.advance(1000);
    host.octets = 700 * MIB;
    clock.advance(1000);
    host.answer();
    expect(host.did).toEqual(["shed"]);
    expect(host.braked).toBe(false);
  });

  it("a closed peer stays away for a while, and until there is room; then it may come", () => {
    const { host, clock, guard } = start();
    host.peers = [cost("10.0.0.9", 400)];
    host.octets = 1001 * MIB;
    clock.advance(1000);
    host.answer();
    host.octets = 920 * MIB;
    clock.advance(AWAY_MS + 1000);
    // Configured or not: it is the one.
    expect(guard.refuses("10.0.0.9", false)).toMatch(/no new peers/);
    host.octets = 100 * MIB;
    clock.advance(1000);
    expect(guard.refuses("10.0.0.9", false)).toBeUndefined();
    expect(host.did).toContain("proceed 10.0.0.9");
  });

  it("nobody is closed when routes are not what fills the memory", () => {
    const { host, clock } = start();
    host.peers = [cost("10.0.0.1", 20), cost("10.0.0.2", 10)];
    host.octets = 1001 * MIB;
    for (let n = 0; n < 20; n++) {
      clock.advance(1000);
      host.answer();
    }
    expect(host.did.filter((one) => one.startsWith("close"))).toEqual([]);
  });

  it("is measured at once when the tables have grown", () => {
    const { host, guard } = start();
    host.peers = [cost("10.0.0.1", 400)];
    host.octets = 1001 * MIB;
    host.tables = 10 * MIB;
    guard.pulse();
    expect(host.waiting).toBeUndefined();
    host.tables = 40 * MIB;
    guard.pulse();
    expect(host.waiting).toBeDefined();
  });
});

describe("the ceiling", () => {
  it("may be raised, lowered and taken away under way", () => {
    const { host, clock, guard } = start();
    host.octets = 950 * MIB;
    clock.advance(1000);
    expect(guard.view().level).toBe("no new peers");
    guard.setLimit(0);
    expect(guard.view()).toMatchObject({ limit: 0, level: "normal" });
    expect(guard.refuses("10.0.0.1", true)).toBeUndefined();
    host.did.length = 0;
    clock.advance(60_000);
    expect(host.did).toEqual([]);
    guard.setLimit(960 * MIB);
    expect(guard.view().level).toBe("no new peers");
  });

  it("raised while a peer is away lets it come back without one, too", () => {
    const { host, clock, guard } = start();
    host.peers = [cost("10.0.0.9", 400)];
    host.octets = 1001 * MIB;
    clock.advance(1000);
    host.answer();
    guard.setLimit(0);
    expect(guard.refuses("10.0.0.9", true)).toBeUndefined();
    expect(host.did).toContain("proceed 10.0.0.9");
  });

  it("is octets, a share, or none", () => {
    expect(ceilingOctets({ octets: 5, percent: 0 }, 1000)).toBe(5);
    expect(ceilingOctets({ octets: 0, percent: 80 }, 1000)).toBe(800);
    expect(ceilingOctets({ octets: 0, percent: 0 }, 1000)).toBe(0);
  });
});

describe("fair share", () => {
  it("is what everybody would have; only who has more can be the worst", () => {
    const costs = [cost("a", 10), cost("b", 20), cost("c", 60)];
    expect(fairShare(costs)).toBe(30 * MIB);
    expect(worstOf(costs)?.address).toBe("c");
    expect(worstOf([])).toBeUndefined();
    expect(worstOf([cost("a", 0)])).toBeUndefined();
    // Alone: it is the one all the same.
    expect(worstOf([cost("a", 5)])?.address).toBe("a");
  });
});
