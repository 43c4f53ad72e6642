/** The FIB under reload: what is in quarantine stays so, whatever becomes of the FIB; and over a restart. */
import { describe, expect, it } from "vitest";
import type { DaemonSettings } from "../../src/config/index.js";
import { FibReader } from "../../src/fib/fib-reader.js";
import type { FibPage, FibSettings, MacView } from "../../src/fib/index.js";
import { FibSwitch } from "../../src/reload/fib-switch.js";
import { KvStore, MemoryKv } from "../../src/store/index.js";
import { messageOf, MAC, Receiver } from "../fib/quarantine/lib/rig.js";
import { settings } from "../fib/lib/route.js";
import { Speaker, type Line } from "../bgp/lib/speaker.js";
import { EVPN_ONLY } from "../model/lib/peer.js";

const DUPLICATES = {
  moves: 5,
  seconds: 180,
  action: "hold" as const,
  releaseSeconds: 600,
  rateSeconds: 10,
  exemptMacs: [],
  exemptOuis: [],
};

class Bench {
  readonly speaker = new Speaker();
  readonly receiver = new Receiver(900, { address: "10.8.0.9", id: 900 });
  readonly fib: FibSwitch;
  private readonly lines: Line[];
  private current: FibSettings | undefined;

  constructor(first: FibSettings | undefined) {
    const { reflector, clock } = this.speaker;
    this.current = first;
    this.fib = new FibSwitch(
      {
        table: reflector.table,
        attachReader: (reader) => reflector.attachReader(reader),
        detachReader: (reader) => reflector.detachReader(reader),
        holds: {
          setScreen: (screen) => reflector.policies.setScreen(screen),
          reconsider: (dests) => reflector.policies.reconsiderAll(dests),
        },
      },
      clock,
      first,
    );
    this.lines = [1, 2].map((pe) =>
      this.speaker.up({ address: `10.9.0.${pe}`, id: pe, families: EVPN_ONLY }),
    );
    reflector.established(this.receiver.session);
    this.speaker.run();
  }

  say(pe: number, sequence: number): void {
    this.lines[pe - 1]!.say(messageOf(pe, { sequence }));
    this.speaker.run();
  }

  flap(): this {
    for (let n = 0; n <= 5; n++) this.say(1 + (n % 2), n);
    return this;
  }

  reload(next: FibSettings | undefined): readonly string[] {
    const as = (fib: FibSettings | undefined) => ({ fib }) as unknown as DaemonSettings;
    const lines = this.fib.apply(as(this.current), as(next));
    this.current = next;
    this.speaker.run();
    this.speaker.clock.advance(1000);
    this.speaker.run();
    return lines;
  }

  async rows() {
    return (await this.fib.quarantine!.list({})).rows;
  }
}

const WITH = settings({ duplicates: DUPLICATES });
const NAMED = settings({
  duplicates: DUPLICATES,
  domains: [
    {
      name: "other",
      service: "vlan-based",
      routeTargets: ["65000:300"],
      ethernetTag: undefined,
      vni: undefined,
      duplicates: undefined,
    },
  ],
});

describe("a reload", () => {
  it("of the rules for duplicates makes no other FIB", async () => {
    const bench = new Bench(WITH).flap();
    const { control } = bench.fib;
    expect(bench.receiver.hops).toEqual(["0a000002"]);
    const lines = bench.reload(settings({ duplicates: { ...DUPLICATES, action: "none" } }));
    expect(lines).toEqual(["MAC FIB: other rules for duplicates, in force now"]);
    expect(bench.fib.control).toBe(control);
    expect(bench.receiver.hops).toEqual(["0a000001", "0a000002"]);
    expect(await bench.rows()).toMatchObject([{ mac: MAC, duplicate: { moves: 5 } }]);
  });

  it("of one domain's rules is known to readers in other threads, too", () => {
    const of = (releaseSeconds: number): FibSettings => {
      const [domain] = NAMED.domains;
      const red = {
        ...domain!,
        routeTargets: ["65000:100"],
        duplicates: { ...DUPLICATES, releaseSeconds },
      };
      return settings({ duplicates: DUPLICATES, domains: [red] });
    };
    const bench = new Bench(of(600)).flap();
    bench.reload(of(60));
    const { handles, fib } = bench.fib;
    const read = new FibReader(handles!).attempt((lookups) => lookups.macs({ mac: MAC }));
    const [row] = (read as FibPage<MacView>).rows;
    expect(row?.quarantine).toBeDefined();
    expect(row?.quarantine).toEqual(fib!.view.mac(row!.id)?.quarantine);
  });

  it("that makes another FIB hands quarantines over, and nobody is sent anything", async () => {
    const bench = new Bench(WITH).flap();
    const { changes } = bench.receiver;
    const { control } = bench.fib;
    bench.reload(NAMED);
    expect(bench.fib.control).not.toBe(control);
    expect(bench.receiver.hops).toEqual(["0a000002"]);
    expect(bench.receiver.changes).toBe(changes);
    expect(await bench.rows()).toMatchObject([
      { mac: MAC, domain: "65000:100", held: 1, quarantine: { state: "hold", pe: "10.0.0.2" } },
    ]);
    bench.say(1, 20);
    expect(bench.receiver.hops).toEqual(["0a000002"]);
    expect(await bench.fib.quarantine!.release(MAC)).toEqual(["65000:100"]);
    bench.speaker.run();
    expect(bench.receiver.hops).toEqual(["0a000001", "0a000002"]);
  });

  it("that turns the FIB off lets everything go; on again, it begins anew", async () => {
    const bench = new Bench(WITH).flap();
    bench.reload(undefined);
    expect(bench.receiver.hops).toEqual(["0a000001", "0a000002"]);
    expect(bench.fib.quarantine).toBeUndefined();
    bench.reload(WITH);
    expect(await bench.rows()).toEqual([]);
    for (let n = 6; n < 12; n++) bench.say(1 + (n % 2), n);
    expect(bench.receiver.hops).toHaveLength(1);
  });
});

describe("a restart", () => {
  it("takes up what was in quarantine before the first route", async () => {
    const before = new Bench(WITH);
    const store = new KvStore(new MemoryKv(), before.speaker.clock);
    await before.fib.restore(store);
    before.flap();
    await before.fib.close();
    const after = new Bench(WITH);
    await after.fib.restore(store);
    after.say(1, 4);
    expect(after.receiver.hops).toEqual([]);
    after.say(2, 5);
    expect(after.receiver.hops).toEqual(["0a000002"]);
    expect(await after.rows()).toMatchObject([
      { mac: MAC, duplicate: { moves: 5 }, quarantine: { state: "hold" }, held: 1 },
    ]);
  });

  it("knows nothing of what a reload before it let go", async () => {
    const before = new Bench(WITH);
    const { clock } = before.speaker;
    const kv = new MemoryKv();
    const store = new KvStore(kv, clock);
    await before.fib.restore(store);
    before.flap();
    await written(clock);
    expect(await keptIn(store)).toHaveLength(1);
    before.reload(undefined);
    await written(clock);
    expect(await keptIn(store)).toEqual([]);
    before.reload(WITH);
    await before.fib.close();
    expect(await keptIn(store)).toEqual([]);
  });

  it("leaves nothing in the store of what is over, or of a FIB that is off", async () => {
    const before = new Bench(WITH);
    const store = new KvStore(new MemoryKv(), before.speaker.clock);
    await before.fib.restore(store);
    before.flap();
    await before.fib.close();
    const late = new Bench(WITH);
    late.speaker.clock.advance(3_600_000);
    await late.fib.restore(store);
    expect(await late.rows()).toEqual([]);
    await written(late.speaker.clock);
    expect(await keptIn(store)).toEqual([]);

    const again = new Bench(WITH);
    await again.fib.restore(store);
    again.flap();
    await again.fib.close();
    expect(await keptIn(store)).toHaveLength(1);
    const off = new Bench(undefined);
    await off.fib.restore(store);
    await off.fib.close();
    expect(await keptIn(store)).toEqual([]);
  });
});

function keptIn(store: KvStore): Promise<readonly unknown[]> {
  return store.scan({ prefix: "quarantine/" });
}

/** What waits to be written is. */
async function written(clock: Bench["speaker"]["clock"]): Promise<void> {
  clock.advance(1500);
  await new Promise((resolve) => setTimeout(resolve, 1));
}
