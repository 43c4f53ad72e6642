/** One limit on the routes of a peer, and how many there are. */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import type { RouteLimit } from "./settings.js";

/** A limit of every family by itself is one rule for each. */
export function rulesOf(limits: readonly RouteLimit[], families: number): RouteRule[] {
  return limits.flatMap((limit) =>
    FAMILIES.filter(({ family }) => (families & (1 << family)) !== 0)
      .filter(({ family }) => limit.family === undefined || limit.family === family)
      .filter(({ family }) => family === Family.Evpn || !isEvpnOnly(limit))
      .map(({ family }) => new RouteRule(limit, family)),
  );
}

function isEvpnOnly(limit: RouteLimit): boolean {
  return limit.perVni || limit.routeType !== undefined;
}

export class RouteRule {
  readonly limit: RouteLimit;
  readonly family: Family;
  /** Routes counted; with `perVni` those of the VNI that has most. */
  private count = 0;
  private readonly byVni = new Map<number, number>();
  /** Went beyond the warning threshold, or the maximum, and was not told of it yet. */
  private crossed = false;
  private isBeyond = false;
  /** The VNI that did. */
  private vniBeyond = -1;

  constructor(limit: RouteLimit, family: Family) {
    this.limit = limit;
    this.family = family;
  }

  covers(family: Family, routeType: number): boolean {
    if (family !== this.family) return false;
    return this.limit.routeType === undefined || this.limit.routeType === routeType;
  }

  /** @param vni -1 for a route without one: a limit per VNI does not count it */
  change(vni: number, by: 1 | -1): void {
    if (!this.limit.perVni) {
      this.count += by;
      if (by === 1) this.watch(this.count, -1);
      return;
    }
    if (vni < 0) return;
    const count = (this.byVni.get(vni) ?? 0) + by;
    if (count === 0) this.byVni.delete(vni);
    else this.byVni.set(vni, count);
    if (by === 1) this.watch(count, vni);
  }

  /** Whether one more would be beyond the maximum. */
  isFull(vni: number): boolean {
    if (!this.limit.perVni) return this.count >= this.limit.maximum;
    return vni >= 0 && (this.byVni.get(vni) ?? 0) >= this.limit.maximum;
  }

  /** More are counted than may be: the limit has become smaller. Walks the VNIs. */
  get isOver(): boolean {
    return this.most.count > this.limit.maximum;
  }

  /** The same for one VNI. */
  exceeds(vni: number): boolean {
    const { perVni, maximum } = this.limit;
    return (perVni ? (this.byVni.get(vni) ?? 0) : this.count) > maximum;
  }

  /** Routes counted; per VNI, of the fullest one. Walks the VNIs. */
  get most(): { readonly count: number; readonly vni: number | undefined } {
    if (!this.limit.perVni) return { count: this.count, vni: undefined };
    let found: { count: number; vni: number | undefined } = { count: 0, vni: undefined };
    for (const [vni, count] of this.byVni) if (count > found.count) found = { count, vni };
    return found;
  }

  /** Since the last call: the threshold was passed, or the maximum. Undefined when neither was. */
  takeNews(): { readonly isBeyond: boolean; readonly vni: number | undefined } | undefined {
    if (!this.crossed && !this.isBeyond) return undefined;
    const news = {
      isBeyond: this.isBeyond,
      vni: this.vniBeyond < 0 ? undefined : this.vniBeyond,
    };
    this.crossed = false;
    this.isBeyond = false;
    this.vniBeyond = -1;
    return news;
  }

  clear(): void {
    this.count = 0;
    this.byVni.clear();
    this.takeNews();
  }

  private watch(count: number, vni: number): void {
    const { maximum, warnAt } = this.limit;
    if (count > maximum) {
      this.isBeyond = true;
      this.vniBeyond = vni;
    } else if (warnAt > 0 && count === thresholdOf(maximum, warnAt)) {
      this.crossed = true;
      if (!this.isBeyond) this.vniBeyond = vni;
    }
  }
}

/** The number of routes at which a warning is due, at least 1. */
export function thresholdOf(maximum: number, percent: number): number {
  return Math.max(1, Math.ceil((maximum * percent) / 100));
}
