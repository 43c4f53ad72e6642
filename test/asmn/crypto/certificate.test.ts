/** Certificates: openssl and TLS take them, and what TLS says of a connection is the same at both ends. */
import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { connect, createServer } from "node:tls";
import type { TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import {
  generateSigningKey,
  rawPublicKey,
  selfSignedCertificate,
  signingKeyToPem,
} from "../../../src/asmn/crypto/index.js";
import type { SigningKey } from "../../../src/asmn/crypto/index.js";
import { ALPN, exporterOf, TLS_OPTIONS } from "../../../src/asmn/protocol/index.js";

test("ASM-60: a certificate is of that key, signed by itself, and openssl agrees", () => {
  for (const name of ["em1", "a".repeat(64)]) {
    const key = generateSigningKey();
    const pem = selfSignedCertificate(key, name);
    const certificate = new X509Certificate(pem);
    expect(rawPublicKey(certificate.publicKey)).toEqual(key.publicKey);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(certificate.subject).toBe(`CN=${name}`);
    const printed = execFileSync("openssl", ["x509", "-noout", "-text"], { input: pem }).toString();
    expect(printed).toMatch(
      /Version: 3 .*Signature Algorithm: ED25519.*Not After : Dec 31 23:59:59 9999/s,
    );
    expect(selfSignedCertificate(key, name)).toBe(pem);
  }
});

function identity(key: SigningKey, name: string) {
  return { key: signingKeyToPem(key), cert: selfSignedCertificate(key, name), ...TLS_OPTIONS };
}

function peerKey(socket: TLSSocket): Uint8Array | undefined {
  const certificate = socket.getPeerX509Certificate();
  return certificate && rawPublicKey(certificate.publicKey);
}

test("ASM-60, ASM-63: TLS 1.3 with both keys; the exporter is the connection's and no other's", async () => {
  const [left, right] = [generateSigningKey(), generateSigningKey()];
  const server = createServer({ ...identity(left, "em1"), ALPNProtocols: [ALPN.agent] });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const seen: Uint8Array[] = [];
  try {
    for (let n = 0; n < 2; n++) {
      const accepted = once(server, "secureConnection") as Promise<[TLSSocket]>;
      const options = { host: "127.0.0.1", port, ALPNProtocols: [ALPN.agent] };
      const client = connect({ ...options, ...identity(right, "edge-1") });
      await once(client, "secureConnect");
      const [socket] = await accepted;
      expect(client.getProtocol()).toBe("TLSv1.3");
      expect(client.alpnProtocol).toBe(ALPN.agent);
      expect(peerKey(client)).toEqual(left.publicKey);
      expect(peerKey(socket)).toEqual(right.publicKey);
      expect(exporterOf(client, ALPN.agent)).toEqual(exporterOf(socket, ALPN.agent));
      expect(exporterOf(client, ALPN.agent)).not.toEqual(exporterOf(client, ALPN.feed));
      seen.push(exporterOf(client, ALPN.agent));
      client.destroy();
      socket.destroy();
    }
    expect(seen[0]).not.toEqual(seen[1]);
  } finally {
    server.close();
  }
});
