import { expect, test } from "vitest";
import { canonicalAddress, parseSocketAddress } from "../../../src/bgp/transport/socket-address.js";
import { canonicalPeerAddress } from "../../../src/bgp/session/dynamic-ranges.js";

const hex = (text: string): string => Buffer.from(parseSocketAddress(text).bytes).toString("hex");

test.each([
  ["10.0.0.1", "0a000001"],
  ["::", "0".repeat(32)],
  ["::1", "1".padStart(32, "0")],
  ["2001:db8::1:0", "20010db8000000000000000000010000"],
  ["1:2:3:4:5:6:7:8", "00010002000300040005000600070008"],
  ["fe80::", "fe800000000000000000000000000000"],
  ["::ffff:192.0.2.1", "00000000000000000000ffffc0000201"],
  ["64:ff9b::192.0.2.33", "0064ff9b0000000000000000c0000221"],
])("%s in octets", (text, expected) => expect(hex(text)).toBe(expected));

test("the zone is kept apart", () => {
  expect(parseSocketAddress("fe80::1%eth0").zone).toBe("eth0");
});

test.each(["", "host.example", "10.0.0", "10.0.0.1/24", "2001:db8:::1"])("%j is none", (text) => {
  expect(() => parseSocketAddress(text)).toThrow(RangeError);
  expect(() => canonicalAddress(text)).toThrow(RangeError);
});

test.each([
  ["10.0.0.1", "10.0.0.1"],
  ["2001:DB8:0:0:0::1", "2001:db8::1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
  ["FE80::1%eth0", "fe80::1%eth0"],
])("%s is written %s, by transport and session alike", (text, expected) => {
  expect(canonicalAddress(text)).toBe(expected);
  expect(canonicalPeerAddress(text)).toBe(expected);
});

test("an IPv4 address inside IPv6 is that IPv4 address", () => {
  expect(canonicalAddress("::FFFF:c000:0201")).toBe("192.0.2.1");
});
