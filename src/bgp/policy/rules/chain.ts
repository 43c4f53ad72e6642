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
import { setBit } from "../slot-mask.js";
import { attrTests, type AttrTest } from "./attr-match.js";
import { AttrView } from "./attr-view.js";
import { CacheRoom, MASK, MatchCache, PMSI, RewriteCache } from "./match-cache.js";
import { KINDS, kindOf, kindsOf, nlriTests, type NlriTest } from "./nlri-match.js";
import { NlriView } from "./nlri-view.js";
import { addressOf, PeerSet, type RouteSource } from "./peer-match.js";
import { Rewrite, type RewriteContext } from "./rewrite.js";
import type { DefaultVerdict, PolicySettings, Verdict } from "./settings.js";

export interface ChainRule {
  readonly policy: string;
  /** From 1, within its policy. */
  readonly number: number;
  readonly name: string;
  readonly verdict: Verdict;
  readonly peers: PeerSet | undefined;
  readonly attrTests: readonly AttrTest[];
  readonly nlriTests: readonly NlriTest[];
  /** Kinds of routes that `nlriTests` may hold of, from `kindsOf`. */
  readonly kinds: number;
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
  /** Result of the last `evaluate`: the set, 0 when held; why; the rule that decided, or NO_RULE. */
  attr = 0;
  hold: HoldReason = HoldReason.None;
  rule = NO_RULE;
  /** Of the last `evaluate`: no rule matched, and the default accepts. */
  isUntouched = false;
  private trace: number[] | undefined;
  private readonly attrs: AttrStore;
  /** Takes over the reference of a set that was made: keeps it for as long as results are used. */
  private readonly made: (attr: number) => void;
  private readonly words: number;
  /** Bits of the rules that do not ask whose a route is; the numbers of those that do. */
  private readonly common: Int32Array;
  private readonly asking: readonly number[];
  /** By kind of route: the rules that may hold of it. */
  private readonly kinds: Int32Array;
  private readonly matches: MatchCache;
  private readonly rewrites: RewriteCache;

  constructor(
    text: string,
    policies: readonly PolicySettings[],
    defaultVerdict: DefaultVerdict,
    context: RewriteContext,
    attrs: AttrStore,
    made: (attr: number) => void,
    room = new CacheRoom(),
  ) {
    this.text = text;
    this.rules = policies.flatMap((policy) => rulesOf(policy, context));
    this.defaultVerdict = defaultVerdict;
    this.hits = new Float64Array(this.rules.length);
    this.attrs = attrs;
    this.made = made;
    this.words = (this.rules.length + 31) >>> 5;
    this.common = new Int32Array(this.words);
    const asking: number[] = [];
    for (const [index, { peers }] of this.rules.entries()) {
      if (peers === undefined) setBit(this.common, index);
      else asking.push(index);
    }
    this.asking = asking;
    this.kinds = new Int32Array(KINDS * this.words);
    for (const [index, { kinds }] of this.rules.entries()) {
      for (let kind = 0; kind < KINDS; kind++) {
        if ((kinds & (1 << kind)) === 0) continue;
        const at = kind * this.words + (index >>> 5);
        this.kinds[at] = this.kinds[at]! | (1 << (index & 31));
      }
    }
    this.matches = new MatchCache(attrs, this.words, room);
    this.rewrites = new RewriteCache(attrs, room);
  }

  /** The rules that may concern routes of this source, 32 to a word: to be read only. */
  maskFor(source: RouteSource): Int32Array {
    if (!this.asksSource) return this.common;
    const mask = this.common.slice();
    const address = addressOf(source);
    for (const index of this.asking) {
      if (this.rules[index]!.peers?.has(source, address) === true) setBit(mask, index);
    }
    return mask;
  }

  /** Whether any rule asks whose a route is. */
  get asksSource(): boolean {
    return this.asking.length > 0;
  }

  /** Nobody asks it any more: what its caches took of their room is free. */
  close(): void {
    this.matches.close();
    this.rewrites.close();
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
    this.trace = trace;
    this.evaluate(attr, family, bytes, start, mask);
    this.trace = undefined;
    for (const index of trace) this.hits[index] = this.hits[index]! - 1;
    return trace;
  }

  /**
   * Decides on the route whose NLRI, without path id, is at `start` of `bytes`. The result is in
   * `attr`, `hold` and `rule`, and holds until the table or the attribute store changes.
   * @param mask of its source, from `maskFor`
   */
  evaluate(attr: number, family: Family, bytes: Uint8Array, start: number, mask: Int32Array): void {
    const { rules, words, kinds } = this;
    const kind = kindOf(family, bytes, start) * words;
    let current = attr;
    let row = this.rowOf(current);
    let viewed = false;
    let matched = false;
    for (let w = 0; w < words; w++) {
      const may = mask[w]! & kinds[kind + w]!;
      let bits = this.matches.words[row + MASK + w]! & may;
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
        matched = true;
        if (this.trace !== undefined) this.trace.push(index);
        if (rule.rewrite !== undefined) {
          const next = this.rewritten(rule.rewrite, index, current);
          if (next !== current) {
            current = next;
            row = this.rowOf(current);
            // The rules behind this one see what it made.
            bits = this.matches.words[row + MASK + w]! & may & ~((low << 1) - 1);
          }
        }
        if (rule.verdict === "continue") continue;
        this.isUntouched = false;
        this.decide(rule.verdict, current, index);
        return;
      }
    }
    this.isUntouched = !matched && this.defaultVerdict === "accept";
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
  for (let i = 0; i < tests.length; i++) if (!tests[i]!.holds(nlri, pmsiLabel)) return false;
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
      peers: match.peers && new PeerSet(match.peers),
      attrTests: attrTests(match),
      nlriTests: nlriTests(match),
      kinds: kindsOf(match),
      rewrite: rewrite?.isEmpty === true ? undefined : rewrite,
    };
  });
}
