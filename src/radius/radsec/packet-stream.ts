/**
 * One TLS connection as packets, either direction. It bounds what a peer can hold of us: a packet that
 * does not end, answers that it does not read, and silence all end the connection.
 */
import type { TLSSocket } from "node:tls";
import { PacketFramer } from "./framer.js";

/** Octets that may wait for a peer that does not read. */
const OUTPUT_MAX = 1024 * 1024;
/** A packet that has begun is there after this long, or never. */
const PARTIAL_MS = 10_000;
const GOODBYE_MS = 2000;

export interface StreamHooks {
  onPacket(packet: Uint8Array): void;
  /** Once; `reason` is for the log. */
  onEnd(reason: string): void;
}

export class PacketStream {
  private readonly socket: TLSSocket;
  private readonly hooks: StreamHooks;
  private readonly framer = new PacketFramer();
  private open = true;
  private corked = false;
  private partialSince: number | undefined;

  constructor(socket: TLSSocket, hooks: StreamHooks) {
    this.socket = socket;
    this.hooks = hooks;
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.on("error", (error: Error) => this.end(error.message));
    socket.on("end", () => this.end("closed by the other side"));
    socket.on("close", () => this.end("closed"));
  }

  get isOpen(): boolean {
    return this.open;
  }

  get isPartial(): boolean {
    return this.framer.waiting > 0;
  }

  /** One packet, one TLS record; those of one turn share a system call. */
  send(packet: Uint8Array): void {
    if (!this.open) return;
    if (this.socket.writableLength > OUTPUT_MAX) {
      this.end("it does not read what it is sent");
      return;
    }
    if (!this.corked) {
      this.corked = true;
      this.socket.cork();
      process.nextTick(() => {
        this.corked = false;
        this.socket.uncork();
      });
    }
    this.socket.write(packet);
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    if (this.framer.waiting === 0) this.partialSince = undefined;
    else this.partialSince ??= now;
    if (now - (this.partialSince ?? now) >= PARTIAL_MS) this.end("a packet did not end");
  }

  /** Says goodbye as TLS does, and does not wait for a reply. */
  end(reason: string): void {
    if (!this.open) return;
    this.open = false;
    // Who does not even read the goodbye is not waited for.
    this.socket.setTimeout(GOODBYE_MS, () => this.socket.destroy());
    this.socket.destroySoon();
    this.hooks.onEnd(reason);
  }

  private read(chunk: Buffer): void {
    if (!this.open) return;
    const before = this.framer.waiting;
    const fine = this.framer.push(chunk, (packet) => {
      this.hooks.onPacket(packet);
      return this.open;
    });
    if (!fine) this.end("a length that no packet has");
    // Another packet has begun than the one that was waited for.
    if (this.framer.waiting <= before) this.partialSince = undefined;
  }
}
