/**
 * The gate as the speaker and the API meet it: answers from the cache at once, tells each transition once
 * (expiry included), and remembers what was answered. Everything that takes time is in another thread.
 */
import type {
  TrustAnswer,
  TrustApplied,
  TrustChange,
  TrustEffect,
  TrustFacts,
  TrustGate,
  TrustItem,
  TrustRequirement,
  TrustSink,
} from "../../contract.js";
import type { Clock, TimerHandle } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import type {
  AppliedView,
  BreakGlassView,
  GatedView,
  GateInstanceView,
  SourceView,
} from "./control.js";
import type { GateEvent } from "./entry.js";
import { fits, judge, subjectOf } from "./judge.js";
import { WaitingRevocations, type AppliedRevocation } from "./revocations.js";
import { VerdictCache, type CachedEntry } from "./verdict-cache.js";

export interface LocalGateSettings {
  readonly staleSeconds: number;
  readonly graceSeconds: number;
  readonly dryRun: boolean;
  /** Community of `mark`, 4 octets as a number. */
  readonly community: number;
}

export interface LocalGateParts {
  readonly settings: LocalGateSettings;
  readonly clock: Clock;
  readonly log: Log;
  /** A revocation is in force at every session of its instance. */
  readonly applied?: (source: string, revocation: number) => void;
}

/** Deadlines are looked at in steps of this, so that a thousand of them are a few looks. */
const STEP_MS = 50;
const MOST_GATED = 4096;
const MOST_APPLIED = 256;

interface Told {
  readonly item: TrustItem;
  /** Everything of an answer that a session may hang on. */
  readonly mark: string;
}

export class LocalGate implements TrustGate {
  private readonly parts: LocalGateParts;
  private settings: LocalGateSettings;
  private readonly cache: VerdictCache;
  private readonly told = new Map<string, Told>();
  private readonly sinks = new Set<TrustSink>();
  private readonly asked = new Map<string, GatedView>();
  private readonly done = new Map<string, AppliedView>();
  private readonly revoking = new WaitingRevocations();
  private revision = 0;
  private looked: number;
  private timer: TimerHandle | undefined;
  private due = Infinity;
  private alarmed = false;

  constructor(parts: LocalGateParts) {
    this.parts = parts;
    this.settings = parts.settings;
    this.looked = parts.clock.now();
    this.cache = new VerdictCache(timesOf(parts.settings));
  }

  configure(settings: LocalGateSettings, sources: readonly string[]): void {
    const others = JSON.stringify(settings) !== JSON.stringify(this.settings);
    this.settings = settings;
    this.cache.times = timesOf(settings);
    const touched = this.cache.setSources(sources);
    if (others) for (const address of this.everybody()) touched.add(address);
    this.tell(touched, others);
    this.arm();
  }

  /** Events of the feeds, in order. */
  take(events: readonly GateEvent[]): void {
    const now = this.parts.clock.now();
    this.pass(now);
    const touched = new Set<string>();
    const revoked = new Set<string>();
    for (const event of events) {
      for (const address of this.cache.apply(event, now)) touched.add(address);
      if (event.kind === "entries") this.noteRevocations(event, revoked);
    }
    const told = this.tell(touched, false);
    for (const address of revoked) if (!told.has(address)) this.settle(address);
    this.arm();
  }

  admit(facts: TrustFacts): TrustAnswer {
    const now = this.parts.clock.now();
    const { required, address, live } = facts;
    const found = judge(this.cache, facts, now);
    const inGrace = found.grace && live;
    const isClean = found.state === "trusted";
    const spares = inGrace || required.dryRun || this.settings.dryRun;
    const answer: TrustAnswer = {
      revision: this.told.get(address)?.item.revision ?? this.revision,
      state: found.state,
      reason: inGrace ? `${found.reason}; the session keeps its last verdict` : found.reason,
      effect: isClean || spares ? "admit" : effectOf(required.effect, found.misplaced),
      spared: isClean || !spares ? undefined : required.effect,
      until: found.until,
      subject: found.subject,
      vnf: found.vnf,
      binding: found.binding,
      limits: found.limits,
      community: this.settings.community,
    };
    this.remember(address, answer);
    return answer;
  }

  keyFor(address: string, required: TrustRequirement): string | undefined {
    const keyed = this.cache
      .at(address)
      .filter((entry) => fits(entry, required))
      .filter(
        ({ binding, md5Key, state }) =>
          binding === "tcp-md5" && md5Key !== undefined && state === "trusted",
      );
    keyed.sort((a, b) => b.epoch - a.epoch || b.serial - a.serial);
    return keyed[0]?.md5Key;
  }

  instanceAt(address: string, required: TrustRequirement): string | undefined {
    const now = this.parts.clock.now();
    return this.cache
      .at(address)
      .filter((entry) => fits(entry, required))
      .find(
        ({ binding, state, expiresAt }) =>
          binding === "tls-proxy" && state === "trusted" && expiresAt > now,
      )?.id;
  }

  /** An instance whose verdict counts now; undefined for every other identity (hex). */
  trustedInstance(id: string): CachedEntry | undefined {
    const now = this.parts.clock.now();
    const entry = this.cache.instance(id);
    if (entry === undefined) return undefined;
    const { state } = judge(this.cache, { ...factsOf(entry), instance: id }, now);
    return state === "trusted" ? entry : undefined;
  }

  subscribe(sink: TrustSink): () => void {
    this.sinks.add(sink);
    const items = [...this.told.values()].map(({ item }) => ({ kind: "item", item }) as const);
    sink([{ kind: "reset" }, ...items, { kind: "sync" }]);
    return () => {
      this.sinks.delete(sink);
    };
  }

  gateApplied(applied: TrustApplied): void {
    const { address, revision } = applied;
    this.done.delete(address);
    this.done.set(address, { ...applied, at: this.parts.clock.wall() });
    if (this.done.size > MOST_APPLIED) this.done.delete(this.done.keys().next().value!);
    if (revision < (this.told.get(address)?.item.revision ?? 0)) return;
    this.report(this.revoking.settle(address));
  }

  /** A revocation that comes again, as in a new snapshot, changes nothing: the speaker would have nothing to answer to. */
  private settle(address: string): void {
    if (!this.revoking.has(address)) return;
    // Gone again before anybody was told of it: nothing waits for it there.
    const told = this.told.get(address)?.item.revision ?? -1;
    const done = this.done.get(address)?.revision ?? -1;
    if (done >= told) this.report(this.revoking.settle(address));
    else this.tell(new Set([address]), true);
  }

  private report(applied: readonly AppliedRevocation[]): void {
    for (const { source, revocation } of applied) this.parts.applied?.(source, revocation);
  }

  close(): void {
    this.timer?.cancel();
    this.sinks.clear();
  }

  sources(): SourceView[] {
    return this.cache.views(this.parts.clock.now());
  }

  instances(): GateInstanceView[] {
    const now = this.parts.clock.now();
    return [...this.cache.entries()].map((entry) => {
      const found = judge(this.cache, factsOf(entry), now);
      const { id, as, routerId, binding, root, epoch, serial, addresses } = entry;
      return {
        ...{ id, as, routerId, binding, root, epoch, serial, addresses },
        subject: subjectOf(entry),
        state: found.state,
        reason: found.reason,
        source: entry.source.name,
        secondsLeft: Math.max(0, Math.floor((entry.expiresAt - now) / 1000)),
        grace: found.grace,
      };
    });
  }

  gated(): GatedView[] {
    return [...this.asked.values()];
  }

  applied(): AppliedView[] {
    return [...this.done.values()];
  }

  openGlass(): BreakGlassView[] {
    const now = this.parts.clock.now();
    return this.cache.openGlass(now).map((glass) => {
      const { serial, operator, why, tenant, vnf, instance, address, endsAt } = glass;
      const secondsLeft = Math.ceil((endsAt - now) / 1000);
      return { serial, operator, why, tenant, vnf, instance, address, secondsLeft };
    });
  }

  /** Ends a way in before its time. @returns keys of what was open with that number */
  endGlass(serial: number): readonly string[] {
    const open = this.cache.openGlass(this.parts.clock.now());
    const keys = open.filter((glass) => glass.serial === serial).map(({ key }) => key);
    this.take(keys.map((key) => ({ kind: "glass-ended", key })));
    return keys;
  }

  /** Metric names without prefix. */
  stats(): Record<string, number> {
    const sources = this.sources();
    let trusted = 0;
    for (const { item } of this.told.values()) if (item.state === "trusted") trusted++;
    const states = sources.map(({ state }) => state);
    return {
      gate_instances: this.cache.size,
      gate_addresses_trusted: trusted,
      gate_sources: sources.length,
      gate_sources_alive: states.filter((state) => state === "alive").length,
      gate_sources_in_grace: states.filter((state) => state === "grace").length,
      gate_refused_messages_total: sources.reduce((sum, { refused }) => sum + refused, 0),
      gate_break_glass: this.openGlass().length,
      gate_revision: this.revision,
    };
  }

  private remember(address: string, answer: TrustAnswer): void {
    this.asked.delete(address);
    if (answer.effect === "admit" && answer.spared === undefined) return;
    const { state, reason, effect, spared, subject } = answer;
    const at = this.parts.clock.wall();
    this.asked.set(address, { address, state, reason, effect, spared, subject, at });
    if (this.asked.size > MOST_GATED) this.asked.delete(this.asked.keys().next().value!);
  }

  /** @param revoked gets the addresses */
  private noteRevocations(
    { source, entries }: Extract<GateEvent, { kind: "entries" }>,
    revoked: Set<string>,
  ): void {
    for (const { id, revocation, addresses } of entries) {
      if (revocation === 0) continue;
      // What another source's later word stands before is not in force.
      if (this.cache.instance(id)?.source.name !== source) continue;
      for (const address of addresses) {
        this.revoking.add(address, source, revocation);
        revoked.add(address);
      }
      if (addresses.length === 0) this.report(this.revoking.settled(source, revocation));
    }
  }

  private *everybody(): Iterable<string> {
    yield* this.cache.addresses();
    yield* this.told.keys();
  }

  /** Time has passed: whatever ended on the way is told. */
  private pass(now: number): void {
    const touched = this.cache.passed(this.looked, now);
    this.looked = now;
    this.tell(touched, false);
  }

  /** @returns the addresses that something was told of */
  private tell(touched: ReadonlySet<string>, anyway: boolean): ReadonlySet<string> {
    const changes: TrustChange[] = [];
    const told = new Set<string>();
    for (const address of touched) {
      const change = this.changeOf(address, anyway);
      if (change === undefined) continue;
      changes.push(change);
      told.add(address);
    }
    this.alarm();
    if (changes.length > 0) for (const sink of this.sinks) sink(changes);
    return told;
  }

  private changeOf(address: string, anyway: boolean): TrustChange | undefined {
    const { clock } = this.parts;
    const before = this.told.get(address);
    const now = clock.now();
    const entries = this.cache.at(address);
    const glass = this.cache.openGlass(now).filter((one) => one.address === address);
    if (entries.length === 0 && glass.length === 0) {
      if (before === undefined) return undefined;
      this.told.delete(address);
      return { kind: "gone", key: address, revision: ++this.revision };
    }
    const found = entries.map((entry) => judge(this.cache, { ...factsOf(entry), address }, now));
    const best = found.find(({ state }) => state === "trusted") ?? found[0];
    const mark = JSON.stringify([
      found.map(({ state, reason, grace, limits, subject }) => [
        state,
        reason,
        grace,
        limits,
        subject,
      ]),
      entries.map(({ as, routerId, binding, md5Key, instanceKey }) => [
        as,
        routerId,
        binding,
        md5Key,
        instanceKey,
      ]),
      glass.map(({ serial }) => serial),
    ]);
    if (before?.mark === mark && !anyway) return undefined;
    const state = best?.state ?? "trusted";
    const item: TrustItem = {
      key: address,
      revision: ++this.revision,
      state,
      reason: best?.reason ?? `break-glass by ${glass[0]?.operator ?? ""}`,
      since: before?.item.state === state ? before.item.since : clock.wall(),
      subject: best?.subject ?? "",
      grace: best?.grace ?? false,
    };
    this.told.set(address, { item, mark });
    return { kind: "item", item };
  }

  /** A Sec-EM out of reach, and sessions that live on its last word: said once, and when it is over. */
  private alarm(): void {
    const inGrace = this.sources().filter(({ state, entries }) => state !== "alive" && entries > 0);
    if (inGrace.length > 0 === this.alarmed) return;
    this.alarmed = inGrace.length > 0;
    const { log } = this.parts;
    const sources = inGrace.map(({ name }) => name);
    if (!this.alarmed) log.info({}, "every Sec-EM is in reach again");
    else {
      log.error(
        { sources, graceSeconds: this.settings.graceSeconds },
        "a Sec-EM is out of reach: live sessions keep their last verdict for the grace, new ones are refused",
      );
    }
  }

  private arm(): void {
    const { clock } = this.parts;
    const now = clock.now();
    // From the last look on: what came due while the last change was told is looked at, too.
    const next = this.cache.nextDeadline(this.looked);
    if (next >= this.due && this.timer !== undefined) return;
    this.timer?.cancel();
    this.timer = undefined;
    this.due = next;
    if (next === Infinity) return;
    this.timer = clock.setTimer(Math.max(STEP_MS, next - now + 1), () => {
      this.timer = undefined;
      this.due = Infinity;
      this.pass(clock.now());
      this.arm();
    });
  }
}

/** As its own session would be: for what is told of it without one. */
function factsOf(entry: CachedEntry): TrustFacts {
  return {
    address: entry.addresses[0] ?? "",
    required: { tenant: entry.tenant, vnf: entry.vnf, effect: "hold", dryRun: false },
    as: entry.as,
    routerId: entry.routerId,
    instance: entry.binding === "tls-proxy" ? entry.id : undefined,
    live: true,
  };
}

function effectOf(wanted: TrustEffect, misplaced = false): TrustEffect {
  return misplaced && wanted === "hold" ? "refuse" : wanted;
}

function timesOf({ staleSeconds, graceSeconds }: LocalGateSettings) {
  return { staleMs: staleSeconds * 1000, graceMs: graceSeconds * 1000 };
}
