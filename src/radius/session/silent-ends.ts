/**
 * Whose session ended for silence, and who has none since: such a subscriber may be there all the same, and a
 * restart must not make him a stranger. A bounded number, for some weeks; the oldest go first.
 */
import type { SessionEvent } from "./session.js";

export interface SilentEnd {
  readonly tenant: string;
  readonly mac: string;
  /** Wall clock, milliseconds. */
  readonly endedAt: number;
}

interface Kept {
  readonly end: SilentEnd;
  /** Counts up: the order of the list. */
  readonly number: number;
}

/** Undefined: it has a session again, or is forgotten. */
export interface SilentChange {
  readonly mac: string;
  readonly end: SilentEnd | undefined;
}

export const SILENT_MAX = 65_536;
const KEPT_MS = 30 * 86_400_000;
/** Looked at in one call. */
const LOOKS = 64;

export class SilentEnds {
  /** By MAC, the oldest first. */
  private readonly ends = new Map<string, Kept>();
  private next = 1;
  private readonly onChange: (change: SilentChange) => void;

  constructor(onChange: (change: SilentChange) => void) {
    this.onChange = onChange;
  }

  /** Of an earlier run, in any order; who came or went meanwhile keeps that. */
  restore(ends: readonly SilentEnd[], hasSession: (mac: string) => boolean): void {
    const here = [...this.ends.values()].map(({ end }) => end);
    this.ends.clear();
    for (const end of [...ends].sort((a, b) => a.endedAt - b.endedAt)) {
      if (!hasSession(end.mac)) this.keep(end);
    }
    for (const end of here) this.keep(end);
  }

  note(event: SessionEvent, wall: number): void {
    const { tenant, mac } = event.session;
    if (event.kind === "ended") {
      if (event.reason !== "idle") this.forget(mac);
      else {
        const end = { tenant, mac, endedAt: wall };
        this.keep(end);
        this.onChange({ mac, end });
      }
    } else if (event.kind === "begun") this.forget(mac);
  }

  /** To be called now and then. */
  expire(wall: number): void {
    let looks = LOOKS;
    for (const [mac, { end }] of this.ends) {
      if (wall - end.endedAt <= KEPT_MS || looks-- === 0) return;
      this.forget(mac);
    }
  }

  /** A page: who is there throughout is in one of them. @param after `last` of the page before */
  list(after: number, most: number): { readonly rows: SilentEnd[]; readonly last: number } {
    const rows: SilentEnd[] = [];
    let last = after;
    for (const { end, number } of this.ends.values()) {
      if (number <= after) continue;
      if (rows.length === most) break;
      rows.push(end);
      last = number;
    }
    return { rows, last };
  }

  get size(): number {
    return this.ends.size;
  }

  private keep(end: SilentEnd): void {
    this.ends.delete(end.mac);
    this.ends.set(end.mac, { end, number: this.next++ });
    if (this.ends.size <= SILENT_MAX) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.forget(oldest);
  }

  private forget(mac: string): void {
    if (this.ends.delete(mac)) this.onChange({ mac, end: undefined });
  }
}
