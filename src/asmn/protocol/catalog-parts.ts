/** Signed catalogs in parts of 48 KiB: cut by the Sec-EM, put together again by agents and gateways. */
import { equalSecrets, sha256 } from "../crypto/index.js";
import { CATALOG_PART } from "./agent-messages.js";
import type { Catalog } from "./agent-messages.js";
import { fail, pass } from "./words.js";
import type { Checked } from "./words.js";

/** 12 MiB. */
const PARTS = 256;

export interface WholeCatalog {
  readonly tenant: string;
  readonly version: number;
  /** SHA-256 of the octets; verified. */
  readonly digest: Uint8Array;
  /** As signed; nothing in it is verified yet. */
  readonly octets: Uint8Array;
}

/** @throws Error above 12 MiB. */
export function splitCatalog(catalog: WholeCatalog): readonly Omit<Catalog, "kind">[] {
  const { tenant, version, digest, octets } = catalog;
  const parts = Math.max(1, Math.ceil(octets.length / CATALOG_PART));
  if (parts > PARTS) throw new Error(`a catalog of ${octets.length} octets is too long`);
  return Array.from({ length: parts }, (_, part) => ({
    tenant,
    version,
    digest,
    part,
    parts,
    octets: octets.slice(part * CATALOG_PART, (part + 1) * CATALOG_PART),
  }));
}

/** One at a time; a part 0 begins anew. */
export class CatalogAssembler {
  private first: Omit<Catalog, "kind"> | undefined;
  private readonly pieces: Uint8Array[] = [];

  /** Undefined as long as parts are missing. */
  take(part: Omit<Catalog, "kind">): Checked<WholeCatalog | undefined> {
    if (part.part === 0) {
      this.first = part;
      this.pieces.length = 0;
    }
    const { first } = this;
    if (first === undefined || !this.follows(first, part)) {
      this.first = undefined;
      this.pieces.length = 0;
      return fail("malformed", `part ${part.part} of ${part.parts} of a catalog is out of order`);
    }
    this.pieces.push(part.octets);
    if (this.pieces.length < first.parts) return pass(undefined);
    const octets = new Uint8Array(Buffer.concat(this.pieces));
    this.first = undefined;
    this.pieces.length = 0;
    const { tenant, version, digest } = first;
    if (!equalSecrets(sha256(octets), digest))
      return fail("catalog", "the catalog's octets are not what its digest says");
    return pass({ tenant, version, digest, octets });
  }

  private follows(first: Omit<Catalog, "kind">, part: Omit<Catalog, "kind">): boolean {
    return (
      first.parts >= 1 &&
      first.parts <= PARTS &&
      part.parts === first.parts &&
      part.part === this.pieces.length &&
      part.tenant === first.tenant &&
      part.version === first.version &&
      equalSecrets(part.digest, first.digest)
    );
  }
}
