/**
 * RADIUS packets of the load test, built with Node's own crypto so that no mistake of the relay's codec can
 * hide here: requests as an access point sends them, answers as a home server gives them (RFC 2865, 2866,
 * 2548, 3579), and the check of what comes back.
 */
import { hash, randomFillSync } from "node:crypto";

export const Code = {
  AccessRequest: 1,
  AccessAccept: 2,
  AccountingRequest: 4,
  AccountingResponse: 5,
  AccessChallenge: 11,
  StatusServer: 12,
} as const;

export const Type = {
  UserName: 1,
  UserPassword: 2,
  NasIpAddress: 4,
  NasPort: 5,
  ServiceType: 6,
  State: 24,
  Class: 25,
  VendorSpecific: 26,
  SessionTimeout: 27,
  CalledStationId: 30,
  CallingStationId: 31,
  NasIdentifier: 32,
  ProxyState: 33,
  AcctStatusType: 40,
  AcctInputOctets: 42,
  AcctOutputOctets: 43,
  AcctSessionId: 44,
  AcctSessionTime: 46,
  EventTimestamp: 55,
  NasPortType: 61,
  EapMessage: 79,
  MessageAuthenticator: 80,
} as const;

export const HEADER = 20;
const DIGEST = 16;
const HMAC_BLOCK = 64;
const ZEROS = Buffer.alloc(DIGEST);

function md5(bytes: Uint8Array): Buffer {
  return hash("md5", bytes, "buffer");
}

/** A shared secret and one packet at a time under it. */
export class Hop {
  readonly secret: Buffer;
  private readonly inner = Buffer.alloc(HMAC_BLOCK + 4200, 0x36);
  private readonly outer = Buffer.alloc(HMAC_BLOCK + DIGEST, 0x5c);
  private readonly plain = Buffer.alloc(4200);

  constructor(secret: string) {
    this.secret = Buffer.from(secret);
    this.secret.forEach((octet, at) => {
      this.inner[at] = 0x36 ^ octet;
      this.outer[at] = 0x5c ^ octet;
    });
  }

  /** HMAC-MD5 over a packet whose Message-Authenticator holds zeros. @param field stands for the authenticator */
  private hmac(packet: Uint8Array, field: Uint8Array): Buffer {
    this.inner.set(packet, HMAC_BLOCK);
    this.inner.set(field, HMAC_BLOCK + 4);
    this.outer.set(md5(this.inner.subarray(0, HMAC_BLOCK + packet.length)), HMAC_BLOCK);
    return md5(this.outer);
  }

  private digest(packet: Uint8Array, field: Uint8Array): Buffer {
    this.plain.set(packet);
    this.plain.set(field, 4);
    this.plain.set(this.secret, packet.length);
    return md5(this.plain.subarray(0, packet.length + this.secret.length));
  }

  /** Access-Request: `packet` has its random authenticator, and zeros at `at` + 2. */
  signAccess(packet: Uint8Array, at: number): void {
    packet.set(this.hmac(packet, packet.subarray(4, HEADER)), at + 2);
  }

  signAccounting(packet: Uint8Array): void {
    packet.set(this.digest(packet, ZEROS), 4);
  }

  /** @param at offset of the Message-Authenticator; 0 = none */
  signAnswer(packet: Uint8Array, at: number, requestAuthenticator: Uint8Array): void {
    if (at !== 0) packet.set(this.hmac(packet, requestAuthenticator), at + 2);
    packet.set(this.digest(packet, requestAuthenticator), 4);
  }

  answerFits(packet: Uint8Array, requestAuthenticator: Uint8Array): boolean {
    return this.digest(packet, requestAuthenticator).equals(packet.subarray(4, HEADER));
  }

  /** The Message-Authenticator of an answer; false without one. */
  answerIsSigned(packet: Uint8Array, requestAuthenticator: Uint8Array): boolean {
    const at = findAttribute(packet, Type.MessageAuthenticator);
    if (at === 0) return false;
    const copy = Buffer.from(packet);
    copy.fill(0, at + 2, at + 2 + DIGEST);
    return this.hmac(copy, requestAuthenticator).equals(packet.subarray(at + 2, at + 2 + DIGEST));
  }

  /** User-Password of up to 16 octets. */
  hidePassword(password: string, authenticator: Uint8Array): Buffer {
    const hidden = Buffer.alloc(DIGEST);
    hidden.write(password);
    return xor(hidden, md5(Buffer.concat([this.secret, authenticator])));
  }

  /** MS-MPPE key of 32 octets: salt, then length, key and padding, hidden (RFC 2548 section 2.4.2). */
  hideKey(key: Uint8Array, salt: Uint8Array, authenticator: Uint8Array): Buffer {
    const hidden = Buffer.alloc(48);
    hidden[0] = key.length;
    hidden.set(key, 1);
    let before: Buffer = Buffer.concat([authenticator, salt]);
    for (let at = 0; at < hidden.length; at += DIGEST) {
      const pad = md5(Buffer.concat([this.secret, before]));
      before = xor(hidden.subarray(at, at + DIGEST), pad);
    }
    return Buffer.concat([salt, hidden]);
  }
}

/** In place. */
function xor(bytes: Buffer, pad: Buffer): Buffer {
  for (let i = 0; i < bytes.length; i++) bytes[i] = (bytes[i] ?? 0) ^ (pad[i] ?? 0);
  return bytes;
}

/** Offset of the first attribute of a type, 0 = none. For packets of this tool and of tested targets. */
export function findAttribute(packet: Uint8Array, type: number): number {
  for (let at = HEADER; at + 2 <= packet.length;) {
    if (packet[at] === type) return at;
    const size = packet[at + 1] ?? 0;
    if (size < 2) return 0;
    at += size;
  }
  return 0;
}

/** Writes one packet into memory of its own. */
export class Builder {
  readonly bytes = Buffer.alloc(4096);
  end = HEADER;
  /** Offset of the Message-Authenticator, 0 = none. */
  signatureAt = 0;

  begin(code: number, identifier: number): this {
    this.bytes[0] = code;
    this.bytes[1] = identifier;
    this.end = HEADER;
    this.signatureAt = 0;
    return this;
  }

  signature(): this {
    this.signatureAt = this.end;
    return this.put(Type.MessageAuthenticator, ZEROS);
  }

  put(type: number, value: Uint8Array): this {
    this.bytes[this.end] = type;
    this.bytes[this.end + 1] = value.length + 2;
    this.bytes.set(value, this.end + 2);
    this.end += value.length + 2;
    return this;
  }

  text(type: number, text: string): this {
    return this.put(type, Buffer.from(text));
  }

  number(type: number, value: number): this {
    const octets = Buffer.alloc(4);
    octets.writeUInt32BE(value >>> 0);
    return this.put(type, octets);
  }

  vendor(vendor: number, type: number, value: Uint8Array): this {
    const octets = Buffer.alloc(6 + value.length);
    octets.writeUInt32BE(vendor);
    octets[4] = type;
    octets[5] = value.length + 2;
    octets.set(value, 6);
    return this.put(Type.VendorSpecific, octets);
  }

  /** Whole attributes as they are. */
  copy(from: Uint8Array, start: number, end: number): this {
    this.bytes.set(from.subarray(start, end), this.end);
    this.end += end - start;
    return this;
  }

  /** A view: good until the next `begin`. */
  finish(): Buffer {
    this.bytes.writeUInt16BE(this.end, 2);
    return this.bytes.subarray(0, this.end);
  }

  randomAuthenticator(): Buffer {
    return randomFillSync(this.bytes.subarray(4, HEADER));
  }
}
