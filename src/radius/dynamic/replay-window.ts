/**
 * Requests seen within the window of Event-Timestamp (RFC 5176 section 6.3): the same octets, from
 * whatever port, are the same request and get the same answer. The Request Authenticator names them: it is
 * a digest of all of it. Nothing is forgotten early, or it could be played again; a full window takes no
 * more.
 */
import { toHex } from "../../util/bytes.js";
import { HEADER } from "../packet/iana.js";

export interface Seen {
  readonly until: number;
  /** Undefined while the access point has not answered. */
  answer: Uint8Array | undefined;
}

export class ReplayWindow {
  /** Oldest first. */
  private readonly seen = new Map<string, Seen>();
  private readonly most: number;

  constructor(most: number) {
    this.most = most;
  }

  find(packet: Uint8Array): Seen | undefined {
    return this.seen.get(keyOf(packet));
  }

  /** @returns undefined when there is no room */
  add(packet: Uint8Array, until: number): Seen | undefined {
    if (this.seen.size >= this.most) return undefined;
    const seen: Seen = { until, answer: undefined };
    this.seen.set(keyOf(packet), seen);
    return seen;
  }

  expire(now: number): void {
    for (const [key, { until }] of this.seen) {
      if (until > now) break;
      this.seen.delete(key);
    }
  }

  get size(): number {
    return this.seen.size;
  }
}

function keyOf(packet: Uint8Array): string {
  return toHex(packet, 4, HEADER);
}
