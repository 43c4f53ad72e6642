/**
 * A UDP port for clients. Datagrams wait in two short queues, those with State before new ones, and
 * are worked off after the poll phase that brought them: answers of home servers, handled as they
 * are read, come first (RFC 5080 section 2.2.3). A full queue loses new requests first.
 */
import { createSocket } from "node:dgram";
import type { RemoteInfo, Socket } from "node:dgram";
import { isIPv4 } from "node:net";
import { readU8 } from "../../util/bytes.js";
import { ClientTable } from "./client-table.js";
import type { Client } from "./client-table.js";
import { listenerCounters } from "../statistics/counters.js";
import type { ListenerCounters } from "../statistics/counters.js";
import type { Exchange, Origin } from "./exchange.js";
import { Attr, HEADER } from "../packet/iana.js";
import type { ListenerSettings } from "../settings.js";

interface Waiting {
  readonly origin: UdpOrigin;
  readonly bytes: Uint8Array;
}

/** Where datagrams go. */
export interface ListenerSink {
  take(origin: Origin, bytes: Uint8Array): void;
  /** The source is no client any more. */
  leave(origin: Origin): void;
}

const RECEIVE_BUFFER = 4 * 1024 * 1024;
/** Requests worked off between two polls. */
const TURN = 64;
/** Client addresses with counters of their own, and the name of the row for all others. */
const ADDRESSES_MAX = 4096;
export const OTHERS = "others";
/** Sources remembered beyond those with something in the cache. */
const ORIGINS_MAX = 4096;

export class UdpListener {
  /** By client address; `unknown` sources share one. */
  readonly byAddress = new Map<string, ListenerCounters>();
  readonly strangers = listenerCounters();
  private queueMax: number;
  private clients: ClientTable;
  private readonly socket: Socket;
  private readonly settings: ListenerSettings;
  private readonly sink: ListenerSink;
  private readonly origins = new Map<string, UdpOrigin>();
  private known: Waiting[] = [];
  private fresh: Waiting[] = [];
  private scheduled = false;
  private closed = false;

  constructor(settings: ListenerSettings, sink: ListenerSink) {
    this.settings = settings;
    this.sink = sink;
    this.queueMax = settings.queueMax;
    this.clients = new ClientTable(settings.clients);
    this.socket = createSocket({
      type: isIPv4(settings.address) ? "udp4" : "udp6",
      recvBufferSize: RECEIVE_BUFFER,
      lookup: (host, _options, done) => done(null, host, isIPv4(host) ? 4 : 6),
    });
    this.socket.on("message", (bytes, from) => this.receive(bytes, from));
  }

  /** Rejects with the system's error. @returns the port in use */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.socket.once("error", reject);
      this.socket.bind(this.settings.port, this.settings.address, () => {
        this.socket.off("error", reject);
        // What the kernel says later concerns single answers that could not be delivered.
        this.socket.on("error", () => {});
        resolve(this.socket.address().port);
      });
    });
  }

  /** Nothing comes and nothing goes any more. May be called again. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.socket.close();
    for (const origin of this.origins.values()) this.sink.leave(origin);
    for (const waiting of [...this.known, ...this.fresh]) refuse(waiting);
    this.known = [];
    this.fresh = [];
    this.origins.clear();
  }

  get table(): ClientTable {
    return this.clients;
  }

  /**
   * Other clients, secrets and limits. Who stays a client keeps its place, with what is pending and
   * cached; a source that is no longer configured is unknown from now on.
   */
  configure({ clients, queueMax }: ListenerSettings): void {
    this.queueMax = queueMax;
    this.clients = new ClientTable(clients, this.clients.clients);
    for (const [key, origin] of this.origins) {
      const client = this.clients.find(origin.address);
      if (client !== undefined) origin.client = client;
      else {
        this.origins.delete(key);
        this.sink.leave(origin);
      }
    }
    const isKnown = ({ origin }: Waiting): boolean => {
      if (this.clients.find(origin.address) !== undefined) return true;
      refuse({ origin });
      return false;
    };
    this.known = this.known.filter(isKnown);
    this.fresh = this.fresh.filter(isKnown);
  }

  /** Goes on with what another listener of the same clients has counted. */
  inherit(before: UdpListener): void {
    Object.assign(this.strangers, before.strangers);
    for (const [address, counters] of before.byAddress) this.byAddress.set(address, counters);
  }

  get queued(): number {
    return this.known.length + this.fresh.length;
  }

  private receive(bytes: Uint8Array, from: RemoteInfo): void {
    const key = `${from.address} ${from.port}`;
    let origin = this.origins.get(key);
    if (origin === undefined) {
      const client = this.clients.find(from.address);
      if (client === undefined) {
        this.strangers.received++;
        this.strangers.unknown++;
        return;
      }
      origin = new UdpOrigin(
        client,
        from.address,
        from.port,
        this.countersOf(from.address),
        this.socket,
      );
      this.remember(key, origin);
    }
    origin.counters.received++;
    this.enqueue({ origin, bytes });
  }

  private enqueue(waiting: Waiting): void {
    if (carriesState(waiting.bytes)) {
      if (this.queued >= this.queueMax) {
        const lost = this.fresh.shift();
        if (lost === undefined) {
          refuse(waiting);
          return;
        }
        refuse(lost);
      }
      this.known.push(waiting);
    } else if (this.queued >= this.queueMax) {
      refuse(waiting);
      return;
    } else this.fresh.push(waiting);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.work());
  }

  private work(): void {
    this.scheduled = false;
    const first = this.known.splice(0, TURN);
    const then = this.fresh.splice(0, TURN - first.length);
    for (const { origin, bytes } of first) this.sink.take(origin, bytes);
    for (const { origin, bytes } of then) this.sink.take(origin, bytes);
    if (this.queued > 0) {
      this.scheduled = true;
      setImmediate(() => this.work());
    }
  }

  /** A prefix holds more addresses than there is memory: from some number on they share a row. */
  private countersOf(address: string): ListenerCounters {
    const name = this.byAddress.size < ADDRESSES_MAX ? address : OTHERS;
    let counters = this.byAddress.get(address) ?? this.byAddress.get(name);
    if (counters === undefined) this.byAddress.set(name, (counters = listenerCounters()));
    return counters;
  }

  /** The oldest sources with an empty cache make room. */
  private remember(key: string, origin: UdpOrigin): void {
    this.origins.set(key, origin);
    if (this.origins.size <= ORIGINS_MAX) return;
    let looked = 0;
    for (const [old, { slots }] of this.origins) {
      if (slots.size === 0) this.origins.delete(old);
      if (++looked >= 16) break;
    }
  }
}

class UdpOrigin implements Origin {
  client: Client;
  readonly address: string;
  readonly port: number;
  readonly counters: ListenerCounters;
  readonly slots = new Map<number, Exchange>();
  private readonly socket: Socket;

  constructor(
    client: Client,
    address: string,
    port: number,
    counters: ListenerCounters,
    socket: Socket,
  ) {
    this.client = client;
    this.address = address;
    this.port = port;
    this.counters = counters;
    this.socket = socket;
  }

  send(bytes: Uint8Array): void {
    this.socket.send(bytes, this.port, this.address, failed);
  }
}

/** What cannot be sent is as good as lost on the way: the client asks again. */
function failed(): void {}

/** Lost to the queue's end: a request, whatever else may be wrong with it. */
function refuse({ origin }: Pick<Waiting, "origin">): void {
  origin.counters.requests++;
  origin.counters.dropped++;
}

/** Before any check: stops at the first octet that makes no sense. */
function carriesState(bytes: Uint8Array): boolean {
  for (let at = HEADER; at + 2 <= bytes.length;) {
    if (readU8(bytes, at) === Attr.State) return true;
    const size = readU8(bytes, at + 1);
    if (size < 2) return false;
    at += size;
  }
  return false;
}
