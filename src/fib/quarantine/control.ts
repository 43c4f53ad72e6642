/** Duplicates and quarantines for API and command line: text in, plain data out, by pages. */
import { parseIp } from "../../fast-bgp-codec/index.js";
import { readI32, readU16 } from "../../util/bytes.js";
import { FibQueryError, type FibPage, type PageQuery } from "../control.js";
import type { Fib } from "../fib.js";
import { isWholeMac, macBytes, parseMacMask } from "../mac-mask.js";
import type { DuplicateAction } from "../settings.js";
import { MOST_QUARANTINED } from "./effects.js";
import type { QuarantineRow } from "./desk.js";

/** Most domains that one order without a domain reaches. */
export const MOST_ORDERED = 1000;
const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;
/** Records looked at for one page. */
const WORK = 10_000;

export interface QuarantineOrder {
  readonly mac: string;
  /** As `MacView.domain` has it; undefined: every domain that has the MAC, `MOST_ORDERED` at most. */
  readonly domain?: string | undefined;
  /** Default `pin`. */
  readonly action?: Exclude<DuplicateAction, "none"> | undefined;
  /** Only the routes of this PE count; undefined: those of the winner, or as the action says. */
  readonly pe?: string | undefined;
  /** Undefined or 0: until it is released by hand. */
  readonly releaseSeconds?: number | undefined;
}

export interface QuarantineStats {
  /** MACs in quarantine now. */
  readonly quarantined: number;
  /** Duplicates found, and routes held that came, since this FIB began. */
  readonly alarms: number;
  readonly attempts: number;
  /** MACs that are sticky at one place and claimed by another. */
  readonly conflicts: number;
}

export interface QuarantineControl {
  stats(): Promise<QuarantineStats>;
  /** Duplicates, and MACs in quarantine. A page may be short, or empty, and not the last. */
  list(query: PageQuery): Promise<FibPage<QuarantineRow>>;
  /** By hand. Rejects with `not-found` when no domain has the MAC, or none from that PE; `busy` when there are too many. */
  add(order: QuarantineOrder): Promise<readonly QuarantineRow[]>;
  /** Ends alarm and effect; the names of the domains. Rejects with `not-found` when there is neither. */
  release(mac: string, domain?: string): Promise<readonly string[]>;
}

export class LocalQuarantineControl implements QuarantineControl {
  private readonly fib: Fib;

  constructor(fib: Fib) {
    this.fib = fib;
  }

  stats(): Promise<QuarantineStats> {
    return attempt(() => {
      const { quarantines, duplicates, macs } = this.fib;
      return {
        quarantined: quarantines.count,
        alarms: duplicates.alarms,
        attempts: duplicates.attempts,
        conflicts: macs.conflicts.count,
      };
    });
  }

  list({ cursor = "0", limit = PAGE_DEFAULT }: PageQuery): Promise<FibPage<QuarantineRow>> {
    return attempt(() => {
      if (!/^\d{1,10}$/.test(cursor) || Number(cursor) > 0x7fffffff) {
        throw new FibQueryError(
          "invalid",
          "cursor is not from a page before; leave it out to begin",
        );
      }
      const most = Math.min(PAGE_MAX, Math.max(1, limit));
      const { rows, next } = this.fib.desk.page(Number(cursor), WORK, most);
      return { rows, next: next === 0 ? undefined : String(next) };
    });
  }

  add(order: QuarantineOrder): Promise<readonly QuarantineRow[]> {
    return attempt(() => {
      const mac = macOf(order.mac);
      const pe = order.pe === undefined ? undefined : parseIp(order.pe);
      if (order.pe !== undefined && pe === undefined) {
        throw new FibQueryError(
          "invalid",
          `pe "${order.pe}" is no address; write an IPv4 or IPv6 address`,
        );
      }
      const having = this.entriesOf(mac, order.domain);
      if (having.length === 0) throw notFound(order.mac, order.domain);
      // Where it announces nothing, nothing would count: a slip of the hand must not take a MAC away.
      const entries = pe === undefined ? having : having.filter((id) => this.isClaimed(id, pe));
      if (entries.length === 0) {
        throw new FibQueryError(
          "not-found",
          `${order.pe} does not announce ${order.mac}; evpnctl explain mac ${order.mac} shows who does`,
        );
      }
      const { desk, quarantines } = this.fib;
      return this.fib.change(() =>
        entries.flatMap((entry) => {
          if (!quarantines.hasRoom) {
            throw new FibQueryError(
              "busy",
              `${MOST_QUARANTINED} MACs are in quarantine already: release some first`,
            );
          }
          const id = desk.begin(entry, order.action ?? "pin", order.releaseSeconds ?? 0, pe);
          return desk.row(id) ?? [];
        }),
      );
    });
  }

  release(text: string, domain?: string): Promise<readonly string[]> {
    return attempt(() => {
      const mac = macOf(text);
      const { desk, duplicates } = this.fib;
      const found = desk.recordsOf(readU16(mac, 0), readI32(mac, 2), domain);
      if (found.length === 0) {
        const where = domain === undefined ? "" : ` in domain ${domain}`;
        throw new FibQueryError(
          "not-found",
          `${text} is neither a duplicate nor in quarantine${where}; evpnctl quarantine list shows what is`,
        );
      }
      return this.fib.change(() =>
        found.map((id) => {
          const name = desk.nameOf(id).domain;
          duplicates.release(id);
          return name;
        }),
      );
    });
  }

  /** Whether the PE has a route for the entry, held ones included; true where there are too many to see. */
  private isClaimed(entry: number, pe: Uint8Array): boolean {
    const explanation = this.fib.explainer.explain(entry);
    if (explanation === undefined) return false;
    return explanation.cut || explanation.candidates.some((one) => sameOctets(parseIp(one.pe), pe));
  }

  private entriesOf(mac: Uint8Array, domain: string | undefined): number[] {
    const found: number[] = [];
    let from = 0;
    do {
      const { rows, next } = this.fib.pages.list({ mac }, from, MOST_ORDERED);
      for (const row of rows) {
        if (domain === undefined || row.domain === domain) found.push(row.id);
      }
      from = next;
    } while (from !== 0 && found.length < MOST_ORDERED);
    return found.slice(0, MOST_ORDERED);
  }
}

function macOf(text: string): Uint8Array {
  const parsed = parseMacMask(text);
  if (parsed !== undefined && isWholeMac(parsed)) return macBytes(parsed.value);
  throw new FibQueryError(
    "invalid",
    `"${text}" is no MAC address; write all of it, for example 52:54:00:00:00:01`,
  );
}

function sameOctets(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && b.every((octet, index) => octet === a[index]);
}

function notFound(mac: string, domain: string | undefined): FibQueryError {
  const where = domain === undefined ? "no domain has" : `domain ${domain} does not have`;
  return new FibQueryError(
    "not-found",
    `${where} the MAC ${mac}; evpnctl show mac lists those there are`,
  );
}

/** What `run` throws becomes a rejection. */
function attempt<T>(run: () => T): Promise<T> {
  return new Promise((resolve) => resolve(run()));
}
