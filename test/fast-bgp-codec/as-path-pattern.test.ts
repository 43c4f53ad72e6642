/** Patterns over AS paths: examples, random ones against RegExp, and those that make a backtracking engine fall over. */
import { describe, expect, it } from "vitest";
import { AsPathPattern, AsPathPatternError } from "../../src/fast-bgp-codec/as-path-pattern.js";
import { Random } from "../model/lib/random.js";

interface Segment {
  readonly type: number;
  readonly ases: readonly number[];
}

function valueOf(...segments: readonly Segment[]): Uint8Array {
  const octets = segments.flatMap(({ type, ases }) => [
    type,
    ases.length,
    ...ases.flatMap((as) => [as >>> 24, (as >>> 16) & 255, (as >>> 8) & 255, as & 255]),
  ]);
  return Uint8Array.from(octets);
}

function fits(pattern: string, ases: readonly number[]): boolean {
  const bytes = valueOf({ type: 2, ases });
  return new AsPathPattern(pattern).matches(bytes, 0, bytes.length);
}

describe("examples", () => {
  it.each([
    ["65001", [[65001]], [[], [65002], [65001, 65001]]],
    ["", [[]], [[1]]],
    [".*", [[], [1], [1, 2, 3]], []],
    ["65001 .*", [[65001], [65001, 2]], [[2, 65001]]],
    [
      ".* (64512-65534)+",
      [
        [1, 64512],
        [65534, 65000],
      ],
      [[], [65000, 1]],
    ],
    [
      "1 (2|3 4)? 5",
      [
        [1, 5],
        [1, 2, 5],
        [1, 3, 4, 5],
      ],
      [
        [1, 3, 5],
        [1, 2, 3, 4, 5],
      ],
    ],
    ["7{2}", [[7, 7]], [[7], [7, 7, 7]]],
    ["7{1,2}", [[7], [7, 7]], [[], [7, 7, 7]]],
    [
      "7{2,}",
      [
        [7, 7],
        [7, 7, 7],
      ],
      [[7]],
    ],
    ["(1|)2", [[2], [1, 2]], [[1]]],
    ["4294967295", [[4294967295]], [[0]]],
  ] as const)("%s", (pattern, yes, no) => {
    for (const path of yes) expect(fits(pattern, path), path.join(" ")).toBe(true);
    for (const path of no) expect(fits(pattern, path), path.join(" ")).toBe(false);
  });

  it("sets count AS by AS, confederation segments do not", () => {
    const bytes = valueOf(
      { type: 3, ases: [9] },
      { type: 2, ases: [1] },
      { type: 1, ases: [2, 3] },
    );
    expect(new AsPathPattern("1 2 3").matches(bytes, 0, bytes.length)).toBe(true);
  });
});

describe("texts that are none", () => {
  it.each([
    "x",
    "1)",
    "(1",
    "*",
    "+1",
    "()",
    "1{0}",
    "1{3,2}",
    "5-4",
    "4294967296",
    "(.{255}){255}",
    "1{256}",
    "(".repeat(60) + "1" + ")".repeat(60),
  ])("%s", (pattern) => expect(() => new AsPathPattern(pattern)).toThrow(AsPathPatternError));
});

function randomPattern(random: Random, depth: number): string {
  const parts = Array.from({ length: 1 + random.below(3) }, () => {
    const base =
      depth > 0 && random.oneIn(3)
        ? `(${randomPattern(random, depth - 1)})`
        : random.pick(["1", "2", "3", ".", "2-3"]);
    return base + random.pick(["", "", "*", "+", "?", "{2}", "{1,2}"]);
  });
  const text = parts.join(" ");
  return random.oneIn(4) ? `${text} | ${random.pick(["1", "2 3"])}` : text;
}

it("random patterns fit what RegExp says", () => {
  const random = new Random(7);
  let fitted = 0;
  for (let i = 0; i < 400; i++) {
    const text = randomPattern(random, 2);
    let pattern: AsPathPattern;
    try {
      pattern = new AsPathPattern(text);
    } catch {
      continue;
    }
    const regexp = new RegExp(`^(?:${text.replaceAll("2-3", "[23]").replaceAll(" ", "")})$`);
    for (let k = 0; k < 20; k++) {
      const ases = Array.from({ length: random.below(6) }, () => 1 + random.below(3));
      const bytes = valueOf({ type: 2, ases });
      const wanted = regexp.test(ases.join(""));
      expect(pattern.matches(bytes, 0, bytes.length), `${text} on ${ases.join(" ")}`).toBe(wanted);
      if (wanted) fitted++;
    }
  }
  expect(fitted).toBeGreaterThan(500);
});

it("nested repetitions take time in proportion to the path", () => {
  const pattern = new AsPathPattern("((1*)*)* 2");
  const bytes = valueOf(
    ...Array.from({ length: 4 }, () => ({ type: 2, ases: Array<number>(250).fill(1) })),
  );
  // A backtracking engine would not end in the lifetime of the machine.
  expect(pattern.matches(bytes, 0, bytes.length)).toBe(false);
  const long = valueOf(
    ...Array.from({ length: 60 }, () => ({ type: 2, ases: Array<number>(250).fill(1) })),
  );
  expect(new AsPathPattern(".*").matches(long, 0, long.length)).toBe(false);
});
