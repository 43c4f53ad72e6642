/**
 * Whether a connection that stands would still be let in, by the CA certificates and revocation lists of now
 * (RFC 5280 sections 5 and 6): TLS judges at the handshake only. The lists are read as their files have them:
 * they are the operator's, and what they say can only end a connection. A list that is missing or outdated
 * ends none: that keeps the next one out.
 */
import { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";
import { toHex } from "../../util/bytes.js";
import { derItems, derName, derRoot, DerTag } from "./der.js";
import type { DerItem } from "./der.js";
import type { TlsCredentials } from "./settings.js";

/** Certificates between the peer's and its CA. */
const DEPTH_MAX = 10;

export class PeerTrust {
  private readonly authorities: readonly X509Certificate[];
  /** Serial numbers, by issuer. */
  private readonly revoked = new Map<string, Set<string>>();

  constructor({ ca, crl }: Pick<TlsCredentials, "ca" | "crl">) {
    this.authorities = blocksOf(ca, "CERTIFICATE").flatMap((der) => certificateOf(der));
    for (const der of blocksOf(crl, "X509 CRL")) addRevoked(der, this.revoked);
  }

  /**
   * @param shown the peer's certificate, then others that it sent
   * @returns why it is not trusted any more; undefined when it is
   */
  fault(shown: readonly X509Certificate[]): string | undefined {
    let [current] = shown;
    for (let depth = 0; current !== undefined && depth < DEPTH_MAX; depth++) {
      if (this.isRevoked(current.raw)) {
        return depth === 0 ? "its certificate was revoked" : "a CA of its certificate was revoked";
      }
      const one: X509Certificate = current;
      if (this.authorities.some(({ fingerprint256 }) => fingerprint256 === one.fingerprint256)) {
        return undefined;
      }
      current = [...this.authorities, ...shown].find((other) => isIssuer(other, one));
    }
    return "no CA that is trusted now has signed its certificate";
  }

  /** TBSCertificate: [0] version, serialNumber, signature, issuer, … (RFC 5280 section 4.1). */
  private isRevoked(der: Uint8Array): boolean {
    const items = insideOf(der);
    const at = items[0]?.tag === DerTag.Context0 ? 1 : 0;
    const [serial, , issuer] = items.slice(at);
    if (serial === undefined || issuer === undefined) return false;
    const { start, end } = serial;
    return this.revoked.get(derName(der, issuer))?.has(toHex(der, start, end)) === true;
  }
}

/** Node.js gives the whole chain once: a later question finds less of it, or nothing. */
const known = new WeakMap<TLSSocket, readonly X509Certificate[]>();

/** What the peer of a TLS connection that stands has shown, its own certificate first; empty without one. */
export function shownBy(socket: TLSSocket): readonly X509Certificate[] {
  const before = known.get(socket);
  if (before !== undefined) return before;
  const shown: X509Certificate[] = [];
  known.set(socket, shown);
  let one = socket.getPeerX509Certificate();
  while (one !== undefined && shown.length < DEPTH_MAX) {
    const { fingerprint256 } = one;
    if (shown.some((other) => other.fingerprint256 === fingerprint256)) break;
    shown.push(one);
    one = one.issuerCertificate;
  }
  return shown;
}

/** Whether other credentials may mean that somebody is not trusted any more. */
export function sameTrust(a: TlsCredentials, b: TlsCredentials): boolean {
  return a.ca === b.ca && a.crl === b.crl;
}

function isIssuer(issuer: X509Certificate, of: X509Certificate): boolean {
  try {
    return issuer !== of && of.checkIssued(issuer) && of.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

function blocksOf(pem: string | undefined, label: string): Buffer[] {
  const block = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`, "g");
  return [...(pem ?? "").matchAll(block)].map(([, text = ""]) => Buffer.from(text, "base64"));
}

/** Empty for what is none: TLS says so itself. */
function certificateOf(der: Buffer): X509Certificate[] {
  try {
    return [new X509Certificate(der)];
  } catch {
    return [];
  }
}

/** TBSCertList: version, signature, issuer, thisUpdate, nextUpdate, revokedCertificates, … (section 5.1). */
function addRevoked(der: Uint8Array, revoked: Map<string, Set<string>>): void {
  const items = insideOf(der);
  const at = items[0]?.tag === DerTag.Integer ? 1 : 0;
  const issuer = items[at + 1];
  const isTime = (item: DerItem | undefined): boolean =>
    item?.tag === DerTag.UtcTime || item?.tag === DerTag.GeneralizedTime;
  const list = items[at + (isTime(items[at + 3]) ? 4 : 3)];
  if (issuer === undefined || list?.tag !== DerTag.Sequence) return;
  const name = derName(der, issuer);
  const serials = revoked.get(name) ?? new Set();
  revoked.set(name, serials);
  for (const row of derItems(der, list.start, list.end)) {
    const [serial] = derItems(der, row.start, row.end);
    if (serial !== undefined) serials.add(toHex(der, serial.start, serial.end));
  }
}

/** What is signed of a certificate or a list: the items of the first item in it. */
function insideOf(der: Uint8Array): DerItem[] {
  const root = derRoot(der);
  if (root === undefined) return [];
  const [inner] = derItems(der, root.start, root.end);
  return inner === undefined ? [] : [...derItems(der, inner.start, inner.end)];
}
