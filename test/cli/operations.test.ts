/** evpnctl maintenance and show interest, through the HTTP door, with a fake speaker behind. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { HttpDoor } from "../../src/api/index.js";
import type { InterestDetail, MaintenanceView } from "../../src/bgp/control.js";
import type { InterestDetailAnswer, MaintenanceAnswer } from "../../src/cli/operations-wire.js";
import { FakeControl, SUMMARY } from "../lib/fake-control.js";
import { openDoor } from "./lib/door.js";
import { evpnctl } from "./lib/host.js";

export const fits: [
  (view: MaintenanceView) => MaintenanceAnswer,
  (view: InterestDetail) => InterestDetailAnswer,
] = [(view) => view, (view) => view];

let control: FakeControl;
let door: HttpDoor | undefined;

beforeEach(async () => {
  control = new FakeControl();
  door = await openDoor(control);
});
afterEach(() => door?.close());

const run = (words: string) => evpnctl(words, { url: `http://${door?.address}` });

const SINCE = 1_700_000_000_000;
const ACTIVE: MaintenanceView = {
  active: true,
  all: true,
  named: [],
  since: SINCE,
  then: "shutdown",
  drained: false,
  peers: [
    { peer: "10.0.0.1", state: "draining", since: SINCE, secondsLeft: 12 },
    { peer: "2001:db8::1", state: "marking", since: SINCE, secondsLeft: undefined },
  ],
};

describe("maintenance", () => {
  test("on says who, how long and what then", async () => {
    control.maintenanceView = ACTIVE;
    const { code, out } = await run("maintenance on --all --drain 5m --then shutdown --text swap");
    expect(code).toBe(0);
    expect(control.calls).toEqual([
      ["beginMaintenance", { peers: "all", drainSeconds: 300, then: "shutdown", text: "swap" }],
    ]);
    expect(out).toMatch(/^Maintenance: all peers$/m);
    expect(out).toMatch(/^10\.0\.0\.1 +draining +\S+ +12 s$/m);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  test("names peers, and ends for them", async () => {
    await run("maintenance on --peer 10.0.0.1 10.0.0.2");
    await run("maintenance off --peer 10.0.0.1");
    expect(control.calls).toEqual([
      [
        "beginMaintenance",
        {
          peers: ["10.0.0.1", "10.0.0.2"],
          drainSeconds: 60,
          then: "nothing",
          text: "maintenance",
        },
      ],
      ["endMaintenance", ["10.0.0.1"]],
    ]);
  });

  test.each([
    ["maintenance on", "say --peer ADDRESS, or --all"],
    ["maintenance on --all --peer 10.0.0.1", "say --peer ADDRESS, or --all"],
    ["maintenance on --all --drain soon", "It must be a time: 90, 90s, 5m or 1h"],
  ])("%s is refused: %s", async (words, why) => {
    const { code, err } = await run(words);
    expect(code).toBe(2);
    expect(err).toContain(why);
    expect(control.calls).toEqual([]);
  });

  test("takes 128 octets of reason, as RFC 9003 does, and no more", async () => {
    control.maintenanceView = ACTIVE;
    expect((await run(`maintenance on --all --text ${"x".repeat(128)}`)).code).toBe(0);
    const long = await run(`maintenance on --all --text ${"ö".repeat(65)}`);
    expect(long.code).toBe(2);
    expect(long.err).toContain("the text takes 130 octets");
    expect(control.calls).toHaveLength(1);
  });

  test("shows, and says when there is nothing to show", async () => {
    expect((await run("maintenance show")).out).toBe("Nobody is in maintenance.\n");
    control.maintenanceView = ACTIVE;
    expect(JSON.parse((await run("maintenance show --json")).out)).toMatchObject({ all: true });
    const restarting = { secondsLeft: 7, waitingFor: ["10.0.0.2"] };
    control.summaryView = { ...SUMMARY, restarting, maintenance: { ...ACTIVE, drained: true } };
    const { out } = await run("show summary");
    expect(out).toMatch(/^Maintenance: +all peers for .*, drained/m);
    expect(out).toMatch(/^Restart: .* of 10\.0\.0\.2, at most 7 s more$/m);
  });
});

describe("interest", () => {
  const plain = {
    group: "leaves",
    tenant: false,
    inference: "off",
    learning: false,
    wouldWithhold: undefined,
  } as const;

  test("lists what decides for each peer, and what that holds back", async () => {
    control.interestViews = [
      { ...plain, peer: "10.0.0.1", by: "list", targets: 2, withheld: 1200 },
      {
        ...plain,
        ...{ peer: "10.0.0.2", by: "everything", inference: "shadow" },
        ...{ targets: 3, withheld: 0, wouldWithhold: 700 },
      },
      { ...plain, peer: "10.0.0.3", by: "everything", targets: undefined, withheld: 0 },
    ];
    const { out } = await run("show interest");
    expect(out).toBe(
      [
        "Peer      By                   Targets  Tenant  Held back  Would hold",
        "10.0.0.1  list                       2               1200",
        "10.0.0.2  everything (shadow)        3                  0         700",
        "10.0.0.3  everything               all                  0",
        "",
      ].join("\n"),
    );
    expect(JSON.parse((await run("show interest --json")).out)).toHaveLength(3);
  });

  test("shows one peer's targets and examples", async () => {
    control.interestDetail = {
      ...{ ...plain, peer: "10.0.0.2", by: "inference", inference: "on" },
      ...{ targets: 2, withheld: 7 },
      targetList: [
        { target: "65000:100", by: "inference", since: SINCE },
        { target: "65000:200", by: "inference", since: SINCE, missingSince: SINCE + 1000 },
      ],
      allowed: ["65000:100", "65000:200"],
      examples: [
        {
          prefix: "2:10.0.0.1:300::0::02:00:00:00:00:01",
          peer: "10.0.0.1",
          targets: ["65000:300"],
        },
      ],
    };
    const { out } = await run("show interest 10.0.0.2");
    expect(out).toMatch(/^65000:100 +inference +\S+$/m);
    expect(out).toMatch(/^65000:200 +inference +\S+ +\S+$/m);
    expect(out).toMatch(/^Allowed: 65000:100, 65000:200$/m);
    expect(out).toMatch(/02:00:00:00:00:01 from 10\.0\.0\.1, 65000:300/);
    expect(Math.max(...out.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
    expect((await run("show interest 10.0.0.9")).code).toBe(4);
  });
});
