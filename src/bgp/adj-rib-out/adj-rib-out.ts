/**
 * Sending: sessions read a log of changes, each from its own position. A batch of changes becomes
 * groups, groups become messages, messages go to whoever should have them. Nothing is queued per
 * session.
 *
 * A session is served in up to two lanes (`lane.ts`): best paths from the loc-RIB's change log, and
 * several paths of a destination (ADD-PATH) from the log of path changes. In a lane `live-run.ts`
 * serves the log, `dump-runner.ts` whole tables beside it; an output (`best-output.ts`,
 * `add-path-output.ts`) turns a destination into announcements and withdrawals, `grouping.ts` says who
 * gets them, `delivery.ts` has the messages built. Log entries that every reader has passed are dropped
 * here, and tombstones with them.
 */
import { FAMILIES, Family } from "../../fast-bgp-codec/family.js";
import type { Clock } from "../../util/clock.js";
import type { ReflectorIdentity } from "../policy/export.js";
import { RouteTargetFilter, type TargetChange, type TargetRule } from "../policy/route-target.js";
import type { RouteTable } from "../rib/route-table.js";
import { AddPathOutput } from "./add-path-output.js";
import { BestOutput } from "./best-output.js";
import type { Cursor } from "./cursor.js";
import { IDLE_EXPORT, type ExportStage } from "./export-stage.js";
import type { KindCount, RouteKind } from "./kind-limit.js";
import { Lane, type HeldBack } from "./lane.js";
import { LogRelease } from "./log-release.js";
import type { Output } from "./output.js";
import { TARGETED, type EncodedRoute, type LogReader, type ReceiverOptions } from "./receiver.js";
import { PathQuotas } from "./path-quotas.js";
import type { SendLimits } from "./send-limits.js";
import type { SentBits } from "./sent-bits.js";

export type { EncodedRoute, LogReader, ReceiverOptions } from "./receiver.js";

/** Only sessions read the log of path changes. */
const NO_READERS: ReadonlySet<LogReader> = new Set();

export class AdjRibOut {
  /** A log has entries that all have read. */
  isReleasing = false;
  /** Who may have which route targets; for views. Changes go through here. */
  readonly targets = new RouteTargetFilter();
  private readonly table: RouteTable;
  private readonly identity: ReflectorIdentity;
  private readonly clock: Clock;
  private readonly best: Lane<BestOutput>;
  private readonly quotas = new PathQuotas();
  /** Made for the first session that takes several paths. */
  private addPath: Lane<AddPathOutput> | undefined;
  private lanes: readonly Lane<Output>[];
  private stage: ExportStage = IDLE_EXPORT;
  private readonly readers = new Set<LogReader>();
  /** A reader had not come to an end when it was last let read. */
  private unread = false;
  private readonly bestRelease: LogRelease;
  private pathsRelease: LogRelease | undefined;

  constructor(table: RouteTable, identity: ReflectorIdentity, clock: Clock) {
    this.table = table;
    this.identity = identity;
    this.clock = clock;
    this.best = new Lane(
      table,
      identity,
      clock,
      this.targets,
      (delivery, grouping) => new BestOutput(table, delivery, grouping),
    );
    this.lanes = [this.best];
    const { cursors } = this.best;
    this.bestRelease = new LogRelease(table.log, cursors, this.readers, clock, (position) => {
      table.releaseUpTo(position);
    });
  }

  /** Who was sent the best path of what. */
  get sent(): SentBits {
    return this.best.output.sent;
  }

  /** Most routes of some sessions, where they take the best path; `quotas` is for several paths. */
  private get limits(): SendLimits {
    return this.best.output.limits;
  }

  /**
   * The slot is sent no more than `maximum` routes of a family, with ADD-PATH paths; undefined lifts that.
   * `kinds` limit parts of the family, for slots that take the best path.
   * Returns whether something was withheld until now: `sync` sends it.
   */
  setLimit(
    slot: number,
    family: Family,
    maximum: number | undefined,
    kinds: readonly RouteKind[] = [],
  ): boolean {
    const short = this.limits.set(slot, family, maximum, kinds, this.sent);
    return this.quotas.set(slot, family, maximum) || short;
  }

  /** Routes sent of the nth kind that the slot's limit has; per VNI, of the fullest one. */
  kindCount(slot: number, family: Family, nth: number): KindCount {
    return this.limits.kinds(slot, family)[nth]?.most ?? { count: 0, vni: undefined };
  }

  /** Routes of a kind sent, whether it is limited or not. Walks the table. */
  countKind(slot: number, family: Family, kind: RouteKind): KindCount {
    return this.limits.countKind(slot, family, kind, this.sent).most;
  }

  /** Times something was withheld for that. */
  withheld(slot: number, family: Family): number {
    return this.limits.withheld(slot, family) + this.quotas.withheld(slot, family);
  }

  /** Slots that have room for something that was withheld; each is named once. */
  takeRoom(): number[] {
    const several = this.quotas.isIdle
      ? []
      : this.quotas.takeRoom((slot, family) => this.addPath?.output.sent.count(slot, family) ?? 0);
    return [...new Set([...this.limits.takeRoom(this.sent), ...several])];
  }

  /** Routes not sent because they fit no message to that session. */
  get oversized(): number {
    return this.lanes.reduce((sum, { grouping }) => sum + grouping.oversized, 0);
  }

  /** Slots, in words of 32. */
  get words(): number {
    return this.best.reflection.words;
  }

  /**
   * A session came up: it gets the table, then End-of-RIB, and changes from now on. One that
   * negotiated route-target membership gets families with route targets after `release`.
   */
  add(options: ReceiverOptions): void {
    const { slot, families } = options;
    const constrained = (families & (1 << Family.RouteTarget)) !== 0;
    const held = {
      awaiting: constrained || options.awaitsInterest === true ? families & TARGETED : 0,
      deferred: options.deferred === true ? families & ~(1 << Family.RouteTarget) : 0,
      untrusted: options.untrusted === true ? families : 0,
    };
    if (constrained) this.targets.addSlot(slot);
    const { addPath = [] } = options;
    const several = addPath.reduce((mask, { family }) => mask | (families & (1 << family)), 0);
    this.best.add(options, families & ~several, held);
    if (several === 0) return;
    const lane = this.addPathLane();
    lane.output.add(slot, addPath);
    lane.add(options, several, held);
  }

  /** The session has said what it wants, or has had its time: what was held back goes out. */
  release(slot: number): void {
    for (const lane of this.lanes) lane.release(slot, "awaiting");
  }

  /** We know again what we knew before our restart. */
  releaseDeferred(slot: number): void {
    for (const lane of this.lanes) lane.release(slot, "deferred");
  }

  /** The session is not trusted any more: nothing new goes to it. */
  hold(slot: number): void {
    for (const lane of this.lanes) lane.hold(slot);
  }

  /** What a held session has is withdrawn. */
  withdrawHeld(slot: number): void {
    for (const lane of this.lanes) lane.withdrawHeld(slot);
  }

  /** It is trusted, and its own memberships are in force: it gets the table, and End-of-RIB behind it. */
  releaseTrust(slot: number): void {
    for (const lane of this.lanes) lane.release(slot, "untrusted");
  }

  /** Holds the session to these targets (hex) from now on; undefined lifts the rule. Costs the routes of what changed. */
  setTargets(slot: number, rule: TargetRule, targets: ReadonlySet<string> | undefined): void {
    this.lookAtTargets(slot, this.targets.setRule(slot, rule, targets));
  }

  /** What was inferred of the session has grown by these; whether it is held to what was inferred at all. */
  extendInferred(slot: number, targets: readonly string[]): boolean {
    const change = this.targets.extendInferred(slot, targets);
    this.lookAtTargets(slot, change);
    return change !== undefined;
  }

  private lookAtTargets(slot: number, change: TargetChange | undefined): void {
    if (change === undefined) return;
    const sets = this.table.attrs.targetSets;
    const affected =
      change === "all" ? undefined : change.flatMap((target) => [...sets.having(target)]);
    for (const lane of this.lanes) lane.lookAtTargets(slot, affected);
  }

  /** A membership of the slot came or went: the routes of its targets are looked at for that session. */
  membership(slot: number, bytes: Uint8Array, start: number, change: 1 | -1): void {
    const affected = this.targets.change(slot, bytes, start, change);
    if (affected === undefined) return;
    const { target } = affected;
    const sets = target === undefined ? undefined : this.table.attrs.targetSets.having(target);
    for (const lane of this.lanes) lane.lookAtTargets(slot, sets);
  }

  /** The session is gone; what it was sent is forgotten. */
  remove(slot: number): void {
    for (const lane of this.lanes) lane.remove(slot);
    this.limits.remove(slot);
    this.quotas.remove(slot);
    this.targets.removeSlot(slot);
    const { addPath } = this;
    if (addPath?.cursors.size === 0) this.table.unwatchPaths();
  }

  /** The whole family once more, bracketed when both sides can (RFC 2918, RFC 7313). */
  refresh(slot: number, family: Family): void {
    for (const lane of this.lanes) lane.refresh(slot, 1 << family);
  }

  /** What should go to the session may have changed everywhere: it is sent the difference. */
  sync(slot: number): void {
    for (const lane of this.lanes) lane.sync(slot);
  }

  /**
   * The receiver is another from now on: what it should have, or in which form. It keeps its place and
   * is sent the difference; with `resend`, everything once more.
   */
  reconfigure(options: ReceiverOptions, resend: boolean): void {
    const { slot } = options;
    this.addPath?.output.setLimits(slot, options.addPath ?? []);
    for (const lane of this.lanes) {
      lane.reconfigure(options);
      lane.sync(slot);
      if (resend) lane.refresh(slot, -1);
    }
  }

  /** Export policy from now on. Sessions whose policy changed need `syncExport`. */
  setExport(stage: ExportStage): void {
    this.stage = stage;
    for (const lane of this.lanes) lane.grouping.stage = stage;
  }

  /**
   * The slot has another export policy: it is sent what that makes different, and nothing else.
   * @param former the policy until now, `NO_POLICY` for none; it must go on giving answers until `done`
   * @param done called once, at once if the session is gone
   */
  syncExport(slot: number, former: number, done: () => void): void {
    let left = this.lanes.length;
    const one = (): void => {
      if (--left === 0) done();
    };
    for (const lane of [...this.lanes]) lane.compare(slot, former, one);
  }

  /** The session drained: it can take output, even if a KEEPALIVE lifts it over the low mark before its turn. */
  unblock(slot: number): void {
    for (const lane of this.lanes) lane.unblock(slot);
  }

  /** Somebody beside the sessions reads what changes. */
  get hasReaders(): boolean {
    return this.readers.size > 0;
  }

  attachReader(reader: LogReader): void {
    this.readers.add(reader);
    this.table.furthestReader = Math.max(this.table.furthestReader, reader.position);
  }

  /** What it has not read, it will not. */
  detachReader(reader: LogReader): void {
    this.readers.delete(reader);
  }

  /** Lets the other readers read; whether something is left. */
  runReaders(budgetMs: number): boolean {
    let more = false;
    for (const reader of this.readers) {
      if (reader.read(budgetMs)) more = true;
      this.table.furthestReader = Math.max(this.table.furthestReader, reader.position);
    }
    this.unread = more;
    return more;
  }

  /** The other readers have read everything, and done what follows from it. */
  get areReadersDone(): boolean {
    if (this.unread) return false;
    for (const reader of this.readers) if (reader.position < this.table.log.tail) return false;
    return true;
  }

  /** The session's place in the change log. */
  cursor(slot: number): Cursor | undefined {
    return this.best.cursors.get(slot);
  }

  /** Its place in the log of path changes, if it takes several paths of a destination. */
  addPathCursor(slot: number): Cursor | undefined {
    return this.addPath?.cursors.get(slot);
  }

  /** Families that the session has to wait for, bit masks. */
  heldBack(slot: number): HeldBack {
    let awaiting = 0;
    let deferred = 0;
    let untrusted = 0;
    for (const { cursors } of this.lanes) {
      const cursor = cursors.get(slot);
      awaiting |= cursor?.awaiting ?? 0;
      deferred |= cursor?.deferred ?? 0;
      untrusted |= cursor?.untrusted ?? 0;
    }
    return { awaiting, deferred, untrusted };
  }

  hasEndOfRib(slot: number, family: Family): boolean {
    return this.lanes.some((lane) => lane.hasEndOfRib(slot, family));
  }

  /** Log entries the session has not read. */
  backlog(slot: number): number {
    return this.lanes.reduce((sum, lane) => sum + lane.backlog(slot), 0);
  }

  /** The session furthest behind, if what it has not read is older than `patienceMs`: for whoever must close one. */
  worstLaggard(patienceMs: number): number | undefined {
    let oldest = this.clock.now() - patienceMs;
    let worst: number | undefined;
    for (const lane of this.lanes) {
      const cursor = lane.hindmost();
      if (cursor === undefined) continue;
      const time = lane.log.timeOf(cursor.position);
      if (time > oldest) continue;
      oldest = time;
      worst = cursor.slot;
    }
    return worst;
  }

  /**
   * Sends what there is to send, for about `budgetMs`.
   * @returns whether something is left that could be sent now, or released
   */
  run(budgetMs: number): boolean {
    const until = this.clock.now() + budgetMs;
    let dumped = false;
    let more = true;
    let front = true;
    while (more) {
      if (!this.runLive(front)) {
        more = this.runDumps(true);
        dumped = true;
      }
      front = !front;
      if (this.clock.now() >= until) {
        // Endless change must not keep a new session from its table.
        if (!dumped) this.runDumps(false);
        break;
      }
    }
    this.isReleasing = this.bestRelease.run(until);
    this.table.furthestReader = this.bestRelease.furthest;
    const { addPath, pathsRelease } = this;
    if (addPath !== undefined && pathsRelease !== undefined) {
      if (pathsRelease.run(until)) this.isReleasing = true;
      addPath.output.noteRead(pathsRelease.furthest);
    }
    return more || this.isReleasing;
  }

  private runLive(front: boolean): boolean {
    const served = this.best.live.run(front);
    return this.addPath === undefined ? served : this.addPath.live.run(front) || served;
  }

  private runDumps(liveFirst: boolean): boolean {
    const served = this.best.dumps.run(liveFirst);
    return this.addPath === undefined ? served : this.addPath.dumps.run(liveFirst) || served;
  }

  private addPathLane(): Lane<AddPathOutput> {
    const { table } = this;
    const changes = table.watchPaths();
    if (this.addPath !== undefined) return this.addPath;
    const lane = new Lane(
      table,
      this.identity,
      this.clock,
      this.targets,
      (delivery, grouping) => new AddPathOutput(table, changes, delivery, grouping, this.quotas),
    );
    lane.grouping.stage = this.stage;
    this.addPath = lane;
    this.pathsRelease = new LogRelease(
      lane.log,
      lane.cursors,
      NO_READERS,
      this.clock,
      (position) => {
        table.releasePathsUpTo(position);
      },
    );
    this.lanes = [this.best, lane];
    return lane;
  }

  /** Whether the slot was sent the destination, or a path of it; for views. */
  hasSent(slot: number, dest: number): boolean {
    if (this.sent.has(slot, dest)) return true;
    return this.addPath !== undefined && this.addPath.output.sent.numbers(slot, dest) !== 0;
  }

  /** Routes that the slot was sent: with ADD-PATH, paths. */
  sentCount(slot: number, family: Family): number {
    return this.sent.count(slot, family) + (this.addPath?.output.sent.count(slot, family) ?? 0);
  }

  /** The paths of a destination that the slot was sent, best first; for views. */
  pathsSent(slot: number, dest: number): number[] {
    if (this.sent.has(slot, dest)) {
      const best = this.table.bestPath(dest);
      return best === 0 ? [] : [best];
    }
    return this.addPath?.output.pathsSent(slot, dest) ?? [];
  }

  /** The path id under which the slot was sent a path, 0 where it takes only one; for views. */
  sentPathId(slot: number, path: number): number {
    const { addPath } = this;
    const dest = this.table.pathDest(path);
    if (addPath === undefined || addPath.output.sent.numbers(slot, dest) === 0) return 0;
    return addPath.output.numberOf(path);
  }

  /** How a path's attributes look to this slot, MP_REACH_NLRI aside; for views. */
  encode(slot: number, path: number): EncodedRoute {
    const { table } = this;
    const { grouping, delivery } = this.best;
    const policy = grouping.policyOf(slot);
    const attr = grouping.outcomeUnder(policy, table.pathDest(path), path);
    // Its rules may have changed since: then it is about to be withdrawn, and shown as it stands here.
    const shown = attr === 0 ? table.pathAttr(path) : attr;
    const encoded = delivery.encode(slot, shown, table.pathSlot(path));
    grouping.stage.endBatch();
    return encoded;
  }

  /** How an attribute set of a source looks to this slot, MP_REACH_NLRI aside; for previews of policy. */
  encodeSet(slot: number, attr: number, source: number): EncodedRoute {
    const lane = this.best.cursors.has(slot) ? this.best : (this.addPath ?? this.best);
    return lane.delivery.encode(slot, attr, source);
  }

  /**
   * Writes into `mask` who might have a path if its attribute set were `attr`, export policy aside: of
   * those who take the best path, or of those who take several. For previews of policy.
   */
  receiversUnder(
    attr: number,
    dest: number,
    path: number,
    takers: "best" | "several",
    mask: Int32Array,
  ): void {
    const lane = takers === "best" ? this.best : this.addPath;
    if (lane === undefined) mask.fill(0);
    else lane.grouping.receiversUnder(attr, dest, path, mask);
  }

  /** Writes who should have the best path of a destination into `mask`, which has `words` words; for audits. */
  wanted(dest: number, mask: Int32Array, fresh = true): void {
    this.best.output.wanted(dest, mask, fresh);
  }

  /** Sessions that have read everything and have not the paths of a destination that they should have; for audits. */
  addPathFaults(dest: number): string[] {
    return this.addPath?.output.faults(dest, this.addPath.cursors.values()) ?? [];
  }

  /** Counts of paths sent to a session that takes several, against what it has; for audits. */
  addPathCountFaults(slot: number): string[] {
    const { addPath, table } = this;
    if (addPath?.cursors.has(slot) !== true) return [];
    const { sent } = addPath.output;
    const found = sent.recount(slot, table.destinationLimit, (dest) =>
      table.exists(dest) ? table.family(dest) : undefined,
    );
    return FAMILIES.flatMap(({ family, name }) => {
      const counted = sent.count(slot, family);
      return found[family] === counted
        ? []
        : [`counts ${counted} ${name} paths sent, ${found[family] ?? 0} found`];
    });
  }
}
