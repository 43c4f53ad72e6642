/** A source port over UDP: connected, so that the kernel tells what nobody listens to. */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { IdentifierRing } from "./port.js";
import type { UpstreamPort } from "./port.js";

export interface PortHooks {
  onDatagram(port: UpstreamPort, bytes: Uint8Array): void;
  /** The kernel says that nothing listens there, or that there is no way to it. */
  onRefused(): void;
}

const RECEIVE_BUFFER = 4 * 1024 * 1024;
/** Datagrams kept while the socket is being connected; what is lost the client sends again. */
const WAITING_MAX = 256;

export class UdpPort extends IdentifierRing implements UpstreamPort {
  private ready = false;
  private connecting = false;
  private closed = false;
  private waiting: Uint8Array[] = [];
  private readonly socket: Socket;
  private readonly address: string;
  private readonly port: number;
  private readonly hooks: PortHooks;

  constructor(address: string, port: number, hooks: PortHooks) {
    super();
    this.address = address;
    this.port = port;
    this.hooks = hooks;
    this.socket = createSocket({
      type: isIPv4(address) ? "udp4" : "udp6",
      recvBufferSize: RECEIVE_BUFFER,
      // Addresses are literal: no resolver, and no turn of the event loop lost to one.
      lookup: (host, _options, done) => done(null, host, isIPv4(host) ? 4 : 6),
    });
    this.socket.on("message", (bytes) => hooks.onDatagram(this, bytes));
    this.socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") hooks.onRefused();
    });
    this.connect();
  }

  send(bytes: Uint8Array): void {
    if (this.ready) this.socket.send(bytes, failed);
    else {
      if (this.waiting.length < WAITING_MAX) this.waiting.push(bytes);
      this.connect();
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.ready = false;
    this.socket.close();
  }

  private connect(): void {
    if (this.connecting || this.closed) return;
    this.connecting = true;
    this.socket.connect(this.port, this.address, (error?: Error) => {
      this.connecting = false;
      const { waiting } = this;
      this.waiting = [];
      if (this.closed) return;
      if (error !== undefined) {
        this.hooks.onRefused();
        return;
      }
      this.ready = true;
      for (const bytes of waiting) this.socket.send(bytes, failed);
    });
  }
}

/** What could not be sent is as good as lost on the way: silence tells. */
function failed(): void {}
