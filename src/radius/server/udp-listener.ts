/**
 * A UDP port for clients. Datagrams wait in two short queues, those with State before new ones, and
 * are worked off behind the answers of home servers (`turn.ts`, RFC 5080 section 2.2.3). A full queue
 * loses new requests first.
 */
import { readU8 } from "../../util/bytes.js";
import { ClientTable } from "./client-table.js";
import type { Client } from "./client-table.js";
import { listenerCounters } from "../statistics/counters.js";
import type { ListenerCounters } from "../statistics/counters.js";
import type { Exchange, Origin } from "./exchange.js";
import { Attr, HEADER } from "../packet/iana.js";
import type { ListenerSettings } from "../settings.js";
import { KeptAnswers } from "./kept-answers.js";
import { Stage, turn } from "../udp/turn.js";
import { createUdpEnd } from "../udp/udp-end.js";
import type { Sender, SenderSource, UdpEnd } from "../udp/udp-end.js";

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

/** Requests worked off between two looks at the sockets. */
const TURN = 64;
/** Client addresses with counters of their own, and the name of the row for all others. */
const ADDRESSES_MAX = 4096;
export const OTHERS = "others";
/** Sources remembered beyond those with something in the cache. */
const ORIGINS_MAX = 4096;
/** Sources looked at when there are too many. */
const LOOKED_MAX = 16;

export class UdpListener {
  /** By client address; `unknown` sources share one. */
  readonly byAddress = new Map<string, ListenerCounters>();
  readonly strangers = listenerCounters();
  private queueMax: number;
  private clients: ClientTable;
  private readonly end: UdpEnd;
  private readonly sink: ListenerSink;
  private readonly origins = new Map<number | string, UdpOrigin>();
  private known: Waiting[] = [];
  private fresh: Waiting[] = [];
  private scheduled = false;
  private closed = false;

  /** @param openEnd tests bring their own datagrams */
  constructor(
    settings: ListenerSettings,
    sink: ListenerSink,
    openEnd: typeof createUdpEnd = settings.address === "" ? () => NOWHERE : createUdpEnd,
  ) {
    this.sink = sink;
    this.queueMax = settings.queueMax;
    this.clients = new ClientTable(settings.clients);
    const { address, port } = settings;
    this.end = openEnd(
      { local: { address, port } },
      {
        onDatagram: (bytes, key, source) => this.receive(bytes, key, source),
        // What the kernel says later concerns single answers that could not be delivered.
        onRefused: () => {},
      },
    );
  }

  /** Rejects with the system's error. @returns the port in use */
  listen(): Promise<number> {
    return this.end.open();
  }

  /** Nothing comes and nothing goes any more. May be called again. */
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.end.close();
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

  /** Sources remembered. */
  get sources(): number {
    return this.origins.size;
  }

  get queued(): number {
    return this.known.length + this.fresh.length;
  }

  private receive(bytes: Uint8Array, key: number | string, source: SenderSource): void {
    let origin = this.origins.get(key);
    if (origin === undefined) {
      const sender = source.sender();
      const client = this.clients.find(sender.address);
      if (client === undefined) {
        this.strangers.received++;
        this.strangers.unknown++;
        return;
      }
      origin = new UdpOrigin(client, sender, this.countersOf(sender.address));
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
    this.schedule();
  }

  private schedule(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    turn.add(Stage.work, () => this.work());
  }

  private work(): void {
    this.scheduled = false;
    const first = this.known.splice(0, TURN);
    const then = this.fresh.splice(0, TURN - first.length);
    for (const { origin, bytes } of first) this.sink.take(origin, bytes);
    for (const { origin, bytes } of then) this.sink.take(origin, bytes);
    if (this.queued > 0) this.schedule();
  }

  /** A prefix holds more addresses than there is memory: from some number on they share a row. */
  countersOf(address: string): ListenerCounters {
    const name = this.byAddress.size < ADDRESSES_MAX ? address : OTHERS;
    let counters = this.byAddress.get(address) ?? this.byAddress.get(name);
    if (counters === undefined) this.byAddress.set(name, (counters = listenerCounters()));
    return counters;
  }

  /** The oldest sources with an empty cache make room; the others are looked at again when all have been. */
  private remember(key: number | string, origin: UdpOrigin): void {
    this.origins.set(key, origin);
    if (this.origins.size <= ORIGINS_MAX) return;
    let looked = 0;
    for (const [old, one] of this.origins) {
      this.origins.delete(old);
      if (one.slots.size > 0 || one.kept.size > 0) this.origins.set(old, one);
      if (++looked >= LOOKED_MAX) break;
    }
  }
}

/** Without a port nobody comes. */
const NOWHERE: UdpEnd = { open: () => Promise.resolve(0), send: () => {}, close: () => {} };

class UdpOrigin implements Origin {
  client: Client;
  readonly identity: string;
  readonly address: string;
  readonly port: number;
  readonly counters: ListenerCounters;
  readonly slots = new Map<number, Exchange>();
  readonly kept = new KeptAnswers();
  private readonly sender: Sender;

  constructor(client: Client, sender: Sender, counters: ListenerCounters) {
    this.client = client;
    this.identity = sender.address;
    this.address = sender.address;
    this.port = sender.port;
    this.counters = counters;
    this.sender = sender;
  }

  send(bytes: Uint8Array): void {
    this.sender.send(bytes);
  }
}

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
