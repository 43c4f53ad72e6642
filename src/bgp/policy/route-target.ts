/**
 * Which sessions may be sent which route targets, by four layers; a route must pass all of them.
 *
 * - Memberships: RFC 4684. A membership NLRI is a length in bits, an origin AS (4 octets) and a prefix of
 *   a route target; the origin AS plays no role in matching. Length 0, the default, asks for everything;
 *   length 32 for every route with a target. A session that negotiated the family is sent a route only if
 *   one of its targets matches a membership received from it; routes without any target go to those
 *   with the default alone.
 * - List: the targets configured for a peer (`route-targets`).
 * - Allowed: the tenant's targets (`allow-route-targets`).
 * - Inferred: what the peer's own routes say that it imports.
 *
 * ES-Import route targets are targets like others (RFC 7432 section 7.6). A configured list that names none
 * of them takes all of them: Ethernet segment routes carry nothing else, few operators know the values,
 * and without them multihoming stops.
 */
import { readU8, toHex } from "../../util/bytes.js";
import { EVERYTHING, prefixOf, TARGET_BITS, TargetLayer } from "./target-layer.js";

const ORIGIN_BITS = 32;
const FULL_BITS = 96;

/** Type and sub-type of the ES-Import route target, in hex. */
export const ES_IMPORT = "0602";
const ES_IMPORT_BITS = 16;

/** Layers that are not the peer's own word. */
export const TargetRule = { List: 0, Allowed: 1, Inferred: 2 } as const;
export type TargetRule = (typeof TargetRule)[keyof typeof TargetRule];
const RULES = Object.values(TargetRule);

/** What a membership speaks of. */
export interface AffectedTargets {
  /** Hex of the one target; undefined for a prefix: perhaps of all, and of routes without any. */
  readonly target: string | undefined;
}

/** Hex of the targets whose routes may have become, or ceased to be, for a session; "all": of whichever, or of none. */
export type TargetChange = readonly string[] | "all";

export class RouteTargetFilter {
  private readonly memberships = new TargetLayer();
  private readonly rules: readonly TargetLayer[] = [
    new TargetLayer(),
    new TargetLayer(),
    new TargetLayer(),
  ];
  /** By rule, then by slot: the targets given last. */
  private readonly given: readonly Map<number, Set<string>>[] = [
    new Map<number, Set<string>>(),
    new Map<number, Set<string>>(),
    new Map<number, Set<string>>(),
  ];
  /** Counts up whenever an answer may have changed. */
  version = 1;

  /** No session is constrained: everything may be sent as it is. */
  get isIdle(): boolean {
    return this.memberships.isIdle && this.rules.every((rule) => rule.isIdle);
  }

  /** The session negotiated the family of memberships: those that its source has already count. */
  addSlot(slot: number): void {
    this.memberships.addSlot(slot);
    this.version++;
  }

  /** The session is gone. Its memberships are its source's routes: they go with them, or stay for its return. */
  removeSlot(slot: number): void {
    let known = this.memberships.removeSlot(slot);
    for (const rule of RULES) if (this.dropRule(slot, rule)) known = true;
    if (known) this.version++;
  }

  private dropRule(slot: number, rule: TargetRule): boolean {
    const layer = this.rules[rule]!;
    const targets = this.given[rule]!.get(slot);
    this.given[rule]!.delete(slot);
    for (const target of targets ?? []) layer.change(slot, TARGET_BITS, target, -1);
    if (rule !== TargetRule.Inferred && takesAllSegments(targets)) {
      layer.change(slot, ES_IMPORT_BITS, ES_IMPORT, -1);
    }
    return layer.removeSlot(slot);
  }

  /** Whether memberships decide what the session gets. */
  has(slot: number): boolean {
    return this.memberships.has(slot);
  }

  /**
   * A membership came (`change` 1) or went (-1), whether the source has a session now or not.
   * @returns whose routes the slot's view of may have changed; undefined when nothing did
   */
  change(
    slot: number,
    bytes: Uint8Array,
    start: number,
    change: 1 | -1,
  ): AffectedTargets | undefined {
    const bits = bitsAt(bytes, start);
    const prefix = prefixAt(bytes, start, bits);
    if (!this.memberships.change(slot, bits, prefix, change)) return undefined;
    if (!this.has(slot)) return undefined;
    this.version++;
    return { target: bits === TARGET_BITS ? prefix : undefined };
  }

  /**
   * What a rule says of a session from now on; undefined = nothing, it does not concern the session.
   * @param targets hex, 16 digits each
   * @returns undefined when nothing changed
   */
  setRule(
    slot: number,
    rule: TargetRule,
    targets: ReadonlySet<string> | undefined,
  ): TargetChange | undefined {
    const layer = this.rules[rule]!;
    const given = this.given[rule]!;
    const before = given.get(slot);
    if (targets === undefined) {
      if (!this.dropRule(slot, rule)) return undefined;
      this.version++;
      return "all";
    }
    const added = [...targets].filter((target) => before?.has(target) !== true);
    const gone = [...(before ?? [])].filter((target) => !targets.has(target));
    const wide = rule === TargetRule.Inferred ? undefined : [before, targets].map(takesAllSegments);
    if (before !== undefined && added.length + gone.length === 0) return undefined;
    layer.addSlot(slot);
    for (const target of added) layer.change(slot, TARGET_BITS, target, 1);
    for (const target of gone) layer.change(slot, TARGET_BITS, target, -1);
    let segmentsChanged = false;
    if (wide !== undefined && wide[0] !== wide[1]) {
      segmentsChanged = layer.change(slot, ES_IMPORT_BITS, ES_IMPORT, wide[1] === true ? 1 : -1);
    }
    given.set(slot, new Set(targets));
    this.version++;
    return before === undefined || segmentsChanged ? "all" : [...added, ...gone];
  }

  /**
   * What was inferred of a session, who is held to it already, has grown by these: costs these alone.
   * @returns undefined when the session is not held to anything inferred
   */
  extendInferred(slot: number, targets: readonly string[]): TargetChange | undefined {
    const given = this.given[TargetRule.Inferred]!.get(slot);
    if (given === undefined) return undefined;
    const layer = this.rules[TargetRule.Inferred]!;
    const added = targets.filter((target) => !given.has(target));
    for (const target of added) {
      given.add(target);
      layer.change(slot, TARGET_BITS, target, 1);
    }
    this.version++;
    return added;
  }

  /** What a rule says of a session, undefined = nothing. */
  ruleOf(slot: number, rule: TargetRule): ReadonlySet<string> | undefined {
    return this.given[rule]!.get(slot);
  }

  /** What the session's memberships ask for, hex prefixes; undefined when it is not held to them. */
  membershipsOf(
    slot: number,
  ): readonly { readonly bits: number; readonly prefix: string }[] | undefined {
    return this.has(slot) ? this.memberships.asked(slot) : undefined;
  }

  /** Who may be sent routes with these targets: those whom every layer that concerns them lets have them. */
  allowed(targets: readonly string[], words: number): Int32Array {
    const mask = new Int32Array(words).fill(-1);
    this.memberships.narrow(mask, targets);
    for (const rule of this.rules) rule.narrow(mask, targets);
    return mask;
  }
}

/** Whether a configured list lets every ES-Import target pass: it does when it names none. */
export function takesAllSegments(targets: ReadonlySet<string> | undefined): boolean {
  if (targets === undefined) return false;
  for (const target of targets) if (target.startsWith(ES_IMPORT)) return false;
  return true;
}

/** How many bits of the target the membership NLRI at `start` names, its origin AS left aside; EVERYTHING for the default. */
function bitsAt(bytes: Uint8Array, start: number): number {
  const length = readU8(bytes, start);
  return length === 0 ? EVERYTHING : Math.max(0, Math.min(length, FULL_BITS) - ORIGIN_BITS);
}

function prefixAt(bytes: Uint8Array, start: number, bits: number): string {
  const from = start + 5;
  return bits <= 0 ? "" : prefixOf(toHex(bytes, from, from + Math.ceil(bits / 8)), bits);
}
