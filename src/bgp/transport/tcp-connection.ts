/**
 * A TCP connection over net.Socket: reads through the shared buffer (see read-buffer.ts), writes with
 * water marks, closes with a bounded linger.
 */
import { Socket, type OnReadOpts, type SocketConstructorOpts } from "node:net";
import type { Connection, SentOctets } from "../session/types.js";
import type { PeerOptions } from "../settings.js";
import {
  currentTurn,
  HEADROOM,
  kernelView,
  READ_BUDGET,
  readBuffer,
  waitForTurn,
} from "./read-buffer.js";
import { applyPeerOptions } from "./protection.js";
import { canonicalAddress } from "./socket-address.js";
import type { SockOpt } from "./sock-opt.js";
import type { AoHold } from "./tcp-ao-keeper.js";

/** `onDrain` is called when pending octets fall below the low mark after having been above the high one. */
export const HIGH_WATER = 256 * 1024;
export const LOW_WATER = 64 * 1024;

const KEEPALIVE_IDLE_MS = 15_000;
/** Partial messages are mostly short; the carry grows when one is not. */
const CARRY_SIZE = 4096;

/** What the socket is made from. Node.js takes all of these; its types leave out `onread` and `handle`. */
export type SocketOptions = SocketConstructorOpts & {
  readonly onread?: OnReadOpts;
  readonly handle?: TcpHandle;
};

/** What libuv's handle tells and Node's types do not. */
export interface TcpHandle {
  readonly fd: number;
  readonly bytesWritten: number;
  readonly writeQueueSize: number;
  /** Fills in `address`; 0 when that was possible. */
  getpeername(out: { address?: string }): number;
  close(): void;
}

export function handleOf(socket: object): TcpHandle | null {
  return (socket as { _handle?: TcpHandle | null })._handle ?? null;
}

export class TcpConnection implements Connection {
  localAddress = "";
  localPort = 0;
  remoteAddress = "";
  remotePort = 0;
  readonly initiator: "local" | "remote";
  signed: boolean | undefined;
  onBytes: (bytes: Uint8Array, start: number, end: number) => number = (_bytes, start, end) =>
    end - start;
  onClosed: (error: Error | undefined) => void = () => {};
  onDrain: () => void = () => {};

  readonly socket: Socket;
  private readonly sockOpt: SockOpt | undefined;
  private readonly localAs: () => number;
  /** Its TCP-AO keys. */
  ao: AoHold | undefined;
  private carry: Uint8Array | undefined;
  private carried = 0;
  private paused = true;
  private turn = 0;
  private turnBytes = 0;
  private outOfBudget = false;
  /** Pending octets passed the high mark and have not been below the low one since. */
  private congested = false;
  private closed = false;
  private error: Error | undefined;
  private acceptedAtClose = 0;
  private readonly written = (): void => {
    if (!this.congested || this.closed || this.socket.writableLength >= LOW_WATER) return;
    this.congested = false;
    this.onDrain();
  };

  /** Made from `handle` or `fd`, or from nothing to be connected; it reads nothing until `resume()`. */
  constructor(
    from: SocketOptions,
    initiator: "local" | "remote",
    sockOpt: SockOpt | undefined,
    localAs: () => number = () => 0,
  ) {
    this.initiator = initiator;
    this.sockOpt = sockOpt;
    this.localAs = localAs;
    const options: SocketOptions = {
      ...from,
      onread: { buffer: kernelView, callback: (count) => this.received(count) },
    };
    this.socket = new Socket(options);
    // An accepted socket reads from birth, a dialled one from its connect.
    this.socket.pause();
    this.socket.on("error", (error) => {
      this.error ??= error;
    });
    this.socket.on("end", () => this.gone());
    this.socket.on("close", () => {
      this.ao?.release();
      this.gone();
    });
  }

  /** Call once, when connected: fills in the addresses. False when the peer is gone already. */
  ready(): boolean {
    const { localAddress, localPort, remoteAddress, remotePort } = this.socket;
    if (localAddress === undefined || remoteAddress === undefined) return false;
    this.localAddress = canonicalAddress(localAddress);
    this.localPort = localPort ?? 0;
    this.remoteAddress = canonicalAddress(remoteAddress);
    this.remotePort = remotePort ?? 0;
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEPALIVE_IDLE_MS);
    return true;
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  get bytesAccepted(): number {
    const handle = handleOf(this.socket);
    if (handle === null) return this.acceptedAtClose;
    return (this.acceptedAtClose = handle.bytesWritten - handle.writeQueueSize);
  }

  octets(): SentOctets {
    const handle = handleOf(this.socket);
    const written = this.bytesAccepted + this.pendingBytes;
    if (handle === null || this.sockOpt === undefined) return { written, acknowledged: undefined };
    try {
      return { written, acknowledged: this.sockOpt.bytesAcked(handle.fd) };
    } catch {
      return { written, acknowledged: undefined };
    }
  }

  write(bytes: Uint8Array): void {
    if (this.closed) return;
    if (!this.congested && this.socket.writableLength + bytes.length >= HIGH_WATER) {
      this.congested = true;
    }
    if (this.congested) this.socket.write(bytes, this.written);
    else this.socket.write(bytes);
  }

  writeMany(buffers: readonly Uint8Array[]): void {
    this.socket.cork();
    for (const bytes of buffers) this.write(bytes);
    this.socket.uncork();
  }

  pause(): void {
    this.paused = true;
    this.socket.pause();
  }

  resume(): void {
    if (!this.paused) return;
    this.paused = false;
    if (!this.outOfBudget && !this.closed) this.socket.resume();
  }

  end(lingerMs: number, done?: () => void): void {
    if (done !== undefined) {
      if (this.socket.closed) return done();
      this.socket.once("close", () => done());
    }
    if (this.closed) return;
    this.closed = true;
    // Unread octets at close would make the kernel send RST, and the peer could lose our last words.
    this.onBytes = (_bytes, start, end) => end - start;
    this.carried = 0;
    const timer = setTimeout(() => this.socket.destroy(), lingerMs);
    this.socket.once("close", () => clearTimeout(timer));
    this.socket.resume();
    this.socket.end();
  }

  destroy(): void {
    const ending = this.closed;
    this.closed = true;
    this.carried = 0;
    // Octets that will never be complete must not look like an orderly end.
    if (!ending && this.socket.writableLength > 0) this.socket.resetAndDestroy();
    else this.socket.destroy();
  }

  /** Changes the TCP MD5 key under way (RFC 2385 section 4.5); false when the kernel will not. */
  rekey(password: string): boolean {
    const handle = handleOf(this.socket);
    if (this.sockOpt === undefined || handle === null) return false;
    try {
      this.sockOpt.setMd5(handle.fd, {
        address: this.remoteAddress,
        prefixLength: undefined,
        key: password,
      });
      return true;
    } catch {
      return false;
    }
  }

  /** TTL, TTL security and user timeout of the connection that is up; false when the kernel will not. */
  protect(options: PeerOptions): boolean {
    const handle = handleOf(this.socket);
    if (this.sockOpt === undefined || handle === null) return false;
    try {
      applyPeerOptions(this.sockOpt, handle.fd, this.remoteAddress, options, this.localAs(), true);
      if (options.tcpAo !== undefined) {
        if (this.ao === undefined) return false;
        this.ao.change(options.tcpAo);
      }
      return true;
    } catch {
      return false;
    }
  }

  budgetRenewed(): void {
    this.outOfBudget = false;
    if (!this.paused && !this.closed) this.socket.resume();
  }

  /** Returns false to make Node.js stop reading. */
  private received(count: number): boolean {
    const end = HEADROOM + count;
    const start = HEADROOM - this.carried;
    if (this.carried > 0) readBuffer.set(this.carry!.subarray(0, this.carried), start);
    this.carried = 0;
    const used = this.onBytes(readBuffer, start, end);
    if (!this.closed && start + used < end) this.save(start + used, end);

    const turn = currentTurn();
    if (turn !== this.turn) {
      this.turn = turn;
      this.turnBytes = 0;
    }
    this.turnBytes += count;
    if (this.turnBytes < READ_BUDGET || this.closed) return true;
    this.outOfBudget = true;
    waitForTurn(this);
    return false;
  }

  private save(start: number, end: number): void {
    const length = end - start;
    if (length > HEADROOM) throw new RangeError(`reader left ${length} octets unread`);
    if (this.carry === undefined || this.carry.length < length) {
      this.carry = new Uint8Array(length > CARRY_SIZE ? HEADROOM : CARRY_SIZE);
    }
    this.carry.set(readBuffer.subarray(start, end));
    this.carried = length;
  }

  private gone(): void {
    if (this.closed) return;
    this.closed = true;
    const { error } = this;
    this.socket.destroy();
    this.onClosed(error);
  }
}
