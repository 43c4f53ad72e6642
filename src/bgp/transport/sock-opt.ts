/**
 * The socket options Node.js has no API for, through koffi (an optional dependency, loaded when
 * first needed): TCP MD5 signatures (RFC 2385), TCP-AO (RFC 5925), TTL security (RFC 5082), DSCP, user timeout.
 * Linux only: the constants and the layout of `struct tcp_md5sig` are the kernel's.
 *
 * Without koffi everything else works, and whoever needs one of these is refused: a session is never
 * silently less protected than configured.
 */
import { createRequire } from "node:module";
import { isIPv6 } from "node:net";
import { networkInterfaces } from "node:os";
import { tcpAoGap } from "../../util/tcp-ao-probe.js";
import { parseSocketAddress } from "./socket-address.js";
import {
  packAoAdd,
  packAoDelete,
  packAoUse,
  TCP_AO_ADD_KEY,
  TCP_AO_DEL_KEY,
  TCP_AO_INFO,
  type AoPlace,
} from "./tcp-ao.js";
import type { TcpAoKey } from "./tcp-ao-settings.js";

export const IPPROTO_IP = 0;
export const IPPROTO_TCP = 6;
export const IPPROTO_IPV6 = 41;
export const SOL_SOCKET = 1;

const SO_REUSEADDR = 2;
export const SO_RCVBUF = 8;
export const IP_TOS = 1;
export const IP_TTL = 2;
export const IP_MINTTL = 21;
export const IPV6_UNICAST_HOPS = 16;
const IPV6_V6ONLY = 26;
export const IPV6_TCLASS = 67;
export const IPV6_MINHOPCOUNT = 73;
export const TCP_USER_TIMEOUT = 18;
const TCP_INFO = 11;
/** Offset of tcpi_bytes_acked in struct tcp_info (Linux 4.1 and later). */
const TCP_INFO_BYTES_ACKED = 120;
/** A listener keeps the headers of the SYN; the accepted socket gives them once. */
export const TCP_SAVE_SYN = 27;
export const TCP_SAVED_SYN = 28;
const TCP_MD5SIG = 14;
const TCP_MD5SIG_EXT = 32;
const TCP_MD5SIG_FLAG_PREFIX = 1;

const ENOENT = 2;
const EEXIST = 17;
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;

/** Longest key the kernel takes, octets. */
export const MD5_KEY_MAX = 80;

/** A key for one address, or for every address of a prefix; the longest match wins. */
export interface Md5Key {
  readonly address: string;
  /** Undefined: the whole address. */
  readonly prefixLength: number | undefined;
  readonly key: string;
}

/** Everything throws `SocketError` with the system's error code. */
export interface SockOpt {
  /** A non-blocking TCP socket; IPv6 ones carry no IPv4. */
  open(ipv6: boolean): number;
  bind(fd: number, address: string, port: number): void;
  listen(fd: number, backlog: number): void;
  close(fd: number): void;
  setInt(fd: number, level: number, name: number, value: number): void;
  getInt(fd: number, level: number, name: number): number;
  /** Octets of an option, at most `size`. */
  getBytes(fd: number, level: number, name: number, size: number): Uint8Array;
  /** Octets of this connection that the other end has acknowledged. */
  bytesAcked(fd: number): number;
  /** Adds or changes a key; an empty key removes it. */
  setMd5(fd: number, key: Md5Key): void;
  /** Why TCP-AO cannot be had here; undefined where it can. */
  aoGap(): string | undefined;
  /** Adds a TCP-AO key; one that is there already is no failure. */
  addAoKey(fd: number, place: AoSocketPlace, key: TcpAoKey, coverOptions: boolean): void;
  /** Takes a key away; `next` is in use from then on. One that is not there is no failure. */
  deleteAoKey(
    fd: number,
    place: AoSocketPlace,
    key: TcpAoKey,
    next: TcpAoKey | undefined,
    listening: boolean,
  ): void;
  /** Sends with the key from now on, and asks the peer to. */
  useAoKey(fd: number, key: TcpAoKey): void;
}

/** Whom a TCP-AO key is for: an address, or every address of a prefix. */
export interface AoSocketPlace {
  readonly address: string;
  /** Undefined: the whole address. */
  readonly prefixLength: number | undefined;
}

export class SocketError extends Error {
  readonly errno: number;
  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`);
    this.errno = errno;
  }
}

export type SockOptResult =
  | { readonly available: true; readonly sockOpt: SockOpt }
  | { readonly available: false; readonly detail: string };

let loaded: SockOptResult | undefined;

/** Loads koffi once. `detail` says why the options are not to be had, and what to do. */
export function loadSockOpt(): SockOptResult {
  loaded ??= load();
  return loaded;
}

function load(): SockOptResult {
  if (process.platform !== "linux") {
    return {
      available: false,
      detail: `TCP MD5 and TTL security need Linux, this is ${process.platform}`,
    };
  }
  try {
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    return { available: true, sockOpt: makeSockOpt(koffi) };
  } catch (error) {
    const why = error instanceof Error ? error.message.split("\n")[0] : String(error);
    return {
      available: false,
      detail: `TCP MD5 and TTL security need the optional package koffi, which does not load (${why}): run npm install without --omit=optional`,
    };
  }
}

/** The part of koffi used here; its own types are absent where it is not installed. */
interface Koffi {
  load(path: null): { func(signature: string): unknown };
  errno(): number;
}

type Call = (...args: readonly (number | Uint8Array)[]) => number;

function makeSockOpt(koffi: Koffi): SockOpt {
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int, int, int)") as Call;
  const bind = libc.func("int bind(int, const void *, uint32_t)") as Call;
  const listen = libc.func("int listen(int, int)") as Call;
  const close = libc.func("int close(int)") as Call;
  const setsockopt = libc.func("int setsockopt(int, int, int, const void *, uint32_t)") as Call;
  const getsockopt = libc.func("int getsockopt(int, int, int, void *, void *)") as Call;

  const check = (call: string, result: number): number => {
    if (result < 0) throw new SocketError(call, koffi.errno());
    return result;
  };
  const setInt = (fd: number, level: number, name: number, value: number): void => {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    check("setsockopt", setsockopt(fd, level, name, bytes, 4));
  };
  /** @param fine an errno that is no failure */
  const ao = (fd: number, option: number, bytes: Buffer, fine: number): void => {
    const result = setsockopt(fd, IPPROTO_TCP, option, bytes, bytes.length);
    bytes.fill(0);
    const errno = result < 0 ? koffi.errno() : 0;
    if (errno !== 0 && errno !== fine) throw new SocketError("TCP-AO key", errno);
  };
  return {
    open(ipv6) {
      const type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
      const fd = check("socket", socket(ipv6 ? AF_INET6 : AF_INET, type, 0));
      setInt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
      if (ipv6) setInt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
      return fd;
    },
    bind(fd, address, port) {
      const bytes = sockaddr(address, port);
      check(`bind ${address} port ${port}`, bind(fd, bytes, isIPv6(address) ? 28 : 16));
    },
    listen(fd, backlog) {
      check("listen", listen(fd, backlog));
    },
    close(fd) {
      close(fd);
    },
    setInt,
    bytesAcked(fd) {
      const info = Buffer.alloc(TCP_INFO_BYTES_ACKED + 8);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(info.length);
      check("getsockopt", getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, length));
      return Number(info.readBigUInt64LE(TCP_INFO_BYTES_ACKED));
    },
    getInt(fd, level, name) {
      const value = Buffer.alloc(4);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(4);
      check("getsockopt", getsockopt(fd, level, name, value, length));
      return value.readInt32LE();
    },
    getBytes(fd, level, name, size) {
      const value = Buffer.alloc(size);
      const length = Buffer.alloc(4);
      length.writeUInt32LE(size);
      check("getsockopt", getsockopt(fd, level, name, value, length));
      return value.subarray(0, length.readUInt32LE());
    },
    setMd5(fd, key) {
      const bytes = md5sig(key);
      const option = key.prefixLength === undefined ? TCP_MD5SIG : TCP_MD5SIG_EXT;
      const result = setsockopt(fd, IPPROTO_TCP, option, bytes, bytes.length);
      bytes.fill(0);
      const errno = result < 0 ? koffi.errno() : 0;
      // Taking away a key that is not there is no failure.
      if (errno !== 0 && !(key.key === "" && errno === 2))
        throw new SocketError("TCP MD5 key", errno);
    },
    aoGap: tcpAoGap,
    addAoKey(fd, place, key, coverOptions) {
      ao(fd, TCP_AO_ADD_KEY, packAoAdd(packedPlace(place), key, coverOptions), EEXIST);
    },
    deleteAoKey(fd, place, key, next, listening) {
      ao(fd, TCP_AO_DEL_KEY, packAoDelete(packedPlace(place), key, next, listening), ENOENT);
    },
    useAoKey(fd, key) {
      ao(fd, TCP_AO_INFO, packAoUse(key), 0);
    },
  };
}

function packedPlace({ address, prefixLength }: AoSocketPlace): AoPlace {
  const bytes = sockaddr(address, 0);
  return { address: bytes, prefixLength: prefixLength ?? (bytes.length === 28 ? 128 : 32) };
}

/**
 * struct tcp_md5sig, 216 octets:
 *   128 sockaddr_storage | 1 flags | 1 prefix length | 2 key length | 4 interface | 80 key
 */
function md5sig({ address, prefixLength, key }: Md5Key): Buffer {
  const secret = Buffer.from(key, "utf8");
  if (secret.length > MD5_KEY_MAX) throw new RangeError("TCP MD5 key is longer than 80 octets");
  const bytes = Buffer.alloc(216);
  sockaddr(address, 0).copy(bytes, 0);
  if (prefixLength !== undefined) {
    bytes.writeUInt8(TCP_MD5SIG_FLAG_PREFIX, 128);
    bytes.writeUInt8(prefixLength, 129);
  }
  bytes.writeUInt16LE(secret.length, 130);
  secret.copy(bytes, 136);
  secret.fill(0);
  return bytes;
}

/** struct sockaddr_in (16 octets) or sockaddr_in6 (28): the family in host order, the port in network order. */
function sockaddr(text: string, port: number): Buffer {
  const { bytes: address, zone } = parseSocketAddress(text);
  const ipv6 = address.length === 16;
  const bytes = Buffer.alloc(ipv6 ? 28 : 16);
  bytes.writeUInt16LE(ipv6 ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(address, ipv6 ? 8 : 4);
  if (ipv6 && zone !== "") bytes.writeUInt32LE(scopeOf(zone), 24);
  return bytes;
}

function scopeOf(zone: string): number {
  if (/^\d+$/.test(zone)) return Number(zone);
  for (const entry of networkInterfaces()[zone] ?? []) {
    if (entry.family === "IPv6") return entry.scopeid;
  }
  throw new Error(`no interface named ${zone}`);
}

const ERRNO: Readonly<Record<number, string>> = {
  1: "EPERM (not permitted)",
  2: "ENOENT (no such key)",
  12: "ENOMEM (too many MD5 keys: raise net.core.optmem_max, or use prefixes)",
  13: "EACCES (permission denied: ports below 1024 need root or CAP_NET_BIND_SERVICE)",
  22: "EINVAL (invalid argument)",
  24: "EMFILE (too many open files: raise the limit with ulimit -n)",
  92: "ENOPROTOOPT (the kernel does not have this option)",
  97: "EAFNOSUPPORT (address family not supported)",
  98: "EADDRINUSE (address in use: another BGP daemon on this port?)",
  99: "EADDRNOTAVAIL (the address is not on this machine)",
};

function errnoName(errno: number): string {
  return ERRNO[errno] ?? `errno ${errno}`;
}
