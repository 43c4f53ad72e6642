/** Addresses, prefixes and ranges, in both families. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  canonicalAddress,
  canonicalPrefix,
  formatRange,
  joinRanges,
  lengthOfMask,
  maskOfLength,
  parseRange,
  prefixesOf,
  rangesOutside,
} from "../../../src/ipsec/model/index.js";

const ranges = (...texts: string[]) => texts.map((text) => parseRange(text)!);

test.each([
  ["10.0.0.1/24", "10.0.0.0/24"],
  ["10.32.0.0 255.255.128.0", "10.32.0.0/17"],
  ["10.0.0.1", "10.0.0.1/32"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["2001:DB8:0:0::1/32", "2001:db8::/32"],
  ["::/0", "::/0"],
  ["2001:db8::ffff:192.0.2.1", "2001:db8::ffff:c000:201/128"],
])("IPS-94: %s is %s", (text, prefix) => {
  expect(canonicalPrefix(text)).toBe(prefix);
});

test.each(["", "10.0.0.0/33", "10.0.0/8", "::/129", "fe80::1%eth0/64", "10.0.0.9..10.0.0.1", "x"])(
  "%j is none",
  (text) => {
    expect(parseRange(text)).toBeUndefined();
  },
);

test("a range that is no prefix is the fewest prefixes", () => {
  const range = parseRange("10.0.0.1..10.0.0.6")!;
  expect(formatRange(range)).toBe("10.0.0.1..10.0.0.6");
  expect(prefixesOf(range)).toEqual(["10.0.0.1/32", "10.0.0.2/31", "10.0.0.4/31", "10.0.0.6/32"]);
  expect(prefixesOf(parseRange("0.0.0.0..255.255.255.255")!)).toEqual(["0.0.0.0/0"]);
});

test("IPS-62: neighbours join", () => {
  expect(joinRanges(ranges("10.0.1.0/24", "10.0.0.0/24")).map(formatRange)).toEqual([
    "10.0.0.0/23",
  ]);
  expect(joinRanges(ranges("10.0.0.0/8", "10.1.0.0/16", "::/1")).map(formatRange)).toEqual([
    "10.0.0.0/8",
    "::/1",
  ]);
});

test("what is outside", () => {
  const left = rangesOutside(ranges("10.0.0.0/23", "2001:db8::/126"), ranges("10.0.0.128/25"));
  expect(left.map(formatRange)).toEqual(["10.0.0.0/25", "10.0.1.0/24", "2001:db8::/126"]);
  expect(rangesOutside(ranges("10.0.0.0/24"), ranges("0.0.0.0/0"))).toEqual([]);
});

describe("masks", () => {
  test.each([0, 1, 17, 24, 31, 32])("/%i", (length) => {
    expect(lengthOfMask(maskOfLength(length))).toBe(length);
  });

  test("IPS-42: 255.255.128.0 is /17", () => {
    expect(lengthOfMask("255.255.128.0")).toBe(17);
    expect(lengthOfMask("255.0.255.0")).toBeUndefined();
  });
});

test("an address in its one form", () => {
  expect(canonicalAddress("2001:0db8::0001")).toBe("2001:db8::1");
  expect(canonicalAddress("10.0.0.256")).toBeUndefined();
});

test("whatever the text, it is a range that prints as itself, or none", () => {
  const address = fc.oneof(fc.ipV4(), fc.ipV6());
  const text = fc.oneof(
    fc.string(),
    fc.tuple(address, fc.integer({ min: 0, max: 140 })).map(([at, length]) => `${at}/${length}`),
    fc.tuple(address, address).map(([first, last]) => `${first}..${last}`),
    fc.tuple(address, address).map(([at, mask]) => `${at} ${mask}`),
  );
  fc.assert(
    fc.property(text, (given) => {
      const range = parseRange(given);
      if (range === undefined) return;
      expect(parseRange(formatRange(range))).toEqual(range);
      const parts = prefixesOf(range).map((prefix) => parseRange(prefix)!);
      expect(joinRanges(parts)).toEqual([range]);
    }),
    { numRuns: 300 },
  );
});
