/** What the API's doors need to know, already checked. */

/** A client by its credentials: one of `token` and `certificate`. */
export interface ClientSettings {
  readonly name: string;
  readonly role: "viewer" | "operator";
  /** SHA-256 of the token, in hexadecimal: the token itself is kept nowhere. */
  readonly token: string | undefined;
  /** `CN=ops`, or a subject alternative name: `DNS:ops.example`, `URI:spiffe://…`, `email:…`. */
  readonly certificate: string | undefined;
}

/** PEM texts, as the files hold them. */
export interface TlsSettings {
  readonly cert: string;
  readonly key: string;
  /** Who signs client certificates; undefined: none are asked for. */
  readonly clientCa: string | undefined;
}

export interface HttpSettings {
  /** undefined = no API at all. HTTP and gRPC share the port. */
  readonly listen: { readonly address: string; readonly port: number } | undefined;
  /** Names, beside `localhost` and addresses, that a Host header may carry. */
  readonly allowedHosts: readonly string[];
  /** Undefined: without TLS. */
  readonly tls?: TlsSettings | undefined;
  /** None: whoever reaches the door is an operator, so it stays on loopback. */
  readonly clients?: readonly ClientSettings[] | undefined;
  /** Default true. */
  readonly grpc?: boolean | undefined;
  /** `worker` (default): in a thread of its own; `main`: in the thread of BGP. */
  readonly thread?: "worker" | "main" | undefined;
}
