/** Decisions of rules, and what they change, in words. */
import { decodeAttributes, formatAttribute } from "../fast-bgp-codec/attribute/list.js";
import { Family } from "../fast-bgp-codec/family.js";
import { formatIp } from "../fast-bgp-codec/values/ip.js";
import { NO_RULE, type Chain } from "./policy/rules/chain.js";
import { ALL_RULES, type PolicyEngine } from "./policy/rules/engine.js";
import type { AttributeChange, PolicyDecision } from "./policy-view.js";
import type { AttrStore } from "./rib/attr-store.js";
import { HoldReason } from "./rib/hold.js";
import type { RouteTable } from "./rib/route-table.js";

export interface Decided {
  readonly decision: PolicyDecision;
  /** Effective set, 0 when it is not accepted; alive until the engine's `endBatch`. */
  readonly attr: number;
}

const UNRULED: PolicyDecision = {
  by: "none",
  verdict: "accept",
  passed: [],
  overridden: false,
};

/** What the import rules of a path's source say of it now. */
export function decideImport(engine: PolicyEngine, table: RouteTable, path: number): Decided {
  const received = table.pathReceived(path);
  const rules = engine.importOf(table.pathSlot(path));
  if (rules === undefined || isMembership(table, path))
    return { decision: UNRULED, attr: received };
  return decide(rules.chain, table, path, received, rules.mask);
}

/** What a receiver's export rules say of a path whose effective set is `attr`. */
export function decideExport(
  engine: PolicyEngine,
  table: RouteTable,
  path: number,
  attr: number,
  receiver: number,
): Decided {
  const policy = engine.exportOf(receiver);
  const chain = engine.exportChain(policy);
  let decided: Decided = { decision: UNRULED, attr };
  if (isMembership(table, path)) return decided;
  if (chain !== undefined) {
    const mask = engine.sourceMaskOf(chain, table.pathSlot(path));
    decided = decide(chain, table, path, attr, mask);
  }
  const override = engine.overrideChain(policy);
  if (override === undefined || decided.attr === 0) return decided;
  const last = decide(override, table, path, decided.attr, ALL_RULES);
  return { decision: { ...decided.decision, overridden: true }, attr: last.attr };
}

/** Memberships pass by all rules. */
function isMembership(table: RouteTable, path: number): boolean {
  return table.family(table.pathDest(path)) === Family.RouteTarget;
}

function decide(
  chain: Chain,
  table: RouteTable,
  path: number,
  attr: number,
  mask: Int32Array,
): Decided {
  const family = table.family(table.pathDest(path));
  const trace = chain.explain(attr, family, table.nlriBytes, table.pathNlri(path), mask);
  const rule = chain.rule === NO_RULE ? undefined : chain.rules[chain.rule];
  const passed = trace
    .filter((index) => index !== chain.rule)
    .map((index) => ruleName(chain.rules[index]!));
  return {
    attr: chain.attr,
    decision: {
      by: rule === undefined ? "default" : "rule",
      ...(rule !== undefined && { policy: rule.policy, rule: rule.number, name: rule.name }),
      verdict: VERDICTS[chain.hold] ?? "reject",
      passed,
      overridden: false,
    },
  };
}

const VERDICTS: Readonly<Record<number, PolicyDecision["verdict"]>> = {
  [HoldReason.None]: "accept",
  [HoldReason.Policy]: "reject",
  [HoldReason.Quarantine]: "quarantine",
};

function ruleName(rule: { policy: string; number: number; name: string }): string {
  return `${rule.policy} ${rule.number}${rule.name === "" ? "" : ` (${rule.name})`}`;
}

/** What differs between two sets; 0 stands for none. */
export function attributeChanges(attrs: AttrStore, a: number, b: number): AttributeChange[] {
  if (a === b) return [];
  const before = attributesOf(attrs, a);
  const after = attributesOf(attrs, b);
  const changes: AttributeChange[] = [];
  for (const name of new Set([...before.keys(), ...after.keys()])) {
    if (before.get(name) === after.get(name)) continue;
    changes.push({ name, before: before.get(name), after: after.get(name) });
  }
  return changes;
}

function attributesOf(attrs: AttrStore, attr: number): Map<string, string> {
  const shown = new Map<string, string>();
  if (attr === 0) return shown;
  const from = attrs.attributesStart(attr);
  for (const one of decodeAttributes(attrs.bytes, from, attrs.attributesEnd(attr))) {
    shown.set(one.name === "UNKNOWN" ? `attribute ${one.code}` : one.name, formatAttribute(one));
  }
  shown.set("NEXT_HOP", formatNextHop(attrs, attr));
  return shown;
}

function formatNextHop(attrs: AttrStore, attr: number): string {
  const start = attrs.nextHopStart(attr);
  const length = attrs.nextHopLength(attr);
  switch (length) {
    case 4:
    case 16:
      return formatIp(attrs.bytes, start, length);
    case 12:
    case 24:
      return formatIp(attrs.bytes, start + 8, length - 8);
    case 32:
      return formatIp(attrs.bytes, start, 16);
    case 48:
      return formatIp(attrs.bytes, start + 8, 16);
    default:
      return "";
  }
}
