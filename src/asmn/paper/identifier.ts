/**
 * ID = Tenant_ID ⊕ VNF_ID ⊕ Instance_ID ⊕ Nonce, of 128-bit fields, as the paper has it. A name becomes a field
 * by its UTF-8 octets, zeros behind: the paper does not say how long an ID is or how it is made.
 */
import { PaperError } from "./paper-error.js";

export const ID_OCTETS = 16;

export interface PaperIdentity {
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  /** 16 octets. */
  readonly nonce: Uint8Array;
}

/** @throws PaperError when the name is empty or longer than 16 octets */
export function idField(name: string): Uint8Array {
  const octets = Buffer.from(name, "utf8");
  if (octets.length === 0 || octets.length > ID_OCTETS)
    throw new PaperError(`the name "${name}" must have 1 to ${ID_OCTETS} octets in paper mode`);
  const field = new Uint8Array(ID_OCTETS);
  field.set(octets);
  return field;
}

export function xorOf(...fields: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(ID_OCTETS);
  for (const field of fields)
    field.forEach((octet, at) => (result[at] = (result[at] ?? 0) ^ octet));
  return result;
}

/** 32 hexadecimal digits. */
export function paperId({ tenant, vnf, instance, nonce }: PaperIdentity): string {
  if (nonce.length !== ID_OCTETS) throw new PaperError(`a nonce has ${ID_OCTETS} octets`);
  return hex(xorOf(idField(tenant), idField(vnf), idField(instance), nonce));
}

export function hex(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.length).toString("hex");
}

export function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, "hex"));
}
