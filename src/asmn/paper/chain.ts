/**
 * The chain: Hash^n(VNF) = Hash(Hash^(n-1)(VNF)), Hash^1 being taken over the whole image; and its renewal, in
 * which the new link comes encrypted under the former one. It runs forward: who has a link has all later ones,
 * and what a renewal encrypts its reader could compute.
 */
import { hashOf, type ChainHash } from "./hash.js";
import { seal, unseal } from "./cipher.js";

export interface Link {
  /** n of Hash^n, from 1. */
  readonly index: number;
  readonly octets: Uint8Array;
}

export interface Renewal {
  /** Index of the link inside. */
  readonly index: number;
  readonly sealed: Uint8Array;
}

export function nextLink(hash: ChainHash, link: Link): Link {
  return { index: link.index + 1, octets: hashOf(hash, link.octets) };
}

/** Hash^n of the image whose Hash^1 is `first`. @param index from 1 */
export function linkAt(hash: ChainHash, first: Uint8Array, index: number): Link {
  let link: Link = { index: 1, octets: first };
  while (link.index < index) link = nextLink(hash, link);
  return link;
}

export function renewalOf(former: Link, next: Link): Renewal {
  return { index: next.index, sealed: seal(former.octets, next.octets) };
}

/** What a party that takes renewals holds: Sec-EM and VNF, each on its own. */
export class ChainHolder {
  private held: Link;
  private lost: string | undefined;

  constructor(first: Link) {
    this.held = first;
  }

  get link(): Link {
    return this.held;
  }

  /** Why it has fallen out of step; it stays so until it is registered anew. */
  get outOfStep(): string | undefined {
    return this.lost;
  }

  /** @returns why the renewal could not be taken; it is not healed, whatever comes afterwards */
  take(renewal: Renewal): string | undefined {
    if (this.lost !== undefined) return this.lost;
    const { index } = this.held;
    if (renewal.index !== index + 1) {
      this.lost =
        `out of step: has link ${index}, and renewal ${renewal.index} needs link ` +
        `${renewal.index - 1}; register it again`;
      return this.lost;
    }
    const octets = unseal(this.held.octets, renewal.sealed);
    if (octets?.length !== this.held.octets.length) {
      this.lost = `renewal ${renewal.index} does not decrypt under link ${index}; register it again`;
      return this.lost;
    }
    this.held = { index: renewal.index, octets };
    return undefined;
  }

  register(first: Link): void {
    this.held = first;
    this.lost = undefined;
  }
}
