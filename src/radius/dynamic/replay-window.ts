/**
 * Requests seen within the window of Event-Timestamp (RFC 5176 section 6.3): the same octets, from
 * whatever port, are the same request and get the same answer. The Request Authenticator names them: it is
 * a digest of all of it. Nothing is forgotten early, or it could be played again; a full window takes no
 * more. One source fills at most half of it, so that none can shut out the others.
 */
import { toHex } from "../../util/bytes.js";
import { HEADER } from "../packet/iana.js";

export interface Seen {
  readonly until: number;
  readonly source: string;
  /** Undefined while the access point has not answered. */
  answer: Uint8Array | undefined;
}

export class ReplayWindow {
  /** Oldest first. */
  private readonly seen = new Map<string, Seen>();
  private readonly most: number;
  /** Entries of each source that has any. */
  private readonly counts = new Map<string, number>();

  constructor(most: number) {
    this.most = most;
  }

  find(packet: Uint8Array): Seen | undefined {
    return this.seen.get(keyOf(packet));
  }

  /**
   * @param source whom it is from: an address
   * @returns undefined when there is no room, or none for this source
   */
  add(packet: Uint8Array, until: number, source: string): Seen | undefined {
    const count = this.counts.get(source) ?? 0;
    if (this.seen.size >= this.most || count >= this.most >> 1) return undefined;
    this.counts.set(source, count + 1);
    const seen: Seen = { until, source, answer: undefined };
    this.seen.set(keyOf(packet), seen);
    return seen;
  }

  expire(now: number): void {
    for (const [key, { until, source }] of this.seen) {
      if (until > now) break;
      this.seen.delete(key);
      const left = (this.counts.get(source) ?? 1) - 1;
      if (left === 0) this.counts.delete(source);
      else this.counts.set(source, left);
    }
  }

  get size(): number {
    return this.seen.size;
  }
}

function keyOf(packet: Uint8Array): string {
  return toHex(packet, 4, HEADER);
}
