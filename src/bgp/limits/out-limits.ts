/**
 * Limits on the routes that peers are sent. What would be too many is withheld where it is sent
 * (adj-rib-out/send-limits.ts); here are warnings, the end of a session, and what follows when there is
 * room again. Looked at once a turn, and while somebody has such a limit only.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { EstablishedSession } from "../session/types.js";
import { limitData } from "./peer-limiter.js";
import { thresholdOf } from "./route-rule.js";
import type { OutRouteLimit } from "./settings.js";
import type { RouteLimitView } from "./view.js";

/** The sending side, as far as limits need it. */
export interface LimitedOutput {
  /** Withholds what is beyond; undefined: no more. Returns whether something was withheld until now. */
  setLimit(
    slot: number,
    family: Family,
    maximum: number | undefined,
    kinds: readonly LimitedKind[],
  ): boolean;
  /** Routes the session has of the nth of those kinds. */
  kindCount(slot: number, family: Family, nth: number): KindCount;
  /** Routes the session has. */
  count(slot: number, family: Family): number;
  withheld(slot: number, family: Family): number;
  /** Slots that have room for what was withheld. */
  takeRoom(): number[];
  /** Sends the session what it lacks. */
  sync(slot: number): void;
}

/** A part of a family, and how many routes of it are sent; Infinity counts only. */
export interface LimitedKind {
  readonly routeType: number | undefined;
  readonly perVni: boolean;
  readonly maximum: number;
}

interface KindCount {
  readonly count: number;
  /** The fullest one, where they are counted by themselves. */
  readonly vni: number | undefined;
}

interface Rule {
  readonly limit: OutRouteLimit;
  readonly family: Family;
  /** Its place among the kinds of its family; undefined: of the whole family. */
  readonly kind: number | undefined;
  told: Told;
}

interface Watched {
  readonly session: EstablishedSession;
  readonly slot: number;
  readonly rules: readonly Rule[];
}

/** What the log has said of a limit: nothing, a warning, that it is passed. */
type Told = 0 | 1 | 2;

const CEASE = 6;
const MAXIMUM_PREFIXES = 1;
/** Looking at the whole table for what was withheld is work: not more often than this. */
const ROOM_INTERVAL_MS = 1000;

export class OutLimits {
  private readonly output: LimitedOutput;
  private readonly clock: Clock;
  private readonly warn: (peer: string, kind: string, fields: object, message: string) => void;
  private readonly watched = new Map<number, Watched>();
  private readonly wake: () => void;
  private roomLookedAt = -Infinity;
  private again: TimerHandle | undefined;

  /** @param wake asks for another turn */
  constructor(
    output: LimitedOutput,
    clock: Clock,
    wake: () => void,
    warn: (peer: string, kind: string, fields: object, message: string) => void,
  ) {
    this.output = output;
    this.clock = clock;
    this.wake = wake;
    this.warn = warn;
  }

  get isIdle(): boolean {
    return this.watched.size === 0;
  }

  /** A session came up, or its limits are others now. Call before it is sent anything. */
  set(session: EstablishedSession, slot: number): void {
    const { out } = session.options.limits;
    const rules: Rule[] = [];
    let short = false;
    for (const { family } of FAMILIES) {
      const carried = (session.negotiated.families & (1 << family)) !== 0;
      const limits = carried && family !== Family.RouteTarget ? limitsOf(out, family) : [];
      const kinds: LimitedKind[] = [];
      let maximum: number | undefined;
      for (const limit of limits) {
        const withholds = limit.action === "withhold";
        const isPart = limit.perVni || limit.routeType !== undefined;
        rules.push({ limit, family, kind: isPart ? kinds.length : undefined, told: 0 });
        if (isPart) kinds.push({ ...limit, maximum: withholds ? limit.maximum : Infinity });
        else if (withholds) maximum = Math.min(maximum ?? Infinity, limit.maximum);
      }
      if (this.output.setLimit(slot, family, maximum, kinds)) short = true;
    }
    if (rules.length === 0) this.watched.delete(slot);
    else this.watched.set(slot, { session, slot, rules });
    if (short) this.output.sync(slot);
  }

  leave(slot: number): void {
    this.watched.delete(slot);
  }

  /** After sending. May end sessions. Returns whether there is something to send again. */
  check(): boolean {
    for (const { session, slot, rules } of [...this.watched.values()]) {
      for (const rule of rules) {
        if (!this.checkRule(session, slot, rule)) break;
      }
    }
    const now = this.clock.now();
    const wait = this.roomLookedAt + ROOM_INTERVAL_MS - now;
    if (wait > 0) {
      this.again ??= this.clock.setTimer(wait, () => {
        this.again = undefined;
        this.wake();
      });
      return false;
    }
    this.roomLookedAt = now;
    const slots = this.output.takeRoom();
    for (const slot of slots) this.output.sync(slot);
    return slots.length > 0;
  }

  view(slot: number): RouteLimitView[] {
    const rules = this.watched.get(slot)?.rules ?? [];
    return rules.map((rule) => {
      const { limit, family } = rule;
      const { count, vni } = this.countOf(slot, rule);
      return {
        direction: "out",
        family: FAMILIES[family]!.name,
        routeType: limit.routeType,
        perVni: limit.perVni,
        vni,
        count,
        maximum: limit.maximum,
        warnAt: thresholdOf(limit.maximum, limit.warnAt),
        action: limit.action,
      };
    });
  }

  withheld(slot: number): number {
    return FAMILIES.reduce((sum, { family }) => sum + this.output.withheld(slot, family), 0);
  }

  private countOf(slot: number, { family, kind }: Rule): KindCount {
    if (kind !== undefined) return this.output.kindCount(slot, family, kind);
    return { count: this.output.count(slot, family), vni: undefined };
  }

  /** False when the session has ended over it. */
  private checkRule(session: EstablishedSession, slot: number, rule: Rule): boolean {
    const { limit, family } = rule;
    const { maximum, warnAt, action } = limit;
    const { count, vni } = this.countOf(slot, rule);
    const name = nameOf(rule, vni);
    const short =
      action === "withhold" && count >= maximum && this.output.withheld(slot, family) > 0;
    if (count > maximum && action === "stop") {
      const why = `would be sent more than ${maximum} ${name} routes (limit out)`;
      session.reset(CEASE, MAXIMUM_PREFIXES, limitData(family, maximum), why);
      return false;
    }
    const now: Told =
      count > maximum || short ? 2 : warnAt > 0 && count >= thresholdOf(maximum, warnAt) ? 1 : 0;
    if (now > rule.told) {
      const message =
        now === 1
          ? `${warnAt} % of a limit on routes sent reached`
          : short
            ? "routes beyond a limit are not sent"
            : "sent more routes than its limit";
      this.warn(
        session.peerAddress,
        `out ${name} ${now}`,
        { limit: `${name} out`, maximum },
        message,
      );
    }
    rule.told = now;
    return true;
  }
}

function limitsOf(out: readonly OutRouteLimit[], family: Family): readonly OutRouteLimit[] {
  return out.filter((limit) => {
    const isPart = limit.perVni || limit.routeType !== undefined;
    if (isPart && family !== Family.Evpn) return false;
    return limit.family === undefined || limit.family === family;
  });
}

/** "l2vpn-evpn type 2 vni 100" */
function nameOf({ limit, family }: Rule, vni: number | undefined): string {
  const type = limit.routeType === undefined ? "" : ` type ${limit.routeType}`;
  return `${FAMILIES[family]!.name}${type}${limit.perVni && vni !== undefined ? ` vni ${vni}` : ""}`;
}
