/** Attributes of a path as the rules need them: which there are, and the extended communities. */
import type { RouteTable } from "../../bgp/rib/index.js";
import { readU16, readU8 } from "../../util/bytes.js";

const EXTENDED_COMMUNITIES = 16;

/** Offset of the attribute's value in `attrs.bytes`, and its length; undefined without it. */
export function findAttribute(
  table: RouteTable,
  path: number,
  code: number,
): { readonly at: number; readonly length: number } | undefined {
  const { attrs } = table;
  const { bytes } = attrs;
  const attr = table.pathAttr(path);
  const end = attrs.attributesEnd(attr);
  for (let at = attrs.attributesStart(attr); at < end;) {
    const extended = (readU8(bytes, at) & 0x10) !== 0;
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    const value = at + (extended ? 4 : 3);
    if (readU8(bytes, at + 1) === code) return { at: value, length };
    at = value + length;
  }
  return undefined;
}

/** Calls `each` with the offset of every extended community of the kind, until it returns true. */
export function eachCommunity(
  table: RouteTable,
  path: number,
  kind: (typeAndSubtype: number) => boolean,
  each: (at: number) => void,
): void {
  const found = findAttribute(table, path, EXTENDED_COMMUNITIES);
  if (found === undefined) return;
  const { bytes } = table.attrs;
  for (let at = found.at; at + 8 <= found.at + found.length; at += 8) {
    if (kind(readU16(bytes, at))) each(at);
  }
}

/** Route targets of eight octets (RFC 4360, 5668). */
export function isRouteTarget(typeAndSubtype: number): boolean {
  return typeAndSubtype === 0x0002 || typeAndSubtype === 0x0102 || typeAndSubtype === 0x0202;
}
