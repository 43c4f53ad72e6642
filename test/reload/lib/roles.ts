/** Who peers with the rig's reflector, and what they announce: the same routes and others, loops, strange types. */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { attribute, ORIGIN } from "../../bgp/lib/tables.js";
import { evpnUpdate, update } from "../../bgp/lib/speaker.js";
import { hexOf } from "../../model/lib/hex.js";
import { evpn, imet, ipPrefix, macIp, prefix, rd } from "../../model/lib/nlri.js";
import type { Role } from "./rig.js";

const NO_ESI = "00".repeat(10);

function address(text: string): string {
  return text
    .split(".")
    .map((octet) => hexOf(Number(octet), 1))
    .join("");
}

/** @param number tells the roles apart */
export function role(number: number, own: string, as: number): Role {
  const target = (value: number): string =>
    attribute(16, 0xc0, `0002fde8${hexOf(value, 4)}030c000000000008`);
  const mobile = attribute(
    16,
    0xc0,
    `0002fde800000064030c00000000000806000000${hexOf(number % 3, 4)}`,
  );
  const path = (...ases: readonly number[]): string => {
    const all = as === 65000 ? ases : [as, ...ases];
    const octets = all.map((one) => hexOf(one, 4)).join("");
    return attribute(2, 0x40, all.length === 0 ? "" : `02${hexOf(all.length, 1)}${octets}`);
  };
  const preference = (value: number): string =>
    as === 65000 ? attribute(5, 0x40, hexOf(value, 4)) : "";
  const plain = ORIGIN + path() + preference(100);
  const sets = {
    red: plain + target(100),
    blue: ORIGIN + path() + preference(100 + (number % 3)) + target(200),
    mobile: ORIGIN + path() + preference(100) + mobile,
    looped: ORIGIN + path(65000) + preference(100) + target(100),
  };
  const mac = (of: number, value: number, label: number): string =>
    macIp({
      rd: rd(of),
      mac: hexOf(0x020000000000 + value, 6),
      ip: `0a64${hexOf(value, 2)}`,
      label,
    });
  const evpnRoutes = [
    evpnUpdate([mac(number, number, 100), mac(1, 500, 100)], sets.red),
    evpnUpdate([mac(1, 501, 200)], sets.blue),
    evpnUpdate([mac(1, 502, 100)], sets.mobile),
    evpnUpdate([mac(number, 900 + number, 100)], sets.looped),
    evpnUpdate([imet(rd(number), 0, address(own))], sets.red),
    evpnUpdate([ipPrefix(rd(number), NO_ESI, 0, 24, "0a640000", "00000000", 200)], sets.blue),
    evpnUpdate([evpn(99, `aa${hexOf(number, 1)}`)], sets.red),
  ];
  const unicast = update(
    "",
    `${ORIGIN}${path()}${attribute(3, 0x40, address(own))}${preference(100)}`,
    prefix(24, `c0a8${hexOf(number, 1)}`) + prefix(16, "ac10"),
  );
  return {
    address: own,
    as,
    updates: [
      ...evpnRoutes.map((bytes) => ({ family: Family.Evpn, bytes })),
      { family: Family.Ipv4Unicast, bytes: unicast },
    ],
  };
}

export const NAMED = ["10.0.0.11", "10.0.0.12", "10.0.0.13", "10.0.0.14"] as const;
export const EXTERNAL = { "10.0.0.15": 65001, "10.0.0.16": 65002 } as const;
export const DYNAMIC = ["10.1.0.1", "10.1.0.2", "10.1.1.1"] as const;

export const ROLES: readonly Role[] = [
  ...NAMED.map((own, index) => role(11 + index, own, 65000)),
  ...Object.entries(EXTERNAL).map(([own, as], index) => role(21 + index, own, as)),
  ...DYNAMIC.map((own, index) => role(31 + index, own, 65000)),
];
