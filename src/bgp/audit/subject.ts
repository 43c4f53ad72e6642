/** What an audit looks at, and how it says what it found. */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import { decodeNlri, formatNlri } from "../../fast-bgp-codec/nlri.js";
import { toHex } from "../../util/bytes.js";
import type { AdjRibOut } from "../adj-rib-out/adj-rib-out.js";
import type { RouteTable } from "../rib/index.js";

export interface AuditSubject {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  /** Slots of Established sessions. */
  liveSlots(): Iterable<number>;
  /** Every slot that may have routes: of sessions, of lost ones, of those kept for a restart. */
  knownSlots(): Iterable<number>;
  /** References to attribute sets that are held outside the table. */
  forEachReference(visit: (attr: number) => void): void;
  addressOf(slot: number): string;
}

export type Find = (finding: string) => void;

/** The destination's key for people: family and NLRI, in hex when it cannot be read. */
export function keyOf(table: RouteTable, dest: number): string {
  const family = table.family(dest);
  const name = FAMILIES[family]?.name ?? `family ${family}`;
  const from = table.destNlri(dest);
  const to = from + table.destNlriLength(dest);
  if (from < 0 || to > table.nlriBytes.length) return `${name}, destination ${dest}`;
  try {
    return `${name} ${formatNlri(family, decodeNlri(family, table.nlriBytes, from, to))}`;
  } catch {
    return `${name} 0x${toHex(table.nlriBytes, from, Math.min(to, from + 300))}`;
  }
}

/** A slot for people. */
export function sessionOf(subject: AuditSubject, slot: number): string {
  return `${subject.addressOf(slot) ?? "nobody"} (slot ${slot})`;
}
