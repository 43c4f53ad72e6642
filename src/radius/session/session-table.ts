/**
 * Who is where: a session for each tenant and subscriber MAC, begun by Access-Accept, confirmed and
 * counted by accounting, ended by Stop, On or Off, silence, roaming, another user or an operator.
 * Accounting alone begins nothing: only a home server's accept does.
 *
 * Another user with the same MAC at another access point does not end a session: whoever has an account could
 * else drive its owner away. Both go on beside each other, each until its own end.
 *
 * What may concern all sessions goes through them a part at a time; those begun meanwhile are not concerned.
 */
import { SlicedWork } from "../../util/sliced-work.js";
import { accessPointOf, normalMac } from "../identity.js";
import { AcctStatus, Attr } from "../packet/iana.js";
import { findNumber, findText } from "../packet/packet.js";
import { BESIDE_MAX, BesideBook, inOrder } from "./beside.js";
import { meetingOf } from "./meeting.js";
import { AccessPointEnds } from "./on-off.js";
import { saysTheSame } from "./same-grant.js";
import type { EndReason, Lease, Session, SessionEvent } from "./session.js";
import { begunSession, counted, granted, grantsAlike, recounted } from "./session-fields.js";
import { SessionIndex } from "./session-index.js";
import type { SessionSource } from "./session-fields.js";
import { macOf } from "./station.js";

export type { SessionSource } from "./session-fields.js";

export interface SessionRules {
  readonly profile: "seed" | "modern";
  readonly sessionIdleMs: number;
}

export interface SessionTableParts {
  readonly tenant: string;
  /** As they are now: a reload may change them. */
  rules(): SessionRules;
  /** Wall clock, milliseconds. */
  wall(): number;
  onEvent(event: SessionEvent): void;
  /** Another number than `SESSIONS_MAX`. */
  readonly most?: number;
  /** There is no room for a session that would begin. */
  onFull?(): void;
  /** After the event `begun`. @param accept as the home server said it */
  onBegun?(session: Session, accept: Uint8Array): void;
  /** Another user's session of the same MAC goes on elsewhere. */
  onTwice?(session: Session, other: Session): void;
  /** Runs it in a later turn of the event loop; default `setImmediate`. */
  later?(run: () => void): void;
}

/** Sessions of a tenant. Beyond it subscribers are let in as their home server says, without a session. */
export const SESSIONS_MAX = 262_144;

/** Sessions looked at in one go, and how many looks an end is worth: about a millisecond in all. */
const SLICE = 2048;
const END_LOOKS = 15;

export class SessionTable {
  private readonly parts: SessionTableParts;
  /** By MAC: its newest. */
  private readonly sessions = new Map<string, Session>();
  /** Others of the same MACs. */
  private readonly beside = new BesideBook();
  private readonly byUser = new SessionIndex();
  private readonly byAcctSessionId = new SessionIndex();
  private nextId = 1;
  /** On and Off messages whose walk has not begun. */
  private ends: AccessPointEnds | undefined;
  private isEnding = false;
  private readonly sweeps = new SlicedWork();
  private isSweeping = false;
  private isExpiring = false;
  private isClosed = false;

  constructor(parts: SessionTableParts) {
    this.parts = parts;
  }

  /** What an earlier run left; who has begun a session meanwhile keeps that. */
  restore(sessions: readonly Session[]): void {
    for (const session of sessions) {
      const { mac, accessPoint, client } = session;
      if (session.beside === true) {
        const isHere = this.of(mac).some(
          (one) => one.accessPoint === accessPoint && one.client === client,
        );
        if (isHere) continue;
        this.beside.add({ ...session, id: this.nextId++ });
      } else if (this.sessions.has(mac)) continue;
      else this.sessions.set(mac, { ...session, id: this.nextId++ });
      this.name(session);
    }
  }

  /** In order of their ids. */
  list(): IterableIterator<Session> {
    if (this.beside.size === 0) return this.sessions.values();
    return inOrder(this.sessions.values(), this.beside.all());
  }

  /** The newest of a MAC. */
  find(mac: string): Session | undefined {
    const key = normalMac(mac) ?? mac;
    return this.sessions.get(key) ?? this.beside.of(key).at(-1);
  }

  /** All of a MAC: mostly one, the newest last. */
  of(mac: string): readonly Session[] {
    const key = normalMac(mac) ?? mac;
    const newest = this.sessions.get(key);
    const others = this.beside.of(key);
    return newest === undefined ? others : [...others, newest];
  }

  /** In no order. */
  *ofUser(userName: string): Generator<Session, undefined> {
    for (const mac of this.byUser.of(userName)) {
      yield* this.of(mac).filter((session) => session.userName === userName);
    }
  }

  /** In no order: access points choose these, and may choose the same. */
  *withAcctSessionId(id: string): Generator<Session, undefined> {
    for (const mac of this.byAcctSessionId.of(id)) {
      yield* this.of(mac).filter((session) => session.acctSessionId === id);
    }
  }

  /** A session as it is now; undefined when it is over. */
  now({ mac, id }: Session): Session | undefined {
    const newest = this.sessions.get(mac);
    return newest?.id === id ? newest : this.beside.of(mac).find((one) => one.id === id);
  }

  get size(): number {
    return this.sessions.size + this.beside.size;
  }

  /** MACs with more than one. */
  get twice(): number {
    let twice = 0;
    for (const mac of this.beside.macs) if (this.of(mac).length > 1) twice++;
    return twice;
  }

  /** An Access-Accept has gone out. */
  accepted(request: Uint8Array, accept: Uint8Array, source: SessionSource): void {
    const mac = macOf(request);
    for (const before of this.beside.size === 0 ? newestOf(this.sessions, mac) : this.of(mac)) {
      const meeting = meetingOf(before, request, accept, source);
      if (meeting === "the same") {
        this.reauthenticated(before, request, accept, source);
        return;
      }
      if (meeting !== "another") this.end(before, meeting);
    }
    if (this.size >= (this.parts.most ?? SESSIONS_MAX)) {
      this.parts.onFull?.();
      return;
    }
    const other = this.stepAside(mac);
    const place = { id: this.nextId++, tenant: this.parts.tenant, now: this.parts.wall() };
    const next = begunSession(request, accept, source, place);
    this.sessions.set(next.mac, next);
    this.name(next);
    this.parts.onEvent({ kind: "begun", session: next });
    this.parts.onBegun?.(next, Buffer.from(accept));
    if (other !== undefined) this.parts.onTwice?.(next, other);
  }

  /** An accounting request that its home server or the spool has. */
  accounted(request: Uint8Array, client: string): void {
    const status = findNumber(request, Attr.AcctStatusType);
    if (status === AcctStatus.On || status === AcctStatus.Off) {
      this.endAccessPoint(request, client);
      return;
    }
    const id = findText(request, Attr.AcctSessionId);
    const session = this.accountedFor(request, client, id);
    if (session === undefined) return;
    const known = session.acctSessionId;
    if (status === AcctStatus.Stop) {
      const next = counted(session, request, this.parts.wall());
      if (known === undefined || known === id) this.end(next, "stop");
      return;
    }
    if (status !== AcctStatus.Start && known !== undefined && known !== id) return;
    const now = this.parts.wall();
    if (recounted(session, request, id, now)) this.parts.onEvent({ kind: "changed", session });
    else this.change(counted(session, request, now));
  }

  /**
   * A lease came, was renewed, or ran out (undefined), and with it the session's address.
   * @returns false when that session is over
   */
  leased(mac: string, startedAt: number, lease: Lease | undefined): boolean {
    const session = this.of(mac).find((one) => one.startedAt === startedAt);
    if (session === undefined) return false;
    const own = session.lease !== undefined && session.address === session.lease.address;
    const address = lease?.address ?? (own ? undefined : session.address);
    this.change({ ...session, lease, address });
    return true;
  }

  /** A CoA that the access point has confirmed: what it says takes the place of what the accept said. */
  reauthorised(before: Session, change: Uint8Array): void {
    const session = this.now(before);
    if (session === undefined || this.parts.rules().profile === "seed") return;
    const { vlan, classes, bundles } = granted(change, change);
    this.change({
      ...session,
      vlan: vlan ?? session.vlan,
      classes: classes.length > 0 ? classes : session.classes,
      bundles: bundles.length > 0 ? bundles : session.bundles,
    });
  }

  end(session: Session, reason: EndReason): void {
    const { mac, id } = session;
    const isNewest = this.sessions.get(mac)?.id === id;
    if (isNewest ? !this.sessions.delete(mac) : !this.beside.remove(session)) return;
    this.unname(session);
    this.parts.onEvent({ kind: "ended", session, reason });
  }

  /** Ends sessions nobody has said a word about for too long. */
  expire(): void {
    if (this.isExpiring) return;
    this.isExpiring = true;
    const now = this.parts.wall();
    const { sessionIdleMs } = this.parts.rules();
    this.sweep(
      ({ lastSeenAt }) => now - lastSeenAt > sessionIdleMs,
      "idle",
      () => (this.isExpiring = false),
    );
  }

  /** Nothing ends any more. */
  close(): void {
    this.isClosed = true;
  }

  private sweep(
    concerns: (session: Session) => boolean,
    reason: EndReason,
    done?: () => void,
  ): void {
    const walk = this.all();
    const behind = this.nextId;
    const step = (): boolean => {
      for (let left = SLICE; left > 0; left--) {
        const next = walk.next();
        if (next.done === true) {
          done?.();
          return true;
        }
        const session = next.value;
        if (session.id >= behind || !concerns(session)) continue;
        this.end(session, reason);
        left -= END_LOOKS;
      }
      return false;
    };
    this.sweeps.add({ step });
    if (!this.isSweeping) this.goOn();
  }

  /** In no order, and as they are while it goes on. */
  private *all(): Generator<Session, undefined> {
    yield* this.sessions.values();
    yield* this.beside.all();
  }

  private goOn(): void {
    // A walk that ends may begin another.
    this.isSweeping = true;
    this.isSweeping = !this.isClosed && this.sweeps.run();
    if (!this.isSweeping) return;
    const run = (): void => this.goOn();
    if (this.parts.later === undefined) setImmediate(run);
    else this.parts.later(run);
  }

  /** The sessions of an access point. What comes during a walk waits for the next, which is for all of it. */
  private endAccessPoint(request: Uint8Array, client: string): void {
    this.ends ??= new AccessPointEnds();
    this.ends.add(request, client, this.nextId, this.parts.rules().profile === "modern");
    if (!this.isEnding) this.beginEnding();
  }

  private beginEnding(): void {
    const { ends } = this;
    this.ends = undefined;
    this.isEnding = ends !== undefined;
    if (ends === undefined) return;
    this.sweep(
      (session) => ends.concerns(session),
      "on-off",
      () => this.beginEnding(),
    );
  }

  /** Word from an access point that the subscriber has left says nothing about where he is now. */
  private accountedFor(
    request: Uint8Array,
    client: string,
    acctSessionId: string | undefined,
  ): Session | undefined {
    const mac = macOf(request);
    const station = findText(request, Attr.CalledStationId);
    const place = station === undefined ? undefined : accessPointOf(station).id;
    const isThere = (session: Session | undefined): boolean =>
      session?.client === client && (place === undefined || session.accessPoint === place);
    const newest = this.sessions.get(mac);
    if (this.beside.of(mac).length === 0) return isThere(newest) ? newest : undefined;
    const there = this.of(mac).filter(isThere);
    return there.find((one) => one.acctSessionId === acctSessionId) ?? there.at(-1);
  }

  /** Makes place for a newer session of the MAC; the oldest ones stay. @returns what goes on beside it */
  private stepAside(mac: string): Session | undefined {
    const others = this.beside.of(mac);
    const newest = this.sessions.get(mac);
    if (newest === undefined) return others.at(-1);
    if (others.length >= BESIDE_MAX) {
      this.end(newest, "user-changed");
      return others.at(-1);
    }
    const session: Session = { ...newest, beside: true };
    this.sessions.delete(mac);
    this.beside.add(session);
    this.parts.onEvent({ kind: "changed", session });
    return session;
  }

  /** Most accepts of a busy network say nothing new: the session is the same object, a moment later. */
  private seenAgain(session: Session, at: number): void {
    (session as { lastSeenAt: number }).lastSeenAt = at;
    this.parts.onEvent({ kind: "changed", session });
  }

  private reauthenticated(
    before: Session,
    request: Uint8Array,
    accept: Uint8Array,
    { pool }: SessionSource,
  ): void {
    const lastSeenAt = this.parts.wall();
    if (this.parts.rules().profile === "seed") {
      this.change({ ...before, lastSeenAt });
      return;
    }
    if (before.pool === pool && saysTheSame(before, request, accept)) {
      this.seenAgain(before, lastSeenAt);
      return;
    }
    const now = granted(request, accept);
    const address = now.address ?? before.address;
    if (before.pool === pool && before.address === address && grantsAlike(before, now))
      this.seenAgain(before, lastSeenAt);
    else this.change({ ...before, ...now, address, pool, lastSeenAt });
  }

  private name({ mac, userName, acctSessionId }: Session): void {
    this.byUser.add(userName, mac);
    this.byAcctSessionId.add(acctSessionId, mac);
  }

  /** Another session of the MAC may have the same names. */
  private unname({ mac, id, userName, acctSessionId }: Session): void {
    this.byUser.remove(userName, mac);
    this.byAcctSessionId.remove(acctSessionId, mac);
    if (this.beside.size === 0) return;
    for (const other of this.of(mac)) if (other.id !== id) this.name(other);
  }

  private change(session: Session): void {
    const { userName, acctSessionId } = session;
    const before = this.now(session);
    if (before?.userName !== userName || before.acctSessionId !== acctSessionId) {
      if (before !== undefined) this.unname(before);
      this.name(session);
    }
    if (!this.beside.replace(session)) this.sessions.set(session.mac, session);
    this.parts.onEvent({ kind: "changed", session });
  }
}

function newestOf(sessions: ReadonlyMap<string, Session>, mac: string): readonly Session[] {
  const newest = sessions.get(mac);
  return newest === undefined ? NONE : [newest];
}

const NONE: readonly Session[] = [];
