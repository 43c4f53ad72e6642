/**
 * What happens to a peer's routes behind its import rules, whatever these say: a route of the community
 * GRACEFUL_SHUTDOWN becomes the last choice (RFC 8326 section 4.2), and a tenant's route with a target that is
 * not the tenant's has no effect, lest it reach other tenants. Routes of a peer that is not trusted have none
 * either, memberships included, or carry a mark. A peer that needs nothing of this has no gate.
 */
import { Family, isVpn } from "../../fast-bgp-codec/family.js";
import { AttrFlag } from "../rib/attr-facts.js";
import type { AttrStore } from "../rib/attr-store.js";
import { HoldReason } from "../rib/hold.js";
import { LowestPreference } from "./lowest-preference.js";
import { takesAllSegments, ES_IMPORT } from "./route-target.js";
import { TrustMark } from "./trust-mark.js";

export interface GateOptions {
  /** Routes with GRACEFUL_SHUTDOWN get LOCAL_PREF 0. */
  readonly lowersShutdown: boolean;
  /** Hex of the only targets that routes may have; undefined = any. */
  readonly allowed: readonly string[] | undefined;
  /** The peer is not trusted: nothing of it counts. */
  readonly isClosed?: boolean;
  /** Community that its routes get; undefined = none. */
  readonly mark?: number | undefined;
}

export class ImportGate {
  /** Of the last `pass`: the set that counts, 0 when the route is kept back. Alive until `endBatch`. */
  attr = 0;
  hold: HoldReason = HoldReason.None;
  /** Every route is held, whatever rules say of it: asked before them. */
  readonly isClosed: boolean;
  private readonly mark: TrustMark | undefined;
  private readonly attrs: AttrStore;
  private readonly lowers: boolean;
  private readonly allowed: ReadonlySet<string> | undefined;
  private readonly allSegments: boolean;
  /** By combination of targets, as long as no id comes or goes. */
  private readonly answers = new Map<number, boolean>();
  private generation = -1;
  private readonly lowest: LowestPreference;

  constructor(attrs: AttrStore, options: GateOptions) {
    this.attrs = attrs;
    this.isClosed = options.isClosed === true;
    this.mark = options.mark === undefined ? undefined : new TrustMark(attrs, options.mark);
    this.lowest = new LowestPreference(attrs);
    this.lowers = options.lowersShutdown;
    this.allowed = options.allowed && new Set(options.allowed);
    this.allSegments = takesAllSegments(this.allowed);
  }

  /** @param attr the set that import rules leave, not 0 */
  pass(attr: number): void {
    this.attr = attr;
    this.hold = HoldReason.None;
    if (this.isClosed) {
      this.attr = 0;
      this.hold = HoldReason.Trust;
    } else if (this.isForeign(attr)) {
      this.attr = 0;
      this.hold = HoldReason.Tenant;
    } else if (this.lowers && (this.attrs.flags(attr) & AttrFlag.GracefulShutdown) !== 0) {
      this.attr = this.lowest.of(attr);
    }
    if (this.mark !== undefined && this.attr !== 0) this.attr = this.mark.of(this.attr);
  }

  /** The sets given are kept alive by whoever uses them from now on. */
  endBatch(): void {
    this.mark?.endBatch();
    this.lowest.endBatch();
  }

  private isForeign(attr: number): boolean {
    if (this.allowed === undefined) return false;
    const family = this.attrs.family(attr);
    if (family !== Family.Evpn && !isVpn(family)) return false;
    return !this.isAllowed(this.attrs.targets(attr));
  }

  private isAllowed(combination: number): boolean {
    const { targetSets } = this.attrs;
    if (this.generation !== targetSets.generation) {
      this.answers.clear();
      this.generation = targetSets.generation;
    }
    let answer = this.answers.get(combination);
    if (answer === undefined) {
      const targets = combination === 0 ? [] : targetSets.targets(combination);
      answer = targets.length > 0 && targets.every((target) => this.isOwn(target));
      this.answers.set(combination, answer);
    }
    return answer;
  }

  private isOwn(target: string): boolean {
    if (this.allowed?.has(target) === true) return true;
    return this.allSegments && target.startsWith(ES_IMPORT);
  }
}
