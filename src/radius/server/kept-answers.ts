/**
 * Answers kept for clients that ask again (RFC 5080 section 2.2.2), outside the JavaScript heap: each lives for
 * seconds, which is just long enough to cost the garbage collector most, and every request leaves one.
 * Kept: the request's authenticator (16 octets), then the answer.
 */
import { copyBytes, readU16 } from "../../util/bytes.js";
import { ByteArena } from "../../util/byte-arena.js";

const AUTHENTICATOR = 4;
const AUTHENTICATOR_OCTETS = 16;
const IDENTIFIERS = 256;
/** Of all clients together; what comes beyond is not kept, and a repeat goes to the home server again. */
const KEPT_MAX = 256 << 20;

/** One for the thread: each reserves addresses for 4 GiB. */
let shared: ByteArena | undefined;

/** The answers of one origin, by identifier. */
export class KeptAnswers {
  /** How many identifiers have one. */
  size = 0;
  private references: Int32Array | undefined;
  private since: Float64Array | undefined;

  /** In the place of one that the identifier had. @param now milliseconds of the monotonic clock */
  keep(request: Uint8Array, answer: Uint8Array, now: number, most = KEPT_MAX): void {
    const identifier = request[1] ?? 0;
    this.forget(identifier);
    shared ??= new ByteArena();
    if (shared.usedBytes + answer.length > most) return;
    const reference = shared.allocate(AUTHENTICATOR_OCTETS + answer.length);
    const at = reference * 8;
    const { bytes } = shared;
    copyBytes(request, AUTHENTICATOR, AUTHENTICATOR + AUTHENTICATOR_OCTETS, bytes, at);
    copyBytes(answer, 0, answer.length, bytes, at + AUTHENTICATOR_OCTETS);
    this.references ??= new Int32Array(IDENTIFIERS);
    this.references[identifier] = reference;
    this.since ??= new Float64Array(IDENTIFIERS);
    this.since[identifier] = now;
    this.size++;
  }

  /** A copy of the answer to the same request; undefined when there is none. */
  find(request: Uint8Array): Uint8Array | undefined {
    const reference = this.references?.[request[1] ?? 0] ?? 0;
    if (reference === 0 || shared === undefined) return undefined;
    const { bytes } = shared;
    const at = reference * 8;
    for (let i = 0; i < AUTHENTICATOR_OCTETS; i++) {
      if (bytes[at + i] !== request[AUTHENTICATOR + i]) return undefined;
    }
    const start = at + AUTHENTICATOR_OCTETS;
    return Buffer.from(bytes.subarray(start, start + readU16(bytes, start + 2)));
  }

  /** When that identifier's answer was kept; Infinity without one. */
  keptAt(identifier: number): number {
    const kept = (this.references?.[identifier] ?? 0) !== 0;
    return kept ? (this.since?.[identifier] ?? Infinity) : Infinity;
  }

  forget(identifier: number): void {
    const reference = this.references?.[identifier] ?? 0;
    if (reference === 0 || shared === undefined || this.references === undefined) return;
    const length = readU16(shared.bytes, reference * 8 + AUTHENTICATOR_OCTETS + 2);
    shared.free(reference, AUTHENTICATOR_OCTETS + length);
    this.references[identifier] = 0;
    this.size--;
  }

  /** @param before of the monotonic clock: what was kept then or sooner goes; Infinity = all */
  forgetUntil(before: number): void {
    if (this.size === 0) return;
    for (let identifier = 0; identifier < IDENTIFIERS; identifier++) {
      const kept = (this.references?.[identifier] ?? 0) !== 0;
      if (kept && this.keptAt(identifier) <= before) this.forget(identifier);
    }
  }
}
