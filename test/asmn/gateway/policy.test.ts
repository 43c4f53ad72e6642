import { expect, test } from "vitest";
import { compilePolicy, type VnfPlaces } from "../../../src/asmn/gateway/policy.js";
import { Planner } from "../../../src/asmn/gateway/plan.js";
import { GatewayError } from "../../../src/asmn/gateway/index.js";
import { catalogOf } from "../catalog/lib.js";
import { SETTINGS } from "./lib/gateway-bench.js";

const BASE = { tenant: "acme", version: 1, descriptors: ["a", "b", "c"] };
const PLACES: VnfPlaces[] = [
  vnf("a", [["10.0.0.1", "fd00::1"]]),
  vnf("b", [["10.0.0.2"], ["10.0.0.3"]]),
  vnf("c", [["10.0.0.4"]]),
];

const NONE = { members: [], shaped: [] };

function vnf(name: string, instances: string[][], prefixes: string[] = []): VnfPlaces {
  const list = instances.map((addresses, n) => ({ id: `${name}${n}`, addresses }));
  return { vnf: name, instances: list, prefixes };
}

function flows(entries: object[], places = PLACES): string[] {
  return compilePolicy(catalogOf({ ...BASE, entries }), places).exact.map(
    ({ kind, from, to, protocol, port }) => [kind, from, to, protocol, port].join(" ").trim(),
  );
}

test("ASM-31: only what the catalog names becomes a flow, for each instance of both ends", () => {
  expect(flows([{ from: "a", to: "b", protocol: "tcp", port: 179, answers: false }])).toEqual([
    "port 10.0.0.1 10.0.0.2 6 179",
    "port 10.0.0.1 10.0.0.3 6 179",
    "fragment 10.0.0.1 10.0.0.2 6",
    "fragment 10.0.0.1 10.0.0.3 6",
  ]);
  expect(flows([])).toEqual([]);
  expect(compilePolicy(undefined, PLACES).exact).toEqual([]);
});

test("ASM-30: answers come from the port that was asked, for protocols without ports from all", () => {
  expect(flows([{ from: "a", to: "c", protocol: "icmp" }])).toEqual([
    "protocol 10.0.0.1 10.0.0.4 1",
    "back 10.0.0.4 10.0.0.1 1",
  ]);
  expect(flows([{ from: "a", to: "c", protocol: "any" }])).toEqual([
    "pair 10.0.0.1 10.0.0.4",
    "pairback 10.0.0.4 10.0.0.1",
  ]);
});

test("ASM-30: what names a VNF goes before what speaks of every one; nobody talks to himself", () => {
  const entries = [
    { from: "*", to: "*", protocol: "icmp", rate: 8000, answers: false },
    { from: "a", to: "c", protocol: "icmp", rate: 16_000, answers: false },
  ];
  const { exact, limits } = compilePolicy(catalogOf({ ...BASE, entries }), PLACES);
  // Three addresses of IPv4 in three VNFs, and the two instances of b: 4 * 3.
  expect(exact).toHaveLength(12);
  const rate = (from: string, to: string) =>
    limits[exact.find((one) => one.from === from && one.to === to)?.limits ?? -1]?.rate;
  expect(rate("10.0.0.1", "10.0.0.4")).toBe(16_000);
  expect(rate("10.0.0.2", "10.0.0.3")).toBe(8000);
});

test("ASM-35: each flow has limits of its own; a later fragment shares those of the widest one", () => {
  const entries = [
    { from: "a", to: "c", protocol: "udp", port: 1, rate: "1mbit", answers: false },
    { from: "a", to: "c", protocol: "udp", port: 2, rate: "9mbit", answers: false },
    { from: "a", to: "c", protocol: "udp", port: 3, rate: "2mbit", packets: 7, answers: false },
  ];
  const { exact, limits } = compilePolicy(catalogOf({ ...BASE, entries }), PLACES);
  expect(limits.map(({ rate }) => rate)).toEqual([1e6, 9e6, 2e6]);
  const fragment = exact.find(({ kind }) => kind === "fragment");
  expect(limits[fragment?.limits ?? -1]?.rate).toBe(9e6);
});

test("ASM-30: prefixes and ranges of ports are rules, the narrower first", () => {
  const entries = [
    { from: "a", to: "net", protocol: "tcp" },
    { from: "a", to: "net", protocol: "tcp", port: "80-90" },
    { from: "net", to: "b", protocol: "any", answers: false },
  ];
  const networks = [{ name: "net", prefixes: ["192.0.2.0/24", "2001:db8::/32"] }];
  const catalog = catalogOf({ ...BASE, networks, entries });
  const places = [...PLACES.slice(0, 1), vnf("b", [], ["10.7.0.0/16"])];
  const policy = compilePolicy(catalog, places);
  expect(policy.exact).toEqual([]);
  expect(policy.wide).toHaveLength(5);
  expect(policy.known).toEqual(["10.0.0.1", "10.7.0.0/16", "fd00::1"]);
  const script = new Planner().plan(
    {
      ...SETTINGS,
      interfaces: [{ name: "l", rate: undefined, vnfs: [{ vnf: "b", prefixes: ["10.7.0.0/16"] }] }],
    },
    catalog,
    {
      members: [
        {
          id: "1",
          vnf: "a",
          instance: "i",
          state: "trusted",
          reason: "",
          addresses: ["10.0.0.1", "fd00::1"],
          since: 0,
          until: undefined,
          catalogVersion: 0,
        },
      ],
      shaped: [],
    },
  ).script;
  const rules = script.split("\n").filter((line) => line.includes("check4 ip saddr {"));
  expect(rules[0]).toContain("ip daddr { 192.0.2.0/24 } meta l4proto 6 th dport 80-90 goto");
  expect(rules[1]).toMatch(/ip daddr \{ 192.0.2.0\/24 } meta l4proto 6 goto/);
  // Behind that interface is b and nobody else.
  expect(script).toContain('origin4 iifname "l" ip saddr { 10.7.0.0/16 } return');
  expect(script).toContain('origin4 iifname "l" goto spoofed');
});

test("a catalog that makes too many flows is refused with a sentence", () => {
  const many = Array.from({ length: 260 }, (_, n) => vnf(`v${n}`, [[`10.1.${n >> 8}.${n & 255}`]]));
  const descriptors = many.map(({ vnf: name }) => name);
  const entries = [{ from: "*", to: "*", protocol: "icmp" }];
  const catalog = catalogOf({ ...BASE, descriptors, entries });
  expect(() => compilePolicy(catalog, many)).toThrow(GatewayError);
});

test("ASM-34: the catalog's default action goes before the gateway's", () => {
  const plan = (abnormal: object, defaultAction: "drop" | "lower") =>
    new Planner().plan({ ...SETTINGS, defaultAction }, catalogOf({ ...BASE, ...abnormal }), NONE);
  expect(plan({}, "lower").action).toBe("lower");
  expect(plan({ abnormal: "drop" }, "lower").action).toBe("drop");
  const { script } = plan({ abnormal: "lower" }, "drop");
  expect(script).toContain("abnormal ip dscp set 8");
  expect(script).toContain("rate over 125000 bytes/second burst 16384 bytes");
  const shaped = new Planner().plan(SETTINGS, catalogOf({ ...BASE, abnormal: "lower" }), {
    ...NONE,
    shaped: ["left"],
  });
  expect(shaped.script).toContain('oifname "left" meta priority set a5e0:20');
  expect(new Planner().plan(SETTINGS, undefined, NONE).script).not.toContain("dscp");
});

test("ASM-31: of UDP and its like only what was asked for is an answer, where the kernel tracks connections", () => {
  const rules = (entry: object, tracked = true): string[] => {
    const entries = [{ from: "a", to: "c", ...entry }];
    const members = PLACES.map(({ vnf: name, instances }) => ({
      ...{ id: name, vnf: name, instance: "i", state: "trusted" as const, reason: "", since: 0 },
      ...{ addresses: instances[0]!.addresses, until: undefined, catalogVersion: 0 },
    }));
    const catalog = catalogOf({ ...BASE, entries });
    const { script } = new Planner().plan(SETTINGS, catalog, { members, shaped: [], tracked });
    return script.split("\n").filter((line) => line.includes("ct "));
  };
  const rule = "meta l4proto { 17, 33, 132, 136 } ct state invalid,related,new goto abnormal";
  const both = [4].map((family) => `add rule inet evpnd_asmn check${family} ${rule}`);
  expect(rules({ protocol: "udp", port: 53 })).toEqual(both);
  expect(rules({ protocol: "any" })).toEqual(both);
  expect(rules({ protocol: "udp", port: "5000-5010" })).toHaveLength(2);
  // Who asks for none of it pays nothing for it.
  expect(rules({ protocol: "udp", port: 53, answers: false })).toEqual([]);
  expect(rules({ protocol: "tcp", port: 179 })).toEqual([]);
  expect(rules({ protocol: "icmp" })).toEqual([]);
  expect(rules({ protocol: "udp", port: 53 }, false)).toEqual([]);
});
