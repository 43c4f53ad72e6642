/** What became of the TCP connections to the TLS port. */
export interface RadsecCounters {
  accepted: number;
  handshakesFailed: number;
  /** TLS stands, but no client has that name or key. */
  unauthorised: number;
  overLimit: number;
}

export function radsecCounters(): RadsecCounters {
  return { accepted: 0, handshakesFailed: 0, unauthorised: 0, overLimit: 0 };
}
