/**
 * RADIUS packets out of a stream of octets (RFC 6613 section 2.6, radiusdtls-bis section 4.1): each says
 * its own length, nothing stands between them. A length that no packet can have leaves no way to find
 * the next one: the stream is over.
 */
import { copyBytes, readU16, readU8 } from "../../util/bytes.js";
import { HEADER, PACKET_MAX } from "../packet/iana.js";

export class PacketFramer {
  private readonly partial = new Uint8Array(PACKET_MAX);
  private filled = 0;

  /** Octets of a packet that has begun. */
  get waiting(): number {
    return this.filled;
  }

  /**
   * @param onPacket gets octets of its own; returns false to hear no more
   * @returns false when the stream makes no sense from here on
   */
  push(chunk: Uint8Array, onPacket: (packet: Uint8Array) => boolean): boolean {
    let at = 0;
    while (at < chunk.length) {
      if (this.filled > 0) {
        at = this.fill(chunk, at);
        const length = this.lengthOf(this.partial, 0, this.filled);
        if (length === "bad") return false;
        if (length === undefined || this.filled < length) continue;
        this.filled = 0;
        if (!onPacket(this.partial.slice(0, length))) return true;
        continue;
      }
      const length = this.lengthOf(chunk, at, chunk.length - at);
      if (length === "bad") return false;
      if (length === undefined || at + length > chunk.length) {
        copyBytes(chunk, at, chunk.length, this.partial, 0);
        this.filled = chunk.length - at;
        return true;
      }
      // A Buffer's own slice would be a view of what the socket reads into.
      if (!onPacket(new Uint8Array(chunk.subarray(at, at + length)))) return true;
      at += length;
    }
    return true;
  }

  /** Adds what the packet under way still lacks: its first four octets, then the rest. */
  private fill(chunk: Uint8Array, at: number): number {
    const wanted = this.filled < 4 ? 4 : readU16(this.partial, 2);
    const take = Math.min(wanted - this.filled, chunk.length - at);
    copyBytes(chunk, at, at + take, this.partial, this.filled);
    this.filled += take;
    return at + take;
  }

  /** Undefined until four octets are there. */
  private lengthOf(bytes: Uint8Array, at: number, available: number): number | "bad" | undefined {
    if (available < 4) {
      // The high octet of a length is at most 16: no need to wait for the low one.
      return available === 3 && readU8(bytes, at + 2) > PACKET_MAX >> 8 ? "bad" : undefined;
    }
    const length = readU16(bytes, at + 2);
    return length < HEADER || length > PACKET_MAX ? "bad" : length;
  }
}
