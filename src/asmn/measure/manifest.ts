/**
 * The run-time manifest: what runs, apart from the image, which never changes. One digest an item: files,
 * processes (program and command line), configuration. A list of allowed changes names items that may
 * differ, come and go; they are left out of the manifest's digest, and the list itself is in it: who allows
 * himself more has another digest. Where both manifests are at hand, every deviation can be named.
 *
 *   digest  SHA-256 over the number of allowed changes, 4, and for each in order
 *             kind, 1 | length of the name, 4 | name
 *           then the number of items, 4, and for each that is not allowed to change, in order
 *             kind, 1 | length of the name, 4 | name | digest, 32
 */
import { createHash } from "node:crypto";
import { DIGEST_OCTETS } from "./tree.js";

export type ManifestKind = "file" | "process" | "configuration";

export interface ManifestItem {
  readonly kind: ManifestKind;
  /** Path of a file, name of a process, name of a configuration. */
  readonly name: string;
  /** SHA-256, hex. */
  readonly digest: string;
}

/** Sorted, each item once. */
export type Manifest = readonly ManifestItem[];

/** Allows changes of items of a kind; `*` in the name stands for any characters. */
export interface AllowedChange {
  readonly kind: ManifestKind;
  readonly name: string;
}

export interface ManifestDeviation {
  readonly kind: ManifestKind;
  readonly name: string;
  readonly what: "changed" | "missing" | "new";
}

export interface ManifestComparison {
  /** What is not allowed; empty when all is well. */
  readonly deviations: readonly ManifestDeviation[];
  /** What differs, and may. */
  readonly allowed: readonly ManifestDeviation[];
}

/** Items of one manifest at most. */
export const MOST_ITEMS = 4096;
const NAME_MAX = 1024;
const KINDS: readonly ManifestKind[] = ["file", "process", "configuration"];

/** Brings items into the order of the digest. Throws `RangeError` for one that stands twice or is no item. */
export function makeManifest(items: readonly ManifestItem[]): Manifest {
  if (items.length > MOST_ITEMS) {
    throw new RangeError(`a manifest has at most ${MOST_ITEMS} items, not ${items.length}`);
  }
  const sorted = [...items].sort(compareItems);
  for (const [index, item] of sorted.entries()) {
    const { kind, name, digest } = item;
    if (!KINDS.includes(kind) || name === "" || Buffer.byteLength(name) > NAME_MAX) {
      throw new RangeError(`"${name.slice(0, 64)}" is no item of a manifest`);
    }
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new RangeError(`${name} has no SHA-256 digest`);
    const before = sorted[index - 1];
    if (before !== undefined && compareItems(before, item) === 0) {
      throw new RangeError(`${kind} ${name} stands in the manifest twice`);
    }
  }
  return sorted;
}

/** 32 octets. The order of the allowed changes does not matter. */
export function manifestDigest(manifest: Manifest, allowed: readonly AllowedChange[] = []): Buffer {
  const hash = createHash("sha256").update(number32(allowed.length));
  const add = ({ kind, name }: Named): void => {
    const text = Buffer.from(name);
    hash
      .update(Uint8Array.of(KINDS.indexOf(kind)))
      .update(number32(text.length))
      .update(text);
  };
  for (const change of [...allowed].sort(compareItems)) add(change);
  const may = allowance(allowed);
  const fixed = manifest.filter((item) => !may(item));
  hash.update(number32(fixed.length));
  for (const item of fixed) {
    add(item);
    hash.update(Buffer.from(item.digest, "hex").subarray(0, DIGEST_OCTETS));
  }
  return hash.digest();
}

/** What of `actual` is not as registered. Both as `makeManifest` gives them. */
export function compareManifests(
  registered: Manifest,
  actual: Manifest,
  allowed: readonly AllowedChange[],
): ManifestComparison {
  const there = new Map(actual.map((item) => [keyOf(item), item.digest]));
  const known = new Set(registered.map(keyOf));
  const found: ManifestDeviation[] = [];
  for (const { kind, name, digest } of registered) {
    const now = there.get(keyOf({ kind, name }));
    if (now === undefined) found.push({ kind, name, what: "missing" });
    else if (now !== digest) found.push({ kind, name, what: "changed" });
  }
  for (const { kind, name } of actual) {
    if (!known.has(keyOf({ kind, name }))) found.push({ kind, name, what: "new" });
  }
  const may = allowance(allowed);
  return {
    deviations: found.filter((each) => !may(each)),
    allowed: found.filter((each) => may(each)),
  };
}

type Named = Pick<ManifestItem, "kind" | "name">;

/** Whether an item may change, come and go. */
export function allowance(allowed: readonly AllowedChange[]): (item: Named) => boolean {
  const patterns = allowed.map(({ kind, name }) => ({ kind, parts: name.split("*") }));
  return (item) =>
    patterns.some(({ kind, parts }) => kind === item.kind && matches(item.name, parts));
}

/** The parts in their order, the first at the start, the last at the end: linear, whatever the pattern. */
function matches(name: string, parts: readonly string[]): boolean {
  const [first = "", ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return name === first;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = name.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}

function keyOf({ kind, name }: Named): string {
  return `${kind} ${name}`;
}

function compareItems(a: Named, b: Named): number {
  const kinds = KINDS.indexOf(a.kind) - KINDS.indexOf(b.kind);
  return kinds === 0 ? Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)) : kinds;
}

function number32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets;
}
