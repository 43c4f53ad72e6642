/**
 * Attributes of IKEv1 transforms (RFC 2408 section 3.3; values: RFC 2409 appendix A for phase 1, RFC 2407
 * section 4.5 for phase 2).
 *   1 basic bit | 15 type | 16 value              basic: the value itself
 *   0 basic bit | 15 type | 16 octets | octets …  variable: a number of any length
 * Lifetimes come in both forms; the unit is told by the life type in front.
 */
import { GROUPS, nameOf, type Names } from "./names.js";

export interface IkeAttribute {
  readonly name: string;
  readonly value: string;
}

export interface Attributes {
  readonly list: readonly IkeAttribute[];
  /** What could not be read, in words. */
  readonly problem: string | undefined;
}

interface Spec {
  readonly name: string;
  readonly values?: Names;
  /** The value is a lifetime in the unit told before. */
  readonly lifetime?: true;
  readonly unit?: string;
}

const LIFE_TYPES: Names = { 1: "seconds", 2: "kilobytes" };

const PHASE_1: Readonly<Record<number, Spec>> = {
  1: {
    name: "encryption",
    values: {
      1: "DES-CBC",
      2: "IDEA-CBC",
      3: "Blowfish-CBC",
      4: "RC5-CBC",
      5: "3DES-CBC",
      6: "CAST-CBC",
      7: "AES-CBC",
      8: "Camellia-CBC",
    },
  },
  2: {
    name: "hash",
    values: { 1: "MD5", 2: "SHA", 3: "Tiger", 4: "SHA2-256", 5: "SHA2-384", 6: "SHA2-512" },
  },
  3: {
    name: "authentication",
    values: {
      1: "pre-shared key",
      2: "DSS signatures",
      3: "RSA signatures",
      4: "RSA encryption",
      5: "revised RSA encryption",
      9: "ECDSA-256",
      10: "ECDSA-384",
      11: "ECDSA-521",
      65001: "XAUTH, initiator, pre-shared key",
      65005: "XAUTH, initiator, RSA",
    },
  },
  4: { name: "group", values: GROUPS },
  11: { name: "life type", values: LIFE_TYPES },
  12: { name: "life duration", lifetime: true },
  14: { name: "key length", unit: "bits" },
};

const PHASE_2: Readonly<Record<number, Spec>> = {
  1: { name: "life type", values: LIFE_TYPES },
  2: { name: "life duration", lifetime: true },
  3: { name: "group", values: GROUPS },
  4: {
    name: "encapsulation",
    values: { 1: "tunnel", 2: "transport", 3: "UDP tunnel", 4: "UDP transport" },
  },
  5: {
    name: "integrity",
    values: {
      1: "HMAC-MD5",
      2: "HMAC-SHA",
      3: "DES-MAC",
      4: "KPDK",
      5: "HMAC-SHA2-256",
      6: "HMAC-SHA2-384",
      7: "HMAC-SHA2-512",
      9: "AES-XCBC-MAC",
    },
  },
  6: { name: "key length", unit: "bits" },
  11: { name: "sequence numbers", values: { 1: "64 bits" } },
};

export const LIFE_UNITS: Names = { 1: "s", 2: "kB" };

/** Attributes in `bytes[at, end)`. */
export function decodeAttributes(
  bytes: Uint8Array,
  at: number,
  end: number,
  phase: 1 | 2,
): Attributes {
  const specs = phase === 1 ? PHASE_1 : PHASE_2;
  const lifeType = phase === 1 ? 11 : 1;
  const list: IkeAttribute[] = [];
  let unit = "s";
  while (at < end) {
    if (at + 4 > end) return { list, problem: "an attribute is cut off" };
    const word = (bytes[at]! << 8) | bytes[at + 1]!;
    const basic = (word & 0x8000) !== 0;
    const type = word & 0x7fff;
    const short = (bytes[at + 2]! << 8) | bytes[at + 3]!;
    at += 4;
    let value = BigInt(short);
    let octets = 2;
    if (!basic) {
      if (at + short > end) return { list, problem: "an attribute is longer than its transform" };
      value = numberIn(bytes, at, at + short);
      octets = short;
      at += short;
    }
    if (type === lifeType) unit = LIFE_UNITS[Number(value)] ?? "";
    list.push(shown(specs[type], type, value, octets, basic, unit));
  }
  return { list, problem: undefined };
}

/** A number of any length, most significant octet first; beyond 16 octets the last 16 count. */
export function numberIn(bytes: Uint8Array, at: number, end: number): bigint {
  let value = 0n;
  for (let i = Math.max(at, end - 16); i < end; i++) value = (value << 8n) | BigInt(bytes[i]!);
  return value;
}

function shown(
  spec: Spec | undefined,
  type: number,
  value: bigint,
  octets: number,
  basic: boolean,
  unit: string,
): IkeAttribute {
  if (spec === undefined) return { name: `attribute ${type}`, value: value.toString() };
  if (spec.lifetime === true)
    return { name: spec.name, value: lifetimeText(value, octets, basic, unit) };
  if (spec.values !== undefined)
    return { name: spec.name, value: nameOf(spec.values, Number(value)) };
  return { name: spec.name, value: `${value}${spec.unit === undefined ? "" : ` ${spec.unit}`}` };
}

/** `28800 s`; of the variable form also the octets: `86400 s (0x00015180)`. */
export function lifetimeText(value: bigint, octets: number, basic: boolean, unit: string): string {
  const number = `${value}${unit === "" ? "" : ` ${unit}`}`;
  if (basic) return number;
  return `${number} (0x${value.toString(16).padStart(2 * Math.min(16, octets), "0")})`;
}
