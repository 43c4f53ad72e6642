/** Route-target constraint (RFC 4684): what a peer's memberships ask for. */
import { chunks, numberAt, octetsIn, slice } from "./hex.js";
import { Code, find, type Attributes } from "./attributes.js";

/** Route targets of a set: sub-type 2 of types 0, 1, 2, and ES-Import (RFC 7432 section 7.6). */
export function routeTargets(attributes: Attributes): string[] {
  return chunks(find(attributes, Code.ExtendedCommunities) ?? "", 8).filter((one) =>
    ["0002", "0102", "0202", "0602"].includes(slice(one, 0, 2)),
  );
}

/** Whether a membership NLRI asks for routes with these targets; the origin AS means nothing here. */
export function asksFor(membership: string, targets: readonly string[]): boolean {
  if (membership === "00") return true;
  const bits = numberAt(membership, 0, 1) - 32;
  const wanted = binary(slice(membership, 5)).slice(0, bits);
  return targets.some((target) => binary(target).startsWith(wanted));
}

function binary(hex: string): string {
  return Array.from({ length: octetsIn(hex) }, (_, i) =>
    numberAt(hex, i, 1).toString(2).padStart(8, "0"),
  ).join("");
}
