/** Who asked for which route targets, beside a plain list of memberships (RFC 4684). */
import { describe, expect, it } from "vitest";
import { RouteTargetFilter } from "../../../src/bgp/policy/route-target.js";
import { hasBit } from "../../../src/bgp/policy/slot-mask.js";
import { bytesOf, hexOf } from "../../model/lib/hex.js";
import { Random } from "../../model/lib/random.js";

const SLOTS = 70;

/** `bits` of origin AS and route target, masked as the table keeps them. */
function membership(bits: number, origin: number, target: string): string {
  const all = BigInt(`0x${hexOf(origin, 4)}${target}`);
  const rest = 96n - BigInt(bits);
  const masked = ((all >> rest) << rest).toString(16).padStart(24, "0");
  return hexOf(bits, 1) + masked.slice(0, Math.ceil(bits / 8) * 2);
}

function isAskedFor(nlri: string, targets: readonly string[]): boolean {
  const length = parseInt(nlri.slice(0, 2), 16);
  if (length === 0) return true;
  const bits = length - 32;
  const binary = (hex: string): string =>
    [...hex].map((digit) => parseInt(digit, 16).toString(2).padStart(4, "0")).join("");
  const wanted = binary(nlri.slice(10)).slice(0, bits);
  return targets.some((target) => binary(target).startsWith(wanted));
}

function allowed(filter: RouteTargetFilter, targets: readonly string[], words = 3): number[] {
  const mask = filter.allowed(targets, words);
  expect(mask).toHaveLength(words);
  return Array.from({ length: SLOTS }, (_, slot) => slot).filter((slot) => hasBit(mask, 0, slot));
}

const TARGETS = [
  "0002fde800000064",
  "0002fde800000065",
  "0002fde800000164",
  "0002fdea00000064",
  "01020a0000010064",
  "06020a0000010064",
];

describe("the filter", () => {
  it("allows what a list of memberships allows", () => {
    const random = new Random(1);
    const filter = new RouteTargetFilter();
    const held = new Map<number, string[]>();
    for (let step = 0; step < 6000; step++) {
      const slot = random.below(SLOTS);
      const own = held.get(slot);
      const before = filter.version;
      if (own === undefined) {
        filter.addSlot(slot);
        held.set(slot, []);
      } else if (random.oneIn(30)) {
        filter.removeSlot(slot);
        // Its routes go later, or it comes back before they do.
        if (random.oneIn(2)) filter.addSlot(slot);
        else {
          for (const one of own) filter.change(slot, bytesOf(`aa${one}`), 1, -1);
          held.delete(slot);
        }
      } else if (own.length > 0 && random.oneIn(2)) {
        const [gone] = own.splice(random.below(own.length), 1);
        filter.change(slot, bytesOf(`aa${gone!}`), 1, -1);
      } else {
        const bits = random.pick([0, 32, 33, 48, 63, 64, 65, 88, 95, 96, 96, 96, 96]);
        const one = membership(bits, 65000 + random.below(2), random.pick(TARGETS));
        // A table holds each membership of a source once.
        if (own.includes(one)) continue;
        own.push(one);
        filter.change(slot, bytesOf(`aa${one}`), 1, 1);
      }
      if (step % 5 !== 0) continue;
      expect(filter.isIdle).toBe(held.size === 0);
      const targets = random.shuffle(TARGETS).slice(0, random.below(3));
      const expected = Array.from({ length: SLOTS }, (_, n) => n).filter(
        (n) => held.get(n)?.some((one) => isAskedFor(one, targets)) ?? true,
      );
      expect(allowed(filter, targets)).toEqual(expected);
      expect(filter.version).toBeGreaterThanOrEqual(before);
    }
  });

  it("says what a change is about, and nothing when nothing changes", () => {
    const filter = new RouteTargetFilter();
    const [target] = TARGETS as [string];
    const say = (bits: number, origin: number, change: 1 | -1) =>
      filter.change(3, bytesOf(membership(bits, origin, target)), 0, change);
    expect(say(96, 1, 1)).toBeUndefined();
    expect(say(96, 1, -1)).toBeUndefined();
    filter.addSlot(3);
    expect(say(96, 1, 1)).toEqual({ target });
    const { version } = filter;
    // The same target, asked for in another AS's name.
    expect(say(96, 2, 1)).toBeUndefined();
    expect(say(96, 1, -1)).toBeUndefined();
    expect(filter.version).toBe(version);
    expect(say(96, 2, -1)).toEqual({ target });
    expect(say(0, 0, 1)).toEqual({ target: undefined });
    // Which combinations a part of a target is in is not looked up: everything is.
    expect(say(70, 1, 1)).toEqual({ target: undefined });
  });
});
