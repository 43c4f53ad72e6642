/** The run-time manifest: what is in it, its digest, and which changes are allowed. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  compareManifests,
  makeManifest,
  manifestDigest,
  readManifest,
} from "../../../src/asmn/measure/index.js";
import type { ManifestItem } from "../../../src/asmn/measure/index.js";

const sha = (text: string): string => createHash("sha256").update(text).digest("hex");
const file = (name: string, content = name): ManifestItem => ({
  kind: "file",
  name,
  digest: sha(content),
});

describe("ASM-66: comparing", () => {
  const registered = makeManifest([file("/etc/a"), file("/etc/b"), file("/var/log/x")]);

  test("ASM-66: what is changed, missing or new is named", () => {
    const actual = makeManifest([file("/etc/a", "other"), file("/etc/c"), file("/var/log/x")]);
    expect(compareManifests(registered, actual, [])).toEqual({
      deviations: [
        { kind: "file", name: "/etc/a", what: "changed" },
        { kind: "file", name: "/etc/b", what: "missing" },
        { kind: "file", name: "/etc/c", what: "new" },
      ],
      allowed: [],
    });
  });

  test("ASM-66: allowed changes are no deviation, of their kind and pattern only", () => {
    const actual = makeManifest([
      file("/etc/a"),
      file("/etc/b"),
      file("/var/log/x", "more"),
      file("/var/log/y"),
      { kind: "configuration", name: "/var/log/z", digest: sha("") },
    ]);
    const { deviations, allowed } = compareManifests(registered, actual, [
      { kind: "file", name: "/var/log/*" },
    ]);
    expect(allowed.map(({ name }) => name)).toEqual(["/var/log/x", "/var/log/y"]);
    expect(deviations.map(({ name }) => name)).toEqual(["/var/log/z"]);
  });

  test.each([
    ["/a/*/c", "/a/b/c", true],
    ["/a/*/c", "/a/c", false],
    ["*", "", true],
    ["a*a", "a", false],
    ["a*b*a", "aba", true],
    ["a", "ab", false],
    [`${"*a".repeat(30)}b`, "a".repeat(5000), false],
  ])("ASM-66: the pattern %j and %j", (pattern, name, expected) => {
    const change = [{ kind: "file", name: pattern }] as const;
    const fresh = [{ kind: "file", name, digest: sha("") }] as const;
    expect(compareManifests([], fresh, change).allowed).toHaveLength(expected ? 1 : 0);
  });

  test("ASM-66: the digest does not depend on the order, and on everything else", () => {
    const base = manifestDigest(registered);
    const turned = makeManifest([file("/var/log/x"), file("/etc/b"), file("/etc/a")]);
    expect(manifestDigest(turned)).toEqual(base);
    const variants = [
      [file("/etc/a"), file("/etc/b")],
      [file("/etc/a", "x"), file("/etc/b"), file("/var/log/x")],
      [file("/etc/a2", "/etc/a"), file("/etc/b"), file("/var/log/x")],
      [{ ...file("/etc/a"), kind: "process" as const }, file("/etc/b"), file("/var/log/x")],
    ].map((items) => manifestDigest(makeManifest(items)).toString("hex"));
    expect(new Set([base.toString("hex"), ...variants]).size).toBe(5);
  });

  test("ASM-66: what may change is not in the digest, and what may is", () => {
    const logs = [{ kind: "file", name: "/var/log/*" }] as const;
    const busy = makeManifest([file("/etc/a"), file("/etc/b"), file("/var/log/x", "more")]);
    expect(manifestDigest(busy, logs)).toEqual(manifestDigest(registered, logs));
    expect(manifestDigest(busy)).not.toEqual(manifestDigest(registered));
    const fewer = makeManifest([file("/etc/a"), file("/var/log/x")]);
    expect(manifestDigest(fewer, logs)).not.toEqual(manifestDigest(registered, logs));
    // Who allows himself more is found out: the list is in the digest.
    const more = [...logs, { kind: "file", name: "/etc/b" }] as const;
    expect(manifestDigest(registered, more)).not.toEqual(manifestDigest(registered, logs));
    expect(manifestDigest(registered, [...more].reverse())).toEqual(
      manifestDigest(registered, more),
    );
  });

  test("ASM-66: no item twice, none without a name or digest, and not too many", () => {
    expect(() => makeManifest([file("a"), file("a", "b")])).toThrow("stands in the manifest twice");
    expect(() => makeManifest([file("")])).toThrow(RangeError);
    expect(() => makeManifest([{ ...file("a"), digest: "12" }])).toThrow("no SHA-256 digest");
    const many = Array.from({ length: 4097 }, (_, index) => file(String(index)));
    expect(() => makeManifest(many)).toThrow("at most 4096 items");
  });
});

describe("ASM-66: taking it", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "evpnd-manifest-"));
    mkdirSync(join(directory, "sub"));
    writeFileSync(join(directory, "sub", "one"), "1");
    writeFileSync(join(directory, "two"), "2");
    symlinkSync("two", join(directory, "link"));
  });
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true });
  });

  test("ASM-66: files of a directory, links as links, what is missing left out", async () => {
    const manifest = await readManifest({
      files: [directory, join(directory, "none")],
      processes: [],
      configuration: [],
    });
    expect(manifest).toEqual([
      file(join(directory, "link"), "link two"),
      file(join(directory, "sub", "one"), words("sub/one", "1")),
      file(join(directory, "two"), words("two", "2")),
    ]);
  });

  const read = (...files: readonly string[]) =>
    readManifest({ files, processes: [], configuration: [] });
  /** What is hashed of a file. */
  const words = (name: string, content: string): string => {
    const { mode, uid, gid } = statSync(join(directory, name));
    return `file ${(mode & 0o7777).toString(8)} ${uid} ${gid} ${sha(content)}`;
  };

  test("ASM-66: mode and owner count: a file that anybody may write, or that runs as root, is another one", async () => {
    const path = join(directory, "two");
    const before = await read(path);
    for (const mode of [0o666, 0o4755, 0o2755]) {
      chmodSync(path, mode);
      const [item] = await read(path);
      expect(item?.digest).not.toBe(before[0]?.digest);
      expect(item?.digest).toBe(sha(words("two", "2")));
    }
    chmodSync(path, 0o644);
  });

  test("ASM-66: a pipe, a device and a socket are said to be that, and nobody waits for them", async () => {
    const pipe = join(directory, "two");
    rmSync(pipe);
    execFileSync("mkfifo", ["-m", "600", pipe]);
    const [item] = await read(pipe);
    expect(item?.digest).not.toBe(sha(words("two", "2")));
    const { uid, gid } = statSync(pipe);
    expect(item?.digest).toBe(sha(`fifo 600 ${uid} ${gid} 0`));
    rmSync(pipe);
    writeFileSync(pipe, "2");
    expect(await read("/dev/null")).toHaveLength(1);
  });

  test("ASM-66: a link is where it leads, and not what is there; a link in a file's place is no file", async () => {
    const outside = join(directory, "..", `${basename(directory)}-outside`);
    writeFileSync(outside, "2");
    const path = join(directory, "swapped");
    symlinkSync(outside, path);
    try {
      const [item] = await read(path);
      expect(item?.digest).toBe(sha(`link ${outside}`));
      writeFileSync(outside, "another content");
      expect(await read(path)).toEqual([item]);
      // The other name of a hard link is the same file, and measured as such.
      linkSync(join(directory, "two"), join(directory, "twin"));
      const [two, twin] = await read(join(directory, "two"), join(directory, "twin"));
      expect(two?.digest).toBe(twin?.digest);
    } finally {
      rmSync(outside);
      rmSync(path);
      rmSync(join(directory, "twin"));
    }
  });

  test("ASM-66: a file that never stays as it is has no digest, and one that may change needs none", async () => {
    const path = join(directory, "log");
    const busy = setInterval(() => appendFileSync(path, "more"), 0);
    writeFileSync(path, Buffer.alloc(64 * 1024 * 1024));
    try {
      await expect(read(path)).rejects.toThrow(/changed while it was read: name it in allowed/);
      const sources = { files: [directory], processes: [], configuration: [] };
      const allowed = [{ kind: "file", name: path }] as const;
      const manifest = await readManifest(sources, allowed);
      expect(manifest.map(({ name }) => name)).not.toContain(path);
      expect(manifest).toHaveLength(3);
    } finally {
      clearInterval(busy);
      rmSync(path);
    }
  });

  test("ASM-66: a process that ends while it is looked at is no fault", async () => {
    const sleepers = Array.from({ length: 8 }, () => spawn("sleep", ["60"]));
    const ended = sleepers.map((one) => new Promise((resolve) => one.once("exit", resolve)));
    const looks = Array.from({ length: 6 }, () =>
      readManifest({ files: [], processes: ["sleep"], configuration: [] }),
    );
    for (const one of sleepers) one.kill("SIGKILL");
    await Promise.all([...looks, ...ended]);
  });

  test("ASM-66: this process, by its name, and the output of a command", async () => {
    const { readFileSync } = await import("node:fs");
    const name = readFileSync("/proc/self/comm", "utf8").trimEnd();
    const manifest = await readManifest({
      files: [],
      processes: [name, "no-such-program"],
      configuration: [{ name: "greeting", command: ["printf", "hello"] }],
    });
    expect(manifest.map((item) => [item.kind, item.name])).toEqual([
      ["process", name],
      ["configuration", "greeting"],
    ]);
    expect(manifest[1]?.digest).toBe(sha("hello"));
  });

  test("ASM-66: a command that fails is an error that names it", async () => {
    const broken = { files: [], processes: [], configuration: [{ name: "x", command: ["false"] }] };
    await expect(readManifest(broken)).rejects.toThrow('configuration "x" cannot be measured');
  });
});
