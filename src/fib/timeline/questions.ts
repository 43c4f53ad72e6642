/** Questions as they are asked, checked and put to the history. A few heavy ones run at a time; more wait, or are refused. */
import { parseIp, parseMac } from "../../fast-bgp-codec/index.js";
import type { Clock } from "../../util/clock.js";
import { FibQueryError } from "../control.js";
import { parseMacMask, type MacMask } from "../mac-mask.js";
import { listDifferences } from "./difference.js";
import { OF_ADDRESS, type History } from "./history.js";
import { addressStation, station } from "./layout.js";
import { listEvents } from "./listing.js";
import { kindOf, TIMELINE_KINDS } from "./record.js";
import { mostRestless } from "./restless.js";
import { whereWas } from "./where-was.js";
import { whoseWas } from "./whose-was.js";
import {
  MOST_DOMAINS,
  type MacAt,
  type MacDifference,
  type RestlessMacs,
  type TimelineAtQuery,
  type TimelineDiffQuery,
  type TimelineEvent,
  type TimelinePage,
  type TimelineQuery,
  type TimelineRestlessQuery,
} from "./views.js";

const PAGE_DEFAULT = 100;
const PAGE_MAX = 1000;
const RESTLESS_DEFAULT = 10;
/** Questions that wait for one that walks much. */
const MOST_WAITING = 16;

export class Questions {
  private readonly history: History;
  private readonly clock: Clock;
  private last: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  constructor(history: History, clock: Clock) {
    this.history = history;
    this.clock = clock;
  }

  events(query: TimelineQuery): Promise<TimelinePage<TimelineEvent>> {
    return this.inTurn(() => {
      const { from, to } = stretch(query, this.clock.wall());
      const filter = {
        from,
        to,
        mac: maskOf(query.mac),
        domain: query.domain,
        pe: query.pe,
        kind: query.kind === undefined ? undefined : checkedKind(query.kind),
      };
      return listEvents(this.history, filter, query.cursor, size(query.limit));
    });
  }

  at({ mac, ip, domain, time }: TimelineAtQuery): Promise<readonly MacAt[]> {
    return this.inTurn(async () => {
      if ((mac === undefined) === (ip === undefined)) {
        throw new FibQueryError("invalid", "where was what? say mac or ip, one of the two");
      }
      const now = this.clock.wall();
      if (time > now) {
        throw new FibQueryError("invalid", `${new Date(time).toISOString()} is yet to come`);
      }
      return ip === undefined ? this.ofMac(mac!, domain, time) : this.ofAddress(ip, domain, time);
    });
  }

  diff(query: TimelineDiffQuery): Promise<TimelinePage<MacDifference>> {
    return this.inTurn(() => {
      const { from, to } = stretch(query, this.clock.wall());
      const filter = { from, to, mac: maskOf(query.mac), domain: query.domain, pe: query.pe };
      return listDifferences(this.history, this.clock, filter, query.cursor, size(query.limit));
    });
  }

  restless(query: TimelineRestlessQuery): Promise<RestlessMacs> {
    return this.inTurn(() => {
      const count = Math.min(PAGE_MAX, Math.max(1, query.count ?? RESTLESS_DEFAULT));
      const asked = { ...stretch(query, this.clock.wall()), domain: query.domain };
      return mostRestless(this.history, asked, count);
    });
  }

  private async ofMac(text: string, domain: string | undefined, time: number): Promise<MacAt[]> {
    const mac = parseMac(text);
    if (mac === undefined) {
      throw new FibQueryError(
        "invalid",
        `"${text}" is no whole MAC address; write for example 52:54:00:00:00:01`,
      );
    }
    const { history } = this;
    const stations =
      domain === undefined ? await history.domainsOf(mac, MOST_DOMAINS) : [station(mac, domain)];
    if (stations.length === 0) {
      throw new FibQueryError("not-found", `the timeline knows nothing of the MAC ${text}`);
    }
    const rows: MacAt[] = [];
    for (const one of stations) rows.push(await whereWas(history, one, time));
    return rows;
  }

  private async ofAddress(
    text: string,
    domain: string | undefined,
    time: number,
  ): Promise<MacAt[]> {
    const ip = parseIp(text);
    if (ip === undefined) {
      throw new FibQueryError(
        "invalid",
        `ip "${text}" is no address; write a whole IPv4 or IPv6 address`,
      );
    }
    const { history } = this;
    const fixed = Uint8Array.of(ip.length, ...ip);
    const stations =
      domain === undefined
        ? await history.domainsOf(fixed, MOST_DOMAINS, OF_ADDRESS)
        : [addressStation(ip, Buffer.from(domain))];
    if (stations.length === 0) {
      throw new FibQueryError("not-found", `the timeline knows nothing of the address ${text}`);
    }
    const rows: MacAt[] = [];
    for (const one of stations) rows.push(await whoseWas(history, one, time));
    return rows;
  }

  /** One after the other: two walks at once would only take twice the memory. */
  private async inTurn<T>(run: () => Promise<T>): Promise<T> {
    if (this.waiting >= MOST_WAITING) {
      throw new FibQueryError("busy", "the timeline is busy with other questions; ask again later");
    }
    this.waiting++;
    const result = this.last.then(run);
    this.last = result.catch(() => {});
    try {
      return await result;
    } finally {
      this.waiting--;
    }
  }
}

function size(limit: number | undefined): number {
  return Math.min(PAGE_MAX, Math.max(1, limit ?? PAGE_DEFAULT));
}

function stretch(
  { from = 0, to }: { readonly from?: number | undefined; readonly to?: number | undefined },
  now: number,
): { readonly from: number; readonly to: number } {
  const end = to ?? now;
  if (from <= end) return { from, to: end };
  throw new FibQueryError("invalid", "from is later than to; exchange them");
}

function maskOf(text: string | undefined): MacMask | undefined {
  if (text === undefined) return undefined;
  const mask = parseMacMask(text);
  if (mask !== undefined) return mask;
  throw new FibQueryError(
    "invalid",
    `"${text}" is no MAC address and no beginning of one; write for example 52:54:00:00:00:01 or 52:54:00`,
  );
}

function checkedKind(name: string): number {
  const kind = kindOf(name);
  if (kind !== undefined) return kind;
  throw new FibQueryError(
    "invalid",
    `there are no events of kind "${name}"; there are: ${TIMELINE_KINDS.join(", ")}`,
  );
}
