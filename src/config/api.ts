/** The `api` block of a file that passed the schema. Tokens leave it as digests only. */
import { createHash, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import type { ClientSettings, TlsSettings } from "../api/settings.js";
import type { ConfigPath, IssueList } from "./issue.js";
import { secretText, type SecretSource } from "./secrets.js";

export interface ApiTlsEntry {
  "cert-file": string;
  "key-file": string;
  "client-ca-file"?: string;
}

export interface ApiClientEntry {
  name: string;
  role: "viewer" | "operator";
  "token-file"?: string;
  "token-env"?: string;
  certificate?: string;
}

export interface ApiEntry {
  grpc?: boolean;
  tls?: ApiTlsEntry;
  clients?: ApiClientEntry[];
}

export interface ApiContext {
  readonly secrets: SecretSource;
  /** Wall-clock milliseconds. */
  readonly now: number;
  readonly issues: IssueList;
}

const CREDENTIALS = ["token-file", "token-env", "certificate"] as const;
/** A token that can be guessed is none. */
const TOKEN_LEAST = 16;
const TOKEN_MOST = 2048;

/** Whether others than this machine's users may be let in. */
export function isGuarded(entry: ApiEntry): boolean {
  return entry.tls !== undefined && (entry.clients ?? []).length > 0;
}

export function apiTls(entry: ApiEntry, context: ApiContext): TlsSettings | undefined {
  const { tls } = entry;
  if (tls === undefined) return undefined;
  const path = ["api", "tls"];
  const read = (key: keyof ApiTlsEntry, secret: boolean) =>
    tls[key] === undefined
      ? undefined
      : secretText({ file: tls[key] }, [...path, key], context, { whole: true, secret });
  const cert = read("cert-file", false);
  const key = read("key-file", true);
  const clientCa = read("client-ca-file", false);
  const isMissing = tls["client-ca-file"] !== undefined && clientCa === undefined;
  if (cert === undefined || key === undefined || isMissing) return undefined;
  const { issues, now } = context;
  try {
    createSecureContext({ cert, key, ...(clientCa !== undefined && { ca: clientCa }) });
    const expiry = new X509Certificate(cert).validTo;
    if (Date.parse(expiry) < now) {
      issues.warn([...path, "cert-file"], `the certificate ended on ${expiry}`, "renew it");
    }
  } catch (error) {
    issues.error(
      path,
      `certificate, key and client CA cannot be used together (${(error as Error).message})`,
      "check that they are PEM files, and that the key belongs to the certificate",
    );
    return undefined;
  }
  return { cert, key, clientCa };
}

export function apiClients(entry: ApiEntry, context: ApiContext): ClientSettings[] {
  const names = new Map<string, ConfigPath>();
  const tokens = new Map<string, string>();
  return (entry.clients ?? []).map((client, index) => {
    const path = ["api", "clients", index];
    const { name, role, certificate } = client;
    context.issues.once(name, name, [...path, "name"], names);
    checkCredentials(client, path, entry, context.issues);
    const token = digestOf(client, path, context);
    const other = token === undefined ? undefined : tokens.get(token);
    if (other !== undefined) {
      context.issues.error(path, `${name} and ${other} have one token`, "give each one of its own");
    }
    if (token !== undefined) tokens.set(token, name);
    return { name, role, token, certificate };
  });
}

function checkCredentials(
  client: ApiClientEntry,
  path: ConfigPath,
  { tls }: ApiEntry,
  issues: IssueList,
): void {
  const given = CREDENTIALS.filter((key) => client[key] !== undefined);
  if (given.length === 0) {
    issues.error(
      path,
      `nothing tells who ${client.name} is`,
      "add token-file, token-env or certificate",
    );
  }
  if (given.length > 1) {
    issues.error([...path, given[1]!], `${given.join(" and ")} both stand here`, "keep one", true);
  }
  if (client.certificate !== undefined && tls?.["client-ca-file"] === undefined) {
    issues.error(
      [...path, "certificate"],
      "no client certificate is ever asked for",
      "add client-ca-file to api.tls",
    );
  }
}

/** SHA-256 of the token, in hexadecimal. */
function digestOf(
  client: ApiClientEntry,
  path: ConfigPath,
  context: ApiContext,
): string | undefined {
  const { "token-file": file, "token-env": env } = client;
  if (file === undefined && env === undefined) return undefined;
  const at = [...path, file === undefined ? "token-env" : "token-file"];
  const from = file === undefined ? { env: env! } : { file };
  const token = secretText(from, at, context, { whole: false, secret: true })?.trim();
  if (token === undefined) return undefined;
  if (token.length < TOKEN_LEAST || token.length > TOKEN_MOST || /\s/.test(token)) {
    context.issues.error(
      at,
      `a token has ${TOKEN_LEAST} to ${TOKEN_MOST} characters and no spaces`,
      "make one with: openssl rand -hex 32",
    );
    return undefined;
  }
  return createHash("sha256").update(token).digest("hex");
}
