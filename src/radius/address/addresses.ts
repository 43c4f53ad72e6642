/**
 * Addresses of a tenant's subscribers: one is asked for when a session begins without, prolonged while it
 * lasts, and given back when it ends, whatever ended it. A session that ends while its address is on the
 * way gives it back as it comes.
 */
import type { Clock } from "../../util/clock.js";
import type { Log } from "../../util/log.js";
import { LogRate } from "../../util/log-rate.js";
import type { EndReason, Lease, Session } from "../session/session.js";
import type { AddressSource, Subscriber } from "./source.js";

export interface AddressesParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Tells the session what it has. @returns false when it is over */
  readonly leased: (mac: string, startedAt: number, lease: Lease | undefined) => boolean;
  /** Sessions of a MAC: mostly one. */
  readonly of: (mac: string) => readonly Session[];
}

/** Questions under way; more wait their turn. */
const UNDER_WAY = 256;
/** After a renewal that failed. */
const RETRY_MS = 30_000;

export class Addresses {
  private readonly parts: AddressesParts;
  private source: AddressSource | undefined;
  /** By MAC: who begins again while he waits keeps one place. */
  private readonly queue = new Map<string, Subscriber>();
  private readonly rate: LogRate;
  private asking = 0;
  /** By MAC: wall clock of the next look. */
  private readonly renewals = new Map<string, number>();
  private nextRenewal = Infinity;
  private stopped = false;

  constructor(parts: AddressesParts) {
    this.parts = parts;
    this.rate = new LogRate(parts.clock);
  }

  /** Another source, or none: leases that there are stay with their sessions. */
  setSource(source: AddressSource | undefined, sessions: Iterable<Session>): void {
    if (this.source !== source) this.source?.close();
    this.source = source;
    for (const session of sessions) if (session.lease !== undefined) this.adopt(session);
  }

  /** A session that an earlier run left, with its lease. */
  adopt({ mac, lease }: Session): void {
    if (lease === undefined) return;
    this.source?.adopt(lease);
    this.schedule(mac, lease);
  }

  /** A session has begun. */
  begin(subscriber: Subscriber): void {
    const { address } = subscriber.session;
    if (this.source === undefined || address !== undefined || this.stopped) return;
    // Sources know subscribers by their MAC: of two with the same one the first has the address.
    if (this.parts.of(subscriber.session.mac).length > 1) return;
    this.queue.set(subscriber.session.mac, subscriber);
    this.next();
  }

  /** A session is over. */
  end(session: Session, reason: EndReason): void {
    const { mac, lease, startedAt } = session;
    if (this.queue.get(mac)?.session.startedAt === startedAt) this.queue.delete(mac);
    if (lease === undefined) return;
    this.renewals.delete(mac);
    this.source?.release(session, lease, reason);
  }

  /** Called a few times a second. */
  tick(): void {
    const now = this.parts.clock.wall();
    if (now < this.nextRenewal || this.stopped) return;
    this.nextRenewal = Infinity;
    for (const [mac, at] of this.renewals) {
      if (at > now) this.nextRenewal = Math.min(this.nextRenewal, at);
      else void this.renew(mac, now);
    }
  }

  /** What is on loan stays so: the sessions survive. */
  stop(): void {
    this.stopped = true;
    this.queue.clear();
    this.source?.close();
  }

  /** Subscribers whose turn has not come. */
  get waiting(): number {
    return this.queue.size;
  }

  private next(): void {
    while (this.asking < UNDER_WAY) {
      const [subscriber] = this.queue.values();
      if (subscriber === undefined) return;
      this.queue.delete(subscriber.session.mac);
      this.asking++;
      void this.acquire(subscriber).finally(() => {
        this.asking--;
        this.next();
      });
    }
  }

  private async acquire(subscriber: Subscriber): Promise<void> {
    const { source } = this;
    const { session } = subscriber;
    const { log, leased, of } = this.parts;
    // Over before its turn came.
    if (source === undefined || !of(session.mac).some(({ id }) => id === session.id)) return;
    try {
      const lease = await source.acquire(subscriber);
      if (this.stopped) return;
      if (leased(session.mac, session.startedAt, lease)) this.schedule(session.mac, lease);
      else source.release(session, lease, "stop");
    } catch (error) {
      if (this.stopped) return;
      // A reload has put another in its place: that one is asked.
      if (this.source !== source) {
        this.begin(subscriber);
        return;
      }
      const { tenant, mac } = session;
      const suppressed = this.rate.pass(String(error));
      if (suppressed === undefined) return;
      const fields = { tenant, mac, err: error, ...LogRate.fields(suppressed) };
      log.warn(fields, "a subscriber gets no address");
    }
  }

  private async renew(mac: string, now: number): Promise<void> {
    const { log, leased, of } = this.parts;
    const { source } = this;
    const session = of(mac).find((one) => one.lease !== undefined);
    const lease = session?.lease;
    this.renewals.delete(mac);
    if (source === undefined || session === undefined || lease === undefined) return;
    const { tenant, startedAt } = session;
    if (lease.until !== undefined && lease.until <= now) {
      log.warn({ tenant, mac }, "a subscriber's lease ran out; it has no address any more");
      leased(mac, startedAt, undefined);
      return;
    }
    try {
      const next = await source.renew(session, lease);
      if (this.stopped || !leased(mac, startedAt, next)) return;
      this.schedule(mac, next);
    } catch (error) {
      log.warn({ tenant, mac, err: error }, "a subscriber's lease was not renewed; tried again");
      const again = this.parts.clock.wall() + RETRY_MS;
      this.at(mac, Math.min(again, lease.until ?? again));
    }
  }

  private schedule(mac: string, { renewAt }: Lease): void {
    if (renewAt !== undefined) this.at(mac, renewAt);
  }

  private at(mac: string, wall: number): void {
    this.renewals.set(mac, wall);
    this.nextRenewal = Math.min(this.nextRenewal, wall);
  }
}
