/**
 * MD5 and HMAC-MD5 over pieces of octets, without allocation (RFC 1321, RFC 2104). One `Md5` is
 * reused for all work of a thread; a `Secret` keeps what HMAC needs of its key ready.
 */
import { addBlock } from "./md5-block.js";

const START = Int32Array.of(0x67452301, 0xefcdab89 | 0, 0x98badcfe | 0, 0x10325476);

export class Md5 {
  private readonly state = new Int32Array(4);
  private readonly block = new Uint8Array(64);
  private filled = 0;
  private total = 0;

  /** Starts anew, or from a saved state after `octets` (a multiple of 64). */
  reset(state: Int32Array = START, octets = 0): this {
    this.state.set(state);
    this.filled = 0;
    this.total = octets;
    return this;
  }

  add(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.total += end - start;
    let at = start;
    if (this.filled > 0) {
      const take = Math.min(64 - this.filled, end - at);
      for (let i = 0; i < take; i++) this.block[this.filled + i] = bytes[at + i]!;
      this.filled += take;
      at += take;
      if (this.filled < 64) return this;
      addBlock(this.state, this.block, 0);
      this.filled = 0;
    }
    for (; at + 64 <= end; at += 64) addBlock(this.state, bytes, at);
    for (; at < end; at++) this.block[this.filled++] = bytes[at]!;
    return this;
  }

  /** Writes the 16 octets of the digest to `out` at `at`. */
  finish(out: Uint8Array, at = 0): void {
    const { block, state } = this;
    block[this.filled++] = 0x80;
    if (this.filled > 56) {
      block.fill(0, this.filled);
      addBlock(state, block, 0);
      this.filled = 0;
    }
    block.fill(0, this.filled);
    const low = (this.total * 8) >>> 0;
    const high = Math.floor(this.total / 0x20000000);
    for (let i = 0; i < 4; i++) {
      block[56 + i] = low >>> (8 * i);
      block[60 + i] = high >>> (8 * i);
    }
    addBlock(state, block, 0);
    for (let i = 0; i < 16; i++) out[at + i] = state[i >> 2]! >>> (8 * (i & 3));
  }

  /** A copy of the state; only after whole blocks. */
  save(): Int32Array {
    return this.state.slice();
  }
}

/** One for the thread: nothing here is re-entrant, and nothing needs to be. */
export const md5 = new Md5();

/** A shared secret, with the two HMAC states that depend on it alone. */
export class Secret {
  readonly bytes: Uint8Array;
  private readonly inner: Int32Array;
  private readonly outer: Int32Array;

  constructor(secret: Uint8Array | string) {
    this.bytes = typeof secret === "string" ? new TextEncoder().encode(secret) : secret;
    const key = new Uint8Array(64);
    if (this.bytes.length > 64) md5.reset().add(this.bytes).finish(key);
    else key.set(this.bytes);
    this.inner = md5
      .reset()
      .add(key.map((octet) => octet ^ 0x36))
      .save();
    this.outer = md5
      .reset()
      .add(key.map((octet) => octet ^ 0x5c))
      .save();
  }

  /** Begins an HMAC: feed the result with `add`, then call `finishHmac`. */
  hmac(): Md5 {
    return md5.reset(this.inner, 64);
  }

  finishHmac(out: Uint8Array, at = 0): void {
    md5.finish(digest);
    md5.reset(this.outer, 64).add(digest).finish(out, at);
  }
}

const digest = new Uint8Array(16);
