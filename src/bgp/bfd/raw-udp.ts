/**
 * What Node.js's dgram cannot do: a UDP socket that the kernel itself keeps free of packets which came
 * over a router (GTSM, RFC 5881 section 5: TTL or hop limit 255). Linux has IP_MINTTL for TCP only,
 * so a three-instruction socket filter looks at the octet in the IP header. Through the optional
 * package koffi; without it the sockets are plain and TTL goes unchecked.
 */
import { createRequire } from "node:module";
import { parseSocketAddress } from "../transport/index.js";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_ATTACH_FILTER = 26;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/** Offsets from here on count from the IP header (SKF_NET_OFF). */
const NETWORK_HEADER = -0x100000;
const TTL_OFFSET = 8;
const HOP_LIMIT_OFFSET = 7;
const LOAD_OCTET = 0x30;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const WHOLE_PACKET = 0x40000;

export interface RawUdp {
  /** A bound, non-blocking socket that receives nothing below `minTtl`. Throws Error with the call that failed. */
  open(address: string, port: number, minTtl: number): number;
}

interface Koffi {
  load(path: null): { func(signature: string): unknown };
  errno(): number;
  address(value: Uint8Array): bigint;
}

type Call = (...args: readonly (number | Uint8Array)[]) => number;

/** Undefined where koffi or Linux is missing. */
export function loadRawUdp(): RawUdp | undefined {
  if (process.platform !== "linux") return undefined;
  try {
    return makeRawUdp(createRequire(import.meta.url)("koffi") as Koffi);
  } catch {
    return undefined;
  }
}

function makeRawUdp(koffi: Koffi): RawUdp {
  const libc = koffi.load(null);
  const socket = libc.func("int socket(int, int, int)") as Call;
  const bind = libc.func("int bind(int, const void *, uint32_t)") as Call;
  const close = libc.func("int close(int)") as Call;
  const setsockopt = libc.func("int setsockopt(int, int, int, const void *, uint32_t)") as Call;

  const check = (call: string, result: number): number => {
    if (result < 0) throw new Error(`${call}: errno ${koffi.errno()}`);
    return result;
  };
  const setOption = (fd: number, level: number, name: number, value: Uint8Array): void => {
    check(`setsockopt ${name}`, setsockopt(fd, level, name, value, value.length));
  };
  return {
    open(address, port, minTtl) {
      const ipv6 = address.includes(":");
      const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
      const fd = check("socket", socket(ipv6 ? AF_INET6 : AF_INET, type, 0));
      try {
        if (ipv6) setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, int(1));
        const program = ttlFilter(ipv6, minTtl);
        setOption(fd, SOL_SOCKET, SO_ATTACH_FILTER, filterArgument(program, koffi));
        const name = sockaddr(address, port, ipv6);
        check(`bind ${address} port ${port}`, bind(fd, name, name.length));
        return fd;
      } catch (error) {
        close(fd);
        throw error;
      }
    },
  };
}

/** struct sock_filter, 8 octets each: code, jump if true, jump if false, operand. */
function ttlFilter(ipv6: boolean, minTtl: number): Buffer {
  const offset = NETWORK_HEADER + (ipv6 ? HOP_LIMIT_OFFSET : TTL_OFFSET);
  return Buffer.concat([
    instruction(LOAD_OCTET, 0, 0, offset >>> 0),
    instruction(JUMP_IF_AT_LEAST, 0, 1, minTtl),
    instruction(RETURN, 0, 0, WHOLE_PACKET),
    instruction(RETURN, 0, 0, 0),
  ]);
}

function instruction(code: number, onTrue: number, onFalse: number, operand: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeUInt16LE(code, 0);
  bytes.writeUInt8(onTrue, 2);
  bytes.writeUInt8(onFalse, 3);
  bytes.writeUInt32LE(operand, 4);
  return bytes;
}

/** struct sock_fprog: 2 count of instructions | 6 padding | 8 address of the first. */
function filterArgument(program: Buffer, koffi: Koffi): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt16LE(program.length / 8, 0);
  bytes.writeBigUInt64LE(BigInt(koffi.address(program)), 8);
  return bytes;
}

function int(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function sockaddr(address: string, port: number, ipv6: boolean): Buffer {
  const bytes = Buffer.alloc(ipv6 ? 28 : 16);
  bytes.writeUInt16LE(ipv6 ? AF_INET6 : AF_INET, 0);
  bytes.writeUInt16BE(port, 2);
  bytes.set(parseSocketAddress(address).bytes, ipv6 ? 8 : 4);
  return bytes;
}
