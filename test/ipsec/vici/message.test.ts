import { expect, test } from "vitest";
import {
  decodeMessage,
  encodeMessage,
  listOf,
  sectionOf,
  textOf,
  ViciError,
  type ViciSection,
} from "../../../src/ipsec/vici/index.js";
import { Random } from "../../model/lib/random.js";

/** Sections, a list and values, as the protocol's own description draws them. */
const TREE = {
  key1: "value1",
  section1: { "sub-section": { key2: "value2" }, list1: ["item1", "item2"] },
};
const OCTETS = [
  ...[3, 4, ...ascii("key1"), 0, 6, ...ascii("value1")],
  ...[1, 8, ...ascii("section1")],
  ...[1, 11, ...ascii("sub-section"), 3, 4, ...ascii("key2"), 0, 6, ...ascii("value2"), 2],
  ...[4, 5, ...ascii("list1"), 5, 0, 5, ...ascii("item1"), 5, 0, 5, ...ascii("item2"), 6],
  2,
];

function ascii(text: string): number[] {
  return [...Buffer.from(text)];
}

test("IPS-88: a tree is written and read as the protocol says", () => {
  expect([...encodeMessage(TREE)]).toEqual(OCTETS);
  const tree = decodeMessage(Uint8Array.from(OCTETS));
  expect(textOf(tree, "key1")).toBe("value1");
  expect(listOf(sectionOf(tree, "section1"), "list1")).toEqual(["item1", "item2"]);
  expect(textOf(sectionOf(sectionOf(tree, "section1"), "sub-section"), "key2")).toBe("value2");
});

test("what is not there is empty, and what is undefined is left out", () => {
  const tree = decodeMessage(encodeMessage({ a: undefined, b: "", c: [] }));
  expect(Object.keys(tree)).toEqual(["b", "c"]);
  expect(textOf(tree, "c")).toBeUndefined();
  expect(sectionOf(tree, "b")).toBeUndefined();
  expect(listOf(tree, "a")).toEqual([]);
});

test("names of the daemon cannot reach prototypes", () => {
  const tree = decodeMessage(
    encodeMessage(JSON.parse('{"__proto__":{"polluted":"yes"}}') as ViciSection),
  );
  expect(({} as { polluted?: string }).polluted).toBeUndefined();
  expect(textOf(sectionOf(tree, "__proto__"), "polluted")).toBe("yes");
});

test.each([
  ["a section that does not end", [1, 1, 97]],
  ["a section that never began", [2]],
  ["a list that does not end", [4, 1, 97]],
  ["an item outside a list", [5, 0, 1, 97]],
  ["a value inside a list", [4, 1, 97, 3, 1, 98, 0, 0]],
  ["the end of a list that never began", [6]],
  ["an unknown element", [9]],
  ["a value cut short", [3, 1, 97, 0, 9, 98]],
  ["a name cut short", [3, 9, 97]],
])("refuses %s", (_what, octets) => {
  expect(() => decodeMessage(Uint8Array.from(octets))).toThrow(ViciError);
});

test("refuses sections nested without end, and names and values that cannot be written", () => {
  const deep = Array.from({ length: 5000 }, () => [1, 1, 97]).flat();
  expect(() => decodeMessage(Uint8Array.from(deep))).toThrow(ViciError);
  expect(() => encodeMessage({ ["n".repeat(256)]: "x" })).toThrow(ViciError);
  expect(() => encodeMessage({ secret: "s3cret".repeat(20_000) })).toThrow(
    /"secret" has more than/,
  );
});

test("random octets, and messages with faults in them, are read or refused", () => {
  const random = new Random(88);
  const good = encodeMessage(TREE);
  for (let round = 0; round < 20_000; round++) {
    const bytes =
      round % 2 === 0
        ? Uint8Array.from({ length: random.below(40) }, () =>
            random.below(round % 3 === 0 ? 8 : 256),
          )
        : good.slice();
    if (round % 2 === 1) {
      for (let n = random.below(4); n >= 0; n--)
        bytes[random.below(bytes.length)] = random.below(256);
    }
    try {
      decodeMessage(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(ViciError);
    }
  }
});

test("random trees come back as they went", () => {
  const random = new Random(89);
  for (let round = 0; round < 300; round++) {
    const tree = randomTree(random, 4);
    expect(JSON.parse(JSON.stringify(decodeMessage(encodeMessage(tree))))).toEqual(tree);
  }
});

function randomTree(random: Random, depth: number): ViciSection {
  const entries = Array.from({ length: random.below(5) }, (_, n): [string, ViciSection[string]] => {
    const kind = random.below(depth > 0 ? 3 : 2);
    const text = (): string => `v${random.below(1000)} ü`.repeat(random.below(3));
    if (kind === 2) return [`k${n}`, randomTree(random, depth - 1)];
    return [`k${n}`, kind === 1 ? Array.from({ length: random.below(4) }, text) : text()];
  });
  return Object.fromEntries(entries);
}
