/**
 * Names and key of a peer's certificate. Only subjectAltName counts, the Common Name never
 * (radiusdtls-bis section 3.3.1, RFC 9525).
 */
import { createHash } from "node:crypto";
import type { X509Certificate } from "node:crypto";
import { isIP, isIPv6 } from "node:net";

/** SHA-256 over SubjectPublicKeyInfo, hexadecimal. */
export function spkiOf(certificate: X509Certificate): string {
  const spki = certificate.publicKey.export({ type: "spki", format: "der" });
  return createHash("sha256").update(spki).digest("hex");
}

/** `DNS:ap1.example`, `IP Address:192.0.2.1`, `URI:…`, `email:…`, in the form of `normalName`. */
export function namesOf(certificate: X509Certificate): string[] {
  return splitNames(certificate.subjectAltName ?? "").map(normalName);
}

/** Host names know no upper and lower case, and an IPv6 address is written in many ways. */
export function normalName(name: string): string {
  if (name.startsWith("DNS:")) return `DNS:${name.slice(4).toLowerCase().replace(/\.$/, "")}`;
  const address = name.startsWith(IP) ? name.slice(IP.length) : "";
  return isIPv6(address) ? `${IP}${new URL(`http://[${address}]`).hostname.slice(1, -1)}` : name;
}

const IP = "IP Address:";

/** Whether a server's certificate is that of `name`, a host name or an address. */
export function isServer(certificate: X509Certificate, name: string): boolean {
  return isIP(name) === 0
    ? certificate.checkHost(name, { subject: "never", partialWildcards: false }) !== undefined
    : certificate.checkIP(name) !== undefined;
}

/** Names that hold a comma or a quote come as JSON strings, so that none can pretend to be two. */
function splitNames(text: string): string[] {
  const names: string[] = [];
  for (const match of text.matchAll(NAME)) {
    const [, label = "", quoted, plain = ""] = match;
    if (quoted === undefined) names.push(`${label}:${plain}`);
    else {
      try {
        names.push(`${label}:${String(JSON.parse(quoted))}`);
      } catch {
        // What cannot be read names nobody.
      }
    }
  }
  return names;
}

const NAME = /(?:^|, )([A-Za-z ]+):(?:("(?:[^"\\]|\\.)*")|([^,"]*))(?=, |$)/g;
