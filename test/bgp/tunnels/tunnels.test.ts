/** Routes whose next hop lies behind a tunnel: held or the last choice, hold-down, and what hangs on each. */
import { beforeEach, describe, expect, test } from "vitest";
import { HoldReason } from "../../../src/bgp/rib/hold.js";
import type { TunnelRisk } from "../../../src/bgp/tunnels/control.js";
import { Tunnels } from "../../../src/bgp/tunnels/tunnels.js";
import type { TunnelChange, VtepItem } from "../../../src/contract.js";
import { silentLog } from "../../../src/util/log.js";
import { guard, required } from "../lib/gatekeeper.js";
import { evpnUpdate, evpnWithdraw, Speaker, type Line } from "../lib/speaker.js";
import { key, mac } from "../lib/tables.js";

let speaker: Speaker;
let tunnels: Tunnels;
let alarms: TunnelRisk[];
let revision = 0;

beforeEach(() => {
  speaker = new Speaker();
  const { reflector } = speaker;
  tunnels = new Tunnels(
    { table: reflector.table, policies: reflector.policies, later: (job) => reflector.later(job) },
    speaker.clock,
    silentLog,
  );
  alarms = [];
  tunnels.onAlarm = (alarm) => alarms.push(alarm);
});

function item(
  name: string,
  state: "up" | "down" | "unverified",
  vteps = ["10.0.0.0/24"],
): TunnelChange {
  return {
    kind: "item",
    item: { key: name, revision: ++revision, state, reason: `it is ${state}`, since: 0, vteps },
  };
}

function tell(...changes: TunnelChange[]): void {
  tunnels.take(changes);
  speaker.run();
}

/** Two clients; the first announces two MACs with next hop 10.0.0.1. */
function announced(): [Line, Line] {
  const [source, listener] = [speaker.up(), speaker.up()];
  source.say(evpnUpdate([mac(1, 100), mac(2, 100)]));
  speaker.run();
  return [source, listener];
}

function holds(): HoldReason[] {
  const { table } = speaker.reflector;
  const reasons: HoldReason[] = [];
  for (let dest = 1; dest < table.destinationLimit; dest++) {
    if (!table.exists(dest)) continue;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      reasons.push(table.pathHold(path));
    }
  }
  return reasons;
}

const HOLD = { effect: "hold", holdDownSeconds: 10 } as const;
const BOTH = [`+${key(mac(1))}`, `+${key(mac(2))}`];
const GONE = [`-${key(mac(1))}`, `-${key(mac(2))}`];

describe("effect", () => {
  test("none by default: a tunnel that is down changes no route", () => {
    const [, listener] = announced();
    expect(listener.takeKeys().sort()).toEqual(BOTH);
    tell(item("t", "down"), { kind: "sync" });
    expect(listener.takeKeys()).toEqual([]);
    expect(speaker.reflector.policies.engine.tunnels).toBeUndefined();
  });

  test("hold: routes go when the tunnel does, and are back after the hold-down", () => {
    tunnels.configure(HOLD);
    const [source, listener] = announced();
    listener.takeKeys();
    tell(item("t", "up"), { kind: "sync" });
    expect(listener.takeKeys()).toEqual([]);
    tell(item("t", "down"));
    expect(listener.takeKeys().sort()).toEqual(GONE);
    expect(holds()).toEqual([HoldReason.Tunnel, HoldReason.Tunnel]);
    source.say(evpnUpdate([mac(3, 100)]));
    speaker.run();
    expect(listener.takeKeys()).toEqual([]);
    tell(item("t", "up"));
    expect(listener.takeKeys()).toEqual([]);
    speaker.clock.advance(10_000);
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual([...BOTH, `+${key(mac(3))}`]);
    expect(speaker.reflector.audit()).toEqual([]);
  });

  test("a tunnel that flaps within the hold-down gives nothing back", () => {
    tunnels.configure(HOLD);
    const [, listener] = announced();
    tell(item("t", "up"), { kind: "sync" });
    tell(item("t", "down"));
    listener.takeKeys();
    for (let flap = 0; flap < 5; flap++) {
      tell(item("t", "up"));
      speaker.clock.advance(5000);
      tell(item("t", "down"));
    }
    expect(listener.takeKeys()).toEqual([]);
    expect(alarms.length).toBeLessThanOrEqual(1);
  });

  test("unverified counts as down; a tunnel that is removed lets its routes go", () => {
    tunnels.configure(HOLD);
    const [, listener] = announced();
    tell(item("t", "up"), { kind: "sync" });
    listener.takeKeys();
    tell(item("t", "unverified"));
    expect(listener.takeKeys().sort()).toEqual(GONE);
    tell({ kind: "gone", key: "t", revision: ++revision });
    expect(listener.takeKeys().sort()).toEqual(BOTH);
  });

  test("depreference: the route stays, as the last choice", () => {
    tunnels.configure({ ...HOLD, effect: "depreference" });
    const [, listener] = announced();
    tell(item("t", "up"), { kind: "sync" });
    listener.take();
    tell(item("t", "down"));
    const preferences = listener
      .take()
      .flatMap((received) =>
        received.kind === "announce"
          ? received.attributes.filter(({ code }) => code === 5).map(({ value }) => value)
          : [],
      );
    expect(new Set(preferences)).toEqual(new Set(["00000000"]));
    expect(holds()).toEqual([HoldReason.None, HoldReason.None]);
  });

  test("a reload turns it off and on, on the routes that are there", () => {
    const [, listener] = announced();
    tell(item("t", "down"), { kind: "sync" });
    listener.takeKeys();
    tunnels.configure(HOLD);
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual(GONE);
    tunnels.configure({ ...HOLD, effect: "off" });
    speaker.run();
    expect(listener.takeKeys().sort()).toEqual(BOTH);
  });

  test("why it is held is told in words", async () => {
    tunnels.configure(HOLD);
    announced();
    tell(item("t", "down"), { kind: "sync" });
    const { table, policies } = speaker.reflector;
    const attr = table.pathReceived(table.firstPath(1));
    expect(policies.engine.tunnels?.why(attr)).toBe("tunnel t is down: it is down");
    await Promise.resolve();
  });
});

describe("which tunnel decides", () => {
  beforeEach(() => {
    tunnels.configure({ ...HOLD, holdDownSeconds: 0 });
  });

  test("the longest prefix, then any tunnel that is up", () => {
    const [, listener] = announced();
    tell(item("wide", "up", ["10.0.0.0/8"]), item("narrow", "down", ["10.0.0.0/30"]), {
      kind: "sync",
    });
    expect(holds()).toEqual([HoldReason.Tunnel, HoldReason.Tunnel]);
    tell(item("second", "up", ["10.0.0.0/30"]));
    expect(holds()).toEqual([HoldReason.None, HoldReason.None]);
    tell(item("second", "down", ["10.0.0.0/30"]));
    expect(holds()).toEqual([HoldReason.Tunnel, HoldReason.Tunnel]);
    listener.takeKeys();
  });

  test("next hops behind no tunnel are left alone; IPv6 prefixes hold no IPv4 next hop", () => {
    announced();
    tell(item("t", "down", ["10.9.0.0/16", "::/0"]), { kind: "sync" });
    expect(holds()).toEqual([HoldReason.None, HoldReason.None]);
  });

  test("after a reset what was known holds until the sync; then what was not named is gone", () => {
    announced();
    tell(item("t", "down"), { kind: "sync" });
    tell({ kind: "reset" });
    expect(holds()).toEqual([HoldReason.Tunnel, HoldReason.Tunnel]);
    tell({ kind: "sync" });
    expect(holds()).toEqual([HoldReason.None, HoldReason.None]);
  });

  test("an item applied twice changes nothing", () => {
    announced();
    const down = item("t", "down");
    tell(down, { kind: "sync" });
    const before = speaker.reflector.table.log.tail;
    tell(down);
    expect(speaker.reflector.table.log.tail).toBe(before);
  });
});

describe("what hangs on it", () => {
  test("an alarm when it goes down, with VTEPs, routes and MACs", async () => {
    announced();
    tell(item("t", "up"), { kind: "sync" });
    tell(item("t", "down"));
    await Promise.resolve();
    expect(alarms).toMatchObject([
      { tunnel: "t", routes: 2, macs: 2, vteps: [{ address: "10.0.0.1", present: true }] },
    ]);
    expect(alarms[0]?.rows.map(({ vtep }) => vtep)).toEqual(["10.0.0.1", "10.0.0.1"]);
  });

  test("counts outlive the routes", async () => {
    const [source] = announced();
    const items: VtepItem[] = [];
    tunnels.subscribe((changes) => {
      for (const change of changes) if (change.kind === "item") items.push(change.item);
    });
    tell(item("t", "up"), { kind: "sync" });
    source.say(evpnWithdraw([mac(1, 100), mac(2, 100)]));
    speaker.run();
    const listed = tunnels.list();
    speaker.run();
    expect(await listed).toMatchObject([
      { tunnel: "t", macsAtRisk: 2, vteps: [{ address: "10.0.0.1", present: false, macs: 2 }] },
    ]);
    expect(items.map(({ key: address, state, routes }) => [address, state, routes])).toEqual([
      ["10.0.0.1", "present", 2],
      ["10.0.0.1", "left", 2],
    ]);
  });

  test("a tunnel beside another that carries has nothing at risk; one that nobody knows is refused", async () => {
    announced();
    tell(item("t", "up"), item("u", "up"), { kind: "sync" });
    const risk = tunnels.risk("t");
    speaker.run();
    expect(await risk).toMatchObject({ macs: 0, vteps: [] });
    await expect(tunnels.risk("x")).rejects.toMatchObject({ code: "not-found" });
  });
});

test("ASM-03: next hops of a peer that is not trusted are none of the fabric's VTEPs", async () => {
  const { gate } = guard(speaker);
  const address = "10.0.0.66";
  const vnf = speaker.up({ address, id: 66, trust: required() });
  vnf.say(evpnUpdate([mac(1, 100)]));
  tell(item("t", "up"), { kind: "sync" });
  const vteps = async (): Promise<number> => {
    const asked = tunnels.list();
    speaker.run();
    return (await asked)[0]!.vteps.length;
  };
  expect(await vteps()).toBe(0);
  gate.set(address, "trusted");
  speaker.run();
  expect(await vteps()).toBe(1);
});
