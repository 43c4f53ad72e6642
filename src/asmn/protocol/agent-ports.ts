/** What an agent's connection to a Sec-EM needs from the agent, and what it brings forth. */
import type { InstanceNames, RandomSource, SigningKey, Suite } from "../crypto/index.js";
import type { AgentMessage, Answer, Catalog, Heartbeat, Notice, Result } from "./agent-messages.js";
import type { AgentState } from "./agent-state.js";
import type { Token } from "./token.js";
import type { Checked, Fault, RootKind } from "./words.js";

export interface AgentPorts {
  readonly random: RandomSource;
  /** The whole state, fsync'd. Rejects when it is not on the disk. */
  store(state: AgentState): Promise<void>;
  /** Digests of image and run-time manifest. The window runs: what takes long is measured before. */
  measure(): Promise<Measurement>;
  /** A document of the root of trust that contains this challenge; a fault where there is none to be had now. */
  prove(challenge: Uint8Array): Promise<RootProof | Fault>;
  /** What the agent has and has verified; version 0 and 32 zeros: none. */
  catalog(): { readonly version: number; readonly digest: Uint8Array };
  /** Takes a part; with the last one it verifies and keeps the whole, or says what is wrong with it. */
  takeCatalog(part: Catalog): Promise<Checked<unknown>>;
}

export interface Measurement {
  readonly image: Uint8Array;
  readonly manifest: Uint8Array;
  /** Digest of the list of what may differ in it; undefined: the list is empty. */
  readonly allowed?: Uint8Array | undefined;
}

export interface RootProof {
  readonly kind: RootKind;
  /** Empty with `none`. */
  readonly document: Uint8Array;
}

export interface AgentIdentity {
  readonly names: InstanceNames;
  readonly key: SigningKey;
  readonly suites: readonly Suite[];
  /** For an enrolment. */
  readonly token: Token | undefined;
  /** The only Sec-EM it wants; undefined: any that the root certifies. */
  readonly secEm: string | undefined;
}

/** What TLS says of the connection. */
export interface SecEmFacts {
  /** `EXPORTER-evpnd-asmn-1`, 32 octets. */
  readonly exporter: Uint8Array;
  /** Of the Sec-EM's TLS certificate. */
  readonly peerKey: Uint8Array;
}

export type AgentEvent =
  /** The new state is stored; trusted (or not) as it says, once Done comes. */
  | {
      readonly kind: "result";
      readonly result: Result;
      readonly id: Uint8Array;
      /** A secret. */
      readonly md5Key: Uint8Array | undefined;
    }
  /** The Sec-EM has the confirmation: the token can be deleted. */
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "refused"; readonly fault: Fault; readonly by: "agent" | "sec-em" }
  | { readonly kind: "message"; readonly message: Notice | Answer | Heartbeat };

export interface AgentOutput {
  readonly send: readonly AgentMessage[];
  readonly events: readonly AgentEvent[];
  /** After sending. */
  readonly close: boolean;
}
