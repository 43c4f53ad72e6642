/** One MAC in two FIBs: where frames for it go in each, and what that difference is called. */
import { formatEsi } from "../../fast-bgp-codec/index.js";
import { macText } from "../event-record.js";
import type { Fib } from "../fib.js";
import type { HopRole } from "../next-hops.js";
import type { MacChange, MacChangeKind, WhatIfHop } from "./report.js";

const ROLES = ["advertised", "aliased", "backup"] as const;

/** Next hops of an entry, 0 for no entry; kept until the next `read`. */
class Hops {
  private readonly fib: Fib;
  private entry = 0;
  /** Index of the first next hop among `fib.hops`, -1 without any. */
  first = -1;

  constructor(fib: Fib) {
    this.fib = fib;
  }

  get count(): number {
    return this.entry === 0 ? 0 : this.fib.hops.count;
  }

  /** The winner's PE if it is one of them, else the lowest address among the best role: arrival does not matter. */
  read(entry: number): void {
    const { hops, macs, tables } = this.fib;
    this.entry = entry;
    this.first = -1;
    if (entry === 0) return;
    const winner = macs.candidates.pe(hops.resolve(entry));
    for (let i = 0; i < hops.count; i++) {
      if (hops.pes[i] === winner) {
        this.first = i;
        return;
      }
      const best = this.first;
      const byRole = best < 0 ? -1 : hops.roles[i]! - hops.roles[best]!;
      const before =
        byRole < 0 || (byRole === 0 && tables.pes.compare(hops.pes[i]!, hops.pes[best]!) < 0);
      if (before) this.first = i;
    }
  }

  /** Index of the same PE among the other's, -1 if it is none of them. */
  indexIn(other: Hops, index: number): number {
    for (let i = 0; i < other.count; i++) if (this.samePe(index, other, i)) return i;
    return -1;
  }

  samePe(index: number, other: Hops, at: number): boolean {
    const a = this.fib.tables.pes;
    const b = other.fib.tables.pes;
    const x = this.fib.hops.pes[index]!;
    const y = other.fib.hops.pes[at]!;
    if (a.addressLength(x) !== b.addressLength(y)) return false;
    for (let i = 0; i < 4; i++) if (a.addressWord(x, i) !== b.addressWord(y, i)) return false;
    return true;
  }

  sameHop(index: number, other: Hops, at: number): boolean {
    const a = this.fib.hops;
    const b = other.fib.hops;
    return a.roles[index] === b.roles[at] && a.labels[index] === b.labels[at];
  }

  role(index: number): HopRole {
    return this.fib.hops.roles[index]!;
  }

  list(): WhatIfHop[] {
    const { hops, tables } = this.fib;
    const order = Array.from({ length: this.count }, (_, i) => i).sort(
      (a, b) =>
        Number(b === this.first) - Number(a === this.first) ||
        tables.pes.compare(hops.pes[a]!, hops.pes[b]!),
    );
    return order.map((i) => ({
      address: tables.pes.address(hops.pes[i]!),
      role: ROLES[hops.roles[i]!],
    }));
  }
}

export class Comparison {
  /** Of the last `compare`; undefined when nothing differs. */
  kind: MacChangeKind | undefined;
  takenOver: MacChange["takenOver"];
  returns = false;
  /** Several PEs before, one after. */
  onOnePe = false;
  private readonly live: Fib;
  private readonly fork: Fib;
  private readonly before: Hops;
  private readonly after: Hops;
  private entry = 0;
  private other = 0;

  constructor(live: Fib, fork: Fib) {
    this.live = live;
    this.fork = fork;
    this.before = new Hops(live);
    this.after = new Hops(fork);
  }

  /** One entry of each FIB for the same MAC and domain; 0 = it has none. */
  compare(entry: number, other: number): void {
    const { before, after } = this;
    this.entry = entry;
    this.other = other;
    before.read(entry);
    after.read(other);
    this.kind = this.kindOf();
    this.takenOver = undefined;
    this.returns = false;
    this.onOnePe = before.count > 1 && after.count === 1;
    if (this.kind === "moved") {
      const was = after.indexIn(before, after.first);
      if (was >= 0) this.takenOver = ROLES[before.role(was)];
    } else if (this.kind === "dark") {
      this.returns = this.segmentLives();
    }
  }

  /** The last one as a row. */
  row(): MacChange {
    const fib = this.entry === 0 ? this.fork : this.live;
    const id = this.entry === 0 ? this.other : this.entry;
    const { entries } = fib.macs;
    return {
      kind: this.kind!,
      domain: fib.view.domainName(entries.domain(id)),
      mac: macText(entries.macHigh(id), entries.macLow(id)),
      esi: this.esi(),
      before: this.before.list(),
      after: this.after.list(),
      ...(this.takenOver !== undefined && { takenOver: this.takenOver }),
      ...(this.kind === "dark" && { returns: this.returns }),
    };
  }

  private kindOf(): MacChangeKind | undefined {
    const { before, after } = this;
    if (after.count === 0) return before.count === 0 ? undefined : "dark";
    if (before.count === 0) return "lit";
    if (!before.samePe(before.first, after, after.first)) return "moved";
    if (before.count !== after.count) return "hops";
    for (let i = 0; i < before.count; i++) {
      const at = before.indexIn(after, i);
      if (at < 0 || !before.sameHop(i, after, at)) return "hops";
    }
    return undefined;
  }

  /** ESI of the winner before, or after where there was none. */
  private esi(): string | undefined {
    const fib = this.entry === 0 ? this.fork : this.live;
    const { macs, tables } = fib;
    const head = macs.entries.head(this.entry === 0 ? this.other : this.entry);
    const attachment = macs.candidates.attachment(head);
    if (attachment === 0) return undefined;
    return formatEsi(tables.segments.esi(tables.segments.segmentOf(attachment)), 0);
  }

  private segmentLives(): boolean {
    const { macs, tables } = this.live;
    const attachment = macs.candidates.attachment(macs.entries.head(this.entry));
    if (attachment === 0) return false;
    const { segments } = this.fork.tables;
    const id = segments.find(tables.segments.esi(tables.segments.segmentOf(attachment)));
    if (id === 0) return false;
    for (let place = segments.firstPlace(id); place !== 0; place = segments.nextPlace(place)) {
      if (segments.perEsRoutes(place) > 0) return true;
    }
    return false;
  }
}
