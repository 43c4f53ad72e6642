/**
 * Measurement of VNFs: what evidence is made of.
 *
 * In: files of this machine. Out: the tree digest of an image (`tree.ts` says over which octets; `digest.ts`
 * computes it in threads, with progress and cancellation), single chunks verified against it, digests that are
 * known from before (`digest-cache.ts`), plain digests for paper mode, and the run-time manifest
 * (`manifest.ts`, taken by `manifest-reader.ts`, a name of the file system by `manifest-file.ts`).
 *
 * A measurement says what a file was while it was read. Who reports it may lie: see docs/asmn.md on roots of
 * trust. Not supported: images on block devices, sparse-aware reading.
 */
export { plainDigest, treeDigest } from "./digest.js";
export type { ImageDigest, MeasureOptions } from "./digest.js";
export { plainHasher } from "./chunk-work.js";
export type { PlainAlgorithm, PlainHasher } from "./chunk-work.js";
export { DigestCache } from "./digest-cache.js";
export { measureImage } from "./image.js";
export type { ImageMeasurement, ImageOptions } from "./image.js";
export { writeFileDurably } from "../../util/durable-file.js";
export { MeasureError } from "./reading.js";
export type { FileState } from "./reading.js";
export { CHUNK_OCTETS, chunkCount, proveChunk, rootDigest, verifyChunk } from "./tree.js";
export type { ChunkProof } from "./tree.js";
export { allowedChangesDigest, parseAllowedChange } from "./allowed-changes.js";
export { compareManifests, makeManifest, manifestDigest } from "./manifest.js";
export type {
  AllowedChange,
  Manifest,
  ManifestComparison,
  ManifestDeviation,
  ManifestItem,
  ManifestKind,
} from "./manifest.js";
export { readManifest } from "./manifest-reader.js";
export type { ManifestSources } from "./manifest-reader.js";
