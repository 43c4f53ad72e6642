/**
 * The tree digest of an image: which octets are hashed, without any reading.
 *
 *   leaf  SHA-256(00 | octets of one chunk)                       the last chunk may be short
 *   node  SHA-256(01 | left | right)                              an odd one goes up as it is
 *   root  SHA-256(02 | chunk size, 4 | size of the file, 8 | top)
 *
 * The first octet keeps leaves, nodes and roots apart: no file can be made whose chunk is another file's
 * node. The root names chunk size and size, so two files of the same top differ if their lengths do. An
 * empty file has one empty leaf. Leaves can be hashed in any order and on any thread, and one chunk can be
 * verified against the root with the digests beside its way up.
 */
import { createHash } from "node:crypto";
import type { Hash } from "node:crypto";

/** Octets of a chunk: part of the format. */
export const CHUNK_OCTETS = 1024 * 1024;
export const DIGEST_OCTETS = 32;

const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);
const ROOT = 2;

/** What leads from one chunk to the root. */
export interface ChunkProof {
  readonly index: number;
  /** Of the whole file, octets. */
  readonly size: number;
  /** Digests beside the way, from the leaf upwards. */
  readonly beside: readonly Uint8Array[];
}

/** Chunks of a file of so many octets; at least one. */
export function chunkCount(size: number): number {
  return Math.max(1, Math.ceil(size / CHUNK_OCTETS));
}

export function leafDigest(octets: Uint8Array): Buffer {
  return sha256().update(LEAF).update(octets).digest();
}

/** @param leaves one digest a chunk, joined */
export function rootDigest(leaves: Uint8Array, size: number): Buffer {
  const count = leaves.length / DIGEST_OCTETS;
  if (count !== chunkCount(size)) {
    throw new RangeError(`${count} leaves are not those of ${size} octets`);
  }
  let level = split(leaves);
  while (level.length > 1) level = parents(level);
  return bindRoot(level[0]!, size);
}

/** The way from a chunk to the root. Throws `RangeError` when there is no such chunk. */
export function proveChunk(leaves: Uint8Array, size: number, index: number): ChunkProof {
  let level = split(leaves);
  if (!Number.isInteger(index) || index < 0 || index >= level.length) {
    throw new RangeError(`there is no chunk ${index} among ${level.length}`);
  }
  const beside: Uint8Array[] = [];
  for (let at = index; level.length > 1; at >>>= 1) {
    const sibling = level[at ^ 1];
    if (sibling !== undefined) beside.push(sibling);
    level = parents(level);
  }
  return { index, size, beside };
}

/** Whether the octets are that chunk of the file with this root; false for a proof that makes no sense. */
export function verifyChunk(root: Uint8Array, octets: Uint8Array, proof: ChunkProof): boolean {
  const { index, size, beside } = proof;
  let count = chunkCount(size);
  if (!Number.isSafeInteger(size) || size < 0 || index < 0 || index >= count) return false;
  const length = index < count - 1 ? CHUNK_OCTETS : size - index * CHUNK_OCTETS;
  if (octets.length !== length) return false;
  let digest: Uint8Array = leafDigest(octets);
  let used = 0;
  for (let at = index; count > 1; at >>>= 1, count = (count + 1) >>> 1) {
    if ((at ^ 1) >= count) continue;
    const sibling = beside[used++];
    if (sibling?.length !== DIGEST_OCTETS) return false;
    digest = (at & 1) === 0 ? nodeDigest(digest, sibling) : nodeDigest(sibling, digest);
  }
  return used === beside.length && bindRoot(digest, size).equals(root);
}

function bindRoot(top: Uint8Array, size: number): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt8(ROOT, 0);
  head.writeUInt32BE(CHUNK_OCTETS, 1);
  head.writeBigUInt64BE(BigInt(size), 5);
  return sha256().update(head).update(top).digest();
}

function parents(level: readonly Uint8Array[]): Uint8Array[] {
  const above: Uint8Array[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const right = level[at + 1];
    above.push(right === undefined ? level[at]! : nodeDigest(level[at]!, right));
  }
  return above;
}

function nodeDigest(left: Uint8Array, right: Uint8Array): Buffer {
  return sha256().update(NODE).update(left).update(right).digest();
}

function split(leaves: Uint8Array): Uint8Array[] {
  const all: Uint8Array[] = [];
  for (let at = 0; at < leaves.length; at += DIGEST_OCTETS) {
    all.push(leaves.subarray(at, at + DIGEST_OCTETS));
  }
  return all;
}

function sha256(): Hash {
  return createHash("sha256");
}
