/**
 * The gateway's table in the kernel: written as a whole or with addresses let in and out, looked at, put back,
 * taken out. Every change is one transaction. Nothing here runs at the same time: callers take turns.
 */
import { createHash } from "node:crypto";
import { isAbsent, type Nft } from "./nft.js";
import { readElements, readTable, type Count, type TableListing } from "./listing.js";
import type { Openings } from "./member.js";
import { FAMILIES, OPEN, OPEN_WIDE } from "./names.js";
import { openingScript } from "./opening.js";

type Open = Openings["open"];

interface InForce {
  readonly table: string;
  readonly script: string;
  readonly open: Open;
  /** Of the rules as nft tells them: by this a change of somebody else's shows. */
  readonly digest: string;
}

/** What runs out by itself may be gone from the kernel a little before or after our clock says so. */
const LENIENT_MS = 3000;

export class KernelTable {
  private readonly nft: Nft;
  private inForce: InForce | undefined;

  constructor(nft: Nft) {
    this.nft = nft;
  }

  get script(): string | undefined {
    return this.inForce?.script;
  }

  /** Whether there is a table of this name, ours or of a life before. */
  async exists(table: string): Promise<boolean> {
    return (await this.list(table)) !== undefined;
  }

  /**
   * Makes the kernel hold this table with these openings: the table as a whole when it differs, else what opens
   * and closes. Rejects with `GatewayError`; then the kernel holds what it held.
   * @param tables of ours: those of another name go in the same transaction
   * @returns whether the whole table was written
   */
  async apply(
    table: string,
    script: string,
    open: Open,
    now: number,
    tables: readonly string[] = [],
  ): Promise<boolean> {
    const { inForce } = this;
    const former = new Set([...tables, inForce?.table ?? table]);
    former.delete(table);
    const away = [...former].map(removeScript).join("");
    if (inForce?.script === script && inForce.table === table) {
      const delta = away + openingScript(table, inForce.open, open, now);
      if (delta !== "") await this.nft(["-f", "-"], delta);
      this.inForce = { ...inForce, open };
      return false;
    }
    await this.nft(["-f", "-"], away + script + openingScript(table, undefined, open, now));
    this.inForce = { table, script, open, digest: "" };
    const listing = await this.nft(["-j", "-t", "list", "table", "inet", table], "");
    this.inForce = { table, script, open, digest: rulesDigest(listing) };
    return true;
  }

  /** The next `apply` writes the whole table. */
  distrust(): void {
    if (this.inForce !== undefined) this.inForce = { ...this.inForce, script: "" };
  }

  /** Whether the kernel holds what was written. */
  async isWhole(now: number): Promise<boolean> {
    const { inForce } = this;
    if (inForce === undefined) return true;
    const { table, open, digest } = inForce;
    const listing = await this.list(table);
    if (listing === undefined || rulesDigest(listing) !== digest) return false;
    const held = new Set<string>();
    for (const set of this.openSets()) {
      for (const place of (await this.elements(set)).keys()) held.add(place);
    }
    for (const place of held) if (!open.has(place)) return false;
    for (const [place, until] of open) {
      if (!held.has(place) && (until === undefined || until > now + LENIENT_MS)) return false;
    }
    return true;
  }

  async counters(table: string): Promise<TableListing> {
    return readTable((await this.list(table)) ?? "");
  }

  /** Elements of a set with what they counted; none when there is no such set. */
  async elements(set: string): Promise<Map<string, Count>> {
    const { inForce } = this;
    if (inForce === undefined) return new Map();
    try {
      return readElements(await this.nft(["-j", "list", "set", "inet", inForce.table, set], ""));
    } catch (error) {
      if (isAbsent(error)) return new Map();
      throw error;
    }
  }

  /** All in one transaction. */
  async remove(tables: readonly string[]): Promise<void> {
    await this.nft(["-f", "-"], tables.map(removeScript).join(""));
    this.inForce = undefined;
  }

  private openSets(): string[] {
    return FAMILIES.flatMap((family) => [`${OPEN}${family}`, `${OPEN_WIDE}${family}`]);
  }

  private async list(table: string): Promise<string | undefined> {
    try {
      return await this.nft(["-j", "-t", "list", "table", "inet", table], "");
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw error;
    }
  }
}

/** Deleting what is not there fails: so it is made first. */
function removeScript(table: string): string {
  return `add table inet ${table}\ndelete table inet ${table}\n`;
}

/** Rules, chains and names of sets, without handles and without what was counted. */
function rulesDigest(listing: string): string {
  const { nftables } = JSON.parse(listing) as { readonly nftables: readonly Described[] };
  const lines = nftables.map(({ rule, chain, set, map }) => {
    if (rule !== undefined) return ["rule", rule.chain, rule.expr];
    if (chain !== undefined) return ["chain", chain.name, chain.hook, chain.prio, chain.policy];
    return ["set", (set ?? map)?.name];
  });
  return createHash("sha256").update(JSON.stringify(lines)).digest("hex");
}

interface Described {
  readonly rule?: { readonly chain: string; readonly expr: unknown };
  readonly chain?: {
    readonly name: string;
    readonly hook?: string;
    readonly prio?: number;
    readonly policy?: string;
  };
  readonly set?: { readonly name: string };
  readonly map?: { readonly name: string };
}
