/**
 * A UDP socket of the relay: many datagrams a system call where the platform has that, else node:dgram, which
 * costs several microseconds a datagram each way. Both tell the same things in the same order.
 */
import { createSocket } from "node:dgram";
import type { Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { copyBytes } from "../../util/bytes.js";
import { BATCH, loadUdpBatch } from "../../util/udp-batch.js";
import type { BatchSocket, Inbox, UdpBatch, UdpEndpoint } from "../../util/udp-batch.js";
import { Stage, turn } from "./turn.js";

/** Whoever sent a datagram, and the way back. */
export interface Sender {
  readonly address: string;
  readonly port: number;
  /** @param bytes may be used again when it returns */
  send(bytes: Uint8Array): void;
}

/** Tells the sender of the datagram that is being handed over; not to be asked later. */
export interface SenderSource {
  sender(): Sender;
}

export interface UdpHooks {
  /**
   * @param bytes from a client a copy of its own; from a peer good until this returns
   * @param key the same for all datagrams of one address and port
   */
  onDatagram(bytes: Uint8Array, key: number | string, source: SenderSource): void;
  /** The kernel says that nothing listens there, or that there is no way to it. */
  onRefused(): void;
}

export interface UdpPlace {
  /** Clients come here. */
  readonly local?: UdpEndpoint;
  /** One server that is asked. */
  readonly peer?: UdpEndpoint;
}

export interface UdpEnd {
  /** Rejects with the system's error. @returns its own port */
  open(): Promise<number>;
  /** To the peer. What cannot be sent is as good as lost on the way: silence tells. */
  send(bytes: Uint8Array): void;
  close(): void;
}

const BUFFER = 4 * 1024 * 1024;
/** Batches read before others have their turn. */
const BATCHES_A_TURN = 8;
/** Datagrams kept while a socket is being connected; what is lost the client sends again. */
const WAITING_MAX = 256;

/** @param plain without batches, whatever the platform has: for tests of the other way */
export function createUdpEnd(place: UdpPlace, hooks: UdpHooks, plain = false): UdpEnd {
  const batch = plain ? undefined : loadUdpBatch();
  return batch === undefined ? new PlainEnd(place, hooks) : new BatchEnd(place, hooks, batch);
}

class BatchEnd implements UdpEnd, SenderSource {
  private readonly place: UdpPlace;
  private readonly hooks: UdpHooks;
  private readonly batch: UdpBatch;
  private readonly stage: Stage;
  /** Clients' requests wait their turn; a peer's answers are done with at once. */
  private readonly keeps: boolean;
  private socket: BatchSocket | undefined;
  private index = 0;
  private awake = false;
  private closed = false;

  constructor(place: UdpPlace, hooks: UdpHooks, batch: UdpBatch) {
    this.place = place;
    this.hooks = hooks;
    this.batch = batch;
    this.keeps = place.peer === undefined;
    this.stage = this.keeps ? Stage.arrivals : Stage.answers;
  }

  open(): Promise<number> {
    try {
      return Promise.resolve(this.opened().port);
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
  }

  send(bytes: Uint8Array): void {
    if (this.closed) return;
    try {
      this.opened().send(bytes);
    } catch {
      this.hooks.onRefused();
      return;
    }
    turn.flushSoon();
  }

  close(): void {
    this.closed = true;
    this.socket?.close();
    this.socket = undefined;
  }

  sender(): Sender {
    const { socket, index } = this;
    const { address, port } = this.batch.inbox.source(index);
    const name = this.batch.inbox.sourceName(index);
    return {
      address,
      port,
      send: (bytes) => {
        socket?.send(bytes, name);
        turn.flushSoon();
      },
    };
  }

  /** Opens it when it is first needed: a way may come later than the server is configured. */
  private opened(): BatchSocket {
    if (this.socket !== undefined) return this.socket;
    const { local, peer } = this.place;
    const socket = this.batch.open({ local, peer, bufferOctets: BUFFER });
    socket.onReadable(() => {
      if (this.awake) return;
      this.awake = true;
      turn.add(this.stage, () => this.read());
    });
    this.socket = socket;
    return socket;
  }

  private read(): void {
    this.awake = false;
    const { inbox } = this.batch;
    for (let batches = 0; batches < BATCHES_A_TURN; batches++) {
      const count = this.socket?.receive() ?? 0;
      if (count < 0) {
        this.hooks.onRefused();
        continue;
      }
      for (let i = 0; i < count; i++) {
        const bytes = this.keeps ? copyOf(inbox, i) : viewOf(inbox, i);
        this.index = i;
        const key = inbox.sourceKey(i);
        this.hooks.onDatagram(bytes, key >= 0 ? key : textKey(inbox.source(i)), this);
      }
      if (count < BATCH) return;
    }
  }
}

function copyOf(inbox: Inbox, index: number): Uint8Array {
  const at = inbox.offset(index);
  const bytes = Buffer.allocUnsafe(inbox.length(index));
  copyBytes(inbox.bytes, at, at + bytes.length, bytes, 0);
  return bytes;
}

function viewOf(inbox: Inbox, index: number): Uint8Array {
  const { buffer, byteOffset } = inbox.bytes;
  return Buffer.from(buffer, byteOffset + inbox.offset(index), inbox.length(index));
}

function nothing(): void {}

function textKey({ address, port }: UdpEndpoint): string {
  return `${address} ${port}`;
}

class PlainEnd implements UdpEnd, SenderSource {
  private readonly place: UdpPlace;
  private readonly hooks: UdpHooks;
  private readonly socket: Socket;
  private from: UdpEndpoint = { address: "", port: 0 };
  private state: "new" | "connecting" | "ready" | "closed" = "new";
  private waiting: Uint8Array[] = [];

  constructor(place: UdpPlace, hooks: UdpHooks) {
    this.place = place;
    this.hooks = hooks;
    const { address } = place.local ?? place.peer ?? { address: "0.0.0.0" };
    this.socket = createSocket({
      type: isIPv4(address) ? "udp4" : "udp6",
      recvBufferSize: BUFFER,
      // Addresses are literal: no resolver, and no turn of the event loop lost to one.
      lookup: (host, _options, done) => done(null, host, isIPv4(host) ? 4 : 6),
    });
    this.socket.on("message", (bytes, from) => {
      this.from = from;
      this.hooks.onDatagram(bytes, textKey(from), this);
    });
  }

  open(): Promise<number> {
    const { local } = this.place;
    if (local === undefined) {
      this.connect();
      return Promise.resolve(0);
    }
    return new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.bind(local.port, local.address, () => {
        this.socket.off("error", reject);
        // What the kernel says later concerns single answers that could not be delivered.
        this.socket.on("error", nothing);
        this.state = "ready";
        resolve(this.socket.address().port);
      });
    });
  }

  send(bytes: Uint8Array): void {
    if (this.state === "ready") {
      this.socket.send(Buffer.from(bytes), nothing);
      return;
    }
    if (this.waiting.length < WAITING_MAX) this.waiting.push(Buffer.from(bytes));
    this.connect();
  }

  close(): void {
    if (this.state === "closed") return;
    this.state = "closed";
    this.socket.close();
  }

  sender(): Sender {
    const { address, port } = this.from;
    const { socket } = this;
    return {
      address,
      port,
      send: (bytes) => {
        if (this.state !== "closed") socket.send(Buffer.from(bytes), port, address, nothing);
      },
    };
  }

  private connect(): void {
    const { peer } = this.place;
    if (this.state !== "new" || peer === undefined) return;
    if (this.socket.listenerCount("error") === 0) {
      this.socket.on("error", (error: NodeJS.ErrnoException) => {
        if (error.code === "ECONNREFUSED") this.hooks.onRefused();
      });
    }
    this.state = "connecting";
    this.socket.connect(peer.port, peer.address, (error?: Error) => {
      if (this.state === "closed") return;
      const { waiting } = this;
      this.waiting = [];
      this.state = error === undefined ? "ready" : "new";
      if (error !== undefined) {
        this.hooks.onRefused();
        return;
      }
      for (const bytes of waiting) this.socket.send(bytes, nothing);
    });
  }
}
