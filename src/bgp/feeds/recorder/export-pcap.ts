/**
 * A recording as a pcap file: each session as a TCP connection made up around its messages, with the
 * session's own addresses, ports and times. Linux cooked packets (LINKTYPE_LINUX_SLL), as these say
 * which of them evpnd sent: whoever plays the file again needs to know.
 *
 *   file    4 magic | 2 major | 2 minor | 8 zero | 4 longest packet | 4 link type
 *   packet  4 seconds | 4 microseconds | 4 octets here | 4 octets on the wire
 *   cooked  2 direction (0 to us, 4 from us) | 2 hardware | 2 address length | 8 address | 2 EtherType
 */
import { parseIp } from "../../../fast-bgp-codec/values/ip.js";
import { readU16, writeU16, writeU32 } from "../../../util/bytes.js";
import type { RecordedSession, Recording } from "./recording.js";
import { timeline } from "./timeline.js";

const MAGIC = 0xa1b2c3d4;
const LINUX_SLL = 113;
const COOKED = 16;
/** Most payload of a made-up segment. */
const SEGMENT = 16 * 1024;

const FIN = 0x01;
const SYN = 0x02;
const PSH = 0x08;
const ACK = 0x10;

interface Endpoint {
  readonly address: Uint8Array;
  readonly port: number;
  /** Of the next octet it sends. */
  sequence: number;
}

interface Flow {
  readonly local: Endpoint;
  readonly remote: Endpoint;
}

export function exportPcap(recordings: readonly Recording[], from: number): Uint8Array {
  const parts: Uint8Array[] = [fileHeader()];
  const flows = new Map<RecordedSession, Flow>();
  for (const item of timeline(recordings, from)) {
    const { session, time } = item;
    const flow = flows.get(session);
    if (item.kind === "begin") {
      const begun = newFlow(session);
      flows.set(session, begun);
      const [first, second] = inOrder(begun, session);
      parts.push(packet(begun, first, time, SYN), packet(begun, second, time, SYN | ACK));
      parts.push(packet(begun, first, time, ACK));
    } else if (flow === undefined || item.kind === "state") {
      continue;
    } else if (item.kind === "end") {
      const { local, remote } = flow;
      parts.push(packet(flow, local, time, FIN | ACK), packet(flow, remote, time, FIN | ACK));
      parts.push(packet(flow, local, time, ACK));
    } else {
      const sender = item.kind === "sent" ? flow.local : flow.remote;
      for (let at = 0; at < item.bytes.length; at += SEGMENT) {
        parts.push(packet(flow, sender, time, PSH | ACK, item.bytes.subarray(at, at + SEGMENT)));
      }
    }
  }
  return Buffer.concat(parts);
}

function fileHeader(): Uint8Array {
  const bytes = new Uint8Array(24);
  writeU32(bytes, 0, MAGIC);
  writeU16(bytes, 4, 2);
  writeU16(bytes, 6, 4);
  writeU32(bytes, 16, 262144);
  writeU32(bytes, 20, LINUX_SLL);
  return bytes;
}

function newFlow({ source, number }: RecordedSession): Flow {
  const { localAddress, localPort, remotePort } = source.connection;
  const local = octetsOf(localAddress);
  const remote = octetsOf(source.peerAddress);
  const sequence = 1000 * number;
  return {
    local: { address: local, port: localPort, sequence },
    remote: { address: remote, port: remotePort, sequence },
  };
}

function octetsOf(address: string): Uint8Array {
  return parseIp(address.split("%")[0] ?? "") ?? new Uint8Array(4);
}

/** Who connected, and the other one. */
function inOrder(flow: Flow, { source }: RecordedSession): readonly [Endpoint, Endpoint] {
  const { local, remote } = flow;
  return source.connection.initiator === "local" ? [local, remote] : [remote, local];
}

function packet(
  flow: Flow,
  sender: Endpoint,
  time: number,
  flags: number,
  payload: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const receiver = sender === flow.local ? flow.remote : flow.local;
  const ipv6 = sender.address.length === 16;
  const ipHeader = ipv6 ? 40 : 20;
  const length = COOKED + ipHeader + 20 + payload.length;
  const bytes = new Uint8Array(16 + length);
  const seconds = Math.floor(time / 1000);
  writeU32(bytes, 0, seconds);
  writeU32(bytes, 4, Math.floor((time - seconds * 1000) * 1000));
  writeU32(bytes, 8, length);
  writeU32(bytes, 12, length);
  cooked(bytes, 16, sender === flow.local, ipv6);
  const ip = 16 + COOKED;
  const tcp = ip + ipHeader;
  writeTcp(bytes, tcp, sender, receiver, flags);
  bytes.set(payload, tcp + 20);
  if (ipv6) writeIpv6(bytes, ip, sender, receiver, 20 + payload.length);
  else writeIpv4(bytes, ip, sender, receiver, 40 + payload.length);
  writeU16(bytes, tcp + 16, tcpChecksum(bytes, tcp, sender, receiver));
  sender.sequence =
    (sender.sequence + payload.length + ((flags & (SYN | FIN)) !== 0 ? 1 : 0)) >>> 0;
  return bytes;
}

function cooked(bytes: Uint8Array, at: number, outgoing: boolean, ipv6: boolean): void {
  writeU16(bytes, at, outgoing ? 4 : 0);
  writeU16(bytes, at + 2, 1);
  writeU16(bytes, at + 4, 6);
  writeU16(bytes, at + 14, ipv6 ? 0x86dd : 0x0800);
}

function writeIpv4(
  bytes: Uint8Array,
  at: number,
  from: Endpoint,
  to: Endpoint,
  length: number,
): void {
  bytes[at] = 0x45;
  writeU16(bytes, at + 2, length);
  bytes[at + 8] = 64;
  bytes[at + 9] = 6;
  bytes.set(from.address.subarray(0, 4), at + 12);
  bytes.set(to.address.subarray(0, 4), at + 16);
  writeU16(bytes, at + 10, fold(sum(bytes, at, at + 20)));
}

function writeIpv6(
  bytes: Uint8Array,
  at: number,
  from: Endpoint,
  to: Endpoint,
  length: number,
): void {
  bytes[at] = 0x60;
  writeU16(bytes, at + 4, length);
  bytes[at + 6] = 6;
  bytes[at + 7] = 64;
  bytes.set(from.address, at + 8);
  bytes.set(to.address, at + 24);
}

function writeTcp(
  bytes: Uint8Array,
  at: number,
  from: Endpoint,
  to: Endpoint,
  flags: number,
): void {
  writeU16(bytes, at, from.port);
  writeU16(bytes, at + 2, to.port);
  writeU32(bytes, at + 4, from.sequence);
  writeU32(bytes, at + 8, (flags & ACK) !== 0 ? to.sequence : 0);
  bytes[at + 12] = 0x50;
  bytes[at + 13] = flags;
  writeU16(bytes, at + 14, 65535);
}

/** Over the pseudo header (RFC 9293 section 3.1) and the segment, which ends the packet. */
function tcpChecksum(bytes: Uint8Array, at: number, from: Endpoint, to: Endpoint): number {
  const total =
    sum(bytes, at, bytes.length) +
    sum(from.address, 0, from.address.length) +
    sum(to.address, 0, to.address.length) +
    6 +
    (bytes.length - at);
  return fold(total);
}

function sum(bytes: Uint8Array, start: number, end: number): number {
  let total = 0;
  for (let at = start; at + 1 < end; at += 2) total += readU16(bytes, at);
  return (end - start) % 2 === 0 ? total : total + bytes[end - 1]! * 256;
}

function fold(total: number): number {
  let value = total;
  while (value > 0xffff) value = (value & 0xffff) + Math.floor(value / 65536);
  return ~value & 0xffff;
}
