/** Who is let in and who is not any more, as a script for nft: addresses in and out of the table's open sets. */
import { familyOf } from "./keys.js";
import type { Openings } from "./member.js";
import { OPEN, OPEN_WIDE } from "./names.js";

/**
 * Lets in and out, beside what is in force.
 * @param before what is open in the kernel; undefined = the table is new
 * @param now by the clock of the openings
 */
export function openingScript(
  table: string,
  before: Openings["open"] | undefined,
  after: Openings["open"],
  now: number,
): string {
  const lines: string[] = [];
  const former = before ?? new Map<string, number | undefined>();
  for (const place of former.keys()) {
    if (after.has(place)) continue;
    // Added first: what ran out by itself may be gone, and deleting what is not there fails.
    lines.push(element("add", table, place, ""), element("delete", table, place, ""));
  }
  for (const [place, until] of after) {
    const isThere = former.has(place);
    if (isThere && former.get(place) === until) continue;
    if (isThere) lines.push(element("add", table, place, ""), element("delete", table, place, ""));
    const left = until === undefined ? undefined : Math.ceil((until - now) / 1000);
    if (left !== undefined && left <= 0) continue;
    lines.push(element("add", table, place, left === undefined ? "" : ` timeout ${left}s`));
  }
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function element(verb: "add" | "delete", table: string, place: string, more: string): string {
  const set = `${place.includes("/") ? OPEN_WIDE : OPEN}${familyOf(place)}`;
  return `${verb} element inet ${table} ${set} { ${place}${more} }`;
}
