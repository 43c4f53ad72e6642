/**
 * The `policies` and `policy-sets` blocks and the peers' policy options of a file that passed the
 * schema, to `bgp/policy/rules/settings.ts`: values parsed, named sets put in, every fault with its place.
 */
import type {
  ActionSettings,
  CommunityAction,
  DefaultVerdict,
  MatchSettings,
  OctetPattern,
  PeerPolicy,
  PolicySettings,
  RuleSettings,
  Verdict,
} from "../bgp/policy/rules/settings.js";
import { parseIp } from "../fast-bgp-codec/index.js";
import { toHex } from "../util/bytes.js";
import type { ConfigPath, IssueList } from "./issue.js";
import * as kinds from "./policy-values.js";
import type { ValueKind } from "./policy-values.js";
import { suggest } from "./suggest.js";

type Values = string | number | readonly (string | number)[];

export interface AsPathEntry {
  length?: Values;
  contains?: Values;
  origin?: Values;
  neighbor?: Values;
  pattern?: Values;
}

export type MatchEntry = Partial<Record<string, Values | AsPathEntry>>;

export interface CommunityEntry {
  set?: Values;
  delete?: Values;
  add?: Values;
}

export interface ActionEntry {
  "local-preference"?: number;
  med?: number;
  "next-hop"?: string;
  "as-path-prepend"?: number | { as?: number; count: number };
  community?: CommunityEntry;
  "extended-community"?: CommunityEntry;
  "large-community"?: CommunityEntry;
  "route-target"?: CommunityEntry;
}

export interface RuleEntry {
  name?: string;
  match?: MatchEntry;
  set?: ActionEntry;
  then?: Verdict;
}

export type PoliciesEntry = Record<string, RuleEntry[]>;
export type PolicySetsEntry = Partial<Record<SetKind, Record<string, (string | number)[]>>>;

export interface PeerPolicyEntry {
  "import-policy"?: string | string[];
  "export-policy"?: string | string[];
  "import-default"?: DefaultVerdict;
  "export-default"?: DefaultVerdict;
}

export type SetKind =
  | "prefixes"
  | "macs"
  | "communities"
  | "extended-communities"
  | "large-communities"
  | "route-targets"
  | "vnis"
  | "ases";

/** A condition: where it goes, how its values are written, and the sets it takes. */
interface Row {
  readonly field: keyof MatchSettings;
  readonly kind: ValueKind<unknown>;
  readonly sets?: SetKind;
}

const U32 = 4294967295;
const u32 = kinds.numbers(U32);

const ROWS: Readonly<Record<string, Row>> = {
  family: { field: "families", kind: kinds.family },
  "route-type": { field: "routeTypes", kind: kinds.plainNumber },
  rd: { field: "rds", kind: kinds.rd },
  "route-target": { field: "routeTargets", kind: kinds.routeTarget, sets: "route-targets" },
  vni: { field: "vnis", kind: kinds.numbers(0xffffff), sets: "vnis" },
  label: { field: "labels", kind: kinds.numbers(0xfffff) },
  mac: { field: "macs", kind: kinds.mac, sets: "macs" },
  host: { field: "hosts", kind: kinds.host, sets: "prefixes" },
  prefix: { field: "prefixes", kind: kinds.prefix, sets: "prefixes" },
  esi: { field: "esis", kind: kinds.esi },
  "ethernet-tag": { field: "ethernetTags", kind: u32 },
  community: { field: "communities", kind: kinds.community, sets: "communities" },
  "extended-community": {
    field: "extendedCommunities",
    kind: kinds.extendedCommunity,
    sets: "extended-communities",
  },
  "large-community": {
    field: "largeCommunities",
    kind: kinds.largeCommunity,
    sets: "large-communities",
  },
  peer: { field: "peers", kind: kinds.peer, sets: "prefixes" },
  "next-hop": { field: "nextHops", kind: kinds.host, sets: "prefixes" },
  "local-preference": { field: "localPreference", kind: u32 },
  med: { field: "med", kind: u32 },
  "mobility-sequence": { field: "mobilitySequence", kind: u32 },
};

const AS_PATH_ROWS: Readonly<Record<string, Row>> = {
  length: { field: "asPathLength", kind: kinds.numbers(65535) },
  contains: { field: "asPathContains", kind: u32, sets: "ases" },
  origin: { field: "asPathOrigin", kind: u32, sets: "ases" },
  neighbor: { field: "asPathNeighbor", kind: u32, sets: "ases" },
  pattern: { field: "asPathPatterns", kind: kinds.asPathPattern },
};

const RULES_MAX = 1000;
/** Of all rules, sets put in: what a reload still takes in its stride. */
const VALUES_MAX = 250_000;
/** What a pattern counts for: it is run over every path, while a list is asked by one look. */
const PATTERN_WEIGHT = 1000;

/** @param groups peer groups there are, for `peer: group:NAME`; undefined when nobody knows */
export function policySettings(
  policies: PoliciesEntry,
  sets: PolicySetsEntry,
  groups: readonly string[] | undefined,
  issues: IssueList,
): PolicySettings[] {
  checkSets(sets, issues);
  const expanded = new Map<string, readonly unknown[]>();
  const total = { values: 0 };
  return Object.entries(policies).map(([name, rules]) => {
    const path = ["policies", name];
    if (rules.length > RULES_MAX) {
      issues.error(path, `it has ${rules.length} rules`, `use at most ${RULES_MAX}; sets help`);
    }
    return {
      name,
      rules: rules.map((rule, index) =>
        ruleSettings(rule, { path: [...path, index], sets, expanded, total, groups, issues }),
      ),
    };
  });
}

/** @param at where an option stands */
export function peerPolicy(
  entry: PeerPolicyEntry,
  at: (key: keyof PeerPolicyEntry) => ConfigPath,
  groups: readonly string[],
  known: readonly string[],
  issues: IssueList,
): PeerPolicy {
  const names = (key: "import-policy" | "export-policy"): string[] => {
    const given = entry[key] ?? [];
    const list = typeof given === "string" ? [given] : given;
    for (const name of list) {
      if (known.includes(name)) continue;
      const remedy = known.length === 0 ? 'add it under "policies"' : suggest(name, known, "value");
      issues.error(at(key), `there is no policy "${name}"`, remedy);
    }
    return [...list];
  };
  return {
    importPolicies: names("import-policy"),
    exportPolicies: names("export-policy"),
    importDefault: entry["import-default"] ?? "accept",
    exportDefault: entry["export-default"] ?? "accept",
    groups,
  };
}

interface RuleContext {
  readonly path: ConfigPath;
  readonly sets: PolicySetsEntry;
  /** Sets parsed so far, by condition and name. */
  readonly expanded: Map<string, readonly unknown[]>;
  /** Of all rules so far. */
  readonly total: { values: number };
  readonly groups: readonly string[] | undefined;
  readonly issues: IssueList;
}

function ruleSettings(rule: RuleEntry, context: RuleContext): RuleSettings {
  const { path, issues } = context;
  const set = actionSettings(rule.set ?? {}, context);
  const then = rule.then ?? "continue";
  const changes = Object.keys(set).length > 0;
  if (!changes && then === "continue") {
    issues.error(path, "this rule does nothing", "add then: accept or reject, or a set block");
  }
  if (changes && (then === "reject" || then === "quarantine")) {
    issues.warn(
      [...path, "set"],
      `what a rule sets is lost when it says ${then}`,
      "remove the set block",
      true,
    );
  }
  const match = matchSettings(rule.match ?? {}, context);
  return { name: rule.name ?? "", text: textOf(rule, then), match, set, then };
}

/** `vni 100 | mac 00:50:56:00:00:00/24 -> local-preference 200, accept`, cut where it is long. */
function textOf(rule: RuleEntry, then: Verdict): string {
  const match = phrase(rule.match ?? {}).join(" & ") || "any";
  const text = `${match} -> ${[...phrase(rule.set ?? {}), then].join(", ")}`;
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX - 1)}…` : text;
}

const TEXT_MAX = 200;

function phrase(block: object): string[] {
  return Object.entries(block).map(([key, value]: [string, unknown]) => {
    if (Array.isArray(value)) return `${key} ${value.join(" | ")}`;
    if (typeof value !== "object" || value === null) return `${key} ${String(value)}`;
    return `${key} {${phrase(value).join(", ")}}`;
  });
}

function matchSettings(entry: MatchEntry, context: RuleContext): MatchSettings {
  const match: Record<string, unknown> = {};
  const add = (rows: Readonly<Record<string, Row>>, from: object, path: ConfigPath): void => {
    for (const [key, values] of Object.entries(from) as [string, Values][]) {
      const row = rows[key];
      if (row !== undefined) match[row.field] = valuesOf(values, row, [...path, key], context);
    }
  };
  const path = [...context.path, "match"];
  add(ROWS, entry, path);
  const asPath = entry["as-path"];
  if (asPath !== undefined) add(AS_PATH_ROWS, asPath as AsPathEntry, [...path, "as-path"]);
  if (match["routeTypes"] !== undefined) match["families"] ??= EVPN_ONLY;
  return match;
}

/** Route types are EVPN's: the rule is not even looked at for others. */
const EVPN_ONLY = kinds.family.parse("l2vpn-evpn");

function valuesOf(
  values: Values,
  row: Row,
  path: ConfigPath,
  context: RuleContext,
): readonly unknown[] {
  const list = Array.isArray(values) ? (values as readonly (string | number)[]) : [values];
  const parts = list.map((value, index) => {
    const at = Array.isArray(values) ? [...path, index] : path;
    const text = String(value);
    return text.startsWith("set:")
      ? valuesOfSet(text.slice(4), row, at, context)
      : oneValue(text, row, at, context);
  });
  const { total, issues } = context;
  const before = total.values;
  const isPattern = row.field === "asPathPatterns";
  for (const part of parts) total.values += part.length * (isPattern ? PATTERN_WEIGHT : 1);
  if (before <= VALUES_MAX && total.values > VALUES_MAX) {
    const remedy = isPattern
      ? `a pattern counts for ${PATTERN_WEIGHT}; join some with |, or use origin, neighbor or contains`
      : "use long sets in fewer rules";
    issues.error(path, `the rules up to here have more than ${VALUES_MAX} values`, remedy);
  }
  if (total.values > VALUES_MAX) return [];
  return parts.length === 1 ? parts[0]! : parts.flat();
}

function valuesOfSet(
  name: string,
  row: Row,
  at: ConfigPath,
  { sets, expanded, issues }: RuleContext,
): readonly unknown[] {
  if (row.sets === undefined) {
    issues.error(at, "there are no sets for this condition", "write the values here");
    return [];
  }
  const key = `${row.field} ${name}`;
  const found = expanded.get(key);
  if (found !== undefined) return found;
  const known = sets[row.sets] ?? {};
  const set = Object.hasOwn(known, name) ? known[name] : undefined;
  if (set === undefined) {
    const names = Object.keys(known);
    const remedy =
      names.length === 0 ? `add it under policy-sets.${row.sets}` : suggest(name, names, "value");
    issues.error(at, `there is no set "${name}" of ${row.sets}`, remedy);
    return [];
  }
  const values = set.flatMap((one) => row.kind.parse(String(one)) ?? []);
  expanded.set(key, values);
  return values;
}

function oneValue(text: string, row: Row, at: ConfigPath, context: RuleContext): unknown[] {
  const parsed = row.kind.parse(text);
  if (parsed === undefined) {
    context.issues.error(at, `"${text.slice(0, 60)}" is not usable here`, row.kind.remedy);
    return [];
  }
  const group = /^group:(.*)$/.exec(text)?.[1];
  const { groups } = context;
  if (row.field === "peers" && group !== undefined && groups?.includes(group) === false) {
    const remedy = groups.length === 0 ? "add it" : suggest(group, groups, "value");
    context.issues.error(at, `there is no peer group "${group}"`, remedy);
  }
  return [...parsed];
}

const SET_KINDS: Readonly<Record<SetKind, ValueKind<unknown>>> = {
  prefixes: kinds.prefix,
  macs: kinds.mac,
  communities: kinds.community,
  "extended-communities": kinds.extendedCommunity,
  "large-communities": kinds.largeCommunity,
  "route-targets": kinds.routeTarget,
  vnis: kinds.numbers(0xffffff),
  ases: u32,
};

/** A set's values are checked where they stand, used or not. */
function checkSets(sets: PolicySetsEntry, issues: IssueList): void {
  for (const [kind, named] of Object.entries(sets) as [SetKind, Record<string, unknown[]>][]) {
    const { parse, remedy } = SET_KINDS[kind];
    for (const [name, values] of Object.entries(named)) {
      for (const [index, value] of values.entries()) {
        const text = String(value);
        if (parse(text) !== undefined) continue;
        const path = ["policy-sets", kind, name, index];
        issues.error(path, `"${text.slice(0, 60)}" is not usable here`, remedy);
      }
    }
  }
}

function actionSettings(entry: ActionEntry, context: RuleContext): ActionSettings {
  const path = [...context.path, "set"];
  const lists = {
    communities: list(entry.community, kinds.community, [...path, "community"], context),
    extendedCommunities: list(
      entry["extended-community"],
      kinds.extendedCommunity,
      [...path, "extended-community"],
      context,
    ),
    largeCommunities: list(
      entry["large-community"],
      kinds.largeCommunity,
      [...path, "large-community"],
      context,
    ),
    routeTargets: list(
      entry["route-target"],
      kinds.routeTarget,
      [...path, "route-target"],
      context,
    ),
  };
  const nextHop = entry["next-hop"];
  const prepend = entry["as-path-prepend"];
  return {
    ...Object.fromEntries(Object.entries(lists).filter(([, value]) => value !== undefined)),
    ...(entry["local-preference"] !== undefined && { localPreference: entry["local-preference"] }),
    ...(entry.med !== undefined && { med: entry.med }),
    ...(nextHop !== undefined && {
      nextHop: nextHop === "self" ? nextHop : toHex(parseIp(nextHop) ?? new Uint8Array(0)),
    }),
    ...(prepend !== undefined && {
      prepend:
        typeof prepend === "number"
          ? { as: undefined, count: prepend }
          : { as: prepend.as, count: prepend.count },
    }),
  };
}

function list(
  entry: CommunityEntry | undefined,
  kind: ValueKind<OctetPattern>,
  path: ConfigPath,
  context: RuleContext,
): CommunityAction | undefined {
  if (entry === undefined) return undefined;
  const patterns = (key: keyof CommunityEntry): OctetPattern[] | undefined => {
    const values = entry[key];
    if (values === undefined) return undefined;
    const items = Array.isArray(values) ? (values as readonly (string | number)[]) : [values];
    return items.flatMap((value, index) => {
      const at = Array.isArray(values) ? [...path, key, index] : [...path, key];
      const parsed = kind.parse(String(value));
      if (parsed === undefined) {
        context.issues.error(at, `"${String(value)}" is not usable here`, kind.remedy);
        return [];
      }
      if (key !== "delete" && parsed.some(({ mask }) => /[^f]/.test(mask))) {
        context.issues.error(at, `"${String(value)}" stands for many`, "write one without *");
      }
      return parsed;
    });
  };
  const set = patterns("set")?.map(({ value }) => value);
  const add = patterns("add")?.map(({ value }) => value);
  const remove = patterns("delete");
  return {
    ...(set !== undefined && { set }),
    ...(remove !== undefined && { remove }),
    ...(add !== undefined && { add }),
  };
}
