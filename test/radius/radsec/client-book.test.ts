import { X509Certificate } from "node:crypto";
import { describe, expect, test } from "vitest";
import { certificateEvidence, ClientBook } from "../../../src/radius/radsec/client-book.js";
import type { Evidence } from "../../../src/radius/radsec/client-book.js";
import { isServer, namesOf, spkiOf } from "../../../src/radius/radsec/peer-certificate.js";
import type { ClientProof, RadsecClientSettings } from "../../../src/radius/radsec/settings.js";
import { pki } from "../../lib/pki.js";

const certificate = (name: string) => new X509Certificate(pki(name));

function client(name: string, proof: ClientProof, network?: string): RadsecClientSettings {
  return { name, proof, network, requireMessageAuthenticator: "no", rateLimit: 0 };
}
const named = (name: string): ClientProof => ({ kind: "name", name });

function whoIs(book: ClientBook, evidence: Evidence, address = "192.0.2.1"): string {
  const answer = book.authorise(evidence, address);
  return typeof answer === "string" ? answer : answer.identity;
}

describe("what a certificate says", () => {
  test("RAD-60: names are those of subjectAltName, the common name is none", () => {
    expect(namesOf(certificate("viewer.crt"))).toEqual(["DNS:dashboard.example"]);
    expect(namesOf(certificate("ops.crt"))).toEqual(["URI:spiffe://example/ops"]);
    expect(namesOf(certificate("server.crt"))).toEqual([
      "DNS:localhost",
      "IP Address:127.0.0.1",
      "IP Address:::1",
    ]);
    expect(namesOf(certificate("stranger.crt"))).toEqual([]);
  });

  test("RAD-60: a server is who its certificate names, not who its common name says", () => {
    expect(isServer(certificate("server.crt"), "localhost")).toBe(true);
    expect(isServer(certificate("server.crt"), "127.0.0.1")).toBe(true);
    expect(isServer(certificate("server.crt"), "::1")).toBe(true);
    expect(isServer(certificate("server.crt"), "127.0.0.2")).toBe(false);
    expect(isServer(certificate("stranger.crt"), "stranger")).toBe(false);
    expect(isServer(certificate("ops.crt"), "ops")).toBe(false);
  });
});

describe("who a client is", () => {
  const viewer = certificateEvidence(certificate("viewer.crt"));
  const ops = certificateEvidence(certificate("ops.crt"));

  test("RAD-60: a good chain alone authorises nothing", () => {
    const book = new ClientBook([client("ap", named("DNS:ap.example"))]);
    expect(whoIs(book, viewer)).toMatch(/no client has this name or key/);
    expect(whoIs(new ClientBook([]), viewer)).toMatch(/no client/);
  });

  test("RAD-60: by alternative name, host names in any case, or by public key", () => {
    const book = new ClientBook([
      client("dashboard", named("DNS:Dashboard.Example")),
      client("ops", { kind: "spki", sha256: spkiOf(certificate("ops.crt")) }),
    ]);
    expect(whoIs(book, viewer)).toBe("radsec:dashboard");
    expect(whoIs(book, ops)).toBe("radsec:ops");
    expect(whoIs(book, certificateEvidence(certificate("fake.crt")))).toMatch(/no client/);
  });

  test("RAD-60: an IPv6 address fits however it is written", () => {
    const evidence = certificateEvidence(certificate("server.crt"));
    for (const text of ["::1", "0:0:0:0:0:0:0:1", "0000::0001"]) {
      const book = new ClientBook([client("six", named(`IP Address:${text}`))]);
      expect(whoIs(book, evidence)).toBe("radsec:six");
    }
  });

  test("RAD-60: a certificate that fits two clients is neither's", () => {
    const book = new ClientBook([
      client("one", named("DNS:localhost")),
      client("two", named("IP Address:127.0.0.1")),
    ]);
    const both = certificateEvidence(certificate("server.crt"));
    expect(whoIs(book, both)).toBe("it fits one and two");
  });

  test("RAD-60: a client may be bound to a network", () => {
    const book = new ClientBook([client("ops", named("URI:spiffe://example/ops"), "10.0.0.0/8")]);
    expect(whoIs(book, ops, "10.1.2.3")).toBe("radsec:ops");
    expect(whoIs(book, ops, "::ffff:10.1.2.3")).toBe("radsec:ops");
    expect(whoIs(book, ops, "192.0.2.1")).toMatch(/may not come from this address/);
  });

  test("RAD-60: a PSK identity counts with its key only", () => {
    const key = "00112233445566778899aabbccddeeff";
    const proof: ClientProof = { kind: "psk", psk: { identity: "lab", key } };
    const book = new ClientBook([client("lab", proof)]);
    expect(whoIs(book, { kind: "psk", identity: "lab", key })).toBe("radsec:lab");
    expect(whoIs(book, { kind: "psk", identity: "lab", key: "ff" })).toMatch(/no client/);
    expect(whoIs(book, { kind: "psk", identity: "other", key })).toMatch(/no client/);
    expect(book.keyOf("lab")?.toString("hex")).toBe(key);
    expect(book.keyOf("other")).toBeUndefined();
  });

  test("a client that a reload leaves alone keeps what is known of it", () => {
    const one = client("one", named("DNS:dashboard.example"));
    const book = new ClientBook([one, client("two", named("DNS:two"))]);
    const before = book.find("radsec:one")?.client;
    book.replace([{ ...one }, client("three", named("DNS:three"))]);
    expect(book.find("radsec:one")?.client).toBe(before);
    expect(book.find("radsec:two")).toBeUndefined();
    book.replace([{ ...one, rateLimit: 5 }]);
    expect(book.find("radsec:one")?.client).not.toBe(before);
  });
});
