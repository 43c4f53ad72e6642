/** RADIUS over TLS and dynamic authorisation of a file that passed the schema. */
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { DynamicSettings } from "../radius/dynamic/settings.js";
import type {
  ClientProof,
  PreSharedKey,
  RadsecClientSettings,
  RadsecListenerSettings,
  TlsCredentials,
  TlsUpstreamSettings,
} from "../radius/radsec/settings.js";
import { listsOf } from "../radius/radsec/tls-options.js";
import { parseEndpoint, parsePrefix } from "./address.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { secretText, type SecretSource } from "./secrets.js";

interface TlsFilesEntry {
  "cert-file"?: string;
  "key-file"?: string;
  "ca-file"?: string;
  "crl-file"?: string;
  "radius-1.1"?: boolean;
}

interface PskEntry {
  "psk-identity"?: string;
  "psk-file"?: string;
}

export interface RadsecClientEntry extends PskEntry {
  name: string;
  certificate?: string;
  spki?: string;
  network?: string;
  "require-message-authenticator"?: "yes" | "no" | "auto";
  "rate-limit"?: number;
}

export interface RadsecEntry extends TlsFilesEntry {
  listen?: string;
  clients: RadsecClientEntry[];
  "max-connections"?: number;
  "max-connections-per-client"?: number;
  "handshake-seconds"?: number;
  "idle-seconds"?: number;
}

export interface TlsUpstreamEntry extends TlsFilesEntry, PskEntry {
  port?: number;
  "server-name"?: string;
  spki?: string[];
}

export interface DynamicEntry {
  enabled?: boolean;
  address?: string;
  ports?: number[];
  "client-port"?: number;
  "proxy-state"?: "forward" | "restore";
  "require-event-timestamp"?: boolean;
  "window-seconds"?: number;
}

export interface RadsecContext {
  readonly secrets: SecretSource;
  readonly issues: IssueList;
  /** Wall-clock milliseconds. */
  readonly now: number;
}

interface DoorEntry {
  name: string;
  authentication?: object;
  accounting?: object;
  radsec?: RadsecEntry;
  "dynamic-authorization"?: DynamicEntry;
}

const PROOFS = ["certificate", "spki", "psk-identity"] as const;

export function radsecSettings(
  entry: RadsecEntry | undefined,
  path: ConfigPath,
  context: RadsecContext,
): RadsecListenerSettings | undefined {
  if (entry === undefined) return undefined;
  const endpoint = parseEndpoint(entry.listen ?? "0.0.0.0:2083");
  if (endpoint === undefined) return undefined;
  refuseVersion11(entry, path, context.issues);
  const clients = clientSettings(entry.clients, [...path, "clients"], context);
  const isCertified = entry.clients.some((client) => client["psk-identity"] === undefined);
  const credentials = credentialsOf(entry, path, context, isCertified);
  if (credentials === undefined) return undefined;
  return {
    address: endpoint.address,
    port: endpoint.port,
    credentials,
    clients,
    maxConnections: entry["max-connections"] ?? 1024,
    maxConnectionsPerClient: entry["max-connections-per-client"] ?? 16,
    handshakeMs: (entry["handshake-seconds"] ?? 10) * 1000,
    idleMs: (entry["idle-seconds"] ?? 900) * 1000,
  };
}

export function tlsUpstreamSettings(
  entry: TlsUpstreamEntry,
  path: ConfigPath,
  context: RadsecContext,
): TlsUpstreamSettings | undefined {
  const { issues } = context;
  refuseVersion11(entry, path, issues);
  const psk = pskOf(entry, path, context);
  const isPsk = entry["psk-identity"] !== undefined;
  const names = [entry["server-name"], entry.spki].filter((one) => one !== undefined);
  if (!isPsk && names.length === 0) {
    issues.error(
      path,
      "nothing says which server's certificate this must be",
      "add server-name, or spki, or psk-identity with psk-file",
    );
  }
  if (isPsk && (names.length > 0 || entry["cert-file"] !== undefined)) {
    issues.error(
      [...path, "psk-identity"],
      "a pre-shared key and certificates both stand here",
      "keep one of them",
      true,
    );
  }
  const credentials = credentialsOf(entry, path, context, !isPsk);
  if (credentials === undefined) return undefined;
  return {
    port: entry.port ?? 2083,
    credentials,
    serverName: entry["server-name"],
    spki: (entry.spki ?? []).map(hexadecimal),
    psk,
  };
}

export function dynamicSettings(entry: DynamicEntry | undefined): DynamicSettings | undefined {
  if (entry === undefined) return undefined;
  return {
    enabled: entry.enabled ?? false,
    address: entry.address ?? "0.0.0.0",
    ports: entry.ports ?? [3799, 1700],
    clientPort: entry["client-port"] ?? 3799,
    proxyState: entry["proxy-state"] ?? "forward",
    requireEventTimestamp: entry["require-event-timestamp"] ?? true,
    windowMs: (entry["window-seconds"] ?? 300) * 1000,
  };
}

/** TLS ports and ports for Disconnect and CoA: one each, and something behind them. */
export function checkDoors(tenants: readonly DoorEntry[], issues: IssueList): void {
  const taken = new Map<string, string>();
  const take = (place: string, who: string, path: ConfigPath): void => {
    const other = taken.get(place);
    if (other !== undefined) {
      issues.error(
        path,
        `${place} is taken by ${other}`,
        "give each an address or a port of its own",
      );
    }
    taken.set(place, who);
  };
  for (const [index, tenant] of tenants.entries()) {
    const path = ["radius", "tenants", index];
    const { radsec, authentication, accounting } = tenant;
    if (radsec !== undefined) {
      const endpoint = parseEndpoint(radsec.listen ?? "0.0.0.0:2083");
      const place = `${endpoint?.address ?? ""} TCP port ${endpoint?.port ?? 0}`;
      take(place, `radsec of ${tenant.name}`, [...path, "radsec"]);
      if (authentication === undefined && accounting === undefined) {
        issues.error(
          [...path, "radsec"],
          "nothing takes the requests that come over TLS",
          "add authentication, accounting or both to the tenant",
        );
      }
    }
    const dynamic = dynamicSettings(tenant["dynamic-authorization"]);
    for (const port of dynamic?.enabled === true ? dynamic.ports : []) {
      const place = `${dynamic?.address ?? ""} UDP port ${port}`;
      const who = `dynamic-authorization of ${tenant.name}`;
      take(place, who, [...path, "dynamic-authorization"]);
    }
  }
}

function clientSettings(
  entries: readonly RadsecClientEntry[],
  path: ConfigPath,
  context: RadsecContext,
): RadsecClientSettings[] {
  const { issues } = context;
  const names = new Map<string, ConfigPath>();
  const proofs = new Map<string, string>();
  return entries.flatMap((entry, index) => {
    const at = [...path, index];
    issues.once(entry.name, entry.name, [...at, "name"], names);
    const proof = proofOf(entry, at, context);
    if (proof === undefined) return [];
    const key = keyOf(proof);
    const other = proofs.get(key);
    if (other !== undefined) {
      issues.error(
        at,
        `${entry.name} and ${other} are known by the same name or key`,
        "give each one of its own: a connection must be exactly one client's",
      );
    }
    proofs.set(key, entry.name);
    return [
      {
        name: entry.name,
        proof,
        network: entry.network === undefined ? undefined : parsePrefix(entry.network)?.text,
        requireMessageAuthenticator: entry["require-message-authenticator"] ?? "no",
        rateLimit: entry["rate-limit"] ?? 0,
      },
    ];
  });
}

function proofOf(
  entry: RadsecClientEntry,
  path: ConfigPath,
  context: RadsecContext,
): ClientProof | undefined {
  const given = PROOFS.filter((key) => entry[key] !== undefined);
  if (given.length === 0) {
    context.issues.error(
      path,
      `nothing tells who ${entry.name} is`,
      "add certificate, spki, or psk-identity with psk-file",
    );
    return undefined;
  }
  if (given.length > 1) {
    const [, second = ""] = given;
    context.issues.error(
      [...path, second],
      `${given.join(" and ")} both stand here`,
      "keep one",
      true,
    );
    return undefined;
  }
  if (entry.certificate !== undefined) return { kind: "name", name: entry.certificate };
  if (entry.spki !== undefined) return { kind: "spki", sha256: hexadecimal(entry.spki) };
  const psk = pskOf(entry, path, context);
  return psk === undefined ? undefined : { kind: "psk", psk };
}

function keyOf(proof: ClientProof): string {
  switch (proof.kind) {
    case "name":
      return proof.name.toLowerCase();
    case "spki":
      return proof.sha256;
    case "psk":
      return `psk ${proof.psk.identity}`;
  }
}

function pskOf(
  entry: PskEntry,
  path: ConfigPath,
  context: RadsecContext,
): PreSharedKey | undefined {
  const { "psk-identity": identity, "psk-file": file } = entry;
  if (identity === undefined && file === undefined) return undefined;
  if (identity === undefined || file === undefined) {
    const missing = identity === undefined ? "psk-identity" : "psk-file";
    context.issues.error(path, `${missing} is missing`, "give both psk-identity and psk-file");
    return undefined;
  }
  const at = [...path, "psk-file"];
  const key = secretText({ file }, at, context, { whole: false, secret: true })?.trim();
  if (key === undefined) return undefined;
  if (!/^([0-9A-Fa-f]{2}){16,64}$/.test(key)) {
    const say = context.secrets.lenient === true ? "warn" : "error";
    context.issues[say](
      at,
      "the file holds no usable key",
      "write 32 to 128 hexadecimal digits into its first line: openssl rand -hex 32",
    );
    return undefined;
  }
  return { identity, key: key.toLowerCase() };
}

/** @returns undefined, with an issue, when they cannot be used */
function credentialsOf(
  entry: TlsFilesEntry,
  path: ConfigPath,
  context: RadsecContext,
  required: boolean,
): TlsCredentials | undefined {
  const { issues, now } = context;
  const missing = (["cert-file", "key-file", "ca-file"] as const).filter(
    (key) => entry[key] === undefined,
  );
  if (missing.length > 0 && (required || missing.length < 3)) {
    issues.error(path, `${missing.join(", ")} missing`, "certificates take all three files");
    return undefined;
  }
  const read = (key: "cert-file" | "key-file" | "ca-file" | "crl-file") =>
    entry[key] === undefined
      ? undefined
      : secretText({ file: entry[key] }, [...path, key], context, {
          whole: true,
          secret: key === "key-file",
        });
  const [cert, key, ca, crl] = [
    read("cert-file"),
    read("key-file"),
    read("ca-file"),
    read("crl-file"),
  ];
  const credentials = { cert, key, ca, crl };
  if (missing.length > 0) return credentials;
  const isUnread = entry["crl-file"] !== undefined && crl === undefined;
  if (cert === undefined || key === undefined || ca === undefined || isUnread) return undefined;
  try {
    createSecureContext({ cert, key, ca, ...(crl !== undefined && { crl: listsOf(crl) }) });
    const expiry = new X509Certificate(cert).validTo;
    if (Date.parse(expiry) < now) {
      issues.warn([...path, "cert-file"], `the certificate ended on ${expiry}`, "renew it");
    }
  } catch (error) {
    issues.error(
      path,
      `certificate, key and CA cannot be used together (${(error as Error).message})`,
      "check that they are PEM files, and that the key belongs to the certificate",
    );
    return undefined;
  }
  return credentials;
}

/**
 * RFC 9765 has neither authenticators nor hidden attributes. What comes in with them from one hop would
 * have to go out without them to the next and back, for every attribute that any vendor hides.
 */
function refuseVersion11(entry: TlsFilesEntry, path: ConfigPath, issues: IssueList): void {
  if (entry["radius-1.1"] !== true) return;
  issues.error(
    [...path, "radius-1.1"],
    "RADIUS/1.1 is not spoken: the relay passes on packets that other hops sign and hide with MD5, and RADIUS/1.1 has neither",
    "remove it: both sides then agree on RADIUS/1.0 over TLS (RFC 9765 section 3)",
    true,
  );
}

function hexadecimal(spki: string): string {
  return spki.length === 64 ? spki.toLowerCase() : Buffer.from(spki, "base64").toString("hex");
}
