/** A CA for one lab and what it signs: names in subjectAltName, and a list of what it takes back. */
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { commandSync } from "./command.js";

/** Writes `ca.pem`, `ca.crl`, and NAME.pem and NAME.key for each; `revoked` stands in the list. */
export function makeRadsecCertificates(
  directory: string,
  names: Readonly<Record<string, string>>,
  revoked: string,
): void {
  const openssl = (...words: string[]): void => void commandSync("openssl", words);
  const at = (name: string): string => join(directory, name);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  openssl(
    ...["req", "-x509", ...key, "-days", "2", "-keyout", at("ca.key"), "-out", at("ca.pem")],
    ...["-subj", "/CN=lab CA"],
  );
  writeFileSync(at("index.txt"), "");
  writeFileSync(at("crlnumber"), "01\n");
  writeFileSync(
    at("ca.cnf"),
    `[ca]\ndefault_ca = lab\n[lab]\ndatabase = ${at("index.txt")}\ncrlnumber = ${at("crlnumber")}\ndefault_md = sha256\ndefault_crl_days = 2\n`,
  );
  for (const [name, alternative] of Object.entries(names)) {
    openssl(
      ...["req", ...key, "-keyout", at(`${name}.key`), "-out", at(`${name}.csr`)],
      ...["-subj", `/CN=${name}`],
    );
    writeFileSync(
      at(`${name}.ext`),
      `subjectAltName=${alternative}\nextendedKeyUsage=serverAuth,clientAuth\n`,
    );
    openssl(
      ...["x509", "-req", "-days", "2", "-CA", at("ca.pem"), "-CAkey", at("ca.key")],
      ...["-CAcreateserial", "-in", at(`${name}.csr`), "-out", at(`${name}.pem`)],
      ...["-extfile", at(`${name}.ext`)],
    );
    chmodSync(at(`${name}.key`), 0o644);
  }
  revokeRadsecCertificate(directory, revoked);
}

/** One more in the list. */
export function revokeRadsecCertificate(directory: string, name: string): void {
  const at = (file: string): string => join(directory, file);
  const ca = ["ca", "-config", at("ca.cnf"), "-keyfile", at("ca.key"), "-cert", at("ca.pem")];
  commandSync("openssl", [...ca, "-revoke", at(`${name}.pem`)]);
  commandSync("openssl", [...ca, "-gencrl", "-out", at("ca.crl")]);
}
