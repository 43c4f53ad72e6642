/**
 * What every PE should hold, and how long it took to get there. One board for all receivers: a
 * MAC's expected route is the same for everyone but its own PE, which should hear nothing of it.
 */
import { Histogram } from "./statistics.js";

export class Board {
  /** Packed route by MAC index, 0 = nobody has it. */
  readonly expected: Int32Array;
  /** Receivers that have not heard of the latest move yet; 0 = not timed. */
  readonly left: Int16Array;
  /** `performance.now()` when the latest move was handed to the socket. */
  readonly sentAt: Float64Array;
  readonly latency = new Histogram();
  readonly sharedRd: boolean;
  /** Of each MAC. */
  readonly vni: Uint16Array;
  /** Moves whose last receiver has been reached. */
  arrived = 0;

  constructor(size: number, sharedRd: boolean, vni: Uint16Array = new Uint16Array(size)) {
    this.vni = vni;
    this.expected = new Int32Array(size);
    this.left = new Int16Array(size);
    this.sentAt = new Float64Array(size);
    this.sharedRd = sharedRd;
  }

  /** A receiver has just learnt the expected route of a timed MAC. */
  reached(index: number, now: number): void {
    const left = (this.left[index] ?? 0) - 1;
    this.left[index] = left;
    if (left !== 0) return;
    this.arrived++;
    this.latency.recordMillis(now - (this.sentAt[index] ?? 0));
  }
}
