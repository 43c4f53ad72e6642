/** What RADIUS over TLS wants to know, both ways. PEM texts, not files; times are milliseconds. */

/** The shared secret of every RADIUS/TLS hop: TLS is what protects it (RFC 6614 section 2.3). */
export const RADSEC_SECRET = "radsec";

export interface TlsCredentials {
  /** Our certificate and those between it and the CA, and its key. */
  readonly cert: string | undefined;
  readonly key: string | undefined;
  /** Who signs the other side's certificates; never the system's list. */
  readonly ca: string | undefined;
  readonly crl: string | undefined;
}

/** TLS-PSK (RFC 9813): `key` is hexadecimal. */
export interface PreSharedKey {
  readonly identity: string;
  readonly key: string;
}

/** Port 2083 of a tenant: authentication, accounting and dynamic authorisation on one connection. */
export interface RadsecListenerSettings {
  readonly address: string;
  readonly port: number;
  readonly credentials: TlsCredentials;
  readonly clients: readonly RadsecClientSettings[];
  readonly maxConnections: number;
  readonly maxConnectionsPerClient: number;
  /** From TCP's to TLS's handshake. */
  readonly handshakeMs: number;
  /** A connection without a packet for this long is closed; 0 = never. */
  readonly idleMs: number;
}

/** What names a client: one of the names in its certificate, its public key, or its PSK identity. */
export type ClientProof =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "spki"; readonly sha256: string }
  | { readonly kind: "psk"; readonly psk: PreSharedKey };

export interface RadsecClientSettings {
  readonly name: string;
  readonly proof: ClientProof;
  /** It may come from here alone; undefined: from anywhere. */
  readonly network: string | undefined;
  readonly requireMessageAuthenticator: "yes" | "no" | "auto";
  /** Requests per second beyond which new ones are dropped; 0 = no limit. */
  readonly rateLimit: number;
}

/** How a home server is reached over TLS. */
export interface TlsUpstreamSettings {
  readonly port: number;
  readonly credentials: TlsCredentials;
  /** DNS name or address that its certificate must hold; undefined with `spki` or `psk`. */
  readonly serverName: string | undefined;
  /** Its public key, SHA-256 in hexadecimal; empty = any that the CA vouches for. */
  readonly spki: readonly string[];
  readonly psk: PreSharedKey | undefined;
}
