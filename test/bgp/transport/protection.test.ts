/**
 * TCP MD5 (RFC 2385) and TTL security (RFC 5082) between two of our own ends on loopback. Whoever is
 * kept out sees ETIMEDOUT after his user timeout, so these take about a second each, side by side.
 */
import { afterEach, describe, expect, test } from "vitest";
import type { Connection } from "../../../src/bgp/session/types.js";
import { protectionOf } from "../../../src/bgp/transport/protection.js";
import {
  IP_MINTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_IP,
  loadSockOpt,
  MD5_KEY_MAX,
  type SockOpt,
} from "../../../src/bgp/transport/sock-opt.js";
import type { TcpConnection } from "../../../src/bgp/transport/tcp-connection.js";
import { handleOf } from "../../../src/bgp/transport/tcp-connection.js";
import { peer, peerOptions, range, settings } from "../session/harness.js";
import { closeAll, Collector, dial, ended, serve } from "./harness.js";

afterEach(closeAll);

const QUICK = { tcpUserTimeoutMs: 1000 };
const TIMED_OUT = /ETIMEDOUT/;

function sockOpt(): SockOpt {
  const loaded = loadSockOpt();
  if (!loaded.available) throw new Error(loaded.detail);
  return loaded.sockOpt;
}

const readOption = (connection: Connection, name: number): number =>
  sockOpt().getInt(handleOf((connection as TcpConnection).socket)!.fd, IPPROTO_IP, name);

/** Octets pass in both directions. */
async function talks(a: Connection, b: Connection): Promise<void> {
  const collectors = [new Collector(a), new Collector(b)];
  a.write(Buffer.alloc(1000));
  b.write(Buffer.alloc(1000));
  await Promise.all(collectors.map((collector) => collector.take(1000)));
}

describe("MD5", () => {
  const KEYED = settings({
    peers: [
      peer("127.0.1.1", { password: "right" }),
      peer("127.0.1.2"),
      peer("127.0.1.3", { password: "k".repeat(MD5_KEY_MAX) }),
    ],
  });

  test("the right key, and no key where none is asked for", async () => {
    const { port, next } = await serve(KEYED, "127.0.0.1");
    for (const [localAddress, password] of [
      ["127.0.1.1", "right"],
      ["127.0.1.2", undefined],
      ["127.0.1.3", "k".repeat(MD5_KEY_MAX)],
    ] as const) {
      await talks(await dial(port, { localAddress, password }), await next());
    }
  });

  test("a wrong key, no key, or a key that is not asked for never connect", async () => {
    const { port, accepted } = await serve(KEYED, "127.0.0.1");
    await Promise.all([
      expect(
        dial(port, { ...QUICK, localAddress: "127.0.1.1", password: "wrong" }),
      ).rejects.toThrow(TIMED_OUT),
      expect(dial(port, { ...QUICK, localAddress: "127.0.1.1" })).rejects.toThrow(TIMED_OUT),
      expect(dial(port, { ...QUICK, localAddress: "127.0.1.2", password: "x" })).rejects.toThrow(
        TIMED_OUT,
      ),
    ]);
    expect(accepted).toEqual([]);
  });

  test("keys of prefixes, the longest match wins", async () => {
    const ranges = settings({
      dynamic: [
        range("127.2.0.0/16", { password: "sixteen" }),
        range("127.2.3.0/24", { password: "twenty-four" }),
      ],
      peers: [peer("127.2.3.4", { password: "own" })],
    });
    const { port, next } = await serve(ranges, "127.0.0.1");
    for (const [localAddress, password] of [
      ["127.2.0.1", "sixteen"],
      ["127.2.3.1", "twenty-four"],
      ["127.2.3.4", "own"],
    ] as const) {
      await talks(await dial(port, { localAddress, password }), await next());
    }
    await expect(
      dial(port, { ...QUICK, localAddress: "127.2.3.1", password: "sixteen" }),
    ).rejects.toThrow(TIMED_OUT);
  });

  test("a new key on a live listener: the next connection needs it, the old one lives", async () => {
    const { port, next, listener } = await serve(KEYED, "127.0.0.1");
    const old = await dial(port, { localAddress: "127.0.1.1", password: "right" });
    const oldTheirs = await next();
    const changed = settings({
      peers: [peer("127.0.1.1", { password: "newer" }), peer("127.0.1.2", { password: "added" })],
    });
    expect(listener.protect(protectionOf(changed))).toEqual([]);
    await talks(await dial(port, { localAddress: "127.0.1.1", password: "newer" }), await next());
    await talks(await dial(port, { localAddress: "127.0.1.2", password: "added" }), await next());
    // Its key was taken away.
    await talks(await dial(port, { localAddress: "127.0.1.3" }), await next());
    await talks(old, oldTheirs);
    await expect(
      dial(port, { ...QUICK, localAddress: "127.0.1.1", password: "right" }),
    ).rejects.toThrow(TIMED_OUT);
  });

  test("a new key on a live connection, on both its ends", async () => {
    const { port, next } = await serve(KEYED, "127.0.0.1");
    const ours = await dial(port, { localAddress: "127.0.1.1", password: "right" });
    const theirs = await next();
    await talks(ours, theirs);
    expect([ours.rekey?.("changed"), theirs.rekey?.("changed")]).toEqual([true, true]);
    await talks(ours, theirs);
    // Shows that the key counts: with different ones nothing passes.
    theirs.rekey?.("different");
    const sockets = ours as TcpConnection;
    sockOpt().setInt(handleOf(sockets.socket)!.fd, 6, 18, 500);
    const end = ended(ours);
    ours.write(Uint8Array.of(1));
    expect((await end)?.message).toMatch(TIMED_OUT);
  });

  test("IPv6", async () => {
    const six = settings({ peers: [peer("::1", { password: "right" })] });
    const { port, next } = await serve(six, "::1");
    await talks(await dial(port, { password: "right" }, "::1"), await next());
    await expect(dial(port, { ...QUICK, password: "wrong" }, "::1")).rejects.toThrow(TIMED_OUT);
  });

  test("a key that is too long is refused in words that do not tell it", async () => {
    const password = "q".repeat(MD5_KEY_MAX + 1);
    await expect(dial(1, { password })).rejects.toThrow(/longer than 80/);
    await expect(dial(1, { password })).rejects.not.toThrow(/qqq/);
  });
});

describe("TTL security", () => {
  const ALL = settings({ peers: [peer("127.0.1.1", { ttlSecurityHops: 1 })] });
  const MIXED = settings({
    peers: [peer("127.0.1.1", { ttlSecurityHops: 1 })],
    dynamic: [range("127.0.2.0/24")],
  });

  test("both sides have it", async () => {
    const { port, next } = await serve(ALL);
    const ours = await dial(port, { localAddress: "127.0.1.1", ttlSecurityHops: 1 });
    const theirs = await next();
    await talks(ours, theirs);
    for (const end of [ours, theirs]) {
      expect([readOption(end, IP_TTL), readOption(end, IP_MINTTL)]).toEqual([255, 255]);
      expect(readOption(end, IP_TOS)).toBe(0xc0);
    }
  });

  test("more hops lower the floor", async () => {
    const { port, next } = await serve(
      settings({ peers: [peer("127.0.1.1", { ttlSecurityHops: 3 })] }),
    );
    const own = await dial(port, { localAddress: "127.0.1.1", ttlSecurityHops: 3 });
    expect(readOption(own, IP_MINTTL)).toBe(253);
    expect(readOption(await next(), IP_MINTTL)).toBe(253);
  });

  test("a far sender does not get through when all peers have it", async () => {
    const { port, accepted } = await serve(ALL);
    await expect(dial(port, { ...QUICK, localAddress: "127.0.1.1" })).rejects.toThrow(TIMED_OUT);
    expect(accepted).toEqual([]);
  });

  test("beside dynamic peers without it the SYN is looked at, then the connection has a floor", async () => {
    const { port, next, accepted } = await serve(MIXED);
    await talks(await dial(port, { localAddress: "127.0.2.1" }), await next());
    const before = accepted.length;
    // The handshake succeeds, as the listener has no floor; nobody gets to see the connection.
    const far = await dial(port, { ...QUICK, localAddress: "127.0.1.1" });
    const end = ended(far);
    far.resume();
    await end;
    expect(accepted.length).toBe(before);
    const near = await dial(port, { ...QUICK, localAddress: "127.0.1.1", ttlSecurityHops: 1 });
    const theirs = await next();
    expect(readOption(theirs, IP_MINTTL)).toBe(255);
    const collector = new Collector(theirs);
    const cut = ended(near);
    near.resume();
    sockOpt().setInt(handleOf((near as TcpConnection).socket)!.fd, IPPROTO_IP, IP_TTL, 64);
    near.write(Uint8Array.of(1));
    expect((await cut)?.message).toMatch(TIMED_OUT);
    expect(collector.length).toBe(0);
  });

  test("our SYN-ACK has TTL 255 for a peer that requires it, beside others", async () => {
    const { port, next } = await serve(MIXED);
    const ours = await dial(port, { ...QUICK, localAddress: "127.0.1.1", ttlSecurityHops: 1 });
    await talks(ours, await next());
  });

  test("an eBGP peer has its own TTL, an iBGP peer the system's", async () => {
    const two = settings({
      peers: [peer("127.0.1.1", { peerAs: 65001, ttl: 3 }), peer("127.0.1.2", { ttl: 3 })],
    });
    const { port, next } = await serve(two);
    const ebgp = await dial(port, { localAddress: "127.0.1.1", peerAs: 65001, ttl: 3 });
    expect([readOption(ebgp, IP_TTL), readOption(await next(), IP_TTL)]).toEqual([3, 3]);
    const ibgp = await dial(port, { localAddress: "127.0.1.2", ttl: 3 });
    expect(readOption(ibgp, IP_TTL)).toBeGreaterThanOrEqual(32);
    expect(readOption(await next(), IP_TTL)).toBeGreaterThanOrEqual(32);
  });
});

test("what a listener needs follows from all peers and ranges", () => {
  const none = protectionOf(settings({ peers: [peer("10.0.0.1")] }));
  expect(none).toEqual({ keys: [], chains: [], fullTtl: false, minTtl: 0 });
  const all = protectionOf(
    settings({
      peers: [peer("10.0.0.1", { ttlSecurityHops: 1, password: "a" })],
      dynamic: [range("2001:DB8::/32", { ...peerOptions(), ttlSecurityHops: 4, password: "b" })],
    }),
  );
  expect(all).toEqual({
    keys: [
      { address: "10.0.0.1", prefixLength: undefined, key: "a" },
      { address: "2001:DB8::", prefixLength: 32, key: "b" },
    ],
    chains: [],
    fullTtl: true,
    minTtl: 252,
  });
});
