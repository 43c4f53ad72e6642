/**
 * How one side shows the other that it has the link: E_{Hash^n}{ID}. The paper says that VNFs are verified by
 * the hash, and neither in which message nor with which freshness, direction or role: so there is none of
 * these, and the Sec-EM's request and the VNF's answer look alike.
 */
import { seal, unseal } from "./cipher.js";
import type { Link } from "./chain.js";
import { fromHex, hex } from "./identifier.js";

export function makeProof(link: Link, id: string): Uint8Array {
  return seal(link.octets, fromHex(id));
}

export function proofHolds(link: Link, id: string, proof: Uint8Array): boolean {
  const plain = unseal(link.octets, proof);
  return plain !== undefined && hex(plain) === id;
}
