/** A gRPC client that knows nothing but the reflection protocol: what grpcurl does. */
import {
  Client,
  credentials,
  Metadata,
  type ChannelCredentials,
  type ServiceError,
} from "@grpc/grpc-js";
import { loadFileDescriptorSetFromBuffer, loadSync } from "@grpc/proto-loader";
import type { MethodDefinition, PackageDefinition, ServiceDefinition } from "@grpc/proto-loader";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const OPTIONS = { longs: Number, enums: String, defaults: false, oneofs: false };
const installed = dirname(createRequire(import.meta.url).resolve("@grpc/reflection/package.json"));
const REFLECTION = "grpc.reflection.v1.ServerReflection";

/** The protocol itself; read once. */
let protocol: MethodDefinition<object, object> | undefined;
function reflectionMethod(): MethodDefinition<object, object> {
  const path = join(installed, "build/proto/grpc/reflection/v1/reflection.proto");
  const service = loadSync(path, OPTIONS)[REFLECTION] as ServiceDefinition;
  return service["ServerReflectionInfo"]!;
}

/** What descriptors mean, by their octets: every client of a process is told the same. */
const read = new Map<string, PackageDefinition>();
function definitionOf(files: readonly Buffer[]): PackageDefinition {
  const set = fileSet(files);
  const octets = set.toString("latin1");
  let definition = read.get(octets);
  if (definition === undefined) {
    definition = loadFileDescriptorSetFromBuffer(set, OPTIONS);
    read.set(octets, definition);
  }
  return definition;
}

type Method = MethodDefinition<object, object>;

interface ReflectionAnswer {
  readonly listServicesResponse?: { readonly service: readonly { readonly name: string }[] };
  readonly fileDescriptorResponse?: { readonly fileDescriptorProto: readonly Buffer[] };
  readonly errorResponse?: { readonly errorMessage: string };
}

export class ReflectionClient {
  private readonly client: Client;
  private readonly metadata = new Metadata();
  private readonly known = new Map<string, PackageDefinition>();

  constructor(
    address: string,
    token?: string,
    channel: ChannelCredentials = credentials.createInsecure(),
  ) {
    this.client = new Client(address, channel);
    if (token !== undefined) this.metadata.set("authorization", `Bearer ${token}`);
  }

  close(): void {
    this.client.close();
  }

  async services(): Promise<string[]> {
    const { listServicesResponse } = await this.reflect({ listServices: "" });
    return (listServicesResponse?.service ?? []).map(({ name }) => name);
  }

  /** Descriptors of whatever the service's file needs, as the server gives them. */
  async files(symbol: string): Promise<readonly Buffer[]> {
    const answer = await this.reflect({ fileContainingSymbol: symbol });
    if (answer.errorResponse) throw new Error(answer.errorResponse.errorMessage);
    return answer.fileDescriptorResponse?.fileDescriptorProto ?? [];
  }

  async unary<T>(service: string, rpc: string, input: object = {}): Promise<T> {
    const method = await this.method(service, rpc);
    return new Promise((resolve, reject) => {
      this.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        input,
        this.metadata,
        (error, answer) => (error === null ? resolve(answer as T) : reject(error)),
      );
    });
  }

  async stream<T>(service: string, rpc: string, input: object = {}): Promise<T[]> {
    const method = await this.method(service, rpc);
    const call = this.client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      input,
      this.metadata,
    );
    const out: T[] = [];
    for await (const row of call) out.push(row as T);
    return out;
  }

  /** The stream itself: for those who stop reading. */
  async open(service: string, rpc: string, input: object = {}) {
    const method = await this.method(service, rpc);
    return this.client.makeServerStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      input,
      this.metadata,
    );
  }

  private async method(service: string, rpc: string): Promise<Method> {
    let definition = this.known.get(service);
    if (definition === undefined) {
      definition = definitionOf(await this.files(service));
      this.known.set(service, definition);
    }
    const method = (definition[service] as ServiceDefinition | undefined)?.[rpc];
    if (method === undefined) throw new Error(`reflection shows no ${service}.${rpc}`);
    return method;
  }

  private reflect(request: object): Promise<ReflectionAnswer> {
    const method = (protocol ??= reflectionMethod());
    const call = this.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      this.metadata,
    );
    return new Promise((resolve, reject) => {
      call.on("data", (answer: ReflectionAnswer) => {
        resolve(answer);
        call.end();
      });
      call.on("error", (error: ServiceError) => reject(error));
      call.write(request);
    });
  }
}

/** FileDescriptorSet: field 1, a message each. */
function fileSet(files: readonly Buffer[]): Buffer {
  return Buffer.concat(
    files.flatMap((file) => {
      const length: number[] = [];
      let rest = file.length;
      for (; rest > 0x7f; rest >>>= 7) length.push((rest & 0x7f) | 0x80);
      return [Buffer.from([0x0a, ...length, rest]), file];
    }),
  );
}
