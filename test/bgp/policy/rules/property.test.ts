/** Compiled rules against the interpreter: random rules, random routes, the same verdict and the same attributes. */
import { expect, it } from "vitest";
import type { RuleEntry } from "../../../../src/config/policy.js";
import { policySettings } from "../../../../src/config/policy.js";
import { formatIssue, IssueList } from "../../../../src/config/issue.js";
import { Family, labelOf, type DecodedNlri } from "../../../../src/fast-bgp-codec/index.js";
import { Random } from "../../../model/lib/random.js";
import { interpret } from "./interpreter.js";
import { macRoute, Rules, type Route } from "./routes.js";

const ESI = "00112233445566778899";
const NO_ESI = "0".repeat(20);
const COMMUNITIES = ["65000:1", "65000:2", "65001:1", "65535:65281"];
const EXTENDED = [
  "rt:65000:100",
  "rt:65000:200",
  "rt:10.0.0.1:100",
  "soo:65000:1",
  "encapsulation:8",
];
const LARGE = ["65000:1:1", "65000:1:2", "65001:1:1"];
const MACS = ["52:54:00:00:00:01", "52:54:00:00:00:02", "52:54:01:00:00:01", "00:50:56:00:00:01"];
const V4_HOPS = ["192.0.2.1", "192.0.2.2", "198.51.100.1"];
const V6_HOPS = ["2001:db8::1", "2001:db8:1::1"];
const PEERS = [
  { address: "10.0.0.1", groups: ["leaves"] },
  { address: "10.0.0.9", groups: ["spines", "all"] },
  { address: "2001:db8::9", groups: [] },
];

function some<T>(random: Random, list: readonly T[]): T[] {
  return list.filter(() => random.oneIn(3));
}

function randomNlri(random: Random, family: Family): DecodedNlri {
  const rd = random.pick(["0:65000:1", "0:65000:2", "1:10.0.0.1:1", "2:70000:1"]);
  const esi = random.pick([NO_ESI, ESI]);
  const ethTag = random.pick([0, 5]);
  const label = labelOf(random.pick([100, 101, 200]));
  const prefix4 = random.pick([
    "10.0.0.0/8",
    "10.1.0.0/16",
    "10.1.2.0/24",
    "11.0.0.0/8",
    "0.0.0.0/0",
  ]);
  const prefix6 = random.pick(["2001:db8::/32", "2001:db8:1::/48", "::/0"]);
  switch (family) {
    case Family.Ipv4Unicast:
      return { prefix: prefix4 };
    case Family.Ipv6Unicast:
      return { prefix: prefix6 };
    case Family.Ipv4Vpn:
      return { rd, prefix: prefix4, labels: [labelOf(label.vni24 * 2 + 1)] };
    case Family.Ipv6Vpn:
      return { rd, prefix: prefix6, labels: [labelOf(label.vni24 * 2 + 1)] };
    default:
      break;
  }
  const originator = random.pick(V4_HOPS);
  switch (random.below(6)) {
    case 0:
      return { type: 1, rd, esi: ESI, ethTag, label };
    case 1:
      return { type: 3, rd, ethTag, ipLen: 32, originator };
    case 2:
      return { type: 4, rd, esi: ESI, ipLen: 32, originator };
    case 3: {
      const [prefix = "", length] = prefix4.split("/");
      return {
        type: 5,
        rd,
        esi,
        ethTag,
        prefixLen: Number(length),
        prefix,
        gateway: "0.0.0.0",
        label,
      };
    }
    default:
      return {
        ...(macRoute({
          esi,
          tag: ethTag,
          mac: random.pick(MACS),
          ip: random.pick(["", "10.0.0.1", "10.1.0.1", "2001:db8::1"]),
          vni: label.vni24,
        }) as Extract<DecodedNlri, { type: 2 }>),
        rd,
      };
  }
}

function randomRoute(random: Random): Route {
  const family = random.weighted<Family>([
    [6, Family.Evpn],
    [2, Family.Ipv4Unicast],
    [1, Family.Ipv6Unicast],
    [1, Family.Ipv4Vpn],
    [1, Family.Ipv6Vpn],
  ]);
  const six = family === Family.Ipv6Unicast || family === Family.Ipv6Vpn;
  const nlri = randomNlri(random, family);
  return {
    family,
    nlri,
    nextHop: random.pick(six ? V6_HOPS : V4_HOPS),
    from: random.pick(PEERS),
    asPath: Array.from({ length: random.below(4) }, () => random.pick([65001, 65002, 65003])),
    med: random.pick([undefined, 0, 5, 50]),
    localPref: random.pick([undefined, 100, 200]),
    communities: some(random, COMMUNITIES),
    extended: some(random, EXTENDED),
    large: some(random, LARGE),
    pmsi: "type" in nlri && nlri.type === 3 ? random.pick([undefined, 100, 101]) : undefined,
  };
}

type Text = string | number;

/** Conditions with the values that they are drawn from. */
const CONDITIONS: readonly (readonly [string, readonly Text[]])[] = [
  ["family", ["l2vpn-evpn", "ipv4-unicast", "ipv6-vpn"]],
  ["route-type", [1, 2, 3, 4, 5]],
  ["rd", ["65000:1", "65000:*", "*:1", "10.0.0.1:*", "70000:1"]],
  ["vni", [100, "100-101", "200-16777215"]],
  ["mac", ["52:54:00:00:00:01", "52:54:00:00:00:00/24", "52:54:00:00:00:00/15"]],
  ["host", ["10.0.0.0/8", "10.0.0.1", "192.0.2.0/24", "2001:db8::/32"]],
  ["prefix", ["10.0.0.0/8", "10.0.0.0/8 ge 9 le 16", "0.0.0.0/0 le 32", "2001:db8::/32 ge 40"]],
  ["esi", [ESI, NO_ESI]],
  ["ethernet-tag", [0, "1-9"]],
  ["community", ["65000:1", "65000:*", "*:1", "65535:65281"]],
  ["large-community", ["65000:1:1", "65000:*:2", "*:*:1"]],
  ["extended-community", ["rt:65000:100", "soo:65000:1", "encapsulation:8", "rt:65000:*"]],
  ["route-target", ["65000:100", "65000:*", "*:100"]],
  ["peer", ["10.0.0.1", "10.0.0.0/24", "2001:db8::9", "group:leaves", "group:all"]],
  ["next-hop", ["192.0.2.1", "192.0.2.0/24", "2001:db8::/48"]],
  ["local-preference", [100, "150-300", 7]],
  ["med", [0, "1-10", 77]],
];

const PATHS: readonly (readonly [string, readonly Text[]])[] = [
  ["length", [0, 1, "2-3"]],
  ["contains", [65001, "65002-65003"]],
  ["origin", [65001, 65003]],
  ["neighbor", ["65001-65002"]],
  ["pattern", [".* 65002 .*", "65001 (65002|65003)*", ". .?", "65001{2}"]],
];

const ACTIONS: readonly (readonly [string, readonly unknown[]])[] = [
  ["local-preference", [100, 7, 250]],
  ["med", [0, 77]],
  ["next-hop", ["192.0.2.2", "2001:db8::5", "self"]],
  ["as-path-prepend", [1, 2]],
  [
    "community",
    [{ add: "65000:1" }, { delete: "65000:*", add: ["65001:1"] }, { set: ["65000:2"] }],
  ],
  ["large-community", [{ add: "65000:1:2" }, { delete: "*:*:1" }, { set: [] }]],
  ["extended-community", [{ add: "soo:65000:1" }, { delete: ["encapsulation:8", "soo:65000:*"] }]],
  ["route-target", [{ add: "65000:100" }, { set: ["65000:200"] }, { delete: "*:100" }]],
];

function randomRule(random: Random): RuleEntry {
  const match: Record<string, unknown> = {};
  const add = (
    into: Record<string, unknown>,
    [key, values]: readonly [string, readonly Text[]],
  ) => {
    const list = [...new Set([random.pick(values), random.pick(values)])];
    into[key] = list.length === 1 && random.oneIn(2) ? list[0] : list;
  };
  for (let i = random.below(3); i > 0; i--) {
    if (random.oneIn(6)) {
      const path: Record<string, unknown> = {};
      add(path, random.pick(PATHS));
      match["as-path"] = path;
    } else add(match, random.pick(CONDITIONS));
  }
  const then = random.weighted<RuleEntry["then"]>([
    [5, "continue"],
    [2, "accept"],
    [2, "reject"],
    [1, "quarantine"],
  ]);
  const set: Record<string, unknown> = {};
  for (let i = random.below(3); i > 0; i--) {
    const [key, values] = random.pick(ACTIONS);
    set[key] = random.pick(values);
  }
  if (then === "continue") set["local-preference"] ??= random.pick([100, 150, 200]);
  return { match, set, then } as RuleEntry;
}

const SEEDS = Array.from({ length: 60 }, (_, i) => i + 1);
const ROUTES = 120;

it.each(SEEDS)("random rules and routes, seed %i", (seed) => {
  const random = new Random(seed);
  const entries = Array.from({ length: 1 + random.below(seed % 5 === 0 ? 60 : 12) }, () =>
    randomRule(random),
  );
  const issues = new IssueList(() => ({ file: "", line: undefined, column: undefined }));
  const policies = policySettings({ p: entries }, {}, undefined, issues);
  expect(issues.items.filter(({ severity }) => severity === "error").map(formatIssue)).toEqual([]);
  const rules = new Rules(policies);
  // Sets that stay, so that ids are shared, go and come back.
  const held: number[] = [];
  const routes = Array.from({ length: ROUTES }, () => randomRoute(random));
  for (let i = 0; i < ROUTES * 2; i++) {
    const one = random.pick(routes);
    if (random.oneIn(4)) held.push(rules.intern(one));
    if (held.length > 0 && random.oneIn(5)) rules.attrs.release(held.pop()!);
    const found = rules.decide(one);
    const wanted = interpret(entries, one);
    if (found.verdict !== "accept") {
      expect([found.verdict, found.rule]).toEqual([wanted.verdict, wanted.rule]);
    } else {
      expect(sorted(found)).toEqual(sorted(wanted));
    }
  }
  for (const attr of held) rules.attrs.release(attr);
  expect(rules.attrs.count).toBe(0);
});

/** Where route targets stand among extended communities says nothing. */
function sorted<T extends { readonly extended: readonly string[] }>(one: T): T {
  return { ...one, extended: [...one.extended].sort() };
}
