import { expect, test } from "vitest";
import { SPEAKER_DEFAULTS, PEER_OPTION_DEFAULTS } from "../../src/bgp/settings.js";
import { rulesToWarmUp, warmUp } from "../../src/bgp/warm-up.js";
import { PEER_POLICY_DEFAULTS, type PolicySettings } from "../../src/bgp/policy/rules/settings.js";
import { systemClock } from "../../src/util/clock.js";

test("the warm-up goes through every kind of change and leaves nothing", () => {
  const stats = warmUp(systemClock, 65000);
  expect(stats["updates_total"]).toBeGreaterThan(1000);
  // Every route is announced, moved, and withdrawn or lost.
  expect(stats["best_path_changes_total"]).toBe(3 * 4 * 250 * 10);
  expect(stats).toMatchObject({ sessions: 0, routes: 0, destinations: 0, attribute_sets: 0 });
  expect(stats).toMatchObject({ tombstones: 0, log_entries: 0, nlri_dropped_in_sessions: 0 });
});

const policies: readonly PolicySettings[] = [
  {
    name: "lab",
    rules: [
      {
        name: "lab macs",
        text: "lab macs",
        match: { macs: [{ value: "005056000000", mask: "ffffff000000" }] },
        set: {},
        then: "reject",
      },
    ],
  },
];
const NO_RULES = { ...SPEAKER_DEFAULTS, as: 65000, routerId: "192.0.2.9", clusterId: "192.0.2.9" };
const ruled = {
  ...PEER_OPTION_DEFAULTS,
  policy: { ...PEER_POLICY_DEFAULTS, importPolicies: ["lab"], exportPolicies: ["lab"] },
};
const settings = {
  ...NO_RULES,
  policies,
  peers: [
    { ...PEER_OPTION_DEFAULTS, address: "192.0.2.1" },
    { ...ruled, address: "192.0.2.2" },
  ],
};

test("rules that peers have are warmed up, and change nothing of what is left", () => {
  const rules = rulesToWarmUp(settings);
  expect(rules?.policy.importPolicies).toEqual(["lab"]);
  const stats = warmUp(systemClock, 65000, rules);
  expect(stats).toMatchObject({ sessions: 0, routes: 0, destinations: 0, attribute_sets: 0 });
});

test("without rules, and with more than a start should wait for, there are none to warm up", () => {
  expect(rulesToWarmUp(NO_RULES)).toBeUndefined();
  const many = Array.from({ length: 300 }, () => policies[0]!);
  expect(rulesToWarmUp({ ...settings, policies: many })).toBeUndefined();
});
