/**
 * Sessions whose MAC has a newer one elsewhere, of another user: of such a pair nobody can say which is the
 * true one, so both count, and somebody is told. A few for each MAC; mostly there is none at all.
 */
import type { Session } from "./session.js";

/** For each MAC, beside the newest. */
export const BESIDE_MAX = 8;

export class BesideBook {
  private readonly byMac = new Map<string, readonly Session[]>();
  private count = 0;

  get size(): number {
    return this.count;
  }

  /** MACs with any. */
  get macs(): IterableIterator<string> {
    return this.byMac.keys();
  }

  /** In order of their ids. */
  of(mac: string): readonly Session[] {
    return this.count === 0 ? NONE : (this.byMac.get(mac) ?? NONE);
  }

  add(session: Session): void {
    this.byMac.set(session.mac, [...this.of(session.mac), session]);
    this.count++;
  }

  /** Another state of one that is here. @returns false when it is not */
  replace(session: Session): boolean {
    const all = this.of(session.mac);
    if (!all.some(({ id }) => id === session.id)) return false;
    this.byMac.set(
      session.mac,
      all.map((one) => (one.id === session.id ? session : one)),
    );
    return true;
  }

  /** @returns false when it is not here */
  remove({ mac, id }: Session): boolean {
    const all = this.of(mac);
    const others = all.filter((one) => one.id !== id);
    if (others.length === all.length) return false;
    if (others.length === 0) this.byMac.delete(mac);
    else this.byMac.set(mac, others);
    this.count--;
    return true;
  }

  /** As they are while it goes on. */
  *all(): Generator<Session> {
    for (const some of this.byMac.values()) yield* some;
  }
}

const NONE: readonly Session[] = [];

/** How a session is named to others: by its MAC, and where another has that name, by its place as well. */
export function sessionKey({ mac, beside, accessPoint, client }: Session): string {
  return beside === true ? `${mac} ${accessPoint} ${client}` : mac;
}

/** Two lists, each in order of ids, as one. */
export function* inOrder(
  many: Iterable<Session>,
  few: Iterable<Session>,
): Generator<Session, undefined> {
  const others = [...few].sort((a, b) => a.id - b.id);
  let next = 0;
  for (const session of many) {
    for (; (others[next]?.id ?? Infinity) < session.id; next++) yield others[next]!;
    yield session;
  }
  yield* others.slice(next);
}
