/**
 * What a Sec-EM keeps of an instance's chain, and what evidence does to it (ASM-61, ASM-62, ASM-80): pure
 * functions from a record to the next one. The caller stores the whole record in one write, fsync'd, before
 * anything that rests on it is sent.
 *
 *   highest     the highest counter of any evidence accepted: the next must be above it
 *   confirmed   the state that both sides have; none before the first step is confirmed
 *   pending     the state that the agent has if Result reached it
 *   stopped     two were seen with one identity; stays until an operator decides
 */
import { equalSecrets } from "../crypto/index.js";
import { choice, octets, u64 } from "./kinds.js";
import { stateProof } from "./ratchet.js";
import { defineStruct, field, optional } from "./struct.js";
import type { Decoded } from "./struct.js";
import { fail, pass } from "./words.js";
import type { Fault } from "./words.js";

export type StopReason = "clone" | "out-of-sync" | "two-keys";

export interface ChainLink {
  readonly counter: number;
  /** 32 octets: a secret. */
  readonly state: Uint8Array;
  /** SHA-256 of the evidence transcript that made it. */
  readonly transcript: Uint8Array;
}

export interface ChainRecord {
  /** Undefined until an enrolment was accepted. */
  readonly instanceKey: Uint8Array | undefined;
  readonly highest: number;
  readonly confirmed: ChainLink | undefined;
  readonly pending: ChainLink | undefined;
  readonly stopped: StopReason | undefined;
}

export const NEW_CHAIN: ChainRecord = {
  instanceKey: undefined,
  highest: 0,
  confirmed: undefined,
  pending: undefined,
  stopped: undefined,
};

/** A stop is to be stored and told; nothing else of the record has changed. */
export interface Stop extends Fault {
  readonly ok: false;
  readonly stop: StopReason;
}

/**
 * Which link authentic evidence rests on: its counter is above all others, and its proof is under a state
 * that the agent may have. Evidence of an enrolment rests on none.
 */
export function linkOf(
  record: ChainRecord,
  counter: number,
  transcript: Uint8Array,
  proof: Uint8Array | undefined,
): { readonly ok: true; readonly value: ChainLink | undefined } | Stop {
  if (counter <= record.highest)
    return stop(
      "clone",
      `counter ${counter} came again (the highest was ${record.highest}): a clone or an older snapshot speaks with this identity`,
    );
  if (proof === undefined) return pass(undefined);
  for (const link of [record.pending, record.confirmed]) {
    if (link !== undefined && equalSecrets(stateProof(link.state, transcript), proof))
      return pass(link);
  }
  return stop(
    "out-of-sync",
    "the right key with a state of the chain that is not known here: it must be registered anew",
  );
}

/** After evidence was accepted on `base`: a proof under the pending state confirms that one. */
export function acceptLink(
  record: ChainRecord,
  base: ChainLink | undefined,
  next: ChainLink,
  instanceKey: Uint8Array,
): ChainRecord {
  return {
    instanceKey,
    highest: Math.max(record.highest, next.counter),
    confirmed: base,
    pending: next,
    stopped: undefined,
  };
}

export type ConfirmOutcome =
  /** To be stored; then trusted. */
  | { readonly kind: "confirmed"; readonly record: ChainRecord }
  /** It was confirmed before, by a proof under it: nothing to store. */
  | { readonly kind: "known" }
  /** Another's evidence has taken its place meanwhile: two speak with this identity. */
  | { readonly kind: "stop"; readonly stop: Stop };

/** @param link the one whose confirmation has just been verified */
export function confirmLink(record: ChainRecord, link: ChainLink): ConfirmOutcome {
  if (isSame(record.pending, link))
    return { kind: "confirmed", record: { ...record, confirmed: link, pending: undefined } };
  if (isSame(record.confirmed, link)) return { kind: "known" };
  return {
    kind: "stop",
    stop: stop("clone", "a step was confirmed that another step has replaced: two take them"),
  };
}

export function stopChain(record: ChainRecord, reason: StopReason): ChainRecord {
  return { ...record, stopped: reason };
}

/** An operator's `restore` after a stop: whoever still has the last state goes on. */
export function releaseChain(record: ChainRecord): ChainRecord {
  return { ...record, stopped: undefined };
}

function stop(reason: StopReason, sentence: string): Stop {
  return { ...fail(reason, sentence), stop: reason };
}

function isSame(a: ChainLink | undefined, b: ChainLink): boolean {
  return a !== undefined && a.counter === b.counter && equalSecrets(a.transcript, b.transcript);
}

const linkStruct = defineStruct("chain link", {
  counter: field(1, u64),
  state: field(2, octets(32)),
  transcript: field(3, octets(32)),
});

const linkKind = {
  words: "a link of the chain",
  write: (link: ChainLink) => linkStruct.encode(link),
  read(bytes: Uint8Array): ChainLink | undefined {
    const decoded = linkStruct.decode(bytes);
    return decoded.ok ? decoded.value : undefined;
  },
};

const recordStruct = defineStruct("chain record", {
  instanceKey: optional(1, octets(32)),
  highest: field(2, u64),
  confirmed: optional(3, linkKind),
  pending: optional(4, linkKind),
  stopped: optional(5, choice({ clone: 1, "out-of-sync": 2, "two-keys": 3 })),
});

/** How a record is kept: a secret. */
export function encodeChain(record: ChainRecord): Uint8Array {
  return recordStruct.encode(record);
}

export function decodeChain(bytes: Uint8Array): Decoded<ChainRecord> {
  return recordStruct.decode(bytes);
}
