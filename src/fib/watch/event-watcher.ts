/** One watcher of events, told one by one. It holds nothing but its position in the ring. */
import { FIB_EVENT_NAMES } from "../event-record.js";
import { formatCursor } from "./cursor.js";
import type { WatchFilter } from "./filter.js";
import { mark, type EventState, type WatchItem } from "./items.js";
import type { MacWatchHost } from "./mac-watcher.js";
import type { NamedEvent, Watcher } from "./watcher.js";

/** Events looked at for one batch, whatever the filter lets through. */
const LOOK = 1000;

export class EventWatcher implements Watcher {
  readonly pending = 0;
  private readonly host: MacWatchHost;
  private readonly filter: WatchFilter;
  private readonly query: string;
  private position: number;
  private begun = false;
  private lagged: { readonly message: string; readonly lost: number } | undefined;

  constructor(host: MacWatchHost, filter: WatchFilter, query: string, from?: number) {
    this.host = host;
    this.filter = filter;
    this.query = query;
    this.position = from ?? host.source.events.next;
  }

  get hasWork(): boolean {
    return !this.begun || this.lagged !== undefined || this.position < this.host.source.events.next;
  }

  cursor(): string | undefined {
    const { position, query } = this;
    return formatCursor({ instance: this.host.source.instance, query, position });
  }

  /** What is between is lost; it goes on with what comes now. */
  lag(message: string, lost: number): void {
    this.host.countLag();
    this.position = this.host.source.events.next;
    this.lagged = { message, lost };
  }

  take(most: number): Promise<WatchItem[]> {
    const items: WatchItem[] = [];
    if (!this.begun) {
      this.begun = true;
      items.push(mark("sync", this.position));
    }
    if (this.lagged !== undefined) {
      const { message, lost } = this.lagged;
      items.push(mark("lagged", this.position, { message: `${message}; events go on`, lost }));
      this.lagged = undefined;
    }
    const wanted = Math.min(LOOK, Math.max(1, most - items.length));
    const { events, lost, next } = this.host.source.events.read(this.position, wanted);
    if (lost > 0) {
      this.host.countLag();
      const message = "these events are no longer kept; events go on with the oldest there is";
      items.push(mark("lagged", this.position, { message, lost }));
    }
    for (const one of this.host.named(events)) {
      const { event, domain } = one;
      if (!this.filter.hasEvent(event, domain)) continue;
      const { position } = event;
      items.push({
        type: "event",
        key: String(position),
        revision: position,
        state: "present",
        event: eventState(one),
      });
    }
    this.position = next;
    return Promise.resolve(items);
  }
}

function eventState({ event, domain }: NamedEvent): EventState {
  const { kind, time, sequence, count, label } = event;
  const some = (text: string): string | undefined => (text === "" ? undefined : text);
  return {
    kind: FIB_EVENT_NAMES[kind] ?? "",
    time,
    domain,
    mac: some(event.mac),
    to: some(event.to),
    from: some(event.from),
    sequence,
    esi: some(event.esi),
    count,
    ip: some(event.ip),
    peer: some(event.peer),
    label,
  };
}
