/**
 * The feed: who reads it, and what all of them are told. In: records that changed. Out: verdicts signed for
 * each audience, catalogs, heartbeats. A change goes to the readers in the same turn.
 */
import type { Clock } from "../../../util/clock.js";
import { fromHex } from "../../../util/bytes.js";
import { signHeartbeat, type FeedMessage } from "../../protocol/index.js";
import { catalogParts, type Catalogs, type IssuedCatalog } from "../catalogs.js";
import type { FeedRow } from "../control.js";
import type { InstanceBook, InstanceRecord } from "../instance-book.js";
import type { KeyStore } from "../key-store.js";
import type { ReservedNumbers } from "../numbers.js";
import type { VerdictDesk } from "../verdicts.js";
import { Subscriber, type FeedPipe, type FeedSource, type SubscriberFacts } from "./subscriber.js";

export interface HubParts {
  readonly clock: Clock;
  readonly secEm: string;
  readonly book: InstanceBook;
  readonly desk: VerdictDesk;
  readonly catalogs: Catalogs;
  readonly keys: KeyStore;
  readonly serials: ReservedNumbers;
  readonly revocations: ReservedNumbers;
  readonly time: () => number;
  readonly epoch: () => number;
  readonly heartbeatSeconds: () => number;
}

export class FeedHub implements FeedSource {
  private readonly parts: HubParts;
  private readonly readers = new Set<Subscriber>();

  constructor(parts: HubParts) {
    this.parts = parts;
  }

  get rows(): readonly FeedRow[] {
    return [...this.readers].map(({ facts, waiting, applied }) => ({
      ...{ name: facts.name, kind: facts.reader, address: facts.address },
      ...{ connectedAt: facts.connectedAt, waiting, applied },
    }));
  }

  /** The same reader's older subscription ends. */
  add(facts: SubscriberFacts, pipe: FeedPipe): Subscriber {
    for (const one of this.readers) {
      if (one.facts.name === facts.name && one.facts.reader === facts.reader) this.end(one);
    }
    const { book, catalogs, revocations } = this.parts;
    const reader = new Subscriber(facts, pipe, this, revocations.current);
    this.readers.add(reader);
    const ids = [...book.each()].filter(({ tenant }) => reader.wants(tenant));
    const documents = catalogs.all().filter(({ tenant }) => reader.wants(tenant));
    reader.begin(
      ids.map(({ identity }) => identity),
      documents.map(({ tenant }) => tenant),
    );
    return reader;
  }

  remove(reader: Subscriber): void {
    this.readers.delete(reader);
  }

  /** @param revocation the sequence of the one it tells; 0 = it tells none */
  publish({ identity, tenant }: InstanceRecord, revocation = 0): void {
    this.parts.desk.changed(identity);
    for (const reader of this.readers) if (reader.wants(tenant)) reader.item(identity, revocation);
  }

  catalogChanged(catalog: IssuedCatalog): void {
    for (const reader of this.readers) {
      if (reader.wants(catalog.tenant)) reader.catalog(catalog.tenant);
    }
  }

  /** Everything is signed by other keys, or in another epoch. */
  allChanged(): void {
    const { book, catalogs, desk } = this.parts;
    desk.allChanged();
    for (const reader of this.readers) {
      reader.keysChanged();
      reader.beat();
      for (const catalog of catalogs.all()) {
        if (reader.wants(catalog.tenant)) reader.catalog(catalog.tenant);
      }
      for (const { tenant, identity } of book.each()) {
        if (reader.wants(tenant)) reader.item(identity, 0);
      }
    }
  }

  beat(): void {
    for (const reader of this.readers) reader.beat();
  }

  /** Break-glass documents. */
  tell(message: FeedMessage): void {
    for (const reader of this.readers) reader.tell(message);
  }

  /** Those that are not wanted any more, after other settings. */
  endAll(unwanted: (facts: SubscriberFacts) => boolean): void {
    for (const reader of [...this.readers]) if (unwanted(reader.facts)) this.end(reader);
  }

  item(identity: string, facts: SubscriberFacts, fresh: boolean): FeedMessage | undefined {
    const { book, desk, serials } = this.parts;
    const record = book.get(identity);
    if (record === undefined) {
      return { kind: "gone", id: octetsOf(identity), serial: serials.next() };
    }
    const verdict = desk.verdict(record, facts.audience, fresh);
    if (verdict === undefined) return undefined;
    const secret = facts.reader === "gate" && record.bgp.binding === "tcp-md5";
    const md5Key =
      secret && record.md5Key !== undefined ? Buffer.from(record.md5Key, "latin1") : undefined;
    return { kind: "item", verdict, md5Key, revocation: record.revocation };
  }

  catalog(tenant: string): readonly FeedMessage[] {
    const catalog = this.parts.catalogs.get(tenant);
    if (catalog === undefined) return [];
    return catalogParts(catalog).map((part) => ({ kind: "catalog", ...part }));
  }

  heartbeat(facts: SubscriberFacts, sequence: number, revocation: number): FeedMessage {
    const { keys, secEm, time, epoch, heartbeatSeconds } = this.parts;
    const { audience, nonce } = facts;
    const document = signHeartbeat(
      {
        ...{ secEm, audience, nonce, sequence, revocation, epoch: epoch() },
        time: Math.trunc(time()),
        intervalSeconds: heartbeatSeconds(),
      },
      keys.current("verdict"),
    );
    return { kind: "heartbeat", document };
  }

  keys(): FeedMessage {
    return { kind: "keys", certificates: this.parts.keys.certificates() };
  }

  private end(reader: Subscriber): void {
    this.remove(reader);
    reader.close();
  }
}

function octetsOf(hex: string): Uint8Array {
  return fromHex(hex) ?? new Uint8Array(0);
}
