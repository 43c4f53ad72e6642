/**
 * Who a TLS client is. A chain that verifies authorises nothing: one configured name, key or PSK identity
 * must fit, of exactly one client. A certificate that fits two is refused, as nobody can say whose
 * sessions it may end.
 */
import type { X509Certificate } from "node:crypto";
import { createClient, Network } from "../server/client-table.js";
import type { Client } from "../server/client-table.js";
import { namesOf, normalName, spkiOf } from "./peer-certificate.js";
import { RADSEC_SECRET } from "./settings.js";
import type { RadsecClientSettings } from "./settings.js";

/** What a connection has proven, kept so that it can be judged again after a reload. */
export type Evidence =
  | { readonly kind: "certificate"; readonly names: readonly string[]; readonly spki: string }
  | { readonly kind: "psk"; readonly identity: string; readonly key: string };

export interface TlsClient {
  readonly settings: RadsecClientSettings;
  /** The client as the way in knows it. */
  readonly client: Client;
  /** What its sessions and counters are kept under. */
  readonly identity: string;
}

interface Row extends TlsClient {
  readonly network: Network | undefined;
}

export class ClientBook {
  private rows: readonly Row[];

  constructor(clients: readonly RadsecClientSettings[]) {
    this.rows = clients.map(rowOf);
  }

  /** Clients that did not change keep what is known of them. */
  replace(clients: readonly RadsecClientSettings[]): void {
    const before = new Map(this.rows.map((row) => [JSON.stringify(row.settings), row]));
    this.rows = clients.map((settings) => before.get(JSON.stringify(settings)) ?? rowOf(settings));
  }

  /** @returns the client, or why it is none */
  authorise(evidence: Evidence, address: string): TlsClient | string {
    const fitting = this.rows.filter((row) => fits(row.settings, evidence));
    const [row] = fitting;
    if (row === undefined) return "no client has this name or key";
    if (fitting.length > 1) {
      return `it fits ${fitting.map(({ settings }) => settings.name).join(" and ")}`;
    }
    if (row.network !== undefined && !row.network.has(address)) {
      return `${row.settings.name} may not come from this address`;
    }
    return row;
  }

  /** The key of a PSK identity, as octets. */
  keyOf(identity: string): Buffer | undefined {
    for (const { settings } of this.rows) {
      const { proof } = settings;
      if (proof.kind === "psk" && proof.psk.identity === identity) {
        return Buffer.from(proof.psk.key, "hex");
      }
    }
    return undefined;
  }

  find(identity: string): TlsClient | undefined {
    return this.rows.find((row) => row.identity === identity);
  }

  get clients(): readonly TlsClient[] {
    return this.rows;
  }
}

export function certificateEvidence(certificate: X509Certificate): Evidence {
  return { kind: "certificate", names: namesOf(certificate), spki: spkiOf(certificate) };
}

function fits({ proof }: RadsecClientSettings, evidence: Evidence): boolean {
  switch (proof.kind) {
    case "name":
      return evidence.kind === "certificate" && evidence.names.includes(normalName(proof.name));
    case "spki":
      return evidence.kind === "certificate" && evidence.spki === proof.sha256;
    case "psk":
      return (
        evidence.kind === "psk" &&
        evidence.identity === proof.psk.identity &&
        evidence.key === proof.psk.key
      );
  }
}

function rowOf(settings: RadsecClientSettings): Row {
  const { name, network, requireMessageAuthenticator, rateLimit } = settings;
  return {
    settings,
    identity: `radsec:${name}`,
    network: network === undefined ? undefined : new Network(network),
    client: createClient({
      name,
      prefix: network ?? "::/0",
      secrets: [RADSEC_SECRET],
      requireMessageAuthenticator,
      // TLS has said who speaks; what a Proxy-State could smuggle in is no stranger's.
      proxy: false,
      limitProxyState: false,
      rateLimit,
    }),
  };
}
