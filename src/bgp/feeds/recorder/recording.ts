/** What is kept of one peer: its last messages in a ring, and of each session how it began and ended. */
import type { TappedSession } from "../../session/types.js";
import type { MrtSession } from "../mrt/record.js";
import { Ring, type Grant } from "./ring.js";

/** Sessions of a peer whose beginnings are kept; older ones lose their messages with them. */
const SESSIONS = 16;

/** A message or a change of state, in the order in which it happened. */
export interface RecordedEvent {
  readonly time: number;
  readonly session: RecordedSession;
  readonly kind: "received" | "sent" | "state";
  /** One or more whole messages; of a state change the numbers of both states. */
  readonly bytes: Uint8Array;
}

export interface RecordedOpen {
  readonly time: number;
  readonly bytes: Uint8Array;
}

export interface RecordedSession {
  /** Small, unique within the recording. */
  readonly number: number;
  readonly source: TappedSession;
  readonly began: number;
  openSent: RecordedOpen | undefined;
  openReceived: RecordedOpen | undefined;
  ended: number | undefined;
}

const KINDS = ["received", "sent", "state"] as const;
export const Kind = { Received: 0, Sent: 1, State: 2 } as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

export class Recording {
  readonly peer: string;
  readonly ring: Ring;
  readonly sessions: RecordedSession[] = [];
  /** Sessions that have begun and not ended. */
  live = 0;
  /** When the last of them ended. */
  quietSince: number;
  private numbers = 0;
  private openOctets = 0;
  private readonly grant: Grant;

  constructor(peer: string, octets: number, grant: Grant, now: number) {
    this.peer = peer;
    this.grant = grant;
    this.ring = new Ring(2 ** Math.floor(Math.log2(octets)), grant);
    this.quietSince = now;
  }

  begin(source: TappedSession, time: number): RecordedSession {
    const session: RecordedSession = {
      number: ++this.numbers,
      source,
      began: time,
      openSent: undefined,
      openReceived: undefined,
      ended: undefined,
    };
    this.sessions.push(session);
    if (this.sessions.length > SESSIONS) this.forgetOldest();
    this.live++;
    return session;
  }

  /** Octets of memory that were granted to it. */
  get heldOctets(): number {
    return this.ring.capacity + this.openOctets;
  }

  /** An OPEN beside the ring; undefined when there is no room for it. */
  keepOpen(bytes: Uint8Array, time: number): RecordedOpen | undefined {
    if (!this.grant(bytes.length)) return undefined;
    this.openOctets += bytes.length;
    return { time, bytes };
  }

  /** The oldest that has ended, or the oldest. */
  private forgetOldest(): void {
    const index = this.sessions.findIndex((one) => one.ended !== undefined);
    const [gone] = this.sessions.splice(Math.max(0, index), 1);
    const opens = [gone?.openSent, gone?.openReceived];
    const octets = opens.reduce((sum, one) => sum + (one?.bytes.length ?? 0), 0);
    if (octets === 0) return;
    this.openOctets -= octets;
    this.grant(-octets);
  }

  end(session: RecordedSession, time: number): void {
    session.ended = time;
    this.live--;
    this.quietSince = time;
  }

  push(
    session: RecordedSession,
    kind: Kind,
    time: number,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    this.ring.push(time, session.number * 4 + kind, bytes, start, end);
  }

  /** What is in the ring and not older than `from`, by session, OPENs in front of it. */
  *events(from: number): Generator<RecordedEvent> {
    const byNumber = new Map(this.sessions.map((session) => [session.number, session]));
    for (const { time, tag, bytes } of this.ring.read()) {
      const session = byNumber.get(tag >>> 2);
      if (session === undefined || time < from) continue;
      yield { time, session, kind: KINDS[tag & 3] ?? "state", bytes };
    }
  }
}

/** As it was when the session agreed; ASes are 0 before that. */
export function aboutSession({ source }: RecordedSession): MrtSession {
  return {
    peerAs: source.agreed?.peerAs ?? 0,
    localAs: source.localAs,
    peerAddress: source.peerAddress,
    localAddress: source.connection.localAddress,
    as4: source.agreed?.as4 ?? true,
  };
}
