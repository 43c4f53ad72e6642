/** Hashes and the chain, against the tools that everybody has. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { exponentSize } from "../../../src/asmn/paper/agreement.js";
import { linkAt, nextLink } from "../../../src/asmn/paper/chain.js";
import {
  CHAIN_HASHES,
  decimalDigits,
  hashOf,
  type ChainHash,
} from "../../../src/asmn/paper/hash.js";
import { hex } from "../../../src/asmn/paper/identifier.js";
import { hashImage } from "../../../src/asmn/paper/image.js";

let directory: string;
let path: string;
const octets = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) >>> 5));

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-paper-"));
  path = join(directory, "image");
  writeFileSync(path, octets);
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The same digest by somebody else: md5sum, sha1sum, and the trailer that gzip writes. */
function byOthers(hash: ChainHash, input: Uint8Array): string {
  if (hash === "crc32") {
    const trailer = gzipSync(input).subarray(-8, -4);
    return Buffer.from(trailer).reverse().toString("hex");
  }
  const [digest = ""] = execFileSync(`${hash}sum`, { input }).toString().split(" ");
  return digest;
}

describe.each(CHAIN_HASHES)("%s", (hash) => {
  test(`ASM-10, ASM-11: the first link is over the whole image, as other programs have it: ${hash}`, async () => {
    const first = await hashImage({ path }, hash);
    expect(hex(first)).toBe(byOthers(hash, octets));
    expect(first).toEqual(hashOf(hash, octets));
    expect(first).toEqual(await hashImage({ name: "the same", octets }, hash));
  });

  test(`ASM-10: link n is the hash of link n - 1, for any n: ${hash}`, async () => {
    const first = await hashImage({ path }, hash);
    let expected = hex(first);
    for (let n = 2; n <= 6; n++) {
      expected = byOthers(hash, Buffer.from(expected, "hex"));
      expect(linkAt(hash, first, n)).toMatchObject({ index: n });
      expect(hex(linkAt(hash, first, n).octets)).toBe(expected);
    }
    expect(nextLink(hash, linkAt(hash, first, 5))).toEqual(linkAt(hash, first, 6));
    expect(linkAt(hash, first, 1000).octets).toHaveLength(first.length);
  });
});

test("ASM-12: hashing tells how far it is", async () => {
  const large = join(directory, "large");
  writeFileSync(large, Buffer.alloc(70 * 2 ** 20));
  const seen: number[] = [];
  await hashImage({ path: large }, "crc32", (done, total) => seen.push(done / total));
  rmSync(large);
  expect(seen.length).toBeGreaterThan(1);
  expect(seen).toEqual([...seen].sort((a, b) => a - b));
});

test("an image that cannot be read is an error that says what to do", async () => {
  await expect(hashImage({ path: join(directory, "none") }, "md5")).rejects.toThrow(
    /none cannot be read \(ENOENT\): check/,
  );
  await expect(hashImage({ path: directory }, "md5")).rejects.toThrow(/not a regular file/);
});

test("ASM-22: how large exponents really are, beside the digits that the paper speaks of", () => {
  expect([32, 128, 160, 256, 384].map(decimalDigits)).toEqual([10, 39, 49, 78, 116]);
  expect(exponentSize("crc32")).toEqual({
    bits: 32,
    digits: 10,
    statement: "exponents are 32 bits, at most 10 decimal digits; the paper says more than 100",
  });
  expect(CHAIN_HASHES.map((hash) => exponentSize(hash).digits)).toEqual([10, 39, 49]);
});
