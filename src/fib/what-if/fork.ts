/**
 * A second FIB over the same table, which is told what to hold: routes of types 1, 3 and 4 for as long as a
 * what-if takes, MAC/IP routes a part after the other, so that it stays small whatever the table's size.
 *
 * The table goes on meanwhile, and a destination's number may be another route's: so the type that a number
 * was held with is kept, and a number that is held is not held as something else.
 */
import type { RouteTable } from "../../bgp/rib/index.js";
import type { Clock } from "../../util/clock.js";
import { Fib } from "../fib.js";
import type { FibSettings } from "../settings.js";

/** Events of the fork are read by nobody. */
const EVENT_RING = 64;
const MAC_IP = 2;
const NEVER = 0x7fffffff;

/** Histories are not what a fork is asked for. */
const STILL: Clock = {
  now: () => 0,
  wall: () => 0,
  setTimer: () => ({ cancel: () => undefined }),
};

export class FibFork {
  readonly fib: Fib;
  /** Route type of each destination that it holds, 0 for none. */
  private types = new Uint8Array(0);
  private readonly lasting: number[] = [];
  private readonly passing: number[] = [];

  constructor(table: RouteTable, settings: FibSettings) {
    const fork = {
      ...settings,
      eventRing: EVENT_RING,
      // What comes and goes here is no move.
      duplicates: { ...settings.duplicates, moves: NEVER },
      domains: settings.domains.map((domain) => ({ ...domain, duplicates: false as const })),
    };
    this.fib = new Fib({ table, settings: fork, clock: STILL, isFork: true });
  }

  /** It is to hold destinations below this. */
  begin(limit: number): void {
    if (this.types.length < limit) this.types = new Uint8Array(limit);
  }

  /** Holds a route of type 1, 3 or 4 until `empty`. */
  keep(dest: number, type: number, path: number, attr: number): void {
    if (this.add(dest, type, path, attr)) this.lasting.push(dest);
  }

  /** Holds a MAC/IP route until `clearMacs`. */
  hold(dest: number, path: number, attr: number): void {
    if (this.add(dest, MAC_IP, path, attr)) this.passing.push(dest);
  }

  /** Everything that was told has its effect. */
  settle(): void {
    this.fib.macs.settleAll();
  }

  /** Lets go up to `most` MAC/IP routes; whether none is left. */
  clearMacs(most: number): boolean {
    return this.letGo(this.passing, most);
  }

  /** Lets go up to `most` routes of any type; whether it is empty. */
  empty(most: number): boolean {
    return this.letGo(this.passing, most) && this.letGo(this.lasting, most);
  }

  private add(dest: number, type: number, path: number, attr: number): boolean {
    if (this.types[dest] !== 0) return false;
    this.types[dest] = type;
    this.fib.applyAs(dest, type, path, attr);
    return true;
  }

  private letGo(dests: number[], most: number): boolean {
    for (let n = 0; n < most && dests.length > 0; n++) {
      const dest = dests.pop()!;
      this.fib.applyAs(dest, this.types[dest]!, 0, 0);
      this.types[dest] = 0;
    }
    this.settle();
    return dests.length === 0;
  }
}
