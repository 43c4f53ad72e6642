/** Cursors of the timeline's pages: a place as text. */
import { FibQueryError } from "../control.js";
import type { Place } from "./layout.js";

export function cursorText({ chunk, time, n }: Place): string {
  return `${chunk}.${time}.${n}`;
}

/** Throws `FibQueryError` for what is none. */
export function cursorPlace(text: string | undefined): Place | undefined {
  if (text === undefined) return undefined;
  const parts = /^(\d{1,10})\.(\d{1,15})\.(\d{1,10})$/.exec(text);
  if (parts === null) throw badCursor();
  const [chunk, time, n] = parts.slice(1).map(Number);
  return { chunk: chunk!, time: time!, n: n! };
}

/** A station as text, for walks in the order of MACs. */
export function stationCursor(station: Uint8Array): string {
  return Buffer.from(station).toString("base64url");
}

export function cursorStation(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const bytes = Buffer.from(text, "base64url");
  if (!/^[\w-]{9,400}$/.test(text) || bytes.length < 7 || bytes.at(-1) !== 0) throw badCursor();
  return bytes;
}

function badCursor(): FibQueryError {
  return new FibQueryError("invalid", "cursor is not from a page before; leave it out to begin");
}
