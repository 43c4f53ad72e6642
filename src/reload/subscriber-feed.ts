/**
 * The relay's sessions as the contract's stream: a snapshot, the marker, changes. A relay that starts anew has
 * another snapshot. What it tells meanwhile comes in the order in which it happened: said twice does no harm.
 */
import type { SubscriberItem, SubscriberSink } from "../contract.js";
import { sessionKey } from "../radius/index.js";
import type {
  Session,
  SessionEvent,
  SessionPage,
  SessionQuery,
  SilentEnd,
  SilentPage,
} from "../radius/index.js";
import type { Log } from "../util/log.js";

/** What the snapshot is made of. */
export interface SessionSource {
  sessions(query: SessionQuery): Promise<SessionPage>;
  silentEnds(after: string | undefined): Promise<SilentPage>;
}

const PAGE = 1000;

export class SubscriberFeed {
  private readonly sink: SubscriberSink;
  private readonly log: Log;
  private revision = 0;
  /** The run of the relay whose snapshot counts. */
  private run = 0;

  constructor(sink: SubscriberSink, log: Log) {
    this.sink = sink;
    this.log = log;
  }

  /** An event of the relay that is up. */
  readonly take = (event: SessionEvent): void => {
    const { session } = event;
    const ended = event.kind === "ended";
    const state = ended ? "ended" : session.confirmed ? "confirmed" : "begun";
    const reason = ended ? event.reason : "";
    this.sink([{ kind: "item", item: this.itemOf(session, state, reason) }]);
  };

  /** A relay is up: all that it has, then that this was all. Never rejects: without that end nothing is known. */
  async begin(source: SessionSource): Promise<void> {
    const run = ++this.run;
    this.sink([{ kind: "reset" }]);
    try {
      let cursor: string | undefined;
      do {
        const { rows, next } = await source.sessions({ limit: PAGE, cursor });
        if (run !== this.run) return;
        this.sink(
          rows.map((session) => {
            const state = session.confirmed ? "confirmed" : "begun";
            return { kind: "item", item: this.itemOf(session, state, "") };
          }),
        );
        cursor = next;
      } while (cursor !== undefined);
      // What they are excused for does not end with a restart of ours.
      do {
        const { rows, next } = await source.silentEnds(cursor);
        if (run !== this.run) return;
        this.sink(rows.map((end) => ({ kind: "item", item: this.silentItem(end) })));
        cursor = next;
      } while (cursor !== undefined);
      this.sink([{ kind: "sync" }]);
    } catch (error) {
      this.log.warn({ err: error }, "the relay's sessions could not be read: none are known");
    }
  }

  /** The relay is gone: what is known of sessions is what was known last. */
  readonly end = (): void => {
    this.run++;
    this.sink([{ kind: "reset" }]);
  };

  private itemOf(session: Session, state: SubscriberItem["state"], reason: string): SubscriberItem {
    const { tenant, mac, accessPoint, ssid, userName, vlan, address, startedAt } = session;
    return {
      key: `${tenant} ${sessionKey(session)}`,
      revision: ++this.revision,
      state,
      reason,
      since: startedAt,
      tenant,
      mac,
      accessPoint,
      ssid,
      userName,
      vlan,
      ip: address,
    };
  }

  private silentItem({ tenant, mac, endedAt }: SilentEnd): SubscriberItem {
    return {
      ...{ key: `${tenant} ${mac}`, revision: ++this.revision, state: "ended", reason: "idle" },
      ...{ since: endedAt, tenant, mac, accessPoint: "", userName: "" },
      ...{ ssid: undefined, vlan: undefined, ip: undefined },
    };
  }
}
