/** What the disk's faults become. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { firstEntries, openLevel, prefixRange, WHOLE } from "../../src/store/index.js";

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), "evpnd-level-"));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

describe("a directory", () => {
  it("is made, and is one owner's", async () => {
    const deep = join(path, "a", "b");
    const kv = await openLevel(deep);
    await expect(openLevel(deep)).rejects.toMatchObject({ code: "locked" });
    await kv.close();
    await (await openLevel(deep)).close();
  });

  it("that is a file is refused with what to do", async () => {
    const file = join(path, "file");
    writeFileSync(file, "");
    await expect(openLevel(file)).rejects.toMatchObject({
      code: "denied",
      message: expect.stringContaining("is no directory") as string,
    });
    await expect(openLevel(join(file, "below"))).rejects.toMatchObject({ code: "denied" });
  });

  it("with damaged files is refused and left as it is", async () => {
    const kv = await openLevel(path);
    const key = Uint8Array.of(1);
    for (let n = 0; n < 3; n++) await kv.batch([{ key, value: new Uint8Array(100_000) }], true);
    await kv.close();
    for (const name of readdirSync(path).filter((one) => one.startsWith("MANIFEST"))) {
      writeFileSync(join(path, name), "no manifest at all, and long enough to be read as one");
    }
    const files = readdirSync(path).filter((one) => one.startsWith("MANIFEST"));
    await expect(openLevel(path)).rejects.toMatchObject({
      code: "corrupt",
      message: expect.stringContaining("move the directory away") as string,
    });
    expect(readdirSync(path)).toEqual(expect.arrayContaining(files));
  });
});

describe("a directory that has lost a file", () => {
  it("is damaged, and told so", async () => {
    const kv = await openLevel(path);
    await kv.batch([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }], true);
    await kv.close();
    for (const name of readdirSync(path).filter((one) => one.startsWith("MANIFEST"))) {
      rmSync(join(path, name));
    }
    await expect(openLevel(path)).rejects.toMatchObject({ code: "corrupt" });
  });
});

describe("octets", () => {
  it("are in order, from either end, and go by range", async () => {
    const kv = await openLevel(path);
    const rows = [1, 2, 3, 0xfe].map((n) => ({
      key: Uint8Array.of(7, n),
      value: Uint8Array.of(n),
    }));
    await kv.batch([...rows, { key: Uint8Array.of(8), value: new Uint8Array(0) }], false);
    const range = prefixRange(Uint8Array.of(7));
    const keys = async (reverse: boolean, most: number) =>
      (await firstEntries(kv, { ...range, reverse }, most)).map(({ key }) => key[1]);
    expect(await keys(false, 3)).toEqual([1, 2, 3]);
    expect(await keys(true, 2)).toEqual([0xfe, 3]);
    const cursor = kv.cursor(WHOLE);
    await kv.clear(range);
    expect(await cursor.next(10)).toHaveLength(5);
    await cursor.close();
    expect(await keys(false, 10)).toEqual([]);
    expect(await kv.get(Uint8Array.of(8))).toHaveLength(0);
    await kv.close();
  });
});
