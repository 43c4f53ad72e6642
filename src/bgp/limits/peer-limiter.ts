/**
 * The limits of one Established session at work: counts its routes, says what is beyond, ends the session
 * or holds routes, looks at attribute sets, and paces reading.
 *
 * In: `holds`, `refusesAttributes`, `check`, `read` and `took` from the intake; `arrived` and `left` from the table,
 * for every path of the session's slot. Counted are the paths that are not held for a limit.
 */
import { FAMILIES, type Family } from "../../fast-bgp-codec/family.js";
import type { NlriScan } from "../../fast-bgp-codec/nlri-scan.js";
import { HoldReason } from "../rib/hold.js";
import type { RouteTable } from "../rib/route-table.js";
import type { EstablishedSession } from "../session/types.js";
import { ATTRIBUTE_EXCESSES, AttributeExcess, attributeExcess } from "./attribute-limits.js";
import type { LimitHost } from "./host.js";
import { ReadPace } from "./read-pace.js";
import { vniOf, vniOfPath } from "../rib/route-kind.js";
import { rulesOf, thresholdOf, type RouteRule } from "./route-rule.js";
import { limitsAttributes, limitsRate, type PeerLimits } from "./settings.js";
import type { PeerLimitsView } from "./view.js";

/** What becomes of an announcement. */
const Verdict = {
  Accept: 0,
  /** It goes into the table, held (`HoldReason.Limit`). */
  Hold: 1,
  /** As many are held as may be: it does not. */
  Drop: 2,
} as const;
type Verdict = (typeof Verdict)[keyof typeof Verdict];

/** Routes beyond limits that are held for each peer, to be let in when there is room. */
export const MOST_HELD = 10_000;
const CEASE = 6;
const MAXIMUM_PREFIXES = 1;

export class PeerLimiter {
  readonly slot: number;
  readonly session: EstablishedSession;
  /** Some rule holds what is beyond it: each announcement asks for its verdict. */
  discards = false;
  /** Paths held for a limit now. */
  held = 0;
  /** Announcements held, and not taken at all, so far. */
  discarded = 0;
  dropped = 0;
  /** A dropped route may come back when there is room. */
  missing = false;
  /** By `AttributeExcess`. */
  readonly excesses = [0, 0, 0, 0, 0];
  readonly pace: ReadPace;
  private readonly host: LimitHost<PeerLimiter>;
  private readonly table: RouteTable;
  private limits: PeerLimits;
  private rules: RouteRule[] = [];
  private looksAtAttributes = false;
  private paces = false;
  private reviewing = false;
  /** By the UPDATE at hand. */
  private routesRead = 0;
  isClosed = false;

  constructor(host: LimitHost<PeerLimiter>, session: EstablishedSession, slot: number) {
    this.host = host;
    this.table = host.table;
    this.session = session;
    this.slot = slot;
    this.limits = session.options.limits;
    this.pace = new ReadPace(host.clock, session);
    this.configure();
  }

  get countsRoutes(): boolean {
    return this.rules.length > 0 || this.held > 0;
  }

  /** Takes over what the session's options say now, and counts what is there. */
  configure(): void {
    const limits = this.session.options.limits;
    const rateChanged = JSON.stringify(limits.rate) !== JSON.stringify(this.limits.rate);
    if (!this.paces || rateChanged) this.pace.set(limits.rate);
    this.limits = limits;
    this.looksAtAttributes = limitsAttributes(limits);
    this.paces = limitsRate(limits);
    this.rules = rulesOf(limits.in, this.session.negotiated.families);
    this.discards = this.rules.some((rule) => rule.limit.action === "discard");
    this.recount();
  }

  /** Whether the canonical attributes `bytes[start, end)` are more than the peer may send. */
  refusesAttributes(bytes: Uint8Array, start: number, end: number): boolean {
    if (!this.looksAtAttributes) return false;
    const excess = attributeExcess(bytes, start, end, this.limits.attributes);
    if (excess === AttributeExcess.None) return false;
    this.excesses[excess]!++;
    const what = ATTRIBUTE_EXCESSES[excess]!;
    this.warn(`attributes ${excess}`, {}, `routes count as withdrawn: ${what}`);
    return true;
  }

  /** Whether the scanned announcement is beyond a limit that holds routes; then all is done about it. */
  holds(family: Family, bytes: Uint8Array, scan: NlriScan, received: number): boolean {
    const verdict = this.verdict(family, bytes, scan, received);
    if (verdict === Verdict.Accept) return false;
    if (verdict === Verdict.Hold) {
      this.table.announce(this.slot, family, bytes, scan, received, 0, HoldReason.Limit);
    }
    return true;
  }

  /** What becomes of the scanned announcement; `bytes` are those the scan speaks of. */
  private verdict(family: Family, bytes: Uint8Array, scan: NlriScan, received: number): Verdict {
    const { table } = this;
    let vni: number | undefined;
    let path: number | undefined;
    for (const rule of this.rules) {
      if (rule.limit.action !== "discard" || !rule.covers(family, scan.routeType)) continue;
      if (rule.limit.perVni) {
        vni ??= vniOf(table, scan.routeType, bytes, scan.start, scan.length, received);
      }
      if (!rule.isFull(vni ?? -1)) continue;
      path ??= this.existing(family, bytes, scan);
      const counted = path !== 0 && table.pathHold(path) !== HoldReason.Limit;
      if (counted && (!rule.limit.perVni || vniOfPath(table, path) === vni)) continue;
      return this.refuse(rule, path !== 0, vni);
    }
    return Verdict.Accept;
  }

  /** So many routes of the UPDATE at hand were read. */
  read(routes: number): void {
    this.routesRead += routes;
  }

  /** The UPDATE has been applied. */
  took(): void {
    if (this.paces && !this.isClosed) this.pace.took(this.routesRead);
    this.routesRead = 0;
  }

  /** From the table: a path of the slot is there, in its present state. */
  arrived(path: number): void {
    if (this.table.pathHold(path) === HoldReason.Limit) this.held++;
    else this.count(path, 1);
  }

  /** From the table: a path of the slot goes, or is about to become another. */
  left(path: number): void {
    if (this.table.pathHold(path) === HoldReason.Limit) this.held--;
    else {
      this.count(path, -1);
      if ((this.held > 0 || this.missing) && !this.reviewing) this.host.review(this);
    }
  }

  /** Says what was passed since the last look; may end the session. */
  check(): void {
    for (const rule of this.rules) {
      const news = rule.takeNews();
      if (news === undefined) continue;
      const { limit, family } = rule;
      const subject = describe(rule, news.vni);
      const fields = { limit: subject, maximum: limit.maximum };
      if (!news.isBeyond) {
        this.warn(`${subject} threshold`, fields, `${limit.warnAt} % of a limit on routes reached`);
      } else if (limit.action === "stop") {
        const why = `more than ${limit.maximum} routes (limit on ${subject})`;
        return this.session.reset(CEASE, MAXIMUM_PREFIXES, limitData(family, limit.maximum), why);
      } else {
        this.warn(`${subject} beyond`, fields, "more routes than its limit");
      }
    }
  }

  /** Whether a review may begin: one at a time. */
  beginReview(): boolean {
    if (this.reviewing || this.isClosed) return false;
    this.reviewing = true;
    return true;
  }

  /** The review is over. Returns whether the peer should be asked for what was dropped. */
  endReview(): boolean {
    this.reviewing = false;
    if (this.isClosed || !this.missing || this.held > 0 || !this.hasRoom()) return false;
    this.missing = false;
    return true;
  }

  /** A limit that holds routes has become smaller than what is there. */
  get isOver(): boolean {
    return this.rules.some((rule) => rule.limit.action === "discard" && rule.isOver);
  }

  /** Whether the path is one of those. */
  isBeyond(path: number): boolean {
    return this.discarding(path, (rule, vni) => rule.exceeds(vni));
  }

  /** Whether a held path would be within every limit now. */
  hasRoomFor(path: number): boolean {
    return !this.discarding(path, (rule, vni) => rule.isFull(vni));
  }

  /** Counts all again: the limits are others, or the slot had paths before the session. */
  recount(): void {
    const any = this.countsRoutes;
    this.held = 0;
    for (const rule of this.rules) rule.clear();
    if (!any) return;
    const { table, slot } = this;
    for (const { family } of FAMILIES) {
      let path = table.sources.firstPath[slot * FAMILIES.length + family]!;
      for (; path !== 0; path = table.nextPathOfSource(path)) this.arrived(path);
    }
  }

  close(): void {
    this.isClosed = true;
    this.pace.close();
  }

  view(): PeerLimitsView {
    const { excesses, pace } = this;
    return {
      routes: this.rules.map((rule) => {
        const { count, vni } = rule.most;
        return {
          direction: "in" as const,
          family: FAMILIES[rule.family]!.name,
          routeType: rule.limit.routeType,
          perVni: rule.limit.perVni,
          vni,
          count,
          maximum: rule.limit.maximum,
          warnAt: thresholdOf(rule.limit.maximum, rule.limit.warnAt),
          action: rule.limit.action,
        };
      }),
      held: this.held,
      refused: {
        discarded: this.discarded,
        dropped: this.dropped,
        attributeSize: excesses[AttributeExcess.Size]!,
        communities: excesses[AttributeExcess.Communities]!,
        clusterList: excesses[AttributeExcess.ClusterList]!,
        asPath: excesses[AttributeExcess.AsPath]!,
        withheld: 0,
      },
      reading: {
        paused: pace.isPaused,
        pauses: pace.pauses,
        pausedSeconds: pace.pausedMs / 1000,
      },
    };
  }

  private count(path: number, by: 1 | -1): void {
    const { table } = this;
    const dest = table.pathDest(path);
    const family = table.family(dest);
    const type = table.routeType(dest);
    let vni: number | undefined;
    for (const rule of this.rules) {
      if (!rule.covers(family, type)) continue;
      if (rule.limit.perVni) vni ??= vniOfPath(table, path);
      rule.change(vni ?? -1, by);
    }
  }

  /** The path that the announcement would replace, 0 for none. */
  private existing(family: Family, bytes: Uint8Array, scan: NlriScan): number {
    const dest = this.table.find(family, bytes, scan);
    return dest === 0 ? 0 : this.table.pathFrom(dest, this.slot, scan.pathId);
  }

  private refuse(rule: RouteRule, exists: boolean, vni: number | undefined): Verdict {
    const subject = describe(rule, rule.limit.perVni ? vni : undefined);
    const fields = { limit: subject, maximum: rule.limit.maximum };
    this.warn(`${subject} beyond`, fields, "routes beyond a limit are held");
    if (exists || this.held < MOST_HELD) {
      this.discarded++;
      return Verdict.Hold;
    }
    this.dropped++;
    this.missing = true;
    return Verdict.Drop;
  }

  /** Whether some rule that holds routes, and covers the path, is as `test` says. */
  private discarding(path: number, test: (rule: RouteRule, vni: number) => boolean): boolean {
    const { table } = this;
    const dest = table.pathDest(path);
    const family = table.family(dest);
    const type = table.routeType(dest);
    return this.rules.some((rule) => {
      if (rule.limit.action !== "discard" || !rule.covers(family, type)) return false;
      return test(rule, rule.limit.perVni ? vniOfPath(table, path) : -1);
    });
  }

  private hasRoom(): boolean {
    return this.rules.some((rule) => rule.limit.action === "discard" && !rule.isFull(-1));
  }

  private warn(kind: string, fields: object, message: string): void {
    this.host.warn(this.session.peerAddress, kind, fields, message);
  }
}

/** "l2vpn-evpn type 2 vni 100": what a limit is about. */
function describe(rule: RouteRule, vni: number | undefined): string {
  const { routeType } = rule.limit;
  return [
    FAMILIES[rule.family]!.name,
    ...(routeType === undefined ? [] : [`type ${routeType}`]),
    ...(vni === undefined ? [] : [`vni ${vni}`]),
  ].join(" ");
}

/** 2 AFI | 1 SAFI | 4 maximum (RFC 4486 section 4). */
export function limitData(family: Family, maximum: number): Uint8Array {
  const spec = FAMILIES[family]!;
  const data = new Uint8Array(7);
  const view = new DataView(data.buffer);
  view.setUint16(0, spec.afi);
  view.setUint8(2, spec.safi);
  view.setUint32(3, maximum);
  return data;
}
