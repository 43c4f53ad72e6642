/**
 * Which events are told outside the relay's thread: sessions that begin, end, or are somebody or somewhere else.
 * Counters are not: accounting brings them all the time, and whoever wants them asks.
 */
import { sessionKey } from "./beside.js";
import type { Session, SessionEvent } from "./session.js";

export class SessionNews {
  /** As told last, by tenant and name. */
  private readonly told = new Map<string, Session>();

  isNews({ kind, session }: SessionEvent): boolean {
    const key = `${session.tenant} ${sessionKey(session)}`;
    if (kind === "ended") {
      this.told.delete(key);
      return true;
    }
    const before = this.told.get(key);
    if (kind === "changed" && before !== undefined && looksAlike(before, session)) return false;
    this.told.set(key, session);
    return true;
  }
}

function looksAlike(a: Session, b: Session): boolean {
  return (
    a.accessPoint === b.accessPoint &&
    a.ssid === b.ssid &&
    a.userName === b.userName &&
    a.vlan === b.vlan &&
    a.address === b.address &&
    a.confirmed === b.confirmed &&
    a.startedAt === b.startedAt
  );
}
