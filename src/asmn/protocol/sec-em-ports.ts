/** What one connection of an agent needs from its Sec-EM, and what it brings forth. */
import type { RandomSource, SigningKey, Suite } from "../crypto/index.js";
import type { AgentMessage, Answer, Ask, Begin, Catalog } from "./agent-messages.js";
import type { ChainRecord, StopReason } from "./chain.js";
import type { Binding, Fault, Reason, RootKind } from "./words.js";

/** An instance as the registry has it, and the token that a Begin named. */
export interface Subject {
  readonly id: Uint8Array;
  readonly idNonce: Uint8Array;
  readonly chain: ChainRecord;
  readonly revoked: boolean;
  readonly token: TokenFacts | undefined;
  readonly catalogVersion: number;
  readonly catalogDigest: Uint8Array;
  /** The current catalog, for an agent that has another. */
  readonly catalog: readonly Omit<Catalog, "kind">[];
  /** This Sec-EM's, as the writer of the instance. */
  readonly epoch: number;
}

export interface TokenFacts {
  readonly publicKey: Uint8Array;
  /** The only key that may use it; undefined: the first that comes. */
  readonly boundKey: Uint8Array | undefined;
  readonly image: Uint8Array;
  readonly expired: boolean;
}

/** Authentic evidence, to be judged by what is registered. */
export interface EvidenceFacts {
  readonly begin: Begin;
  readonly id: Uint8Array;
  readonly instanceKey: Uint8Array;
  readonly image: Uint8Array;
  readonly manifest: Uint8Array;
  /** Of the list of what may differ in the manifest; undefined: the list is empty. */
  readonly allowed: Uint8Array | undefined;
  readonly catalogVersion: number;
  readonly catalogDigest: Uint8Array;
  /** What the challenge asked for: another may have become current since. */
  readonly askedCatalogVersion: number;
  readonly askedCatalogDigest: Uint8Array;
  readonly root: RootKind;
  readonly rootDocument: Uint8Array;
  /** What a fresh document contains. */
  readonly rootChallenge: Uint8Array;
  /** Where the agent comes from. */
  readonly remoteAddress: string;
}

export interface Judgement {
  /** `none` = trusted as soon as the agent has confirmed; else untrusted at once. */
  readonly reason: Reason;
  readonly sentence: string;
  readonly lifetimeSeconds: number;
  readonly renewSeconds: number;
  readonly binding: Binding;
  /** 32 octets, hex digits; where the binding is tcp-md5. */
  readonly md5Key: Uint8Array | undefined;
}

export type LinkEvent =
  /** Authentic and wrong: untrusted from now on. Stored already. */
  | {
      readonly kind: "untrusted";
      readonly id: Uint8Array;
      readonly fault: Fault;
      readonly facts: EvidenceFacts;
      readonly counter: number;
    }
  /** Both sides have confirmed: trusted from now on. Stored already. */
  | {
      readonly kind: "trusted";
      readonly id: Uint8Array;
      readonly facts: EvidenceFacts;
      readonly counter: number;
      readonly judgement: Judgement;
    }
  /** In force now; `stored` is false where the disk did not take it. */
  | {
      readonly kind: "stopped";
      readonly id: Uint8Array;
      readonly stop: StopReason;
      readonly sentence: string;
      readonly stored: boolean;
    }
  /** Refused; `alarm`: somebody tries something, or something is badly set up. */
  | {
      readonly kind: "refused";
      readonly fault: Fault;
      readonly alarm: boolean;
      readonly id: Uint8Array | undefined;
    };

export interface LinkOutput {
  readonly send: readonly AgentMessage[];
  readonly events: readonly LinkEvent[];
  /** After sending. */
  readonly close: boolean;
}

export interface SecEmPorts {
  readonly random: RandomSource;
  /** Monotonic milliseconds. */
  now(): number;
  /** The Sec-EM's time: the wall clock at its start and the monotonic clock since. */
  time(): number;
  /** Undefined: no such instance, or no such token for it. */
  find(begin: Begin): Promise<Subject | undefined>;
  /** Runs while no other step of that instance runs. */
  exclusively<T>(id: Uint8Array, run: () => Promise<T>): Promise<T>;
  /** The whole record in one write, fsync'd. Rejects when it is not on the disk. */
  store(id: Uint8Array, chain: ChainRecord): Promise<void>;
  judge(facts: EvidenceFacts): Promise<Judgement>;
  /** Only asked for agents that have confirmed on this connection. */
  ask(ask: Ask, asker: EvidenceFacts): Promise<Answer>;
}

export interface SecEmIdentity {
  readonly name: string;
  readonly transportKey: SigningKey;
  /** Certificates of all keys that count now. */
  readonly certificates: readonly Uint8Array[];
  readonly suites: readonly Suite[];
  /** How long a challenge may be answered; 60 without it. */
  readonly windowSeconds?: number;
}

/** What TLS says of a connection. */
export interface ConnectionFacts {
  /** `EXPORTER-evpnd-asmn-1`, 32 octets. */
  readonly exporter: Uint8Array;
  /** Of the TLS certificate of the other side. */
  readonly peerKey: Uint8Array;
  readonly remoteAddress: string;
}
