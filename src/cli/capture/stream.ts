/**
 * One direction of one TCP connection put back in order: retransmissions trimmed, early segments
 * kept until the gap closes. What a capture missed is skipped at its end, to the next BGP marker.
 */
import type { Segment } from "./segment.js";

export interface Run {
  readonly bytes: Uint8Array;
  /** Of the segment in which the run's last octet came. */
  readonly time: number | undefined;
}

interface Early {
  readonly sequence: number;
  readonly payload: Uint8Array;
  readonly time: number | undefined;
}

/** Sequence numbers wrap: a difference as a signed number. */
function ahead(a: number, b: number): number {
  return (a - b) | 0;
}

export class Stream {
  private next: number | undefined;
  private early: Early[] = [];

  /** Segments that wait behind a gap. */
  get waiting(): number {
    return this.early.length;
  }

  /** Octets that are in order now. */
  *push(segment: Segment): Generator<Run> {
    const { payload, time } = segment;
    const sequence = (segment.sequence + (segment.syn ? 1 : 0)) >>> 0;
    if (segment.syn) {
      this.next = sequence;
      this.early = [];
    }
    if (payload.length === 0) return;
    if (this.next === undefined) {
      // The capture began in mid-stream: wait for a segment that starts with a message.
      if (!startsWithMarker(payload)) return;
      this.next = sequence;
    }
    this.early.push({ sequence, payload, time });
    yield* this.inOrder();
  }

  /** When waiting has no more sense: runs beyond gaps. `lost` is called with the octets missing before each. */
  *finish(lost: (octets: number) => void): Generator<Run> {
    while (this.early.length > 0) {
      this.early.sort((a, b) => ahead(a.sequence, b.sequence));
      const [first] = this.early;
      if (first === undefined || this.next === undefined) return;
      lost(ahead(first.sequence, this.next));
      while (this.early[0] !== undefined && !startsWithMarker(this.early[0].payload)) {
        this.early.shift();
      }
      if (this.early[0] !== undefined) this.next = this.early[0].sequence;
      yield* this.inOrder();
    }
  }

  private *inOrder(): Generator<Run> {
    this.early.sort((a, b) => ahead(a.sequence, b.sequence));
    for (;;) {
      const [first] = this.early;
      if (first === undefined || this.next === undefined) return;
      const seen = ahead(this.next, first.sequence);
      if (seen < 0) return;
      this.early.shift();
      if (seen >= first.payload.length) continue;
      const bytes = first.payload.subarray(seen);
      this.next = (this.next + bytes.length) >>> 0;
      yield { bytes, time: first.time };
    }
  }
}

export function startsWithMarker(bytes: Uint8Array): boolean {
  return bytes.length >= 16 && bytes.subarray(0, 16).every((octet) => octet === 0xff);
}
