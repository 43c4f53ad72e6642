import { describe, expect, it } from "vitest";
import { Family } from "../../src/fast-bgp-codec/family.js";
import { NlriScan, NlriStatus, maskNlri, scanNlri } from "../../src/fast-bgp-codec/nlri-scan.js";
import { octets } from "./vectors.js";

const RD = "0001c00002010064";
const ESI = "03aabbccddee0300004d";
const TAG = "00000007";
const MAC = "3000005e005301";
const IP4 = "20c0000201";
const IP6 = `80${"20010db8000000000000000000000001"}`;
const LABEL = "002774";

function evpn(type: number, body: string): string {
  return (
    type.toString(16).padStart(2, "0") + (body.length / 2).toString(16).padStart(2, "0") + body
  );
}

interface Seen {
  next: number;
  status: number;
  type: number;
  key: string;
  tail: string;
  masked: string;
  scan: NlriScan;
}

function look(family: Family, hex: string, addPath = false): Seen {
  // Something in front and behind, so that offsets matter.
  const bytes = octets(`aaaaaa${hex}bbbb`);
  const scan = new NlriScan();
  const end = bytes.length - 2;
  const next = scanNlri(family, bytes, 3, end, addPath, scan);
  const cut = (at: number, n: number): string =>
    Buffer.from(bytes.subarray(at, at + n)).toString("hex");
  const masked = new Uint8Array(300);
  const maskedEnd = next < 0 ? 0 : maskNlri(family, bytes, scan, masked, 0);
  return {
    next: next < 0 ? next : next - 3,
    status: scan.status,
    type: scan.routeType,
    key: cut(scan.keyStart, scan.keyLength),
    tail: cut(scan.tailStart, scan.tailLength),
    masked: Buffer.from(masked.subarray(0, maskedEnd)).toString("hex"),
    scan,
  };
}

describe("EVPN keys", () => {
  const multicast = `00${IP4}${IP6}`;
  it.each([
    ["1: RD, ESI and tag, not the label", 1, RD + ESI + TAG + LABEL, RD + ESI + TAG, ""],
    ["2: MAC only", 2, RD + ESI + TAG + MAC + "00" + LABEL, RD, TAG + MAC + "00"],
    ["2: with IPv4", 2, RD + ESI + TAG + MAC + IP4 + LABEL, RD, TAG + MAC + IP4],
    [
      "2: with IPv6 and two labels",
      2,
      RD + ESI + TAG + MAC + IP6 + LABEL + LABEL,
      RD,
      TAG + MAC + IP6,
    ],
    ["3", 3, RD + TAG + IP4, RD + TAG + IP4, ""],
    ["3: IPv6", 3, RD + TAG + IP6, RD + TAG + IP6, ""],
    ["4", 4, RD + ESI + IP4, RD + ESI + IP4, ""],
    ["5: IPv4", 5, RD + ESI + TAG + "18cb007100" + "00000000" + LABEL, RD, TAG + "18cb007100"],
    [
      "5: IPv6",
      5,
      RD + ESI + TAG + "40" + IP6.slice(2, 18) + "00".repeat(24) + LABEL,
      RD,
      `${TAG}40${IP6.slice(2, 18)}${"00".repeat(8)}`,
    ],
    ["6: all but the flags", 6, RD + TAG + multicast + "02", RD + TAG + multicast, ""],
    ["7: all but the flags", 7, RD + ESI + TAG + multicast + "02", RD + ESI + TAG + multicast, ""],
    [
      "8: all but the last six",
      8,
      RD + ESI + TAG + multicast + "000000006402",
      RD + ESI + TAG + multicast,
      "",
    ],
    ["9: all", 9, RD + TAG + "0002fde800000007", RD + TAG + "0002fde800000007", ""],
    ["10: all", 10, RD + TAG + multicast, RD + TAG + multicast, ""],
    [
      "11: all",
      11,
      `03110001c0000201006400000000${IP4}20c0000202`,
      `03110001c0000201006400000000${IP4}20c0000202`,
      "",
    ],
  ])("type %s", (_name, type, body, key, tail) => {
    const nlri = evpn(type, body);
    const seen = look(Family.Evpn, nlri);
    expect(seen).toMatchObject({
      status: NlriStatus.Ok,
      type,
      key,
      tail,
      masked: nlri,
      next: nlri.length / 2,
    });
    const withPath = look(Family.Evpn, `000000ff${nlri}`, true);
    expect(withPath).toMatchObject({
      status: NlriStatus.Ok,
      key,
      tail,
      masked: nlri,
      next: 4 + nlri.length / 2,
    });
    expect(withPath.scan.pathId).toBe(255);
  });

  it("a label, an ESI or a gateway of another value is the same key", () => {
    const route = (esi: string, label: string): Seen =>
      look(Family.Evpn, evpn(2, RD + esi + TAG + MAC + IP4 + label));
    const [one, other] = [route(ESI, LABEL), route("00".repeat(10), "000000")];
    expect(other.key + other.tail).toBe(one.key + one.tail);
  });

  it.each([0, 12, 200, 255])("type %i is unknown: the whole body is key", (type) => {
    expect(look(Family.Evpn, evpn(type, "0102030405"))).toMatchObject({
      status: NlriStatus.UnknownType,
      type,
      key: "0102030405",
      next: 7,
    });
    expect(look(Family.Evpn, evpn(type, "")).status).toBe(NlriStatus.UnknownType);
  });
});

describe("EVPN bodies that do not fit their type", () => {
  const { Malformed, MalformedKeyed } = NlriStatus;
  it.each([
    ["1: label cut off", 1, RD + ESI + TAG + "0027", MalformedKeyed, RD + ESI + TAG],
    ["1: tag cut off", 1, RD + ESI + "0000", Malformed, undefined],
    ["2: length 34", 2, RD + ESI + TAG + MAC + "00" + LABEL + "00", MalformedKeyed, RD],
    ["2: no label", 2, RD + ESI + TAG + MAC + IP4, MalformedKeyed, RD],
    ["2: MAC of 47 bits", 2, `${RD}${ESI}${TAG}2f00005e00530100${LABEL}`, Malformed, undefined],
    ["2: IP of 24 bits", 2, `${RD}${ESI}${TAG}${MAC}18c0000201${LABEL}`, Malformed, undefined],
    [
      "2: IPv6 in the size of IPv4",
      2,
      `${RD}${ESI}${TAG}${MAC}80c0000201${LABEL}`,
      Malformed,
      undefined,
    ],
    ["3: IP of 31 bits", 3, `${RD}${TAG}1fc0000201`, Malformed, undefined],
    ["3: octets behind it", 3, `${RD}${TAG}${IP4}00`, MalformedKeyed, RD + TAG + IP4],
    ["3: no IP", 3, `${RD}${TAG}00`, Malformed, undefined],
    ["4: cut off", 4, (RD + ESI + IP4).slice(0, -2), Malformed, undefined],
    [
      "5: length 33",
      5,
      `${RD}${ESI}${TAG}18cb00710000000000${LABEL}`.slice(0, -2),
      Malformed,
      undefined,
    ],
    [
      "5: prefix of 33 bits",
      5,
      `${RD}${ESI}${TAG}21cb00710000000000${LABEL}`,
      Malformed,
      undefined,
    ],
    ["6: no flags", 6, `${RD}${TAG}0000${IP4}`, MalformedKeyed, `${RD}${TAG}0000${IP4}`],
    ["6: source of 8 bits", 6, `${RD}${TAG}080a00${IP4}02`, Malformed, undefined],
    ["7: no originator", 7, `${RD}${ESI}${TAG}0000`, Malformed, undefined],
    [
      "8: one octet short",
      8,
      `${RD}${ESI}${TAG}0000${IP4}0000000064`,
      MalformedKeyed,
      `${RD}${ESI}${TAG}0000${IP4}`,
    ],
    ["9: length 19", 9, `${RD}${TAG}0002fde8000000`, Malformed, undefined],
    [
      "10: octets behind it",
      10,
      `${RD}${TAG}0000${IP4}00`,
      MalformedKeyed,
      `${RD}${TAG}0000${IP4}`,
    ],
    ["11: inner NLRI too long", 11, `03ff${RD}`, Malformed, undefined],
    ["11: empty", 11, "", Malformed, undefined],
  ])("type %s", (_name, type, body, status, key) => {
    const seen = look(Family.Evpn, evpn(type, body));
    expect(seen.status).toBe(status);
    expect(seen.next).toBe(2 + body.length / 2);
    if (key !== undefined) expect(seen.key).toBe(key);
  });

  it("every type at every body length from 0 to 255 keeps its key inside", () => {
    for (let type = 0; type <= 12; type++) {
      for (let length = 0; length <= 255; length++) {
        for (const fill of ["00", "20", "30", "ff"]) {
          const seen = look(Family.Evpn, evpn(type, fill.repeat(length)));
          expect(seen.next).toBe(2 + length);
          expect(seen.key.length / 2 + seen.tail.length / 2).toBeLessThanOrEqual(length);
        }
      }
    }
  });
});

describe("overruns", () => {
  const { Overrun } = NlriStatus;
  it.each([
    ["EVPN type alone", Family.Evpn, "02", false],
    ["EVPN length beyond the end", Family.Evpn, "02210001", false],
    ["EVPN path id cut off", Family.Evpn, "000001", true],
    ["EVPN nothing behind the path id", Family.Evpn, "00000001", true],
    ["IPv4 prefix cut off", Family.Ipv4Unicast, "18cb00", false],
    ["IPv4 of 33 bits", Family.Ipv4Unicast, "210102030400", false],
    ["IPv6 of 129 bits", Family.Ipv6Unicast, `81${"00".repeat(17)}`, false],
    ["route target cut off", Family.RouteTarget, "600000fde80002fde8000000", false],
    ["VPN prefix cut off", Family.Ipv4Vpn, `70000641${RD}cb00`, false],
    ["VPN without room for RD and label", Family.Ipv4Vpn, `57000641${RD}`, false],
    ["VPN label stack without a bottom", Family.Ipv4Vpn, `700006400006400006400006405555`, false],
    ["VPN labels that leave no RD", Family.Ipv4Vpn, `6f000640000641${RD}cb`, false],
    ["VPNv4 of 33 bits", Family.Ipv4Vpn, `79000641${RD}cb00710080`, false],
    ["VPNv6 of 129 bits", Family.Ipv6Vpn, `d9000641${RD}${"00".repeat(17)}`, false],
    ["VPN path id cut off", Family.Ipv4Vpn, "000001", true],
  ])("%s", (_name, family, hex, addPath) => {
    expect(look(family, hex, addPath)).toMatchObject({
      next: -1,
      status: Overrun,
      key: "",
      tail: "",
    });
  });
});

describe("VPN keys are RD and prefix, whatever the labels", () => {
  const { Ipv4Vpn, Ipv6Vpn } = Family;
  const long = "20010db8000000000000000000000001";
  it.each([
    ["one label", Ipv4Vpn, `70000641${RD}cb0071`, 24, `${RD}cb0071`],
    ["two labels", Ipv4Vpn, `88000640000641${RD}cb0071`, 24, `${RD}cb0071`],
    ["withdrawn", Ipv4Vpn, `70800000${RD}cb0071`, 24, `${RD}cb0071`],
    ["withdrawn as older speakers write it", Ipv4Vpn, `70000000${RD}cb0071`, 24, `${RD}cb0071`],
    ["withdrawn under a label", Ipv4Vpn, `88000640800000${RD}cb0071`, 24, `${RD}cb0071`],
    ["the default", Ipv4Vpn, `58000641${RD}`, 0, RD],
    ["a host", Ipv4Vpn, `78000641${RD}cb007107`, 32, `${RD}cb007107`],
    ["IPv6", Ipv6Vpn, `88000641${RD}20010db80001`, 48, `${RD}20010db80001`],
    ["an IPv6 host with two labels", Ipv6Vpn, `f0000640000641${RD}${long}`, 128, `${RD}${long}`],
  ])("%s", (_name, family, hex, bits, key) => {
    const seen = look(family, hex);
    expect(seen).toMatchObject({ status: NlriStatus.Ok, type: bits, key, tail: "", masked: hex });
    expect(seen.next).toBe(hex.length / 2);
    expect(look(family, `00000007${hex}`, true)).toMatchObject({ type: bits, key, masked: hex });
  });

  it("bits beyond the length are cleared, and two lengths are two keys", () => {
    const seen = look(Ipv4Vpn, `6c000641${RD}cb007f`);
    expect(seen.scan.hostBits).toBe(true);
    expect(seen).toMatchObject({ type: 20, masked: `6c000641${RD}cb0070` });
    const [a, b] = [look(Ipv4Vpn, `6c000641${RD}cb0070`), look(Ipv4Vpn, `6d000641${RD}cb0070`)];
    expect(a.key).toBe(b.key);
    expect([a.type, b.type]).toEqual([20, 21]);
  });

  it("any length and any label octets keep the key inside", () => {
    for (const family of [Ipv4Vpn, Ipv6Vpn]) {
      for (let bits = 0; bits <= 255; bits++) {
        for (const fill of ["00", "01", "10", "80", "ff"]) {
          const seen = look(family, bits.toString(16).padStart(2, "0") + fill.repeat(32));
          if (seen.next < 0) continue;
          expect(seen.next).toBe(1 + ((bits + 7) >>> 3));
          expect(seen.scan.keyStart + seen.scan.keyLength).toBe(3 + seen.next);
          expect(seen.scan.keyLength).toBe(8 + ((seen.type + 7) >>> 3));
        }
      }
    }
  });
});

describe("prefixes", () => {
  it.each([
    ["a whole prefix", Family.Ipv4Unicast, "18cb0071", "18cb0071", false],
    ["the default", Family.Ipv4Unicast, "00", "00", false],
    ["a host", Family.Ipv4Unicast, "20c6336407", "20c6336407", false],
    ["bits beyond the length", Family.Ipv4Unicast, "14cb007f", "14cb0070", true],
    ["one bit", Family.Ipv4Unicast, "01ff", "0180", true],
    ["IPv6", Family.Ipv6Unicast, "2c20010db8ffff", "2c20010db8fff0", true],
    ["a route target of 36 bits", Family.RouteTarget, "240000fde80f", "240000fde800", true],
    [
      "a whole route target",
      Family.RouteTarget,
      "600000fde80002fde800000064",
      "600000fde80002fde800000064",
      false,
    ],
  ])("%s", (_name, family, hex, masked, hostBits) => {
    const seen = look(family, hex);
    expect(seen).toMatchObject({ status: NlriStatus.Ok, type: 0, key: hex, masked, tail: "" });
    expect(seen.scan.hostBits).toBe(hostBits);
  });

  it("type 5 prefixes are masked in place, gateway and label untouched (RFC 9136 section 3.1)", () => {
    const route = (prefix: string): string => `${RD}${ESI}${TAG}${prefix}c0000201${LABEL}`;
    const seen = look(Family.Evpn, evpn(5, route("14cb007fff")));
    expect(seen.scan.hostBits).toBe(true);
    expect(seen.masked).toBe(evpn(5, route("14cb007000")));
    expect(look(Family.Evpn, evpn(5, route("00cb007fff"))).masked).toBe(
      evpn(5, route("0000000000")),
    );
    expect(look(Family.Evpn, evpn(5, route("20cb007fff"))).scan.hostBits).toBe(false);
  });

  it.each([1, 16, 31, 97, 104, 255])(
    "a route target of %i bits is malformed (RFC 4684 section 4)",
    (bits) => {
      const seen = look(
        Family.RouteTarget,
        bits.toString(16).padStart(2, "0") + "00".repeat((bits + 7) >>> 3),
      );
      expect(seen.status).toBe(NlriStatus.Malformed);
    },
  );
});
