/** Whose packet it is: by the address that it comes from. */
import { BlockList, isIPv4 } from "node:net";
import { expect, test } from "vitest";
import { addressOctets, ClientTable } from "../../../src/radius/server/client-table.js";
import type { ClientSettings } from "../../../src/radius/settings.js";

const client = (prefix: string): ClientSettings => ({
  ...{ name: prefix, prefix, secrets: ["a secret of some length"], proxy: false },
  ...{ requireMessageAuthenticator: "yes", limitProxyState: true, rateLimit: 0 },
});
const PREFIXES = [
  ...["0.0.0.0/1", "10.0.0.0/8", "10.10.15.0/24", "10.10.15.128/25", "192.168.25.9/32", "10.9.0.1"],
  ...["2001:db8::/32", "2001:db8:0:8000::/49", "2001:db8::1", "fe80::/10", "::1/128"],
];
const ADDRESSES = [
  ...["10.1.2.3", "10.10.15.1", "10.10.15.129", "192.168.25.9", "192.168.25.8", "10.9.0.1"],
  ...["2001:db8::1", "2001:db8::2", "2001:db8:0:8001::2", "fe80::1", "::1", "::2", "fec0::1"],
  ...["2001:db8:1:2:3:4:5:6", "::ffff:10.10.15.1", "127.0.0.1", "128.0.0.1", "64:ff9b::10.0.0.1"],
];

test("RAD-22: the longest prefix that holds an address wins, as an independent look says", () => {
  const table = new ClientTable(PREFIXES.map(client));
  const rows = PREFIXES.map((prefix) => {
    const [address = "", length] = prefix.split("/");
    const family = isIPv4(address) ? "ipv4" : "ipv6";
    const list = new BlockList();
    const bits = length === undefined ? (family === "ipv4" ? 32 : 128) : Number(length);
    list.addSubnet(address, bits, family);
    return { prefix, list, bits };
  }).sort((a, b) => b.bits - a.bits);
  for (const address of ADDRESSES) {
    const plain = address.replace("::ffff:", "");
    const family = isIPv4(plain) ? "ipv4" : "ipv6";
    const wanted = rows.find(({ list }) => list.check(plain, family))?.prefix;
    expect([address, table.find(address)?.settings.name]).toEqual([address, wanted]);
  }
  expect(table.find("fe80::1%eth0")?.settings.name).toBe("fe80::/10");
  expect(table.find("")).toBeUndefined();
  expect(addressOctets("1::2")).toHaveLength(16);
});

test("RAD-23: an unknown source costs no more where there are many clients", () => {
  const prefixes = Array.from({ length: 5000 }, (_, n) => `10.${n >> 8}.${n & 255}.1/32`);
  const table = new ClientTable(prefixes.map(client));
  // So many by a list of networks take minutes.
  let found = 0;
  for (let n = 0; n < 10_000; n++) if (table.find("192.0.2.1") !== undefined) found++;
  expect(found).toBe(0);
  expect(table.find("10.19.135.1")?.settings.name).toBe("10.19.135.1/32");
});
