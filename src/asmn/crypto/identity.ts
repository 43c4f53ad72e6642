/** An instance's ID (ASM-64): SHA-256 over length-prefixed tenant, VNF, instance and nonce. */
import { sha256 } from "./hkdf.js";

export const ID_OCTETS = 32;
export const ID_NONCE_OCTETS = 16;

/** What tenants, VNFs, instances, Sec-EMs and audiences are called. */
export function isName(text: string): boolean {
  return /^[A-Za-z0-9._-]{1,64}$/.test(text);
}

export interface InstanceNames {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
}

/** @param nonce 16 octets, drawn by the Sec-EM */
export function instanceId(names: InstanceNames, nonce: Uint8Array): Uint8Array {
  const fields = [names.tenant, names.vnf, names.instance].map((text) => Buffer.from(text, "utf8"));
  return sha256(...[...fields, nonce].map((field) => lengthPrefixed(field)));
}

/** Its length in 4 octets, and it: so that fields side by side cannot be cut otherwise. */
export function lengthPrefixed(field: Uint8Array): Uint8Array {
  const octets = Buffer.alloc(4 + field.length);
  octets.writeUInt32BE(field.length);
  octets.set(field, 4);
  return octets;
}
