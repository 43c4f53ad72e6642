/**
 * Verdicts of all Sec-EMs as changes of the gateway's members. A Sec-EM that is silent keeps its members for a
 * bounded time (staleness and grace), never beyond their verdicts' lives; then they are stale and closed. No
 * I/O and no clock: events and times go in.
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
  /** All that it trusts is stale for us until its next heartbeat. */
  silent: boolean;
  readonly known: Map<string, { item: MemberItem; readonly at: number }>;
  /** Named by the snapshot under way. */
  named: Set<string> | undefined;
  synchronized: boolean;
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
  private complete = false;

  /** @param names of all Sec-EMs: until each has told all, nobody of a life before is forgotten */
  constructor(tenant: string, names: readonly string[], times: FeedTimes, now: number) {
    this.tenant = tenant;
    this.times = times;
    for (const name of names) {
      const known = new Map<string, { item: MemberItem; at: number }>();
      const source = { alive: now, silent: false, known, named: undefined, synchronized: false };
      this.sources.set(name, source);
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
          if (source.silent) changes.push(...this.again(source, now));
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
          if (source.known.delete(event.id)) changes.push({ kind: "gone", id: event.id });
          break;
        case "sync":
          changes.push(...this.synchronized(source));
          break;
        case "suspect":
          // It keeps something from us, maybe a revocation: nothing it said lets anybody in.
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
    const most = (this.times.staleSeconds + this.times.graceSeconds) * 1000;
    return [...this.sources.values()].flatMap((source) =>
      source.silent || now - source.alive < most
        ? []
        : this.silence(source, "its Sec-EM cannot be reached"),
    );
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
    source.known.set(id, { item, at: now });
    const silenced = source.silent && state === "trusted";
    return silenced ? [] : [{ kind: "item", item }];
  }

  private synchronized(source: Source): MemberChange[] {
    const { named } = source;
    if (named === undefined) return [];
    source.named = undefined;
    source.synchronized = true;
    const gone = [...source.known.keys()].filter((id) => !named.has(id));
    for (const id of gone) source.known.delete(id);
    const changes = gone.map((id): MemberChange => ({ kind: "gone", id }));
    if (this.complete || ![...this.sources.values()].every((one) => one.synchronized)) {
      return changes;
    }
    // Whom nobody named since our start is of a life before.
    this.complete = true;
    const all = [...this.sources.values()].flatMap(({ known }) => [...known.keys()]);
    return [...changes, { kind: "only", ids: all }];
  }

  private silence(source: Source, why: string): MemberChange[] {
    if (source.silent) return [];
    source.silent = true;
    return [...source.known.values()].flatMap(({ item }): MemberChange[] =>
      item.state !== "trusted"
        ? []
        : [{ kind: "item", item: { ...item, state: "stale", reason: why, leftMs: undefined } }],
    );
  }

  /** It lives again: what it said last counts for as long as it would have. */
  private again(source: Source, now: number): MemberChange[] {
    source.silent = false;
    return [...source.known.values()].flatMap(({ item, at }): MemberChange[] => {
      const leftMs = item.leftMs === undefined ? undefined : item.leftMs - (now - at);
      if (item.state !== "trusted" || (leftMs !== undefined && leftMs <= 0)) return [];
      return [{ kind: "item", item: { ...item, leftMs } }];
    });
  }
}
