/**
 * UDP with many datagrams a system call, both ways (recvmmsg, sendmmsg), and without an object per
 * datagram. Through the optional package koffi, on 64-bit little-endian Linux: `loadUdpBatch` gives
 * undefined elsewhere, and callers fall back on node:dgram.
 *
 * What arrives lies in one inbox of the thread, until the next `receive` of any socket. What leaves is
 * copied into one outbox, and goes with `flush`, or earlier when the outbox is full or another socket
 * wants it. Structures are the kernel's:
 *   mmsghdr: 8 name | 4 name length, 4 pad | 8 iovec | 8 count | 8, 8 control | 4 flags, 4 pad | 4 length, 4 pad
 */
import { createRequire } from "node:module";
import { endianness } from "node:os";
import { getSystemErrorName } from "node:util";
import { readU16, writeU16 } from "./bytes.js";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;
const EINTR = 4;
const EAGAIN = 11;
const ECONNREFUSED = 111;

/** Datagrams a call. */
export const BATCH = 64;
/** Longer datagrams are cut to this. */
export const DATAGRAM_MAX = 8192;
const MMSGHDR = 64;
const IOVEC = 16;
const NAME = 32;
const SEND_ATTEMPTS = 3;

export interface UdpEndpoint {
  /** A literal address; IPv6 may have a zone. */
  readonly address: string;
  readonly port: number;
}

export interface UdpSocketOptions {
  /** What it binds to; port 0 = any. Undefined: whatever the kernel takes to reach `peer`. */
  readonly local: UdpEndpoint | undefined;
  /** The only one it talks with; undefined = everybody. */
  readonly peer: UdpEndpoint | undefined;
  /** Octets the kernel keeps of what was not read, and of what was not sent. */
  readonly bufferOctets: number;
}

export interface UdpBatch {
  readonly inbox: Inbox;
  /** Sends what is in the outbox, whose socket it ever is. */
  flush(): void;
  /** Throws an Error with the system's `code`. */
  open(options: UdpSocketOptions): BatchSocket;
}

/** Datagrams of the last `receive`, 0 to count - 1. */
export interface Inbox {
  readonly bytes: Uint8Array;
  /** Where a datagram begins in `bytes`. */
  offset(index: number): number;
  length(index: number): number;
  /** The source as a number (IPv4: address * 65536 + port); -1 = IPv6. */
  sourceKey(index: number): number;
  source(index: number): UdpEndpoint;
  /** Copies the source in the kernel's form, for `send`. */
  sourceName(index: number): Uint8Array;
}

export interface BatchSocket {
  /** Its own port. */
  readonly port: number;
  /** Datagrams the kernel would not take. */
  readonly lost: number;
  /** Calls `run` while something is there to read; outside of Node's callbacks: nothing but a note to self belongs there. */
  onReadable(run: () => void): void;
  /** @returns how many datagrams are in the inbox now; -1 when the other end refused an earlier one */
  receive(): number;
  /** Puts one into the outbox. @param to from `sourceName`; undefined on a socket with a peer */
  send(bytes: Uint8Array, to?: Uint8Array): void;
  flush(): void;
  close(): void;
}

/** koffi's part that is used here; its own types are absent where it is not installed. */
interface Koffi {
  load(path: null): { func(signature: string): unknown };
  errno(): number;
  address(value: Uint8Array): bigint;
  readonly node: {
    poll(fd: number, run: () => void): { close(): void };
  };
}

type Call = (...args: readonly (number | string | Uint8Array | null)[]) => number;

interface Libc {
  readonly socket: Call;
  readonly bind: Call;
  readonly connect: Call;
  readonly close: Call;
  readonly setsockopt: Call;
  readonly getsockname: Call;
  readonly receive: Call;
  readonly send: Call;
  readonly parse: Call;
  readonly print: Call;
  readonly interfaceIndex: Call;
}

let loaded: { readonly batch: UdpBatch | undefined } | undefined;

/** The batch of this thread; undefined where there is none to be had. */
export function loadUdpBatch(): UdpBatch | undefined {
  loaded ??= { batch: load() };
  return loaded.batch;
}

function load(): UdpBatch | undefined {
  const wide = ["x64", "arm64", "riscv64", "loong64"].includes(process.arch);
  if (process.platform !== "linux" || !wide || endianness() !== "LE") return undefined;
  try {
    const koffi = createRequire(import.meta.url)("koffi") as Koffi;
    const lib = koffi.load(null);
    const call = (signature: string) => lib.func(signature) as Call;
    const libc: Libc = {
      socket: call("int socket(int, int, int)"),
      bind: call("int bind(int, const void *, uint32_t)"),
      connect: call("int connect(int, const void *, uint32_t)"),
      close: call("int close(int)"),
      setsockopt: call("int setsockopt(int, int, int, const void *, uint32_t)"),
      getsockname: call("int getsockname(int, void *, void *)"),
      receive: call("int recvmmsg(int, void *, uint32_t, int, void *)"),
      send: call("int sendmmsg(int, void *, uint32_t, int)"),
      parse: call("int inet_pton(int, const char *, void *)"),
      print: call("const char *inet_ntop(int, const void *, void *, uint32_t)"),
      interfaceIndex: call("uint32_t if_nametoindex(const char *)"),
    };
    // Absent in an older koffi: then there is nothing to wait with.
    if (typeof koffi.node.poll !== "function") return undefined;
    return new LinuxBatch(koffi, libc);
  } catch {
    return undefined;
  }
}

/** Memory for one direction: headers, their iovecs and names, then the datagrams. */
class Ring {
  readonly memory: Uint8Array;
  private readonly view: DataView;
  private readonly data: number;

  constructor(koffi: Koffi) {
    this.data = BATCH * (MMSGHDR + IOVEC + NAME);
    // A buffer of its own: the kernel is told addresses in it, so that it may never move.
    this.memory = new Uint8Array(new ArrayBuffer(this.data + BATCH * DATAGRAM_MAX));
    this.view = new DataView(this.memory.buffer);
    const base = koffi.address(this.memory);
    for (let i = 0; i < BATCH; i++) {
      const iovec = BATCH * MMSGHDR + i * IOVEC;
      this.view.setBigUint64(i * MMSGHDR, base + BigInt(this.nameAt(i)), true);
      this.view.setBigUint64(i * MMSGHDR + 16, base + BigInt(iovec), true);
      this.view.setBigUint64(i * MMSGHDR + 24, 1n, true);
      this.view.setBigUint64(iovec, base + BigInt(this.dataAt(i)), true);
      this.view.setUint32(iovec + 8, DATAGRAM_MAX, true);
    }
  }

  nameAt(index: number): number {
    return BATCH * (MMSGHDR + IOVEC) + index * NAME;
  }

  dataAt(index: number): number {
    return this.data + index * DATAGRAM_MAX;
  }

  setNameLength(index: number, octets: number): void {
    this.view.setUint32(index * MMSGHDR + 8, octets, true);
  }

  setDataLength(index: number, octets: number): void {
    this.view.setUint32(BATCH * MMSGHDR + index * IOVEC + 8, octets, true);
  }

  received(index: number): number {
    return this.view.getUint32(index * MMSGHDR + 56, true);
  }

  /** The headers from one on, for the kernel. */
  headersFrom(index: number): Uint8Array {
    return index === 0 ? this.memory : this.memory.subarray(index * MMSGHDR);
  }
}

class LinuxBatch implements UdpBatch, Inbox {
  readonly koffi: Koffi;
  readonly libc: Libc;
  private readonly coming: Ring;
  private readonly leaving: Ring;
  /** Datagrams in the outbox, all of one socket. */
  private waiting = 0;
  private owner: LinuxSocket | undefined;

  constructor(koffi: Koffi, libc: Libc) {
    this.koffi = koffi;
    this.libc = libc;
    this.coming = new Ring(koffi);
    this.leaving = new Ring(koffi);
  }

  get inbox(): Inbox {
    return this;
  }

  get bytes(): Uint8Array {
    return this.coming.memory;
  }

  open(options: UdpSocketOptions): BatchSocket {
    return new LinuxSocket(this, options);
  }

  offset(index: number): number {
    return this.coming.dataAt(index);
  }

  length(index: number): number {
    return Math.min(this.coming.received(index), DATAGRAM_MAX);
  }

  sourceKey(index: number): number {
    const { memory } = this.coming;
    const at = this.coming.nameAt(index);
    if (memory[at] !== AF_INET) return -1;
    const high = readU16(memory, at + 4) * 65536 + readU16(memory, at + 6);
    return high * 65536 + readU16(memory, at + 2);
  }

  source(index: number): UdpEndpoint {
    const at = this.coming.nameAt(index);
    const name = this.coming.memory.subarray(at, at + NAME);
    const ipv6 = name[0] !== AF_INET;
    const port = readU16(name, 2);
    if (!ipv6) return { address: name.subarray(4, 8).join("."), port };
    const text = Buffer.alloc(64);
    this.libc.print(AF_INET6, name.subarray(8, 24), text, text.length);
    return { address: text.toString("latin1", 0, text.indexOf(0)), port };
  }

  sourceName(index: number): Uint8Array {
    const at = this.coming.nameAt(index);
    return this.coming.memory.slice(at, at + (this.coming.memory[at] === AF_INET ? 16 : 28));
  }

  receiveFrom(fd: number): number {
    for (;;) {
      // The kernel overwrites the room for names with what it used.
      for (let i = 0; i < BATCH; i++) this.coming.setNameLength(i, NAME);
      const count = this.libc.receive(fd, this.coming.memory, BATCH, 0, null);
      if (count >= 0) return count;
      const errno = this.koffi.errno();
      if (errno === EAGAIN) return 0;
      if (errno !== EINTR) return -1;
    }
  }

  put(socket: LinuxSocket, bytes: Uint8Array, to: Uint8Array | undefined): void {
    if (this.owner !== socket || this.waiting === BATCH) this.flush();
    this.owner = socket;
    const index = this.waiting++;
    const { memory } = this.leaving;
    const length = Math.min(bytes.length, DATAGRAM_MAX);
    memory.set(bytes, this.leaving.dataAt(index));
    this.leaving.setDataLength(index, length);
    this.leaving.setNameLength(index, to?.length ?? 0);
    if (to !== undefined) memory.set(to, this.leaving.nameAt(index));
  }

  flush(): void {
    const { owner, waiting } = this;
    this.waiting = 0;
    this.owner = undefined;
    if (owner === undefined || owner.fd < 0) return;
    let attempts = 0;
    for (let done = 0; done < waiting;) {
      const headers = this.leaving.headersFrom(done);
      const count = this.libc.send(owner.fd, headers, waiting - done, 0);
      if (count > 0) {
        done += count;
        attempts = 0;
        continue;
      }
      // The first of them was not taken: the kernel is short of memory, an earlier one was refused, or it has no way there.
      const errno = this.koffi.errno();
      if (errno === EINTR) continue;
      if (errno === ECONNREFUSED) owner.noteRefused();
      if (++attempts < SEND_ATTEMPTS) continue;
      owner.lost++;
      done++;
      attempts = 0;
    }
  }

  flushOf(socket: LinuxSocket): void {
    if (this.owner === socket) this.flush();
  }

  /** sockaddr_in or sockaddr_in6. */
  name({ address, port }: UdpEndpoint): Uint8Array {
    const [plain = "", zone] = address.split("%", 2);
    const ipv6 = plain.includes(":");
    const bytes = new Uint8Array(ipv6 ? 28 : 16);
    const octets = new Uint8Array(ipv6 ? 16 : 4);
    bytes[0] = ipv6 ? AF_INET6 : AF_INET;
    writeU16(bytes, 2, port);
    if (this.libc.parse(ipv6 ? AF_INET6 : AF_INET, plain, octets) !== 1)
      throw new Error(`${address} is no address`);
    bytes.set(octets, ipv6 ? 8 : 4);
    if (zone !== undefined) {
      const index = /^\d+$/.test(zone) ? Number(zone) : this.libc.interfaceIndex(zone);
      new DataView(bytes.buffer).setUint32(24, index, true);
    }
    return bytes;
  }

  check(call: string, where: UdpEndpoint, result: number): number {
    if (result >= 0) return result;
    const code = getSystemErrorName(-this.koffi.errno());
    const message = `${call} ${code} ${where.address}:${where.port}`;
    throw Object.assign(new Error(message), { code, syscall: call });
  }
}

class LinuxSocket implements BatchSocket {
  readonly port: number;
  lost = 0;
  fd: number;
  private readonly batch: LinuxBatch;
  private watch: { close(): void } | undefined;
  private wake: () => void = () => undefined;
  private refused = false;

  constructor(batch: LinuxBatch, { local, peer, bufferOctets }: UdpSocketOptions) {
    this.batch = batch;
    const { libc } = batch;
    const where = local ?? peer ?? { address: "0.0.0.0", port: 0 };
    const ipv6 = where.address.includes(":");
    const type = SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC;
    this.fd = batch.check("socket", where, libc.socket(ipv6 ? AF_INET6 : AF_INET, type, 0));
    try {
      const setInt = (level: number, name: number, value: number) => {
        const bytes = new Uint8Array(4);
        new DataView(bytes.buffer).setInt32(0, value, true);
        libc.setsockopt(this.fd, level, name, bytes, 4);
      };
      // Both are cut to the system's limit without a word.
      setInt(SOL_SOCKET, SO_RCVBUF, bufferOctets);
      setInt(SOL_SOCKET, SO_SNDBUF, bufferOctets);
      // One socket on :: hears IPv4 too, as with node:dgram.
      if (ipv6) setInt(IPPROTO_IPV6, IPV6_V6ONLY, 0);
      if (local !== undefined) {
        const name = batch.name(local);
        batch.check("bind", local, libc.bind(this.fd, name, name.length));
      }
      if (peer !== undefined) {
        const name = batch.name(peer);
        batch.check("connect", peer, libc.connect(this.fd, name, name.length));
      }
      const [own, size] = [new Uint8Array(28), Uint8Array.of(28, 0, 0, 0)];
      batch.check("getsockname", where, libc.getsockname(this.fd, own, size));
      this.port = readU16(own, 2);
    } catch (error) {
      libc.close(this.fd);
      throw error;
    }
  }

  onReadable(run: () => void): void {
    this.wake = run;
    this.watch = this.batch.koffi.node.poll(this.fd, run);
  }

  receive(): number {
    if (this.fd < 0) return 0;
    const count = this.refused ? -1 : this.batch.receiveFrom(this.fd);
    this.refused = false;
    if (count < 0) this.watchAnew();
    return count;
  }

  /** libuv stops to watch a socket that has reported an error. */
  private watchAnew(): void {
    this.watch?.close();
    this.watch = this.batch.koffi.node.poll(this.fd, this.wake);
  }

  /** The kernel tells it once only, and told it to a send. */
  noteRefused(): void {
    this.refused = true;
    this.wake();
  }

  send(bytes: Uint8Array, to?: Uint8Array): void {
    if (this.fd >= 0) this.batch.put(this, bytes, to);
  }

  flush(): void {
    this.batch.flushOf(this);
  }

  close(): void {
    if (this.fd < 0) return;
    this.flush();
    this.watch?.close();
    this.batch.libc.close(this.fd);
    this.fd = -1;
  }
}
