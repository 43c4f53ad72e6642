/**
 * Where HTTP/2 connections go. gRPC is loaded when the first one comes: whoever does not use it does not
 * pay for it. Connections are bounded as those of HTTP are: one without a call under way gives its place to
 * a newcomer. All are closed when a reload turns gRPC off.
 */
import type { Socket } from "node:net";
import { systemClock } from "../util/clock.js";
import { ConnectionPlaces, makeRoom } from "./connections.js";
import type { Desk } from "./desk.js";
import type { GrpcServer } from "./grpc/index.js";

const CONNECTIONS_MAX = 256;

export interface GrpcBounds {
  /** Connections at once; default 256. */
  readonly most?: number;
}

export class GrpcGate {
  private readonly desk: Desk;
  private readonly isOn: () => boolean;
  private readonly most: number;
  private readonly places = new ConnectionPlaces<Socket>();
  /** By address and port, which is all that a call knows of its connection. */
  private readonly sockets = new Map<string, Socket>();
  private server: Promise<GrpcServer> | undefined;
  private closed = false;

  constructor(desk: Desk, isOn: () => boolean, { most = CONNECTIONS_MAX }: GrpcBounds = {}) {
    this.desk = desk;
    this.isOn = isOn;
    this.most = most;
  }

  take(socket: Socket): void {
    const { places, most } = this;
    const address = socket.remoteAddress ?? "";
    if (this.closed || !this.isOn() || !makeRoom(places, address, most)) {
      socket.destroy();
      return;
    }
    const name = `${address}:${socket.remotePort ?? 0}`;
    this.places.add(socket);
    this.sockets.set(name, socket);
    socket.once("close", () => {
      this.places.forget(socket);
      if (this.sockets.get(name) === socket) this.sockets.delete(name);
    });
    // Nobody else listens before the server has it.
    socket.on("error", () => socket.destroy());
    this.load().then(
      (server) => {
        // Another may have its place meanwhile.
        if (!socket.destroyed) server.take(socket);
      },
      (error: unknown) => {
        this.server = undefined;
        this.desk.backend.log.error({ err: error }, "gRPC cannot start");
        socket.destroy();
      },
    );
  }

  rulesChanged(): void {
    if (!this.isOn()) this.drop();
  }

  close(): void {
    this.closed = true;
    void this.server?.then((server) => server.close()).catch(() => {});
    this.drop();
  }

  private drop(): void {
    for (const socket of [...this.places.all()]) socket.destroy();
  }

  private load(): Promise<GrpcServer> {
    return (this.server ??= this.start());
  }

  private async start(): Promise<GrpcServer> {
    const { GrpcServer: Made } = await import("./grpc/index.js");
    const of = (peer: string, run: (socket: Socket) => void): void => {
      const socket = this.sockets.get(peer);
      if (socket !== undefined) run(socket);
    };
    const server = new Made(this.desk, systemClock, {
      begun: (peer) => of(peer, (socket) => this.places.begun(socket)),
      ended: (peer) => of(peer, (socket) => this.places.ended(socket)),
      stuck: (peer) => of(peer, (socket) => socket.destroy()),
    });
    await server.start();
    return server;
  }
}
