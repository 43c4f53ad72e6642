/** What crosses between the speaker's thread and the BFD thread: plain data both ways. */
import type { DownCause } from "./machine.js";
import type { BfdStateName } from "./packet.js";
import type { BfdAuth } from "./settings.js";

/** One session as it is wanted. */
export interface BfdSpec {
  /** The peer's canonical address; one session per peer. */
  readonly peer: string;
  /** Source of what is sent; undefined = the system chooses. */
  readonly localAddress: string | undefined;
  readonly multihop: boolean;
  readonly passive: boolean;
  /** Microseconds. */
  readonly minTx: number;
  readonly minRx: number;
  readonly multiplier: number;
  readonly auth: BfdAuth | undefined;
}

/** To the BFD thread. */
export type BfdCommand =
  /** Makes the session, or changes it; its state survives a change of timers. */
  | { readonly kind: "set"; readonly spec: BfdSpec }
  /** Says AdminDown to the peer for a detection time, then forgets the session. */
  | { readonly kind: "remove"; readonly peer: string }
  | { readonly kind: "snapshot"; readonly request: number }
  /** AdminDown to all, then the thread ends. */
  | { readonly kind: "stop" };

/** From the BFD thread. */
export type BfdReport =
  | {
      readonly kind: "state";
      readonly peer: string;
      readonly state: BfdStateName;
      readonly diag: string;
      /** Set when it left Up. */
      readonly cause: DownCause | undefined;
      /** The peer's C bit: its BFD lives on when its control plane does not. */
      readonly independent: boolean;
      /** Why in words. */
      readonly detail: string;
    }
  | {
      readonly kind: "snapshot";
      readonly request: number;
      readonly sessions: readonly BfdSnapshot[];
      readonly stats: BfdStats;
    }
  /** For the log: a port is taken, an address is not here. */
  | { readonly kind: "problem"; readonly peer: string | undefined; readonly text: string }
  | { readonly kind: "stopped" };

export interface BfdSnapshot {
  readonly peer: string;
  readonly state: BfdStateName;
  readonly remoteState: BfdStateName;
  readonly diag: string;
  readonly remoteDiag: string;
  readonly localAddress: string | undefined;
  readonly multihop: boolean;
  readonly localDiscriminator: number;
  readonly remoteDiscriminator: number;
  /** Milliseconds in force: between packets sent, and of silence that mean failure; 0 = none yet. */
  readonly txIntervalMs: number;
  readonly detectionTimeMs: number;
  readonly remoteMinTxMs: number;
  readonly remoteMinRxMs: number;
  readonly remoteMultiplier: number;
  readonly remoteIndependent: boolean;
  readonly authentication: string;
  readonly packetsIn: number;
  readonly packetsOut: number;
  readonly sendErrors: number;
  readonly authFailures: number;
  /** Wall-clock milliseconds of the last change of state. */
  readonly since: number;
  readonly upCount: number;
  readonly downCount: number;
}

/** Packets that belonged to no session, by why. */
export interface BfdStats {
  readonly received: number;
  readonly malformed: number;
  readonly unknownDiscriminator: number;
  readonly unknownSource: number;
  /** The kernel discards single-hop packets whose TTL is not 255 (RFC 5881 section 5). */
  readonly ttlChecked: boolean;
}
