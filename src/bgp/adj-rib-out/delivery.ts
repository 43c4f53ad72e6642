/** The batch under construction, its messages, and which session gets which slices of them. */
import { clearBit, hasBit, setBit } from "../policy/slot-mask.js";
import type { Encoding, ReflectorIdentity } from "../policy/export.js";
import type { RouteTable } from "../rib/route-table.js";
import { Batch } from "./batch.js";
import type { Cursor } from "./cursor.js";
import { Packer } from "./packer.js";
import type { EncodedRoute } from "./receiver.js";
import { Segments } from "./segments.js";

export class Delivery {
  readonly batch = new Batch();
  readonly packer: Packer;
  /** Ways in which attributes differ on the wire, and the slots of each. */
  readonly encodings: Encoding[] = [];
  readonly encodingMasks: Int32Array[] = [];
  /** Slots that take messages beyond 4,096 octets. */
  extended = new Int32Array(1);
  private readonly segments = new Segments(this.batch);
  private readonly slices: Uint8Array[] = [];
  private words = 1;

  constructor(table: RouteTable, identity: ReflectorIdentity) {
    this.packer = new Packer(table, identity);
  }

  /** @param words of every mask from now on: slots / 32 */
  add(slot: number, encoding: Encoding, extendedMessage: boolean, words: number): void {
    this.widen(words);
    setBit(this.encodingMasks[this.encodingIndex(encoding)]!, slot);
    if (extendedMessage) setBit(this.extended, slot);
  }

  remove(slot: number): void {
    for (const mask of this.encodingMasks) clearBit(mask, slot);
    clearBit(this.extended, slot);
  }

  /** A new, empty batch. */
  begin(addPath = false): void {
    this.batch.clear(this.words, addPath);
    this.segments.clear();
  }

  /** Builds the batch's messages and hands each session of the group its slices. */
  deliver(group: readonly Cursor[]): void {
    const { batch, segments, slices } = this;
    if (batch.isEmpty) return;
    this.packer.pack(batch, this.encodings, this.encodingMasks, this.extended, segments);
    for (const cursor of group) {
      slices.length = 0;
      const messages = segments.collect(cursor.slot, slices);
      if (messages > 0) cursor.outlet.sendMany(slices, messages);
    }
  }

  /** How a set from a source looks to this slot, MP_REACH_NLRI aside; for views. */
  encode(slot: number, attr: number, source: number): EncodedRoute {
    const index = this.encodingMasks.findIndex((mask) => hasBit(mask, 0, slot));
    const encoding = this.encodings[Math.max(0, index)]!;
    const attributes = this.packer.attributesFor(attr, source, encoding);
    const nextHop = this.packer.nextHopFor(attr, encoding);
    return { attributes, nextHop, as4: encoding.as4 };
  }

  private encodingIndex(wanted: Encoding): number {
    const index = this.encodings.findIndex(
      (encoding) =>
        encoding.ebgp === wanted.ebgp &&
        encoding.as4 === wanted.as4 &&
        (encoding.lastResort === true) === (wanted.lastResort === true) &&
        (encoding.lastChoice === true) === (wanted.lastChoice === true) &&
        Buffer.compare(encoding.nextHopSelf ?? NO_BYTES, wanted.nextHopSelf ?? NO_BYTES) === 0,
    );
    if (index >= 0) return index;
    this.encodings.push(wanted);
    this.encodingMasks.push(new Int32Array(this.words));
    return this.encodings.length - 1;
  }

  private widen(words: number): void {
    if (words <= this.words) return;
    this.words = words;
    this.extended = widened(this.extended, words);
    for (let i = 0; i < this.encodingMasks.length; i++) {
      this.encodingMasks[i] = widened(this.encodingMasks[i]!, words);
    }
  }
}

const NO_BYTES = new Uint8Array(0);

function widened(mask: Int32Array, words: number): Int32Array<ArrayBuffer> {
  const wide = new Int32Array(words);
  wide.set(mask);
  return wide;
}
