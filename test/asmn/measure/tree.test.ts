/** The tree digest against a slow, literal reading of its definition, and single chunks against the root. */
import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  CHUNK_OCTETS,
  chunkCount,
  leafDigest,
  proveChunk,
  rootDigest,
  verifyChunk,
} from "../../../src/asmn/measure/tree.js";

const hash = (...parts: readonly Uint8Array[]): Buffer =>
  createHash("sha256").update(Buffer.concat(parts)).digest();

/** The definition, recursive: a tree of n leaves splits at the largest power of two below n. */
function slowTop(leaves: readonly Buffer[]): Buffer {
  if (leaves.length === 1) return leaves[0]!;
  let split = 1;
  while (split * 2 < leaves.length) split *= 2;
  return hash(Buffer.of(1), slowTop(leaves.slice(0, split)), slowTop(leaves.slice(split)));
}

function slowRoot(leaves: readonly Buffer[], size: number): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt32BE(CHUNK_OCTETS, 0);
  head.writeBigUInt64BE(BigInt(size), 4);
  return hash(Buffer.of(2), head, slowTop(leaves));
}

/** Leaves of an imagined file: their content does not matter to the tree. */
function leavesOf(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => hash(Buffer.from(`leaf ${String(index)}`)));
}

describe("ASM-65: tree digest", () => {
  test("ASM-65: the root is that of the definition, for every shape of tree", () => {
    for (let count = 1; count <= 70; count++) {
      const leaves = leavesOf(count);
      const size = count * CHUNK_OCTETS - 5;
      expect(rootDigest(Buffer.concat(leaves), size)).toEqual(slowRoot(leaves, size));
    }
  });

  test("ASM-65: a known answer, so that the format never changes unnoticed", () => {
    const empty = rootDigest(leafDigest(Buffer.alloc(0)), 0);
    const abc = rootDigest(leafDigest(Buffer.from("abc")), 3);
    expect(empty).toEqual(slowRoot([hash(Buffer.of(0))], 0));
    expect(abc).toEqual(slowRoot([hash(Buffer.from("\0abc"))], 3));
    expect(chunkCount(0)).toBe(1);
    expect(chunkCount(CHUNK_OCTETS)).toBe(1);
    expect(chunkCount(CHUNK_OCTETS + 1)).toBe(2);
  });

  test("ASM-65: leaf, node and root are kept apart: a file made of two leaves' digests is another file", () => {
    const [left, right] = [leafDigest(Buffer.from("a")), leafDigest(Buffer.from("b"))];
    const forged = Buffer.concat([Buffer.of(1), left, right]);
    expect(leafDigest(forged)).not.toEqual(hash(forged));
    const two = rootDigest(Buffer.concat([left, right]), CHUNK_OCTETS + 1);
    const one = rootDigest(hash(forged), CHUNK_OCTETS);
    expect(one).not.toEqual(two);
  });

  test("ASM-65: a length that differs differs, though the tree is the same", () => {
    const leaf = leafDigest(Buffer.from("abc"));
    expect(rootDigest(leaf, 3)).not.toEqual(rootDigest(leaf, 4));
    expect(() => rootDigest(leaf, CHUNK_OCTETS + 1)).toThrow(RangeError);
  });
});

describe("ASM-65: one chunk against the root", () => {
  const last = Buffer.from("the last chunk is short");
  const full = Buffer.alloc(CHUNK_OCTETS, 7);

  test.each([1, 2, 3, 5, 8, 13])(
    "ASM-65: every chunk of %i verifies, and no other does",
    (count) => {
      const size = (count - 1) * CHUNK_OCTETS + last.length;
      const leaves = Buffer.concat([
        ...Array.from({ length: count - 1 }, () => leafDigest(full)),
        leafDigest(last),
      ]);
      const root = rootDigest(leaves, size);
      for (let index = 0; index < count; index++) {
        const proof = proveChunk(leaves, size, index);
        const octets = index === count - 1 ? last : full;
        expect(verifyChunk(root, octets, proof)).toBe(true);
        const changed = Buffer.from(octets);
        changed[3]! ^= 1;
        expect(verifyChunk(root, changed, proof)).toBe(false);
        expect(verifyChunk(root, octets, { ...proof, size: size - 1 })).toBe(false);
        expect(verifyChunk(root, octets, { ...proof, beside: [...proof.beside, root] })).toBe(
          false,
        );
        if (count > 1) {
          expect(verifyChunk(root, octets, { ...proof, beside: proof.beside.slice(1) })).toBe(
            false,
          );
        }
      }
    },
  );

  test("ASM-65: a proof without sense is refused, not believed and no exception", () => {
    const root = rootDigest(leafDigest(last), last.length);
    for (const [index, size] of [
      [-1, 3],
      [1, last.length],
      [0, -1],
      [0, Number.NaN],
      [0, 2 ** 60],
    ] as const) {
      expect(verifyChunk(root, last, { index, size, beside: [] })).toBe(false);
    }
    expect(() => proveChunk(leafDigest(last), last.length, 1)).toThrow(RangeError);
  });
});
