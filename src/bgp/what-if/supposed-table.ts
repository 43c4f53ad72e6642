/**
 * The table under a supposition: destination by destination which path would be best, with which set, and
 * what that would cost each session. Nothing is stored.
 */
import { Family } from "../../fast-bgp-codec/family.js";
import type { RouteTable } from "../rib/route-table.js";
import type { Outgoing } from "./outgoing.js";
import type { Supposition } from "./supposition.js";

/** Routes that a session would be sent, and withdrawals, of all families; with ADD-PATH paths. */
export interface UpdateCost {
  readonly peer: string;
  readonly announced: number;
  readonly withdrawn: number;
}

/** What goes out; a table alone has nobody to send to. */
export interface Sending {
  readonly outgoing: Outgoing;
  /** Routes of the destination that the slot has been sent. */
  sentOf(slot: number, dest: number): number;
  count(slot: number, announced: number, withdrawn: number): void;
  costs(): readonly UpdateCost[];
}

export class SupposedTable {
  /** Of the last `look`: the best path there, 0 for none, and its effective set. */
  path = 0;
  attr = 0;
  /** Path or set are not those of this world. */
  changed = false;
  private readonly table: RouteTable;
  private readonly supposition: Supposition;
  private readonly sending: Sending | undefined;
  private readonly effective = new Map<number, number>();

  constructor(table: RouteTable, supposition: Supposition, sending: Sending | undefined) {
    this.table = table;
    this.supposition = supposition;
    this.sending = sending;
  }

  get isNothing(): boolean {
    return this.supposition.isNothing;
  }

  get notes(): readonly string[] {
    return this.supposition.notes;
  }

  get absent(): string | undefined {
    return this.supposition.absent;
  }

  /**
   * Works out `path`, `attr` and `changed` of a destination in use.
   * @param counts whether its updates count: once for each destination
   */
  look(dest: number, counts: boolean): void {
    const { table, supposition, effective } = this;
    const best = table.bestPath(dest);
    effective.clear();
    let differs = false;
    let left = 0;
    for (let path = table.firstPath(dest); path !== 0; path = table.nextPath(path)) {
      const attr = supposition.attrAfter(path);
      if (attr !== table.pathAttr(path)) differs = true;
      if (attr !== 0) left++;
      effective.set(path, attr);
    }
    this.path = best;
    if (differs) {
      this.path = left === 0 ? 0 : table.selectUnder(dest, (path) => effective.get(path) ?? 0);
    }
    this.attr = this.path === 0 ? 0 : effective.get(this.path)!;
    this.changed = this.path !== best || (best !== 0 && this.attr !== table.pathAttr(best));
    if (counts && this.sending !== undefined) this.cost(dest, differs, this.sending);
  }

  /** Lets go what the looks since the last call made. */
  endSlice(): void {
    this.supposition.endSlice();
  }

  close(): void {
    this.supposition.close();
  }

  /** By session, by address; those that get nothing are left out. */
  costs(): readonly UpdateCost[] {
    return this.sending?.costs() ?? [];
  }

  private cost(dest: number, differs: boolean, sending: Sending): void {
    const { table, supposition } = this;
    const receivers = differs ? supposition.receivers : supposition.changedReceivers;
    if (receivers.length === 0 || table.family(dest) === Family.RouteTarget) return;
    if (this.path === 0) {
      for (const { slot } of receivers) {
        const sent = sending.sentOf(slot, dest);
        if (sent > 0) sending.count(slot, 0, sent);
      }
      return;
    }
    const attrOf = (path: number): number => this.effective.get(path) ?? 0;
    sending.outgoing.compare(dest, supposition, attrOf, this.path, differs, receivers);
  }
}
