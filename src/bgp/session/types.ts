/**
 * The seams of a session: the connection below it and the reflector above it. `transport/` fits the
 * first, `speaker.ts` supplies the second; neither is imported here.
 */
import type { DecodeFault } from "../../fast-bgp-codec/fault.js";
import type { Family } from "../../fast-bgp-codec/family.js";
import type { PeerOptions } from "../settings.js";

/** How much was sent, and has arrived. */
export interface SentOctets {
  /** Handed to `write` since the connection began. */
  readonly written: number;
  /** Of these, what the other end's TCP has acknowledged; undefined where the system does not tell. */
  readonly acknowledged: number | undefined;
}

/** One TCP connection. */
export interface Connection {
  readonly localAddress: string;
  readonly localPort: number;
  readonly remoteAddress: string;
  readonly remotePort: number;
  /** Who opened it: decides collisions (RFC 4271 section 6.8). */
  readonly initiator: "local" | "remote";
  /** Octets given to `write` that the kernel has not taken yet. */
  readonly pendingBytes: number;
  /** Hex identity of the instance whose TLS proxy brought it; undefined for a plain one. */
  readonly instance?: string | undefined;
  /** Of one that came in: whether its SYN had a TCP MD5 signature; undefined where nobody knows. */
  readonly signed?: boolean | undefined;
  /** Set by the session. Returns how many octets from `start` it used; the rest comes again, in front of newer ones. */
  onBytes: (bytes: Uint8Array, start: number, end: number) => number;
  /** Once, for an end or an error from outside; never after `close`. */
  onClosed: (error: Error | undefined) => void;
  /** Pending octets fell below the low-water mark after having been above it. */
  onDrain: () => void;
  octets?(): SentOctets;
  /** The kernel took octets since the last look: for the send hold timer. */
  readonly bytesAccepted: number;
  /** The bytes must not change until the kernel has them: give each buffer away. */
  write(bytes: Uint8Array): void;
  /** Several buffers in one system call. */
  writeMany(buffers: readonly Uint8Array[]): void;
  /** Stop and resume reading. */
  pause(): void;
  resume(): void;
  /** Flushes what is pending for at most `lingerMs`, then closes. `done` is called once when the connection is gone. */
  end(lingerMs: number, done?: () => void): void;
  /** Changes the TCP MD5 key of the live connection; false when that is not possible. */
  rekey?(password: string): boolean;
  /** Sets TTL, TTL security and user timeout as these options say; false when that is not possible. */
  protect?(options: PeerOptions): boolean;
  /** Closes at once (RST when octets are pending). */
  destroy(): void;
}

export interface Dialer {
  /** Connects; exactly one of the callbacks is called, unless cancelled. */
  dial(
    target: { readonly address: string; readonly options: PeerOptions },
    connected: (connection: Connection) => void,
    failed: (error: Error) => void,
  ): { cancel(): void };
}

/** Capability 64 of the peer (RFC 4724). Families are bit masks over `Family`. */
export interface GracefulRestart {
  /** R: it has just restarted and waits for nobody's End-of-RIB but ours. */
  readonly restarting: boolean;
  /** N, on both sides (RFC 8538). */
  readonly notification: boolean;
  /** Seconds until it is back. */
  readonly time: number;
  readonly families: number;
  /** Those of them with F: forwarding went on. */
  readonly forwarding: number;
}

/** Capability 71 of the peer (RFC 9494). */
export interface LongLived {
  readonly families: number;
  readonly forwarding: number;
  /** Stale time in seconds, by family. */
  readonly times: readonly number[];
}

/** What both sides agreed on: fixed for the life of a session. */
export interface Negotiated {
  readonly localAs: number;
  readonly peerAs: number;
  readonly ibgp: boolean;
  /** Peer's BGP identifier as an unsigned number, and as text. */
  readonly peerId: number;
  readonly peerIdText: string;
  readonly holdTime: number;
  readonly keepaliveTime: number;
  /** Families both sides have, bit mask over `Family`. */
  readonly families: number;
  readonly as4: boolean;
  /** Most octets a message we send may have: 4096 or 65535. */
  readonly maxMessageOut: number;
  /** Most octets a message from the peer may have. */
  readonly maxMessageIn: number;
  readonly routeRefresh: boolean;
  readonly enhancedRefresh: boolean;
  /** Bit masks over `Family`. */
  readonly addPathIn: number;
  readonly addPathOut: number;
  /** Peer's graceful restart capability, if it sent one. */
  readonly gracefulRestart: GracefulRestart | undefined;
  /** Peer's long-lived graceful restart capability; without the one above it counts for nothing. */
  readonly longLived: LongLived | undefined;
  /** Family bit mask for which IPv4 NLRI may have an IPv6 next hop (RFC 8950). */
  readonly extendedNextHop: number;
}

/** The plainest agreement: iBGP, 4-octet ASes, no families yet. A new field gets its default here. */
export const NEGOTIATED_DEFAULTS: Negotiated = {
  localAs: 0,
  peerAs: 0,
  ibgp: true,
  peerId: 0,
  peerIdText: "0.0.0.0",
  holdTime: 90,
  keepaliveTime: 30,
  families: 0,
  as4: true,
  maxMessageOut: 4096,
  maxMessageIn: 4096,
  routeRefresh: true,
  enhancedRefresh: true,
  addPathIn: 0,
  addPathOut: 0,
  gracefulRestart: undefined,
  longLived: undefined,
  extendedNextHop: 0,
};

/** An Established session as the reflector sees it. */
export interface EstablishedSession {
  /** Unique in the process, never reused. */
  readonly id: number;
  readonly peerAddress: string;
  readonly localAddress: string;
  readonly options: PeerOptions;
  readonly negotiated: Negotiated;
  /** That of its connection. */
  readonly instance?: string | undefined;
  readonly pendingBytes: number;
  octets?(): SentOctets | undefined;
  /** Whole messages; restarts the keepalive timer. Bytes are given away. */
  send(bytes: Uint8Array): void;
  sendMany(buffers: readonly Uint8Array[], messages: number): void;
  /** Pause reading from this peer (back-pressure), and resume. */
  pause(): void;
  resume(): void;
  /**
   * Sends the NOTIFICATION and closes; `closed` follows before this returns.
   * @param hard neither side keeps the other's routes (RFC 8538); the Cease subcodes that mean it do without
   */
  reset(code: number, subcode: number, data: Uint8Array, why: string, hard?: boolean): void;
}

export interface SessionDown {
  /** "notification-sent", "notification-received", "hold-timer", "send-hold-timer", "tcp", "shutdown", … */
  readonly reason: string;
  readonly detail: string;
  readonly code?: number;
  readonly subcode?: number;
  /** Nothing of the peer is to be kept, by our own will or by the peer's hard reset (RFC 8538). */
  readonly hard?: boolean;
}

/** The reflector, seen from below. Bytes are valid only during the call. */
export interface ReflectorSink {
  established(session: EstablishedSession): void;
  /** A whole UPDATE, header included, header already checked. A returned fault of severity SessionReset makes the session send it and close. */
  update(
    session: EstablishedSession,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): DecodeFault | undefined;
  /** ROUTE-REFRESH of a negotiated family: subtype 0 request, 1 BoRR, 2 EoRR. */
  routeRefresh(session: EstablishedSession, family: Family, subtype: number): void;
  /**
   * The session's options changed in what may change under it; `before` are those until now. Returns
   * why only a new session can do it; undefined when it is done.
   */
  reconfigured?(session: EstablishedSession, before: PeerOptions): string | undefined;
  /** Output drained below the low-water mark. */
  drained(session: EstablishedSession): void;
  /** The session left Established. Called exactly once per `established`. */
  closed(session: EstablishedSession, down: SessionDown): void;
  /** Somebody decided about the peer while it has no session: nothing of it is kept any longer. */
  abandon?(address: string, why: string): void;
  /** Routes of a lost session of this peer are kept for its return. */
  retains?(address: string): boolean;
}

/** A session as a tap sees it, from its first OPEN on. */
export interface TappedSession {
  /** Unique in the process, never reused. */
  readonly id: number;
  readonly peerAddress: string;
  /** Our AS; the peer's is in `agreed`. */
  readonly localAs: number;
  readonly connection: Pick<Connection, "localAddress" | "localPort" | "remotePort" | "initiator">;
  /** Undefined before the peer's OPEN is accepted. */
  readonly agreed: Negotiated | undefined;
  /** Both OPENs as on the wire, once sent and received. */
  readonly openSent: Uint8Array | undefined;
  readonly openReceived: Uint8Array | undefined;
}

/**
 * Who listens to sessions: monitoring feeds and the flight recorder. Called in the middle of a
 * session's work: takes what it needs and returns, never throws, never calls a session.
 */
export interface MessageTap {
  /** A whole message, header checked, before anything is done with it. Bytes are valid only during the call. */
  received(session: TappedSession, bytes: Uint8Array, start: number, end: number): void;
  /** One or more whole messages on their way out. The bytes are shared and must not be changed. */
  sent(session: TappedSession, bytes: Uint8Array): void;
  /** The machine went from one state to another, by their names. */
  state(session: TappedSession, from: string, to: string): void;
  /** The reflector knows the session. */
  established(session: TappedSession): void;
  /** Its end; the reflector has forgotten it. */
  ended(session: TappedSession, down: SessionDown, wasEstablished: boolean): void;
}

/** Where a tap is put in: common to all sessions of a speaker. Undefined costs a comparison per message. */
export interface TapPoint {
  tap: MessageTap | undefined;
}
