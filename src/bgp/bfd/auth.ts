/**
 * Authentication of BFD packets (RFC 5880 sections 4.2 to 4.4 and 6.7).
 *
 *   simple: 1 type | 1 length | 1 key id | password
 *   keyed:  1 type | 1 length | 1 key id | 1 reserved | 4 sequence | 16 (MD5) or 20 (SHA1) digest
 *
 * The digest covers the whole packet with the key, padded with zeros, in the digest's place. One key
 * per session: a packet with another key id is discarded.
 */
import { createHash, randomInt, timingSafeEqual } from "node:crypto";
import { readU32, readU8, writeU32 } from "../../util/bytes.js";
import { PACKET_LENGTH, type BfdPacket } from "./packet.js";
import type { BfdAuth, BfdAuthType } from "./settings.js";

interface AuthSpec {
  readonly code: number;
  readonly hash: "md5" | "sha1" | undefined;
  /** Octets of the digest. */
  readonly digest: number;
  readonly meticulous: boolean;
}

const SPECS: Readonly<Record<BfdAuthType, AuthSpec>> = {
  simple: { code: 1, hash: undefined, digest: 0, meticulous: false },
  "keyed-md5": { code: 2, hash: "md5", digest: 16, meticulous: false },
  "meticulous-keyed-md5": { code: 3, hash: "md5", digest: 16, meticulous: true },
  "keyed-sha1": { code: 4, hash: "sha1", digest: 20, meticulous: false },
  "meticulous-keyed-sha1": { code: 5, hash: "sha1", digest: 20, meticulous: true },
};

const SIMPLE_HEADER = 3;
const KEYED_HEADER = 8;
/** Packets a receiver may lag behind, times the detect multiplier (section 6.7.3). */
const WINDOW = 3;

export class Authenticator {
  private readonly spec: AuthSpec;
  private readonly keyId: number;
  private readonly key: Uint8Array;
  private sendSequence = randomInt(2 ** 32);
  /** Last one accepted, undefined when none is known (bfd.AuthSeqKnown). */
  private receivedSequence: number | undefined;

  constructor(auth: BfdAuth) {
    this.spec = SPECS[auth.type];
    this.keyId = auth.keyId;
    const text = Buffer.from(auth.key, "utf8");
    this.key = this.spec.hash === undefined ? text : padded(text, this.spec.digest);
  }

  /** Octets of the section it adds. */
  get length(): number {
    const { hash, digest } = this.spec;
    return hash === undefined ? SIMPLE_HEADER + this.key.length : KEYED_HEADER + digest;
  }

  /** Fills in the section that `encodePacket` left room for. */
  sign(bytes: Uint8Array): void {
    const { code, hash, digest, meticulous } = this.spec;
    const at = PACKET_LENGTH;
    bytes[at] = code;
    bytes[at + 1] = this.length;
    bytes[at + 2] = this.keyId;
    if (hash === undefined) {
      bytes.set(this.key, at + SIMPLE_HEADER);
      return;
    }
    if (meticulous) this.sendSequence = (this.sendSequence + 1) >>> 0;
    writeU32(bytes, at + 4, this.sendSequence);
    bytes.set(this.key, at + KEYED_HEADER);
    bytes.set(createHash(hash).update(bytes).digest().subarray(0, digest), at + KEYED_HEADER);
  }

  /** The other kinds should count up now and then (section 6.7.3): whenever what we say changes. */
  contentChanged(): void {
    if (!this.spec.meticulous) this.sendSequence = (this.sendSequence + 1) >>> 0;
  }

  /** Whether the packet is the peer's; the datagram is left as it came. */
  accepts(bytes: Uint8Array, packet: BfdPacket): boolean {
    const { code, hash, digest, meticulous } = this.spec;
    const at = PACKET_LENGTH;
    const length = readU8(bytes, at + 1);
    if (packet.length !== PACKET_LENGTH + this.length || length !== this.length) return false;
    if (readU8(bytes, at) !== code || readU8(bytes, at + 2) !== this.keyId) return false;
    if (hash === undefined) {
      return timingSafeEqual(bytes.subarray(at + SIMPLE_HEADER, packet.length), this.key);
    }
    const sequence = readU32(bytes, at + 4);
    if (!this.inWindow(sequence, packet.multiplier, meticulous)) return false;
    // Not `slice`: a Buffer's shares its memory.
    const copy = Uint8Array.from(bytes.subarray(0, packet.length));
    copy.set(this.key, at + KEYED_HEADER);
    const expected = createHash(hash).update(copy).digest();
    const given = bytes.subarray(at + KEYED_HEADER, at + KEYED_HEADER + digest);
    if (!timingSafeEqual(given, expected)) return false;
    this.receivedSequence = sequence;
    return true;
  }

  /** Nothing valid came for twice the detection time (bfd.AuthSeqKnown = 0). */
  forget(): void {
    this.receivedSequence = undefined;
  }

  private inWindow(sequence: number, multiplier: number, meticulous: boolean): boolean {
    if (this.receivedSequence === undefined) return true;
    const ahead = (sequence - this.receivedSequence) >>> 0;
    return ahead >= (meticulous ? 1 : 0) && ahead <= WINDOW * multiplier;
  }
}

function padded(key: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(key.subarray(0, length));
  return bytes;
}
