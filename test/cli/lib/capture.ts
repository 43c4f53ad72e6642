/** Capture files made by hand, so that each of their oddities can be had at will. */
import { isIPv6 } from "node:net";

export type FrameShape = "ethernet" | "vlan" | "sll" | "sll2" | "raw";

const LINK: Readonly<Record<FrameShape, number>> = {
  ethernet: 1,
  vlan: 1,
  sll: 113,
  sll2: 276,
  raw: 101,
};

/** 2026-01-02T03:04:05Z */
const SECONDS = 1767323045;

interface End {
  readonly address: string;
  readonly port: number;
}

export function tcpFrame(
  from: End,
  to: End,
  sequence: number,
  payload: Uint8Array,
  shape: FrameShape = "ethernet",
  syn = false,
): Uint8Array {
  const tcp = Buffer.alloc(24 + payload.length);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt8(6 << 4, 12);
  tcp.writeUInt8(syn ? 2 : 16, 13);
  tcp.set(payload, 24);
  const ip = isIPv6(from.address) ? ipv6(from, to, tcp) : ipv4(from, to, tcp);
  const padded = shape === "ethernet" ? Buffer.concat([ip, Buffer.alloc(6)]) : ip;
  return Buffer.concat([linkHeader(shape, isIPv6(from.address)), padded]);
}

function ipv4(from: End, to: End, tcp: Buffer): Buffer {
  const header = Buffer.alloc(20);
  header.writeUInt8(0x45, 0);
  header.writeUInt16BE(20 + tcp.length, 2);
  header.writeUInt16BE(0x4000, 6);
  header.writeUInt8(6, 9);
  header.set(from.address.split(".").map(Number), 12);
  header.set(to.address.split(".").map(Number), 16);
  return Buffer.concat([header, tcp]);
}

/** With a hop-by-hop header in front of TCP. */
function ipv6(from: End, to: End, tcp: Buffer): Buffer {
  const header = Buffer.alloc(48);
  header.writeUInt8(0x60, 0);
  header.writeUInt16BE(8 + tcp.length, 4);
  for (const [at, end] of [
    [8, from],
    [24, to],
  ] as const) {
    const [head = "", tail = ""] = end.address.split("::");
    const groups = (text: string) => (text === "" ? [] : text.split(":"));
    const zeros = 8 - groups(head).length - groups(tail).length;
    [...groups(head), ...Array<string>(zeros).fill("0"), ...groups(tail)].forEach((group, index) =>
      header.writeUInt16BE(parseInt(group, 16), at + index * 2),
    );
  }
  header.writeUInt8(6, 40);
  return Buffer.concat([header, tcp]);
}

function linkHeader(shape: FrameShape, six: boolean): Buffer {
  const type = Buffer.from(six ? "86dd" : "0800", "hex");
  switch (shape) {
    case "ethernet":
      return Buffer.concat([Buffer.alloc(12), type]);
    case "vlan":
      return Buffer.concat([Buffer.alloc(12), Buffer.from("81000064", "hex"), type]);
    case "sll":
      return Buffer.concat([Buffer.alloc(14), type]);
    case "sll2":
      return Buffer.concat([type, Buffer.alloc(18)]);
    case "raw":
      return Buffer.alloc(0);
  }
}

export function pcap(frames: readonly Uint8Array[], shape: FrameShape = "ethernet"): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt32LE(LINK[shape], 20);
  const records = frames.map((frame) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(SECONDS, 0);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    return Buffer.concat([record, frame]);
  });
  return Buffer.concat([header, ...records]);
}

/** One interface with nanosecond timestamps. */
export function pcapng(frames: readonly Uint8Array[], shape: FrameShape = "ethernet"): Buffer {
  const section = Buffer.from("1a2b3c4d00010000ffffffffffffffff", "hex");
  const resolution = Buffer.from("000900010900000000000000", "hex");
  const description = Buffer.concat([Buffer.from("0001000000000000", "hex"), resolution]);
  description.writeUInt16BE(LINK[shape], 0);
  const packets = frames.map((frame) => {
    const ticks = BigInt(SECONDS) * 1_000_000_000n;
    const head = Buffer.alloc(20);
    head.writeUInt32BE(Number(ticks >> 32n), 4);
    head.writeUInt32BE(Number(ticks & 0xffffffffn), 8);
    head.writeUInt32BE(frame.length, 12);
    head.writeUInt32BE(frame.length, 16);
    return block(6, Buffer.concat([head, frame, Buffer.alloc((4 - (frame.length % 4)) % 4)]));
  });
  return Buffer.concat([block(0x0a0d0d0a, section), block(1, description), ...packets]);
}

function block(type: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt32BE(type, 0);
  head.writeUInt32BE(body.length + 12, 4);
  return Buffer.concat([head, body, head.subarray(4)]);
}
