/** Where a watch goes on: an instance (of a FIB, or of a start), what is watched, a position. Opaque to clients. */
import { createHash } from "node:crypto";

export interface Cursor {
  readonly instance: string;
  /** Digest of the filter, so that a cursor is not used with another one. */
  readonly query: string;
  readonly position: number;
}

export function formatCursor({ instance, query, position }: Cursor): string {
  return `${instance}.${query}.${position}`;
}

/** undefined: no cursor of ours. */
export function parseCursor(text: string): Cursor | undefined {
  const parts = /^([0-9a-f]{1,32})\.([0-9a-f]{8})\.(\d{1,16})$/.exec(text);
  const [, instance, query, digits] = parts ?? [];
  if (instance === undefined || query === undefined) return undefined;
  const position = Number(digits);
  return Number.isSafeInteger(position) ? { instance, query, position } : undefined;
}

/** Eight digits that tell two filters apart. */
export function queryDigest(parts: readonly unknown[]): string {
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 8);
}
