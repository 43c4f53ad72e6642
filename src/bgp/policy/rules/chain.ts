/**
 * The rules that a session's routes go through in one direction, compiled: its policies one behind the
 * other. Sessions with the same rules share a chain, its caches and its counters.
 *
 * Conditions on attributes are answered once per attribute set and kept as one bit per rule
 * (`match-cache.ts`); conditions on the peer are one bit per rule too, worked out once per session. For
 * a route the two are put together, and only the rules whose bits are left are asked about its octets.
 */
import type { Family } from "../../../fast-bgp-codec/family.js";
import type { AttrStore } from "../../rib/attr-store.js";
import { HoldReason } from "../../rib/hold.js";
import { attrTests, type AttrTest } from "./attr-match.js";
import { AttrView } from "./attr-view.js";
import { MASK, MatchCache, PMSI, RewriteCache } from "./match-cache.js";
import { nlriTests, type NlriTest } from "./nlri-match.js";
import { NlriView } from "./nlri-view.js";
import { matchesPeer, type RouteSource } from "./peer-match.js";
import { Rewrite, type RewriteContext } from "./rewrite.js";
import type { DefaultVerdict, PeerPattern, PolicySettings, Verdict } from "./settings.js";

export interface ChainRule {
  readonly policy: string;
  /** From 1, within its policy. */
  readonly number: number;
  readonly name: string;
  readonly verdict: Verdict;
  readonly peers: readonly PeerPattern[] | undefined;
  readonly attrTests: readonly AttrTest[];
  readonly nlriTests: readonly NlriTest[];
  readonly rewrite: Rewrite | undefined;
}

/** No rule: the default decided. */
export const NO_RULE = -1;

export class Chain {
  readonly rules: readonly ChainRule[];
  /** What it is compiled from: chains of equal text decide equally. */
  readonly text: string;
  readonly defaultVerdict: DefaultVerdict;
  /** Times that each rule matched. */
  readonly hits: Float64Array;
  /** Times that no rule decided. */
  defaults = 0;
  /** Result of the last `evaluate`: the set, 0 when held; why; the rule that decided, or NO_RULE. */
  attr = 0;
  hold: HoldReason = HoldReason.None;
  rule = NO_RULE;
  private trace: number[] | undefined;
  private readonly attrs: AttrStore;
  /** Takes over the reference of a set that was made: keeps it for as long as results are used. */
  private readonly made: (attr: number) => void;
  private readonly words: number;
  private readonly matches: MatchCache;
  private readonly rewrites: RewriteCache;

  constructor(
    text: string,
    policies: readonly PolicySettings[],
    defaultVerdict: DefaultVerdict,
    context: RewriteContext,
    attrs: AttrStore,
    made: (attr: number) => void,
  ) {
    this.text = text;
    this.rules = policies.flatMap((policy) => rulesOf(policy, context));
    this.defaultVerdict = defaultVerdict;
    this.hits = new Float64Array(this.rules.length);
    this.attrs = attrs;
    this.made = made;
    this.words = (this.rules.length + 31) >>> 5;
    this.matches = new MatchCache(attrs, this.words);
    this.rewrites = new RewriteCache(attrs);
  }

  /** The rules that may concern routes of this source, 32 to a word. */
  maskFor(source: RouteSource): Int32Array {
    const mask = new Int32Array(this.words);
    for (const [index, { peers }] of this.rules.entries()) {
      if (peers !== undefined && !peers.some((pattern) => matchesPeer(pattern, source))) continue;
      mask[index >>> 5] = mask[index >>> 5]! | (1 << (index & 31));
    }
    return mask;
  }

  /** `evaluate` for views: returns the rules that matched, and counts nothing. */
  explain(
    attr: number,
    family: Family,
    bytes: Uint8Array,
    start: number,
    mask: Int32Array,
  ): readonly number[] {
    const trace: number[] = [];
    const { defaults } = this;
    this.trace = trace;
    this.evaluate(attr, family, bytes, start, mask);
    this.trace = undefined;
    for (const index of trace) this.hits[index] = this.hits[index]! - 1;
    this.defaults = defaults;
    return trace;
  }

  /**
   * Decides on the route whose NLRI, without path id, is at `start` of `bytes`. The result is in
   * `attr`, `hold` and `rule`, and holds until the table or the attribute store changes.
   * @param mask of its source, from `maskFor`
   */
  evaluate(attr: number, family: Family, bytes: Uint8Array, start: number, mask: Int32Array): void {
    const { rules, words } = this;
    let current = attr;
    let row = this.rowOf(current);
    let viewed = false;
    for (let w = 0; w < words; w++) {
      let bits = this.matches.words[row + MASK + w]! & mask[w]!;
      while (bits !== 0) {
        const low = bits & -bits;
        bits ^= low;
        const index = (w << 5) + 31 - Math.clz32(low);
        const rule = rules[index]!;
        if (rule.nlriTests.length > 0) {
          if (!viewed) nlri.read(family, bytes, start);
          viewed = true;
          if (!holds(rule.nlriTests, this.matches.words[row + PMSI]!)) continue;
        }
        this.hits[index] = this.hits[index]! + 1;
        if (this.trace !== undefined) this.trace.push(index);
        if (rule.rewrite !== undefined) {
          const next = this.rewritten(rule.rewrite, index, current);
          if (next !== current) {
            current = next;
            row = this.rowOf(current);
            // The rules behind this one see what it made.
            bits = this.matches.words[row + MASK + w]! & mask[w]! & ~((low << 1) - 1);
          }
        }
        if (rule.verdict === "continue") continue;
        this.decide(rule.verdict, current, index);
        return;
      }
    }
    this.defaults++;
    this.decide(this.defaultVerdict, current, NO_RULE);
  }

  private decide(verdict: Verdict, attr: number, rule: number): void {
    this.rule = rule;
    this.attr = verdict === "accept" ? attr : 0;
    this.hold =
      verdict === "accept"
        ? HoldReason.None
        : verdict === "quarantine"
          ? HoldReason.Quarantine
          : HoldReason.Policy;
  }

  /** Where `matches` knows which rules' conditions on attributes hold. */
  private rowOf(attr: number): number {
    const known = this.matches.find(attr);
    if (known >= 0) return known;
    const row = this.matches.take(attr);
    const { words } = this.matches;
    view.read(this.attrs, attr);
    words[row + PMSI] = view.pmsiLabel;
    for (let i = 0; i < this.rules.length; i++) {
      const { attrTests: tests } = this.rules[i]!;
      let all = true;
      for (let t = 0; all && t < tests.length; t++) all = tests[t]!(view);
      const at = row + MASK + (i >>> 5);
      if (all) words[at] = words[at]! | (1 << (i & 31));
    }
    return row;
  }

  private rewritten(rewrite: Rewrite, index: number, attr: number): number {
    const known = this.rewrites.find(attr, index);
    if (known !== 0) return known;
    const result = rewrite.apply(this.attrs, attr);
    if (result !== attr) this.made(result);
    this.rewrites.store(attr, index, result);
    return result;
  }
}

const view = new AttrView();
const nlri = new NlriView();

function holds(tests: readonly NlriTest[], pmsiLabel: number): boolean {
  for (let i = 0; i < tests.length; i++) if (!tests[i]!(nlri, pmsiLabel)) return false;
  return true;
}

function rulesOf(policy: PolicySettings, context: RewriteContext): ChainRule[] {
  return policy.rules.map(({ name, match, set, then }, index) => {
    // What is not accepted is seen by nobody: there is nothing to write.
    const rewrite =
      then === "accept" || then === "continue" ? new Rewrite(set, context) : undefined;
    return {
      policy: policy.name,
      number: index + 1,
      name,
      verdict: then,
      peers: match.peers,
      attrTests: attrTests(match),
      nlriTests: nlriTests(match),
      rewrite: rewrite?.isEmpty === true ? undefined : rewrite,
    };
  });
}
