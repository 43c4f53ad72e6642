/**
 * Faults planted in the reflector on purpose: the model must find each with the operations it has
 * anyway, or it proves nothing about the part that the fault is in.
 */
import { describe, expect, it, vi } from "vitest";
import { LongLivedMark } from "../../src/bgp/restart/long-lived-mark.js";
import type { AttrStore } from "../../src/bgp/rib/attr-store.js";
import { Reflector } from "../../src/bgp/reflector.js";
import { Generator } from "./lib/generator.js";
import type { MakeReflector } from "./lib/harness.js";
import { PEERS } from "./lib/material.js";
import { isLiveCount } from "./lib/reflector.js";
import { failureOf } from "./lib/run.js";

/** What is broken in a new reflector. */
type Plant = (reflector: Reflector) => void;

const PLANTS: Readonly<Record<string, Plant>> = {
  "changed export rules are not compared with what was sent": (reflector) => {
    reflector.syncExport = (_slot, _before, done) => done();
  },
  "changed import rules leave what came before as it was": (reflector) => {
    reflector.policies.reconsider = () => undefined;
  },
  "a list of route targets is taken over when the session comes up, and never again": (
    reflector,
  ) => {
    reflector.interests.change = () => undefined;
  },
  "End-of-RIB after a restart removes nothing": (reflector) => {
    reflector.restarts.endOfRib = () => undefined;
  },
  "a refresh in the middle of a restart counts": (reflector) => {
    reflector.restarts.beginRefresh = ({ slot }, family) => {
      reflector.table.markStale(slot, family);
    };
  },
  "a third path of a destination is never offered": ({ table }) => {
    const rank = table.rank.bind(table);
    table.rank = (dest, most, out) => rank(dest, Math.min(most, 2), out);
  },
  "memberships that come later are not heard": (reflector) => {
    reflector.table.onMembership = (slot, bytes, start, change) => {
      if (change < 0) reflector.out.membership(slot, bytes, start, change);
    };
  },
};

/** As many seeds as the model's own test has; every third is for more peers than these. */
const SEEDS = [1, 2, 4, 5, 7, 8, 10, 11];

function isFound(make: MakeReflector): boolean {
  return SEEDS.some((seed) => {
    const ops = new Generator(seed, PEERS).make(2000);
    const settings = { make, seed, operations: ops.length, still: isLiveCount };
    return failureOf(ops, settings) !== undefined;
  });
}

describe("the model finds that", () => {
  for (const [name, plant] of Object.entries(PLANTS)) {
    it(name, { timeout: 0 }, () => {
      const make: MakeReflector = (settings) => {
        const reflector = new Reflector(settings);
        plant(reflector);
        return reflector;
      };
      expect(isFound(make)).toBe(true);
    });
  }

  it("long-lived stale routes are not marked", { timeout: 0 }, () => {
    const add = vi.spyOn(LongLivedMark.prototype, "add");
    add.mockImplementation(function (this: LongLivedMark, attr: number) {
      (this as unknown as { readonly attrs: AttrStore }).attrs.retain(attr);
      return attr;
    });
    try {
      expect(isFound((settings) => new Reflector(settings))).toBe(true);
    } finally {
      add.mockRestore();
    }
  });
});
