/** Four octets that give any CRC32 to any text: the register is run backwards. (Polynomial of IEEE 802.3.) */
import { crc32 } from "node:zlib";

const POLYNOMIAL = 0xedb88320;
const TABLE = Uint32Array.from({ length: 256 }, (_, octet) => {
  let value = octet;
  for (let bit = 0; bit < 8; bit++)
    value = (value & 1) === 1 ? (value >>> 1) ^ POLYNOMIAL : value >>> 1;
  return value >>> 0;
});
/** Which entry has these top eight bits. */
const BY_TOP = new Map(Array.from(TABLE, (value, octet) => [value >>> 24, octet]));

/** `octets` with four more behind, which have this CRC32. */
export function withCrc32(octets: Uint8Array, wanted: number): Uint8Array {
  const register = ~crc32(octets) >>> 0;
  let back = ~wanted >>> 0;
  for (let step = 0; step < 4; step++) {
    const octet = BY_TOP.get(back >>> 24) ?? 0;
    back = (((back ^ (TABLE[octet] ?? 0)) << 8) | octet) >>> 0;
  }
  const patch = Buffer.alloc(4);
  patch.writeUInt32LE((back ^ register) >>> 0);
  return new Uint8Array(Buffer.concat([octets, patch]));
}
