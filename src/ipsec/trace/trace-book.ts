/**
 * Negotiation traces of tunnels: off until asked for, ended by themselves, bounded, cleared on demand. What is
 * kept is what the IKE daemon's log says of a tunnel, with messages taken apart; secrets never are.
 */
import type { LogEvent } from "../live/event.js";
import { readMessageLine, type TracedMessage } from "./message-line.js";
import { isPublic } from "./secrecy.js";

export interface TraceStep {
  /** Wall-clock milliseconds. */
  readonly time: number;
  /** The peer's address. */
  readonly peer: string;
  /** Part of the daemon that said it: `IKE`, `ENC`, `CFG`, … */
  readonly group: string;
  /** Undefined on a line that is about no message. */
  readonly message?: TracedMessage | undefined;
  readonly text: string;
}

export interface Trace {
  readonly tunnel: string;
  readonly on: boolean;
  /** Wall-clock milliseconds when it goes off by itself; undefined while off. */
  readonly until?: number | undefined;
  readonly steps: readonly TraceStep[];
  /** That had to go for newer ones. */
  readonly lost: number;
}

/** Lines of a tunnel. */
export const MOST_STEPS = 4000;
/** Tunnels traced at once: the daemon's log is read for all of them. */
export const MOST_TRACES = 32;

interface Book {
  until: number;
  wallUntil: number;
  steps: TraceStep[];
  lost: number;
}

export class TraceBook {
  private readonly books = new Map<string, Book>();

  /** Whether any trace is on: without one nobody need ask. */
  isOn(now: number): boolean {
    for (const { until } of this.books.values()) if (until > now) return true;
    return false;
  }

  /** @returns false when as many as may be are on */
  start(tunnel: string, seconds: number, now: number, wall: number): boolean {
    const known = this.books.get(tunnel);
    if (known === undefined && this.books.size >= MOST_TRACES && !this.dropOne(now)) return false;
    const book = known ?? { until: 0, wallUntil: 0, steps: [], lost: 0 };
    book.until = now + seconds * 1000;
    book.wallUntil = wall + seconds * 1000;
    this.books.set(tunnel, book);
    return true;
  }

  /** What was traced stays until it is cleared. */
  stop(tunnel: string): boolean {
    const book = this.books.get(tunnel);
    if (book === undefined) return false;
    book.until = 0;
    return true;
  }

  clear(tunnel: string): boolean {
    const book = this.books.get(tunnel);
    if (book === undefined) return false;
    book.steps = [];
    book.lost = 0;
    return true;
  }

  take(tunnel: string, peer: string, event: LogEvent, now: number, wall: number): void {
    const book = this.books.get(tunnel);
    if (book === undefined || book.until <= now) return;
    if (!isPublic(event.level, event.text)) return;
    this.push(book, { ...stepOf(event, wall), peer });
  }

  /** A line of our own: what was completed, with what it came to. */
  note(tunnel: string, peer: string, text: string, now: number, wall: number): void {
    const book = this.books.get(tunnel);
    if (book === undefined || book.until <= now) return;
    this.push(book, { time: wall, peer, group: "evpnd", text });
  }

  view(tunnel: string, now: number): Trace {
    const book = this.books.get(tunnel);
    if (book === undefined) return { tunnel, on: false, steps: [], lost: 0 };
    const on = book.until > now;
    return {
      tunnel,
      on,
      until: on ? book.wallUntil : undefined,
      steps: [...book.steps],
      lost: book.lost,
    };
  }

  private push(book: Book, step: TraceStep): void {
    book.steps.push(step);
    if (book.steps.length <= 1.25 * MOST_STEPS) return;
    book.lost += book.steps.length - MOST_STEPS;
    book.steps = book.steps.slice(-MOST_STEPS);
  }

  /** Makes room: one that is off goes. */
  private dropOne(now: number): boolean {
    for (const [tunnel, { until }] of this.books) {
      if (until > now) continue;
      this.books.delete(tunnel);
      return true;
    }
    return false;
  }
}

function stepOf(event: LogEvent, wall: number): Omit<TraceStep, "peer"> {
  const message = readMessageLine(event.text);
  const base = { time: wall, group: event.group, text: event.text };
  return message === undefined ? base : { ...base, message };
}
