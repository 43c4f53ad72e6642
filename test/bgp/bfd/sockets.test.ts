/** BFD's sockets on loopback: TTL 255 in and out (RFC 5881 section 5), ports, a port that is taken. */
import { createSocket, type Socket } from "node:dgram";
import { afterEach, describe, expect, it } from "vitest";
import { loadRawUdp } from "../../../src/bgp/bfd/raw-udp.js";
import { UdpNetwork, type NetworkParts } from "../../../src/bgp/bfd/sockets.js";
import { spec } from "./lib/pair.js";

const raw = loadRawUdp();
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function bound(address: string, type: "udp4" | "udp6" = "udp4", port = 0): Promise<Socket> {
  const socket = createSocket(type);
  closers.push(() => socket.close());
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => resolve(socket));
  });
}

/** A port that was free a moment ago. */
async function freePort(): Promise<number> {
  const socket = await bound("127.0.0.1");
  const { port } = socket.address();
  closers.pop();
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return port;
}

function network(parts: Partial<NetworkParts>): UdpNetwork {
  const made = new UdpNetwork({
    ports: { singleHop: 0, multihop: 0 },
    raw,
    random: Math.random,
    received: () => undefined,
    problem: () => undefined,
    ...parts,
  });
  closers.push(() => made.deafen());
  return made;
}

function send(socket: Socket, text: string, port: number, ttl: number, address: string) {
  socket.setTTL(ttl);
  return new Promise<void>((resolve, reject) => {
    socket.send(text, port, address, (error) => (error === null ? resolve() : reject(error)));
  });
}

describe("sockets of BFD", () => {
  it.skipIf(raw === undefined).each(["127.0.0.1", "::1"])(
    "single hop over %s: a packet that came over a router is not heard",
    async (address) => {
      const ipv6 = address.includes(":");
      const port = await freePort();
      const heard: string[] = [];
      const done = new Promise<void>((resolve) => {
        const net = network({
          ports: { singleHop: port, multihop: 0 },
          received: (bytes) => {
            heard.push(Buffer.from(bytes).toString());
            if (heard.at(-1) === "end") resolve();
          },
        });
        net.listen(false, ipv6);
        expect(net.ttlChecked).toBe(true);
      });
      const sender = await bound(address, ipv6 ? "udp6" : "udp4");
      for (const ttl of [254, 255, 1, 64]) {
        await send(sender, `ttl ${String(ttl)}`, port, ttl, address);
      }
      await send(sender, "end", port, 255, address);
      await done;
      expect(heard).toEqual(["ttl 255", "end"]);
    },
  );

  it("several hops: any TTL", async () => {
    const port = await freePort();
    const heard = new Promise<string>((resolve) => {
      network({
        ports: { singleHop: 0, multihop: port },
        received: (bytes, _from, multihop) =>
          resolve(`${Buffer.from(bytes).toString()} ${String(multihop)}`),
      }).listen(true, false);
    });
    const sender = await bound("127.0.0.1");
    // The listener may open a moment later.
    const again = setInterval(() => void send(sender, "far", port, 64, "127.0.0.1"), 20);
    closers.unshift(() => clearInterval(again));
    expect(await heard).toBe("far true");
  });

  it("sends from a port of 49152 to 65535, and says why it cannot", async () => {
    const receiver = await bound("127.0.0.1");
    const { port } = receiver.address();
    const from = new Promise<number>((resolve) => {
      receiver.once("message", (_bytes, { port: source }) => resolve(source));
    });
    const problems: string[] = [];
    const net = network({
      ports: { singleHop: port, multihop: port },
      problem: (peer, text) => problems.push(`${String(peer)}: ${text}`),
    });
    const sender = net.sender(spec("127.0.0.1", { localAddress: "127.0.0.1" }), () => undefined);
    const again = setInterval(() => sender.send(Buffer.from("x")), 10);
    closers.push(() => {
      clearInterval(again);
      sender.close();
    });
    expect(await from).toBeGreaterThanOrEqual(49152);
    const elsewhere = net.sender(spec("192.0.2.1", { localAddress: "240.0.0.1" }), () => undefined);
    closers.push(() => elsewhere.close());
    await expect.poll(() => problems).toEqual([expect.stringContaining("192.0.2.1: cannot send")]);
  });

  it("a port that another daemon has is said, and tried again later", async () => {
    const other = await bound("0.0.0.0");
    const { port } = other.address();
    const problems: string[] = [];
    const net = network({
      ports: { singleHop: port, multihop: port },
      problem: (_peer, text) => problems.push(text),
    });
    net.listen(false, false);
    await expect.poll(() => problems).toHaveLength(1);
    expect(problems[0]).toMatch(/cannot listen on UDP port \d+: .*another BFD daemon/);
    net.listen(false, false);
    expect(problems).toHaveLength(1);
  });
});
