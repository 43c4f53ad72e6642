/**
 * Rules read word by word, for each route anew: slow, obvious, and by another way than the compiled
 * ones. It works on the texts of the file and on the texts that routes are shown with.
 */
import { FAMILIES, type DecodedNlri } from "../../../../src/fast-bgp-codec/index.js";
import { Family } from "../../../../src/fast-bgp-codec/family.js";
import { shortenRd } from "../../../../src/fast-bgp-codec/values/rd.js";
import type { ActionEntry, CommunityEntry, RuleEntry } from "../../../../src/config/policy.js";
import type { Attributes, Route, Verdict } from "./routes.js";

type Value = string | number;

export function interpret(rules: readonly RuleEntry[], route: Route): Verdict {
  let now: Route = route;
  for (const [index, rule] of rules.entries()) {
    if (!matches(rule.match ?? {}, now)) continue;
    const then = rule.then ?? "continue";
    if (then === "reject" || then === "quarantine") {
      return { ...attributesOf(now), verdict: then, rule: index };
    }
    now = change(rule.set ?? {}, now);
    if (then === "accept") return { ...attributesOf(now), verdict: "accept", rule: index };
  }
  return { ...attributesOf(now), verdict: "accept", rule: -1 };
}

function attributesOf(route: Route): Attributes {
  const { nextHop, asPath, med, localPref, communities, extended, large } = route;
  return { nextHop, asPath, med, localPref, communities, extended, large };
}

function matches(match: object, route: Route): boolean {
  return Object.entries(match).every(([key, given]: [string, Value | Value[] | object]) => {
    if (key === "as-path") {
      return Object.entries(given as object).every(([part, values]: [string, Value | Value[]]) =>
        listOf(values).some((value) => asPathFits(part, String(value), route)),
      );
    }
    return listOf(given as Value | Value[]).some((value) => fits(key, String(value), route));
  });
}

function listOf(values: Value | Value[]): Value[] {
  return Array.isArray(values) ? values : [values];
}

function fits(key: string, value: string, route: Route): boolean {
  const nlri: Partial<Record<string, unknown>> = { ...route.nlri };
  const evpn = route.family === Family.Evpn;
  switch (key) {
    case "family":
      return FAMILIES[route.family]!.name === value;
    case "route-type":
      return evpn && String(nlri["type"]) === value;
    case "rd":
      return typeof nlri["rd"] === "string" && starFits(value, shortenRd(nlri["rd"]));
    case "vni":
      return numberFits(value, labelOf(route));
    case "mac": {
      if (typeof nlri["mac"] !== "string") return false;
      const [octets = "", bits = "48"] = value.split("/");
      return bitsOf(nlri["mac"]).startsWith(bitsOf(octets).slice(0, Number(bits)));
    }
    case "host":
      return addressFits(value, (nlri["ip"] ?? nlri["originator"]) as string | null | undefined);
    case "prefix":
      return prefixFits(value, prefixOf(route.nlri));
    case "esi":
      return typeof nlri["esi"] === "string" && nlri["esi"] === value.replaceAll(":", "");
    case "ethernet-tag":
      return numberFits(value, nlri["ethTag"] as number | undefined);
    case "community":
      return route.communities.some((one) => starFits(value, one));
    case "large-community":
      return route.large.some((one) => starFits(value, one));
    case "extended-community":
      return route.extended.some((one) => starFits(value, one));
    case "route-target":
      return route.extended.some((one) => one.startsWith("rt:") && starFits(`rt:${value}`, one));
    case "peer": {
      const group = /^group:(.*)$/.exec(value)?.[1];
      return group === undefined
        ? addressFits(value, route.from.address)
        : route.from.groups.includes(group);
    }
    case "next-hop":
      return addressFits(value, route.nextHop);
    case "local-preference":
      return numberFits(value, route.localPref ?? 100);
    case "med":
      return numberFits(value, route.med ?? 0);
    default:
      throw new Error(`the interpreter does not know ${key}`);
  }
}

function asPathFits(part: string, value: string, { asPath }: Route): boolean {
  switch (part) {
    case "length":
      return numberFits(value, asPath.length);
    case "contains":
      return asPath.some((as) => numberFits(value, as));
    case "origin":
      return numberFits(value, asPath.at(-1));
    case "neighbor":
      return numberFits(value, asPath[0]);
    case "pattern": {
      const source = value
        .replaceAll(/\d+/g, "(?:,$&)")
        .replaceAll(".", "(?:,\\d+)")
        .replaceAll(" ", "");
      return new RegExp(`^(?:${source})$`).test(asPath.map((as) => `,${as}`).join(""));
    }
    default:
      throw new Error(`the interpreter does not know ${part}`);
  }
}

function labelOf({ nlri, pmsi }: Route): number | undefined {
  const fields: Partial<Record<string, unknown>> = { ...nlri };
  if (fields["type"] === 3) return pmsi;
  const labels = fields["labels"] as readonly { vni24: number }[] | undefined;
  const label = (fields["label1"] ?? fields["label"] ?? labels?.[0]) as
    { vni24: number } | undefined;
  return label?.vni24;
}

function prefixOf(nlri: DecodedNlri): string | undefined {
  const fields: Partial<Record<string, unknown>> = { ...nlri };
  const { prefix } = fields;
  if (typeof prefix !== "string") return undefined;
  return fields["type"] === 5 ? `${prefix}/${Number(fields["prefixLen"])}` : prefix;
}

/** `*` stands for one part between colons. */
function starFits(pattern: string, text: string): boolean {
  const [a, b] = [pattern.split(":"), text.split(":")];
  return a.length === b.length && a.every((part, i) => part === "*" || part === b[i]);
}

function numberFits(text: string, value: number | undefined): boolean {
  if (value === undefined) return false;
  const [low = 0, high = low] = text.split("-").map(Number);
  return value >= low && value <= high;
}

function prefixFits(text: string, prefix: string | undefined): boolean {
  if (prefix === undefined) return false;
  const match = /^(\S+)\/(\d+)(?: ge (\d+))?(?: le (\d+))?$/.exec(text)!;
  const [address = "", length = ""] = prefix.split("/");
  if (address.includes(":") !== match[1]!.includes(":")) return false;
  const bits = Number(match[2]);
  const all = address.includes(":") ? 128 : 32;
  const least = Number(match[3] ?? bits);
  const most = Number(match[4] ?? (match[3] === undefined ? bits : all));
  const inside = bitsOf(address).slice(0, bits) === bitsOf(match[1]!).slice(0, bits);
  return inside && Number(length) >= least && Number(length) <= most && Number(length) >= bits;
}

function addressFits(text: string, address: string | null | undefined): boolean {
  if (address === undefined || address === null) return false;
  const [network = "", length] = text.split("/");
  if (network.includes(":") !== address.includes(":")) return false;
  const bits = Number(length ?? 128);
  return bitsOf(address).slice(0, bits) === bitsOf(network).slice(0, bits);
}

/** MAC, IPv4 or IPv6 address as zeros and ones. */
function bitsOf(address: string): string {
  if (address.includes(".")) {
    return address
      .split(".")
      .map((part) => Number(part).toString(2).padStart(8, "0"))
      .join("");
  }
  const parts = address.split(":");
  if (parts.length === 6 && !address.includes("::")) {
    return parts.map((part) => parseInt(part, 16).toString(2).padStart(8, "0")).join("");
  }
  const [head = "", tail = ""] = address.split("::");
  const [before, after] = [head, tail].map((half) => (half === "" ? [] : half.split(":")));
  const zeros = Array<string>(8 - before!.length - after!.length).fill("0");
  return [...before!, ...zeros, ...after!]
    .map((part) => parseInt(part, 16).toString(2).padStart(16, "0"))
    .join("");
}

function change(set: ActionEntry, route: Route): Route {
  const nextHop = set["next-hop"];
  const count = set["as-path-prepend"];
  const front = typeof count === "number" ? Array<number>(count).fill(65000) : [];
  const isTarget = (text: string): boolean => text.startsWith("rt:");
  const extended = lists(set["extended-community"], route.extended, (text) => text);
  const targets = lists(set["route-target"], extended.filter(isTarget), (text) => `rt:${text}`);
  const others = extended.filter((text) => !isTarget(text));
  return {
    ...route,
    localPref: set["local-preference"] ?? route.localPref,
    med: set.med ?? route.med,
    nextHop: nextHop === undefined ? route.nextHop : hop(nextHop, route),
    asPath: [...front, ...route.asPath],
    communities: lists(set.community, route.communities, (text) => text),
    large: lists(set["large-community"], route.large, (text) => text),
    extended: set["route-target"] === undefined ? extended : [...others, ...targets],
  };
}

function hop(value: string, { family, nextHop }: Route): string {
  const evpn = family === Family.Evpn;
  const address = value === "self" ? "192.0.2.254" : value;
  if (evpn) return value === "self" ? nextHop : address;
  return address.includes(":") === nextHop.includes(":") ? address : nextHop;
}

function lists(
  entry: CommunityEntry | undefined,
  before: readonly string[],
  full: (text: string) => string,
): string[] {
  if (entry === undefined) return [...before];
  const texts = (values: unknown): string[] =>
    values === undefined ? [] : listOf(values as Value | Value[]).map((one) => full(String(one)));
  const doomed = texts(entry.delete);
  const list =
    entry.set === undefined
      ? before.filter((one) => !doomed.some((pattern) => starFits(pattern, one)))
      : [];
  for (const one of [...texts(entry.set), ...texts(entry.add)]) {
    if (!list.includes(one)) list.push(one);
  }
  return list;
}
