/**
 * Verdicts of all Sec-EMs as changes of the gateway's members. A Sec-EM that is silent keeps its members for a
 * bounded time (staleness and grace), never beyond their verdicts' lives; then they are stale and closed. Of
 * several that tell of one instance the gate's rule holds: the one of the highest epoch, until it lets go. No I/O
 * and no clock: events and times go in.
 */
import type { GateEntry, GateEvent } from "../gate/entry.js";
import type { MemberChange, MemberItem } from "./roster.js";

export interface FeedTimes {
  readonly staleSeconds: number;
  readonly graceSeconds: number;
}

interface Source {
  /** Last heartbeat; monotonic milliseconds. */
  alive: number;
  /** All that it trusts is stale for us. */
  silent: boolean;
  /** It kept something from us: no heartbeat makes up for that, only the end of a new snapshot. */
  suspect: boolean;
  /** Named by the snapshot under way. */
  named: Set<string> | undefined;
  synchronized: boolean;
}

/** What counts of an instance. */
interface Known {
  readonly item: MemberItem;
  readonly source: Source;
  readonly epoch: number;
  readonly at: number;
}

export interface FeedNews {
  readonly changes: readonly MemberChange[];
  /** Revocations that these changes tell of, to be confirmed when they are in force. */
  readonly revocations: readonly { readonly source: string; readonly revocation: number }[];
}

export class FeedMembers {
  private readonly tenant: string;
  private readonly times: FeedTimes;
  private readonly sources = new Map<string, Source>();
  private readonly known = new Map<string, Known>();
  private complete = false;

  /** @param names of all Sec-EMs: until each has told all, nobody of a life before is forgotten */
  constructor(tenant: string, names: readonly string[], times: FeedTimes, now: number) {
    this.tenant = tenant;
    this.times = times;
    for (const name of names) {
      this.sources.set(name, {
        ...{ alive: now, silent: false, suspect: false },
        ...{ named: undefined, synchronized: false },
      });
    }
  }

  take(events: readonly GateEvent[], now: number): FeedNews {
    const changes: MemberChange[] = [];
    const revocations: { source: string; revocation: number }[] = [];
    for (const event of events) {
      if (!("source" in event)) continue;
      const source = this.sources.get(event.source);
      if (source === undefined) continue;
      switch (event.kind) {
        case "alive":
          source.alive = now;
          if (!source.suspect) changes.push(...this.again(source, now));
          break;
        case "begin":
          source.named = new Set();
          break;
        case "entries":
          for (const entry of event.entries) {
            changes.push(...this.entry(source, entry, now));
            const { revocation } = entry;
            if (revocation > 0) revocations.push({ source: event.source, revocation });
          }
          break;
        case "gone":
          source.named?.delete(event.id);
          if (this.known.get(event.id)?.source === source) {
            this.known.delete(event.id);
            changes.push({ kind: "gone", id: event.id });
          }
          break;
        case "sync":
          changes.push(...this.synchronized(source));
          if (source.suspect) {
            source.suspect = false;
            if (now - source.alive < this.most) changes.push(...this.again(source, now));
          }
          break;
        case "suspect":
          // It keeps something from us, maybe a revocation: nothing it said lets anybody in.
          source.suspect = true;
          changes.push(...this.silence(source, event.why));
          break;
        case "link":
        case "refused":
      }
    }
    return { changes, revocations };
  }

  /** Now and then: who has been silent for too long. */
  tick(now: number): MemberChange[] {
    return [...this.sources.values()].flatMap((source) =>
      source.silent || now - source.alive < this.most
        ? []
        : this.silence(source, "its Sec-EM cannot be reached"),
    );
  }

  /** Milliseconds without a heartbeat that its members last. */
  private get most(): number {
    return (this.times.staleSeconds + this.times.graceSeconds) * 1000;
  }

  private entry(source: Source, entry: GateEntry, now: number): MemberChange[] {
    if (entry.tenant !== this.tenant) return [];
    const { id, vnf, instance, state, reason, sentence, addresses, remainingMs } = entry;
    const item: MemberItem = {
      ...{ id, vnf, instance, state, addresses },
      reason: sentence === "" ? reason : sentence,
      leftMs: state === "trusted" ? remainingMs : undefined,
      catalogVersion: entry.catalogVersion ?? 0,
    };
    source.named?.add(id);
    const before = this.known.get(id);
    // Of two writers the one with the higher epoch; of one, its last word.
    if (before !== undefined && before.source !== source && before.epoch >= entry.epoch) return [];
    this.known.set(id, { item, source, epoch: entry.epoch, at: now });
    if (!source.silent || state !== "trusted") return [{ kind: "item", item }];
    // Who was another's until now is not let in by that one any more.
    const isNew = before === undefined || before.source === source;
    return isNew ? [] : [{ kind: "item", item: staleOf(item, "its Sec-EM is not heard now") }];
  }

  private synchronized(source: Source): MemberChange[] {
    const { named } = source;
    if (named === undefined) return [];
    source.named = undefined;
    source.synchronized = true;
    const gone = this.of(source).flatMap(({ item: { id } }) => (named.has(id) ? [] : [id]));
    for (const id of gone) this.known.delete(id);
    const changes = gone.map((id): MemberChange => ({ kind: "gone", id }));
    if (this.complete || ![...this.sources.values()].every((one) => one.synchronized)) {
      return changes;
    }
    // Whom nobody named since our start is of a life before.
    this.complete = true;
    return [...changes, { kind: "only", ids: [...this.known.keys()] }];
  }

  private silence(source: Source, why: string): MemberChange[] {
    if (source.silent) return [];
    source.silent = true;
    return this.of(source).flatMap(({ item }): MemberChange[] =>
      item.state !== "trusted" ? [] : [{ kind: "item", item: staleOf(item, why) }],
    );
  }

  /** It lives again: what it said last counts for as long as it would have. */
  private again(source: Source, now: number): MemberChange[] {
    if (!source.silent) return [];
    source.silent = false;
    return this.of(source).flatMap(({ item, at }): MemberChange[] => {
      const leftMs = item.leftMs === undefined ? undefined : item.leftMs - (now - at);
      if (item.state !== "trusted" || (leftMs !== undefined && leftMs <= 0)) return [];
      return [{ kind: "item", item: { ...item, leftMs } }];
    });
  }

  private of(source: Source): Known[] {
    return [...this.known.values()].filter((one) => one.source === source);
  }
}

function staleOf(item: MemberItem, reason: string): MemberItem {
  return { ...item, state: "stale", reason, leftMs: undefined };
}
