/**
 * Who is where: one session per tenant and subscriber MAC, begun by Access-Accept, confirmed and
 * counted by accounting, ended by Stop, On or Off, silence, roaming, another user or an operator.
 * Accounting alone begins nothing: only a home server's accept does.
 *
 * What may concern all sessions goes through them a part at a time; those begun meanwhile are not concerned.
 */
import { SlicedWork } from "../../util/sliced-work.js";
import { accessPointOf, normalMac } from "../identity.js";
import { AcctStatus, Attr } from "../packet/iana.js";
import { findAttribute, findNumber, findText } from "../packet/packet.js";
import type { EndReason, Lease, Session, SessionEvent } from "./session.js";
import { begunSession, counted, granted, grantsAlike, ipv4 } from "./session-fields.js";
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
  /** Runs it in a later turn of the event loop; default `setImmediate`. */
  later?(run: () => void): void;
}

/** Sessions of a tenant. Beyond it subscribers are let in as their home server says, without a session. */
export const SESSIONS_MAX = 262_144;

/** Sessions looked at in one go: about a millisecond. */
const SLICE = 4096;

export class SessionTable {
  private readonly parts: SessionTableParts;
  private readonly sessions = new Map<string, Session>();
  private nextId = 1;
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
      if (this.sessions.has(session.mac)) continue;
      this.sessions.set(session.mac, { ...session, id: this.nextId++ });
    }
  }

  /** In order of their ids. */
  list(): IterableIterator<Session> {
    return this.sessions.values();
  }

  find(mac: string): Session | undefined {
    return this.sessions.get(normalMac(mac) ?? mac);
  }

  get size(): number {
    return this.sessions.size;
  }

  /** An Access-Accept has gone out. */
  accepted(request: Uint8Array, accept: Uint8Array, source: SessionSource): void {
    const before = this.sessions.get(macOf(request));
    if (before !== undefined) {
      const over = endedBy(before, request, accept, source);
      if (over === undefined) {
        this.reauthenticated(before, request, accept, source);
        return;
      }
      this.end(before, over);
    }
    if (this.sessions.size >= (this.parts.most ?? SESSIONS_MAX)) {
      this.parts.onFull?.();
      return;
    }
    const place = { id: this.nextId++, tenant: this.parts.tenant, now: this.parts.wall() };
    const next = begunSession(request, accept, source, place);
    this.sessions.set(next.mac, next);
    this.parts.onEvent({ kind: "begun", session: next });
    this.parts.onBegun?.(next, Buffer.from(accept));
  }

  /** An accounting request that its home server or the spool has. */
  accounted(request: Uint8Array, client: string): void {
    const status = findNumber(request, Attr.AcctStatusType);
    if (status === AcctStatus.On || status === AcctStatus.Off) {
      this.endAccessPoint(request, client);
      return;
    }
    const session = this.sessions.get(macOf(request));
    if (session === undefined || session.client !== client) return;
    const station = findText(request, Attr.CalledStationId);
    // Word from the access point the subscriber has left says nothing about where he is now.
    if (station !== undefined && accessPointOf(station).id !== session.accessPoint) return;
    const id = findText(request, Attr.AcctSessionId);
    const known = session.acctSessionId;
    const next = counted(session, request, this.parts.wall());
    if (status === AcctStatus.Stop) {
      if (known === undefined || known === id) this.end(next, "stop");
      return;
    }
    if (status !== AcctStatus.Start && known !== undefined && known !== id) return;
    this.change(next);
  }

  /**
   * A lease came, was renewed, or ran out (undefined), and with it the session's address.
   * @returns false when that session is over
   */
  leased(mac: string, startedAt: number, lease: Lease | undefined): boolean {
    const session = this.sessions.get(mac);
    if (session === undefined || session.startedAt !== startedAt) return false;
    const own = session.lease !== undefined && session.address === session.lease.address;
    const address = lease?.address ?? (own ? undefined : session.address);
    this.change({ ...session, lease, address });
    return true;
  }

  /** A CoA that the access point has confirmed: what it says takes the place of what the accept said. */
  reauthorised({ mac, startedAt }: Session, change: Uint8Array): void {
    const session = this.sessions.get(mac);
    if (session?.startedAt !== startedAt || this.parts.rules().profile === "seed") return;
    const { vlan, classes, bundles } = granted(change, change);
    this.change({
      ...session,
      vlan: vlan ?? session.vlan,
      classes: classes.length > 0 ? classes : session.classes,
      bundles: bundles.length > 0 ? bundles : session.bundles,
    });
  }

  end(session: Session, reason: EndReason): void {
    if (!this.sessions.delete(session.mac)) return;
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
    const walk = this.sessions.values();
    const behind = this.nextId;
    const step = (): boolean => {
      for (let left = SLICE; left > 0; left--) {
        const next = walk.next();
        if (next.done === true) {
          done?.();
          return true;
        }
        const session = next.value;
        if (session.id < behind && concerns(session)) this.end(session, reason);
      }
      return false;
    };
    this.sweeps.add({ step });
    if (!this.isSweeping) this.goOn();
  }

  private goOn(): void {
    this.isSweeping = !this.isClosed && this.sweeps.run();
    if (!this.isSweeping) return;
    const run = (): void => this.goOn();
    if (this.parts.later === undefined) setImmediate(run);
    else this.parts.later(run);
  }

  /** The sessions of an access point, as its client names it: nobody ends another client's. */
  private endAccessPoint(request: Uint8Array, client: string): void {
    const station = findText(request, Attr.CalledStationId);
    const { id, ssid, isRadio } = accessPointOf(station ?? "");
    const nas = findText(request, Attr.NasIdentifier);
    const address = ipv4(findAttribute(request, Attr.NasIpAddress));
    // A device that names its radios in other messages, and here itself.
    const byDevice = this.parts.rules().profile === "modern" && !isRadio;
    const concerns = (session: Session): boolean => {
      if (session.client !== client) return false;
      const here =
        station !== undefined &&
        session.accessPoint === id &&
        (ssid === undefined || ssid === session.ssid);
      const device =
        nas === undefined
          ? address !== undefined && session.nasAddress === address
          : session.nasIdentifier === nas;
      return here || (byDevice && device);
    };
    this.sweep(concerns, "on-off");
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
    const now = granted(request, accept);
    const address = now.address ?? before.address;
    if (before.pool === pool && before.address === address && grantsAlike(before, now)) {
      // Most accepts of a busy network say nothing new: the session is the same object, a moment later.
      (before as { lastSeenAt: number }).lastSeenAt = lastSeenAt;
      this.parts.onEvent({ kind: "changed", session: before });
    } else this.change({ ...before, ...now, address, pool, lastSeenAt });
  }

  private change(session: Session): void {
    this.sessions.set(session.mac, session);
    this.parts.onEvent({ kind: "changed", session });
  }
}

/** Why an accept does not go on with the session of that MAC; undefined when it does. */
function endedBy(
  { userName, accessPoint, client }: Session,
  request: Uint8Array,
  accept: Uint8Array,
  source: SessionSource,
): EndReason | undefined {
  const asked = findText(request, Attr.UserName);
  const sameUser =
    asked === userName || (findText(accept, Attr.UserName) ?? asked ?? "") === userName;
  if (!sameUser) return "user-changed";
  const here = accessPointOf(findText(request, Attr.CalledStationId) ?? "").id;
  return here === accessPoint && source.client === client ? undefined : "roam";
}
