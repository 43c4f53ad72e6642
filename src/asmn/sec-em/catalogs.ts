/**
 * Sec-catalogs as the Sec-EM gives them out (ASM-32, ASM-70): made of the lines of the configuration, of
 * descriptors and of the operator, one document for each tenant, signed by the catalog key. Content that
 * differs from the last one gets the next version, which is on the disk before anybody sees it.
 */
import { toHex } from "../../util/bytes.js";
import {
  digestOf,
  encodeCatalog,
  readCatalog,
  signCatalog,
  type Catalog,
} from "../catalog/index.js";
import { keyId, sha256, type SigningKey } from "../crypto/index.js";
import { splitCatalog, type Catalog as CatalogMessage } from "../protocol/index.js";
import type { AsmnAlarmSettings, AsmnCatalogEntry, AsmnDefaultAction } from "../settings.js";
import type { CatalogRow } from "./control.js";
import { invalid } from "./names.js";
import type { RecordWrite, Records } from "./records.js";

/** What a tenant's catalog is made of. */
export interface CatalogSource {
  readonly tenant: string;
  readonly defaultAction: AsmnDefaultAction;
  readonly vnfs: readonly string[];
  readonly entries: readonly AsmnCatalogEntry[];
  readonly alarms: readonly AsmnAlarmSettings[];
}

/** A catalog that is in force. */
export interface IssuedCatalog {
  readonly tenant: string;
  readonly version: number;
  /** SHA-256 of the document, hex: what messages and evidence name. */
  readonly digest: string;
  readonly document: Uint8Array;
  readonly source: CatalogSource;
}

interface CatalogRecord {
  readonly version: number;
  /** Of the content, whatever its version and key. */
  readonly content: string;
}

const NO_ISSUER = "0".repeat(32);

export class Catalogs {
  private readonly records: Records;
  private readonly key: () => SigningKey;
  private readonly kept = new Map<string, CatalogRecord>();
  private readonly issued = new Map<string, IssuedCatalog>();

  /** @param key the catalog key that signs now */
  constructor(records: Records, key: () => SigningKey) {
    this.records = records;
    this.key = key;
  }

  async load(): Promise<void> {
    for (const { key, value } of await this.records.all("catalog/")) {
      this.kept.set(key.slice("catalog/".length), value as unknown as CatalogRecord);
    }
  }

  get(tenant: string): IssuedCatalog | undefined {
    return this.issued.get(tenant);
  }

  all(): readonly IssuedCatalog[] {
    return [...this.issued.values()];
  }

  /** @throws SecEmError `invalid`: some line is no line of a catalog */
  static check(source: CatalogSource): void {
    made(source, 1);
  }

  /**
   * Brings the tenant's document to what `source` says.
   * @param beside written in the same stroke
   * @returns the new one; undefined when nothing changed
   */
  async update(
    source: CatalogSource,
    beside: readonly RecordWrite[] = [],
  ): Promise<IssuedCatalog | undefined> {
    const { tenant } = source;
    const former = this.kept.get(tenant);
    const content = digestOf(encodeCatalog(made(source, 1), NO_ISSUER));
    const same = former?.content === content;
    const record = { version: same ? former.version : (former?.version ?? 0) + 1, content };
    const writes = same ? beside : [...beside, { key: `catalog/${tenant}`, value: record }];
    if (writes.length > 0) await this.records.write(...writes);
    this.kept.set(tenant, record);
    if (same && this.issued.has(tenant)) return undefined;
    return this.sign(source, record.version);
  }

  /** After a change of keys: the same versions, signed anew. */
  signAll(): void {
    for (const { source, version } of this.all()) this.sign(source, version);
  }

  /** The tenant is gone; its version is kept for its return. */
  drop(tenant: string): void {
    this.issued.delete(tenant);
  }

  static row({ tenant, version, digest, document, source }: IssuedCatalog): CatalogRow {
    const { defaultAction, entries, alarms } = source;
    return { tenant, version, digest, defaultAction, entries, alarms, document: toHex(document) };
  }

  private sign(source: CatalogSource, version: number): IssuedCatalog {
    const key = this.key();
    const catalog = made(source, version);
    const document = signCatalog(catalog, toHex(keyId(key.publicKey)), key);
    const { tenant } = source;
    const issued = { tenant, version, digest: toHex(sha256(document)), document, source };
    this.issued.set(tenant, issued);
    return issued;
  }
}

type CatalogPart = Omit<CatalogMessage, "kind">;
const partsOf = new WeakMap<IssuedCatalog, readonly CatalogPart[]>();

/** As messages carry it; made once, as every step of every instance asks. */
export function catalogParts(catalog: IssuedCatalog): readonly CatalogPart[] {
  const known = partsOf.get(catalog);
  if (known !== undefined) return known;
  const { tenant, version, digest, document } = catalog;
  const octets = document;
  const parts = splitCatalog({ tenant, version, digest: Buffer.from(digest, "hex"), octets });
  partsOf.set(catalog, parts);
  return parts;
}

function made(
  { tenant, defaultAction, vnfs, entries, alarms }: CatalogSource,
  version: number,
): Catalog {
  const outcome = readCatalog({
    ...{ tenant, version, descriptors: vnfs, abnormal: defaultAction, networks: [] },
    entries: entries.map((line) => ({
      ...{ from: line.from, to: line.to, protocol: line.protocol },
      ...(line.port !== undefined && { port: `${line.port}-${line.portEnd ?? line.port}` }),
      ...(line.rate !== undefined && { rate: line.rate }),
      ...(line.burst !== undefined && { burst: line.burst }),
      ...(line.packetRate !== undefined &&
        (line.protocol === "tcp" ? { opens: line.packetRate } : { packets: line.packetRate })),
    })),
    alarms: alarms.map(({ name, from, to, octets, windowSeconds, between }) => ({
      ...{ name, from, octets, window: windowSeconds, to: to ?? "outside" },
      ...(between !== undefined && { hours: `${between.start}-${between.end}`, zone: "UTC" }),
    })),
  });
  if (outcome.kind === "catalog") return outcome.catalog;
  throw invalid(`the catalog of ${tenant}: ${outcome.problems.join("; ")}`);
}
