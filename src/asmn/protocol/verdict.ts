/** Verdicts: what a Sec-EM says of an instance, signed, for one audience (docs/asmn-protocol.md, "Verdicts"). */
import { equalSecrets, keyId, lengthPrefixed, sha256 } from "../crypto/index.js";
import type { SigningKey } from "../crypto/index.js";
import { defineDocument } from "./document.js";
import type { OpenedDocument } from "./document.js";
import { address, list, name, octets, sentence, u32, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import { BINDING, fail, MODE, pass, REASON, ROOT, STATE } from "./words.js";
import type { Binding, Checked, Reason, RootKind, TrustState } from "./words.js";

export const VERDICT_LIFETIME_SECONDS = 300;

export interface Verdict {
  readonly mode: "sound";
  /** Key id of the verdict key. */
  readonly issuer: Uint8Array;
  readonly secEm: string;
  /** Name of a gate or gateway, or `agentAudience` of an agent. */
  readonly audience: string;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly id: Uint8Array;
  readonly instanceKey: Uint8Array;
  readonly state: TrustState;
  readonly reason: Reason;
  /** For people. */
  readonly sentence: string;
  /** BGP addresses, canonical text. */
  readonly addresses: readonly string[];
  readonly as: number | undefined;
  /** As a number, most significant octet first. */
  readonly routerId: number | undefined;
  readonly binding: Binding;
  /** SHA-256 over label and TCP-MD5 key, where there is one. */
  readonly md5Commitment: Uint8Array | undefined;
  readonly catalogVersion: number;
  readonly catalogDigest: Uint8Array;
  readonly root: RootKind;
  readonly epoch: number;
  readonly serial: number;
  /** The Sec-EM's time, milliseconds. */
  readonly issued: number;
  readonly lifetimeSeconds: number;
  /** Of the step that it rests on. */
  readonly counter: number;
  /** When that step was, the Sec-EM's time. */
  readonly proven: number;
  /** What BGP of its VNF, all sessions together, is held to; undefined = no limit. */
  readonly maxSessions?: number | undefined;
  readonly maxUpdatesPerSecond?: number | undefined;
  readonly maxPrefixes?: number | undefined;
}

const document = defineDocument<Verdict>(
  "verdict",
  defineStruct("verdict", {
    mode: field(1, MODE),
    issuer: field(2, octets(16)),
    secEm: field(3, name),
    audience: field(4, name),
    tenant: field(5, name),
    vnf: field(6, name),
    instance: field(7, name),
    id: field(8, octets(32)),
    instanceKey: field(9, octets(32)),
    state: field(10, STATE),
    reason: field(11, REASON),
    sentence: field(12, sentence),
    addresses: field(13, list(address, 16)),
    as: optional(14, u32),
    routerId: optional(15, u32),
    binding: field(16, BINDING),
    md5Commitment: optional(17, octets(32)),
    catalogVersion: field(18, u64),
    catalogDigest: field(19, octets(32)),
    root: field(20, ROOT),
    epoch: field(21, u64),
    serial: field(22, u64),
    issued: field(23, u64),
    lifetimeSeconds: field(24, u32),
    counter: field(25, u64),
    proven: field(26, u64),
    maxSessions: optional(27, u32),
    maxUpdatesPerSecond: optional(28, u32),
    maxPrefixes: optional(29, u32),
  }),
);

/** @param key its key id becomes the issuer */
export function signVerdict(
  verdict: Omit<Verdict, "issuer" | "mode">,
  key: SigningKey,
): Uint8Array {
  return document.sign({ ...verdict, mode: "sound", issuer: keyId(key.publicKey) }, key);
}

/** Fields only; `verdict-check.ts` decides. */
export function openVerdict(octets: Uint8Array): Checked<OpenedDocument<Verdict>> {
  return document.open(octets);
}

/** What an agent is called as an audience: half of its ID, in hex, after `agent.`. */
export function agentAudience(id: Uint8Array): string {
  return `agent.${Buffer.from(id.subarray(0, 16)).toString("hex")}`;
}

/** Over ID and epoch as well; a key of 128 random bits cannot be guessed from it. */
export function md5Commitment(id: Uint8Array, epoch: number, md5Key: Uint8Array): Uint8Array {
  const label = Buffer.from("evpnd asmn 1 tcp-md5\0", "latin1");
  return sha256(label, lengthPrefixed(id), u64.write(epoch), lengthPrefixed(md5Key));
}

/** That the key which came beside a verdict is the one it speaks of. */
export function checkMd5Key(
  verdict: Verdict,
  md5Key: Uint8Array | undefined,
): Checked<Uint8Array | undefined> {
  const { md5Commitment: commitment, id, epoch } = verdict;
  if (md5Key === undefined) return pass(undefined);
  if (commitment === undefined) return fail("commitment", "a TCP-MD5 key that no verdict names");
  const fits = equalSecrets(md5Commitment(id, epoch, md5Key), commitment);
  return fits ? pass(md5Key) : fail("commitment", "the TCP-MD5 key is not the verdict's");
}

/**
 * How long a verdict that is issued now may say `trusted`: never beyond the time at which the next step is
 * overdue. 0 = not at all: the instance is stale.
 * @param provenAgoMs since the last confirmed step, by the Sec-EM's monotonic clock
 */
export function trustedSeconds(
  provenAgoMs: number,
  renewSeconds: number,
  lifetimeSeconds = VERDICT_LIFETIME_SECONDS,
): number {
  const left = renewSeconds + renewSlackSeconds(renewSeconds) - provenAgoMs / 1000;
  return Math.max(0, Math.min(lifetimeSeconds, Math.floor(left)));
}

/** How late a step may be: half the interval, 30 s at least. */
export function renewSlackSeconds(renewSeconds: number): number {
  return Math.max(30, Math.ceil(renewSeconds / 2));
}
