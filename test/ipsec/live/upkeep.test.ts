import { expect, test } from "vitest";
import {
  IDLE_BACKUP,
  planOf,
  readIkeSas,
  stepBackup,
  uncoveredOf,
  type BackupState,
  type IkeSa,
  type TunnelPlan,
  type Uncovered,
} from "../../../src/ipsec/live/index.js";
import { Succession } from "../../../src/ipsec/live/succession.js";
import { Upkeep } from "../../../src/ipsec/live/upkeep.js";
import { sideFor } from "../lib/sides.js";

const PLAN = planOf(sideFor());
const OTHER_SIDE = planOf(sideFor({}, 1));

function sa(plan: TunnelPlan, id: number, more: Partial<IkeSa> = {}, state = "INSTALLED"): IkeSa {
  const child = { name: plan.connection, uniqueid: String(id * 10), state };
  const [read] = readIkeSas({
    [plan.connection]: {
      uniqueid: String(id),
      state: "ESTABLISHED",
      "initiator-spi": String(id).padStart(16, "0"),
      "child-sas": { [`${plan.connection}-${id}`]: child },
    },
  });
  return { ...read!, ...more };
}

function decide(
  upkeep: Upkeep,
  plan: TunnelPlan,
  sas: readonly IkeSa[],
  now: number,
  wanted = true,
) {
  return upkeep.decide([plan], () => wanted, new Map([[plan.connection, sas]]), now);
}

test("what should be up and is not is begun, ever more seldom while it fails", () => {
  const upkeep = new Upkeep();
  const begun: number[] = [];
  for (let second = 0; second < 200; second++) {
    if (decide(upkeep, PLAN, [], second * 1000).length > 0) begun.push(second);
  }
  expect(begun).toEqual([0, 5, 15, 35, 75, 135, 195]);
  expect(decide(upkeep, PLAN, [sa(PLAN, 1)], 200_000)).toEqual([]);
  expect(decide(upkeep, PLAN, [], 200_100)).toMatchObject([{ kind: "initiate", attempt: 0 }]);
});

test("the end with the higher address leaves the beginning to the other, for a while", () => {
  const upkeep = new Upkeep();
  expect(decide(upkeep, OTHER_SIDE, [], 0)).toEqual([]);
  expect(decide(upkeep, OTHER_SIDE, [], 9_000)).toEqual([]);
  expect(decide(upkeep, OTHER_SIDE, [], 10_000)).toHaveLength(1);
});

test("what is being negotiated is not begun twice, and what is not wanted not at all", () => {
  const upkeep = new Upkeep();
  const connecting = sa(PLAN, 1, { state: "CONNECTING", children: [] });
  expect(decide(upkeep, PLAN, [connecting], 0)).toEqual([]);
  const busy = sa(PLAN, 1, { tasks: ["QUICK_MODE"], children: [] });
  expect(decide(upkeep, PLAN, [busy], 0)).toEqual([]);
  expect(decide(upkeep, PLAN, [], 0, false)).toEqual([]);
  expect(decide(upkeep, PLAN, [sa(PLAN, 1, { state: "DELETING" })], 0)).toHaveLength(1);
});

test("an SA without its child is given one", () => {
  const upkeep = new Upkeep();
  const actions = decide(upkeep, PLAN, [sa(PLAN, 1, { children: [] })], 0);
  expect(actions).toMatchObject([{ kind: "initiate", child: PLAN.connection }]);
});

test("IPS-88: of two SAs both ends keep the same one, after a renewal's time", () => {
  const east = new Upkeep();
  const west = new Upkeep();
  const both = (plan: TunnelPlan): IkeSa[] => [sa(plan, 3), sa(plan, 7)];
  expect(decide(east, PLAN, both(PLAN), 0)).toEqual([]);
  expect(decide(west, OTHER_SIDE, both(OTHER_SIDE), 0)).toEqual([]);
  const gone = [
    ...decide(east, PLAN, both(PLAN), 20_000),
    ...decide(west, OTHER_SIDE, both(OTHER_SIDE), 20_000),
  ];
  expect(gone).toMatchObject([
    { kind: "terminate-double", ikeId: 3 },
    { kind: "terminate-double", ikeId: 3 },
  ]);
  expect(decide(east, PLAN, [sa(PLAN, 7)], 20_100)).toEqual([]);
});

test("IPS-93: the backup takes over late, gives back late, and does not follow a flapping line", () => {
  const times = { takeOverAfterSeconds: 10, returnAfterSeconds: 60 };
  let state: BackupState = IDLE_BACKUP;
  const step = (up: boolean, second: number): boolean => {
    state = stepBackup(state, up, times, second * 1000);
    return state.active;
  };
  expect(step(true, 0)).toBe(false);
  expect(step(false, 1)).toBe(false);
  expect(step(false, 10)).toBe(false);
  // Up for a moment: the time begins anew.
  expect(step(true, 10.5)).toBe(false);
  expect(step(false, 11)).toBe(false);
  expect(step(false, 20)).toBe(false);
  expect(step(false, 21)).toBe(true);
  for (let second = 22; second < 80; second += 2) expect(step(second % 4 === 0, second)).toBe(true);
  expect(step(true, 100)).toBe(true);
  expect(step(true, 159)).toBe(true);
  expect(step(true, 160)).toBe(false);
});

test("IPS-84: networks that negotiation left out are named", () => {
  const missing = (
    [local, remote]: readonly [string, string],
    near: readonly string[],
    far: readonly string[],
    more: { readonly protocol?: number; readonly remotePort?: number } = {},
  ): Uncovered[] => {
    const selector = { local, remote, protocol: 0, localPort: 0, remotePort: 0, ...more };
    const child = { name: "c", localSelector: local, remoteSelector: remote, selector };
    const negotiated = { name: "c", localSelectors: near, remoteSelectors: far };
    const one = sa(PLAN, 1);
    return uncoveredOf([child], [{ ...one, children: [{ ...one.children[0]!, ...negotiated }] }]);
  };
  const pair = ["10.1.0.0/24", "10.2.0.0/23"] as const;
  expect(missing(pair, ["10.1.0.0/24"], ["10.2.0.0/23"])).toEqual([]);
  expect(missing(pair, ["10.1.0.0/16"], ["10.2.0.0/16"])).toEqual([]);
  expect(missing(pair, ["10.1.0.0/24"], ["10.2.1.0/24"])).toEqual([
    { local: "10.1.0.0/24", remote: "10.2.0.0/24", protocol: 0 },
  ]);
  expect(missing(pair, ["10.1.0.0/25"], ["10.2.0.0/23"])).toEqual([
    { local: "10.1.0.128/25", remote: "10.2.0.0/23", protocol: 0 },
  ]);
  const web = { protocol: 6, remotePort: 80 };
  expect(missing(pair, ["10.1.0.0/24[tcp]"], ["10.2.0.0/23[tcp/http]"], web)).toEqual([]);
  expect(missing(pair, ["10.1.0.0/24[tcp]"], ["10.2.0.0/23[tcp/http]"])).toHaveLength(1);
  const six = ["2001:db8:1::/48", "2001:db8:2::/48"] as const;
  expect(missing(six, ["2001:db8:1::/48"], ["2001:db8:2::/49"])).toMatchObject([
    { remote: "2001:db8:2:8000::/49" },
  ]);
});

test("IPS-92: SAs of the definition before go when those of the new one are up, and not sooner", () => {
  const succession = new Succession();
  const old = sa(PLAN, 1);
  succession.changed(PLAN.tunnel, [old]);
  expect(succession.current(PLAN.tunnel, [old])[0]?.children).toEqual([]);
  expect(succession.decide(PLAN, [old])).toEqual([]);
  const fresh = sa(PLAN, 2);
  expect(succession.decide(PLAN, [old, sa(PLAN, 2, {}, "CREATED")])).toEqual([]);
  expect(succession.decide(PLAN, [old, fresh])).toEqual([{ kind: "end-ike", id: 1 }]);
  expect(succession.decide(PLAN, [old, fresh])).toEqual([]);
});

test("a new child under the old IKE SA leaves that alone", () => {
  const succession = new Succession();
  const old = sa(PLAN, 1);
  succession.changed(PLAN.tunnel, [old]);
  const child = { ...old.children[0]!, uniqueId: 99 };
  const shared = { ...old, children: [...old.children, child] };
  expect(succession.decide(PLAN, [shared])).toEqual([{ kind: "end-child", id: 10 }]);
});

test("IPS-88: of two children of one name both ends keep the same one", () => {
  const twice = (flip: boolean, plan: TunnelPlan): IkeSa => {
    const one = sa(plan, 1);
    const child = one.children[0]!;
    const pair = (uniqueId: number, a: string, b: string) => ({
      ...child,
      uniqueId,
      spiIn: flip ? b : a,
      spiOut: flip ? a : b,
    });
    return { ...one, children: [pair(11, "aa", "01"), pair(12, "0b", "ff")] };
  };
  for (const [flip, plan] of [
    [false, PLAN],
    [true, OTHER_SIDE],
  ] as const) {
    const upkeep = new Upkeep();
    expect(decide(upkeep, plan, [twice(flip, plan)], 0)).toEqual([]);
    expect(decide(upkeep, plan, [twice(flip, plan)], 10_000)).toEqual([
      { kind: "terminate-double-child", tunnel: plan.tunnel, childId: 11 },
    ]);
  }
});
