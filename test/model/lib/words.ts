/** Short ways to say the operations of a hand-made case. */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { Code, put, type Attributes } from "./attributes.js";
import { hexOf } from "./hex.js";
import { macIp, rd } from "./nlri.js";
import type { Op } from "./ops.js";

export const HOP = "0a0a0001";

export const PLAIN: Attributes = [
  { code: Code.Origin, flags: 0x40, value: "00" },
  { code: Code.AsPath, flags: 0x40, value: "" },
  { code: Code.LocalPref, flags: 0x40, value: "00000064" },
];

/** The plain set, told apart by its MED. */
export function marked(mark: number): Attributes {
  return put(PLAIN, Code.Med, 0x80, hexOf(mark, 4));
}

export function mac(number: number, rdNumber = 1, label = 100): string {
  return macIp({ rd: rd(rdNumber), mac: hexOf(0x020000000000 + number, 6), label });
}

export function up(peer: number): Op {
  return { kind: "up", peer };
}

export function announce(
  peer: number,
  nlri: readonly string[],
  attributes: Attributes = PLAIN,
  nextHop = HOP,
): Op {
  const reach = { family: Family.Evpn, nextHop, nlri };
  return { kind: "update", peer, shape: 0, parts: { reach, attributes } };
}

export function withdraw(peer: number, nlri: readonly string[]): Op {
  const unreach = { family: Family.Evpn, nlri };
  return { kind: "update", peer, shape: 0, parts: { unreach } };
}
