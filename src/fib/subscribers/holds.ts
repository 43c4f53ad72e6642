/**
 * What is done about a MAC without or away from its session: a quarantine, as the duplicate detection has
 * them, which begins and ends here. Its time of release marks it as ours, over a restart and from one
 * FIB to the next: no operator can ask for that one.
 */
import { parseEsi, parseIp } from "../../fast-bgp-codec/index.js";
import type { Fib } from "../fib.js";
import type { ExpectedPlace } from "./finding.js";

/** Far beyond what can be ordered by hand. */
export const OUR_RELEASE_SECONDS = 604_799;
/** Whose routes count when nobody's do: no PE announces itself as this one. */
export const NOBODY = "0.0.0.0";

export interface OurHold {
  readonly record: number;
  readonly domain: string;
  readonly mac: string;
  /** Whose routes count; `NOBODY` or a PE, or PEs of the segment. */
  readonly pe: string;
  readonly esi: string | undefined;
}

/**
 * Only routes from the place count from now on; undefined: those of the PE that has it now.
 * Call inside `Fib.change`.
 * @returns the record; undefined when there are too many quarantines, or one by hand is there already
 */
export function beginHold(
  { desk, quarantines, duplicates, macs }: Fib,
  entry: number,
  place: ExpectedPlace | undefined,
): number | undefined {
  const known = macs.entries.watch(entry);
  const there = known === 0 ? undefined : duplicates.quarantineView(known);
  if (there?.byHand === true && there.state !== "released") return undefined;
  if (!quarantines.hasRoom) return undefined;
  const esi = place?.esi === undefined ? undefined : parseEsi(place.esi);
  const pe = place === undefined ? undefined : parseIp(place.pe ?? NOBODY);
  return desk.begin(entry, "hold", OUR_RELEASE_SECONDS, pe, esi);
}

/** Whether the record is still the hold that was begun there: an operator may have released it. */
export function isOurs({ desk, duplicates }: Fib, hold: OurHold): boolean {
  if (!duplicates.isSomething(hold.record)) return false;
  const { domain, mac } = desk.nameOf(hold.record);
  if (domain !== hold.domain || mac !== hold.mac) return false;
  return desk.saveOne(hold.record)?.byHand === OUR_RELEASE_SECONDS;
}

/** Routes that are held for it now. */
export function heldBy({ desk }: Fib, { record }: OurHold): number {
  return desk.row(record)?.held ?? 0;
}

/** The holds that there are already: of before a restart, or taken over from another FIB. */
export function ourHolds({ desk }: Fib): OurHold[] {
  return desk.byRelease(OUR_RELEASE_SECONDS).map(({ record, saved }) => {
    const { domain, mac, pe, esi } = saved;
    return { record, domain, mac, pe, esi };
  });
}
