/**
 * Data between two VNFs behind their handshake: frames of type 68 (data) and 69 (the end) whose fields are one
 * sealed text of at most 16 KiB, the frame's head as additional data. An end without frame 69 is a cut.
 */
import { SealedDirection, TAG_OCTETS } from "../crypto/index.js";
import type { Suite } from "../crypto/index.js";
import { encodeFrame } from "./frame.js";
import type { Frame } from "./frame.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

export const DATA_OCTETS = 16 * 1024;
const DATA = 68;
const END = 69;

export type ChannelItem =
  { readonly kind: "data"; readonly octets: Uint8Array } | { readonly kind: "end" };

export class Channel {
  private readonly outward: SealedDirection;
  private readonly inward: SealedDirection;
  private ended = false;

  constructor(suite: Suite, outward: Uint8Array, inward: Uint8Array) {
    this.outward = new SealedDirection(suite, outward);
    this.inward = new SealedDirection(suite, inward);
  }

  /** One frame for each 16 KiB. */
  seal(octets: Uint8Array): Uint8Array {
    const frames: Uint8Array[] = [];
    for (let at = 0; at < octets.length; at += DATA_OCTETS)
      frames.push(this.frame(DATA, octets.subarray(at, at + DATA_OCTETS)));
    return frames.length === 1 ? (frames[0] ?? octets) : new Uint8Array(Buffer.concat(frames));
  }

  end(): Uint8Array {
    return this.frame(END, new Uint8Array(0));
  }

  open({ type, body }: Frame): Checked<ChannelItem> {
    if (type !== DATA && type !== END) return fail("order", `frame ${type} among data`);
    if (this.ended) return fail("order", "data behind the end");
    if (body.length > DATA_OCTETS + TAG_OCTETS)
      return fail("malformed", "a data frame is too long");
    const octets = this.inward.open(Uint8Array.of(type), body);
    if (octets === undefined) return fail("signature", "a data frame does not open");
    if (type === DATA) return pass({ kind: "data", octets });
    this.ended = true;
    return pass({ kind: "end" });
  }

  private frame(type: number, text: Uint8Array): Uint8Array {
    return encodeFrame(type, this.outward.seal(Uint8Array.of(type), text));
  }
}
