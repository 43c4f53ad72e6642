/**
 * The check of an input, the same for every transport: a JSON Schema is made of the message's members and
 * the operation's rules, and its faults become sentences in `error.ts`.
 */
import { Ajv } from "ajv";
import type { ErrorObject, ValidateFunction } from "ajv";
import type { FieldRule, FieldRules, Input, Operation } from "./operation.js";
import type { Field, Proto } from "./proto.js";

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Thrown by `InputCheck.check`; `error.ts` has the words. */
export class InputFault extends Error {
  readonly faults: readonly ErrorObject[];
  constructor(faults: readonly ErrorObject[]) {
    super("the input is not what the operation takes");
    this.faults = faults;
  }
}

const INT32_MAX = 0x7fff_ffff;
const UINT32_MAX = 0xffff_ffff;

/** Text to numbers and so on, as query strings have no types. The code it makes is small: no optimizing. */
const ajv = new Ajv({
  allErrors: true,
  coerceTypes: true,
  useDefaults: true,
  strict: false,
  code: { optimize: false },
});

export class InputCheck {
  private readonly operation: Operation;
  private readonly proto: Proto;
  /** Compiled when first asked. */
  private compiled: ValidateFunction | undefined;
  private readonly blank: Readonly<Record<string, unknown>>;
  private readonly lists: readonly { readonly name: string; readonly alone: string | undefined }[];

  constructor(operation: Operation, proto: Proto) {
    const { fields } = proto.message(operation.input);
    const { rules = {} } = operation;
    this.operation = operation;
    this.proto = proto;
    this.blank = Object.fromEntries(fields.map(({ name }) => [name, undefined]));
    this.lists = fields
      .filter(({ repeated }) => repeated)
      .map(({ name }) => ({ name, alone: rules[name]?.alone }));
  }

  /**
   * Fills in defaults; throws `InputFault`.
   * @param value may be changed
   */
  check(value: Record<string, unknown>): Input {
    for (const { name, alone } of this.lists) {
      if (alone !== undefined && value[name] === alone) value[name] = [alone];
    }
    const { input, rules } = this.operation;
    const validate = (this.compiled ??= ajv.compile(messageSchema(this.proto, input, rules)));
    if (validate(value)) return value;
    throw new InputFault(validate.errors ?? []);
  }

  /** The same in an object that has all members, in one order: the fastest to read. */
  shaped(value: Input): Input {
    const input = { ...this.blank };
    for (const name in value) input[name] = value[name];
    return input;
  }

  /** Of a query string: what may stand several times is a list though it stands once. */
  listed(query: Record<string, unknown>): Record<string, unknown> {
    for (const { name, alone } of this.lists) {
      const value = query[name];
      if (typeof value === "string" && value !== alone) query[name] = [value];
    }
    return query;
  }
}

/** What a client may send; unknown members are refused. Throws for rules of members that there are not. */
export function messageSchema(proto: Proto, name: string, rules: FieldRules = {}): JsonSchema {
  const { fields } = proto.message(name);
  for (const rule of Object.keys(rules)) {
    if (fields.some((field) => field.name === rule)) continue;
    throw new Error(`a rule for "${rule}", and the message ${name} has no such member`);
  }
  const required = Object.keys(rules).filter((key) => rules[key]?.required);
  return {
    type: "object",
    additionalProperties: false,
    ...(required.length > 0 && { required }),
    properties: Object.fromEntries(
      fields.map((field) => [field.name, fieldSchema(proto, field, rules[field.name] ?? {})]),
    ),
  };
}

function fieldSchema(proto: Proto, field: Field, rule: FieldRule): JsonSchema {
  const { minItems, maxItems, items = {} } = rule;
  if (field.map) {
    return { type: "object", additionalProperties: valueSchema(proto, field, items) };
  }
  if (!field.repeated) return valueSchema(proto, field, rule);
  return {
    type: "array",
    ...defined({ minItems, maxItems }),
    items: valueSchema(proto, field, items),
  };
}

function valueSchema(proto: Proto, field: Field, rule: FieldRule): JsonSchema {
  const { minimum, maximum, minLength, maxLength, pattern, default: fallback } = rule;
  const common = { ...(fallback !== undefined && { default: fallback }) };
  switch (field.kind) {
    case "string":
    case "bytes":
      return {
        ...common,
        type: "string",
        ...defined({ minLength, maxLength, pattern }),
        ...enumOf(rule),
      };
    case "bool":
      return { ...common, type: "boolean" };
    case "double":
      return { ...common, type: "number", ...defined({ minimum, maximum }) };
    case "integer":
    case "unsigned": {
      const [least, most] = boundsOf(field);
      return { ...common, type: "integer", minimum: minimum ?? least, maximum: maximum ?? most };
    }
    case "message":
      return field.message?.startsWith("google.protobuf.")
        ? wellKnownSchema(field.message)
        : messageSchema(proto, field.message ?? "", rule.fields);
  }
}

function enumOf({ enum: words }: FieldRule): JsonSchema {
  return words === undefined ? {} : { enum: words };
}

export function wellKnownSchema(name: string): JsonSchema {
  return name === "google.protobuf.Struct" ? { type: "object" } : {};
}

function boundsOf({ kind, bits }: Field): [number, number] {
  if (bits === 64)
    return [kind === "unsigned" ? 0 : -Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER];
  return kind === "unsigned" ? [0, UINT32_MAX] : [-INT32_MAX - 1, INT32_MAX];
}

function defined(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

const checks = new Map<Operation, InputCheck>();

/** One for each operation in a process. */
export function inputCheckOf(operation: Operation, proto: Proto): InputCheck {
  const known = checks.get(operation);
  if (known !== undefined) return known;
  const made = new InputCheck(operation, proto);
  checks.set(operation, made);
  return made;
}
