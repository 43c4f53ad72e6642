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
  private readonly ends = new Map<string, SilentEnd>();
  private readonly onChange: (change: SilentChange) => void;

  constructor(onChange: (change: SilentChange) => void) {
    this.onChange = onChange;
  }

  /** Of an earlier run, in any order; who came or went meanwhile keeps that. */
  restore(ends: readonly SilentEnd[], hasSession: (mac: string) => boolean): void {
    const here = [...this.ends.values()];
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
    for (const [mac, { endedAt }] of this.ends) {
      if (wall - endedAt <= KEPT_MS || looks-- === 0) return;
      this.forget(mac);
    }
  }

  list(): IterableIterator<SilentEnd> {
    return this.ends.values();
  }

  private keep(end: SilentEnd): void {
    this.ends.delete(end.mac);
    this.ends.set(end.mac, end);
    if (this.ends.size <= SILENT_MAX) return;
    const [oldest] = this.ends.keys();
    if (oldest !== undefined) this.forget(oldest);
  }

  private forget(mac: string): void {
    if (this.ends.delete(mac)) this.onChange({ mac, end: undefined });
  }
}
