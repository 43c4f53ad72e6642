/**
 * TLS 1.3 between two parties that know each other by their keys: self-signed certificates on both sides, no
 * authority, no resumption and no early data, so that each connection has an exporter of its own. A key
 * says who it is only once the caller has compared it; TLS has proved that the other side holds it.
 */
import { connect, createServer } from "node:tls";
import type { Server, TLSSocket } from "node:tls";
import { rawPublicKey, selfSignedCertificate, signingKeyToPem } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { TLS_OPTIONS } from "../protocol/transport.js";
import type { AsmnEndpoint } from "../settings.js";

/** PEM. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

export interface TlsTarget extends AsmnEndpoint {
  readonly alpn: string;
  readonly identity: TlsIdentity;
  /** Local address; undefined = any. */
  readonly source?: string | undefined;
  readonly timeoutMs: number;
}

export interface TlsPeer {
  readonly socket: TLSSocket;
  /** Of the other side, raw, 32 octets. */
  readonly publicKey: Uint8Array;
}

const HANDSHAKE_MS = 5000;

export function tlsIdentity(key: SigningKey, name: string): TlsIdentity {
  return { key: signingKeyToPem(key), cert: selfSignedCertificate(key, name) };
}

/** Rejects with an Error that says what failed, in a few words. The socket is paused. */
export function openTls(target: TlsTarget): Promise<TlsPeer> {
  const { address, port, alpn, identity, source, timeoutMs } = target;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: address,
      port,
      ...(source === undefined ? {} : { localAddress: source }),
      ...identity,
      ...TLS_OPTIONS,
      ALPNProtocols: [alpn],
      checkServerIdentity: () => undefined,
    });
    const fail = (why: string): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(new Error(why));
    };
    const failed = (error: NodeJS.ErrnoException): void => fail(error.code ?? error.message);
    const closed = (): void => fail("closed by the other side");
    const timer = setTimeout(() => fail("no answer in time"), timeoutMs);
    socket.setNoDelay(true);
    socket.once("error", failed).once("close", closed);
    socket.once("secureConnect", () => {
      const publicKey = peerKey(socket);
      if (publicKey === undefined) return fail("its certificate has no Ed25519 key");
      if (socket.alpnProtocol !== alpn) return fail(`it does not speak ${alpn}`);
      clearTimeout(timer);
      socket.off("error", failed).off("close", closed);
      socket.on("error", ignore);
      resolve({ socket, publicKey });
    });
  });
}

export interface TlsServerParts {
  readonly alpn: string;
  readonly identity: TlsIdentity;
  /** Of connections, handshakes included; more are closed as they come. */
  readonly most: number;
  readonly onPeer: (peer: TlsPeer) => void;
}

/** Not listening yet. A connection without the ALPN or without an Ed25519 certificate is closed. */
export function tlsServer({ alpn, identity, most, onPeer }: TlsServerParts): Server {
  const server = createServer(
    {
      ...identity,
      ...TLS_OPTIONS,
      ALPNProtocols: [alpn],
      handshakeTimeout: HANDSHAKE_MS,
      pauseOnConnect: false,
    },
    (socket) => {
      socket.on("error", ignore);
      const publicKey = peerKey(socket);
      if (publicKey === undefined || socket.alpnProtocol !== alpn) return void socket.destroy();
      socket.setNoDelay(true);
      onPeer({ socket, publicKey });
    },
  );
  server.maxConnections = most;
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  return server;
}

function peerKey(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && rawPublicKey(certificate.publicKey);
}

/** What goes wrong on an open connection ends in its `close`. */
function ignore(): void {
  // Nothing to do here.
}
