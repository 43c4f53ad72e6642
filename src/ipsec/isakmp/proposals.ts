/**
 * Security association payloads: proposals and their transforms, IKEv1 (RFC 2408 section 3.4 to 3.6, RFC 2407
 * section 4.6.1) and IKEv2 (RFC 7296 section 3.3).
 *   v1: 4 DOI | 4 situation | proposals        v2: proposals
 *   proposal:  1 next | 1 reserved | 2 length | 1 number | 1 protocol | 1 SPI octets | 1 transforms | SPI | …
 *   transform: 1 next | 1 reserved | 2 length | v1: 1 number, 1 id, 2 reserved | v2: 1 type, 1 reserved, 2 id | …
 */
import { decodeAttributes, type IkeAttribute } from "./attributes.js";
import { GROUPS, nameOf, PROTOCOLS, type Names } from "./names.js";

export interface IkeTransform {
  /** v1: its number. v2: its place in the proposal, from 1 on. */
  readonly number: number;
  /** `KEY_IKE`, `ESP 3DES`, `encryption AES_CBC 256`. */
  readonly name: string;
  readonly attributes: readonly IkeAttribute[];
}

export interface IkeProposal {
  readonly number: number;
  readonly protocol: string;
  /** Hex; empty for none. */
  readonly spi: string;
  readonly transforms: readonly IkeTransform[];
}

export interface Proposals {
  readonly list: readonly IkeProposal[];
  readonly problem: string | undefined;
}

/** Of a peer's message more are not looked at. */
const MOST = 64;

const ESP_V1: Names = {
  1: "DES-IV64",
  2: "DES",
  3: "3DES",
  4: "RC5",
  5: "IDEA",
  6: "CAST",
  7: "Blowfish",
  11: "NULL",
  12: "AES-CBC",
  13: "AES-CTR",
  18: "AES-GCM-8",
  19: "AES-GCM-12",
  20: "AES-GCM-16",
};
const AH_V1: Names = { 2: "MD5", 3: "SHA", 5: "SHA2-256", 6: "SHA2-384", 7: "SHA2-512" };

const TYPES_V2: Names = {
  1: "encryption",
  2: "PRF",
  3: "integrity",
  4: "key exchange",
  5: "sequence numbers",
  6: "additional key exchange 1",
  7: "additional key exchange 2",
  8: "additional key exchange 3",
  9: "additional key exchange 4",
  10: "additional key exchange 5",
  11: "additional key exchange 6",
  12: "additional key exchange 7",
};
const VALUES_V2: Readonly<Record<number, Names>> = {
  1: {
    2: "DES",
    3: "3DES",
    11: "NULL",
    12: "AES_CBC",
    13: "AES_CTR",
    14: "AES_CCM_8",
    15: "AES_CCM_12",
    16: "AES_CCM_16",
    18: "AES_GCM_8",
    19: "AES_GCM_12",
    20: "AES_GCM_16",
    23: "CAMELLIA_CBC",
    28: "CHACHA20_POLY1305",
  },
  2: {
    1: "HMAC_MD5",
    2: "HMAC_SHA1",
    4: "AES128_XCBC",
    5: "HMAC_SHA2_256",
    6: "HMAC_SHA2_384",
    7: "HMAC_SHA2_512",
    8: "AES128_CMAC",
  },
  3: {
    0: "none",
    1: "HMAC_MD5_96",
    2: "HMAC_SHA1_96",
    5: "AES_XCBC_96",
    8: "AES_CMAC_96",
    12: "HMAC_SHA2_256_128",
    13: "HMAC_SHA2_384_192",
    14: "HMAC_SHA2_512_256",
  },
  4: GROUPS,
  5: { 0: "32 bits", 1: "64 bits" },
};

/** Proposals in `bytes[at, end)`, without DOI and situation. */
export function decodeProposals(
  bytes: Uint8Array,
  at: number,
  end: number,
  version: 1 | 2,
): Proposals {
  const list: IkeProposal[] = [];
  while (at < end) {
    const length = at + 8 > end ? 0 : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < 8 || at + length > end) return { list, problem: "a proposal is cut off" };
    const stop = at + length;
    const protocol = bytes[at + 5]!;
    const spiOctets = bytes[at + 6]!;
    const from = at + 8 + spiOctets;
    if (from > stop) return { list, problem: "an SPI is longer than its proposal" };
    const { transforms, problem } = decodeTransforms(bytes, from, stop, version, protocol);
    list.push({
      number: bytes[at + 4]!,
      protocol: nameOf(PROTOCOLS, protocol),
      spi: hex(bytes, at + 8, from),
      transforms,
    });
    if (problem !== undefined) return { list, problem };
    if (list.length === MOST) return { list, problem: `more than ${MOST} proposals` };
    at = stop;
  }
  return { list, problem: undefined };
}

function decodeTransforms(
  bytes: Uint8Array,
  at: number,
  end: number,
  version: 1 | 2,
  protocol: number,
): { transforms: IkeTransform[]; problem: string | undefined } {
  const transforms: IkeTransform[] = [];
  while (at < end) {
    const length = at + 8 > end ? 0 : (bytes[at + 2]! << 8) | bytes[at + 3]!;
    if (length < 8 || at + length > end) return { transforms, problem: "a transform is cut off" };
    const stop = at + length;
    const phase = version === 1 && protocol === 1 ? 1 : 2;
    const { list, problem } =
      version === 1 ? decodeAttributes(bytes, at + 8, stop, phase) : keyLength(bytes, at + 8, stop);
    transforms.push({
      number: version === 1 ? bytes[at + 4]! : transforms.length + 1,
      name: version === 1 ? nameV1(protocol, bytes[at + 5]!) : nameV2(bytes, at, list),
      attributes: list,
    });
    if (problem !== undefined) return { transforms, problem };
    if (transforms.length === MOST) return { transforms, problem: `more than ${MOST} transforms` };
    at = stop;
  }
  return { transforms, problem: undefined };
}

function nameV1(protocol: number, id: number): string {
  if (protocol === 1) return id === 1 ? "KEY_IKE" : nameOf({}, id);
  if (protocol === 2) return `AH ${nameOf(AH_V1, id)}`;
  if (protocol === 3) return `ESP ${nameOf(ESP_V1, id)}`;
  return nameOf({}, id);
}

function nameV2(bytes: Uint8Array, at: number, attributes: readonly IkeAttribute[]): string {
  const type = bytes[at + 4]!;
  const id = (bytes[at + 6]! << 8) | bytes[at + 7]!;
  const values = type > 5 ? GROUPS : (VALUES_V2[type] ?? {});
  const bits = attributes.find(({ name }) => name === "key length")?.value;
  return `${nameOf(TYPES_V2, type)} ${nameOf(values, id)}${bits === undefined ? "" : ` ${bits}`}`;
}

/** IKEv2 has one attribute: key length, type 14, in the basic form. */
function keyLength(
  bytes: Uint8Array,
  at: number,
  end: number,
): { list: IkeAttribute[]; problem: string | undefined } {
  if (at === end) return { list: [], problem: undefined };
  if (end - at < 4) return { list: [], problem: "an attribute is cut off" };
  const type = ((bytes[at]! << 8) | bytes[at + 1]!) & 0x7fff;
  const value = (bytes[at + 2]! << 8) | bytes[at + 3]!;
  const name = type === 14 ? "key length" : `attribute ${type}`;
  return { list: [{ name, value: String(value) }], problem: undefined };
}

export function hex(bytes: Uint8Array, at: number, end: number): string {
  let text = "";
  for (let i = at; i < end; i++) text += bytes[i]!.toString(16).padStart(2, "0");
  return text;
}
