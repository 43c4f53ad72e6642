/** Real sockets of the loopback: what leaves in batches arrives whole, and from where it came. */
import { createSocket } from "node:dgram";
import { describe, expect, test } from "vitest";
import { BATCH, loadUdpBatch } from "../../src/util/udp-batch.js";
import type { BatchSocket, UdpBatch } from "../../src/util/udp-batch.js";

const found = loadUdpBatch();
const bufferOctets = 1 << 20;

/** Reads until so many are there. */
async function collect(batch: UdpBatch, socket: BatchSocket, count: number) {
  const got: { text: string; port: number; address: string; name: Uint8Array }[] = [];
  await new Promise<void>((resolve) => {
    socket.onReadable(() => {
      const ready = socket.receive();
      for (let i = 0; i < ready; i++) {
        const at = batch.inbox.offset(i);
        const bytes = batch.inbox.bytes.subarray(at, at + batch.inbox.length(i));
        const text = Buffer.from(bytes).toString();
        got.push({ text, ...batch.inbox.source(i), name: batch.inbox.sourceName(i) });
      }
      if (got.length >= count) resolve();
    });
  });
  return got;
}

describe.skipIf(found === undefined)("UDP in batches (needs Linux and koffi)", () => {
  const batch = found as UdpBatch;

  test.each(["127.0.0.1", "::1"])("%s: more than a batch, each way, in order", async (address) => {
    const server = batch.open({ local: { address, port: 0 }, peer: undefined, bufferOctets });
    const peer = { address, port: server.port };
    const client = batch.open({ local: undefined, peer, bufferOctets });
    const count = 3 * BATCH + 1;
    for (let i = 0; i < count; i++) client.send(Buffer.from(`request ${i}`));
    client.flush();
    const requests = await collect(batch, server, count);
    expect(requests.map(({ text }) => text)).toEqual(
      Array.from({ length: count }, (_, i) => `request ${i}`),
    );
    expect(new Set(requests.map(({ port }) => port))).toEqual(new Set([client.port]));
    expect(requests[0]?.address).toBe(address);
    for (const { name, text } of requests) server.send(Buffer.from(text.toUpperCase()), name);
    server.flush();
    const answers = await collect(batch, client, count);
    expect(answers.at(-1)?.text).toBe(`REQUEST ${count - 1}`);
    expect(client.lost + server.lost).toBe(0);
    client.close();
    server.close();
  });

  test("speaks with node:dgram, and numbers an IPv4 source", async () => {
    const local = { address: "127.0.0.1", port: 0 };
    const server = batch.open({ local, peer: undefined, bufferOctets });
    const other = createSocket("udp4");
    other.bind(0, "127.0.0.1");
    await new Promise((resolve) => other.once("listening", resolve));
    other.send("hello", server.port, "127.0.0.1");
    const [one] = await collect(batch, server, 1);
    expect(batch.inbox.sourceKey(0)).toBe(0x7f000001 * 65536 + other.address().port);
    const back = new Promise<string>((resolve) =>
      other.once("message", (bytes) => resolve(bytes.toString())),
    );
    server.send(Buffer.from("welcome"), one?.name);
    server.flush();
    expect(await back).toBe("welcome");
    other.close();
    server.close();
  });

  test("nobody listens: the sender is told once, and goes on", () => {
    const local = { address: "127.0.0.1", port: 0 };
    const gone = batch.open({ local, peer: undefined, bufferOctets });
    const peer = { address: "127.0.0.1", port: gone.port };
    gone.close();
    const client = batch.open({ local: undefined, peer, bufferOctets });
    client.send(Buffer.from("x"));
    client.flush();
    expect(client.receive()).toBe(-1);
    expect(client.receive()).toBe(0);
    // Told to a send, it is told to the reader all the same.
    client.send(Buffer.from("x"));
    client.flush();
    client.send(Buffer.from("x"));
    client.flush();
    expect(client.receive()).toBe(-1);
    client.close();
    client.send(Buffer.from("x"));
    expect(client.receive()).toBe(0);
  });

  test("a port in use, and an address of nobody here, are the system's errors", () => {
    const local = { address: "127.0.0.1", port: 0 };
    const first = batch.open({ local, peer: undefined, bufferOctets });
    const again = { address: "127.0.0.1", port: first.port };
    expect(() => batch.open({ local: again, peer: undefined, bufferOctets })).toThrow(
      expect.objectContaining({ code: "EADDRINUSE" }),
    );
    const foreign = { address: "192.0.2.1", port: 0 };
    expect(() => batch.open({ local: foreign, peer: undefined, bufferOctets })).toThrow(
      expect.objectContaining({ code: "EADDRNOTAVAIL" }),
    );
    first.close();
  });
});
