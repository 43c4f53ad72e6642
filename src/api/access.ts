/**
 * Who may do what, the same for every transport. Clients are known by a token or by the certificate of
 * their TLS connection; without clients in the settings, whoever reaches the door (on loopback) is an
 * operator. Tokens are compared as digests, all of them each time, so that time tells nothing.
 */
import { createHash, timingSafeEqual } from "node:crypto";
import type { PeerCertificate } from "node:tls";
import { HttpError } from "./error.js";
import type { Caller, Role } from "./service/operation.js";
import type { ClientSettings } from "./settings.js";

/** What a request brings. */
export interface Credentials {
  /** Address, without the port. */
  readonly address: string;
  readonly via: Caller["via"];
  /** The Authorization header. */
  readonly authorization: string | undefined;
  /** Of the connection, signed by our CA; undefined where there is none. */
  readonly certificate: PeerCertificate | undefined;
}

/** Longer ones are none. */
const TOKEN_MAX = 4096;
const RANK: Readonly<Record<Role, number>> = { anyone: 0, viewer: 1, operator: 2 };

const HOW =
  "send Authorization: Bearer TOKEN, or a client certificate (evpnctl: --token-file, or --cert and --key)";

export class Access {
  private readonly clients: readonly ClientSettings[];
  private readonly digests: readonly { readonly digest: Buffer; readonly client: ClientSettings }[];

  constructor(clients: readonly ClientSettings[] = []) {
    this.clients = clients;
    this.digests = clients.flatMap((client) =>
      client.token === undefined ? [] : [{ digest: Buffer.from(client.token, "hex"), client }],
    );
  }

  /** Throws `HttpError` 401 for who is unknown and not `anyone`, 403 for who may not. */
  authorize(needed: Role, credentials: Credentials): Caller {
    const { address, via } = credentials;
    if (this.clients.length === 0) return { name: "local", role: "operator", address, via };
    const client = this.identify(credentials);
    const caller: Caller =
      client === undefined
        ? { name: "", role: "anyone", address, via }
        : { name: client.name, role: client.role, address, via };
    if (RANK[caller.role] >= RANK[needed]) return caller;
    if (client === undefined) {
      throw new HttpError(401, "unauthenticated", `evpnd does not know who you are; ${HOW}`);
    }
    throw new HttpError(
      403,
      "forbidden",
      `${client.name} is a ${client.role}, and this takes an ${needed}; ask whoever keeps api.clients`,
    );
  }

  private identify({ authorization, certificate }: Credentials): ClientSettings | undefined {
    if (authorization !== undefined) return this.byToken(authorization);
    return certificate === undefined ? undefined : this.byCertificate(certificate);
  }

  private byToken(authorization: string): ClientSettings {
    const [, token] = /^Bearer +([^\s]+) *$/i.exec(authorization.slice(0, TOKEN_MAX)) ?? [];
    if (token === undefined) {
      throw new HttpError(
        401,
        "unauthenticated",
        "the Authorization header is not of the form: Bearer TOKEN",
      );
    }
    const digest = createHash("sha256").update(token).digest();
    let found: ClientSettings | undefined;
    for (const known of this.digests) {
      if (timingSafeEqual(known.digest, digest)) found = known.client;
    }
    if (found !== undefined) return found;
    throw new HttpError(
      401,
      "unauthenticated",
      "the token is of no client; api.clients in the configuration says which there are",
    );
  }

  private byCertificate(certificate: PeerCertificate): ClientSettings | undefined {
    const names = namesOf(certificate);
    return this.clients.find(
      (client) => client.certificate !== undefined && names.includes(client.certificate),
    );
  }
}

/** `CN=…` and the subject alternative names, as `api.clients` writes them. */
export function namesOf(
  certificate: Pick<PeerCertificate, "subject" | "subjectaltname">,
): string[] {
  const common: string | string[] | undefined = certificate.subject?.CN;
  const names = common === undefined ? [] : [common].flat().map((name) => `CN=${name}`);
  // Node.js puts names that could be mistaken for two in quotes.
  const alternative = /(?:^|, )([^:]+):("(?:[^"\\]|\\.)*"|[^,"]*)/g;
  for (const [, kind = "", name = ""] of (certificate.subjectaltname ?? "").matchAll(alternative)) {
    names.push(`${kind}:${name.startsWith('"') ? (JSON.parse(name) as string) : name}`);
  }
  return names;
}
