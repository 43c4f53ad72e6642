/** How each kind of match is written for nft: the packet's fields, the type of the set, an element. */
import { isV6 } from "../catalog/index.js";
import type { Family } from "./names.js";
import type { ExactMatch, MatchKind } from "./policy.js";

interface KeySpec {
  readonly kind: MatchKind;
  /** Fields behind source and destination, and their types. */
  readonly fields: readonly string[];
  readonly types: readonly string[];
}

/** In the order in which a packet is looked up; answers come after all the others. */
export const FORTH: readonly KeySpec[] = [
  { kind: "port", fields: ["meta l4proto", "th dport"], types: ["inet_proto", "inet_service"] },
  { kind: "protocol", fields: ["meta l4proto"], types: ["inet_proto"] },
  { kind: "pair", fields: [], types: [] },
];
export const BACK: readonly KeySpec[] = [
  { kind: "answer", fields: ["meta l4proto", "th sport"], types: ["inet_proto", "inet_service"] },
  { kind: "back", fields: ["meta l4proto"], types: ["inet_proto"] },
  { kind: "pairback", fields: [], types: [] },
];
export const FRAGMENT: KeySpec = {
  kind: "fragment",
  fields: ["meta l4proto"],
  types: ["inet_proto"],
};

export const KEYS: readonly KeySpec[] = [...FORTH, ...BACK, FRAGMENT];

export function header(family: Family): "ip" | "ip6" {
  return family === 4 ? "ip" : "ip6";
}

export function addressType(family: Family): string {
  return family === 4 ? "ipv4_addr" : "ipv6_addr";
}

export function familyOf(place: string): Family {
  return isV6(place) ? 6 : 4;
}

export function keyText({ fields }: KeySpec, family: Family): string {
  const ip = header(family);
  return [`${ip} saddr`, `${ip} daddr`, ...fields].join(" . ");
}

export function keyType({ types }: KeySpec, family: Family): string {
  const type = addressType(family);
  return [type, type, ...types].join(" . ");
}

export function elementText({ from, to, kind, protocol, port }: ExactMatch): string {
  const rest = kind === "pair" || kind === "pairback" ? [] : [protocol, port];
  return [from, to, ...rest.filter((part) => part !== undefined)].join(" . ");
}
