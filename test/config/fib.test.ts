/** The `fib` block: off by default, compiled to the FIB's settings, faults with place and remedy. */
import { describe, expect, test } from "vitest";
import { DEFAULT_FIB_SETTINGS } from "../../src/fib/index.js";
import { parseDaemonArguments } from "../../src/config/command-line.js";
import { loadConfig } from "../../src/config/index.js";
import { errorsOf, settingsOf, warningsOf } from "./lib/check.js";

const HEAD = "as: 65000\nlisten: [10.0.0.254:179]\npeers: [{address: 10.0.0.1}]\n";

test("is off by default", () => {
  expect(settingsOf(HEAD).fib).toBeUndefined();
  expect(settingsOf(`${HEAD}fib: {}\n`).fib).toBeUndefined();
});

test("turned on and nothing else: the FIB's own defaults", () => {
  expect(settingsOf(`${HEAD}fib: {enabled: true}\n`).fib).toEqual(DEFAULT_FIB_SETTINGS);
});

test("--fib turns it on, over whatever the file says", () => {
  const quiet = { out: () => {}, err: () => {} };
  for (const words of [["--fib"], ["--fib", "--config", "conf/frr-fabric.yaml"]]) {
    const parsed = parseDaemonArguments(words, quiet);
    const result = parsed.kind === "run" ? loadConfig(parsed.arguments) : undefined;
    expect(result?.ok === true && result.settings.fib).toEqual(DEFAULT_FIB_SETTINGS);
  }
});

test("everything, in the FIB's words", () => {
  const { fib } = settingsOf(`${HEAD}fib:
  enabled: true
  default-encapsulation: vxlan
  domains:
    - {name: red, route-targets: ["65000:1", 65000:2], ethernet-tag: 7, duplicates: {moves: 9}}
    - {name: blue, service: vlan-aware-bundle, route-targets: ["192.0.2.1:3"], duplicates: false}
    - {name: green, vni: 300}
  duplicates:
    seconds: 60
    release: manual
    exempt-macs: [5254.00AA.0001]
    exempt-ouis: [00-50-5A]
`);
  expect(fib).toEqual({
    defaultEncapsulation: "vxlan",
    domains: [
      {
        name: "red",
        service: "vlan-based",
        routeTargets: ["65000:1", "65000:2"],
        ethernetTag: 7,
        vni: undefined,
        duplicates: { moves: 9, seconds: 60, action: "none", releaseSeconds: 0, rateSeconds: 10 },
      },
      {
        name: "blue",
        service: "vlan-aware-bundle",
        routeTargets: ["192.0.2.1:3"],
        ethernetTag: undefined,
        vni: undefined,
        duplicates: false,
      },
      {
        name: "green",
        service: "vlan-based",
        routeTargets: [],
        ethernetTag: undefined,
        vni: 300,
        duplicates: undefined,
      },
    ],
    duplicates: {
      moves: 5,
      seconds: 60,
      action: "none",
      releaseSeconds: 0,
      rateSeconds: 10,
      exemptMacs: ["52:54:00:aa:00:01"],
      exemptOuis: ["00:50:5a"],
    },
    eventRing: DEFAULT_FIB_SETTINGS.eventRing,
  });
});

describe("faults", () => {
  const AT = "x.yaml:4";
  test.each([
    [
      "fib: {enabled: true, domains: [{name: a, vni: 1}, {name: a, vni: 2}]}",
      `${AT}:58: fib.domains[1].name: there are two domains "a"; the first is at x.yaml:4; rename one`,
    ],
    [
      "fib: {enabled: true, domains: [{name: a}]}",
      `${AT}:32: fib.domains[0]: nothing says which routes belong to domain "a"; add "route-targets" or "vni"`,
    ],
    [
      "fib: {enabled: true, domains: [{name: a, route-targets: [x]}]}",
      `${AT}:58: fib.domains[0].route-targets[0]: "x" is not usable here; write AS:NUMBER or ADDRESS:NUMBER in quotes, for example "65000:100"`,
    ],
    [
      "fib: {enabled: true, domains: [{name: a, vni: 1, duplicates: true}]}",
      `${AT}:62: fib.domains[0].duplicates: true says nothing, as duplicates are detected anyway; write false to exempt the domain, or {moves: …, seconds: …}`,
    ],
    [
      "fib: {enabled: true, duplicates: {exempt-macs: [52:54]}}",
      `${AT}:49: fib.duplicates.exempt-macs[0]: "52:54" is not usable here; write a MAC address, for example 52:54:00:00:00:01`,
    ],
    [
      "fib: {enabled: true, duplicates: {exempt-ouis: ['52:54']}}",
      `${AT}:49: fib.duplicates.exempt-ouis[0]: "52:54" is not usable here; write the first three octets of the MACs, for example 00:50:56`,
    ],
    ["fib: {enable: true}", `${AT}:7: fib.enable: unknown key "enable"; did you mean "enabled"?`],
  ])("%s", (text, wanted) => {
    expect(errorsOf(`${HEAD}${text}\n`)).toEqual([wanted]);
  });

  test("settings of a FIB that is off are warned about", () => {
    expect(warningsOf(`${HEAD}fib: {domains: [{name: a, vni: 1}]}\n`)).toEqual([
      "x.yaml:4:1: warning: fib: the MAC FIB is off, so this block does nothing; add enabled: true",
    ]);
  });
});
