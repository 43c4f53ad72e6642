/**
 * Where HTTP/2 connections go. gRPC is loaded when the first one comes: whoever does not use it does not
 * pay for it. Connections are bounded, and closed when a reload turns gRPC off.
 */
import type { Socket } from "node:net";
import { systemClock } from "../util/clock.js";
import type { Desk } from "./desk.js";
import type { GrpcServer } from "./grpc/index.js";

const CONNECTIONS_MAX = 256;
/** Of one address that is not this machine's, so that one alone cannot have them all. */
const PER_ADDRESS_MAX = 64;

const LOOPBACK = /^(::ffff:)?127\.|^::1$/;

export class GrpcGate {
  private readonly desk: Desk;
  private readonly isOn: () => boolean;
  private readonly sockets = new Set<Socket>();
  private server: Promise<GrpcServer> | undefined;
  private closed = false;

  constructor(desk: Desk, isOn: () => boolean) {
    this.desk = desk;
    this.isOn = isOn;
  }

  take(socket: Socket): void {
    if (this.closed || !this.isOn() || this.isFull(socket.remoteAddress ?? "")) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    socket.once("close", () => this.sockets.delete(socket));
    // Nobody else listens before the server has it.
    socket.on("error", () => socket.destroy());
    this.load().then(
      (server) => server.take(socket),
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

  private isFull(address: string): boolean {
    if (this.sockets.size >= CONNECTIONS_MAX) return true;
    if (LOOPBACK.test(address)) return false;
    let count = 0;
    for (const { remoteAddress } of this.sockets) if (remoteAddress === address) count++;
    return count >= PER_ADDRESS_MAX;
  }

  private drop(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  private load(): Promise<GrpcServer> {
    return (this.server ??= this.start());
  }

  private async start(): Promise<GrpcServer> {
    const { GrpcServer: Made } = await import("./grpc/index.js");
    const server = new Made(this.desk, systemClock);
    await server.start();
    return server;
  }
}
