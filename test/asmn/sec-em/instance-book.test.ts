/** What is written, in which order: nothing that is older ends up behind what takes trust away. */
import { expect, test } from "vitest";
import { systemRandom } from "../../../src/asmn/crypto/index.js";
import { InstanceBook, type InstanceRecord } from "../../../src/asmn/sec-em/instance-book.js";
import { Records } from "../../../src/asmn/sec-em/records.js";
import { Reserve } from "../../../src/asmn/sec-em/reserve.js";
import { silentLog } from "../../../src/util/log.js";
import { ManualClock } from "../../radius/lib/hand-clock.js";
import { TestDisk } from "./lib/disk.js";

const BGP = { addresses: ["192.0.2.1"], as: 1, routerId: undefined, binding: "address" } as const;
const MANY = 600;

async function bookOn(disk: TestDisk): Promise<InstanceBook> {
  const reserve = await Reserve.open(disk.reserve, silentLog);
  const records = new Records(disk.store(new ManualClock()));
  const book = new InstanceBook(records, systemRandom, reserve);
  await book.load();
  return book;
}

function made(book: InstanceBook, instance: number): InstanceRecord {
  return book.draw({ tenant: "red", vnf: "pe", instance: `i${instance}` }, BGP, 0);
}

test("ASM-71: a revocation while deferred confirmations are being written stays, on the disk as in memory", async () => {
  const disk = new TestDisk();
  const book = await bookOn(disk);
  const records = Array.from({ length: MANY }, (_, at) => made(book, at));
  for (const record of records) book.defer(record);
  let release = (): void => undefined;
  disk.held = new Promise((resolve) => (release = resolve));
  const flushed = book.flush();
  // The first stroke is under way; this one would be in the last.
  const last = records.at(-1)!;
  const revoked = book.force({ ...last, state: "untrusted", reason: "revoked", revoked: "stolen" });
  disk.held = undefined;
  release();
  expect(await revoked).toBe(true);
  await flushed;
  const after = await bookOn(disk);
  expect(after.get(last.identity)?.revoked).toBe("stolen");
  expect(after.size).toBe(MANY);
});

test("what was deferred and could not be written is written with a later pass", async () => {
  const disk = new TestDisk();
  const book = await bookOn(disk);
  const [one, two] = [made(book, 1), made(book, 2)];
  book.defer(one);
  book.defer(two);
  disk.full = true;
  await book.flush();
  await expect(book.write({ ...one, sentence: "later" })).rejects.toThrow(/free disk space/);
  disk.full = false;
  await book.flush();
  const after = await bookOn(disk);
  expect([after.get(one.identity)?.sentence, after.size]).toEqual(["not enrolled yet", 2]);
});
