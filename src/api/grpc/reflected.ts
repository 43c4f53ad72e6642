/**
 * The descriptors that reflection shows. What protobufjs makes of `proto/` leaves out what strict clients
 * ask for: which optional members are no real oneofs, full type names, names of map entries, and which file
 * needs which. It is put right here, once, when the first gRPC client comes.
 */
import { loadSync } from "@grpc/proto-loader";
import type { AnyDefinition, MessageTypeDefinition, PackageDefinition } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { loadProto, PACKAGE } from "../service/index.js";

interface FieldDescriptor {
  name: string;
  label?: string;
  type: string;
  typeName?: string;
  oneofIndex?: number;
  proto3Optional?: boolean;
  jsonName?: string;
}

interface TypeDescriptor {
  name: string;
  field?: FieldDescriptor[];
  nestedType?: TypeDescriptor[];
  oneofDecl?: { readonly name: string }[];
}

interface FileDescriptor {
  name: string;
  package: string;
  dependency?: string[];
  messageType?: TypeDescriptor[];
}

const GOOGLE = "google.protobuf";
/** Of those that clients may have already, the name that they know. */
const FILES: Readonly<Record<string, string>> = {
  [PACKAGE]: "evpnd/v1/evpnd.proto",
  [GOOGLE]: "google/protobuf/struct.proto",
};

let shared: ReflectionService | undefined;

/** Made once in a process, for every server: it takes a second of computing. */
export function reflectionService(): ReflectionService {
  return (shared ??= new ReflectionService(reflectedDefinition()));
}

function reflectedDefinition(): PackageDefinition {
  const codec = fileCodec();
  const definition = loadProto(true);
  const made = new Map<Buffer, Buffer>();
  const corrected = (bytes: Buffer): Buffer => {
    const known = made.get(bytes);
    if (known !== undefined) return known;
    const file = codec.deserialize(bytes) as FileDescriptor;
    correctFile(file);
    const out = codec.serialize(file);
    made.set(bytes, out);
    return out;
  };
  return Object.fromEntries(
    Object.entries(definition).map(([name, entry]): [string, AnyDefinition] => {
      if (!("fileDescriptorProtos" in entry) || !Array.isArray(entry.fileDescriptorProtos)) {
        return [name, entry];
      }
      const files = entry.fileDescriptorProtos;
      return [name, { ...entry, fileDescriptorProtos: files.map(corrected) } as AnyDefinition];
    }),
  );
}

/** protobufjs has descriptor.proto with it, whatever folder is asked. */
function fileCodec(): MessageTypeDefinition<object, object> {
  const options = { longs: Number, enums: String, defaults: false };
  const known = loadSync("google/protobuf/descriptor.proto", options);
  return known[`${GOOGLE}.FileDescriptorProto`] as MessageTypeDefinition<object, object>;
}

function correctFile(file: FileDescriptor): void {
  const scope = file.package;
  file.name = FILES[scope] ?? file.name;
  for (const type of file.messageType ?? []) correctType(type, scope);
  if (scope === PACKAGE && usesGoogle(file)) file.dependency = [FILES[GOOGLE]!];
}

function usesGoogle({ messageType = [] }: FileDescriptor): boolean {
  return messageType.some(({ field = [] }) =>
    field.some(({ typeName }) => typeName?.startsWith(`.${GOOGLE}.`)),
  );
}

function correctType(type: TypeDescriptor, scope: string): void {
  const { field: fields = [], nestedType: entries = [], oneofDecl = [] } = type;
  for (const field of fields) {
    const entry = entries.find(({ name }) => name === field.typeName);
    if (oneofDecl[field.oneofIndex ?? -1]?.name === `_${field.name}`) field.proto3Optional = true;
    if (scope === GOOGLE) field.name = snakeCase(field.name);
    field.jsonName = field.name.replaceAll(/_+([a-z0-9])/g, (_all, letter: string) =>
      letter.toUpperCase(),
    );
    if (entry !== undefined) {
      // protoc's name for the entries of a map.
      entry.name = `${pascalCase(field.name)}Entry`;
      field.typeName = `.${scope}.${type.name}.${entry.name}`;
      for (const inside of entry.field ?? []) qualify(inside, scope);
    } else {
      qualify(field, scope);
    }
  }
}

function qualify(field: FieldDescriptor, scope: string): void {
  const { typeName } = field;
  if (typeName === undefined || typeName === "" || typeName.startsWith(".")) return;
  field.typeName = typeName.includes(".") ? `.${typeName}` : `.${scope}.${typeName}`;
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function pascalCase(name: string): string {
  return name.replaceAll(/(?:^|_)([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());
}
