/**
 * What one address, and all together, may cost before they have proved anything: connections that stand,
 * handshakes a second, proofs that failed. All of it counted in memory of fixed size; an address that is
 * forgotten begins anew, and only idle ones are.
 */
import type { Clock } from "../../../util/clock.js";
import type { SecEmLimits } from "../../settings.js";

interface Address {
  connections: number;
  /** Handshakes it may begin now, and since when they have grown. */
  handshakes: number;
  /** Failed proofs it may still have. */
  failures: number;
  since: number;
}

/** Failed proofs of one address in a row, then one more for every so many milliseconds. */
const MOST_FAILURES = 20;
const FAILURE_MS = 3000;
const MOST_ADDRESSES = 16_384;

export class DoorLimits {
  private readonly clock: Clock;
  private readonly addresses = new Map<string, Address>();
  private limits: SecEmLimits;
  private connections = 0;

  constructor(clock: Clock, limits: SecEmLimits) {
    this.clock = clock;
    this.limits = limits;
  }

  configure(limits: SecEmLimits): void {
    this.limits = limits;
  }

  /** Undefined: it may come in, and `leave` is owed. Otherwise why not. */
  enter(address: string): string | undefined {
    const { connections, connectionsPerAddress, handshakesPerSecond } = this.limits;
    if (this.connections >= connections) return `there are ${connections} connections already`;
    const one = this.of(address);
    if (one === undefined) return "too many addresses at once";
    if (one.connections >= connectionsPerAddress) {
      return `there are ${connectionsPerAddress} connections from there already`;
    }
    if (one.failures < 1) return "too many proofs from there have failed; wait a minute";
    if (one.handshakes < 1)
      return `more than ${handshakesPerSecond} handshakes a second from there`;
    one.handshakes--;
    one.connections++;
    this.connections++;
    return undefined;
  }

  leave(address: string): void {
    const one = this.addresses.get(address);
    if (one === undefined) return;
    one.connections--;
    this.connections--;
  }

  /** A token, key or signature that was wrong. */
  failed(address: string): void {
    const one = this.addresses.get(address);
    if (one !== undefined) one.failures = Math.max(0, one.failures - 1);
  }

  private of(address: string): Address | undefined {
    const { handshakesPerSecond } = this.limits;
    const now = this.clock.now();
    const known = this.addresses.get(address);
    if (known !== undefined) {
      const grown = Math.max(0, now - known.since);
      const { handshakes, failures } = known;
      known.handshakes = Math.min(
        handshakesPerSecond,
        handshakes + (grown / 1000) * handshakesPerSecond,
      );
      known.failures = Math.min(MOST_FAILURES, failures + grown / FAILURE_MS);
      known.since = now;
      // Youngest last: the first ones are those to forget.
      this.addresses.delete(address);
      this.addresses.set(address, known);
      return known;
    }
    if (this.addresses.size >= MOST_ADDRESSES && !this.forget()) return undefined;
    const fresh: Address = {
      ...{ connections: 0, handshakes: handshakesPerSecond, failures: MOST_FAILURES, since: now },
    };
    this.addresses.set(address, fresh);
    return fresh;
  }

  /** The oldest that is not here. @returns false when all are */
  private forget(): boolean {
    for (const [address, { connections }] of this.addresses) {
      if (connections > 0) continue;
      this.addresses.delete(address);
      return true;
    }
    return false;
  }
}

/** Frames of one connection: a burst, then so many a second. */
export class FrameRate {
  private readonly clock: Clock;
  private left: number;
  private since: number;

  private static readonly BURST = 200;
  private static readonly PER_SECOND = 20;

  constructor(clock: Clock) {
    this.clock = clock;
    this.left = FrameRate.BURST;
    this.since = clock.now();
  }

  /** False: it sends more than anybody who is honest. */
  take(): boolean {
    const now = this.clock.now();
    this.left = Math.min(
      FrameRate.BURST,
      this.left + ((now - this.since) / 1000) * FrameRate.PER_SECOND,
    );
    this.since = now;
    if (this.left < 1) return false;
    this.left--;
    return true;
  }
}
