/** The messages of `proto/`, read when the API starts: what each member is, and gRPC's own definitions. */
import { loadSync } from "@grpc/proto-loader";
import type { PackageDefinition } from "@grpc/proto-loader";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export const PACKAGE = "evpnd.v1";
const FOLDER = "evpnd/v1";

export type FieldKind = "string" | "bool" | "integer" | "unsigned" | "double" | "bytes" | "message";

export interface Field {
  /** As in JSON. */
  readonly name: string;
  readonly kind: FieldKind;
  /** Octets of an integer. */
  readonly bits: 32 | 64;
  /** Of kind `message`: its full name. */
  readonly message: string | undefined;
  readonly repeated: boolean;
  /** By name: `kind` and `message` are those of the values. */
  readonly map: boolean;
  /** May be missing. */
  readonly optional: boolean;
}

export interface Message {
  readonly name: string;
  readonly fields: readonly Field[];
}

const KINDS: Readonly<Record<string, readonly [FieldKind, 32 | 64]>> = {
  TYPE_STRING: ["string", 32],
  TYPE_BOOL: ["bool", 32],
  TYPE_INT32: ["integer", 32],
  TYPE_UINT32: ["unsigned", 32],
  TYPE_INT64: ["integer", 64],
  TYPE_UINT64: ["unsigned", 64],
  TYPE_DOUBLE: ["double", 64],
  TYPE_BYTES: ["bytes", 32],
  TYPE_MESSAGE: ["message", 32],
};

/** Where `proto/` lies: beside `package.json`, however deep this file is built to. */
export function protoFolder(from = fileURLToPath(import.meta.url)): string {
  for (let at = dirname(from); ; at = dirname(at)) {
    const folder = join(at, "proto");
    if (existsSync(join(folder, FOLDER))) return folder;
    if (dirname(at) === at) {
      throw new Error(
        `proto/${FOLDER} is missing; it belongs beside package.json, install evpnd again`,
      );
    }
  }
}

export function protoFiles(folder = protoFolder()): string[] {
  const names = readdirSync(join(folder, FOLDER)).filter((name) => name.endsWith(".proto"));
  return names.sort().map((name) => `${FOLDER}/${name}`);
}

/** @param keepCase member names as the files have them, in place of those of JSON */
export function loadProto(keepCase = false): PackageDefinition {
  const folder = protoFolder();
  return loadSync(protoFiles(folder), {
    keepCase,
    longs: Number,
    enums: String,
    defaults: false,
    oneofs: false,
    includeDirs: [folder],
  });
}

/** What of protobufjs' descriptor is read here. */
interface RawType {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly label: string;
    readonly type: string;
    readonly typeName: string;
  }[];
  readonly oneofDecl: readonly { readonly name: string }[];
  readonly nestedType: readonly RawType[];
}

export class Proto {
  readonly definition: PackageDefinition = loadProto();
  private readonly known = new Map<string, Message>();

  /** @param name of this package, or a full one of google.protobuf */
  message(name: string): Message {
    const known = this.known.get(name);
    if (known !== undefined) return known;
    const entry = this.definition[name.includes(".") ? name : `${PACKAGE}.${name}`];
    if (entry === undefined || !("type" in entry) || !("field" in entry.type)) {
      throw new Error(`proto/${FOLDER} has no message ${name}`);
    }
    const message = readMessage(entry.type as RawType);
    this.known.set(name, message);
    return message;
  }
}

function readMessage(raw: RawType): Message {
  const fields = raw.field.map((field): Field => {
    const entry = raw.nestedType.find(({ name }) => name === field.typeName);
    const { type, typeName } = entry?.field[1] ?? field;
    const [kind, bits] = KINDS[type] ?? [];
    if (kind === undefined || bits === undefined) {
      throw new Error(
        `proto/${FOLDER}: ${raw.name}.${field.name} is of a type we do not use: ${type}`,
      );
    }
    const repeated = field.label === "LABEL_REPEATED" && entry === undefined;
    return {
      name: field.name,
      kind,
      bits,
      message: kind === "message" ? typeName.replace(`${PACKAGE}.`, "") : undefined,
      repeated,
      map: entry !== undefined,
      optional:
        raw.oneofDecl.some(({ name }) => name === `_${field.name}`) ||
        (kind === "message" && !repeated && entry === undefined),
    };
  });
  return { name: raw.name, fields };
}

let shared: Proto | undefined;

/** Read once in a process. */
export function proto(): Proto {
  return (shared ??= new Proto());
}
