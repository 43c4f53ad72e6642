/** What the bodies of EVPN route types are made of: readers for checked octets, and one writer. */
import { fromHex, readU32, readU8, writeU32 } from "../../util/bytes.js";
import { parseEsi } from "../values/esi.js";
import { formatIp, parseIp } from "../values/ip.js";
import { writeLabel, type Label } from "../values/label.js";
import { parseMac } from "../values/mac.js";
import { parseRd } from "../values/rd.js";

/** The address behind a length in bits at `at`; null for length 0. */
export function readAddress(bytes: Uint8Array, at: number): string | null {
  const bits = readU8(bytes, at);
  return bits === 0 ? null : formatIp(bytes, at + 1, bits >>> 3);
}

/** Octets of the address field at `at`, length octet included. */
export function addressLength(bytes: Uint8Array, at: number): number {
  return 1 + (readU8(bytes, at) >>> 3);
}

/** Source, group and originating router of types 6, 7, 8 and 10, and where they end. */
export function readMulticast(
  bytes: Uint8Array,
  at: number,
): { source: string | null; group: string | null; originator: string; end: number } {
  const group = at + addressLength(bytes, at);
  const originator = group + addressLength(bytes, group);
  return {
    source: readAddress(bytes, at),
    group: readAddress(bytes, group),
    originator: readAddress(bytes, originator) ?? "",
    end: originator + addressLength(bytes, originator),
  };
}

/**
 * Collects a body. Values that are no RD, MAC, address and so on throw RangeError: they come from our
 * own code or from a caller, never from a peer.
 */
export class BodyWriter {
  private readonly bytes = new Uint8Array(257);
  private at = 0;

  rd(text: string): this {
    return this.raw(parseRd(text), "route distinguisher", text);
  }

  esi(text: string): this {
    return this.raw(parseEsi(text), "ESI", text);
  }

  mac(text: string): this {
    return this.raw(parseMac(text), "MAC address", text);
  }

  hex(text: string): this {
    return this.raw(fromHex(text), "hex string", text);
  }

  ip(text: string): this {
    return this.raw(parseIp(text), "IP address", text);
  }

  /** Length in bits and the address; null is length 0. */
  address(text: string | null): this {
    if (text === null) return this.u8(0);
    return this.u8(text.includes(":") ? 128 : 32).ip(text);
  }

  u8(value: number): this {
    this.bytes[this.at++] = value;
    return this;
  }

  u32(value: number): this {
    writeU32(this.bytes, this.at, value);
    this.at += 4;
    return this;
  }

  label(label: Label): this {
    this.at = writeLabel(this.bytes, this.at, label);
    return this;
  }

  bytesOf(value: Uint8Array): this {
    return this.raw(value, "body", "");
  }

  finish(): Uint8Array {
    return this.bytes.slice(0, this.at);
  }

  private raw(value: Uint8Array | undefined, what: string, text: string): this {
    if (value === undefined) throw new RangeError(`not a ${what}: ${text}`);
    if (this.at + value.length > 255) throw new RangeError(`EVPN body exceeds 255 octets`);
    this.bytes.set(value, this.at);
    this.at += value.length;
    return this;
  }
}

/** Ethernet tag as shown: MAX-ET by its pattern, as Junos does. */
export function formatTag(tag: number): string {
  return tag === 0xffffffff ? "FFFF:FFFF" : String(tag);
}

export function readTag(bytes: Uint8Array, at: number): number {
  return readU32(bytes, at);
}
