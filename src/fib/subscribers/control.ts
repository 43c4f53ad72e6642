/** Subscribers and their MACs for API and command line: text in, plain data out, by pages. */
import { FibQueryError, type FibPage, type PageQuery } from "../lookups.js";
import type { SubscriberCheck } from "./check.js";
import type { FindingKind, SessionView, SubscriberFinding } from "./finding.js";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;

export interface FindingQuery extends PageQuery {
  readonly domain?: string | undefined;
  readonly kind?: FindingKind | undefined;
}

export interface MacOfDomain {
  readonly domain: string;
  /** `aa:bb:cc:dd:ee:ff`. */
  readonly mac: string;
}

/** What is known of a MAC as a subscriber's. */
export interface SubscriberOfMac {
  readonly sessions: readonly SessionView[];
  readonly finding: SubscriberFinding | undefined;
}

/** Of a domain: findings by kind, and how many of them are held. */
export interface SubscriberCount {
  readonly domain: string;
  readonly withoutSession: number;
  readonly away: number;
  readonly held: number;
}

export interface SubscriberStats {
  /** False: the relay is off, or its sessions are not all here yet; nothing new is found meanwhile. */
  readonly known: boolean;
  readonly sessions: number;
  /** Alarms since the start. */
  readonly alarms: number;
  /** Seen and not kept, as there were too many; each time. */
  readonly more: number;
  /** Every domain of the settings; findings in their time of grace do not count. */
  readonly domains: readonly SubscriberCount[];
}

export interface SubscriberControl {
  stats(): Promise<SubscriberStats>;
  /** In the order asked. */
  ofMacs(macs: readonly MacOfDomain[]): Promise<readonly SubscriberOfMac[]>;
  /** MACs without or away from their sessions. Rejects with `invalid` for a cursor of elsewhere. */
  findings(query: FindingQuery): Promise<FibPage<SubscriberFinding>>;
}

export class LocalSubscriberControl implements SubscriberControl {
  private readonly check: SubscriberCheck;

  constructor(check: SubscriberCheck) {
    this.check = check;
  }

  stats(): Promise<SubscriberStats> {
    const { check } = this;
    const byDomain = new Map(
      check.domains.map((domain) => [domain, { domain, withoutSession: 0, away: 0, held: 0 }]),
    );
    for (const finding of check.book.all()) {
      const count = byDomain.get(finding.domain);
      if (count === undefined || !finding.alarmed) continue;
      if (finding.kind === "away") count.away++;
      else count.withoutSession++;
      if (finding.hold !== undefined) count.held++;
    }
    return Promise.resolve({
      known: check.sessions.isKnown,
      sessions: check.sessions.count,
      alarms: check.alarms,
      more: check.book.more,
      domains: [...byDomain.values()],
    });
  }

  ofMacs(macs: readonly MacOfDomain[]): Promise<readonly SubscriberOfMac[]> {
    const { check } = this;
    return Promise.resolve(
      macs.slice(0, PAGE_MAX).map(({ domain, mac }) => {
        const found = check.book.find(domain, mac);
        return {
          sessions: check.sessionsOf(domain, mac),
          finding: found === undefined ? undefined : check.view(found),
        };
      }),
    );
  }

  findings(query: FindingQuery): Promise<FibPage<SubscriberFinding>> {
    const { cursor = "0", limit = PAGE_DEFAULT, domain, kind } = query;
    if (!/^\d{1,12}$/.test(cursor)) {
      const sentence = "cursor is not from a page before; leave it out to begin";
      return Promise.reject(new FibQueryError("invalid", sentence));
    }
    const most = Math.min(PAGE_MAX, Math.max(1, limit));
    const rows: SubscriberFinding[] = [];
    let last = 0;
    for (const finding of this.check.book.all()) {
      if (finding.number <= Number(cursor)) continue;
      if (domain !== undefined && finding.domain !== domain) continue;
      if (kind !== undefined && finding.kind !== kind) continue;
      if (rows.length === most) return Promise.resolve({ rows, next: String(last) });
      rows.push(this.check.view(finding));
      last = finding.number;
    }
    return Promise.resolve({ rows, next: undefined });
  }
}
