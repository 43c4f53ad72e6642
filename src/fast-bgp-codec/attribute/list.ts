/**
 * A list of path attributes as objects, in wire order, from a message or from the RIB's canonical
 * octets, and back. Nothing is lost: what an object cannot say stands beside it in hex.
 */
import { equalBytes, fromHex, readU16, readU8, toHex, writeU16 } from "../../util/bytes.js";
import { AttributeFlag } from "../iana.js";
import { checkAttributeValue } from "./check.js";
import { RULE_MAX_ANY, attributeName } from "./rules.js";
import {
  attributeSpec,
  type AttributeSpec,
  type AttributeValues,
  type KnownAttribute,
} from "./table.js";
import { must, type AttributeContext } from "./value-codec.js";

export interface DecodedAttribute {
  readonly code: number;
  /** Registered name, or UNKNOWN. */
  readonly name: string;
  /** All eight bits, `0x` and two hex digits. */
  readonly flags: string;
  /** Octets of the value, as decoded; not needed to encode. */
  readonly length?: number;
  /** Of the type `AttributeValues` says; hex for unknown codes and malformed values. */
  readonly value: unknown;
  readonly malformed?: true;
  /** The value's octets, where `value` does not tell them all (reserved bits). Wins on encoding. */
  readonly hex?: string;
}

export interface AttributeOptions extends Partial<AttributeContext> {
  /** Fill `hex` where it is needed to encode the same octets again; costs an encoding of each. */
  readonly exact?: boolean;
}

/** Attributes in `bytes[start, end)`. One that runs past `end` is shown as malformed, and is the last. */
export function decodeAttributes(
  bytes: Uint8Array,
  start: number,
  end: number,
  options: AttributeOptions = {},
): DecodedAttribute[] {
  const context = { as4: options.as4 ?? true, addPath: options.addPath ?? 0 };
  const list: DecodedAttribute[] = [];
  for (let at = start; at + 2 < end;) {
    const flags = readU8(bytes, at);
    const extended = (flags & AttributeFlag.ExtendedLength) !== 0;
    const value = at + (extended ? 4 : 3);
    if (value > end) break;
    const code = readU8(bytes, at + 1);
    const length = extended ? readU16(bytes, at + 2) : readU8(bytes, at + 2);
    const shown = { code, name: attributeName(code), flags: formatFlags(flags), length };
    if (value + length > end) {
      list.push({ ...shown, value: toHex(bytes, value, end), malformed: true });
      break;
    }
    list.push({ ...shown, ...decodeValue(bytes, code, value, value + length, context, options) });
    at = value + length;
  }
  return list;
}

function formatFlags(flags: number): string {
  return `0x${flags.toString(16).padStart(2, "0")}`;
}

function decodeValue(
  bytes: Uint8Array,
  code: number,
  start: number,
  end: number,
  context: AttributeContext,
  options: AttributeOptions,
): Pick<DecodedAttribute, "value" | "malformed" | "hex"> {
  const spec = attributeSpec(code);
  if (spec === undefined) return { value: toHex(bytes, start, end) };
  if (!isDecodable(spec, bytes, start, end, context)) {
    return { value: toHex(bytes, start, end), malformed: true };
  }
  const value = spec.codec.decode(bytes, start, end, context);
  if (options.exact !== true) return { value };
  const again = spec.codec.encode(value, context);
  const same = again.length === end - start && equalBytes(again, 0, bytes, start, again.length);
  return same ? { value } : { value, hex: toHex(bytes, start, end) };
}

function isDecodable(
  spec: AttributeSpec,
  bytes: Uint8Array,
  start: number,
  end: number,
  context: AttributeContext,
): boolean {
  const length = end - start;
  const most = spec.max === RULE_MAX_ANY ? length : spec.max;
  if (length < spec.min || length > most || length % spec.step !== 0) return false;
  if (spec.code === 14 && 5 + readU8(bytes, start + 3) > length) return false;
  return checkAttributeValue(spec.code, bytes, start, end, context.as4);
}

/**
 * The octets of a list, order and flags kept. Throws RangeError for values that are none, and for
 * values of more than 65535 octets.
 */
export function encodeAttributes(
  list: readonly DecodedAttribute[],
  options: Partial<AttributeContext> = {},
): Uint8Array {
  const context = { as4: options.as4 ?? true, addPath: options.addPath ?? 0 };
  return Buffer.concat(list.map((attribute) => encodeAttribute(attribute, context)));
}

function encodeAttribute(attribute: DecodedAttribute, context: AttributeContext): Uint8Array {
  const value = encodeValue(attribute, context);
  if (value.length > 0xffff) throw new RangeError(`${attribute.name} exceeds 65535 octets`);
  const flags = Number(attribute.flags);
  const extended = (flags & AttributeFlag.ExtendedLength) !== 0 || value.length > 255;
  const header = extended ? 4 : 3;
  const bytes = new Uint8Array(header + value.length);
  bytes[0] = extended ? flags | AttributeFlag.ExtendedLength : flags;
  bytes[1] = attribute.code;
  if (extended) writeU16(bytes, 2, value.length);
  else bytes[2] = value.length;
  bytes.set(value, header);
  return bytes;
}

function encodeValue(attribute: DecodedAttribute, context: AttributeContext): Uint8Array {
  const spec = attributeSpec(attribute.code);
  const hex =
    attribute.hex ??
    (spec === undefined || attribute.malformed === true ? String(attribute.value) : undefined);
  if (hex !== undefined) return must(fromHex(hex), "hex", hex);
  return spec!.codec.encode(attribute.value, context);
}

/** The value of the attribute with `code`; undefined when it is missing or malformed. */
export function findAttribute<C extends KnownAttribute>(
  list: readonly DecodedAttribute[],
  code: C,
): AttributeValues[C] | undefined {
  const found = list.find((attribute) => attribute.code === code && attribute.malformed !== true);
  return found?.value as AttributeValues[C] | undefined;
}

/** An attribute to encode, with the flags its specification asks for. */
export function makeAttribute<C extends KnownAttribute>(
  code: C,
  value: AttributeValues[C],
): DecodedAttribute {
  const spec = attributeSpec(code)!;
  return { code, name: spec.name, flags: formatFlags(spec.flags), value };
}

/** One line for people: the value alone. */
export function formatAttribute(attribute: DecodedAttribute): string {
  const spec = attributeSpec(attribute.code);
  if (spec === undefined || attribute.malformed === true) return String(attribute.value);
  return spec.codec.format(attribute.value);
}
