/**
 * One PE's BGP session, from connect to close: OPEN, KEEPALIVEs, framing. UPDATEs go to the
 * receiver; nothing is allocated per message.
 *
 * All sessions of the process read into one buffer (a read is handled before the next one begins).
 * A message cut by the end of a read is kept per session and put in front of the next read, so
 * that the receiver always sees it in one piece.
 */
import { connect, type Socket } from "node:net";
import { readU16, readU8 } from "../../src/util/bytes.js";
import type { Receiver } from "./receiver.js";
import { buildOpen, CEASE, HEADER, KEEPALIVE, MessageType, ROUTE_REFRESH } from "./wire.js";

const HEADROOM = 65536;
const READ_SIZE = 262144;
const MAX_MESSAGE = 65535;

const sharedBuffer = new Uint8Array(HEADROOM + READ_SIZE);
const readBuffer = sharedBuffer.subarray(HEADROOM);
const sharedView = new DataView(sharedBuffer.buffer);

export interface SessionOptions {
  readonly host: string;
  readonly port: number;
  /** Source address; undefined lets the kernel choose. */
  readonly localAddress: string | undefined;
  readonly as: number;
  readonly routerId: number;
  readonly holdTime: number;
  readonly enhancedRefresh: boolean;
  readonly extendedMessage: boolean;
  readonly memberships?: boolean;
}

/** What the fleet wants to hear. */
export interface SessionEvents {
  established(session: PeSession): void;
  /** A read has been handled: the receiver may have become complete. */
  progress(session: PeSession, now: number): void;
  /** Closed, by whomever; `reason` is a sentence. Not called after `close()`. */
  lost(session: PeSession, reason: string): void;
}

export class PeSession {
  readonly peer: number;
  readonly receiver: Receiver;
  established = false;
  /** Set while a route refresh is on its way: BoRR and EoRR seen (RFC 7313). */
  refreshBegun = false;
  refreshEnded = false;
  holdTime = 0;
  bytesRead = 0;
  private readonly options: SessionOptions;
  private readonly events: SessionEvents;
  private socket: Socket | undefined;
  private closed = false;
  private lastHeard = 0;
  private overdue = false;
  private readonly carry = new Uint8Array(MAX_MESSAGE);
  private carried = 0;
  private reason = "the target closed the TCP connection without a NOTIFICATION";

  constructor(peer: number, receiver: Receiver, options: SessionOptions, events: SessionEvents) {
    this.peer = peer;
    this.receiver = receiver;
    this.options = options;
    this.events = events;
  }

  get localPort(): number {
    return this.socket?.localPort ?? 0;
  }

  get name(): string {
    return `PE ${this.peer} (${this.options.localAddress ?? this.socket?.localAddress ?? "?"})`;
  }

  connect(): void {
    const { host, port, localAddress } = this.options;
    const socket = connect({
      host,
      port,
      ...(localAddress === undefined ? {} : { localAddress }),
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length) => {
          this.read(length);
          return true;
        },
      },
    });
    this.socket = socket;
    this.lastHeard = performance.now();
    socket.once("connect", () => socket.write(buildOpen(this.options)));
    socket.on("error", (error) => {
      this.reason = `TCP: ${error.message}`;
    });
    socket.once("close", () => {
      const lost = !this.closed;
      this.closed = true;
      this.established = false;
      if (lost) this.events.lost(this, this.reason);
    });
    socket.on("end", () => socket.end());
  }

  /** The buffer must not change until the callback. */
  write(bytes: Uint8Array, done?: () => void): void {
    if (this.closed) done?.();
    else this.socket?.write(bytes, () => done?.());
  }

  /** Octets handed to `write` that the kernel has not taken. */
  get unsent(): number {
    return this.socket?.writableLength ?? 0;
  }

  requestRefresh(): void {
    this.refreshBegun = false;
    this.refreshEnded = false;
    this.write(ROUTE_REFRESH);
  }

  pauseReading(): void {
    this.socket?.pause();
  }

  resumeReading(): void {
    this.lastHeard = performance.now();
    this.socket?.resume();
  }

  /** Ends the session: with Cease, with a bare FIN, or with RST. */
  close(how: "cease" | "fin" | "rst"): void {
    if (this.closed) return;
    this.closed = true;
    this.established = false;
    if (how === "rst") this.socket?.resetAndDestroy();
    else if (how === "cease" && this.socket?.writable === true) {
      const socket = this.socket;
      socket.end(CEASE, () => socket.destroy());
    } else this.socket?.destroy();
  }

  /** Once per third of the hold time: KEEPALIVE out; and was anything heard? A stall of our own gets a second look. */
  tick(now: number, reading: boolean): void {
    if (this.closed || !this.established) return;
    this.socket?.write(KEEPALIVE);
    const silent = this.holdTime > 0 && now - this.lastHeard > this.holdTime * 1000;
    if (!reading || !silent) this.overdue = false;
    else if (this.overdue) this.fail(`hold timer: nothing heard for ${this.holdTime} s`);
    else this.overdue = true;
  }

  private fail(reason: string): void {
    this.reason = reason;
    this.socket?.destroy();
  }

  private read(length: number): void {
    if (this.closed) return;
    const now = performance.now();
    this.lastHeard = now;
    this.receiver.streamBase = this.bytesRead - HEADROOM;
    this.bytesRead += length;
    let at = HEADROOM - this.carried;
    if (this.carried > 0) sharedBuffer.set(this.carry.subarray(0, this.carried), at);
    const end = HEADROOM + length;
    const receiver = this.receiver;
    while (at + HEADER <= end) {
      const size = sharedView.getUint16(at + 16);
      if (size < HEADER) return this.fail(`the target sent a message of length ${size}`);
      if (at + size > end) break;
      if (sharedView.getUint8(at + 18) === MessageType.Update)
        receiver.update(sharedView, at, at + size, now);
      else this.control(at, at + size);
      at += size;
    }
    this.carried = end - at;
    if (this.carried > 0) this.carry.set(sharedBuffer.subarray(at, end));
    this.events.progress(this, now);
  }

  /** Everything but UPDATE: rare. */
  private control(start: number, end: number): void {
    switch (readU8(sharedBuffer, start + 18)) {
      case MessageType.Open: {
        const hold = readU16(sharedBuffer, start + 22);
        this.holdTime = Math.min(hold, this.options.holdTime);
        this.socket?.write(KEEPALIVE);
        break;
      }
      case MessageType.Keepalive:
        if (!this.established) {
          this.established = true;
          this.events.established(this);
        }
        break;
      case MessageType.Notification:
        this.reason = describeNotification(sharedBuffer, start, end);
        break;
      case MessageType.Refresh: {
        const subtype = readU8(sharedBuffer, start + HEADER + 2);
        if (subtype === 1) this.refreshBegun = true;
        if (subtype === 2) this.refreshEnded = true;
        break;
      }
      default:
    }
  }
}

function describeNotification(bytes: Uint8Array, start: number, end: number): string {
  const code = readU8(bytes, start + HEADER);
  const subcode = readU8(bytes, start + HEADER + 1);
  const data = Buffer.from(bytes.subarray(start + HEADER + 2, end)).toString("hex");
  const names = ["", "message header", "OPEN", "UPDATE", "hold timer expired", "FSM", "Cease"];
  return `the target sent NOTIFICATION ${code}/${subcode} (${names[code] ?? "?"})${data === "" ? "" : `, data ${data}`}`;
}
