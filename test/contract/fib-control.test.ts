/** The FIB's door where it is written, and in a thread that reads it as shared memory: the same answers. */
import { describe, expect, it } from "vitest";
import { LocalFibControl, SharedFibControl } from "../../src/fib/index.js";
import type { FibControl, FibPage, MacQuery, PageQuery } from "../../src/fib/index.js";
import { DEFAULT_FIB_SETTINGS } from "../../src/fib/settings.js";
import { Fabric } from "../fib/lib/fabric.js";
import { ethernetAd, imet, macIp, MAX_ET, NO_ESI, settings } from "../fib/lib/route.js";
import { addMacs, DUAL, ESI, HOST, SHARED, smallFib } from "../lib/fib.js";
import { Random } from "../model/lib/random.js";

interface Sides {
  readonly here: FibControl;
  readonly there: FibControl;
  /** Of `there`. */
  readonly counts: { read: number; retried: number; fellBack: number };
}

function sides(fabric: Fabric, change: Parameters<typeof settings>[0] = {}): Sides {
  const all = settings(change);
  const here = new LocalFibControl(fabric.fib, all.domains);
  const counts = { read: 0, retried: 0, fellBack: 0 };
  const there = new SharedFibControl({ shared: fabric.fib.shared.handles, settings: all }, here, {
    read: () => void counts.read++,
    retried: () => void counts.retried++,
    fellBack: () => void counts.fellBack++,
  });
  return { here, there, counts };
}

async function outcome(run: () => Promise<unknown>): Promise<unknown> {
  try {
    return await run();
  } catch (error) {
    const { constructor, code, message } = error as Error & { code: string };
    return { refused: constructor.name, code, message };
  }
}

async function dump<T>(
  take: (query: PageQuery) => Promise<FibPage<T>>,
  limit: number,
): Promise<T[]> {
  const rows: T[] = [];
  let cursor: string | undefined;
  do {
    const page = await take({ cursor, limit });
    rows.push(...page.rows);
    cursor = page.next;
  } while (cursor !== undefined);
  return rows;
}

describe("a small fabric", () => {
  const small = smallFib();
  addMacs(small, 300);
  const { here, there, counts } = sides(small.fabric, small.change);

  it.each<MacQuery>([
    {},
    { limit: 1 },
    { limit: 7, cursor: "1.100" },
    { mac: HOST },
    { mac: SHARED, domain: "65000:200" },
    { mac: DUAL },
    { mac: "aa:00", limit: 1000 },
    { mac: "52:54:00:00:00:00/24" },
    { mac: "de:ad:be:ef:00:00" },
    { domain: "blue/7" },
    { domain: "65000:100" },
    { vni: 200 },
    { ip: "10.1.0.1" },
    { ip: "10.1.0.2" },
    { pe: "10.0.0.2" },
    { esi: ESI },
    { claimed: ESI },
    { mac: "nonsense" },
    { domain: "nowhere" },
    { cursor: "x" },
    { ip: "300.1.1.1" },
    { esi: "00" },
  ])("MACs: %j", async (query) => {
    expect(await outcome(() => there.macs(query))).toEqual(await outcome(() => here.macs(query)));
  });

  it("cursors of the one go on in the other", async () => {
    const first = await here.macs({ limit: 30 });
    const query = { limit: 1000, cursor: first.next };
    const rest = await there.macs(query);
    expect(rest.rows).toHaveLength(275);
    expect(rest).toEqual(await here.macs(query));
  });

  it("domains, summary, segments, explanations", async () => {
    expect(await there.summary()).toEqual(await here.summary());
    expect(await there.domains({})).toEqual(await here.domains({}));
    expect(await there.domains({ limit: 1 })).toEqual(await here.domains({ limit: 1 }));
    expect(await there.segments({})).toEqual(await here.segments({}));
    expect(await there.explain(SHARED)).toEqual(await here.explain(SHARED));
    expect(await outcome(() => there.explain("00:00:00:00:00:01"))).toMatchObject({
      refused: "FibQueryError",
      code: "not-found",
    });
  });

  it("nothing of the lists was asked of the thread that writes", () => {
    expect(counts).toMatchObject({ retried: 0, fellBack: 0 });
    expect(counts.read).toBeGreaterThan(20);
  });
});

it("after any number of changes, with segments, moves and PEs that die", async () => {
  const fabric = new Fabric({ ...DEFAULT_FIB_SETTINGS, defaultEncapsulation: "vxlan" });
  const { here, there, counts } = sides(fabric, { defaultEncapsulation: "vxlan" });
  const random = new Random(20);
  const esis = [NO_ESI, NO_ESI, "00112233445566778801", "00112233445566778802"];
  for (let round = 0; round < 60; round++) {
    for (let n = 0; n < 40; n++) {
      const slot = random.below(4);
      const hop = `10.0.0.${slot + 1}`;
      const vni = 100 + random.below(3);
      const at = { nextHop: hop, targets: [`65000:${vni}`] };
      const rd = `${hop}:${vni}`;
      const host = random.below(60);
      const mac = `02:00:00:00:00:${host.toString(16).padStart(2, "0")}`;
      const ip = [
        undefined,
        `10.1.0.${host}`,
        `20010db8${"0".repeat(22)}${host.toString(16).padStart(2, "0")}`,
      ][random.below(3)];
      const route = macIp({ rd, mac, ip, label: vni, esi: esis[host % 4] });
      const esi = esis[2 + random.below(2)]!;
      const perEs = ethernetAd(`${hop}:1`, esi, MAX_ET, 0);
      switch (random.below(12)) {
        case 0:
          fabric.announce(slot, imet(rd, 0, hop), at);
          break;
        case 1:
          fabric.announce(slot, perEs, {
            ...at,
            targets: ["65000:100", "65000:101", "65000:102"],
            esiLabel: { singleActive: host % 2 === 0, label: 0 },
          });
          break;
        case 2:
          fabric.withdraw(slot, perEs);
          break;
        case 3:
          fabric.announce(slot, ethernetAd(rd, esi, 0, vni), at);
          break;
        case 4:
        case 5:
          fabric.withdraw(slot, route);
          break;
        default:
          fabric.announce(slot, route, {
            ...at,
            sequence: random.below(5),
            sticky: random.below(20) === 0,
          });
      }
    }
    if (random.below(20) === 0) fabric.lose(random.below(4));
    fabric.read();
    fabric.clock.pass(1000);
    const limit = 1 + random.below(100);
    expect(await dump((page) => there.macs(page), limit)).toEqual(
      await dump((page) => here.macs(page), 1000),
    );
    expect(await there.domains({})).toEqual(await here.domains({}));
    expect(await there.summary()).toEqual(await here.summary());
  }
  // Where equal routes of one PE differ in their second label or the like, the other thread is asked.
  expect(counts.fellBack).toBeLessThan(counts.read / 2);
});
