/**
 * What one address, one IPv6 /64, and all together, may cost before they have proved anything: connections
 * that stand, handshakes a second, proofs that failed. All of it counted in memory of fixed size; an address
 * that is forgotten begins anew, and only idle ones are.
 */
import type { Clock } from "../../../util/clock.js";
import { addressBlock, BLOCK_SHARE } from "../../../util/address-block.js";
import type { SecEmLimits } from "../../settings.js";

/** An address, or a block. */
interface Place {
  /** How many times what an address may. */
  readonly share: number;
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
const MOST_PLACES = 16_384;

export class DoorLimits {
  private readonly clock: Clock;
  private readonly places = new Map<string, Place>();
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
    const { connections } = this.limits;
    if (this.connections >= connections) return `there are ${connections} connections already`;
    const found: Place[] = [];
    for (const [name, share] of namesOf(address)) {
      const place = this.of(name, share);
      if (place === undefined) return "too many addresses at once";
      const refusal = this.refusal(place, share === 1 ? "there" : name);
      if (refusal !== undefined) return refusal;
      found.push(place);
    }
    for (const place of found) {
      place.handshakes--;
      place.connections++;
    }
    this.connections++;
    return undefined;
  }

  leave(address: string): void {
    const found = namesOf(address).flatMap(([name]) => this.places.get(name) ?? []);
    if (found.length === 0) return;
    for (const place of found) place.connections--;
    this.connections--;
  }

  /** A token, key or signature that was wrong. */
  failed(address: string): void {
    for (const [name] of namesOf(address)) {
      const place = this.places.get(name);
      if (place !== undefined) place.failures = Math.max(0, place.failures - 1);
    }
  }

  private refusal({ share, connections, failures, handshakes }: Place, where: string) {
    const { connectionsPerAddress, handshakesPerSecond } = this.limits;
    const [most, rate] = [connectionsPerAddress * share, handshakesPerSecond * share];
    if (connections >= most) return `there are ${most} connections from ${where} already`;
    if (failures < 1) return `too many proofs from ${where} have failed; wait a minute`;
    if (handshakes < 1) return `more than ${rate} handshakes a second from ${where}`;
    return undefined;
  }

  private of(name: string, share: number): Place | undefined {
    const rate = this.limits.handshakesPerSecond * share;
    const now = this.clock.now();
    const known = this.places.get(name);
    if (known !== undefined) {
      const grown = Math.max(0, now - known.since);
      const { handshakes, failures } = known;
      known.handshakes = Math.min(rate, handshakes + (grown / 1000) * rate);
      known.failures = Math.min(MOST_FAILURES * share, failures + (grown / FAILURE_MS) * share);
      known.since = now;
      // Youngest last: the first ones are those to forget.
      this.places.delete(name);
      this.places.set(name, known);
      return known;
    }
    if (this.places.size >= MOST_PLACES && !this.forget()) return undefined;
    const failures = MOST_FAILURES * share;
    const fresh: Place = { share, connections: 0, handshakes: rate, failures, since: now };
    this.places.set(name, fresh);
    return fresh;
  }

  /** The oldest that is not here. @returns false when all are */
  private forget(): boolean {
    for (const [name, { connections }] of this.places) {
      if (connections > 0) continue;
      this.places.delete(name);
      return true;
    }
    return false;
  }
}

/** Whom an address counts for, and with how large a share. */
function namesOf(address: string): readonly (readonly [name: string, share: number])[] {
  const block = addressBlock(address);
  return block === undefined
    ? [[address, 1]]
    : [
        [block, BLOCK_SHARE],
        [address, 1],
      ];
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
