/**
 * The tenant's Sec-catalog as the agent has it: put together from parts, verified under a certified catalog key,
 * never older than one that it had nor another one of the same version, and kept for the next start before it
 * counts.
 */
import { fromHex, toHex } from "../../util/bytes.js";
import { CatalogLedger, openCatalog } from "../catalog/index.js";
import type { Catalog as SecCatalog, OpenedCatalog } from "../catalog/index.js";
import { sha256 } from "../crypto/index.js";
import type { Catalog } from "../protocol/agent-messages.js";
import { CatalogAssembler } from "../protocol/catalog-parts.js";
import type { WholeCatalog } from "../protocol/catalog-parts.js";
import type { KeyRing } from "../protocol/key-certificate.js";
import { fail, pass } from "../protocol/words.js";
import type { Checked } from "../protocol/words.js";
import type { AgentHome } from "./home.js";

const FILE = "catalog.json";
const NONE = { version: 0, digest: new Uint8Array(32) } as const;

interface Kept {
  readonly version: number;
  /** Of the octets as they travel, and in evidence. */
  readonly digest: Uint8Array;
  readonly octets: Uint8Array;
  /** Digest of what it says, whoever signed it: another one of its version is refused, also after a restart. */
  readonly content: string;
}

export class CatalogBox {
  private readonly home: AgentHome;
  private readonly tenant: string;
  private readonly ledger = new CatalogLedger();
  private readonly assembler = new CatalogAssembler();
  private kept: Kept | undefined;

  constructor(home: AgentHome, tenant: string) {
    this.home = home;
    this.tenant = tenant;
    const kept = load(home.read(FILE));
    if (kept === undefined) return;
    this.kept = kept;
    this.ledger.restore(tenant, { version: kept.version, content: kept.content });
  }

  /** What evidence names. */
  get named(): { readonly version: number; readonly digest: Uint8Array } {
    return this.kept ?? NONE;
  }

  /** Only what a certified key signed in this life: without a Sec-EM nothing new is allowed. */
  get current(): SecCatalog | undefined {
    return this.ledger.get(this.tenant)?.catalog;
  }

  /** @param secEm whose connection it came on */
  take(part: Catalog, ring: KeyRing, secEm: string): Checked<unknown> {
    const taken = this.assembler.take(part);
    if (!taken.ok || taken.value === undefined) return taken;
    return this.takeWhole(taken.value, ring, secEm);
  }

  /** The one that was kept, once the Sec-EM's keys are known. */
  verifyKept(ring: KeyRing, secEm: string): void {
    if (this.kept === undefined || this.current !== undefined) return;
    const opened = this.open(this.kept.octets, ring, secEm);
    if (opened.ok) this.ledger.take(opened.value);
  }

  private takeWhole(whole: WholeCatalog, ring: KeyRing, secEm: string): Checked<undefined> {
    const opened = this.open(whole.octets, ring, secEm);
    if (!opened.ok) return opened;
    const { catalog } = opened.value;
    if (catalog.tenant !== this.tenant || whole.tenant !== this.tenant) {
      return fail("catalog", `a catalog of ${catalog.tenant}, not of ${this.tenant}`);
    }
    const { version, digest, octets } = whole;
    if (catalog.version !== version) {
      return fail("catalog", `a catalog of version ${catalog.version} that was called ${version}`);
    }
    const outcome = this.ledger.judge(opened.value);
    if (outcome.kind === "refused") return fail("catalog", outcome.reason.slice(0, 400));
    const { content } = opened.value;
    const text = { version, content, octets: Buffer.from(octets).toString("base64") };
    try {
      this.home.write(FILE, `${JSON.stringify(text)}\n`);
    } catch (error) {
      // In force only once no restart brings an older one back.
      return fail("storage", (error as Error).message.slice(0, 400));
    }
    this.ledger.take(opened.value);
    this.kept = { version, digest, octets, content };
    return pass(undefined);
  }

  private open(octets: Uint8Array, ring: KeyRing, secEm: string): Checked<OpenedCatalog> {
    const outcome = openCatalog(octets, (issuer) => {
      const id = fromHex(issuer);
      const key = id && ring.findById("catalog", secEm, id);
      return key?.ok === true ? key.value.publicKey : undefined;
    });
    return outcome.kind === "opened"
      ? pass(outcome.opened)
      : fail("catalog", outcome.reason.slice(0, 400));
  }
}

function load(text: string | undefined): Kept | undefined {
  if (text === undefined) return undefined;
  try {
    const { version, octets, content } = JSON.parse(text) as Record<keyof Kept, unknown>;
    if (!Number.isSafeInteger(version) || typeof octets !== "string") return undefined;
    if (typeof content !== "string") return undefined;
    const bytes = new Uint8Array(Buffer.from(octets, "base64"));
    return { version: version as number, digest: sha256(bytes), octets: bytes, content };
  } catch {
    // The Sec-EM sends it again.
    return undefined;
  }
}

/** For status and logs. */
export function catalogName({ version, digest }: { version: number; digest: Uint8Array }): string {
  return version === 0 ? "none" : `${version} (${toHex(digest).slice(0, 12)})`;
}
