/**
 * What each session may have by route target, as far as the peer does not say it itself (RFC 4684):
 * lists from the configuration, tenants' targets, and what is inferred from the peer's own routes. Tells
 * the adj-RIB-out, in which all of it works like memberships: a change costs the routes of the targets.
 *
 * Inference in time: a new session's table waits for the peer's End-of-RIB, FIRST_WAIT_MS at most, so that a
 * PE is not sent everything first. Whoever needs longer is sent everything, until its End-of-RIB or
 * LEARN_MS; only then is anything held back.
 */
import { FAMILIES, Family } from "../fast-bgp-codec/family.js";
import type { Clock, TimerHandle } from "../util/clock.js";
import type { SlicedJob } from "../util/sliced-work.js";
import type { AdjRibOut } from "./adj-rib-out/adj-rib-out.js";
import { TARGETED } from "./adj-rib-out/receiver.js";
import type { InterestOptions } from "./policy/interest-options.js";
import { TargetRule } from "./policy/route-target.js";
import { InferredTargets } from "./policy/target-inference.js";
import type { ReflectedPeer } from "./reflected-peer.js";
import type { RouteTable } from "./rib/route-table.js";

/** Longest that a first table waits for the End-of-RIB of a peer whose interest is inferred. */
const FIRST_WAIT_MS = 2_000;
/** A peer without End-of-RIB has announced what it has by then. */
const LEARN_MS = 60_000;
/** Between two looks for targets that have vanished, at most. */
const LOOK_MS = 10_000;
/** Targets of one peer looked at in one turn, at least. */
const LOOK_LEAST = 64;
/** Routes of a target looked through for one of the peer's, before its own routes are looked through. */
const NEAR_ROUTES = 2_000;
/** A peer with more routes than this is not looked through: what is not found near counts as there. */
const OWN_ROUTES = 200_000;

export interface InterestHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  /** Long work, a slice a turn. */
  later(job: SlicedJob): void;
  /** Told when what sessions want changed. */
  readonly ownMemberships: { touch(): void };
  /** There is something to send. */
  wake(): void;
}

/** A session whose interest is inferred. */
interface Learner {
  readonly peer: ReflectedPeer;
  readonly inferred: InferredTargets;
  /** It has announced what it has: what it is not interested in may be held back. */
  ready: boolean;
  readonly timers: TimerHandle[];
}

export class Interests {
  private readonly host: InterestHost;
  private readonly clock: Clock;
  private readonly learners = new Map<number, Learner>();
  private looking: TimerHandle | undefined;

  constructor(host: InterestHost, clock: Clock) {
    this.host = host;
    this.clock = clock;
  }

  /** Nobody's interest is inferred. */
  get isIdle(): boolean {
    return this.learners.size === 0;
  }

  /**
   * A session comes up; call before it is added to the adj-RIB-out.
   * @returns whether its first table waits for `release`
   */
  admit(peer: ReflectedPeer): boolean {
    const { interest } = peer.session.options;
    this.setLists(peer, interest);
    return infers(peer) && this.learn(peer) && interest.inference === "on";
  }

  /** The session is gone; the adj-RIB-out forgets its part by itself. */
  leave(peer: ReflectedPeer): void {
    this.forget(peer);
  }

  /** The peer announced routes with this combination of targets; call for peers with `inferred` only. */
  announced(peer: ReflectedPeer, combination: number): void {
    const learner = this.learners.get(peer.slot);
    const { targetSets } = this.host.table.attrs;
    if (learner?.inferred.note(combination, targetSets, this.clock.now()) === true) {
      this.extend(learner);
    }
  }

  endOfRib(peer: ReflectedPeer): void {
    const learner = this.learners.get(peer.slot);
    const awaited = peer.context.families & TARGETED;
    if (learner === undefined || (peer.endOfRibReceived & awaited) !== awaited) return;
    this.becomeReady(learner);
  }

  /** The session's options are new ones; `before` are those until now. */
  change(peer: ReflectedPeer, before: InterestOptions): void {
    const { interest } = peer.session.options;
    this.setLists(peer, interest);
    const learner = this.learners.get(peer.slot);
    if (!infers(peer)) {
      if (learner === undefined) return;
      this.forget(peer);
      this.host.out.setTargets(peer.slot, TargetRule.Inferred, undefined);
      this.host.out.release(peer.slot);
    } else if (learner === undefined || interest.inferenceHold !== before.inferenceHold) {
      const wasReady = learner?.ready;
      this.forget(peer);
      this.learn(peer);
      this.learnFromTable(peer);
      if (wasReady === true) this.becomeReady(this.learners.get(peer.slot)!);
      else this.endOfRib(peer);
      this.host.out.release(peer.slot);
    } else if (interest.inference !== before.inference) {
      if (interest.inference === "on") this.enforce(learner);
      else this.host.out.setTargets(peer.slot, TargetRule.Inferred, undefined);
      this.host.out.release(peer.slot);
    }
  }

  /** What was inferred of a session, for views. */
  learnt(
    slot: number,
  ): { readonly ready: boolean; readonly targets: InferredTargets["targets"] } | undefined {
    const learner = this.learners.get(slot);
    return learner && { ready: learner.ready, targets: learner.inferred.targets };
  }

  private setLists(peer: ReflectedPeer, interest: InterestOptions): void {
    const { out } = this.host;
    const setOf = (targets: readonly string[] | undefined): ReadonlySet<string> | undefined =>
      targets && new Set(targets);
    out.setTargets(peer.slot, TargetRule.List, setOf(interest.targets));
    out.setTargets(peer.slot, TargetRule.Allowed, setOf(interest.allowed));
    this.host.ownMemberships.touch();
  }

  private learn(peer: ReflectedPeer): boolean {
    const { inferenceHold } = peer.session.options.interest;
    const inferred = new InferredTargets(inferenceHold * 1000);
    const learner: Learner = { peer, inferred, ready: false, timers: [] };
    const after = (milliseconds: number, run: () => void): void => {
      learner.timers.push(this.clock.setTimer(milliseconds, run));
    };
    after(FIRST_WAIT_MS, () => {
      this.host.out.release(peer.slot);
      this.host.wake();
    });
    after(LEARN_MS, () => this.becomeReady(learner));
    this.learners.set(peer.slot, learner);
    peer.infers = true;
    this.looking ??= this.clock.setTimer(LOOK_MS, () => this.look());
    return true;
  }

  private forget(peer: ReflectedPeer): void {
    const learner = this.learners.get(peer.slot);
    if (learner?.peer !== peer) return;
    for (const timer of learner.timers) timer.cancel();
    this.learners.delete(peer.slot);
    peer.infers = false;
  }

  private learnFromTable(peer: ReflectedPeer): void {
    const { table } = this.host;
    for (const { family } of FAMILIES) {
      if ((TARGETED & (1 << family)) === 0) continue;
      for (const set of combinationsOf(table, peer.slot, family)) this.announced(peer, set);
    }
  }

  private becomeReady(learner: Learner): void {
    if (learner.ready) return;
    learner.ready = true;
    this.enforce(learner);
    this.host.out.release(learner.peer.slot);
    this.host.wake();
  }

  /** Holds the session to what was inferred, unless it only looks on. */
  private enforce({ peer, inferred, ready }: Learner): void {
    if (!ready || peer.session.options.interest.inference !== "on") return;
    const targets = inferred.isOverfull ? undefined : new Set(inferred.targets.keys());
    this.host.out.setTargets(peer.slot, TargetRule.Inferred, targets);
    this.host.ownMemberships.touch();
    this.host.wake();
  }

  /** `enforce` when targets have come: costs these, not all there are. */
  private extend(learner: Learner): void {
    const { peer, inferred, ready } = learner;
    if (!ready || peer.session.options.interest.inference !== "on") return;
    const held = !inferred.isOverfull && this.host.out.extendInferred(peer.slot, inferred.fresh);
    if (!held) return this.enforce(learner);
    this.host.ownMemberships.touch();
    this.host.wake();
  }

  /** Looks for targets that have vanished, one peer a turn; then again, as long as somebody is inferred. */
  private look(): void {
    const rest = [...this.learners.values()];
    this.looking = rest.length === 0 ? undefined : this.clock.setTimer(LOOK_MS, () => this.look());
    if (rest.length === 0) return;
    this.host.later({
      step: () => {
        const learner = rest.pop();
        if (learner !== undefined && this.learners.get(learner.peer.slot) === learner) {
          this.lookAt(learner);
        }
        return rest.length === 0;
      },
    });
  }

  private lookAt(learner: Learner): void {
    const { peer, inferred } = learner;
    if (!learner.ready) return;
    const { inferenceHold } = peer.session.options.interest;
    // All within a third of the hold time, so that it is kept to within that.
    const turns = Math.max(1, (inferenceHold * 1000) / (3 * LOOK_MS));
    const most = Math.max(LOOK_LEAST, Math.ceil(inferred.targets.size / turns));
    const own = new OwnTargets(this.host.table, peer.slot);
    if (inferred.look((target) => own.has(target), this.clock.now(), most)) this.enforce(learner);
  }
}

function infers(peer: ReflectedPeer): boolean {
  const { options, negotiated } = peer.session;
  const { inference, targets } = options.interest;
  const asks = (negotiated.families & (1 << Family.RouteTarget)) !== 0;
  return inference !== "off" && targets === undefined && !asks;
}

function* combinationsOf(table: RouteTable, slot: number, family: Family): Iterable<number> {
  let path = table.sources.firstPath[slot * FAMILIES.length + family]!;
  for (; path !== 0; path = table.nextPathOfSource(path)) {
    yield table.attrs.targets(table.pathReceived(path));
  }
}

/** Which targets the routes of one source have; for a few questions within one turn. */
class OwnTargets {
  private readonly table: RouteTable;
  private readonly slot: number;
  private combinations: Set<number> | undefined;

  constructor(table: RouteTable, slot: number) {
    this.table = table;
    this.slot = slot;
  }

  has(target: string): boolean {
    return this.hasNear(target) || this.hasFar(target);
  }

  /** Among the first routes of the target: there it is nearly always. */
  private hasNear(target: string): boolean {
    const { table } = this;
    const { targetSets } = table.attrs;
    let looked = 0;
    for (const set of targetSets.having(target)) {
      let path = targetSets.firstPath(set);
      for (; path !== 0; path = table.nextPathOfTargets(path)) {
        if (table.pathSlot(path) === this.slot) return true;
        if (++looked >= NEAR_ROUTES) return false;
      }
    }
    return false;
  }

  /** Among the source's own routes, as it announced them. */
  private hasFar(target: string): boolean {
    const { table, slot } = this;
    if (this.combinations === undefined) {
      let routes = 0;
      for (const { family } of FAMILIES) routes += table.sources.count(slot, family);
      if (routes > OWN_ROUTES) return true;
      this.combinations = new Set<number>();
      for (const { family } of FAMILIES) {
        for (const set of combinationsOf(table, slot, family)) this.combinations.add(set);
      }
    }
    for (const set of table.attrs.targetSets.having(target)) {
      if (this.combinations.has(set)) return true;
    }
    return false;
  }
}
