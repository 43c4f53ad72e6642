import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import {
  decodeNlri,
  encodeNlri,
  formatNlri,
  type DecodedNlri,
} from "../../src/fast-bgp-codec/nlri.js";
import { labelOf } from "../../src/fast-bgp-codec/values/label.js";
import { octets } from "./vectors.js";

const RD = "1:192.0.2.1:100";
const ESI = "03aabbccddee0300004d";
const label = labelOf(10100);

/** What we would announce, and how a person sees it. */
const SHOWN: readonly (readonly [Family, DecodedNlri, string])[] = [
  [
    Family.Evpn,
    { type: 1, rd: RD, esi: ESI, ethTag: 0xffffffff, label },
    `1:192.0.2.1:100::${ESI}::FFFF:FFFF`,
  ],
  [Family.Evpn, { type: 1, rd: RD, esi: ESI, ethTag: 0, label }, `1:192.0.2.1:100::${ESI}::0`],
  [
    Family.Evpn,
    {
      type: 2,
      rd: "0:65000:100",
      esi: "00".repeat(10),
      ethTag: 0,
      macLen: 48,
      mac: "52:54:00:00:00:01",
      ipLen: 32,
      ip: "10.0.0.1",
      label1: label,
      label2: null,
    },
    "2:65000:100::0::52:54:00:00:00:01::10.0.0.1",
  ],
  [
    Family.Evpn,
    {
      type: 2,
      rd: RD,
      esi: ESI,
      ethTag: 7,
      macLen: 48,
      mac: "52:54:00:00:00:01",
      ipLen: 0,
      ip: null,
      label1: label,
      label2: label,
    },
    "2:192.0.2.1:100::7::52:54:00:00:00:01",
  ],
  [
    Family.Evpn,
    { type: 3, rd: "2:65000:100", ethTag: 0, ipLen: 128, originator: "2001:db8::1" },
    "3:65000L:100::0::2001:db8::1",
  ],
  [
    Family.Evpn,
    { type: 4, rd: RD, esi: ESI, ipLen: 32, originator: "192.0.2.1" },
    `4:192.0.2.1:100::${ESI}:192.0.2.1`,
  ],
  [
    Family.Evpn,
    {
      type: 5,
      rd: RD,
      esi: ESI,
      ethTag: 0,
      prefixLen: 24,
      prefix: "203.0.113.0",
      gateway: "0.0.0.0",
      label,
    },
    "5:192.0.2.1:100::0::203.0.113.0::24",
  ],
  [
    Family.Evpn,
    {
      type: 6,
      rd: RD,
      ethTag: 0,
      source: null,
      group: "239.1.1.1",
      originator: "192.0.2.1",
      flags: 2,
    },
    "6:192.0.2.1:100::0::*::239.1.1.1::192.0.2.1",
  ],
  [
    Family.Evpn,
    {
      type: 7,
      rd: RD,
      esi: ESI,
      ethTag: 0,
      source: "198.51.100.9",
      group: "239.1.1.1",
      originator: "192.0.2.1",
      flags: 2,
    },
    `7:192.0.2.1:100::${ESI}::0::198.51.100.9::239.1.1.1::192.0.2.1`,
  ],
  [
    Family.Evpn,
    {
      type: 8,
      rd: RD,
      esi: ESI,
      ethTag: 0,
      source: null,
      group: null,
      originator: "192.0.2.1",
      reserved: 0,
      maxRespTime: 100,
      flags: 2,
    },
    `8:192.0.2.1:100::${ESI}::0::*::*::192.0.2.1`,
  ],
  [
    Family.Evpn,
    { type: 9, rd: RD, ethTag: 0, regionId: "0002fde800000007" },
    "9:192.0.2.1:100::0::0002fde800000007",
  ],
  [
    Family.Evpn,
    { type: 10, rd: RD, ethTag: 0, source: null, group: "ff3e::1", originator: "192.0.2.1" },
    "10:192.0.2.1:100::0::*::ff3e::1::192.0.2.1",
  ],
  [
    Family.Evpn,
    {
      type: 11,
      routeKey: { type: 3, rd: RD, ethTag: 0, ipLen: 32, originator: "192.0.2.1" },
      originator: "192.0.2.2",
    },
    "11:3:192.0.2.1:100::0::192.0.2.1::192.0.2.2",
  ],
  [Family.Evpn, { type: 200, opaque: "0102" }, "200:unknown:0102"],
  [Family.Evpn, { type: 2, malformed: "0102" }, "2:malformed:0102"],
  [Family.Ipv4Unicast, { prefix: "203.0.113.0/24" }, "203.0.113.0/24"],
  [Family.Ipv4Unicast, { prefix: "0.0.0.0/0" }, "0.0.0.0/0"],
  [Family.Ipv4Unicast, { prefix: "203.0.112.0/20", hex: "14cb007f" }, "203.0.112.0/20"],
  [Family.Ipv6Unicast, { prefix: "2001:db8::/32" }, "2001:db8::/32"],
  [
    Family.Ipv4Vpn,
    { rd: "0:65000:100", prefix: "203.0.113.0/24", labels: [labelOf(0x641)] },
    "65000:100:203.0.113.0/24",
  ],
  [
    Family.Ipv4Vpn,
    { rd: RD, prefix: "0.0.0.0/0", labels: [labelOf(0x640), labelOf(0x31)] },
    "192.0.2.1:100:0.0.0.0/0",
  ],
  [
    Family.Ipv4Vpn,
    { rd: RD, prefix: "203.0.113.7/32", labels: [labelOf(0x800000)] },
    "192.0.2.1:100:203.0.113.7/32",
  ],
  [
    Family.Ipv6Vpn,
    { rd: "2:65000:100", prefix: "2001:db8::/32", labels: [labelOf(1)] },
    "65000L:100:2001:db8::/32",
  ],
  [
    Family.Ipv6Vpn,
    { rd: "7:0102030405ff", prefix: "2001:db8::1/128", labels: [labelOf(0)] },
    "7:0102030405ff:2001:db8::1/128",
  ],
  [Family.RouteTarget, { prefixLen: 0, default: true }, "default"],
  [
    Family.RouteTarget,
    { prefixLen: 96, originAs: 65000, rt: "rt:65000:100" },
    "65000:rt:65000:100/96",
  ],
  [Family.RouteTarget, { prefixLen: 64, originAs: 65000, rt: "0002fde8" }, "65000:0002fde8/64"],
  [Family.RouteTarget, { prefixLen: 32, originAs: 65000, rt: "" }, "65000/32"],
  [Family.RouteTarget, { prefixLen: 16, malformed: "100000" }, "malformed:100000"],
];

describe("NLRI", () => {
  it.each(SHOWN)("family %i %j is shown as %s", (family, nlri, text) => {
    expect(formatNlri(family, nlri)).toBe(text);
    const bytes = encodeNlri(family, nlri);
    expect({ ...decodeNlri(family, bytes, 0, bytes.length), length: undefined }).toEqual(nlri);
  });
  it.each([
    [{ type: 3, rd: "nonsense", ethTag: 0, ipLen: 32, originator: "192.0.2.1" }],
    [{ type: 3, rd: RD, ethTag: 0, ipLen: 32, originator: "192.0.2" }],
    [{ type: 200, opaque: "0" }],
    [{ prefix: "203.0.113.0" }],
    [{ prefix: "203.0.113.0/33" }],
    [{ prefix: "x/8" }],
    [{ prefixLen: 96, originAs: 1, rt: "rt:x" }],
    [{ prefixLen: 16 }],
    [{ rd: RD, prefix: "203.0.113.0/24", labels: [] }],
    [{ rd: RD, prefix: "203.0.113.0/33", labels: [label] }],
    [{ rd: "nonsense", prefix: "203.0.113.0/24", labels: [label] }],
    [{ rd: RD, prefix: "2001:db8::/128", labels: [label, label, label] }],
  ] as [DecodedNlri][])("%j cannot be encoded", (nlri) => {
    expect(() => encodeNlri(Family.Evpn, nlri)).toThrow(RangeError);
  });
  it("route targets whose text would name another keep their octets", () => {
    const bytes = octets("600000fde8030c010203040008");
    const nlri = decodeNlri(Family.RouteTarget, bytes, 0, bytes.length);
    expect(nlri).toMatchObject({ rt: "unknown:030c010203040008" });
    expect(Buffer.from(encodeNlri(Family.RouteTarget, nlri)).equals(bytes)).toBe(true);
  });
});
