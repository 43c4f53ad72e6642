/**
 * The UDP sockets of BFD: one listens per kind and address family in use (RFC 5881 section 4: port
 * 3784; RFC 5883: 4784), and each session sends from a port of its own in 49152 to 65535, with TTL 255.
 * Nothing is open while no session exists.
 */
import { createSocket, type RemoteInfo, type Socket, type SocketOptions } from "node:dgram";
import type { BfdNetwork, BfdSender } from "./engine.js";
import type { BfdSpec } from "./messages.js";
import type { RawUdp } from "./raw-udp.js";

export interface BfdPorts {
  readonly singleHop: number;
  readonly multihop: number;
}

export const BFD_PORTS: BfdPorts = { singleHop: 3784, multihop: 4784 };

export interface NetworkParts {
  readonly ports: BfdPorts;
  readonly raw: RawUdp | undefined;
  readonly random: () => number;
  readonly received: (bytes: Uint8Array, from: string, multihop: boolean) => void;
  readonly problem: (peer: string | undefined, text: string) => void;
}

const FIRST_SOURCE_PORT = 49152;
const SOURCE_PORTS = 65536 - FIRST_SOURCE_PORT;
const BIND_ATTEMPTS = 20;
/** How long until a socket that could not be had is tried again. */
const RETRY_MS = 5000;
const TTL = 255;

/** Addresses are literal: nothing may be looked up. */
const LITERAL = {
  lookup: ((
    host: string,
    _options: unknown,
    done: (error: Error | null, address: string, family: number) => void,
  ) => done(null, host, host.includes(":") ? 6 : 4)) as SocketOptions["lookup"],
};

export class UdpNetwork implements BfdNetwork {
  private readonly parts: NetworkParts;
  private readonly listening = new Map<string, Socket>();
  private readonly retries = new Map<string, NodeJS.Timeout>();
  private filtered = true;

  constructor(parts: NetworkParts) {
    this.parts = parts;
  }

  get ttlChecked(): boolean {
    return this.parts.raw !== undefined && this.filtered;
  }

  listen(multihop: boolean, ipv6: boolean): void {
    const key = `${multihop ? "multihop" : "single"} ${ipv6 ? 6 : 4}`;
    if (this.listening.has(key) || this.retries.has(key)) return;
    const socket = createSocket({
      type: ipv6 ? "udp6" : "udp4",
      ...(ipv6 && { ipv6Only: true }),
    });
    this.listening.set(key, socket);
    const port = multihop ? this.parts.ports.multihop : this.parts.ports.singleHop;
    const failed = (error: Error) => {
      this.parts.problem(
        undefined,
        `cannot listen on UDP port ${port}: ${error.message}; another BFD daemon on this machine?`,
      );
      socket.close();
      this.listening.delete(key);
      const again = setTimeout(() => {
        this.retries.delete(key);
        this.listen(multihop, ipv6);
      }, RETRY_MS);
      this.retries.set(key, again);
    };
    socket.once("error", failed);
    socket.once("listening", () => {
      socket.removeListener("error", failed);
      socket.on("error", () => {});
    });
    socket.on("message", (bytes: Buffer, from: RemoteInfo) =>
      this.parts.received(bytes, from.address, multihop),
    );
    this.bindListener(socket, ipv6 ? "::" : "0.0.0.0", port, multihop, failed);
  }

  deafen(): void {
    for (const socket of this.listening.values()) socket.close();
    for (const retry of this.retries.values()) clearTimeout(retry);
    this.listening.clear();
    this.retries.clear();
  }

  sender(spec: BfdSpec, failed: () => void): BfdSender {
    return new UdpSender(spec, this.parts, failed);
  }

  private bindListener(
    socket: Socket,
    address: string,
    port: number,
    multihop: boolean,
    failed: (error: Error) => void,
  ): void {
    const { raw } = this.parts;
    if (raw === undefined || multihop) {
      socket.bind({ address, port, exclusive: true });
      return;
    }
    try {
      socket.bind({ fd: raw.open(address, port, TTL) } as Parameters<Socket["bind"]>[0] & object);
    } catch (error) {
      failed(error as Error);
    }
  }
}

class UdpSender implements BfdSender {
  private readonly spec: BfdSpec;
  private readonly parts: NetworkParts;
  private readonly failed: () => void;
  private readonly port: number;
  private socket: Socket | undefined;
  private ready = false;
  private retry: NodeJS.Timeout | undefined;
  private complained = false;
  private closed = false;

  constructor(spec: BfdSpec, parts: NetworkParts, failed: () => void) {
    this.spec = spec;
    this.parts = parts;
    this.failed = failed;
    this.port = spec.multihop ? parts.ports.multihop : parts.ports.singleHop;
    this.open(BIND_ATTEMPTS);
  }

  send(bytes: Uint8Array): void {
    if (!this.ready || this.socket === undefined) return;
    this.socket.send(bytes, this.port, this.spec.peer, (error) => {
      if (error !== null) this.failed();
    });
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.retry);
    this.socket?.close();
    this.socket = undefined;
  }

  private open(attempts: number): void {
    const ipv6 = this.spec.peer.includes(":");
    const socket = createSocket({ type: ipv6 ? "udp6" : "udp4", ...LITERAL });
    this.socket = socket;
    this.ready = false;
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (this.ready || this.closed) return;
      socket.close();
      this.socket = undefined;
      if (error.code === "EADDRINUSE" && attempts > 1) return this.open(attempts - 1);
      if (!this.complained) this.parts.problem(this.spec.peer, `cannot send BFD: ${error.message}`);
      this.complained = true;
      this.retry = setTimeout(() => this.open(BIND_ATTEMPTS), RETRY_MS);
    });
    const port = FIRST_SOURCE_PORT + Math.floor(this.parts.random() * SOURCE_PORTS);
    const { localAddress } = this.spec;
    socket.bind(
      { port, exclusive: true, ...(localAddress !== undefined && { address: localAddress }) },
      () => {
        this.ready = true;
        this.complained = false;
        socket.setTTL(TTL);
      },
    );
  }
}
