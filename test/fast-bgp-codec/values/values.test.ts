import { describe, expect, it } from "vitest";
import {
  formatCommunity,
  formatLargeCommunity,
  parseCommunity,
  parseLargeCommunity,
} from "../../../src/fast-bgp-codec/values/community.js";
import { formatEsi, parseEsi } from "../../../src/fast-bgp-codec/values/esi.js";
import {
  formatExtendedCommunity,
  formatRouteTarget,
  isRouteTarget,
  parseExtendedCommunity,
  parseRouteTarget,
} from "../../../src/fast-bgp-codec/values/extended-community.js";
import {
  formatIp,
  formatIpv6,
  parseIp,
  parseIpv4,
  parseIpv6,
} from "../../../src/fast-bgp-codec/values/ip.js";
import { decodeLabel, labelOf } from "../../../src/fast-bgp-codec/values/label.js";
import { formatMac, parseMac } from "../../../src/fast-bgp-codec/values/mac.js";
import { formatRd, parseRd, rdToText } from "../../../src/fast-bgp-codec/values/rd.js";
import { Random } from "../mutate.js";
import { octets } from "../vectors.js";

const hex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString("hex");

describe("addresses", () => {
  it.each([
    ["0.0.0.0", "00000000"],
    ["255.255.255.255", "ffffffff"],
    ["192.0.2.1", "c0000201"],
    ["::", "00".repeat(16)],
    ["::1", `${"00".repeat(15)}01`],
    ["1::", `0001${"00".repeat(14)}`],
    ["2001:db8::1", "20010db8000000000000000000000001"],
    ["2001:db8:0:1:1:1:1:1", "20010db8000000010001000100010001"],
    ["2001:0:0:1::1", "20010000000000010000000000000001"],
    ["2001:db8::1:0:0:1", "20010db8000000000001000000000001"],
    ["fe80::ffff:ffff:ffff:ffff", "fe80000000000000ffffffffffffffff"],
    ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
    ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ])("%s", (text, octetsHex) => {
    const bytes = octets(octetsHex);
    expect(formatIp(bytes, 0, bytes.length)).toBe(text);
    expect(hex(parseIp(text))).toBe(octetsHex);
  });
  it.each([
    ["2001:DB8::1", "20010db8000000000000000000000001"],
    ["0:0:0:0:0:0:0:1", "00000000000000000000000000000001"],
    ["::192.0.2.1", "000000000000000000000000c0000201"],
    ["1:2:3:4:5:6:192.0.2.1", "000100020003000400050006c0000201"],
    ["1:2:3:4:5:6:7::", "00010002000300040005000600070000"],
  ])("%s is another way to write it", (text, octetsHex) => {
    expect(hex(parseIp(text))).toBe(octetsHex);
  });
  it.each([
    "",
    ".",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "1.2.3.04",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1..3.4",
    "1.2.3.-4",
    "1.2.3.4444",
    ":",
    ":::",
    "1::2::3",
    "12345::",
    "g::",
    "1:2:3:4:5:6:7",
    "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::",
    "::1%eth0",
    "1.2.3.4::",
    "::1.2.3",
    "1:2:3:4:5:6:7:1.2.3.4",
    "2001:db8:::1",
  ])("%j is none", (text) => {
    expect(parseIp(text)).toBeUndefined();
  });
  it("any 16 octets come back from their text, as Node.js reads and writes it", () => {
    const random = new Random(7);
    for (let n = 0; n < 3000; n++) {
      const bytes = new Uint8Array(16);
      for (let i = 0; i < 8; i++) {
        if (random.below(2) === 0)
          bytes.set([random.below(256) & random.below(256), random.below(256)], 2 * i);
      }
      const text = formatIpv6(bytes, 0);
      expect(hex(parseIpv6(text)), text).toBe(hex(bytes));
      const isMapped = text.includes(".");
      if (!isMapped && /:.*:/.test(text))
        expect(new URL(`http://[${text}]/`).hostname).toBe(`[${text}]`);
    }
    expect(parseIpv4("2001:db8::1")).toBeUndefined();
  });
});

describe("MAC, ESI, label", () => {
  it("MAC addresses in the usual spellings", () => {
    for (const text of [
      "00:00:5e:00:53:0a",
      "00-00-5E-00-53-0A",
      "0000.5e00.530a",
      "00005e00530a",
    ]) {
      expect(formatMac(parseMac(text)!, 0)).toBe("00:00:5e:00:53:0a");
    }
    for (const text of [
      "",
      "00:00:5e:00:53",
      "00:00:5e:00:53:0a:00",
      "00:00:5e:00:53:0g",
      "0000:5e00:530a",
      "0000.5e00.53",
      "0:0:5e:0:53:a",
    ]) {
      expect(parseMac(text), text).toBeUndefined();
    }
  });
  it("ESIs as hex and with colons", () => {
    const text = "03:aa:bb:cc:dd:ee:03:00:00:4d";
    expect(formatEsi(parseEsi(text)!, 0)).toBe(text);
    expect(hex(parseEsi("03aabbccddee0300004d"))).toBe("03aabbccddee0300004d");
    expect(parseEsi("03aabbccddee03")).toBeUndefined();
  });
  it("a label is 24 bits with two readings", () => {
    expect(labelOf(10100)).toEqual({ raw: "002774", vni24: 10100, mpls20: 631, bos: 0 });
    expect(decodeLabel(octets("ffffff"), 0)).toEqual({
      raw: "ffffff",
      vni24: 16777215,
      mpls20: 1048575,
      bos: 1,
    });
  });
});

describe("route distinguishers", () => {
  it.each([
    ["0000fde800000064", "0:65000:100", "65000:100"],
    ["0001c00002010064", "1:192.0.2.1:100", "192.0.2.1:100"],
    ["0002fa56ea010064", "2:4200000001:100", "4200000001:100"],
    ["00020000fde80064", "2:65000:100", "65000L:100"],
    ["0007010203040506", "7:010203040506", "7:010203040506"],
  ])("%s", (octetsHex, text, short) => {
    expect(rdToText(octets(octetsHex), 0)).toBe(text);
    expect(formatRd(octets(octetsHex), 0)).toBe(short);
    expect(hex(parseRd(text))).toBe(octetsHex);
    expect(hex(parseRd(short))).toBe(octetsHex);
  });
  it.each([
    "",
    "1",
    ":",
    "65000",
    "70000:70000",
    "0:70000:1",
    "3:1:1",
    "192.0.2.1:65536",
    "192.0.2:1",
    "65000:4294967296",
    "-1:1",
    "a:b",
    "1:2:3:4",
    "0:65000:",
    "4294967296:1",
  ])("%j is none", (text) => {
    expect(parseRd(text)).toBeUndefined();
  });
});

describe("communities", () => {
  it.each([
    ["0002fde800000064", "rt:65000:100"],
    ["0102c00002010064", "rt:192.0.2.1:100"],
    ["0202fa56ea010064", "rt:4200000001:100"],
    ["02020000fde80064", "rt:65000L:100"],
    ["0003fde800000064", "soo:65000:100"],
    ["030b000100000064", "color:0x0001:100"],
    ["030c000000000008", "encapsulation:8"],
    ["030d000000000000", "default-gateway"],
    ["060001000000002a", "mac-mobility:sticky=1:seq=42"],
    ["0601010000002774", "esi-label:single-active=1:raw=002774"],
    ["0602aabbccddee03", "es-import:aa:bb:cc:dd:ee:03"],
    ["060302005e005301", "router-mac:02:00:5e:00:53:01"],
    ["0604000605dc0000", "l2-attributes:control=0x0006:mtu=1500"],
    ["060501000000c801", "e-tree:leaf=1:label-raw=00c801"],
    ["0606028000007fff", "df-election:alg=2:bitmap=0x8000:pref=32767"],
    ["06080b0000000000", "arp-nd:R=1:O=1:I=1:flags=0x0b"],
    ["0609000300000000", "multicast-flags:I=1:M=1"],
    ["060afde800000064", "evi-rt:type0:fde800000064"],
    ["060d010203040506", "evi-rt:type3:010203040506"],
    ["4004fde84e9502f9", "link-bandwidth:as65000:1.25e+09 B/s"],
    ["4004fde842c80000", "link-bandwidth:as65000:100 B/s"],
    ["40040000358637bd", "link-bandwidth:as0:1e-06 B/s"],
    ["06fe010203040506", "unknown:06fe010203040506"],
    ["8006000000000000", "unknown:8006000000000000"],
  ])("%s %s", (octetsHex, text) => {
    expect(formatExtendedCommunity(octets(octetsHex), 0)).toBe(text);
    expect(hex(parseExtendedCommunity(text))).toBe(octetsHex);
  });
  it.each([
    "",
    "rt",
    "rt:",
    "rt:1",
    "rt:1:2:3",
    "rt:70000:70000",
    "encapsulation:",
    "encapsulation:x",
    "router-mac:1",
    "mac-mobility:seq=1",
    "unknown:00",
    "unknown:zz",
    "default-gateway:1",
    "nonsense:1",
  ])("%j is none", (text) => {
    expect(parseExtendedCommunity(text)).toBeUndefined();
  });
  it("route targets: ES-Import counts, route origin does not (RFC 7432 section 7.6)", () => {
    const is = (octetsHex: string): boolean => isRouteTarget(octets(octetsHex), 0);
    expect(is("0002fde800000064")).toBe(true);
    expect(is("0602aabbccddee03")).toBe(true);
    expect(is("0003fde800000064")).toBe(false);
    expect(is("060afde800000064")).toBe(false);
    expect(formatRouteTarget(octets("0102c00002010064"), 0)).toBe("192.0.2.1:100");
    expect(formatRouteTarget(octets("0602aabbccddee03"), 0)).toBeUndefined();
    expect(hex(parseRouteTarget("target:65000:100"))).toBe("0002fde800000064");
  });
  it("standard and large ones", () => {
    expect(formatCommunity(parseCommunity("65535:65281")!, 0)).toBe("65535:65281");
    expect(formatLargeCommunity(parseLargeCommunity("4200000001:2:3")!, 0)).toBe("4200000001:2:3");
    expect(parseCommunity("65536:1")).toBeUndefined();
    expect(parseLargeCommunity("1:2")).toBeUndefined();
  });
});
