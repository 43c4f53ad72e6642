/** What a thread does with its part of an image: leaves of the tree, or one plain digest of everything. */
import { createHash } from "node:crypto";
import * as zlib from "node:zlib";
import { readFully } from "./reading.js";
import { CHUNK_OCTETS, DIGEST_OCTETS, leafDigest } from "./tree.js";

export type PlainAlgorithm = "crc32" | "md5" | "sha1" | "sha256";

/** A run of chunks. */
export interface ChunkRange {
  readonly first: number;
  readonly count: number;
}

/** Chunks between two reports: some 20 ms of work. */
export const RUN_CHUNKS = 32;

const BLOCK_OCTETS = CHUNK_OCTETS;

/** Leaf digests of the chunks, joined. */
export function leavesOf(
  fd: number,
  size: number,
  { first, count }: ChunkRange,
  buffer: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const leaves = new Uint8Array(count * DIGEST_OCTETS);
  for (let at = 0; at < count; at++) {
    const position = (first + at) * CHUNK_OCTETS;
    const length = Math.min(CHUNK_OCTETS, size - position);
    readFully(fd, buffer, length, position);
    leaves.set(leafDigest(buffer.subarray(0, length)), at * DIGEST_OCTETS);
  }
  return leaves;
}

export interface PlainHasher {
  update(octets: Uint8Array): void;
  /** Hex, most significant digit first. */
  digest(): string;
}

/** CRC-32 (ISO 3309, as in gzip), MD5 and SHA-1 are for paper mode: none of them protects anything. */
export function plainHasher(algorithm: PlainAlgorithm): PlainHasher {
  if (algorithm === "crc32") {
    let value = 0;
    return {
      update: (octets) => {
        value = zlib.crc32(octets, value);
      },
      digest: () => value.toString(16).padStart(8, "0"),
    };
  }
  const hash = createHash(algorithm);
  return { update: (octets) => void hash.update(octets), digest: () => hash.digest("hex") };
}

/** Reads all of the file in blocks; yields the octets done so far, then returns the digest. */
export function* plainSteps(
  fd: number,
  size: number,
  algorithm: PlainAlgorithm,
): Generator<number, string> {
  const hasher = plainHasher(algorithm);
  const buffer = Buffer.allocUnsafeSlow(BLOCK_OCTETS);
  for (let done = 0; done < size;) {
    const length = Math.min(BLOCK_OCTETS, size - done);
    readFully(fd, buffer, length, done);
    hasher.update(buffer.subarray(0, length));
    done += length;
    if (done % (RUN_CHUNKS * BLOCK_OCTETS) === 0) yield done;
  }
  return hasher.digest();
}
