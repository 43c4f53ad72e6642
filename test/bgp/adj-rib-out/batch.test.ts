/** Groups, their variants, withdrawals, and masks that are taken and dropped: beside a plain list. */
import { beforeEach, describe, expect, it } from "vitest";
import { BATCH, Batch } from "../../../src/bgp/adj-rib-out/batch.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Random } from "../../model/lib/random.js";

let batch: Batch;

beforeEach(() => {
  batch = new Batch();
  batch.clear(2);
});

function mask(...words: readonly number[]): number {
  const at = batch.takeMask();
  for (let w = 0; w < batch.words; w++) batch.masks[at + w] = words[w] ?? 0;
  return at;
}

function maskAt(at: number): number[] {
  return [...batch.masks.subarray(at, at + batch.words)];
}

function members(first: number): number[] {
  const out: number[] = [];
  for (let entry = first; entry !== 0; entry = batch.next[entry]!) out.push(batch.item[entry]!);
  return out;
}

describe("groups", () => {
  it("are found by set, source and type, and not otherwise", () => {
    expect(batch.findGroup(1, 2, 3)).toBe(-1);
    const group = batch.addGroup(1, 2, 3, mask(5));
    const other = batch.addGroup(1, 3, 3, mask(6));
    expect(batch.findGroup(1, 2, 3)).toBe(group);
    expect(batch.findGroup(1, 3, 3)).toBe(other);
    for (const [attr, slot, type] of [
      [2, 2, 3],
      [1, 4, 3],
      [1, 2, 4],
    ] as const)
      expect(batch.findGroup(attr, slot, type)).toBe(-1);
  });

  it("have a variant for each set of receivers, found from the head", () => {
    const head = batch.addGroup(1, 2, 3, mask(7, 1));
    const top = batch.takeMask();
    batch.dropMask(top);
    expect(batch.variantFor(head, mask(7, 1))).toBe(head);
    // What was not needed was given back.
    expect(batch.takeMask()).toBe(top);
    batch.dropMask(top);
    const small = batch.variantFor(head, mask(3));
    const smaller = batch.variantFor(head, mask(1));
    expect(new Set([head, small, smaller]).size).toBe(3);
    expect(batch.variantFor(head, mask(3))).toBe(small);
    expect(batch.variantFor(head, mask(1))).toBe(smaller);
    expect(batch.variantFor(small, mask(1))).toBe(smaller);
    // The last group is a variant: its key still leads to the head.
    expect(batch.findGroup(1, 2, 3)).toBe(head);
    batch.announce(small, 10);
    batch.announce(head, 11);
    batch.announce(small, 12);
    expect([head, small, smaller].map((group) => members(batch.first[group]!))).toEqual([
      [11],
      [10, 12],
      [],
    ]);
  });

  it("are all gone after `clear`, with masks of another width", () => {
    batch.announce(batch.addGroup(1, 2, 3, mask(1, 1)), 5);
    batch.withdraw(Family.Evpn, false, mask(1, 1), 6);
    expect(batch.isEmpty).toBe(false);
    batch.octets = 7;
    batch.clear(20);
    expect([batch.isEmpty, batch.groups, batch.withdrawals, batch.octets]).toEqual([true, 0, 0, 0]);
    expect(batch.findGroup(1, 2, 3)).toBe(-1);
    expect(batch.takeMask()).toBe(0);
    expect(batch.takeMask()).toBe(20);
  });

  it("keep masks as the room for them grows", () => {
    batch.clear(64);
    const all = Array.from({ length: 500 }, (_, n) => mask(n, n + 1));
    for (const [n, at] of all.entries()) expect(maskAt(at).slice(0, 2)).toEqual([n, n + 1]);
  });
});

describe("withdrawals", () => {
  it("are grouped by family, order and receivers", () => {
    batch.withdraw(Family.Evpn, false, mask(1), 1);
    batch.withdraw(Family.Evpn, true, mask(1), 2);
    batch.withdraw(Family.Evpn, false, mask(1), 3);
    batch.withdraw(Family.Ipv4Unicast, false, mask(1), 4);
    batch.withdraw(Family.Evpn, false, mask(2), 5);
    batch.withdraw(Family.Evpn, false, mask(1), 6);
    const groups = Array.from({ length: batch.withdrawals }, (_, group) =>
      members(batch.withdrawFirst[group]!),
    );
    expect(groups).toEqual([[1, 3, 6], [2], [4], [5]]);
    expect([...batch.withdrawEarly.subarray(0, 4)]).toEqual([0, 1, 0, 0]);
  });

  it("of ever other receivers are not looked for for ever, and none is lost", () => {
    const seen: number[] = [];
    for (let n = 0; n < BATCH; n++) batch.withdraw(Family.Evpn, false, mask(n % 40), n + 1);
    for (let group = 0; group < batch.withdrawals; group++) {
      const [bits] = maskAt(batch.withdrawMask[group]!);
      for (const dest of members(batch.withdrawFirst[group]!)) {
        if ((dest - 1) % 40 !== bits) throw new Error(`destination ${dest} went astray`);
        seen.push(dest);
      }
    }
    expect(seen).toHaveLength(BATCH);
  });
});

describe("a full batch", () => {
  it("holds an announcement and a withdrawal of each destination, three groups for each", () => {
    const random = new Random(1);
    const expected = new Map<number, string>();
    for (let n = 0; n < BATCH; n++) {
      const dest = n + 1;
      const head = batch.addGroup(n + 1, random.below(4), 2, mask(0xff, n));
      const fitting = batch.variantFor(head, mask(0xfe, n));
      const gone = mask(1);
      batch.withdraw(Family.Evpn, false, gone, dest);
      const restricted = batch.variantFor(fitting, mask(0xf0, n));
      batch.announce(restricted, dest);
      expected.set(dest, `${n + 1}:240,${n}`);
    }
    expect(batch.groups).toBe(3 * BATCH);
    const found = new Map<number, string>();
    for (let group = 0; group < batch.groups; group++)
      for (const dest of members(batch.first[group]!))
        found.set(dest, `${batch.attr[group]}:${maskAt(batch.mask[group]!).join()}`);
    expect(found).toEqual(expected);
    expect(members(batch.withdrawFirst[0]!)).toHaveLength(BATCH);
    for (let n = 0; n < BATCH; n += 97) {
      const group = [0, 1, 2, 3].map((slot) => batch.findGroup(n + 1, slot, 2)).find((g) => g >= 0);
      expect(batch.attr[group!]).toBe(n + 1);
      expect(maskAt(batch.mask[group!]!)).toEqual([0xff, n]);
    }
  });
});
