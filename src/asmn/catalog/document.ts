/**
 * A catalog as it is signed and sent: body and signature, one behind the other. The body is JSON of fixed order
 * and form, so that one catalog has one encoding: what is read is written again, and must come out the same.
 * It names the key that signs it, by that key's id.
 */
import { createHash } from "node:crypto";
import {
  SIGNATURE_OCTETS,
  signDocument,
  splitDocument,
  verifyLabelled,
  type SigningKey,
} from "../crypto/index.js";
import { readCatalog } from "./check.js";
import { MOST_CATALOG, portsText, type Catalog } from "./model.js";
import { hoursText } from "./words.js";

/** A catalog whose signature and form are good. */
export interface OpenedCatalog {
  readonly catalog: Catalog;
  /** Id of the key that signed, hexadecimal. */
  readonly issuer: string;
  /** SHA-256 of the document, hexadecimal: what names it in evidence, verdicts and feeds. */
  readonly digest: string;
  /** SHA-256 of what it says, hexadecimal, whoever signs it: a new key makes no new catalog. */
  readonly content: string;
  /** As it came. */
  readonly document: Uint8Array;
}

export type OpenOutcome =
  | { readonly kind: "opened"; readonly opened: OpenedCatalog }
  | { readonly kind: "refused"; readonly reason: string };

/** The public key (32 octets) of this id, if it may sign catalogs now; else undefined. */
export type CatalogKeys = (issuer: string) => Uint8Array | undefined;

type DecodeOutcome =
  | { readonly kind: "catalog"; readonly catalog: Catalog; readonly issuer: string }
  | { readonly kind: "refused"; readonly reason: string };

const ISSUER = /^[0-9a-f]{32}$/;

/** @param issuer id of the key that will sign, hexadecimal */
export function encodeCatalog(catalog: Catalog, issuer: string): Uint8Array {
  return Buffer.from(JSON.stringify({ issuer, ...catalogData(catalog) }), "utf8");
}

/** The catalog as plain data that `readCatalog` reads back to the same catalog. */
export function catalogData(catalog: Catalog): object {
  const { tenant, version, descriptors, abnormal, networks, entries, alarms } = catalog;
  return {
    ...{ tenant, version, descriptors },
    ...(abnormal !== undefined && { abnormal }),
    networks: networks.map(({ name, prefixes }) => ({ name, prefixes })),
    entries: entries.map((entry) => ({
      ...{ from: entry.from, to: entry.to, protocol: entry.protocol ?? "any" },
      ...(entry.ports !== undefined && { port: portsText(entry.ports) }),
      ...(entry.rate !== undefined && { rate: entry.rate }),
      burst: entry.burst,
      ...(entry.packets !== undefined && { packets: entry.packets }),
      ...(entry.opens !== undefined && { opens: entry.opens }),
      ...(entry.connections !== undefined && { connections: entry.connections }),
      answers: entry.answers,
    })),
    alarms: alarms.map(({ name, from, to, octets, windowSeconds, hours }) => ({
      ...{ name, from, to: to ?? "outside", octets, window: windowSeconds },
      ...(hours !== undefined && { hours: hoursText(hours).split(" ")[0], zone: hours.zone }),
    })),
  };
}

/** Reads a body; refuses one that is not in the one form. Never throws. */
export function decodeCatalog(body: Uint8Array): DecodeOutcome {
  if (body.length > MOST_CATALOG) {
    return refused(`the catalog has ${body.length} octets; at most ${MOST_CATALOG}`);
  }
  const data = jsonOf(body);
  const issuer = issuerOf(data);
  if (issuer === undefined) return refused("the catalog is no JSON text that names its key");
  const outcome = readCatalog(data);
  if (outcome.kind === "problems") return refused(`the catalog: ${outcome.problems.join("; ")}`);
  const { catalog } = outcome;
  if (!Buffer.from(encodeCatalog(catalog, issuer)).equals(body)) {
    return refused("the catalog is not in its one canonical form");
  }
  return { kind: "catalog", catalog, issuer };
}

/** SHA-256, hexadecimal. */
export function digestOf(octets: Uint8Array): string {
  return createHash("sha256").update(octets).digest("hex");
}

export function signCatalog(catalog: Catalog, issuer: string, key: SigningKey): Uint8Array {
  return signDocument(key, "catalog", encodeCatalog(catalog, issuer));
}

/** The signature before the contents: of what nobody answers for only the key's id is read. */
export function openCatalog(document: Uint8Array, keys: CatalogKeys): OpenOutcome {
  if (document.length > MOST_CATALOG + SIGNATURE_OCTETS) return refused("the catalog is too long");
  const split = splitDocument(document);
  if (split === undefined) return refused("the catalog has no signature");
  const { body, signature } = split;
  const issuer = issuerOf(jsonOf(body));
  if (issuer === undefined) return refused("the catalog is no JSON text that names its key");
  const key = keys(issuer);
  if (key === undefined) return refused(`key ${issuer} may not sign catalogs`);
  if (!verifyLabelled(key, "catalog", body, signature)) {
    return refused(`the signature of the catalog by key ${issuer} is wrong`);
  }
  const decoded = decodeCatalog(body);
  if (decoded.kind === "refused") return decoded;
  const { catalog } = decoded;
  const content = digestOf(Buffer.from(JSON.stringify(catalogData(catalog))));
  const opened = { catalog, issuer, digest: digestOf(document), content, document };
  return { kind: "opened", opened };
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

function issuerOf(data: unknown): string | undefined {
  const { issuer } = (data ?? {}) as { readonly issuer?: unknown };
  return typeof issuer === "string" && ISSUER.test(issuer) ? issuer : undefined;
}

function refused(reason: string): { readonly kind: "refused"; readonly reason: string } {
  return { kind: "refused", reason };
}
