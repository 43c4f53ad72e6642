/** Messages to the octet: how many routes fit, in which order the kinds of messages go, to whom. */
import { describe, expect, it } from "vitest";
import type { ReceiverOptions } from "../../../src/bgp/adj-rib-out/adj-rib-out.js";
import { SourceKind } from "../../../src/bgp/rib/sources.js";
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { hexOf } from "../../model/lib/hex.js";
import { ethernetAd, evpn, rd } from "../../model/lib/nlri.js";
import { decodeMessages } from "../../model/lib/decode.js";
import { key, mac, marked, PLAIN, Tables, type FakeOutlet } from "../lib/tables.js";

const ESI = "00112233445566778899";
const EBGP = { ebgp: true, as4: true, nextHopSelf: undefined };

/** Octets and routes of each message since the last call. */
function messages(outlet: FakeOutlet, as4 = true): [octets: number, routes: number][] {
  return outlet.buffers
    .splice(0)
    .flatMap((buffer) => decodeMessages(buffer, as4))
    .map(({ octets, received }) => {
      if (received.kind === "announce") return [octets, received.routes.length];
      return [octets, received.kind === "withdraw" ? received.keys.length : 0];
    });
}

function start(over: Partial<ReceiverOptions> = {}): {
  tables: Tables;
  source: number;
  outlet: FakeOutlet;
} {
  const tables = new Tables();
  const source = tables.source();
  const { outlet } = tables.receiver(over);
  tables.run();
  outlet.take();
  return { tables, source, outlet };
}

/** An EVPN route of a type nobody knows, as long as one can be: 257 octets. */
function opaque(number: number, octets = 257): string {
  return evpn(200, hexOf(number, 4) + "ab".repeat(octets - 6));
}

describe("announcements fill messages to the octet", () => {
  // Header 19, lengths 4, MP_REACH_NLRI 4 + 5 + next hop 4, then PLAIN 14 octets with
  // ORIGINATOR_ID and CLUSTER_LIST 14 more.
  const around = 19 + 4 + 13 + 14 + 14;

  it("of EVPN routes", () => {
    const { tables, source, outlet } = start();
    const perMessage = Math.floor((4096 - around) / 35);
    tables.announce(
      source,
      Array.from({ length: 2 * perMessage + 1 }, (_, n) => mac(n)),
    );
    tables.run();
    expect(messages(outlet)).toEqual([
      [around + perMessage * 35, perMessage],
      [around + perMessage * 35, perMessage],
      [around + 35, 1],
    ]);
  });

  it("of IPv4 routes in the message's own fields", () => {
    const { tables, source, outlet } = start();
    const prefixes = Array.from({ length: 1000 }, (_, n) => `20${hexOf(0x0a000000 + n, 4)}`);
    tables.announce(source, prefixes, PLAIN, Family.Ipv4Unicast);
    tables.run();
    // Without MP_REACH_NLRI and with NEXT_HOP, 7 octets.
    const classic = around - 13 + 7;
    const perMessage = Math.floor((4096 - classic) / 5);
    expect(messages(outlet)).toEqual([
      [classic + perMessage * 5, perMessage],
      [classic + (1000 - perMessage) * 5, 1000 - perMessage],
    ]);
  });

  it("of VPN routes, withdrawn under one label of 0x800000 (RFC 8277 section 2.4)", () => {
    const { tables, source, outlet } = start({ families: 1 << Family.Ipv4Vpn });
    const route = (n: number, labels: string): string =>
      `${hexOf(4 * labels.length + 64 + 32, 1)}${labels}${rd(1)}${hexOf(0x0a000000 + n, 4)}`;
    const routes = Array.from({ length: 400 }, (_, n) => route(n, "000640000651"));
    tables.announce(source, routes, PLAIN, Family.Ipv4Vpn, `${"00".repeat(8)}0a000001`);
    tables.run();
    const perMessage = Math.floor((4096 - around - 8) / 19);
    expect(messages(outlet)[0]).toEqual([around + 8 + perMessage * 19, perMessage]);
    tables.withdraw(source, routes, Family.Ipv4Vpn);
    tables.run();
    const bytes = outlet.buffers.map((buffer) => Buffer.from(buffer).toString("hex")).join("");
    expect(bytes).toContain(route(399, "800000"));
    expect(bytes).not.toContain("000651");
    // Header 19, lengths 4, MP_UNREACH_NLRI 4 + 3, then 16 octets each.
    const withdrawals = Math.floor((4096 - 30) / 16);
    expect(messages(outlet)[0]).toEqual([30 + withdrawals * 16, withdrawals]);
  });

  it("of IPv6 routes with next hops of 32 octets", () => {
    const { tables, source, outlet } = start();
    const prefixes = Array.from({ length: 500 }, (_, n) => `80${hexOf(n, 16)}`);
    tables.announce(source, prefixes, PLAIN, Family.Ipv6Unicast, "20010db8".padEnd(64, "1"));
    tables.run();
    const perMessage = Math.floor((4096 - around - 28) / 17);
    expect(messages(outlet)[0]).toEqual([around + 28 + perMessage * 17, perMessage]);
  });

  for (const [name, over, from, added] of [
    ["to a client", {}, SourceKind.Client, 14],
    ["of an external peer", {}, SourceKind.Ebgp, 0],
    // LOCAL_PREF goes, the own AS comes.
    ["to an external peer", { kind: SourceKind.Ebgp, encoding: EBGP }, SourceKind.Client, -7 + 6],
  ] as const) {
    it(`of sets that leave room for one route, or just not, ${name}`, () => {
      const tables = new Tables();
      const source = tables.source(from);
      const { outlet } = tables.receiver(over);
      tables.run();
      outlet.take();
      // The mark's own header is 3 octets up to 255, 4 beyond; its number has 4.
      const padding = 4096 - (19 + 4 + 13 + 14 + added) - (4 + 4) - 35;
      for (const extra of [0, 1]) {
        tables.announce(source, mac(extra), marked(extra, padding + extra));
        tables.run();
        expect(messages(outlet)).toEqual(extra === 0 ? [[4096, 1]] : []);
      }
      // The larger one is short enough for a shorter route.
      tables.announce(source, evpn(200, "ab".repeat(32)), marked(1, padding + 1));
      tables.run();
      expect(messages(outlet)).toEqual([[4096, 1]]);
      expect(tables.out.oversized).toBe(1);
    });
  }

  it("of extended messages, for large sets only", () => {
    const { tables, source, outlet } = start({ extendedMessage: true });
    tables.announce(
      source,
      Array.from({ length: 300 }, (_, n) => opaque(n)),
      marked(1, 5000),
    );
    tables.run();
    const base = around + 5000 + 8;
    const perMessage = Math.floor((65_535 - base) / 257);
    expect(messages(outlet)).toEqual([
      [base + perMessage * 257, perMessage],
      [base + (300 - perMessage) * 257, 300 - perMessage],
    ]);
    tables.announce(
      source,
      Array.from({ length: 300 }, (_, n) => mac(n)),
    );
    tables.run();
    for (const [octets] of messages(outlet)) expect(octets).toBeLessThanOrEqual(4096);
    tables.announce(source, mac(1), marked(2, 65_535 - around - 8 - 35));
    tables.run();
    expect(messages(outlet)).toEqual([[65_535, 1]]);
  });
});

describe("withdrawals fill messages to the octet", () => {
  it("of EVPN routes of the greatest length", () => {
    const { tables, source, outlet } = start();
    const routes = Array.from({ length: 20 }, (_, n) => opaque(n));
    tables.announce(source, routes);
    tables.run();
    outlet.take();
    tables.withdraw(source, routes);
    tables.run();
    // Header 19, lengths 4, MP_UNREACH_NLRI 4 + 3.
    expect(messages(outlet)).toEqual([
      [30 + 15 * 257, 15],
      [30 + 5 * 257, 5],
    ]);
  });

  it("of IPv4 routes in the field made for them", () => {
    const { tables, source, outlet } = start();
    const prefixes = Array.from({ length: 815 }, (_, n) => `20${hexOf(0x0a000000 + n, 4)}`);
    tables.announce(source, prefixes, PLAIN, Family.Ipv4Unicast);
    tables.run();
    outlet.take();
    tables.withdraw(source, prefixes, Family.Ipv4Unicast);
    tables.run();
    // Room for 4096 - 23 octets: 814 prefixes of 5.
    expect(messages(outlet)).toEqual([
      [23 + 814 * 5, 814],
      [28, 1],
    ]);
  });

  it("of IPv6 routes in MP_UNREACH_NLRI, apart from those of other families", () => {
    const { tables, source, outlet } = start();
    const ipv6 = `80${hexOf(1, 16)}`;
    tables.announce(source, ipv6, PLAIN, Family.Ipv6Unicast, "20010db8".padEnd(32, "1"));
    tables.announce(source, mac(1));
    tables.run();
    outlet.take();
    tables.withdraw(source, mac(1));
    tables.withdraw(source, ipv6, Family.Ipv6Unicast);
    tables.run();
    expect(outlet.takeKeys()).toEqual([`-${key(mac(1))}`, `-${key(ipv6, Family.Ipv6Unicast)}`]);
  });
});

describe("within a batch", () => {
  it("A-D routes are withdrawn first, then come announcements, then other withdrawals", () => {
    const { tables, source, outlet } = start();
    const perSegment = ethernetAd(rd(1), ESI, 0xffffffff, 0);
    tables.announce(source, [mac(1), perSegment, mac(2)]);
    tables.run();
    outlet.take();
    tables.withdraw(source, mac(1));
    tables.announce(source, mac(3));
    tables.withdraw(source, perSegment);
    tables.announce(source, mac(2), marked(1));
    tables.run();
    expect(outlet.takeKeys()).toEqual([
      `-${key(perSegment)}`,
      `+${key(mac(3))}`,
      `+${key(mac(2))}`,
      `-${key(mac(1))}`,
    ]);
  });

  it("the same octets go to all receivers alike, and nothing back to their source", () => {
    const tables = new Tables();
    const receivers = Array.from({ length: 40 }, () => tables.receiver());
    tables.run();
    for (const { outlet } of receivers) outlet.take();
    // The same set from everybody: groups are by source.
    for (const { slot } of receivers) tables.announce(slot, [mac(slot), mac(1000 + slot)]);
    tables.run();
    const buffers = new Set<ArrayBufferLike>();
    for (const { slot, outlet } of receivers) {
      for (const buffer of outlet.buffers) buffers.add(buffer.buffer);
      expect(outlet.buffers.length).toBeLessThanOrEqual(2);
      const keys = outlet.takeKeys();
      expect(keys).toHaveLength(78);
      expect(keys).not.toContain(`+${key(mac(slot))}`);
    }
    expect(buffers.size).toBe(1);
  });

  it("each encoding has its own messages, each receiver those of its own", () => {
    const tables = new Tables();
    const source = tables.source();
    const plain = tables.receiver();
    const narrow = tables.receiver({ encoding: { ...EBGP, ebgp: false, as4: false } });
    const self = tables.receiver({
      kind: SourceKind.Ebgp,
      encoding: { ...EBGP, nextHopSelf: Uint8Array.from([192, 0, 2, 9]) },
    });
    tables.run();
    for (const { outlet } of [plain, narrow, self]) outlet.take();
    tables.announce(source, "200a000001", PLAIN, Family.Ipv4Unicast);
    tables.announce(source, mac(1));
    tables.run();
    const hops = (outlet: FakeOutlet, as4 = true): string[] =>
      outlet
        .take(as4)
        .flatMap((one) =>
          one.kind === "announce" ? one.routes.map((route) => route.nextHop) : [],
        );
    expect(hops(plain.outlet)).toEqual(["0a000001", "0a000001"]);
    expect(hops(narrow.outlet, false)).toEqual(["0a000001", "0a000001"]);
    // EVPN's next hop is always kept.
    expect(hops(self.outlet)).toEqual(["c0000209", "0a000001"]);
  });
});
