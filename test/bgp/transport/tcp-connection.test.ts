import { createConnection } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { READ_BUDGET, READ_SIZE } from "../../../src/bgp/transport/read-buffer.js";
import { HIGH_WATER, LOW_WATER } from "../../../src/bgp/transport/tcp-connection.js";
import type { Connection } from "../../../src/bgp/session/types.js";
import { range, settings } from "../session/harness.js";
import { closeAll, Collector, dial, ended, serve } from "./harness.js";

afterEach(closeAll);

const OPEN_TO_ALL = settings({ dynamic: [range("127.0.0.0/8")] });

async function linked(): Promise<[Connection, Connection]> {
  const served = await serve(OPEN_TO_ALL);
  const [ours, theirs] = await Promise.all([dial(served.port), served.next()]);
  return [ours, theirs];
}

/** Messages of 2 octets length and that many octets of a counter. */
function messages(sizes: readonly number[]): Buffer {
  return Buffer.concat(
    sizes.map((size, i) => {
      const bytes = Buffer.alloc(size, i & 255);
      bytes.writeUInt16BE(size - 1, 0);
      return bytes;
    }),
  );
}

/** A reader that takes whole messages only; checks each. */
class Reader {
  count = 0;
  private wake: () => void = () => {};

  constructor(connection: Connection) {
    connection.onBytes = (bytes, start, end) => {
      let at = start;
      while (end - at >= 2) {
        const size = ((bytes[at]! << 8) | bytes[at + 1]!) + 1;
        if (end - at < size) break;
        const fill = this.count & 255;
        for (let i = at + 2; i < at + size; i++) if (bytes[i] !== fill) throw new Error("corrupt");
        this.count++;
        at += size;
      }
      this.wake();
      return at - start;
    };
    connection.resume();
  }

  async read(count: number): Promise<void> {
    while (this.count < count) await new Promise<void>((done) => (this.wake = done));
  }
}

test("addresses and ports of both ends", async () => {
  const [ours, theirs] = await linked();
  expect([ours.remoteAddress, theirs.localAddress]).toEqual(["127.0.0.1", "127.0.0.1"]);
  expect(ours.localPort).toBe(theirs.remotePort);
  expect(theirs.localPort).toBe(ours.remotePort);
  expect([ours.initiator, theirs.initiator]).toEqual(["local", "remote"]);
});

test("IPv6", async () => {
  const served = await serve(OPEN_TO_ALL, "::1");
  const [ours, theirs] = await Promise.all([
    dial(served.port, { localAddress: "::1" }, "0:0:0::1"),
    served.next(),
  ]);
  expect([ours.remoteAddress, theirs.remoteAddress]).toEqual(["::1", "::1"]);
});

describe("reading", () => {
  test("a message cut at any octet arrives whole", async () => {
    const served = await serve(OPEN_TO_ALL);
    const raw = createConnection({ port: served.port, host: "127.0.0.1", noDelay: true });
    const reader = new Reader(await served.next());
    const bytes = messages([5, 3, 19, 2, 40]);
    // Each octet by itself: the callback of a write is when the kernel has it.
    for (const octet of bytes) await new Promise((done) => raw.write(Uint8Array.of(octet), done));
    await reader.read(5);
    raw.destroy();
  });

  test("long messages across read buffers", async () => {
    const [ours, theirs] = await linked();
    const reader = new Reader(theirs);
    const sizes = Array.from({ length: 400 }, (_, i) => 2 + ((i * 7919) % 65000));
    const bytes = messages(sizes);
    expect(bytes.length).toBeGreaterThan(40 * READ_SIZE);
    ours.write(bytes);
    await reader.read(sizes.length);
    expect(theirs).toBeDefined();
  });

  test("two connections do not mix what they keep of split messages", async () => {
    const [a, b] = [await linked(), await linked()];
    const readers = [new Reader(a[1]), new Reader(b[1])];
    const sizes = Array.from({ length: 200 }, (_, i) => 1000 + i);
    const bytes = messages(sizes);
    for (let at = 0; at < bytes.length; at += 777) {
      for (const [ours] of [a, b]) ours.write(bytes.subarray(at, at + 777));
      await new Promise((done) => setImmediate(done));
    }
    await Promise.all(readers.map((reader) => reader.read(sizes.length)));
  });

  test("nothing is read before resume, and nothing while paused", async () => {
    const [ours, theirs] = await linked();
    ours.write(Buffer.alloc(1000));
    const collector = new Collector(theirs);
    await collector.take(1000);
    theirs.pause();
    // Far more than the kernel's buffers take: it stays with the writer.
    ours.write(Buffer.alloc(32 << 20));
    for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
    expect(collector.length).toBeLessThanOrEqual(1000);
    expect(ours.pendingBytes).toBeGreaterThan(HIGH_WATER);
    theirs.resume();
    await collector.take(1000 + (32 << 20));
  });

  test("a busy connection leaves the others their turn", async () => {
    const [busy, quiet] = [await linked(), await linked()];
    busy[0].write(Buffer.alloc(16 << 20));
    quiet[0].write(Uint8Array.of(1));
    let turnBytes = 0;
    let most = 0;
    const renew = (): void => {
      turnBytes = 0;
      if (!done) setImmediate(renew);
    };
    let done = false;
    let total = 0;
    const all = new Promise<void>((resolve) => {
      busy[1].onBytes = (_bytes, start, end) => {
        turnBytes += end - start;
        most = Math.max(most, turnBytes);
        total += end - start;
        if (total === 16 << 20) resolve();
        return end - start;
      };
    });
    setImmediate(renew);
    busy[1].resume();
    const small = new Collector(quiet[1]);
    await small.take(1);
    await all;
    done = true;
    expect(most).toBeLessThanOrEqual(READ_BUDGET + READ_SIZE);
  });

  test("the peer's end and its error are told once", async () => {
    const [ours, theirs] = await linked();
    const end = ended(theirs);
    theirs.resume();
    ours.end(100);
    expect(await end).toBeUndefined();
  });

  test("destroy drops what is pending at once", async () => {
    const [ours, theirs] = await linked();
    const end = ended(theirs);
    const collector = new Collector(theirs);
    ours.write(Buffer.alloc(64 << 20));
    ours.destroy();
    // libuv tells a reset as an error or as an end, as it finds it.
    await end;
    expect(collector.length).toBeLessThan(64 << 20);
  });
});

describe("writing", () => {
  test("many buffers, one after the other, in order", async () => {
    const [ours, theirs] = await linked();
    const reader = new Reader(theirs);
    const sizes = Array.from({ length: 300 }, (_, i) => 20 + i);
    const bytes = messages(sizes);
    const parts: Buffer[] = [];
    for (let at = 0, i = 0; at < bytes.length; at += sizes[i++]!) {
      parts.push(bytes.subarray(at, at + sizes[i]!));
    }
    ours.writeMany(parts.slice(0, 299));
    ours.write(parts[299]!);
    await reader.read(300);
  });

  test("drain is told once below the low mark after the high one, and not before", async () => {
    const [ours, theirs] = await linked();
    let drains = 0;
    let pendingAtDrain = -1;
    const drained = new Promise<void>((done) => {
      ours.onDrain = () => {
        drains++;
        pendingAtDrain = ours.pendingBytes;
        done();
      };
    });
    const chunk = Buffer.alloc(60_000);
    let given = 0;
    while (ours.pendingBytes <= HIGH_WATER) {
      ours.write(chunk);
      given += chunk.length;
    }
    expect(drains).toBe(0);
    const collector = new Collector(theirs);
    await drained;
    expect(pendingAtDrain).toBeLessThan(LOW_WATER);
    await collector.take(given);
    expect(drains).toBe(1);
    ours.write(Buffer.alloc(1000));
    await collector.take(given + 1000);
    expect(drains).toBe(1);
    expect(ours.bytesAccepted).toBe(given + 1000);
  });

  test("octets the kernel took are counted inside one big write", async () => {
    const [ours, theirs] = await linked();
    ours.write(Buffer.alloc(32 << 20));
    const before = ours.bytesAccepted;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(32 << 20);
    const collector = new Collector(theirs);
    await collector.take(32 << 20);
    expect(ours.bytesAccepted).toBe(32 << 20);
  });

  test("end flushes what is pending, says when it is over, and reads no more", async () => {
    const [ours, theirs] = await linked();
    const last = Buffer.alloc(500_000, 7);
    let heard = 0;
    ours.onBytes = (_bytes, start, end) => {
      heard += end - start;
      return end - start;
    };
    // Unread octets at our close must not turn our last words into a reset.
    theirs.write(Buffer.alloc(10_000));
    ours.write(last);
    const over = new Promise<void>((done) => ours.end(10_000, done));
    const end = ended(theirs);
    const collector = new Collector(theirs);
    expect((await collector.take(last.length)).equals(last)).toBe(true);
    expect(await end).toBeUndefined();
    await over;
    expect(heard).toBe(0);
  });

  test("end does not wait longer than its linger", async () => {
    const [ours] = await linked();
    ours.write(Buffer.alloc(32 << 20));
    await new Promise<void>((done) => ours.end(20, done));
    expect(ours.bytesAccepted).toBeLessThan(32 << 20);
  });
});
