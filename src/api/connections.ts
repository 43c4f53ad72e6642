/**
 * Bounds the API's connections without letting the idle keep out the busy: when all places are
 * taken, a newcomer gets the place of the connection that has waited longest without a request under
 * way, half-sent ones first of all. Health checks get through whatever others leave open.
 */
import type { Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { systemClock, type Clock } from "../util/clock.js";
import { Deadlines, type Deadline } from "../util/deadlines.js";

/**
 * For a client that takes nothing of its answer, by HTTP or gRPC: longer than somebody looks at one screen of a watch, and
 * short enough for places to come back.
 */
export const TAKE_MS = 300_000;
/** Until the turn of a response has come that waits behind others of its connection. */
const TURN_MS = 120_000;
/** Of one address that is not this machine's, so that one alone cannot have every place. */
const PER_ADDRESS_MAX = 64;

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

interface Connection {
  destroy(): unknown;
}

/** Who has a place, and who uses it. The same rule for HTTP and gRPC. */
export class ConnectionPlaces<C extends Connection> {
  /** Nothing asked yet, or half of it; in order of arrival. */
  private readonly silent = new Set<C>();
  /** Answered, and kept for more; in the order in which they became so. */
  private readonly idle = new Set<C>();
  /** Requests under way of each. */
  private readonly busy = new Map<C, number>();

  get size(): number {
    return this.silent.size + this.idle.size + this.busy.size;
  }

  *all(): Iterable<C> {
    yield* this.silent;
    yield* this.idle;
    yield* this.busy.keys();
  }

  add(connection: C): void {
    this.silent.add(connection);
  }

  forget(connection: C): void {
    this.silent.delete(connection);
    this.idle.delete(connection);
    this.busy.delete(connection);
  }

  /** A request of it is under way. */
  begun(connection: C): void {
    const requests = this.busy.get(connection);
    if (requests !== undefined) this.busy.set(connection, requests + 1);
    else if (this.silent.delete(connection) || this.idle.delete(connection)) {
      this.busy.set(connection, 1);
    }
  }

  /** A request of it is over. */
  ended(connection: C): void {
    const requests = this.busy.get(connection);
    if (requests === undefined) return;
    if (requests > 1) {
      this.busy.set(connection, requests - 1);
      return;
    }
    this.busy.delete(connection);
    this.idle.add(connection);
  }

  isBusy(connection: C): boolean {
    return this.busy.has(connection);
  }

  /**
   * Closes the one that may give way first; false when all are in use.
   * @param mayGo of which the one is
   */
  evict(mayGo: (connection: C) => boolean = () => true): boolean {
    for (const waiting of [this.silent, this.idle]) {
      for (const one of waiting) {
        if (!mayGo(one)) continue;
        this.forget(one);
        one.destroy();
        return true;
      }
    }
    return false;
  }
}

/** A place for a newcomer of that address; false when every one that could be given is in use. */
export function makeRoom(places: ConnectionPlaces<Socket>, address: string, most: number): boolean {
  if (!LOOPBACK.test(address)) {
    const isOfAddress = ({ remoteAddress }: Socket): boolean => remoteAddress === address;
    let count = 0;
    for (const one of places.all()) if (isOfAddress(one)) count++;
    if (count >= PER_ADDRESS_MAX) return places.evict(isOfAddress);
  }
  return places.size < most || places.evict();
}

/**
 * @param event with which a connection begins that may bring requests
 * @returns `release`: the connection is somebody else's now, and counts no more
 */
export function boundConnections(
  server: Server,
  most: number,
  event: "connection" | "secureConnection" = "connection",
  clock: Clock = systemClock,
): { readonly release: (socket: Socket) => void } {
  const places = new ConnectionPlaces<Socket>();
  /** Responses that wait behind others of their connection, and how long they do. */
  const behind = new WeakMap<Socket, Map<ServerResponse, Deadline>>();
  const deadlines = new Deadlines(clock, TURN_MS);
  server.on("close", () => deadlines.close());
  server.on(event, (socket: Socket) => {
    if (!makeRoom(places, socket.remoteAddress ?? "", most)) {
      socket.destroy();
      return;
    }
    places.add(socket);
    socket.once("close", () => {
      places.forget(socket);
      for (const response of behind.get(socket)?.keys() ?? []) overWith(response);
    });
  });
  // One for all: a closure for each, by `once`, kept its request from being collected for two collections.
  const over = function (this: ServerResponse): void {
    const { socket } = this.req;
    places.ended(socket);
    const others = behind.get(socket);
    others?.get(this)?.end();
    others?.delete(this);
  };
  // Nothing went in or out for as long as the server waits. Who waits for us waits on; who takes nothing of what is
  // there for him, or asks nothing more, has been waited for.
  server.on("timeout", (socket: Socket) => {
    if (socket.writableLength > 0 || !places.isBusy(socket)) socket.destroy();
  });
  server.on("request", ({ socket }, response) => {
    places.begun(socket);
    response.on("close", over);
    if (response.socket !== null) return;
    let others = behind.get(socket);
    if (others === undefined) behind.set(socket, (others = new Map<ServerResponse, Deadline>()));
    // Behind a watch it would wait, and have a place, for as long as that one watches.
    const late = (): void => void (response.socket === null && socket.destroy());
    others.set(response, deadlines.begin(late));
  });
  return { release: (socket) => places.forget(socket) };
}

/**
 * When a connection goes, Node.js says `close` of the response whose turn it is, and of those behind it never, or
 * when their answers end: whoever counts on it would count them for ever.
 */
function overWith(response: ServerResponse): void {
  response.emit("close");
  response.removeAllListeners("close");
}

/**
 * Bounds the connections in their TLS handshake, which are in no other list yet: a newcomer gets the place of
 * the one that has been at it longest.
 */
export function boundHandshakes(server: Server, most: number): void {
  /** In order of arrival; by what both the connection and its TLS have. */
  const shaking = new Map<string, Socket>();
  server.on("connection", (socket: Socket) => {
    const name = nameOf(socket);
    if (shaking.size >= most) {
      const [oldest, its] = shaking.entries().next().value!;
      shaking.delete(oldest);
      its.destroy();
    }
    shaking.set(name, socket);
    socket.once("close", () => {
      if (shaking.get(name) === socket) shaking.delete(name);
    });
  });
  server.on("secureConnection", (socket: Socket) => shaking.delete(nameOf(socket)));
}

function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress ?? ""} ${remotePort ?? 0}`;
}
