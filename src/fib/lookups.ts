/**
 * The questions that the FIB's tables answer without the routes: how much there is, where MACs and
 * addresses are, which domains. The same in the thread that writes the tables (`control.ts`) and in one
 * that reads them as shared memory (`fib-reader.ts`).
 */
import { parseEsi, parseIp, parseRouteTarget } from "../fast-bgp-codec/index.js";
import { fromHex } from "../util/bytes.js";
import type { FibTables, MacFib } from "./mac-fib.js";
import { isWholeMac, macBytes, parseMacMask, parseWholeMac } from "./mac-mask.js";
import type { FibPages, MacFilter, Page } from "./pages.js";
import type { DomainSettings } from "./settings.js";
import type { DomainView, MacView } from "./view.js";

export interface PageQuery {
  /** Opaque; from the page before. */
  readonly cursor?: string | undefined;
  /** 1 to 1000. */
  readonly limit?: number | undefined;
}

/** All that is given must hold. */
export interface MacQuery extends PageQuery {
  /** In any notation, or its first digits, or with a mask: `52:54:00:00:00:00/24`. */
  readonly mac?: string | undefined;
  /** As `DomainView.name` has it. */
  readonly domain?: string | undefined;
  readonly vni?: number | undefined;
  readonly ip?: string | undefined;
  readonly pe?: string | undefined;
  readonly esi?: string | undefined;
  /** A segment on which some route, not only the winner, has the MAC. */
  readonly claimed?: string | undefined;
}

/** A page may be short, or empty, and not the last; of one address it may be longer than asked for. */
export interface FibPage<T> {
  readonly rows: readonly T[];
  /** Undefined at the end. */
  readonly next: string | undefined;
}

export interface FibSummary {
  readonly macs: number;
  readonly ips: number;
  readonly domains: number;
  readonly segments: number;
  /** MACs that move too often. */
  readonly duplicates: number;
}

/** Refused questions: a code for programs and a sentence that says what to do. */
export class FibQueryError extends Error {
  readonly code: "not-found" | "invalid" | "busy" | "off" | "rebuilt";
  constructor(code: FibQueryError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What is looked into: a `Fib`, or a reader of one. */
export interface LookedUp {
  /** Tells this FIB from any other: record numbers mean nothing in another one. */
  readonly incarnation: number;
  readonly tables: FibTables;
  readonly macs: MacFib;
  readonly pages: FibPages;
  readonly duplicates: { readonly duplicates: number };
}

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export class FibLookups {
  private readonly fib: LookedUp;
  private readonly configured: readonly DomainSettings[];

  /** @param configured the domains of the settings that `fib` was made with */
  constructor(fib: LookedUp, configured: readonly DomainSettings[]) {
    this.fib = fib;
    this.configured = configured;
  }

  summary(): FibSummary {
    const { macs, tables, duplicates } = this.fib;
    return {
      macs: macs.entries.count,
      ips: macs.bindings.count,
      domains: tables.domains.count,
      segments: tables.segments.count,
      duplicates: duplicates.duplicates,
    };
  }

  /** @param piece which of the rows; as the query says, unless given */
  macs(query: MacQuery, piece: PageQuery = query): FibPage<MacView> {
    const filter = this.filter(query);
    const { incarnation, pages } = this.fib;
    return pageOf(piece, incarnation, (from, most) => pages.list(filter, from, most));
  }

  domains(query: PageQuery): FibPage<DomainView> {
    const { incarnation, pages } = this.fib;
    return pageOf(query, incarnation, (from, most) => pages.domains(from, most));
  }

  /** Throws `FibQueryError` for what cannot be. */
  filter(query: MacQuery): MacFilter {
    const mac = query.mac === undefined ? undefined : macOf(query.mac);
    return {
      domain: query.domain === undefined ? undefined : this.domainOf(query.domain),
      mac: mac?.value,
      mask: mac?.mask,
      vni: query.vni,
      ip: query.ip === undefined ? undefined : addressOf("ip", query.ip),
      pe: query.pe === undefined ? undefined : addressOf("pe", query.pe),
      esi: query.esi === undefined ? undefined : esiOf(query.esi),
      claimed: query.claimed === undefined ? undefined : esiOf(query.claimed),
    };
  }

  private domainOf(text: string): number {
    const id = this.domainNumber(text);
    if (id !== 0) return id;
    throw new FibQueryError(
      "not-found",
      `there is no domain "${text}"; evpnctl show domains lists them, by name or by route target`,
    );
  }

  /** The reverse of `FibView.domainName`; 0 when there is no such domain. */
  domainNumber(text: string): number {
    const { domains } = this.fib.tables;
    const [, name = text, tagText] = /^(.*)\/(\d{1,10})$/.exec(text) ?? [];
    const tag = Number(tagText ?? 0);
    const index = this.configured.findIndex((one) => one.name === name);
    if (index >= 0) {
      const { ethernetTag } = this.configured[index]!;
      const isOther = ethernetTag !== undefined && tagText !== undefined && tag !== ethernetTag;
      return isOther ? 0 : domains.findConfigured(index, ethernetTag ?? tag);
    }
    const target = parseRouteTarget(name) ?? fromHex(name);
    return target?.length === 8 ? domains.findDerived(target, tag) : 0;
  }
}

/**
 * A page of what `list` has, from the query's cursor on. A cursor is the FIB's incarnation and the number of a
 * record in it; one of another FIB is refused, as going on with it would skip rows or repeat them.
 */
export function pageOf<T>(
  query: PageQuery,
  incarnation: number,
  list: (from: number, most: number) => Page<T>,
): FibPage<T> {
  const { cursor, limit = PAGE_DEFAULT } = query;
  const from = cursor === undefined ? 0 : placeOf(cursor, incarnation);
  const { rows, next } = list(from, boundedLimit(limit));
  return { rows, next: next === 0 ? undefined : `${incarnation}.${next}` };
}

function placeOf(cursor: string, incarnation: number): number {
  const [, of = "", at = ""] = /^(\d{1,10})\.(\d{1,10})$/.exec(cursor) ?? [];
  const from = Number(at);
  if (at === "" || from > 0x7fffffff) {
    throw new FibQueryError("invalid", "cursor is not from a page before; leave it out to begin");
  }
  if (Number(of) === incarnation) return from;
  throw new FibQueryError("rebuilt", "the FIB was rebuilt since the page before; begin again");
}

/** A whole MAC, or what is given of it with a mask. */
function macOf(text: string): { value: Uint8Array; mask: Uint8Array | undefined } {
  const whole = parseWholeMac(text);
  if (whole !== undefined) return { value: whole, mask: undefined };
  const parsed = parseMacMask(text);
  if (parsed === undefined) {
    throw new FibQueryError(
      "invalid",
      `"${text}" is no MAC address and no beginning of one; write for example 52:54:00:00:00:01, or with a mask 52:54:00:00:00:00/24`,
    );
  }
  const value = macBytes(parsed.value);
  return { value, mask: isWholeMac(parsed) ? undefined : macBytes(parsed.mask) };
}

function addressOf(name: string, text: string): Uint8Array {
  const address = parseIp(text);
  if (address !== undefined) return address;
  throw new FibQueryError(
    "invalid",
    `${name} "${text}" is no address; write a whole IPv4 or IPv6 address`,
  );
}

function esiOf(text: string): Uint8Array {
  const esi = parseEsi(text);
  if (esi !== undefined) return esi;
  throw new FibQueryError(
    "invalid",
    `esi "${text}" is no ESI; write its ten octets, for example 00:11:22:33:44:55:66:77:88:99`,
  );
}

/** Rows of one page at most. */
export function boundedLimit(limit = PAGE_DEFAULT): number {
  return Math.min(PAGE_MAX, Math.max(1, limit));
}
