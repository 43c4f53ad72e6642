/**
 * The kernel's structures for TCP-AO (RFC 5925), as include/uapi/linux/tcp.h has them since Linux 6.7;
 * little-endian machines, where the first bit field is the lowest bit.
 *
 *   tcp_ao_add, 288: 128 address | 64 algorithm | 4 interface | 4 flags | 2 | 1 prefix | 1 SendID
 *                    1 RecvID | 1 MAC length | 1 key flags | 1 key length | 80 key
 *   tcp_ao_del, 144: 128 address | 4 interface | 4 flags | 2 | 1 prefix | 1 SendID | 1 RecvID
 *                    1 current key | 1 next key | 1 key flags
 *   tcp_ao_info_opt, 48: 4 flags | 2 | 1 current key | 1 next key | 5 counters of 8
 */
import type { AoAlgorithm, TcpAoKey } from "./tcp-ao-settings.js";

export const TCP_AO_ADD_KEY = 38;
export const TCP_AO_DEL_KEY = 39;
export const TCP_AO_INFO = 40;
export const AO_SECRET_MAX = 80;

const ADD_SIZE = 288;
const DEL_SIZE = 144;
const INFO_SIZE = 48;
/** Bits of the flags of all three. */
const SET_CURRENT = 1;
const SET_RNEXT = 2;
/** tcp_ao_del only: the listener's key goes when nobody uses it any more. */
const DEL_ASYNC = 4;
/** tcp_ao_add.keyflags: options other than TCP-AO are not covered. */
const EXCLUDE_OPTIONS = 2;

/** Names of the kernel's crypto API, and octets of the code (RFC 5926; 16 for SHA-256 as routers have it). */
const ALGORITHMS: Readonly<Record<AoAlgorithm, { name: string; macLength: number }>> = {
  "hmac-sha-1-96": { name: "hmac(sha1)", macLength: 12 },
  "aes-128-cmac-96": { name: "cmac(aes128)", macLength: 12 },
  "hmac-sha-256": { name: "hmac(sha256)", macLength: 16 },
};

/** Where a key holds: the peer's address, or a prefix of them. */
export interface AoPlace {
  /** `struct sockaddr_in` or `sockaddr_in6`, port 0. */
  readonly address: Uint8Array;
  /** Bits; the whole address for one peer. */
  readonly prefixLength: number;
}

export function packAoAdd(place: AoPlace, key: TcpAoKey, coverOptions: boolean): Buffer {
  const secret = Buffer.from(key.secret, "utf8");
  if (secret.length === 0 || secret.length > AO_SECRET_MAX) {
    throw new RangeError(`a TCP-AO key has 1 to ${AO_SECRET_MAX} octets`);
  }
  const { name, macLength } = ALGORITHMS[key.algorithm];
  const bytes = Buffer.alloc(ADD_SIZE);
  bytes.set(place.address, 0);
  bytes.write(name, 128, "ascii");
  bytes.writeUInt8(place.prefixLength, 202);
  bytes.writeUInt8(key.sendId, 203);
  bytes.writeUInt8(key.recvId, 204);
  bytes.writeUInt8(macLength, 205);
  bytes.writeUInt8(coverOptions ? 0 : EXCLUDE_OPTIONS, 206);
  bytes.writeUInt8(secret.length, 207);
  secret.copy(bytes, 208);
  secret.fill(0);
  return bytes;
}

/** @param next the key to use from now on, where the one that goes may be in use */
export function packAoDelete(
  place: AoPlace,
  key: TcpAoKey,
  next: TcpAoKey | undefined,
  listening: boolean,
): Buffer {
  const bytes = Buffer.alloc(DEL_SIZE);
  bytes.set(place.address, 0);
  const use = next === undefined || listening ? 0 : SET_CURRENT | SET_RNEXT;
  bytes.writeUInt32LE(use | (listening ? DEL_ASYNC : 0), 132);
  bytes.writeUInt8(place.prefixLength, 138);
  bytes.writeUInt8(key.sendId, 139);
  bytes.writeUInt8(key.recvId, 140);
  if (use !== 0 && next !== undefined) {
    bytes.writeUInt8(next.sendId, 141);
    bytes.writeUInt8(next.recvId, 142);
  }
  return bytes;
}

/** Sends with `key` from now on, and asks the peer to (RFC 5925 section 3.3, Current_key and RNext_key). */
export function packAoUse(key: TcpAoKey): Buffer {
  const bytes = Buffer.alloc(INFO_SIZE);
  bytes.writeUInt32LE(SET_CURRENT | SET_RNEXT, 0);
  bytes.writeUInt8(key.sendId, 6);
  bytes.writeUInt8(key.recvId, 7);
  return bytes;
}
