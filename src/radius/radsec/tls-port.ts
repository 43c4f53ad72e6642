/**
 * One TLS connection to a home server as a port of 256 identifiers. It connects when there is something
 * to send, sends what is unanswered again on a new connection but never twice on one
 * (radiusdtls-bis sections 3.9 and 4.2), and waits longer after each failure.
 *
 * In: requests; settings for the next connection. Out: answers; requests the server sends down the
 * connection (reverse CoA); the news that it cannot be reached.
 */
import { isIP } from "node:net";
import { connect } from "node:tls";
import type { ConnectionOptions, TLSSocket } from "node:tls";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { Code } from "../packet/iana.js";
import { IdentifierRing } from "../upstream/port.js";
import type { UpstreamPort, UpstreamSlot } from "../upstream/port.js";
import { BackOff } from "../../util/back-off.js";
import { PacketStream } from "./packet-stream.js";
import { isServer, spkiOf } from "./peer-certificate.js";
import { PeerTrust, sameTrust, shownBy } from "./peer-trust.js";
import type { TlsUpstreamSettings } from "./settings.js";
import { ALPN, contextOptions } from "./tls-options.js";

export interface TlsPortParts {
  readonly name: string;
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Asked for each connection, so that a reload needs no new one. */
  settings(): TlsUpstreamSettings;
  onDatagram(port: UpstreamPort, bytes: Uint8Array): void;
  onRefused(): void;
  /** Disconnect-Request or CoA-Request of the server. */
  onRequest(bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void;
}

const CONNECT_MS = 5000;
const RECONNECT = { firstMs: 500, mostMs: 60_000, spread: 0.1 };

export class TlsPort extends IdentifierRing implements UpstreamPort {
  private readonly parts: TlsPortParts;
  private readonly backOff = new BackOff(RECONNECT);
  /** Requests without an answer, by identifier. */
  private readonly unanswered = new Map<number, Uint8Array>();
  private stream: PacketStream | undefined;
  /** What the connection, or the one that is being made, was made with. */
  private made: { readonly socket: TLSSocket; readonly tls: TlsUpstreamSettings } | undefined;
  private connecting: TLSSocket | undefined;
  private timer: TimerHandle | undefined;
  private closed = false;

  constructor(parts: TlsPortParts) {
    super();
    this.parts = parts;
  }

  override occupy(slot: UpstreamSlot): void {
    super.occupy(slot);
    this.unanswered.set(slot.identifier, slot.packet);
  }

  override release(identifier: number): void {
    super.release(identifier);
    this.unanswered.delete(identifier);
  }

  /** What is sent while there is no connection goes out with all that is unanswered when there is one. */
  send(bytes: Uint8Array): void {
    if (this.stream !== undefined) this.stream.send(bytes);
    else if (this.connecting === undefined && this.timer === undefined) this.connect();
  }

  /** Other settings: a server that would not be taken for itself any more is left. */
  reconsider(): void {
    const fault = this.faultOfMade();
    if (fault !== undefined) this.stream?.end(fault);
  }

  get connected(): boolean {
    return this.stream !== undefined;
  }

  /** To be called a few times a second. */
  tick(now: number): void {
    this.stream?.tick(now);
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.connecting?.destroy();
    this.stream?.end("the relay closes it");
  }

  private connect(): void {
    if (this.closed) return;
    let socket: TLSSocket;
    try {
      const tls = this.parts.settings();
      socket = connect(connectOptions(this.parts.address, tls));
      this.made = { socket, tls };
    } catch (error) {
      this.failed((error as Error).message);
      return;
    }
    this.connecting = socket;
    let over = false;
    const stop = (reason: string) => {
      if (over) return;
      over = true;
      slow.cancel();
      socket.destroy();
      this.connecting = undefined;
      this.failed(reason);
    };
    const slow = this.parts.clock.setTimer(CONNECT_MS, () => stop("the handshake took too long"));
    socket.on("error", (error: Error) => stop(error.message));
    socket.once("close", () => stop("closed during the handshake"));
    socket.once("secureConnect", () => {
      const fault = this.faultOfMade();
      if (fault !== undefined) {
        stop(fault);
        return;
      }
      over = true;
      slow.cancel();
      this.connecting = undefined;
      this.opened(socket);
    });
  }

  /** By the settings of now. */
  private faultOfMade(): string | undefined {
    const { made } = this;
    // During the handshake there is nothing to ask yet.
    if (made?.socket.getPeerFinished() === undefined) return undefined;
    const now = this.parts.settings();
    const fault = faultOf(made.socket, now);
    if (fault !== undefined || sameTrust(made.tls.credentials, now.credentials)) return fault;
    const shown = shownBy(made.socket);
    return shown.length === 0 ? undefined : new PeerTrust(now.credentials).fault(shown);
  }

  private opened(socket: TLSSocket): void {
    const { name, address, log } = this.parts;
    const protocol = socket.getProtocol();
    let heard = false;
    const stream = new PacketStream(socket, {
      onPacket: (packet) => {
        if (!heard) this.backOff.reset();
        heard = true;
        this.receive(packet, stream);
      },
      onEnd: (reason) => {
        if (this.stream !== stream) return;
        this.stream = undefined;
        log.info({ homeServer: name, address, reason }, "TLS connection to home server ended");
        // A server that hangs up without a word has failed; one that was heard may have been idle.
        if (!heard) this.failed(reason);
        else this.later();
      },
    });
    this.stream = stream;
    log.info({ homeServer: name, address, protocol }, "TLS connection to home server is up");
    for (const packet of this.unanswered.values()) stream.send(packet);
  }

  private receive(packet: Uint8Array, stream: PacketStream): void {
    const code = packet[0];
    if (code === Code.CoaRequest || code === Code.DisconnectRequest) {
      this.parts.onRequest(packet, (answer) => stream.send(answer));
    } else this.parts.onDatagram(this, packet);
  }

  private failed(reason: string): void {
    if (this.closed) return;
    const { name, address, log } = this.parts;
    log.debug({ homeServer: name, address, reason }, "no TLS connection to home server");
    this.later();
    this.parts.onRefused();
  }

  private later(): void {
    if (this.closed || this.timer !== undefined) return;
    this.timer = this.parts.clock.setTimer(this.backOff.next(), () => {
      this.timer = undefined;
      if (this.unanswered.size > 0) this.connect();
    });
  }
}

function connectOptions(address: string, tls: TlsUpstreamSettings): ConnectionOptions {
  const { psk, serverName } = tls;
  const context = contextOptions(tls.credentials, {
    certificates: psk === undefined,
    psk: psk !== undefined,
  });
  return {
    ...context,
    host: address,
    port: tls.port,
    ALPNProtocols: ALPN,
    rejectUnauthorized: true,
    // Who it is is judged once the connection stands, by names that are not the Common Name.
    checkServerIdentity: () => undefined,
    ...(serverName !== undefined && isIP(serverName) === 0 && { servername: serverName }),
    ...(psk !== undefined && {
      pskCallback: () => ({ identity: psk.identity, psk: Buffer.from(psk.key, "hex") }),
    }),
  };
}

/** Why this is not the server it should be; undefined when it is. */
function faultOf(
  socket: TLSSocket,
  { psk, serverName, spki }: TlsUpstreamSettings,
): string | undefined {
  const [certificate] = shownBy(socket);
  if (psk !== undefined) {
    return certificate === undefined ? undefined : "it shows a certificate instead of the key";
  }
  if (certificate === undefined) return "it shows no certificate";
  if (serverName !== undefined && !isServer(certificate, serverName)) {
    return `its certificate is not that of ${serverName}`;
  }
  if (spki.length > 0 && !spki.includes(spkiOf(certificate))) {
    return "its certificate has another key";
  }
  return undefined;
}
