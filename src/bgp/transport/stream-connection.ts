/**
 * A connection whose octets come through a stream instead of a socket of our own: a TLS proxy brought it, and
 * says for which instance. What TCP would be asked for (keys, TTL) has no meaning here.
 */
import type { Duplex } from "node:stream";
import type { Connection } from "../session/types.js";
import { HIGH_WATER, LOW_WATER } from "./tcp-connection.js";

/** Octets read in one turn of the event loop before others have theirs. */
const READ_BUDGET = 512 * 1024;
/** A message is never longer. */
const MOST_CARRIED = 65_536;
const EMPTY = new Uint8Array(0);

export interface StreamEnds {
  readonly localAddress: string;
  readonly localPort: number;
  /** Canonical: the peer's, as its settings have it. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Hex identity of the instance. */
  readonly instance: string;
}

export class StreamConnection implements Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly instance: string;
  readonly initiator = "remote";
  onBytes: Connection["onBytes"] = (_bytes, start, end) => end - start;
  onClosed: Connection["onClosed"] = () => {};
  onDrain: Connection["onDrain"] = () => {};
  private readonly stream: Duplex;
  private carry: Uint8Array = EMPTY;
  private written = 0;
  private paused = true;
  private read = 0;
  private congested = false;
  private closed = false;
  private error: Error | undefined;

  /** It reads nothing until `resume`. */
  constructor(stream: Duplex, ends: StreamEnds) {
    this.stream = stream;
    this.localAddress = ends.localAddress;
    this.localPort = ends.localPort;
    this.remoteAddress = ends.remoteAddress;
    this.remotePort = ends.remotePort;
    this.instance = ends.instance;
    stream.pause();
    stream.on("data", (chunk: Uint8Array) => this.received(chunk));
    stream.pause();
    stream.on("error", (error) => {
      this.error ??= error;
    });
    stream.on("end", () => this.gone());
    stream.on("close", () => this.gone());
  }

  get pendingBytes(): number {
    return this.stream.writableLength;
  }

  get bytesAccepted(): number {
    return this.written - this.stream.writableLength;
  }

  write(bytes: Uint8Array): void {
    if (this.closed || this.stream.destroyed) return;
    this.written += bytes.length;
    if (this.stream.writableLength + bytes.length >= HIGH_WATER) this.congested = true;
    this.stream.write(bytes, () => this.drained());
  }

  writeMany(buffers: readonly Uint8Array[]): void {
    this.stream.cork();
    for (const bytes of buffers) this.write(bytes);
    this.stream.uncork();
  }

  pause(): void {
    this.paused = true;
    this.stream.pause();
  }

  resume(): void {
    this.paused = false;
    if (!this.closed) this.stream.resume();
  }

  end(lingerMs: number, done?: () => void): void {
    if (done !== undefined) {
      if (this.stream.closed) return done();
      this.stream.once("close", () => done());
    }
    if (this.closed) return;
    this.closed = true;
    this.onBytes = (_bytes, start, end) => end - start;
    this.carry = EMPTY;
    const timer = setTimeout(() => this.stream.destroy(), lingerMs);
    this.stream.once("close", () => clearTimeout(timer));
    this.stream.resume();
    this.stream.end(() => this.stream.destroy());
  }

  destroy(): void {
    this.closed = true;
    this.carry = EMPTY;
    this.stream.destroy();
  }

  private drained(): void {
    if (!this.congested || this.closed || this.stream.writableLength >= LOW_WATER) return;
    this.congested = false;
    this.onDrain();
  }

  private received(chunk: Uint8Array): void {
    if (this.closed) return;
    const bytes = this.carry.length === 0 ? chunk : Buffer.concat([this.carry, chunk]);
    this.carry = EMPTY;
    const used = this.onBytes(bytes, 0, bytes.length);
    // The session may have ended meanwhile.
    if (this.isOver || used >= bytes.length) return this.pace(chunk.length);
    if (bytes.length - used > MOST_CARRIED) {
      this.error = new Error("a message longer than any may be");
      return this.gone();
    }
    this.carry = bytes.slice(used);
    this.pace(chunk.length);
  }

  private get isOver(): boolean {
    return this.closed;
  }

  private pace(octets: number): void {
    this.read += octets;
    if (this.read < READ_BUDGET || this.closed) return;
    this.stream.pause();
    setImmediate(() => {
      this.read = 0;
      if (!this.paused && !this.closed) this.stream.resume();
    });
  }

  private gone(): void {
    if (this.closed) return;
    this.closed = true;
    this.stream.destroy();
    this.onClosed(this.error);
  }
}
