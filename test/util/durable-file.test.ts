/** What is flushed, and in which order: a name is only there once its directory is flushed. */
import fs, { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { open, type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  createFileDurably,
  makeDirectory,
  makeDirectoryDurably,
  writeFileDurably,
} from "../../src/util/durable-file.js";

const { fsyncSync } = fs;
let top: string;
let flushed: string[];

beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), "evpnd-durable-"));
  flushed = [];
  fs.fsyncSync = (fd) => {
    flushed.push(fs.readlinkSync(`/proc/self/fd/${fd}`).slice(top.length));
    fsyncSync(fd);
  };
  syncBuiltinESMExports();
});
afterEach(() => {
  fs.fsyncSync = fsyncSync;
  syncBuiltinESMExports();
  rmSync(top, { recursive: true, force: true });
});

test("a file is flushed before it has its name, and its directory after", () => {
  const path = join(top, "state");
  writeFileDurably(path, "one");
  expect(flushed).toEqual(["/state.new", ""]);
  writeFileDurably(path, "two");
  expect(readFileSync(path, "utf8")).toBe("two");
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

test("a file that must be new takes nobody's place, and leaves nothing behind", () => {
  const path = join(top, "key");
  createFileDurably(path, "mine");
  expect(flushed.at(-1)).toBe("");
  expect(() => createFileDurably(path, "another")).toThrow(/EEXIST/);
  expect(readFileSync(path, "utf8")).toBe("mine");
  expect(readdirSync(top)).toEqual(["key"]);
});

test("each directory that is made is on the disk in the one above it", () => {
  makeDirectoryDurably(join(top, "a", "b"), 0o700);
  expect(flushed).toEqual(["/a", ""]);
  expect(statSync(join(top, "a", "b")).mode & 0o777).toBe(0o700);
  flushed = [];
  makeDirectoryDurably(join(top, "a", "b"), 0o700);
  expect(flushed).toEqual([]);
});

test("the same without holding up the thread", async () => {
  const handle = await open(top);
  const files = Object.getPrototypeOf(handle) as { sync: (this: FileHandle) => Promise<void> };
  await handle.close();
  const { sync } = files;
  files.sync = async function () {
    flushed.push(fs.readlinkSync(`/proc/self/fd/${this.fd}`).slice(top.length));
    await sync.call(this);
  };
  try {
    await makeDirectory(join(top, "c", "d"), 0o750);
    expect(flushed).toEqual(["/c", ""]);
    await makeDirectory(join(top, "c", "d"), 0o750);
    expect(flushed).toHaveLength(2);
  } finally {
    files.sync = sync;
  }
});
