/** Routes out of UPDATEs, as whoever reads a feed sees them: with path ids where these were agreed on. */
import { FAMILIES, Family, familyOf } from "../../../../src/fast-bgp-codec/family.js";
import { readU16, readU8, toHex } from "../../../../src/util/bytes.js";
import { nlriKey, splitNlri } from "../../../model/lib/nlri.js";

/** Routes by key, path id in front where there are path ids. */
export type Routes = Map<string, string>;

export interface EndOfRib {
  readonly family: Family;
}

/**
 * Applies one UPDATE to a table of routes.
 * @param addPath families with path ids, bit mask
 * @returns the family whose End-of-RIB it is
 */
export function applyUpdate(
  routes: Routes,
  bytes: Uint8Array,
  addPath: number,
): EndOfRib | undefined {
  const withdrawnEnd = 21 + readU16(bytes, 19);
  const attributesEnd = withdrawnEnd + 2 + readU16(bytes, withdrawnEnd);
  for (const key of keys(Family.Ipv4Unicast, bytes, 21, withdrawnEnd, addPath))
    routes.delete(key.key);
  const set: string[] = [];
  let nextHop = "";
  let reach: { family: Family; start: number; end: number } | undefined;
  let unreach: { family: Family; start: number; end: number } | undefined;
  for (let at = withdrawnEnd + 2; at < attributesEnd;) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const code = readU8(bytes, at + 1);
    const value = at + (extended ? 4 : 3);
    const end = value + (extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2));
    if (end > attributesEnd) throw new Error("an attribute overruns the UPDATE");
    if (code === 14) {
      const family = familyOf(readU16(bytes, value), readU8(bytes, value + 2))!;
      const hopEnd = value + 4 + readU8(bytes, value + 3);
      nextHop = toHex(bytes, value + 4, hopEnd);
      reach = { family, start: hopEnd + 1, end };
    } else if (code === 15) {
      const family = familyOf(readU16(bytes, value), readU8(bytes, value + 2))!;
      unreach = { family, start: value + 3, end };
    } else if (code === 3) nextHop = toHex(bytes, value, end);
    else set.push(toHex(bytes, at, end));
    at = end;
  }
  const value = (nlri: string): string => `${nlri} via ${nextHop} with ${set.join(" ")}`;
  if (unreach !== undefined) {
    if (unreach.start === unreach.end) return { family: unreach.family };
    for (const { key } of keys(unreach.family, bytes, unreach.start, unreach.end, addPath))
      routes.delete(key);
  }
  if (reach !== undefined) {
    for (const { key, nlri } of keys(reach.family, bytes, reach.start, reach.end, addPath))
      routes.set(key, value(nlri));
  }
  for (const { key, nlri } of keys(Family.Ipv4Unicast, bytes, attributesEnd, bytes.length, addPath))
    routes.set(key, value(nlri));
  return bytes.length === 23 ? { family: Family.Ipv4Unicast } : undefined;
}

function keys(
  family: Family,
  bytes: Uint8Array,
  start: number,
  end: number,
  addPath: number,
): { key: string; nlri: string }[] {
  if (start === end) return [];
  if ((addPath & (1 << family)) === 0) {
    const singles = splitNlri(family, toHex(bytes, start, end));
    if (singles === undefined)
      throw new Error(`the NLRI cannot be cut: ${toHex(bytes, start, end)}`);
    return singles.map((nlri) => ({ key: nlriKey(family, nlri), nlri }));
  }
  const out: { key: string; nlri: string }[] = [];
  for (let at = start; at < end;) {
    const id = toHex(bytes, at, at + 4);
    const length =
      family === Family.Evpn ? 2 + readU8(bytes, at + 5) : 1 + Math.ceil(readU8(bytes, at + 4) / 8);
    const nlri = toHex(bytes, at + 4, at + 4 + length);
    out.push({ key: `${id}/${nlriKey(family, nlri)}`, nlri });
    at += 4 + length;
  }
  if (start === end) throw new Error("no NLRI");
  return out;
}

/** Each message of a run, as views. */
export function* messagesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const end = at + readU16(bytes, at + 16);
    yield bytes.subarray(at, end);
    at = end;
  }
}

export function familyNames(mask: number): string[] {
  return FAMILIES.filter(({ family }) => (mask & (1 << family)) !== 0).map(({ name }) => name);
}
