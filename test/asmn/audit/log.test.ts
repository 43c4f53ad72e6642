import { mkdtempSync, rmSync, readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { open as openFile, type FileHandle } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  auditDirectory,
  AuditLog,
  verifyAuditFiles,
  type AuditDisk,
  type AuditMark,
} from "../../../src/asmn/audit/index.js";
import { generateSigningKey } from "../../../src/asmn/crypto/index.js";
import { toHex } from "../../../src/util/bytes.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { TestAuditDisk } from "../sec-em/lib/disk.js";

const root = generateSigningKey();
const rootKey = toHex(root.publicKey);
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "evpnd-audit-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

function open(
  disk: AuditDisk,
  maxOctets = 1024 * 1024,
  clock = new ManualClock(),
  mark?: AuditMark,
) {
  const parts = {
    disk,
    clock,
    log: silentLog,
    maxOctets,
    key: root.privateKey,
    publicKey: rootKey,
  };
  return AuditLog.open(parts, mark);
}

function note(action: string, detail = "") {
  return { actor: "operator:alice", action, subject: "red/pe/1", detail };
}

function files(): string[] {
  return readdirSync(directory)
    .sort()
    .map((name) => join(directory, name));
}

test("ASM-81: each entry is chained to the one before, and a signed head covers them", async () => {
  const log = await open(auditDirectory(directory));
  await Promise.all([log.note(note("revoke")), log.note(note("restore")), log.note(note("token"))]);
  await log.close();
  const check = await verifyAuditFiles(files(), rootKey);
  expect(check).toMatchObject({
    whole: true,
    entries: 3,
    first: 1,
    last: 3,
    heads: 1,
    signedTo: 3,
  });
  expect(statSync(files()[0]!).mode & 0o777).toBe(0o600);
});

test("a new file's name is on the disk when its first entry is, and others cost no such flush", async () => {
  const handle = await openFile(directory);
  const files = Object.getPrototypeOf(handle) as { sync: (this: FileHandle) => Promise<void> };
  await handle.close();
  const { sync } = files;
  let flushes = 0;
  files.sync = async function () {
    if ((await this.stat()).isDirectory()) flushes++;
    await sync.call(this);
  };
  try {
    const log = await open(auditDirectory(directory));
    await log.note(note("revoke"));
    expect(flushes).toBe(1);
    await log.note(note("restore"));
    await log.close();
    expect(flushes).toBe(1);
  } finally {
    files.sync = sync;
  }
});

test("a changed, a missing and an invented entry are found, with the line", async () => {
  const log = await open(auditDirectory(directory));
  for (const action of ["one", "two", "three", "four"]) await log.note(note(action));
  await log.close();
  const [file] = files();
  const text = readFileSync(file!, "utf8");
  const lines = text.split("\n");
  const broken = async (changed: string): Promise<string | undefined> => {
    writeFileSync(file!, changed);
    return (await verifyAuditFiles([file!], rootKey)).problem;
  };
  expect(await broken(text.replace('"three"', '"other"'))).toMatch(/line 3: entry 3 was changed/);
  expect(await broken(lines.filter((_, at) => at !== 1).join("\n"))).toMatch(
    /line 2: entry 2 is missing: 3 follows 1/,
  );
  expect(await broken([lines[0], lines[0], ...lines.slice(1)].join("\n"))).toMatch(/missing/);
  expect(await broken(text.replace(/"signature":"../, '"signature":"00'))).toMatch(
    /does not verify/,
  );
  expect(await broken(`${text}garbage\n`)).toMatch(/it is not JSON/);
  expect(await broken(text)).toBeUndefined();
});

test("a log that somebody wrote anew with a key of their own is found by the pinned root key", async () => {
  const other = generateSigningKey();
  const parts = {
    ...{ disk: auditDirectory(directory), clock: new ManualClock(), log: silentLog },
    ...{ maxOctets: 100_000, key: other.privateKey, publicKey: toHex(other.publicKey) },
  };
  const log = await AuditLog.open(parts);
  await log.note(note("nothing happened"));
  await log.close();
  expect((await verifyAuditFiles(files())).whole).toBe(true);
  expect((await verifyAuditFiles(files(), rootKey)).problem).toMatch(/signed by another key/);
});

test("it is bounded by files that are removed, and the chain goes on over them", async () => {
  const log = await open(auditDirectory(directory), 64 * 1024);
  for (let i = 0; i < 100; i++) {
    const four = Array.from({ length: 4 }, () => log.note(note("token", "x".repeat(300))));
    await Promise.all(four);
  }
  await log.close();
  const total = files().reduce((sum, file) => sum + statSync(file).size, 0);
  expect(total).toBeLessThan(64 * 1024 + 16 * 1024);
  const check = await verifyAuditFiles(files(), rootKey);
  expect(check).toMatchObject({ whole: true, last: 400, signedTo: 400 });
  expect(check.first).toBeGreaterThan(1);
  const again = await open(auditDirectory(directory), 64 * 1024);
  await again.note(note("after a restart"));
  expect((await again.check()).last).toBe(401);
  const [entry] = await again.entries(400, 10);
  expect(entry).toMatchObject({ sequence: 401, action: "after a restart" });
  expect(await again.entries(398, 2)).toHaveLength(2);
});

test("killed in the middle of a line: the line goes, the chain goes on", async () => {
  const disk = new TestAuditDisk();
  const log = await open(disk);
  await log.note(note("one"));
  await log.note(note("two"));
  const [name = ""] = await disk.list();
  const bytes = await disk.read(name);
  disk.files.set(name, bytes.subarray(0, bytes.length - 20));
  const again = await open(disk);
  await again.note(note("three"));
  expect(await again.check()).toMatchObject({ whole: true, entries: 2 });
});

test("a log that was cut at its end is noticed, and says so in itself", async () => {
  const disk = new TestAuditDisk();
  const log = await open(disk);
  await log.note(note("one"));
  const [name = ""] = await disk.list();
  const short = await disk.read(name);
  await log.note(note("break-glass"));
  const { mark } = log;
  disk.files.set(name, short);
  const again = await open(disk, 100_000, new ManualClock(), mark);
  const entries = await again.entries(1, 10);
  expect(entries[0]).toMatchObject({ action: "damaged" });
  expect(entries[0]?.detail).toMatch(/ends with entry 1, and entry 2 was written/);
});

test("a full disk refuses the note, leaves no half of it, and the next one tells how many were lost", async () => {
  let full = false;
  const disk = new TestAuditDisk(() => full);
  const log = await open(disk);
  await log.note(note("one"));
  full = true;
  await expect(log.note(note("two"))).rejects.toThrow(/cannot be written .*free disk space/);
  await expect(log.note(note("three"))).rejects.toThrow(/free disk space/);
  expect(log.problem).toMatch(/free disk space/);
  full = false;
  await log.note(note("four"));
  expect(log.problem).toBeUndefined();
  const entries = await log.entries(0, 10);
  expect(entries.map(({ action }) => action)).toEqual(["one", "lost", "four"]);
  expect(entries[1]?.detail).toMatch(/^2 entries/);
  expect((await log.check()).whole).toBe(true);
});

test("heads are signed by number of entries, or by time", async () => {
  const clock = new ManualClock();
  const disk = new TestAuditDisk();
  const log = await open(disk, 1024 * 1024, clock);
  await log.note(note("one"));
  await log.tick();
  expect((await log.check()).heads).toBe(0);
  clock.pass(61_000);
  await log.tick();
  expect((await log.check()).signedTo).toBe(1);
  // What comes while a head is being signed is written behind it.
  await log.note(note("two"));
  clock.pass(61_000);
  await Promise.all([log.tick(), log.note(note("three"))]);
  for (let i = 0; i < 64; i++) await log.note(note("more"));
  expect((await log.check()).signedTo).toBe(67);
});

test("text of strangers cannot make an entry look like two, nor a line too long", async () => {
  const disk = new TestAuditDisk();
  const log = await open(disk);
  const subject = 'a"}\n{"entry":2\u2028\u0000';
  await log.note({ actor: "stranger", action: "x", subject, detail: "y".repeat(100_000) });
  await log.close();
  expect(await log.check()).toMatchObject({ whole: true, entries: 1 });
  expect(disk.text().split("\n")).toHaveLength(3);
});
