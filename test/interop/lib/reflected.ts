/** What a route reflector may change (RFC 4456 section 8) and what it may not. */
import type { Attribute, WireRoute } from "./wire.js";

export interface Reflection {
  /** BGP identifiers as 8 hex digits. */
  readonly originator: string;
  /** Cluster id of the reflector. */
  readonly cluster: string;
}

const ORIGINATOR_ID = 9;
const CLUSTER_LIST = 10;
const PARTIAL = 0x20;
/** Every attribute a reflector knows; others it marks Partial. */
const KNOWN = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 16, 17, 18, 22, 23, 25, 26, 32, 35, 40, 128]);

/** Every difference between what should have come of `sent` and what came; empty when right. */
export function differences(
  sent: WireRoute,
  got: WireRoute | undefined,
  how: Reflection,
): string[] {
  if (got === undefined) return ["missing"];
  const found: string[] = [];
  if (got.nlri !== sent.nlri) found.push(`NLRI ${sent.nlri} became ${got.nlri}`);
  if (got.nextHop !== sent.nextHop) found.push(`next hop ${sent.nextHop} became ${got.nextHop}`);
  const wanted = reflect(sent.attributes, how);
  for (const code of new Set([...wanted.keys(), ...got.attributes.keys()])) {
    const [before, after] = [show(wanted.get(code)), show(got.attributes.get(code))];
    if (before !== after) found.push(`attribute ${String(code)}: wanted ${before}, got ${after}`);
  }
  return found;
}

function reflect(
  attributes: ReadonlyMap<number, Attribute>,
  how: Reflection,
): Map<number, Attribute> {
  const wanted = new Map<number, Attribute>();
  for (const [code, { flags, value }] of attributes) {
    if (KNOWN.has(code)) wanted.set(code, { flags, value });
    else if ((flags & 0x40) !== 0) wanted.set(code, { flags: flags | PARTIAL, value });
  }
  if (!wanted.has(ORIGINATOR_ID)) wanted.set(ORIGINATOR_ID, { flags: 0x80, value: how.originator });
  const clusters = wanted.get(CLUSTER_LIST)?.value ?? "";
  wanted.set(CLUSTER_LIST, { flags: 0x80, value: how.cluster + clusters });
  return wanted;
}

function show(attribute: Attribute | undefined): string {
  return attribute === undefined ? "none" : `${attribute.flags.toString(16)}/${attribute.value}`;
}
