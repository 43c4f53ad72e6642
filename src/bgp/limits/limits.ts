/**
 * The limits of all sessions: who has some, what the table tells their counters, what is looked at again
 * when there is room, and one line in the log where there could be thousands.
 *
 * Costs nothing while nobody has limits: sessions without them have no `PeerLimiter`, and the table
 * tells nobody of its paths.
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import { HoldReason } from "../rib/hold.js";
import type { PathCounter } from "../rib/path-counter.js";
import type { RouteTable } from "../rib/route-table.js";
import type { EstablishedSession } from "../session/types.js";
import type { LimitHost } from "./host.js";
import { PeerLimiter } from "./peer-limiter.js";
import { limitsIntake } from "./settings.js";

export interface LimitsParts {
  readonly table: RouteTable;
  readonly clock: Clock;
  readonly log: Log;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
  /** A path that was held for a limit is within it: import policy decides what becomes of it. */
  admit(path: number): void;
  /** What the peer sent and we did not keep is wanted again. */
  askAgain(session: EstablishedSession): void;
}

/** Paths looked at in one turn. */
const SLICE = 10_000;
/** Room that came is used after so long: withdrawals come in crowds. */
const REVIEW_DELAY_MS = 200;

export class Limits implements PathCounter, LimitHost<PeerLimiter> {
  readonly table: RouteTable;
  readonly clock: Clock;
  private readonly parts: LimitsParts;
  private readonly rate: LogRate;
  private readonly bySlot: (PeerLimiter | undefined)[] = [];
  private counting = 0;

  constructor(parts: LimitsParts) {
    this.parts = parts;
    this.table = parts.table;
    this.clock = parts.clock;
    this.rate = new LogRate(parts.clock);
  }

  /** The session's limiter; undefined when it has no limits on what it sends. */
  admit(session: EstablishedSession, slot: number): PeerLimiter | undefined {
    if (!limitsIntake(session.options.limits)) return undefined;
    const limiter = new PeerLimiter(this, session, slot);
    this.enter(limiter);
    return limiter;
  }

  /** The session's limits are others now. Returns its limiter from now on. */
  change(
    limiter: PeerLimiter | undefined,
    session: EstablishedSession,
    slot: number,
  ): PeerLimiter | undefined {
    const changed = limiter ?? this.admit(session, slot);
    if (changed === undefined) return undefined;
    if (limiter !== undefined) {
      this.leaveTable(limiter);
      limiter.configure();
      this.enter(limiter);
    }
    if (changed.held > 0 || changed.isOver) this.review(changed);
    changed.check();
    return changed;
  }

  leave(limiter: PeerLimiter): void {
    limiter.close();
    this.leaveTable(limiter);
  }

  arrived(slot: number, path: number): void {
    this.bySlot[slot]?.arrived(path);
  }

  left(slot: number, path: number): void {
    this.bySlot[slot]?.left(path);
  }

  review(limiter: PeerLimiter): void {
    if (!limiter.beginReview()) return;
    this.clock.setTimer(REVIEW_DELAY_MS, () => this.parts.later(this.reviewOf(limiter)));
  }

  warn(peer: string, kind: string, fields: object, message: string): void {
    const suppressed = this.rate.pass(`${peer} ${kind}`);
    if (suppressed === undefined) return;
    this.parts.log.warn({ peer, ...fields, ...LogRate.fields(suppressed) }, message);
  }

  private enter(limiter: PeerLimiter): void {
    if (!limiter.countsRoutes) return;
    this.bySlot[limiter.slot] = limiter;
    this.counting++;
    this.table.counter = this;
  }

  private leaveTable(limiter: PeerLimiter): void {
    if (this.bySlot[limiter.slot] !== limiter) return;
    this.bySlot[limiter.slot] = undefined;
    this.counting--;
    if (this.counting === 0) this.table.counter = undefined;
  }

  /** Lets in what is held as far as there is room; holds what is beyond a limit that has become smaller. */
  private reviewOf(limiter: PeerLimiter): SlicedJob {
    const { table } = this;
    const trims = limiter.isOver;
    let family = 0;
    let walk: ReturnType<RouteTable["walkSource"]> | undefined;
    return {
      step: () => {
        for (let looked = 0; looked < SLICE;) {
          if (limiter.isClosed || family === FAMILIES.length) {
            if (walk !== undefined) table.endWalk(walk);
            if (limiter.endReview()) this.parts.askAgain(limiter.session);
            return true;
          }
          walk ??= table.walkSource(limiter.slot, FAMILIES[family]!.family);
          const path = table.stepWalk(walk);
          if (path === 0) {
            table.endWalk(walk);
            walk = undefined;
            family++;
            continue;
          }
          looked++;
          if (table.pathHold(path) === HoldReason.Limit) {
            if (limiter.hasRoomFor(path)) this.parts.admit(path);
          } else if (trims && limiter.isBeyond(path)) {
            table.reconsider(path, 0, HoldReason.Limit);
            limiter.discarded++;
          }
        }
        return false;
      },
    };
  }
}
