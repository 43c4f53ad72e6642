/**
 * The TLS port for clients (RFC 6614, radiusdtls-bis): who may connect, how many and how fast.
 *
 * In: TCP connections, packets. Out: authorised connections whose packets take the same way in as
 * datagrams do. A TCP connection costs a place until TLS stands and the client is known: there are few
 * such places for each address, and none lasts. A reload changes certificates and clients for what comes
 * next; connections that stand stay, unless their client is gone, their certificate was revoked, or its CA is
 * not trusted any more.
 */
import { createServer } from "node:net";
import type { Server, Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import type { Server as TlsServer, TLSSocket } from "node:tls";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import { certificateEvidence, ClientBook } from "./client-book.js";
import type { Evidence, TlsClient } from "./client-book.js";
import { TlsClientConnection } from "./connection.js";
import type { ConnectionParts, TlsSides } from "./connection.js";
import { radsecCounters } from "./counters.js";
import { PeerTrust, sameTrust, shownBy } from "./peer-trust.js";
import type { RadsecListenerSettings } from "./settings.js";
import { ALPN, contextOptions } from "./tls-options.js";

export interface RadsecParts {
  readonly sides: TlsSides;
  readonly settings: RadsecListenerSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** An answer to a request that was sent down a connection. */
  onAnswer(connection: TlsClientConnection, bytes: Uint8Array): void;
  onGone(connection: TlsClientConnection): void;
}

interface Arrival {
  readonly socket: Socket;
  readonly address: string;
  settled: boolean;
}

/** Handshakes under way from one address. */
const HALF_OPEN_PER_ADDRESS = 16;
/** Connections that are judged anew in one go: each may take some tenths of a millisecond. */
const JUDGED_AT_ONCE = 16;

export class RadsecListener {
  readonly counters = radsecCounters();
  private readonly parts: RadsecParts;
  private readonly door: Server;
  private readonly book: ClientBook;
  private readonly rate: LogRate;
  private settings: RadsecListenerSettings;
  private tls: TlsServer;
  /** What the certificates of a handshake that began before a reload are judged by, too. */
  private trust: PeerTrust | undefined;
  /** Connections of any kind, by the place they come from. */
  private readonly sockets = new Map<string, Arrival>();
  private readonly halfOpen = new Map<string, number>();
  private readonly open = new Set<TlsClientConnection>();
  /** PSK identity that a handshake used. */
  private readonly identities = new WeakMap<TLSSocket, string>();

  constructor(parts: RadsecParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.book = new ClientBook(parts.settings.clients);
    this.rate = new LogRate(parts.clock);
    this.tls = this.createTls();
    this.door = createServer({ allowHalfOpen: false, noDelay: true }, (socket) =>
      this.arrived(socket),
    );
  }

  /** Rejects with the system's error. @returns the port in use */
  listen(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.door.once("error", reject);
      this.door.listen(this.settings.port, this.settings.address, () => {
        this.door.off("error", reject);
        this.door.on("error", (error) => this.parts.log.error({ err: error }, "RADIUS/TLS port"));
        const address = this.door.address();
        resolve(typeof address === "object" && address !== null ? address.port : 0);
      });
    });
  }

  /** Everything but address and port. */
  configure(settings: RadsecListenerSettings): void {
    const isOther = !sameTrust(this.settings.credentials, settings.credentials);
    this.settings = settings;
    if (isOther) this.trust = new PeerTrust(settings.credentials);
    this.book.replace(settings.clients);
    this.tls = this.createTls();
    for (const connection of this.open) {
      const client = this.book.authorise(connection.evidence, connection.address);
      if (typeof client === "string") connection.end(`no longer authorised: ${client}`);
      else if (client.identity !== connection.client.identity) connection.end("another client now");
      else connection.client = client;
    }
    if (isOther) void this.judgeAnew();
  }

  /** Gives the port up, and every connection. */
  unlisten(): Promise<void> {
    return new Promise((resolve) => {
      this.door.close(() => resolve());
      this.close();
    });
  }

  close(): void {
    this.door.close();
    for (const connection of [...this.open]) connection.close();
    for (const { socket } of this.sockets.values()) socket.destroy();
  }

  get connections(): readonly TlsClientConnection[] {
    return [...this.open];
  }

  get clients(): readonly TlsClient[] {
    return this.book.clients;
  }

  /** The connection of a client that was heard last: where it takes requests. */
  connectionOf(identity: string): TlsClientConnection | undefined {
    let best: TlsClientConnection | undefined;
    for (const one of this.open) {
      if (one.client.identity !== identity) continue;
      if (best === undefined || one.heardAt > best.heardAt) best = one;
    }
    return best;
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    const { idleMs } = this.settings;
    for (const connection of this.open) {
      connection.tick(now);
      if (idleMs > 0 && now - connection.heardAt >= idleMs) connection.end("idle");
    }
  }

  /** Ends what stands on certificates that are not trusted any more; never rejects. */
  private async judgeAnew(): Promise<void> {
    const { trust } = this;
    let judged = 0;
    for (const connection of this.connections) {
      if (connection.shown.length === 0) continue;
      // Another reload does it all again.
      if (++judged % JUDGED_AT_ONCE === 0) await nextTurn();
      if (trust !== this.trust) return;
      const fault = trust?.fault(connection.shown);
      if (fault !== undefined) connection.end(fault);
    }
  }

  private arrived(socket: Socket): void {
    const address = socket.remoteAddress ?? "";
    const half = this.halfOpen.get(address) ?? 0;
    if (this.sockets.size >= this.settings.maxConnections || half >= HALF_OPEN_PER_ADDRESS) {
      this.counters.overLimit++;
      socket.destroy();
      this.say(address, "too many connections");
      return;
    }
    const place = placeOf(socket);
    const arrival: Arrival = { socket, address, settled: false };
    this.sockets.set(place, arrival);
    this.halfOpen.set(address, half + 1);
    socket.on("error", () => {});
    socket.once("close", () => {
      this.settle(arrival);
      if (this.sockets.get(place) === arrival) this.sockets.delete(place);
    });
    this.tls.emit("connection", socket);
  }

  /** The handshake is over, one way or the other. */
  private settle(arrival: Arrival): void {
    if (arrival.settled) return;
    arrival.settled = true;
    const { address } = arrival;
    const half = (this.halfOpen.get(address) ?? 1) - 1;
    if (half <= 0) this.halfOpen.delete(address);
    else this.halfOpen.set(address, half);
  }

  private createTls(): TlsServer {
    const { credentials, clients, handshakeMs } = this.settings;
    const certificates = clients.some(({ proof }) => proof.kind !== "psk");
    const psk = clients.some(({ proof }) => proof.kind === "psk");
    const server = createTlsServer(
      {
        ...contextOptions(credentials, { certificates, psk }),
        ALPNProtocols: ALPN,
        requestCert: certificates,
        // Judged in `secured`, where the reason can be told.
        rejectUnauthorized: false,
        handshakeTimeout: handshakeMs,
        ...(psk && {
          pskCallback: (socket: TLSSocket, identity: string) => {
            const key = this.book.keyOf(identity);
            if (key !== undefined) this.identities.set(socket, identity);
            return key ?? null;
          },
        }),
      },
      (socket) => this.secured(socket, server),
    );
    server.on("tlsClientError", (error, socket) => {
      this.counters.handshakesFailed++;
      this.say(socket.remoteAddress ?? "", `TLS handshake failed: ${error.message}`);
      socket.destroy();
    });
    return server;
  }

  private secured(socket: TLSSocket, by: TlsServer): void {
    const address = socket.remoteAddress ?? "";
    const arrival = this.sockets.get(placeOf(socket));
    if (arrival !== undefined) this.settle(arrival);
    socket.on("error", () => {});
    const evidence = this.evidenceOf(socket);
    const shown = shownBy(socket);
    // Its handshake began with the certificates of before.
    const fault = by === this.tls || shown.length === 0 ? undefined : this.trust?.fault(shown);
    const client =
      typeof evidence === "string" ? evidence : (fault ?? this.book.authorise(evidence, address));
    if (typeof evidence === "string" || typeof client === "string") {
      const why = typeof client === "string" ? client : "it proves nothing";
      this.counters.unauthorised++;
      this.say(address, `TLS client is not authorised: ${why}`);
      socket.destroy();
      return;
    }
    if (this.countOf(client) >= this.settings.maxConnectionsPerClient) {
      this.counters.overLimit++;
      this.say(address, `too many connections of ${client.settings.name}`);
      socket.destroy();
      return;
    }
    this.counters.accepted++;
    this.begin({ socket, evidence, shown, tlsClient: client });
  }

  private begin(
    proven: Pick<ConnectionParts, "socket" | "evidence" | "shown" | "tlsClient">,
  ): void {
    const { sides, clock, log } = this.parts;
    const { name } = proven.tlsClient.settings;
    const connection = new TlsClientConnection({
      sides,
      ...proven,
      openedAt: clock.now(),
      hooks: {
        onEnd: (one, reason) => {
          this.open.delete(one);
          this.parts.onGone(one);
          log.info({ client: name, address: one.address, reason }, "RADIUS/TLS client is gone");
        },
        onAnswer: (one, bytes) => this.parts.onAnswer(one, bytes),
      },
    });
    this.open.add(connection);
    const { address, protocol } = connection;
    log.info({ client: name, address, protocol }, "RADIUS/TLS client is connected");
  }

  /** @returns what it has proven, or why it has not */
  private evidenceOf(socket: TLSSocket): Evidence | string {
    const [certificate] = shownBy(socket);
    if (certificate !== undefined) {
      return socket.authorized
        ? certificateEvidence(certificate)
        : `its certificate does not verify (${String(socket.authorizationError)})`;
    }
    const identity = this.identities.get(socket);
    const key = identity === undefined ? undefined : this.book.keyOf(identity);
    if (identity === undefined || key === undefined) return "it shows no certificate";
    return { kind: "psk", identity, key: key.toString("hex") };
  }

  private countOf(client: TlsClient): number {
    let count = 0;
    for (const one of this.open) if (one.client.identity === client.identity) count++;
    return count;
  }

  private say(address: string, message: string): void {
    const suppressed = this.rate.pass(`${address} ${message}`);
    if (suppressed === undefined) return;
    this.parts.log.warn({ address, ...LogRate.fields(suppressed) }, message);
  }
}

function placeOf(socket: Socket): string {
  return `${socket.remoteAddress ?? ""} ${socket.remotePort ?? 0}`;
}
