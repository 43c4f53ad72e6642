/** Catalogs for tests, as an operator writes them. */
import { generateSigningKey, keyId, type SigningKey } from "../../../src/asmn/crypto/index.js";
import { readCatalog, signCatalog, type Catalog } from "../../../src/asmn/catalog/index.js";

export const signer = generateSigningKey();

export function issuerOf(key: SigningKey): string {
  return Buffer.from(keyId(key.publicKey)).toString("hex");
}

export const keyOf = (id: string): Uint8Array | undefined =>
  id === issuerOf(signer) ? signer.publicKey : undefined;

export const WRITTEN = {
  tenant: "acme",
  version: 1,
  descriptors: ["pe1", "rr", "db"],
  abnormal: "lower",
  networks: [{ name: "office", prefixes: ["192.0.2.0/24", "2001:db8:f::/48"] }],
  entries: [
    { from: "pe1", to: "rr", protocol: "tcp", port: 179, rate: "10mbit", burst: "128k" },
    { from: "pe1", to: "rr", protocol: "icmp", rate: "1mbit" },
    { from: "*", to: "db", protocol: "udp", port: "5000-5100", rate: "2mbit", packets: 500 },
    { from: "office", to: "db", protocol: "tcp", port: 443, opens: 20, connections: 8 },
  ],
  alarms: [
    { name: "leak", from: "db", octets: "100m", window: 300 },
    { name: "dawn", from: "db", to: "outside", hours: "01:00-05:00", zone: "Europe/Berlin" },
  ],
};

/** Fails the test when it is none. */
export function catalogOf(data: unknown): Catalog {
  const outcome = readCatalog(data);
  if (outcome.kind === "problems") throw new Error(outcome.problems.join("; "));
  return outcome.catalog;
}

export function signedOf(data: unknown, key: SigningKey = signer): Uint8Array {
  return signCatalog(catalogOf(data), issuerOf(key), key);
}
