import { expect, test } from "vitest";
import {
  Guard,
  GuardDesk,
  GuardError,
  guardScript,
  readStatus,
} from "../../../src/ipsec/guard/index.js";
import { silentLog } from "../../../src/util/log.js";

const NO_MORE = { interfaces: [] };

/** A kernel's table as far as the guard's scripts go. */
class FakeNft {
  readonly scripts: string[] = [];
  problem: string | undefined;
  elements: string[] = [];
  rules = 0;

  readonly run = (args: readonly string[], input: string): Promise<string> => {
    if (this.problem !== undefined) return Promise.reject(new GuardError(this.problem));
    if (args.includes("list")) {
      const elem = this.elements.map((prefix) => {
        const [addr = "", len] = prefix.split("/");
        return { prefix: { addr, len: Number(len) } };
      });
      return Promise.resolve(
        JSON.stringify({
          nftables: [
            { metainfo: {} },
            { set: { name: "remote4", elem } },
            ...Array.from({ length: this.rules }, () => ({ rule: { chain: "leave", expr: [] } })),
          ],
        }),
      );
    }
    this.scripts.push(input);
    this.rules = input.split("\nadd rule ").length - 1;
    if (input.includes("flush set")) this.elements = [];
    for (const match of input.matchAll(/add element \S+ \S+ \S+ \{ (.*) \}/g)) {
      this.elements.push(...(match[1] ?? "").split(", "));
    }
    return Promise.resolve("");
  };
}

test("IPS-90: what is protected goes through a tunnel or nowhere, and is put in place at once", () => {
  const script = guardScript({
    prefixes: ["10.2.0.0/24", "2001:db8:2::/48"],
    interfaces: ["tunnel.1"],
  });
  const lines = script.split("\n");
  expect(lines).toContain("add element inet evpnd_guard remote4 { 10.2.0.0/24 }");
  expect(lines).toContain("add element inet evpnd_guard remote6 { 2001:db8:2::/48 }");
  const drop = lines.indexOf("add rule inet evpnd_guard leave ip daddr @remote4 counter drop");
  for (const way of ['oifname "ipsec*"', 'oifname "tunnel.1"', "rt ipsec exists"]) {
    const at = lines.indexOf(`add rule inet evpnd_guard leave ${way} return`);
    expect(at).toBeGreaterThan(0);
    expect(at).toBeLessThan(drop);
  }
  expect(script).not.toContain("flush set");
});

test("IPS-90: IKE and ESP of our own pass to a gateway that is itself within what is protected", () => {
  const lines = guardScript({ prefixes: ["192.0.2.2/32"], interfaces: [] }).split("\n");
  const rule = (text: string): number => lines.indexOf(`add rule inet evpnd_guard ${text}`);
  for (const [chain, rest] of [
    ["output", "meta l4proto { esp, ah } return"],
    ["output", "udp sport { 500, 4500 } udp dport { 500, 4500 } return"],
    ["prerouting", "fib daddr type local meta l4proto { esp, ah } return"],
    ["prerouting", "fib daddr type local udp sport { 500, 4500 } udp dport { 500, 4500 } return"],
  ] as const) {
    expect(rule(`${chain} ${rest}`)).toBeGreaterThan(0);
    const jump = rule(`${chain} jump ${chain === "output" ? "leave" : "arrive"}`);
    expect(rule(`${chain} ${rest}`)).toBeLessThan(jump);
  }
  // What is only passed on is no IKE of ours.
  expect(lines.filter((line) => line.includes(" forward ") && line.includes("500"))).toEqual([]);
});

test("IPS-90: prefixes are only added; what is there already is not written again", async () => {
  const nft = new FakeNft();
  const guard = new Guard(nft.run);
  await guard.protect(["10.2.0.0/24", "10.2.1.0/24"], NO_MORE);
  await guard.protect(["10.2.0.0/25"], NO_MORE);
  expect(nft.scripts).toHaveLength(1);
  await guard.protect(["10.3.0.0/24"], NO_MORE);
  expect(nft.scripts).toHaveLength(2);
  expect(nft.elements).toEqual(["10.2.0.0/23", "10.3.0.0/24"]);
  await guard.protect([], { interfaces: ["tunnel.1"] });
  expect(nft.scripts).toHaveLength(3);
});

test("IPS-90: only a release takes away, and not what another tunnel needs", async () => {
  const nft = new FakeNft();
  const guard = new Guard(nft.run);
  await guard.protect(["10.2.0.0/23", "10.3.0.0/24"], NO_MORE);
  const gone = await guard.release(["10.2.0.0/23"], ["10.2.1.0/24"]);
  expect(gone).toEqual(["10.2.0.0/24"]);
  expect(nft.elements).toEqual(["10.2.1.0/24", "10.3.0.0/24"]);
  expect((await guard.status()).prefixes).toEqual(["10.2.1.0/24", "10.3.0.0/24"]);
  await guard.protect(["10.2.0.0/24"], NO_MORE);
  expect(nft.elements).toContain("10.2.0.0/24");
});

test("IPS-87: TCP is told of segments that fit, both ways, where that is asked for", () => {
  const script = guardScript({ prefixes: [], interfaces: [], segment: { four: 1360, six: 1340 } });
  const rule = "meta nfproto ipv4 tcp flags syn tcp option maxseg size set 1360";
  expect(script).toContain(`clamp oifname "ipsec*" ${rule}`);
  expect(script).toContain(`clamp iifname "ipsec*" ${rule}`);
  expect(script).toContain("meta nfproto ipv6 tcp flags syn tcp option maxseg size set 1340");
  expect(guardScript({ prefixes: [], interfaces: [] })).not.toContain("maxseg");
});

test("IPS-90: what somebody took out of the packet filter is put back", async () => {
  const nft = new FakeNft();
  const guard = new Guard(nft.run);
  expect(await guard.renew()).toBe(false);
  await guard.protect(["10.2.0.0/24"], NO_MORE);
  expect(await guard.renew()).toBe(false);
  nft.elements = [];
  expect(await guard.renew()).toBe(true);
  expect(nft.elements).toEqual(["10.2.0.0/24"]);
  nft.rules = 0;
  expect(await guard.renew()).toBe(true);
  expect(await guard.renew()).toBe(false);
});

test("what stands in the way is passed on, and tried again next time", async () => {
  const nft = new FakeNft();
  const guard = new Guard(nft.run);
  nft.problem = "nft may not change rules: give evpnd CAP_NET_ADMIN";
  await expect(guard.protect(["10.2.0.0/24"], NO_MORE)).rejects.toThrow("CAP_NET_ADMIN");
  nft.problem = undefined;
  await guard.protect(["10.2.0.0/24"], NO_MORE);
  expect(nft.elements).toEqual(["10.2.0.0/24"]);
});

test("a kernel's answer is read: prefixes, ranges, single addresses, counters", () => {
  const status = readStatus(
    JSON.stringify({
      nftables: [
        { metainfo: { version: "1.0.6" } },
        {
          set: {
            name: "remote4",
            elem: [
              { prefix: { addr: "10.2.0.0", len: 24 } },
              { range: ["10.2.1.0", "10.2.2.255"] },
              "10.9.9.9",
            ],
          },
        },
        { rule: { chain: "leave", expr: [{ match: {} }, { counter: { packets: 7, bytes: 70 } }] } },
        {
          rule: { chain: "arrive", expr: [{ counter: { packets: 2, bytes: 20 } }, { drop: null }] },
        },
      ],
    }),
  );
  expect(status).toEqual({
    installed: true,
    rules: 2,
    prefixes: ["10.2.0.0/23", "10.2.2.0/24", "10.9.9.9/32"],
    leaving: 7,
    arriving: 2,
  });
});

test("IPS-90: an operator releases what no tunnel needs, and nothing else", async () => {
  const nft = new FakeNft();
  const guard = new Guard(nft.run);
  await guard.protect(["10.2.0.0/24", "10.3.0.0/24", "10.4.0.0/24"], NO_MORE);
  const desk = new GuardDesk(guard, () => ["10.2.0.0/24"], silentLog);
  expect(await desk.status()).toMatchObject({
    installed: true,
    unused: ["10.3.0.0/24", "10.4.0.0/24"],
    script: expect.stringContaining("10.4.0.0/24") as string,
  });
  await expect(desk.release(["10.2.0.0/25"], "somebody")).rejects.toThrow(
    "remove the tunnel first",
  );
  await expect(desk.release(["nonsense"], "somebody")).rejects.toThrow("no prefix");
  expect(await desk.release(["10.3.0.0/24"], "somebody")).toEqual(["10.3.0.0/24"]);
  expect(await desk.release([], "somebody")).toEqual(["10.4.0.0/24"]);
  expect(nft.elements).toEqual(["10.2.0.0/24"]);
});
