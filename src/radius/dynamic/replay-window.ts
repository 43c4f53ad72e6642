/**
 * Requests seen within the window of Event-Timestamp (RFC 5176 section 6.3): the same octets, from
 * whatever port, are the same request, and do nothing a second time. The Request Authenticator names them: it
 * is a digest of all of it. For a minute a repeat gets the answer that the first had; then only the name is
 * kept. Nothing is forgotten early, or it could be played again; a full window takes no more. One source fills
 * at most half of it, so that none can shut out the others.
 */
import { HEADER } from "../packet/iana.js";

export interface Seen {
  /** Of the clock. */
  readonly until: number;
  readonly source: string;
  /** Undefined while the access point has not answered, and when the answer is not kept any more. */
  answer: Uint8Array | undefined;
}

/** Whoever asks again does so within half a minute (RFC 5080 section 2.2.1). */
const ANSWER_MS = 60_000;

export class ReplayWindow {
  /** By name, in the order in which they came. */
  private readonly seen = new Map<string, Seen>();
  /** Those whose answer is kept, and since when. */
  private readonly answered = new Map<string, number>();
  private readonly most: number;
  /** Entries of each source that has any. */
  private readonly counts = new Map<string, number>();

  constructor(most: number) {
    this.most = most;
  }

  find(packet: Uint8Array): Seen | undefined {
    return this.seen.get(nameOf(packet));
  }

  /**
   * @param now of the clock, as `until` is
   * @param source whom it is from
   * @returns undefined when there is no room, or none for this source
   */
  add(packet: Uint8Array, now: number, until: number, source: string): Seen | undefined {
    const name = nameOf(packet);
    const seen = this.keep(name, { until, source, answer: undefined });
    if (seen !== undefined) this.answered.set(name, now);
    return seen;
  }

  /** One that an earlier run has seen. */
  adopt(name: string, until: number, source: string): void {
    if (!this.seen.has(name)) this.keep(name, { until, source, answer: undefined });
  }

  /** @returns names of those whose time is over, some of them in each call */
  expire(now: number): string[] {
    for (const [name, since] of this.answered) {
      if (now - since < ANSWER_MS) break;
      this.answered.delete(name);
      const seen = this.seen.get(name);
      if (seen !== undefined) seen.answer = undefined;
    }
    const over: string[] = [];
    for (const [name, { until, source }] of this.seen) {
      if (until > now || over.length >= EXPIRED_MAX) break;
      over.push(name);
      this.seen.delete(name);
      this.answered.delete(name);
      const left = (this.counts.get(source) ?? 1) - 1;
      if (left === 0) this.counts.delete(source);
      else this.counts.set(source, left);
    }
    return over;
  }

  get size(): number {
    return this.seen.size;
  }

  /** Answers that are kept. */
  get answers(): number {
    return this.answered.size;
  }

  private keep(name: string, seen: Seen): Seen | undefined {
    const count = this.counts.get(seen.source) ?? 0;
    if (this.seen.size >= this.most || count >= this.most >> 1) return undefined;
    this.counts.set(seen.source, count + 1);
    this.seen.set(name, seen);
    return seen;
  }
}

const EXPIRED_MAX = 2048;

/** Sixteen letters of one octet each. */
export function nameOf(packet: Uint8Array): string {
  return Buffer.from(packet.buffer, packet.byteOffset + 4, HEADER - 4).toString("latin1");
}
