/** What the kernel keeps of a SYN: where it came from, and whether it was signed. */
import { execFileSync } from "node:child_process";
import { afterEach, describe, expect, test } from "vitest";
import { protectionOf } from "../../../src/bgp/transport/protection.js";
import { parseSyn } from "../../../src/bgp/transport/saved-syn.js";
import { loadSockOpt } from "../../../src/bgp/transport/sock-opt.js";
import { peer, range, settings } from "../session/harness.js";
import { closeAll, dial, serve } from "./harness.js";

afterEach(closeAll);

/** Headers of a SYN with these TCP options. */
function syn(version: 4 | 6, options: number[], { protocol = 6, ttl = 255, ihl = 5 } = {}) {
  const padded = [...options, ...Array<number>((4 - (options.length % 4)) % 4).fill(0)];
  const ip = new Uint8Array(version === 4 ? ihl * 4 : 40);
  ip[0] = version === 4 ? 0x40 + ihl : 0x60;
  ip[version === 4 ? 8 : 7] = ttl;
  ip[version === 4 ? 9 : 6] = protocol;
  const tcp = new Uint8Array(20 + padded.length);
  tcp[12] = ((20 + padded.length) / 4) << 4;
  tcp.set(padded, 20);
  return Uint8Array.of(...ip, ...tcp);
}

const MSS = [2, 4, 5, 0xb4];
const MD5 = [19, 18, ...Array<number>(16).fill(7)];

describe("a saved SYN", () => {
  test.each([4, 6] as const)("of IPv%i tells its TTL and its signature", (version) => {
    expect(parseSyn(syn(version, MSS))).toEqual({ ttl: 255, signed: false });
    expect(parseSyn(syn(version, [...MSS, 1, 1, ...MD5], { ttl: 3 }))).toEqual({
      ttl: 3,
      signed: true,
    });
    expect(parseSyn(syn(version, MSS, { protocol: 0 }))?.signed).toBeUndefined();
  });

  test("with options of IP, or options that make no sense, is no trap", () => {
    expect(parseSyn(syn(4, MD5, { ihl: 6 }))?.signed).toBe(true);
    for (const options of [[2, 0, 0, 0], [0, 19, 18, 0], [254, 255, 19, 18], [5]]) {
      expect(parseSyn(syn(4, options))?.signed).toBe(false);
    }
    for (let size = 0; size < 60; size++) parseSyn(syn(4, MD5).subarray(0, size));
    expect(parseSyn(new Uint8Array(0))).toBeUndefined();
  });
});

describe.skipIf(!loadSockOpt().available)("a listener", () => {
  test("ASM-75: knows who waited in the kernel's backlog from before there was a key", async () => {
    const own = settings({ dynamic: [range("127.0.0.0/8")] });
    const served = await serve(own);
    const knock = `exec 3<>/dev/tcp/127.0.0.1/${served.port}; sleep 3`;
    // Nothing of ours runs meanwhile: the kernel takes it.
    const pid = execFileSync("bash", ["-c", `(${knock}) >/dev/null 2>&1 & echo $!; sleep 0.1`]);
    const keyed = settings({ peers: [peer("127.0.0.1", { password: "secret" })] });
    expect(served.listener.protect(protectionOf(keyed))).toEqual([]);
    expect((await served.next()).signed).toBe(false);
    process.kill(Number(pid.toString()));
    await dial(served.port, { password: "secret" });
    expect((await served.next()).signed).toBe(true);
  });
});
