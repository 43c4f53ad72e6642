/**
 * What a rule of the fabric check is: a row that says what it means, and a function that makes its
 * *look*. The run (`run.ts`) shows a look every record of the kinds it asks for, in slices; in between the
 * table changes, so a look that puts together what it saw at different times lets `finish` check it again.
 */
import type { Fib } from "../fib.js";
import type { RouteTable } from "../../bgp/rib/index.js";
import {
  Family,
  decodeNlri,
  formatIpv4,
  formatIpv6,
  formatNlri,
} from "../../fast-bgp-codec/index.js";
import {
  MOST_FINDINGS,
  MOST_ROUTES,
  type Finding,
  type FindingRoute,
  type RuleView,
} from "./finding.js";

/** All that a look asks for is called with ids in use. */
export interface Look {
  /** A destination of the EVPN family with a best path. */
  route?(dest: number, type: number): void;
  entry?(entry: number): void;
  binding?(binding: number): void;
  domain?(domain: number): void;
  segment?(segment: number): void;
  /** A domain at a segment. */
  attachment?(attachment: number): void;
  /** After everything: what can only be said now. */
  finish?(): void;
}

export interface Rule extends RuleView {
  look(fib: Fib, report: Report): Look;
}

interface Group {
  readonly subject: string;
  message: string;
  count: number;
  readonly routes: FindingRoute[];
}

/** The findings of one rule: what is about the same thing is one finding with several routes. */
export class Report {
  more = 0;
  private readonly rule: RuleView;
  private readonly table: RouteTable;
  private readonly groups = new Map<string, Group>();

  constructor(rule: RuleView, table: RouteTable) {
    this.rule = rule;
    this.table = table;
  }

  /**
   * A route behind the finding on `subject`; makes the finding if need be.
   * @param dest 0 for none
   */
  add(subject: string, message: string, dest: number): void {
    let group = this.groups.get(subject);
    if (group === undefined) {
      if (this.groups.size >= MOST_FINDINGS) {
        this.more++;
        return;
      }
      group = { subject, message, count: 0, routes: [] };
      this.groups.set(subject, group);
    }
    if (dest === 0) return;
    group.count++;
    if (group.routes.length < MOST_ROUTES) group.routes.push(describeRoute(this.table, dest));
  }

  /** Says of the finding on `subject` what is known only now. */
  say(subject: string, message: string): void {
    const group = this.groups.get(subject);
    if (group !== undefined) group.message = message;
  }

  /** It is none after all. */
  drop(subject: string): void {
    this.groups.delete(subject);
  }

  get size(): number {
    return this.groups.size;
  }

  findings(): Finding[] {
    const { id: rule, severity, advice } = this.rule;
    return [...this.groups.values()].map(({ subject, message, count, routes }) => ({
      rule,
      severity,
      subject,
      message,
      advice,
      count,
      routes,
    }));
  }
}

export function describeRoute(table: RouteTable, dest: number): FindingRoute {
  const path = table.bestPath(dest);
  if (path === 0) return { route: "a route that is gone by now", pe: "", peer: "" };
  const at = table.pathNlri(path);
  const nlri = decodeNlri(Family.Evpn, table.nlriBytes, at, at + table.pathNlriLength(path));
  return {
    route: formatNlri(Family.Evpn, nlri),
    pe: nextHopOf(table, path),
    peer: table.sources.address[table.pathSlot(path)] ?? "",
  };
}

/** The next hop of a path, as text. */
export function nextHopOf(table: RouteTable, path: number): string {
  const { attrs } = table;
  const attr = table.pathAttr(path);
  const at = attrs.nextHopStart(attr);
  return attrs.nextHopLength(attr) === 4
    ? formatIpv4(attrs.bytes, at)
    : formatIpv6(attrs.bytes, at);
}
