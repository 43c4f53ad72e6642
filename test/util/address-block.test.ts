import { expect, test } from "vitest";
import { addressBlock } from "../../src/util/address-block.js";

test.each([
  ["192.0.2.1", undefined],
  ["::ffff:192.0.2.1", undefined],
  ["", undefined],
  ["no address", undefined],
  ["2001:db8:0:1::7", "2001:db8:0:1::/64"],
  ["2001:DB8:0:1:ffff:ffff:ffff:ffff", "2001:db8:0:1::/64"],
  ["2001:db8::1", "2001:db8:0:0::/64"],
  ["2001:db8:0:0:1::", "2001:db8:0:0::/64"],
  ["2001:0db8:00a0::1", "2001:db8:a0:0::/64"],
  ["::1", "0:0:0:0::/64"],
  ["::", "0:0:0:0::/64"],
  ["::2:3:4:5:6", "0:0:0:2::/64"],
  ["1::5:6:7:8", "1:0:0:0::/64"],
  ["64:ff9b::192.0.2.1", "64:ff9b:0:0::/64"],
  ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::/64"],
  ["::3:4:5:6:192.0.2.1", "0:0:3:4::/64"],
  ["fe80::1%eth0", "fe80:0:0:0::/64"],
])("%s is of %s", (address, block) => {
  expect(addressBlock(address)).toBe(block);
});
