/**
 * A TLS port of the Sec-EM. In: TCP connections. Out: peers that have proved a key and speak the protocol's
 * ALPN. A connection costs a place from its first packet on, and there are few for each address; nothing of
 * TLS is begun for one that finds none.
 */
import { createServer, type Server, type Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import { addressBlock } from "../../../util/address-block.js";
import type { Log } from "../../../util/log.js";
import { LogRate } from "../../../util/log-rate.js";
import { tlsServer, type TlsIdentity, type TlsPeer } from "../../link/index.js";
import type { AsmnEndpoint } from "../../settings.js";
import type { Counters } from "../counters.js";
import { plainAddress } from "../judge.js";
import type { DoorLimits } from "./limits.js";

export interface DoorParts {
  readonly alpn: string;
  readonly identity: TlsIdentity;
  readonly limits: DoorLimits;
  readonly counters: Counters;
  readonly rate: LogRate;
  readonly log: Log;
  readonly onPeer: (peer: TlsPeer, address: string) => void;
  /** Somebody got no further than this: for the status. */
  readonly onRefused: (address: string, why: string) => void;
}

const BACKLOG = 1024;
/** One that is silent for so long is asked by TCP whether it is there: a host that lost power says no end. */
const KEEPALIVE_MS = 30_000;

export class Door {
  readonly endpoint: AsmnEndpoint;
  private readonly parts: DoorParts;
  private readonly door: Server;
  private readonly tls: TlsServer;
  private readonly sockets = new Set<Socket>();

  private constructor(endpoint: AsmnEndpoint, parts: DoorParts) {
    this.endpoint = endpoint;
    this.parts = parts;
    const { alpn, identity, counters } = parts;
    const onPeer = (peer: TlsPeer): void => {
      counters.connections++;
      parts.onPeer(peer, plainAddress(peer.socket.remoteAddress ?? ""));
    };
    this.tls = tlsServer({ alpn, identity, most: Infinity, onPeer });
    this.tls.on("tlsClientError", (error, socket) => {
      counters.handshakesFailed++;
      const address = plainAddress(socket.remoteAddress ?? "");
      parts.limits.failed(address);
      this.say(address, `a TLS handshake failed: ${error.message}`);
    });
    const options = { noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEPALIVE_MS };
    this.door = createServer(options, (socket) => this.arrived(socket));
  }

  /** Rejects with the system's error, which names the address. */
  static async open(endpoint: AsmnEndpoint, parts: DoorParts): Promise<Door> {
    const door = new Door(endpoint, parts);
    await new Promise<void>((resolve, reject) => {
      door.door.once("error", reject);
      const { address: host, port } = endpoint;
      door.door.listen({ host, port, backlog: BACKLOG }, () => {
        door.door.off("error", reject);
        door.door.on("error", (error) => parts.log.error({ err: error }, "port of the Sec-EM"));
        resolve();
      });
    });
    return door;
  }

  /** As bound. */
  get port(): number {
    const address = this.door.address();
    return typeof address === "object" && address !== null ? address.port : 0;
  }

  close(): Promise<void> {
    return new Promise((resolve) => {
      this.door.close(() => resolve());
      for (const socket of this.sockets) socket.destroy();
    });
  }

  private arrived(socket: Socket): void {
    const address = plainAddress(socket.remoteAddress ?? "");
    const { limits, counters } = this.parts;
    socket.on("error", () => {});
    const refusal = limits.enter(address);
    if (refusal !== undefined) {
      counters.connectionsRefused++;
      socket.destroy();
      this.say(address, `a connection was refused: ${refusal}`);
      return;
    }
    this.sockets.add(socket);
    socket.once("close", () => {
      this.sockets.delete(socket);
      limits.leave(address);
    });
    this.tls.emit("connection", socket);
  }

  private say(address: string, message: string): void {
    this.parts.onRefused(address, message);
    const suppressed = this.parts.rate.pass(`${addressBlock(address) ?? address} ${message}`);
    if (suppressed === undefined) return;
    this.parts.log.warn({ address, ...LogRate.fields(suppressed) }, message);
  }
}
