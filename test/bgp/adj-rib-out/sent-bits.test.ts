/** Bits and their counts beside a plain set, over several words of slots. */
import { describe, expect, it } from "vitest";
import { SentBits } from "../../../src/bgp/adj-rib-out/sent-bits.js";
import { FAMILIES, Family } from "../../../src/fast-bgp-codec/family.js";
import { Random } from "../../model/lib/random.js";

const WORDS = 3;
const DESTINATIONS = 200;

describe("sent bits", () => {
  it("are a set of (slot, destination) with counts by family, whatever is written in which order", () => {
    const random = new Random(1);
    const bits = new SentBits();
    const model = new Set<string>();
    const familyOf = (dest: number): Family => FAMILIES[dest % FAMILIES.length]!.family;
    bits.ensure(1, 10);
    bits.ensure(WORDS, DESTINATIONS);
    for (let step = 0; step < 20_000; step++) {
      if (random.oneIn(200)) {
        const slot = random.below(WORDS * 32);
        bits.clearSlot(slot, DESTINATIONS);
        for (const one of model) if (one.startsWith(`${slot}/`)) model.delete(one);
        continue;
      }
      // Runs of neighbours change the same bits, as a batch does.
      const word = random.below(WORDS);
      const mask = random.next() | 0;
      const set = random.oneIn(2);
      const first = random.below(DESTINATIONS);
      for (let dest = first; dest < Math.min(DESTINATIONS, first + random.below(6)); dest++) {
        const before = bits.read(word, dest);
        bits.write(word, dest, familyOf(dest), before, set ? before | mask : before & ~mask);
        for (let bit = 0; bit < 32; bit++) {
          if ((mask & (1 << bit)) === 0) continue;
          if (set) model.add(`${word * 32 + bit}/${dest}`);
          else model.delete(`${word * 32 + bit}/${dest}`);
        }
      }
      if (random.oneIn(50)) {
        const slot = random.below(WORDS * 32);
        const family = random.pick(FAMILIES).family;
        const own = [...model].filter((one) => one.startsWith(`${slot}/`));
        expect(bits.count(slot, family)).toBe(
          own.filter((one) => familyOf(Number(one.split("/")[1])) === family).length,
        );
      }
    }
    for (let slot = 0; slot < WORDS * 32; slot++)
      for (let dest = 0; dest < DESTINATIONS; dest++)
        if (bits.has(slot, dest) !== model.has(`${slot}/${dest}`)) throw new Error("differs");
  });

  it("of slots and destinations nobody made room for are clear", () => {
    const bits = new SentBits();
    expect(bits.has(5, 5)).toBe(false);
    expect(bits.count(5, Family.Evpn)).toBe(0);
    bits.clearSlot(5, 100);
    bits.ensure(1, 10);
    expect(bits.has(40, 5)).toBe(false);
    expect(bits.read(0, 10_000_000)).toBe(0);
  });
});
