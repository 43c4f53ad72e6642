/**
 * google.protobuf.Struct and Value to plain data and back: protobufjs knows their wire form, not what they
 * mean. Messages without any inside pass as they are.
 */
import type { Field, Proto } from "./proto.js";

type Plain = Record<string, unknown>;
type Convert = (value: unknown) => unknown;

const STRUCT = "google.protobuf.Struct";
const VALUE = "google.protobuf.Value";
const LIST = "google.protobuf.ListValue";

/** Deeper data is cut: it comes from clients, too. */
const DEPTH_MAX = 64;

/** Plain data to what protobufjs encodes; undefined where there is nothing to convert. */
export function encoderOf(proto: Proto, message: string): Convert | undefined {
  return convert(proto, message, { [STRUCT]: toStruct, [VALUE]: toValue, [LIST]: toList });
}

/** The other way round. */
export function decoderOf(proto: Proto, message: string): Convert | undefined {
  return convert(proto, message, { [STRUCT]: fromStruct, [VALUE]: fromValue, [LIST]: fromList });
}

function convert(
  proto: Proto,
  name: string,
  known: Readonly<Record<string, Convert>>,
): Convert | undefined {
  const direct = known[name];
  if (direct !== undefined) return direct;
  const members = proto.message(name).fields.flatMap((field): { field: Field; run: Convert }[] => {
    if (field.message === undefined) return [];
    const run = convert(proto, field.message, known);
    return run === undefined ? [] : [{ field, run }];
  });
  if (members.length === 0) return undefined;
  return (value) => {
    const out: Plain = { ...(value as Plain) };
    for (const { field, run } of members) {
      const inside = out[field.name];
      if (inside === undefined || inside === null) continue;
      if (field.repeated) out[field.name] = (inside as unknown[]).map((one) => run(one));
      else if (field.map) out[field.name] = mapValues(inside as Plain, run);
      else out[field.name] = run(inside);
    }
    return out;
  };
}

function mapValues(plain: Plain, run: Convert): Plain {
  return Object.fromEntries(Object.entries(plain).map(([key, value]) => [key, run(value)]));
}

function toStruct(value: unknown): unknown {
  return structAt(value, 0);
}

function structAt(value: unknown, depth: number): unknown {
  const fields: Plain = {};
  for (const [key, inside] of Object.entries(value as Plain)) {
    if (inside !== undefined) fields[key] = valueAt(inside, depth + 1);
  }
  return { fields };
}

function toValue(value: unknown): unknown {
  return valueAt(value, 0);
}

function toList(value: unknown): unknown {
  return { values: (value as unknown[]).map((inside) => valueAt(inside, 1)) };
}

function valueAt(value: unknown, depth: number): unknown {
  if (value === null || value === undefined || depth > DEPTH_MAX) return { nullValue: 0 };
  switch (typeof value) {
    case "string":
      return { stringValue: value };
    case "number":
      return { numberValue: value };
    case "boolean":
      return { boolValue: value };
    case "object":
      return Array.isArray(value)
        ? { listValue: { values: value.map((inside) => valueAt(inside, depth + 1)) } }
        : { structValue: structAt(value, depth) };
    default:
      return { nullValue: 0 };
  }
}

function fromStruct(value: unknown): unknown {
  const { fields = {} } = value as { fields?: Plain };
  return mapValues(fields, fromValue);
}

function fromList(value: unknown): unknown {
  const { values = [] } = value as { values?: unknown[] };
  return values.map(fromValue);
}

function fromValue(value: unknown): unknown {
  const one = value as Plain;
  if ("stringValue" in one) return one["stringValue"];
  if ("numberValue" in one) return one["numberValue"];
  if ("boolValue" in one) return one["boolValue"];
  if ("structValue" in one) return fromStruct(one["structValue"]);
  if ("listValue" in one) return fromList(one["listValue"]);
  return null;
}
