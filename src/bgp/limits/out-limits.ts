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
  setLimit(slot: number, family: Family, maximum: number | undefined): boolean;
  /** Routes the session has. */
  count(slot: number, family: Family): number;
  withheld(slot: number, family: Family): number;
  /** Slots that have room for what was withheld. */
  takeRoom(): number[];
  /** Sends the session what it lacks. */
  sync(slot: number): void;
}

interface Watched {
  readonly session: EstablishedSession;
  readonly slot: number;
  rules: readonly { readonly limit: OutRouteLimit; readonly family: Family; told: Told }[];
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
    const rules = FAMILIES.filter(
      ({ family }) => (session.negotiated.families & (1 << family)) !== 0,
    )
      .filter(({ family }) => family !== Family.RouteTarget)
      .flatMap(({ family }) =>
        out
          .filter((limit) => limit.family === undefined || limit.family === family)
          .map((limit): Watched["rules"][number] => ({ limit, family, told: 0 })),
      );
    let short = false;
    for (const { family } of FAMILIES) {
      const most = rules
        .filter((rule) => rule.family === family && rule.limit.action === "withhold")
        .map((rule) => rule.limit.maximum);
      const maximum = most.length === 0 ? undefined : Math.min(...most);
      if (this.output.setLimit(slot, family, maximum)) short = true;
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
    return rules.map(({ limit, family }) => ({
      direction: "out",
      family: FAMILIES[family]!.name,
      routeType: undefined,
      perVni: false,
      vni: undefined,
      count: this.output.count(slot, family),
      maximum: limit.maximum,
      warnAt: thresholdOf(limit.maximum, limit.warnAt),
      action: limit.action,
    }));
  }

  withheld(slot: number): number {
    return FAMILIES.reduce((sum, { family }) => sum + this.output.withheld(slot, family), 0);
  }

  /** False when the session has ended over it. */
  private checkRule(
    session: EstablishedSession,
    slot: number,
    rule: { readonly limit: OutRouteLimit; readonly family: Family; told: Told },
  ): boolean {
    const { limit, family } = rule;
    const { maximum, warnAt, action } = limit;
    const name = FAMILIES[family]!.name;
    const count = this.output.count(slot, family);
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
