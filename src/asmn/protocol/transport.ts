/** The constants of TLS around the protocol: what both ends set, and what binds evidence to a connection. */
export const ALPN = {
  agent: "evpnd-asmn-agent/1",
  feed: "evpnd-asmn-feed/1",
  bgp: "evpnd-asmn-bgp/1",
} as const;

export const EXPORTER_LABEL = "EXPORTER-evpnd-asmn-1";
export const EXPORTER_OCTETS = 32;

/** The part of `tls.TLSSocket` that it takes. */
export interface ExportingSocket {
  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer;
}

/** @param alpn of the connection, which becomes the exporter's context */
export function exporterOf(socket: ExportingSocket, alpn: string): Uint8Array {
  const context = Buffer.from(alpn, "latin1");
  return new Uint8Array(socket.exportKeyingMaterial(EXPORTER_OCTETS, EXPORTER_LABEL, context));
}

/** For both ends: TLS 1.3, both certificates asked for, and compared by public key afterwards. */
export const TLS_OPTIONS = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  requestCert: true,
  // Nobody signs these certificates but themselves; who it is, its public key says.
  rejectUnauthorized: false,
} as const;
