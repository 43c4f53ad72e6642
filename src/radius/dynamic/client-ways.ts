/**
 * How an access point is reached with Disconnect and CoA: over UDP at its own port, from a port of ours
 * that stays open for a while; over TLS down the connection it has made (reverse CoA), since it alone
 * can make one.
 */
import { ErrorCause } from "../packet/iana.js";
import type { Secret } from "../packet/md5.js";
import type { Client } from "../server/client-table.js";
import type { Session } from "../session/session.js";
import type { UpstreamPort } from "../upstream/port.js";
import { UdpPort } from "../upstream/udp-port.js";
import type { ClientWay } from "./client-door.js";

export interface WaysParts {
  now(): number;
  /** Port of clients that have none of their own; 0 = they take no requests. */
  clientPort(): number;
  /** A client over UDP. */
  clientAt(address: string): Client | undefined;
  /** A client over TLS: undefined when `identity` is none; no port while it is not connected. */
  tlsClient(
    identity: string,
  ): { readonly port: UpstreamPort | undefined; readonly secret: Secret } | undefined;
  onAnswer(port: UpstreamPort, bytes: Uint8Array): void;
  onLost(port: UpstreamPort): void;
}

interface Opened {
  readonly port: UdpPort;
  usedAt: number;
}

const OPEN_MAX = 512;
const IDENTIFIERS = 256;
const IDLE_MS = 60_000;

export class ClientWays {
  private readonly parts: WaysParts;
  /** By address and port; least recently used first. */
  private readonly opened = new Map<string, Opened>();

  constructor(parts: WaysParts) {
    this.parts = parts;
  }

  /** @returns the way, or the Error-Cause why there is none */
  wayTo({ client: identity }: Session): ClientWay | number {
    const tls = this.parts.tlsClient(identity);
    if (tls !== undefined) {
      const { port, secret } = tls;
      return port === undefined ? ErrorCause.RequestNotRoutable : { port, secret, reliable: true };
    }
    const client = this.parts.clientAt(identity);
    const secret = client?.secrets[0];
    if (client === undefined || secret === undefined) return ErrorCause.RequestNotRoutable;
    const number = client.settings.dynamicPort ?? this.parts.clientPort();
    if (number === 0) return ErrorCause.UnsupportedExtension;
    return { port: this.portTo(identity, number), secret, reliable: false };
  }

  /** To be called a few times a second. */
  tick(now: number, isBusy: (port: UpstreamPort) => boolean): void {
    for (const [key, { port, usedAt }] of this.opened) {
      if (now - usedAt < IDLE_MS) break;
      if (isBusy(port)) continue;
      this.opened.delete(key);
      port.close();
    }
  }

  close(): void {
    for (const { port } of this.opened.values()) port.close();
    this.opened.clear();
  }

  private portTo(address: string, number: number): UdpPort {
    const key = `${address} ${number}`;
    let opened = this.opened.get(key);
    if (opened === undefined) {
      this.makeRoom();
      const port: UdpPort = new UdpPort(address, number, {
        onDatagram: (from, bytes) => this.parts.onAnswer(from, bytes),
        onRefused: () => this.parts.onLost(port),
      });
      opened = { port, usedAt: 0 };
    }
    opened.usedAt = this.parts.now();
    this.opened.delete(key);
    this.opened.set(key, opened);
    return opened.port;
  }

  /** Ports where nothing is under way go first: an access point may be slow. */
  private makeRoom(): void {
    if (this.opened.size < OPEN_MAX) return;
    const [oldest] = this.opened;
    const idle = [...this.opened].find(([, { port }]) => port.free === IDENTIFIERS);
    const least = idle ?? oldest;
    if (least === undefined) return;
    const [key, { port }] = least;
    this.opened.delete(key);
    this.parts.onLost(port);
    port.close();
  }
}
