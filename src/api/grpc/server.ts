/** The gRPC server: services from the table of operations, and its limits. It owns no listening socket. */
import { Server, ServerCredentials } from "@grpc/grpc-js";
import type { ConnectionInjector, MethodDefinition } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import type { Duplex } from "node:stream";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { Deadlines } from "../../util/deadlines.js";
import type { Desk } from "../desk.js";
import { encoderOf, OPERATIONS, PACKAGE, proto, type Operation } from "../service/index.js";
import { TAKE_MS } from "../connections.js";
import { admission, type Admitted, type CallSink } from "./admission.js";
import { streamHandler, unaryHandler, type Streaming, type Unary } from "./handlers.js";
import { reflectionService } from "./reflected.js";

/** The largest request is a configuration of 512 KiB characters. */
const RECEIVE_MAX = 2 * 1024 * 1024;
const LIMITS = {
  "grpc.max_receive_message_length": RECEIVE_MAX,
  "grpc.max_concurrent_streams": 100,
  "grpc.max_connection_idle_ms": 300_000,
  "grpc.keepalive_time_ms": 60_000,
  "grpc.keepalive_timeout_ms": 20_000,
} as const;
const READY_MS = 1000;
const REFLECTION: Admitted = { id: "ServerReflectionInfo", role: "viewer" };
/** Not ours; reflection is for whoever may look. */
const OTHERS: ReadonlyMap<string, Admitted> = new Map([
  ["/grpc.health.v1.Health/Check", { id: "Health", role: "anyone" }],
  ["/grpc.health.v1.Health/Watch", { id: "Health", role: "anyone" }],
  ["/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", REFLECTION],
  ["/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", REFLECTION],
]);

interface Handlers {
  readonly definition: Record<string, MethodDefinition<object, object>>;
  readonly implementation: Record<string, Unary | Streaming>;
}

export class GrpcServer {
  private readonly desk: Desk;
  private readonly clock: Clock;
  private readonly taking: Deadlines;
  private readonly server: Server;
  private readonly health: HealthImplementation;
  private readonly names: readonly string[];
  private readonly injector: ConnectionInjector;
  private timer: TimerHandle | undefined;
  private closed = false;

  /** @param calls is told which connections are in use */
  constructor(desk: Desk, clock: Clock, calls?: CallSink) {
    this.desk = desk;
    this.clock = clock;
    this.taking = new Deadlines(clock, TAKE_MS);
    const services = servicesOf(desk);
    const operations = new Map([...OTHERS, ...rolesOf()]);
    this.server = new Server({
      ...LIMITS,
      interceptors: [admission({ desk, clock, taking: this.taking, operations, calls })],
    });
    for (const { definition, implementation } of services.values()) {
      this.server.addService(definition, implementation);
    }
    this.names = ["", ...services.keys()];
    this.health = new HealthImplementation(
      Object.fromEntries(this.names.map((name) => [name, "NOT_SERVING"] as const)),
    );
    this.health.addToServer(this.server);
    reflectionService().addToServer(this.server);
    this.injector = this.server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  /** Learns what health has to say; then calls may come. */
  async start(): Promise<void> {
    await this.look();
  }

  /** A connection whose first octets are HTTP/2's, TLS done. */
  take(socket: Duplex): void {
    if (this.closed) socket.destroy();
    else this.injector.injectConnection(socket);
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.taking.close();
    this.injector.destroy();
    this.server.forceShutdown();
  }

  /** SERVING while BGP listens; asked for as long as there are clients that could ask. */
  private async look(): Promise<void> {
    let ready = false;
    try {
      ({ ready } = await this.desk.backend.control.summary());
    } catch {
      // The BGP thread does not answer: that is what NOT_SERVING means.
    }
    if (this.closed) return;
    for (const name of this.names) this.health.setStatus(name, ready ? "SERVING" : "NOT_SERVING");
    this.timer = this.clock.setTimer(READY_MS, () => void this.look());
  }
}

/** By path. */
function rolesOf(): [string, Admitted][] {
  return OPERATIONS.flatMap((operation): [string, Admitted][] => {
    const { id, group } = operation;
    const dump = operation.kind === "page" ? operation.dump : undefined;
    const names = dump === undefined ? [id] : [id, dump];
    return names.map((name) => [`/${PACKAGE}.${group}/${name}`, operation]);
  });
}

function servicesOf(desk: Desk): Map<string, Handlers> {
  const services = new Map<string, Handlers>();
  const put = (operation: Operation, id: string, handler: Unary | Streaming): void => {
    const name = `${PACKAGE}.${operation.group}`;
    let service = services.get(name);
    if (service === undefined) {
      service = { definition: {}, implementation: {} };
      services.set(name, service);
    }
    service.definition[id] = definitionOf(name, id);
    service.implementation[id] = handler;
  };
  for (const operation of OPERATIONS) {
    switch (operation.kind) {
      case "unary":
        put(operation, operation.id, unaryHandler(desk, operation));
        break;
      case "page":
        put(operation, operation.id, unaryHandler(desk, operation));
        if (operation.dump !== undefined) {
          put(operation, operation.dump, streamHandler(desk, operation));
        }
        break;
      case "stream":
        put(operation, operation.id, streamHandler(desk, operation));
        break;
      case "file":
        if (!operation.httpOnly) put(operation, operation.id, streamHandler(desk, operation));
        break;
      default:
        operation satisfies never;
    }
  }
  return services;
}

/** proto-loader's own, but for members without a fixed shape. */
function definitionOf(service: string, id: string): MethodDefinition<object, object> {
  const entry = proto().definition[service] as Readonly<
    Record<string, MethodDefinition<object, object> & { responseType: { type: object } }>
  >;
  const method = entry[id];
  if (method === undefined) throw new Error(`proto/ has no rpc ${service}.${id}`);
  const encode = encoderOf(proto(), (method.responseType.type as { name: string }).name);
  if (encode === undefined) return method;
  return {
    ...method,
    responseSerialize: (answer) => method.responseSerialize(encode(answer) as object),
  };
}
