/**
 * Who gets a path: the group of a batch that a path belongs to, with its receivers worked out by
 * reflection, route-target membership and the size of their messages. Under export policy a path may
 * have several groups, one for each form in which it goes out.
 */
import { Family } from "../../fast-bgp-codec/family.js";
import { hasIpv6NextHopForIpv4, type Reflection } from "../policy/reflection.js";
import type { RouteTargetFilter } from "../policy/route-target.js";
import { hasBit } from "../policy/slot-mask.js";
import type { RouteTable } from "../rib/route-table.js";
import type { Delivery } from "./delivery.js";
import { IDLE_EXPORT, NO_POLICY, type ExportStage } from "./export-stage.js";
import { EXTENDED_MESSAGE, ORDINARY_MESSAGE } from "./packer.js";
import { TARGETED } from "./receiver.js";
import { MOST_MARKED, UntouchedMarks } from "./untouched-marks.js";

/**
 * Attribute sets above this are checked route by route against the message size: 264 octets for an
 * NLRI with its path id, 128 for what reflection adds, and for a 2-octet speaker AS4_PATH beside
 * AS_PATH makes ten octets of six at worst.
 */
const SURELY_FITS = Math.floor(((ORDINARY_MESSAGE - 264 - 128) * 6) / 10);

export class Grouping {
  /** Routes not sent because they fit no message to that session. */
  oversized = 0;
  readonly reflection: Reflection;
  readonly targets: RouteTargetFilter;
  /** Of the last `outcomesFor`. */
  readonly groups: number[] = [];
  /** Export policy; `AdjRibOut.setExport`. */
  stage: ExportStage = IDLE_EXPORT;
  /** The newest log entries of what is asked about are being read. */
  isLive = false;
  private readonly marks: UntouchedMarks;
  private readonly outcomes: number[] = [];
  private readonly outcomeMasks: Int32Array[] = [];
  private readonly table: RouteTable;
  private readonly delivery: Delivery;
  /** Receivers by combination of route targets, as long as neither memberships nor combinations change. */
  private readonly allowed = new Map<number, Int32Array>();
  private allowedVersion = 0;
  private allowedGeneration = 0;
  /** Octets around the NLRI by encoding, for the large set that was looked at last in this batch. */
  private readonly overheads: number[] = [];
  private sizedAttr = 0;
  private sizedSlot = 0;

  constructor(
    table: RouteTable,
    reflection: Reflection,
    targets: RouteTargetFilter,
    delivery: Delivery,
  ) {
    this.table = table;
    this.reflection = reflection;
    this.targets = targets;
    this.delivery = delivery;
    this.marks = new UntouchedMarks(table);
  }

  /** A new batch begins: attribute sets may have changed. */
  begin(): void {
    this.sizedAttr = 0;
    if (!this.stage.isIdle) this.marks.begin(this.stage.generation);
  }

  /** Whether `outcomesFor` need not be asked: `groupFor` is the only outcome. */
  get isPlain(): boolean {
    return this.stage.isIdle;
  }

  /** Most forms that a route may go out in. */
  get mostOutcomes(): number {
    return this.stage.isIdle ? 1 : 1 + this.stage.count;
  }

  /** The group of a path, with its receivers worked out, export policy aside. */
  groupFor(dest: number, path: number, family: Family): number {
    const { table } = this;
    const { batch } = this.delivery;
    const attr = table.pathAttr(path);
    const slot = table.pathSlot(path);
    const group = this.headFor(attr, slot, dest, family);
    return batch.large[group] === 1 ? this.fitting(group, path, attr, slot) : group;
  }

  /**
   * The groups of a path under export policy, into `groups`: one for each attribute set that somebody
   * gets; no session is in two of them. Returns how many.
   */
  outcomesFor(dest: number, path: number, family: Family): number {
    const { stage, table, groups, outcomes } = this;
    const { batch } = this.delivery;
    const { words } = batch;
    const attr = table.pathAttr(path);
    const slot = table.pathSlot(path);
    const head = this.headFor(attr, slot, dest, family);
    // Who gets the path as it is: all of the head's receivers, until a policy changes it for some.
    let rest: Int32Array = batch.masks;
    let base = batch.mask[head]!;
    let isChanged = false;
    const { count } = stage;
    const isMarked = path === table.bestPath(dest);
    const known = isMarked ? this.marks.of(dest) : 0;
    let untouched = known;
    for (let policy = 0; policy < count; policy++) {
      if (policy < MOST_MARKED && (known & (1 << policy)) !== 0) continue;
      const ruled = stage.maskOf(policy);
      const span = Math.min(words, ruled.length);
      let any = 0;
      for (let w = 0; w < span; w++) any |= rest[base + w]! & ruled[w]!;
      if (any === 0) continue;
      const changed = stage.apply(policy, attr, slot, dest, path);
      if (changed === attr) {
        if (stage.isUntouched && policy < MOST_MARKED) untouched |= 1 << policy;
        continue;
      }
      if (!isChanged) {
        isChanged = true;
        outcomes.length = 0;
        outcomes.push(attr);
        rest = this.maskOf(0);
        for (let w = 0; w < words; w++) rest[w] = batch.masks[base + w]!;
        base = 0;
      }
      let index = changed === 0 ? -1 : outcomes.indexOf(changed);
      if (changed !== 0 && index < 0) {
        index = outcomes.push(changed) - 1;
        this.maskOf(index).fill(0, 0, words);
      }
      const mask = index < 0 ? undefined : this.maskOf(index);
      for (let w = 0; w < span; w++) {
        const moved = rest[w]! & ruled[w]!;
        rest[w] = rest[w]! & ~moved;
        if (mask !== undefined) mask[w] = mask[w]! | moved;
      }
    }
    if (untouched !== known && isMarked && (this.isLive || table.isRead(dest))) {
      this.marks.set(dest, untouched);
    }
    if (!isChanged) {
      this.setGroup(batch.large[head] === 1 ? this.fitting(head, path, attr, slot) : head);
      return 1;
    }
    groups.length = 0;
    for (const [index, set] of outcomes.entries()) {
      const mask = this.maskOf(index);
      if (isEmpty(mask, words)) continue;
      const of = index === 0 ? head : this.headFor(set, slot, dest, family);
      const group = batch.variantFor(of, this.copied(mask));
      groups.push(batch.large[of] === 1 ? this.fitting(group, path, set, slot) : group);
    }
    return groups.length;
  }

  /** One group alone into `groups`, without making that anew for every route. */
  setGroup(group: number): void {
    const { groups } = this;
    if (groups.length !== 1) groups.length = 1;
    groups[0] = group;
  }

  /** What a session under `policy` gets of a path: an attribute set, 0 for nothing. */
  outcomeUnder(policy: number, dest: number, path: number): number {
    const attr = this.table.pathAttr(path);
    if (policy === NO_POLICY || this.stage.isIdle) return attr;
    return this.stage.apply(policy, attr, this.table.pathSlot(path), dest, path);
  }

  /** The policy of a slot, `NO_POLICY` for none. */
  policyOf(slot: number): number {
    const { stage } = this;
    for (let policy = 0; policy < stage.count; policy++) {
      const mask = stage.maskOf(policy);
      if (slot >>> 5 < mask.length && hasBit(mask, 0, slot)) return policy;
    }
    return NO_POLICY;
  }

  /** Who might have a path if its set were `attr`, export policy aside; writes `mask`. For previews: begins a batch. */
  receiversUnder(attr: number, dest: number, path: number, mask: Int32Array): void {
    const { batch } = this.delivery;
    const { oversized } = this;
    const slot = this.table.pathSlot(path);
    this.delivery.begin();
    this.begin();
    const head = this.headFor(attr, slot, dest, this.table.family(dest));
    const group = batch.large[head] === 1 ? this.fitting(head, path, attr, slot) : head;
    mask.fill(0);
    const from = batch.mask[group]!;
    const words = Math.min(mask.length, batch.words);
    for (let w = 0; w < words; w++) mask[w] = batch.masks[from + w]!;
    // To look is not to withhold.
    this.oversized = oversized;
  }

  /** The group of (set, source, type): its receivers are those whom reflection and route targets leave. */
  private headFor(attr: number, slot: number, dest: number, family: Family): number {
    const { table } = this;
    const { batch } = this.delivery;
    const type = family === Family.Evpn ? table.routeType(dest) : 0;
    let group = batch.findGroup(attr, slot, type);
    if (group < 0) {
      const mask = batch.takeMask();
      this.reflection.wanted(
        batch.masks,
        mask,
        slot,
        table.sources.kind[slot]!,
        family,
        type,
        table.attrs.flags(attr),
        hasIpv6NextHopForIpv4(family, table.attrs.nextHopLength(attr)),
      );
      if (!this.targets.isIdle && (TARGETED & (1 << family)) !== 0) {
        this.narrow(mask, table.attrs.targets(attr));
      }
      group = batch.addGroup(attr, slot, type, mask);
      const octets = table.attrs.attributesEnd(attr) - table.attrs.attributesStart(attr);
      batch.octets += octets;
      if (octets > SURELY_FITS) batch.large[group] = 1;
    }
    return group;
  }

  private maskOf(index: number): Int32Array {
    const { words } = this.delivery.batch;
    let mask = this.outcomeMasks[index];
    if (mask === undefined || mask.length < words) {
      mask = this.outcomeMasks[index] = new Int32Array(words);
    }
    return mask;
  }

  /** The mask in the batch, which takes it over. */
  private copied(mask: Int32Array): number {
    const { batch } = this.delivery;
    const at = batch.takeMask();
    for (let w = 0; w < batch.words; w++) batch.masks[at + w] = mask[w]!;
    return at;
  }

  /** The variant of a group for those of its receivers that are in `members`. */
  restrict(group: number, members: Int32Array): number {
    const { batch } = this.delivery;
    const mask = batch.takeMask();
    const want = batch.mask[group]!;
    for (let w = 0; w < batch.words; w++) {
      batch.masks[mask + w] = batch.masks[want + w]! & members[w]!;
    }
    return batch.variantFor(group, mask);
  }

  /** Leaves those of the receivers at `mask` who may have routes with this combination of targets. */
  private narrow(mask: number, set: number): void {
    const { targets } = this;
    const { batch } = this.delivery;
    const sets = this.table.attrs.targetSets;
    if (targets.version !== this.allowedVersion || sets.generation !== this.allowedGeneration) {
      this.allowed.clear();
      this.allowedVersion = targets.version;
      this.allowedGeneration = sets.generation;
    }
    let allowed = this.allowed.get(set);
    if (allowed === undefined || allowed.length < batch.words) {
      allowed = targets.allowed(set === 0 ? [] : sets.targets(set), batch.words);
      this.allowed.set(set, allowed);
    }
    for (let w = 0; w < batch.words; w++) {
      batch.masks[mask + w] = batch.masks[mask + w]! & allowed[w]!;
    }
  }

  /** For a set near or above the message size: only those receivers whose message can hold the route. */
  private fitting(group: number, path: number, attr: number, slot: number): number {
    const { batch, encodings, encodingMasks, extended } = this.delivery;
    const mask = batch.takeMask();
    const want = batch.mask[group]!;
    const { masks } = batch;
    for (let w = 0; w < batch.words; w++) masks[mask + w] = masks[want + w]!;
    if (attr !== this.sizedAttr || slot !== this.sizedSlot) this.measure(attr, slot);
    for (let i = 0; i < encodings.length; i++) {
      const size = this.overheads[i]! + this.table.pathNlriLength(path) + (batch.addPath ? 4 : 0);
      if (size <= ORDINARY_MESSAGE) continue;
      const receivers = encodingMasks[i]!;
      for (let w = 0; w < batch.words; w++) {
        const lost = receivers[w]! & (size > EXTENDED_MESSAGE ? -1 : ~extended[w]!);
        if ((masks[mask + w]! & lost) !== 0) this.oversized++;
        masks[mask + w] = masks[mask + w]! & ~lost;
      }
    }
    return batch.variantFor(group, mask);
  }

  private measure(attr: number, slot: number): void {
    const { encodings, packer } = this.delivery;
    this.sizedAttr = attr;
    this.sizedSlot = slot;
    for (let i = 0; i < encodings.length; i++) {
      this.overheads[i] = packer.overhead(attr, slot, encodings[i]!);
    }
  }
}

function isEmpty(mask: Int32Array, words: number): boolean {
  for (let w = 0; w < words; w++) if (mask[w] !== 0) return false;
  return true;
}
