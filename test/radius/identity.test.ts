/** RAD-71: names for keys. */
import { expect, test } from "vitest";
import { accessPointOf, normalMac, realmOf } from "../../src/radius/identity.js";

test.each([
  ["02-AA-BB-CC-DD-01", "02:aa:bb:cc:dd:01"],
  ["02aa.bbcc.dd01", "02:aa:bb:cc:dd:01"],
  ["02AABBCCDD01", "02:aa:bb:cc:dd:01"],
  ["02AABBCCDD0", undefined],
  ["02AABBCCDD011", undefined],
  ["02AABBCCDD0g", undefined],
  ["", undefined],
])("RAD-71: MAC %s", (text, mac) => {
  expect(normalMac(text)).toBe(mac);
});

test.each([
  ["02-00-00-00-00-01:corp", { id: "02:00:00:00:00:01", ssid: "corp" }],
  ["02:00:00:00:00:01:a:b", { id: "02:00:00:00:00:01", ssid: "a:b" }],
  ["0200.0000.0001", { id: "02:00:00:00:00:01", ssid: undefined }],
  ["02-00-00-00-00-01:", { id: "02:00:00:00:00:01", ssid: "" }],
  ["Lobby", { id: "lobby", ssid: undefined }],
])("RAD-71: access point %s", (text, point) => {
  expect(accessPointOf(text)).toMatchObject(point);
});

test("RAD-67: the realm is what follows the last @", () => {
  expect(realmOf("a@b@C.example")).toBe("c.example");
  expect(realmOf("a")).toBeUndefined();
});
