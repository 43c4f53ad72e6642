/** The relay's sockets, in batches and by node:dgram: the same behaviour from both. */
import { createSocket } from "node:dgram";
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createUdpEnd } from "../../../src/radius/udp/udp-end.js";
import type { Sender, UdpEnd, UdpHooks, UdpPlace } from "../../../src/radius/udp/udp-end.js";

interface Heard {
  readonly text: string;
  readonly key: number | string;
  readonly sender: Sender;
}

class Ear implements UdpHooks {
  readonly heard: Heard[] = [];
  refused = 0;
  private wake: () => void = () => undefined;

  onDatagram: UdpHooks["onDatagram"] = (bytes, key, source) => {
    this.heard.push({ text: Buffer.from(bytes).toString(), key, sender: source.sender() });
    this.wake();
  };

  onRefused = (): void => {
    this.refused++;
    this.wake();
  };

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => (this.wake = resolve));
  }
}

describe.each([
  ["in batches, where the platform has them", false],
  ["by node:dgram", true],
])("%s", (_name, plain) => {
  const open = async (place: UdpPlace): Promise<{ end: UdpEnd; ear: Ear; port: number }> => {
    const ear = new Ear();
    const end = createUdpEnd(place, ear, plain);
    return { end, ear, port: await end.open() };
  };
  const here = { address: "127.0.0.1", port: 0 };

  test("a hundred requests, a hundred answers, each its own octets", async () => {
    const server = await open({ local: here });
    const client = await open({ peer: { ...here, port: server.port } });
    for (let i = 0; i < 100; i++) client.end.send(Buffer.from(`request ${i}`));
    await server.ear.until(() => server.ear.heard.length === 100);
    expect(server.ear.heard[99]?.text).toBe("request 99");
    expect(new Set(server.ear.heard.map(({ key }) => key)).size).toBe(1);
    expect(server.ear.heard[0]?.sender.address).toBe("127.0.0.1");
    for (const { text, sender } of server.ear.heard) sender.send(Buffer.from(text.slice(8)));
    await client.ear.until(() => client.ear.heard.length === 100);
    expect(client.ear.heard.map(({ text }) => text)).toEqual(
      Array.from({ length: 100 }, (_, i) => String(i)),
    );
    client.end.close();
    server.end.close();
    client.end.send(Buffer.from("too late"));
    server.ear.heard[0]?.sender.send(Buffer.from("too late"));
  });

  test("a burst of a thousand that nobody reads meanwhile waits in the kernel, where that has 4 MiB for it", async () => {
    const server = await open({ local: here });
    const other = createSocket("udp4");
    await new Promise<void>((resolve) => other.connect(server.port, "127.0.0.1", resolve));
    // All leave in one turn of the event loop: the receiver has none.
    for (let i = 0; i < 1000; i++) other.send(Buffer.alloc(300, i & 255));
    const limit = Number(readFileSync("/proc/sys/net/core/rmem_max", "utf8"));
    const expected = limit >= 4 * 1024 * 1024 ? 1000 : 100;
    await server.ear.until(() => server.ear.heard.length >= expected);
    expect(server.ear.heard.every(({ text }) => text.length >= 300)).toBe(true);
    other.close();
    server.end.close();
  });

  test("two sources have two keys", async () => {
    const server = await open({ local: here });
    const clients = await Promise.all(
      [1, 2].map(() => open({ peer: { ...here, port: server.port } })),
    );
    for (const { end } of clients) end.send(Buffer.from("x"));
    await server.ear.until(() => server.ear.heard.length === 2);
    expect(new Set(server.ear.heard.map(({ key }) => key)).size).toBe(2);
    for (const { end } of [...clients, server]) end.close();
  });

  test("RAD-59: nobody listens there: said by the kernel, and the end goes on", async () => {
    const gone = await open({ local: here });
    gone.end.close();
    // node:dgram closes a moment later.
    await new Promise((resolve) => setImmediate(resolve));
    const client = await open({ peer: { ...here, port: gone.port } });
    client.end.send(Buffer.from("x"));
    await client.ear.until(() => client.ear.refused > 0);
    const again = await open({ local: { ...here, port: gone.port } });
    client.end.send(Buffer.from("y"));
    await again.ear.until(() => again.ear.heard.length > 0);
    client.end.close();
    again.end.close();
  });

  test("a port in use is the system's error", async () => {
    const first = await open({ local: here });
    await expect(open({ local: { ...here, port: first.port } })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    first.end.close();
  });

  test("a datagram that is no longer than its own octets, from another program", async () => {
    const server = await open({ local: here });
    const other = createSocket("udp4");
    other.send(Buffer.alloc(4096, 65), server.port, "127.0.0.1");
    other.send(Buffer.alloc(0), server.port, "127.0.0.1");
    await server.ear.until(() => server.ear.heard.length === 2);
    expect(server.ear.heard.map(({ text }) => text.length)).toEqual([4096, 0]);
    other.close();
    server.end.close();
  });
});
