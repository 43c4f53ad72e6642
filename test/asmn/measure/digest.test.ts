/** Files on a real disk: digests, progress, cancelling, a file that changes, and the cache. */
import { createHash, randomBytes } from "node:crypto";
import fs, {
  appendFileSync,
  mkdtempSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CHUNK_OCTETS,
  DigestCache,
  measureImage,
  plainDigest,
  rootDigest,
  treeDigest,
} from "../../../src/asmn/measure/index.js";
import { leafDigest } from "../../../src/asmn/measure/tree.js";

let directory: string;
let image: string;
const content = randomBytes(34 * CHUNK_OCTETS + 17);

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-measure-"));
  image = join(directory, "image");
  writeFileSync(image, content);
});

afterAll(() => {
  rmSync(directory, { recursive: true, force: true });
});

function expectedRoot(octets: Buffer): Buffer {
  const leaves: Buffer[] = [];
  for (let at = 0; at < octets.length; at += CHUNK_OCTETS) {
    leaves.push(leafDigest(octets.subarray(at, at + CHUNK_OCTETS)));
  }
  return rootDigest(Buffer.concat(leaves), octets.length);
}

describe("ASM-65: digest of a file", () => {
  test("ASM-65: it is the tree over its chunks, and progress goes to the end", async () => {
    const seen: number[] = [];
    const result = await treeDigest(image, { threads: 0, progress: (done) => seen.push(done) });
    expect(result.digest).toEqual(expectedRoot(content));
    expect(result.size).toBe(content.length);
    expect(seen).toEqual([32 * CHUNK_OCTETS, content.length]);
  });

  test("ASM-65: it can be cancelled", async () => {
    const stop = new AbortController();
    const progress = (): void => stop.abort();
    const work = treeDigest(image, { threads: 0, progress, signal: stop.signal });
    await expect(work).rejects.toMatchObject({ code: "cancelled" });
  });

  test("ASM-65: a file that changes while it is read has no digest", async () => {
    const path = join(directory, "changing");
    writeFileSync(path, content);
    const progress = (done: number): void => {
      if (done < content.length) appendFileSync(path, "x");
    };
    await expect(treeDigest(path, { threads: 0, progress })).rejects.toMatchObject({
      code: "changed",
    });
  });

  test("ASM-65: what is no file, or is not there, gives a sentence", async () => {
    await expect(treeDigest(directory, { threads: 0 })).rejects.toThrow("is not a regular file");
    const missing = join(directory, "none");
    await expect(treeDigest(missing, { threads: 0 })).rejects.toThrow("cannot be read (ENOENT)");
  });

  test("ASM-11: CRC-32, MD5, SHA-1 and SHA-256 over the same reader", async () => {
    const path = join(directory, "check");
    writeFileSync(path, "123456789");
    const plain = { threads: 0 };
    // The check value of CRC-32 that its catalogues give.
    expect(await plainDigest(path, "crc32", plain)).toBe("cbf43926");
    for (const algorithm of ["md5", "sha1", "sha256"] as const) {
      const expected = createHash(algorithm).update(content).digest("hex");
      expect(await plainDigest(image, algorithm, plain)).toBe(expected);
    }
  });
});

describe("ASM-65: digests known from before", () => {
  const clock = { now: () => 0, wall: () => Date.now() + 10_000 };

  test("ASM-65: an image that is what it was is not read again; one that changed is", async () => {
    const file = join(directory, "cache");
    utimesSync(image, 1_000_000, 1_000_000);
    const first = await measureImage(image, new DigestCache(file), clock, { threads: 0 });
    const again = await measureImage(image, new DigestCache(file), clock, { threads: 0 });
    expect([first.fromCache, again.fromCache]).toEqual([false, true]);
    expect(again.digest).toEqual(first.digest);
    expect(statSync(file).mode & 0o777).toBe(0o600);

    // The times set back by hand: ctime tells.
    const changed = Buffer.from(content);
    changed[5]! ^= 1;
    writeFileSync(image, changed);
    utimesSync(image, 1_000_000, 1_000_000);
    const third = await measureImage(image, new DigestCache(file), clock, { threads: 0 });
    expect(third.fromCache).toBe(false);
    expect(third.digest).toEqual(expectedRoot(changed));
    writeFileSync(image, content);
  });

  test("ASM-65: a file that changed a moment before is not remembered", async () => {
    const cache = new DigestCache(undefined);
    const path = join(directory, "young");
    writeFileSync(path, "young");
    const young = { now: () => 0, wall: () => statSync(path).ctimeMs + 10 };
    await measureImage(path, cache, young, { threads: 0 });
    const again = await measureImage(path, cache, young, { threads: 0 });
    expect(again.fromCache).toBe(false);
  });

  test("ASM-65: what is known counts for a stated time, and for none when the clock was set back", async () => {
    const cache = new DigestCache(undefined);
    let wall = Date.now() + 10_000;
    const measured = (mostAgeMs: number) =>
      measureImage(image, cache, { now: () => 0, wall: () => wall }, { threads: 0, mostAgeMs });
    expect((await measured(60_000)).fromCache).toBe(false);
    wall += 59_999;
    expect((await measured(60_000)).fromCache).toBe(true);
    expect((await measured(0)).fromCache).toBe(false);
    wall += 60_000;
    expect((await measured(60_000)).fromCache).toBe(false);
    wall -= 1;
    expect((await measured(60_000)).fromCache).toBe(false);
  });

  test("ASM-65: what is changed in memory only is written before the image is read, so that the next change shows", async () => {
    const { fdatasync } = fs;
    const flushed: string[] = [];
    fs.fdatasync = ((fd: number, done: () => void) => {
      flushed.push(fs.readlinkSync(`/proc/self/fd/${fd}`));
      fdatasync(fd, done);
    }) as typeof fdatasync;
    syncBuiltinESMExports();
    try {
      const before: number[] = [];
      await treeDigest(image, { threads: 0, progress: () => before.push(flushed.length) });
      expect(flushed).toEqual([image]);
      expect(before[0]).toBe(1);
    } finally {
      fs.fdatasync = fdatasync;
      syncBuiltinESMExports();
    }
  });

  test("ASM-65: a cache that cannot be written costs no measurement", async () => {
    const file = join(directory, "nowhere", "cache");
    const cache = new DigestCache(file);
    expect((await measureImage(image, cache, clock, { threads: 0 })).fromCache).toBe(false);
    expect((await measureImage(image, cache, clock, { threads: 0 })).fromCache).toBe(true);
  });

  test("ASM-65: a cache that is no cache is an empty one", async () => {
    const file = join(directory, "broken");
    for (const text of [
      "",
      "{",
      "[]",
      '{"format":"sha256-tree-1048576","entries":[{"digest":1}]}',
    ]) {
      writeFileSync(file, text);
      const result = await measureImage(image, new DigestCache(file), clock, { threads: 0 });
      expect(result.fromCache).toBe(false);
    }
  });
});
