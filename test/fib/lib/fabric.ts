/**
 * A table with the FIB on it, as the reflector would have them: sources announce and withdraw routes, the
 * FIB reads when told, and what all have read is dropped from the log.
 */
import { AttrStore, RouteTable, Sources, SourceKind } from "../../../src/bgp/rib/index.js";
import { Family, NlriScan, scanNlri } from "../../../src/fast-bgp-codec/index.js";
import { Fib } from "../../../src/fib/fib.js";
import type { FibEvent } from "../../../src/fib/events.js";
import type { FibSettings } from "../../../src/fib/settings.js";
import type { Clock, TimerHandle } from "../../../src/util/clock.js";
import { addressHex, attributesHex, settings, type AttrSpec } from "./route.js";

/** A clock in the test's hand. */
export class HandClock implements Clock {
  time = 1_700_000_000_000;

  now(): number {
    return this.time;
  }

  wall(): number {
    return this.time;
  }

  private timers: { readonly at: number; readonly run: () => void }[] = [];

  get pending(): number {
    return this.timers.length;
  }

  setTimer(milliseconds: number, run: () => void): TimerHandle {
    const timer = { at: this.time + milliseconds, run };
    this.timers.push(timer);
    return {
      cancel: () => {
        this.timers = this.timers.filter((one) => one !== timer);
      },
    };
  }

  /** Lets time pass, and runs what falls due, in order. */
  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers = this.timers.filter((one) => one !== due);
      this.time = Math.max(this.time, due.at);
      due.run();
    }
    this.time = end;
  }
}

export class Fabric {
  readonly attrs = new AttrStore();
  readonly sources = new Sources();
  readonly table: RouteTable;
  readonly clock = new HandClock();
  readonly fib: Fib;
  private readonly change: Partial<FibSettings>;
  /** Events that `news` has given. */
  private seen = 0;
  private readonly scan = new NlriScan();

  constructor(change: Partial<FibSettings> = {}, sources = 4) {
    this.table = new RouteTable(this.attrs, this.sources, true);
    for (let i = 0; i < sources; i++) {
      this.sources.take(SourceKind.Client, i + 1, `10.9.0.${i + 1}`, `0a0900${i + 1}`, 65000);
    }
    this.change = change;
    this.fib = this.newFib();
  }

  /** Another FIB of the same table. */
  newFib(change = this.change): Fib {
    return new Fib({ table: this.table, settings: settings(change), clock: this.clock });
  }

  announce(slot: number, nlri: string, attr: AttrSpec): this {
    const hop = addressHex(attr.nextHop);
    const bytes = Buffer.from(hop + attributesHex(attr), "hex");
    const id = this.attrs.intern(Family.Evpn, hop.length / 2, bytes, 0, bytes.length);
    this.table.announce(slot, Family.Evpn, this.scanned(nlri), this.scan, id, id);
    this.attrs.release(id);
    return this;
  }

  withdraw(slot: number, nlri: string): this {
    this.table.withdraw(slot, Family.Evpn, this.scanned(nlri), this.scan);
    return this;
  }

  /** The source's session is lost. */
  lose(slot: number): this {
    this.table.removePathsOf(slot, Infinity);
    return this;
  }

  /** Lets the FIB read to the end and drops what was read. */
  read(): this {
    this.table.furthestReader = this.table.log.tail;
    while (this.fib.read(1000));
    this.table.releaseUpTo(this.fib.position);
    return this;
  }

  /** Reads, and gives the events that came of it. */
  news(): readonly FibEvent[] {
    this.read();
    const { events } = this.fib.tables.events.read(this.seen, 1_000_000);
    this.seen = this.fib.tables.events.next;
    return events;
  }

  private scanned(nlri: string): Uint8Array {
    const bytes = Buffer.from(nlri, "hex");
    scanNlri(Family.Evpn, bytes, 0, bytes.length, false, this.scan);
    return bytes;
  }
}
