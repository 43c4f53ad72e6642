/** Builds one packet: header, then attributes in the order they are put. */
import { copyBytes, writeU16, writeU32 } from "../../util/bytes.js";
import { Attr, HEADER, PACKET_MAX } from "./iana.js";

export class PacketWriter {
  /** Room for one packet and one attribute more, so that a put never needs a check of its own. */
  private readonly bytes = Buffer.alloc(PACKET_MAX + 512);
  private end = HEADER;
  private messageAuthenticator = 0;

  begin(code: number, identifier: number): this {
    this.bytes[0] = code;
    this.bytes[1] = identifier;
    this.bytes.fill(0, 4, HEADER);
    this.end = HEADER;
    this.messageAuthenticator = 0;
    return this;
  }

  authenticator(from: Uint8Array, at = 0): this {
    copyBytes(from, at, at + 16, this.bytes, 4);
    return this;
  }

  /** Room for a Message-Authenticator, zero until it is signed. */
  placeMessageAuthenticator(): this {
    this.messageAuthenticator = this.end;
    return this.put(Attr.MessageAuthenticator, ZERO16);
  }

  put(type: number, value: Uint8Array): this {
    if (this.end > PACKET_MAX) return this;
    this.bytes[this.end] = type;
    this.bytes[this.end + 1] = value.length + 2;
    this.bytes.set(value, this.end + 2);
    this.end += value.length + 2;
    return this;
  }

  putNumber(type: number, value: number): this {
    const octets = new Uint8Array(4);
    writeU32(octets, 0, value);
    return this.put(type, octets);
  }

  putText(type: number, text: string): this {
    return this.put(type, new TextEncoder().encode(text));
  }

  /** An attribute inside Vendor-Specific: 4 vendor | 1 type | 1 length | value. */
  putVendor(vendor: number, type: number, value: Uint8Array): this {
    const octets = new Uint8Array(6 + value.length);
    writeU32(octets, 0, vendor);
    octets[4] = type;
    octets[5] = value.length + 2;
    octets.set(value, 6);
    return this.put(Attr.VendorSpecific, octets);
  }

  /** Whole attributes copied as they are. */
  copy(from: Uint8Array, start: number, end: number): this {
    if (this.end + end - start > PACKET_MAX + 256) {
      this.end = PACKET_MAX + 257;
      return this;
    }
    copyBytes(from, start, end, this.bytes, this.end);
    this.end += end - start;
    return this;
  }

  /** Where the next attribute will stand. */
  get position(): number {
    return this.end;
  }

  /** Offset of the Message-Authenticator, 0 without one. */
  get signatureAt(): number {
    return this.messageAuthenticator;
  }

  /** The packet where it is, good until the next one begins; undefined when it became longer than RADIUS allows. */
  view(): Uint8Array | undefined {
    if (this.end > PACKET_MAX) return undefined;
    writeU16(this.bytes, 2, this.end);
    return this.bytes.subarray(0, this.end);
  }

  /** A copy of its own; undefined when it became longer than RADIUS allows. */
  finish(): Uint8Array | undefined {
    if (this.end > PACKET_MAX) return undefined;
    writeU16(this.bytes, 2, this.end);
    // Out of Node's pool: a buffer of its own costs several times as much, and there are two a request.
    const out = Buffer.allocUnsafe(this.end);
    copyBytes(this.bytes, 0, this.end, out, 0);
    return out;
  }
}

const ZERO16 = new Uint8Array(16);
