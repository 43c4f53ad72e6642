/** Duplicate MACs as alarms: what counts, what does not, and how an alarm ends. */
import { describe, expect, it } from "vitest";
import {
  FibEventKind,
  type DomainSettings,
  type DuplicateSettings,
} from "../../../src/fib/index.js";
import { Fabric } from "../lib/fabric.js";
import { macIp, type AttrSpec } from "../lib/route.js";

const RULE: DuplicateSettings = {
  moves: 5,
  seconds: 180,
  action: "none",
  releaseSeconds: 60,
  rateSeconds: 10,
  exemptMacs: ["02:aa:bb:cc:dd:ee"],
  exemptOuis: ["02:0e:0e"],
};
const QUIET: DomainSettings = {
  name: "quiet",
  service: "vlan-based",
  routeTargets: ["65000:1"],
  ethernetTag: undefined,
  vni: undefined,
  duplicates: false,
};
const NERVOUS: DomainSettings = {
  ...QUIET,
  name: "nervous",
  routeTargets: ["65000:2"],
  duplicates: { moves: 2, seconds: 5, action: "none", releaseSeconds: 60, rateSeconds: 10 },
};

function fabric(): Fabric {
  return new Fabric({ duplicates: RULE, domains: [QUIET, NERVOUS] });
}

/** Moves the MAC `times` times between two PEs, `apart` milliseconds apart; events of duplicates only. */
function flap(
  on: Fabric,
  mac: string,
  times: number,
  { apart = 1000, target = "65000:100", esi, ...attr }: FlapOptions = {},
) {
  const seen = [];
  for (let n = 0; n <= times; n++) {
    const pe = n % 2;
    const nlri = macIp({ rd: `10.0.0.${pe + 1}:1`, mac, esi });
    on.announce(pe, nlri, {
      nextHop: `10.0.0.${pe + 1}`,
      targets: [target],
      sequence: n,
      ...attr,
    });
    if (n > 0) on.clock.pass(apart);
    seen.push(...on.news());
  }
  return seen.filter(
    ({ kind }) => kind === FibEventKind.Duplicate || kind === FibEventKind.DuplicateCleared,
  );
}

interface FlapOptions extends Partial<AttrSpec> {
  readonly apart?: number;
  readonly target?: string;
  readonly esi?: string;
}

const MAC = "02:00:00:00:00:01";

describe("duplicate MACs", () => {
  it("alarms at the fifth move within 180 seconds, once", () => {
    expect(flap(fabric(), MAC, 4)).toEqual([]);
    const on = fabric();
    const events = flap(on, MAC, 40);
    expect(events).toHaveLength(1);
    expect(events[0]).toMatchObject({ mac: MAC, count: 5, to: "10.0.0.2" });
    expect(on.fib.view.mac(1)?.duplicate).toMatchObject({ moves: 40 });
    expect(on.fib.duplicates.duplicates).toBe(1);
  });

  it("does not alarm at five moves that take longer", () => {
    expect(flap(fabric(), MAC, 5, { apart: 46_000 })).toEqual([]);
  });

  it("counts a move once, however many routes carry the MAC", () => {
    const on = fabric();
    for (let n = 0; n <= 4; n++) {
      const pe = n % 2;
      for (const ip of [undefined, "10.1.0.1", "10.1.0.2", "10.1.0.3"]) {
        on.announce(pe, macIp({ rd: `10.0.0.${pe + 1}:1`, mac: MAC, ip }), {
          nextHop: `10.0.0.${pe + 1}`,
          targets: ["65000:100"],
          sequence: n,
        }).read();
      }
    }
    expect(on.fib.view.mac(1)).toMatchObject({ moves: 4, duplicate: undefined });
  });

  it("leaves alone what is meant to be in many places", () => {
    expect(flap(fabric(), "00:00:5e:00:01:0a", 10)).toEqual([]);
    expect(flap(fabric(), "00:00:5e:00:02:0a", 10)).toEqual([]);
    expect(flap(fabric(), "00:00:5e:00:03:0a", 10)).toHaveLength(1);
    expect(flap(fabric(), MAC, 10, { gateway: true })).toEqual([]);
    expect(flap(fabric(), MAC, 10, { esi: "00112233445566778899" })).toEqual([]);
  });

  it("leaves alone what the settings exempt, and heeds a domain's own thresholds", () => {
    expect(flap(fabric(), "02:aa:bb:cc:dd:ee", 10)).toEqual([]);
    expect(flap(fabric(), "02:0e:0e:00:00:01", 10)).toEqual([]);
    expect(flap(fabric(), MAC, 10, { target: "65000:1" })).toEqual([]);
    expect(flap(fabric(), MAC, 2, { target: "65000:2" })).toHaveLength(1);
    expect(flap(fabric(), MAC, 2, { target: "65000:2", apart: 6000 })).toEqual([]);
  });

  it("ends an alarm when the MAC has been calm for long, and forgets it", () => {
    const on = fabric();
    flap(on, MAC, 5);
    expect(on.clock.pending).toBe(1);
    on.clock.pass(55_000);
    expect(on.news()).toEqual([]);
    on.clock.pass(10_000);
    expect(on.news()).toMatchObject([{ kind: FibEventKind.DuplicateCleared, mac: MAC }]);
    expect(on.fib.duplicates.count).toBe(0);
    expect(on.fib.view.mac(1)?.duplicate).toBeUndefined();
    expect(on.clock.pending).toBe(0);
  });

  it("ends an alarm by hand, and with the MAC", () => {
    const on = fabric();
    flap(on, MAC, 5);
    expect(on.fib.duplicates.clear(1)).toBe(true);
    expect(on.fib.duplicates.clear(1)).toBe(false);
    expect(on.news()).toMatchObject([{ kind: FibEventKind.DuplicateCleared }]);
    flap(on, "02:00:00:00:00:02", 5);
    on.lose(0).lose(1).read();
    // Gone for as long as moves are counted: sooner it may be coming back.
    on.clock.pass(200_000);
    expect(on.news().map(({ kind }) => kind)).toContain(FibEventKind.DuplicateCleared);
    expect(on.fib.duplicates.count).toBe(0);
    expect(on.fib.duplicates.duplicates).toBe(0);
  });

  it("lists the duplicates there are", () => {
    const on = fabric();
    flap(on, MAC, 5);
    flap(on, "02:00:00:00:00:02", 2);
    expect(on.fib.duplicates.page(0, 100)).toEqual({ entries: [1], next: 0 });
  });

  it("stops its timer when closed", () => {
    const on = fabric();
    flap(on, MAC, 1);
    on.fib.close();
    expect(on.clock.pending).toBe(0);
  });
});
