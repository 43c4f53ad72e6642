/**
 * DHCP messages as a relay agent sends and gets them (RFC 2131 section 2, RFC 3046).
 *   1 op | 1 htype | 1 hlen | 1 hops | 4 xid | 2 secs | 2 flags | 4 ciaddr | 4 yiaddr | 4 siaddr
 *   | 4 giaddr | 16 chaddr | 64 sname | 128 file | 4 cookie | options: 1 code, 1 length, value
 */
import { readU32, readU8, writeU32 } from "../../util/bytes.js";

export const DhcpType = {
  Discover: 1,
  Offer: 2,
  Request: 3,
  Ack: 5,
  Nak: 6,
  Release: 7,
} as const;

const Option = {
  Pad: 0,
  RequestedAddress: 50,
  LeaseTime: 51,
  MessageType: 53,
  ServerIdentifier: 54,
  ParameterList: 55,
  Message: 56,
  RenewalTime: 58,
  ClientIdentifier: 61,
  RelayAgent: 82,
  End: 255,
} as const;

const HEADER = 236;
const COOKIE = 0x63825363;
/** Servers take no shorter ones. */
const SHORTEST = 300;
/** Mask, router, DNS, lease time, server, T1, T2. */
const WANTED = Uint8Array.of(1, 3, 6, 51, 54, 58, 59);

export interface DhcpOrder {
  readonly type: number;
  readonly xid: number;
  /** `aa:bb:cc:dd:ee:ff` */
  readonly mac: string;
  /** Our own: where the server answers to. */
  readonly relayAddress: string;
  /** The address in use: renewal, release. */
  readonly address?: string;
  readonly requested?: string;
  readonly server?: string;
  /** Where the subscriber is (circuit id). */
  readonly circuit?: string;
  readonly message?: string;
}

export interface DhcpReply {
  readonly type: number;
  readonly xid: number;
  readonly mac: string;
  readonly address: string;
  readonly server: string | undefined;
  /** Seconds. */
  readonly leaseTime: number | undefined;
  readonly renewalTime: number | undefined;
  readonly message: string | undefined;
}

export function encodeDhcp(order: DhcpOrder): Uint8Array {
  const header = new Uint8Array(HEADER + 4);
  header.set([1, 1, 6, 1]);
  writeU32(header, 4, order.xid);
  header.set(octetsOf(order.address ?? "0.0.0.0"), 12);
  header.set(octetsOf(order.relayAddress), 24);
  const mac = Buffer.from(order.mac.replaceAll(":", ""), "hex");
  header.set(mac, 28);
  writeU32(header, HEADER, COOKIE);
  const options: Uint8Array[] = [option(Option.MessageType, Uint8Array.of(order.type))];
  options.push(option(Option.ClientIdentifier, Uint8Array.of(1, ...mac)));
  if (order.requested !== undefined) {
    options.push(option(Option.RequestedAddress, octetsOf(order.requested)));
  }
  if (order.server !== undefined) {
    options.push(option(Option.ServerIdentifier, octetsOf(order.server)));
  }
  if (order.type !== DhcpType.Release) options.push(option(Option.ParameterList, WANTED));
  if (order.message !== undefined) options.push(option(Option.Message, Buffer.from(order.message)));
  if (order.circuit !== undefined) {
    const circuit = Buffer.from(order.circuit).subarray(0, 100);
    options.push(option(Option.RelayAgent, option(1, circuit)));
  }
  const message = Buffer.concat([header, ...options, Uint8Array.of(Option.End)]);
  if (message.length >= SHORTEST) return message;
  return Buffer.concat([message, new Uint8Array(SHORTEST - message.length)]);
}

/** Undefined for what is no reply. Never throws. */
export function decodeDhcp(bytes: Uint8Array): DhcpReply | undefined {
  if (bytes.length < HEADER + 4 || bytes[0] !== 2 || bytes[2] !== 6) return undefined;
  if (readU32(bytes, HEADER) !== COOKIE) return undefined;
  const options = optionsOf(bytes);
  const type = options.get(Option.MessageType)?.[0];
  if (type === undefined) return undefined;
  const server = options.get(Option.ServerIdentifier);
  const message = options.get(Option.Message);
  return {
    type,
    xid: readU32(bytes, 4),
    mac: Buffer.from(bytes.subarray(28, 34))
      .toString("hex")
      .replaceAll(/(..)(?=.)/g, "$1:"),
    address: bytes.subarray(16, 20).join("."),
    server: server?.length === 4 ? server.join(".") : undefined,
    leaseTime: secondsOf(options.get(Option.LeaseTime)),
    renewalTime: secondsOf(options.get(Option.RenewalTime)),
    message: message === undefined ? undefined : Buffer.from(message).toString(),
  };
}

function optionsOf(bytes: Uint8Array): Map<number, Uint8Array> {
  const options = new Map<number, Uint8Array>();
  for (let at = HEADER + 4; at < bytes.length;) {
    const code = readU8(bytes, at);
    if (code === Option.End) break;
    if (code === Option.Pad) {
      at++;
      continue;
    }
    if (at + 2 > bytes.length) break;
    const end = at + 2 + readU8(bytes, at + 1);
    if (end > bytes.length) break;
    if (!options.has(code)) options.set(code, bytes.subarray(at + 2, end));
    at = end;
  }
  return options;
}

function option(code: number, value: Uint8Array): Uint8Array {
  return Buffer.concat([Uint8Array.of(code, value.length), value]);
}

function secondsOf(value: Uint8Array | undefined): number | undefined {
  return value?.length === 4 ? readU32(value, 0) : undefined;
}

function octetsOf(address: string): Uint8Array {
  return Uint8Array.from(address.split(".").map(Number));
}
