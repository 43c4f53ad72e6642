/** Lists of allowed changes: as descriptors write them, and their digest. */
import { expect, test } from "vitest";
import { allowedChangesDigest, parseAllowedChange } from "../../../src/asmn/measure/index.js";
import type { AllowedChange } from "../../../src/asmn/measure/index.js";

const list = (...texts: string[]): AllowedChange[] =>
  texts.map((text) => parseAllowedChange(text)!);
const hex = (...texts: string[]) =>
  Buffer.from(allowedChangesDigest(list(...texts)) ?? []).toString("hex");

test("ASM-66: a change is a kind and a name, which may have colons of its own", () => {
  expect(parseAllowedChange("file:/etc/frr/*.sav")).toEqual({
    kind: "file",
    name: "/etc/frr/*.sav",
  });
  expect(parseAllowedChange("configuration:a:b")).toEqual({ kind: "configuration", name: "a:b" });
  for (const text of ["", "file:", "/etc/frr", "socket:/run/x", ":x", `file:${"x".repeat(1025)}`])
    expect(parseAllowedChange(text), text).toBeUndefined();
});

test("ASM-66: one digest whatever the order, another for each other list, none for none", () => {
  expect(allowedChangesDigest([])).toBeUndefined();
  const digest = hex("file:/a", "process:b");
  expect(digest).toMatch(/^[0-9a-f]{64}$/);
  expect(hex("process:b", "file:/a", "file:/a")).toBe(digest);
  const others = [
    hex("file:/a"),
    hex("file:/a", "file:b"),
    hex("process:/a", "process:b"),
    hex("file:/ab"),
  ];
  expect(new Set([digest, ...others]).size).toBe(5);
  // Fixed: agents and Sec-EMs of different releases compare it.
  expect(hex("file:/etc/frr/*.sav")).toBe(FIXED);
});

const FIXED = "423b288497a6d19f10ed4c1729abb8a35040db869df46d0b4442b78bda99f8ee";
