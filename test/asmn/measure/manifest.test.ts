/** The run-time manifest: what is in it, its digest, and which changes are allowed. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
      file(join(directory, "sub", "one"), "1"),
      file(join(directory, "two"), "2"),
    ]);
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
