/** Certificates and keys made for tests: `pki/README.md` says whose. */
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

export function pkiPath(name: string): string {
  return fileURLToPath(new URL(`pki/${name}`, import.meta.url));
}

export function pki(name: string): string {
  return readFileSync(pkiPath(name), "utf8");
}
