/**
 * A handful of policies, each twice: as the configuration hands it over, and as plain functions that
 * say what it does. Import rules make another set of a route, or none; export rules what is sent of it.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import type { PolicySettings, RuleSettings } from "../../../src/bgp/policy/rules/settings.js";
import { Code, find, put, without, type Attributes } from "./attributes.js";
import { chunks, hexOf } from "./hex.js";
import { routeTypeOf } from "./nlri.js";
import { routeTargets } from "./route-target.js";

interface Route {
  readonly family: Family;
  readonly nlri: string;
  readonly attributes: Attributes;
}

interface Rule {
  readonly when: (route: Route) => boolean;
  readonly change?: (attributes: Attributes) => Attributes;
  readonly then: RuleSettings["then"];
  readonly settings: Pick<RuleSettings, "match" | "set">;
}

const TARGET_1 = "0002fde800000065";
const MARK = hexOf(65000, 2) + hexOf(9999, 2);
const ANY = "ffffffffffffffff";

const isType = (route: Route, ...types: number[]): boolean =>
  route.family === Family.Evpn && types.includes(routeTypeOf(route.nlri));
const isNumber = (route: Route, code: number, value: number): boolean =>
  find(route.attributes, code) === hexOf(value, 4);

function withMark(attributes: Attributes): Attributes {
  const list = find(attributes, Code.Communities);
  if (chunks(list ?? "", 4).includes(MARK)) return attributes;
  const flags = attributes.find((one) => one.code === Code.Communities)?.flags ?? 0xc0;
  return put(attributes, Code.Communities, flags, (list ?? "") + MARK);
}

function withoutTarget1(attributes: Attributes): Attributes {
  const extended = attributes.find((one) => one.code === Code.ExtendedCommunities);
  if (extended === undefined) return attributes;
  const left = chunks(extended.value, 8).filter((one) => one !== TARGET_1);
  if (left.length === 0) return without(attributes, Code.ExtendedCommunities);
  return put(attributes, Code.ExtendedCommunities, extended.flags, left.join(""));
}

const POLICIES: Readonly<Record<string, readonly Rule[]>> = {
  /** Marks MAC routes and goes on; multicast routes become the first choice. */
  mark: [
    {
      when: (route) => isType(route, 2),
      change: withMark,
      then: "continue",
      settings: { match: { routeTypes: [2] }, set: { communities: { add: [MARK] } } },
    },
    {
      when: (route) => isType(route, 3, 5),
      change: (list) => put(list, Code.LocalPref, 0x40, hexOf(300, 4)),
      then: "accept",
      settings: { match: { routeTypes: [3, 5] }, set: { localPreference: 300 } },
    },
  ],
  /** Refuses by MED, keeps a target in quarantine, lowers what was preferred. */
  strict: [
    {
      when: (route) => isNumber(route, Code.Med, 10),
      then: "reject",
      settings: { match: { med: [[10, 10]] }, set: {} },
    },
    {
      when: (route) => routeTargets(route.attributes).includes("0002fde800000066"),
      then: "quarantine",
      settings: { match: { routeTargets: [{ value: "0002fde800000066", mask: ANY }] }, set: {} },
    },
    {
      when: (route) => isNumber(route, Code.LocalPref, 200),
      change: (list) => put(list, Code.LocalPref, 0x40, hexOf(50, 4)),
      then: "accept",
      settings: { match: { localPreference: [[200, 200]] }, set: { localPreference: 50 } },
    },
  ],
  /** Takes a route target away, whatever the route. */
  strip: [
    {
      when: (route) => routeTargets(route.attributes).includes(TARGET_1),
      change: withoutTarget1,
      then: "continue",
      settings: {
        match: { routeTargets: [{ value: TARGET_1, mask: ANY }] },
        set: { routeTargets: { remove: [{ value: TARGET_1, mask: ANY }] } },
      },
    },
  ],
  /** Lets only MAC and multicast routes pass where the default refuses the rest. */
  narrow: [
    {
      when: (route) => isType(route, 2, 3),
      change: (list) => put(list, Code.Med, 0x80, hexOf(77, 4)),
      then: "accept",
      settings: { match: { routeTypes: [2, 3] }, set: { med: 77 } },
    },
  ],
};

export const POLICY_NAMES = Object.keys(POLICIES);

/** The same, for the reflector. */
export const POLICY_SETTINGS: readonly PolicySettings[] = Object.entries(POLICIES).map(
  ([name, rules]) => ({
    name,
    rules: rules.map(({ then, settings }, index) => ({
      name: "",
      text: `${name} ${String(index)}`,
      then,
      ...settings,
    })),
  }),
);

/** What the rules make of the route's attributes; undefined when they keep it back. */
export function applyRules(
  names: readonly string[],
  fallback: "accept" | "reject",
  route: Route,
): Attributes | undefined {
  // Memberships are no routes, and pass by all rules.
  if (route.family === Family.RouteTarget) return route.attributes;
  let { attributes } = route;
  for (const rule of names.flatMap((name) => POLICIES[name] ?? [])) {
    if (!rule.when({ ...route, attributes })) continue;
    if (rule.then === "reject" || rule.then === "quarantine") return undefined;
    attributes = rule.change?.(attributes) ?? attributes;
    if (rule.then === "accept") return attributes;
  }
  return fallback === "accept" ? attributes : undefined;
}
