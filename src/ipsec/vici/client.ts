/**
 * One connection to the IKE daemon. Commands wait in line, because an answer has no number; a command that is
 * not answered in time takes the connection with it. Events come when they like, also between a command
 * and its answer: those that a command streams go to that command, the others to `onEvent`.
 */
import { connect, type Socket } from "node:net";
import type { Clock, TimerHandle } from "../../util/clock.js";
import { ViciError } from "./error.js";
import { textOf, type ViciSection, type ViciTree } from "./message.js";
import {
  decodePacket,
  encodePacket,
  PacketType,
  SegmentReader,
  type ViciPacket,
} from "./packet.js";

export interface ViciClientOptions {
  /** Path of the daemon's socket. */
  readonly path: string;
  readonly clock: Clock;
  /** Events that were registered with `listen`. Must not throw. */
  readonly onEvent: (name: string, message: ViciTree) => void;
  /** Told once, when the connection has ended; not after `close`. */
  readonly onClose: (reason: ViciError) => void;
  /** For an answer, in milliseconds. */
  readonly timeoutMs?: number;
}

/** Commands that may wait. */
const MOST_WAITING = 65_536;
const TIMEOUT_MS = 30_000;

interface Job {
  readonly what: string;
  readonly packet: Uint8Array;
  /** Event whose messages belong to this command. */
  readonly stream: string | undefined;
  readonly each: (message: ViciTree) => void;
  readonly timeoutMs: number;
  readonly resolve: (message: ViciTree) => void;
  readonly reject: (error: Error) => void;
}

export class ViciClient {
  private readonly socket: Socket;
  private readonly options: ViciClientOptions;
  private readonly reader = new SegmentReader();
  private readonly waiting: Job[] = [];
  private active: Job | undefined;
  private timer: TimerHandle | undefined;
  private ended: ViciError | undefined;

  private constructor(socket: Socket, options: ViciClientOptions) {
    this.socket = socket;
    this.options = options;
    socket.on("data", (chunk: Buffer) => this.read(chunk));
    socket.on("error", (error) => this.end(new ViciError("closed", error.message)));
    socket.on("close", () => this.end(new ViciError("closed", "the IKE daemon hung up")));
    // The daemon's reading must not keep a process alive that wants to end.
    socket.unref();
  }

  /** Rejects with `unreachable`, and what to do. */
  static open(options: ViciClientOptions): Promise<ViciClient> {
    return new Promise((resolve, reject) => {
      const socket = connect({ path: options.path });
      const failed = (error: NodeJS.ErrnoException): void => {
        reject(new ViciError("unreachable", unreachable(options.path, error)));
      };
      socket.once("error", failed);
      socket.once("connect", () => {
        socket.off("error", failed);
        resolve(new ViciClient(socket, options));
      });
    });
  }

  get isOpen(): boolean {
    return this.ended === undefined;
  }

  /** Rejects with `refused` and the daemon's reason when it answers `success = no`. */
  async request(command: string, message: ViciSection = {}, timeoutMs?: number): Promise<ViciTree> {
    const packet = encodePacket(PacketType.Request, command, message);
    const answer = await this.submit({ what: command, packet, timeoutMs });
    if (textOf(answer, "success") === "no") {
      const reason = textOf(answer, "errmsg") ?? "no reason given";
      throw new ViciError("refused", `${command}: the IKE daemon refused: ${reason}`);
    }
    return answer;
  }

  /** A command whose answer comes as events; `each` is called in order, before the promise is settled. */
  async stream(
    command: string,
    event: string,
    message: ViciSection,
    each: (message: ViciTree) => void,
  ): Promise<ViciTree> {
    await this.register(event);
    try {
      const packet = encodePacket(PacketType.Request, command, message);
      return await this.submit({ what: command, packet, stream: event, each });
    } finally {
      if (this.isOpen) await this.unregister(event);
    }
  }

  /** From now on these come to `onEvent`. */
  async listen(events: readonly string[]): Promise<void> {
    for (const event of events) await this.register(event);
  }

  async unlisten(events: readonly string[]): Promise<void> {
    for (const event of events) await this.unregister(event);
  }

  close(): void {
    if (this.ended !== undefined) return;
    this.ended = new ViciError("closed", "closed by us");
    this.socket.destroy();
    this.rejectAll(this.ended);
  }

  private register(event: string): Promise<ViciTree> {
    return this.submit({ what: event, packet: encodePacket(PacketType.Register, event) });
  }

  private unregister(event: string): Promise<ViciTree> {
    return this.submit({ what: event, packet: encodePacket(PacketType.Unregister, event) });
  }

  private submit(job: {
    what: string;
    packet: Uint8Array;
    stream?: string;
    each?: (message: ViciTree) => void;
    timeoutMs?: number | undefined;
  }): Promise<ViciTree> {
    return new Promise((resolve, reject) => {
      if (this.ended !== undefined) return reject(this.ended);
      if (this.waiting.length >= MOST_WAITING) {
        return reject(new ViciError("busy", `more than ${MOST_WAITING} commands wait`));
      }
      this.waiting.push({
        what: job.what,
        packet: job.packet,
        stream: job.stream,
        each: job.each ?? (() => {}),
        timeoutMs: job.timeoutMs ?? this.options.timeoutMs ?? TIMEOUT_MS,
        resolve,
        reject,
      });
      this.next();
    });
  }

  private next(): void {
    if (this.active !== undefined || this.ended !== undefined) return;
    const job = this.waiting.shift();
    if (job === undefined) return;
    this.active = job;
    this.arm(job);
    this.socket.write(job.packet);
  }

  private arm(job: Job): void {
    this.timer?.cancel();
    this.timer = this.options.clock.setTimer(job.timeoutMs, () => {
      const seconds = job.timeoutMs / 1000;
      this.end(new ViciError("timeout", `${job.what}: no answer within ${seconds} s`));
    });
  }

  private read(chunk: Buffer): void {
    try {
      for (const segment of this.reader.push(chunk)) {
        this.take(decodePacket(segment));
        if (this.ended !== undefined) return;
      }
    } catch (error) {
      this.end(
        error instanceof ViciError ? error : new ViciError("protocol", (error as Error).message),
      );
    }
  }

  private take({ type, name, message }: ViciPacket): void {
    if (type === PacketType.Event) {
      const job = this.active;
      if (job === undefined || job.stream !== name) return this.options.onEvent(name, message);
      // As long as something comes, it works on it.
      this.arm(job);
      return job.each(message);
    }
    const job = this.active;
    if (job === undefined) throw new ViciError("protocol", "an answer to nothing");
    this.active = undefined;
    this.timer?.cancel();
    if (type === PacketType.Response || type === PacketType.Confirmed) job.resolve(message);
    else if (type === PacketType.UnknownCommand || type === PacketType.UnknownEvent) {
      job.reject(new ViciError("unknown", `this IKE daemon does not know "${job.what}"`));
    } else {
      this.active = job;
      throw new ViciError("protocol", `packet type ${type} from the daemon`);
    }
    this.next();
  }

  private end(reason: ViciError): void {
    if (this.ended !== undefined) return;
    this.ended = reason;
    this.socket.destroy();
    this.rejectAll(reason);
    this.options.onClose(reason);
  }

  private rejectAll(reason: ViciError): void {
    this.timer?.cancel();
    const jobs = this.active === undefined ? this.waiting : [this.active, ...this.waiting];
    this.active = undefined;
    for (const job of jobs.splice(0)) job.reject(reason);
    this.waiting.length = 0;
  }
}

function unreachable(path: string, { code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return `no IKE daemon at ${path}: start strongSwan (charon-systemd), or correct the path of its socket`;
    case "EACCES":
    case "EPERM":
      return `we may not use ${path}: let evpnd's user or group have the socket`;
    default:
      return `${path}: ${message}`;
  }
}
