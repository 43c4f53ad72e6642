/**
 * What one stretch of the log (or of a dump) means for the sessions that read it together: routes to
 * announce, grouped by (source session, attribute set, route type, receivers), and routes to
 * withdraw, grouped by receivers. Groups become messages that are built once. All arrays are reused.
 *
 * Announcing a group by its source and not only by its attributes is what keeps a route from going
 * back to the peer it came from when two peers send equal attributes.
 */
import type { Family } from "../../fast-bgp-codec/family.js";

/** Most destinations in one batch. */
export const BATCH = 2048;
/** A destination may add three groups: its key's, that of whose messages hold it, that of who reads now. */
const GROUPS = 3 * BATCH;
/** A form of a route under export policy may add one more: that of whom the policy leaves. */
const GROUPS_PER_FORM = 4;
/** A power of two above the groups. */
const HASH_SIZE = 8192;

export class Batch {
  /** Receivers of groups, `words` cells each. */
  masks = new Int32Array(BATCH);
  private maskTop = 0;
  words = 1;
  /** Of the attribute sets of all keys; counted by whoever adds groups. */
  octets = 0;

  /** Announcement groups. */
  groups = 0;
  attr = new Int32Array(GROUPS);
  slot = new Int32Array(GROUPS);
  type = new Int32Array(GROUPS);
  mask = new Int32Array(GROUPS);
  first = new Int32Array(GROUPS);
  private last = new Int32Array(GROUPS);
  /** Next group with the same key and other receivers, -1 for none. */
  variant = new Int32Array(GROUPS);
  /** Some of its routes fit no ordinary message. */
  large = new Uint8Array(GROUPS);

  /** Withdrawal groups. */
  withdrawals = 0;
  readonly withdrawMask = new Int32Array(BATCH);
  readonly withdrawFamily = new Int32Array(BATCH);
  /** 1 for Ethernet A-D routes, which go first (mass withdraw, RFC 7432 section 8.2). */
  readonly withdrawEarly = new Uint8Array(BATCH);
  readonly withdrawFirst = new Int32Array(BATCH);
  private readonly withdrawLast = new Int32Array(BATCH);

  /** Members of groups, linked; entry 0 is none. An announcement's is a path, a withdrawal's a destination. */
  private entries = 1;
  item = new Int32Array(2 * BATCH + 1);
  next = new Int32Array(2 * BATCH + 1);
  /** Path ids as sent, where `addPath`. */
  pathId = new Int32Array(0);
  /** NLRI go out behind a path id (RFC 7911). */
  addPath = false;
  private index = new Int32Array(HASH_SIZE);

  /** Empty for masks of `words` words. */
  clear(words: number, addPath = false): void {
    if (this.groups > 0) this.index.fill(0);
    this.words = words;
    this.addPath = addPath;
    if (addPath && this.pathId.length < this.item.length) {
      this.pathId = new Int32Array(this.item.length);
    }
    this.octets = 0;
    this.maskTop = 0;
    this.groups = 0;
    this.withdrawals = 0;
    this.entries = 1;
  }

  get isEmpty(): boolean {
    return this.entries === 1;
  }

  /** Room for one mask; its offset in `masks`. The content is undefined. */
  takeMask(): number {
    const at = this.maskTop;
    this.maskTop += this.words;
    if (this.maskTop > this.masks.length) {
      const wider = new Int32Array(Math.max(this.maskTop, this.masks.length * 2));
      wider.set(this.masks);
      this.masks = wider;
    }
    return at;
  }

  /** Gives back the mask that was taken last. */
  dropMask(at: number): void {
    this.maskTop = at;
  }

  /** The group of this key, -1 when there is none yet. */
  findGroup(attr: number, slot: number, type: number): number {
    const previous = this.groups - 1;
    if (previous >= 0 && this.isGroup(previous, attr, slot, type)) return this.headOf(previous);
    let at = this.hashOf(attr, slot, type);
    for (;;) {
      const group = this.index[at]! - 1;
      if (group < 0) return -1;
      if (this.isGroup(group, attr, slot, type)) return group;
      at = (at + 1) & (this.index.length - 1);
    }
  }

  /** A new group whose receivers are at `mask`. */
  addGroup(attr: number, slot: number, type: number, mask: number): number {
    const group = this.newGroup(attr, slot, type, mask);
    let at = this.hashOf(attr, slot, type);
    while (this.index[at] !== 0) at = (at + 1) & (this.index.length - 1);
    this.index[at] = group + 1;
    return group;
  }

  /** The group with the key of `head` for the receivers at `mask`, which is taken over or dropped. */
  variantFor(head: number, mask: number): number {
    let group = head;
    for (;;) {
      if (this.sameMask(this.mask[group]!, mask)) {
        this.dropMask(mask);
        return group;
      }
      const next = this.variant[group]!;
      if (next < 0) break;
      group = next;
    }
    const added = this.newGroup(this.attr[head]!, this.slot[head]!, this.type[head]!, mask);
    this.large[added] = this.large[head]!;
    this.variant[group] = added;
    return added;
  }

  /** Whether there is room for a destination with so many forms to announce, and withdrawals. */
  hasRoom(forms: number, withdrawals: number): boolean {
    return (
      this.groups + GROUPS_PER_FORM * forms <= this.attr.length &&
      this.withdrawals + withdrawals <= BATCH &&
      this.entries + forms + withdrawals <= this.item.length
    );
  }

  /** Makes an empty batch wide enough for some destinations with so many forms. */
  reserve(forms: number): void {
    const groups = 2 * GROUPS_PER_FORM * forms;
    if (groups <= this.attr.length) return;
    const wide = (): Int32Array<ArrayBuffer> => new Int32Array(groups);
    this.attr = wide();
    this.slot = wide();
    this.type = wide();
    this.mask = wide();
    this.first = wide();
    this.last = wide();
    this.variant = wide();
    this.large = new Uint8Array(groups);
    this.index = new Int32Array(2 ** Math.ceil(Math.log2(groups * 1.25)));
    this.item = wide();
    this.next = wide();
    if (this.addPath) this.pathId = wide();
  }

  /** @param item the path */
  announce(group: number, item: number, pathId = 0): void {
    const entry = this.entries++;
    this.item[entry] = item;
    if (this.addPath) this.pathId[entry] = pathId;
    this.next[entry] = 0;
    if (this.first[group] === 0) this.first[group] = entry;
    else this.next[this.last[group]!] = entry;
    this.last[group] = entry;
  }

  /** Withdraws `dest` from the receivers at `mask`, which is taken over or dropped. */
  withdraw(family: Family, early: boolean, mask: number, dest: number, pathId = 0): void {
    let group = this.withdrawals - 1;
    const flag = early ? 1 : 0;
    while (
      group >= 0 &&
      !(
        this.withdrawFamily[group] === family &&
        this.withdrawEarly[group] === flag &&
        this.sameMask(this.withdrawMask[group]!, mask)
      )
    ) {
      // Receivers differ by source, so few groups exist; looking far back would be quadratic.
      group = this.withdrawals - group > 16 ? -1 : group - 1;
    }
    if (group < 0) {
      group = this.withdrawals++;
      this.withdrawFamily[group] = family;
      this.withdrawEarly[group] = flag;
      this.withdrawMask[group] = mask;
      this.withdrawFirst[group] = 0;
    } else {
      this.dropMask(mask);
    }
    const entry = this.entries++;
    this.item[entry] = dest;
    if (this.addPath) this.pathId[entry] = pathId;
    this.next[entry] = 0;
    if (this.withdrawFirst[group] === 0) this.withdrawFirst[group] = entry;
    else this.next[this.withdrawLast[group]!] = entry;
    this.withdrawLast[group] = entry;
  }

  sameMask(a: number, b: number): boolean {
    if (a === b) return true;
    const masks = this.masks;
    for (let w = 0; w < this.words; w++) if (masks[a + w] !== masks[b + w]) return false;
    return true;
  }

  private isGroup(group: number, attr: number, slot: number, type: number): boolean {
    return this.attr[group] === attr && this.slot[group] === slot && this.type[group] === type;
  }

  /** Variants stand only behind their head: the last group may be one. */
  private headOf(group: number): number {
    const attr = this.attr[group]!;
    const slot = this.slot[group]!;
    const type = this.type[group]!;
    let at = this.hashOf(attr, slot, type);
    while (!this.isGroup(this.index[at]! - 1, attr, slot, type))
      at = (at + 1) & (this.index.length - 1);
    return this.index[at]! - 1;
  }

  private newGroup(attr: number, slot: number, type: number, mask: number): number {
    const group = this.groups++;
    this.attr[group] = attr;
    this.slot[group] = slot;
    this.type[group] = type;
    this.mask[group] = mask;
    this.first[group] = 0;
    this.variant[group] = -1;
    this.large[group] = 0;
    return group;
  }

  private hashOf(attr: number, slot: number, type: number): number {
    let h = Math.imul(attr, 0x9e3779b1) ^ Math.imul(slot + 1, 0x85ebca6b) ^ (type << 3);
    h ^= h >>> 15;
    return h & (this.index.length - 1);
  }
}
