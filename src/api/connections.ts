/**
 * Bounds the HTTP door's connections without letting the idle keep out the busy: when all places are
 * taken, a newcomer gets the place of the connection that has waited longest without a request under
 * way, half-sent ones first of all. Health checks get through whatever others leave open.
 */
import type { Server } from "node:http";
import type { Socket } from "node:net";

/**
 * @param event with which a connection begins that may bring requests
 * @returns `release`: the connection is somebody else's now, and counts no more
 */
export function boundConnections(
  server: Server,
  most: number,
  event: "connection" | "secureConnection" = "connection",
): { readonly release: (socket: Socket) => void } {
  /** Nothing asked yet, or half of it; in order of arrival. */
  const silent = new Set<Socket>();
  /** Answered, and kept for more. */
  const idle = new Set<Socket>();
  const busy = new Set<Socket>();
  server.on(event, (socket: Socket) => {
    if (silent.size + idle.size + busy.size >= most) {
      const oldest: Socket | undefined = first(silent) ?? first(idle);
      if (oldest === undefined) {
        socket.destroy();
        return;
      }
      forget(oldest);
      oldest.destroy();
    }
    silent.add(socket);
    socket.once("close", () => forget(socket));
  });
  server.on("request", ({ socket }, response) => {
    if (!silent.delete(socket) && !idle.delete(socket)) return;
    busy.add(socket);
    response.once("close", () => {
      if (busy.delete(socket)) idle.add(socket);
    });
  });

  return { release: forget };

  function forget(socket: Socket): void {
    silent.delete(socket);
    idle.delete(socket);
    busy.delete(socket);
  }
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

function first(sockets: ReadonlySet<Socket>): Socket | undefined {
  return sockets.values().next().value;
}
