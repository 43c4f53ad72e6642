/**
 * What evidence is signed over (ASM-62, ASM-63): everything of the exchange, in one canonical encoding. Both
 * sides build it from what they sent and received, so a difference anywhere is a wrong signature.
 */
import { sha256 } from "../crypto/index.js";
import type { Suite } from "../crypto/index.js";
import { list, name, octets, u16, u64 } from "./kinds.js";
import { defineStruct, field, optional } from "./struct.js";
import { MODE, PURPOSE, ROLE, ROOT, SUITE } from "./words.js";
import type { Purpose, RootKind } from "./words.js";
import { VERSION } from "./frame.js";

export interface Transcript {
  readonly mode: "sound";
  readonly version: number;
  readonly suite: Suite;
  readonly secEmSuites: readonly Suite[];
  readonly agentSuites: readonly Suite[];
  readonly sender: "agent";
  readonly receiver: "sec-em";
  readonly purpose: Purpose;
  readonly exporter: Uint8Array;
  readonly agentNonce: Uint8Array;
  readonly secEmNonce: Uint8Array;
  readonly agentEphemeral: Uint8Array;
  readonly secEmEphemeral: Uint8Array;
  readonly tenant: string;
  readonly vnf: string;
  readonly instance: string;
  readonly id: Uint8Array;
  readonly secEm: string;
  readonly transportKey: Uint8Array;
  readonly epoch: number;
  readonly instanceKey: Uint8Array;
  readonly counter: number;
  readonly image: Uint8Array;
  readonly manifest: Uint8Array;
  readonly catalogVersion: number;
  readonly catalogDigest: Uint8Array;
  readonly root: RootKind;
  readonly rootDigest: Uint8Array;
  readonly time: number;
  readonly windowSeconds: number;
  readonly tokenId: Uint8Array | undefined;
  readonly allowed: Uint8Array | undefined;
}

const transcript = defineStruct("evidence transcript", {
  mode: field(1, MODE),
  version: field(2, u16),
  suite: field(3, SUITE),
  secEmSuites: field(4, list(SUITE, 8)),
  agentSuites: field(5, list(SUITE, 8)),
  sender: field(6, ROLE),
  receiver: field(7, ROLE),
  purpose: field(8, PURPOSE),
  exporter: field(9, octets(32)),
  agentNonce: field(10, octets(32)),
  secEmNonce: field(11, octets(32)),
  agentEphemeral: field(12, octets(32)),
  secEmEphemeral: field(13, octets(32)),
  tenant: field(14, name),
  vnf: field(15, name),
  instance: field(16, name),
  id: field(17, octets(32)),
  secEm: field(18, name),
  transportKey: field(19, octets(32)),
  epoch: field(20, u64),
  instanceKey: field(21, octets(32)),
  counter: field(22, u64),
  image: field(23, octets(32)),
  manifest: field(24, octets(32)),
  catalogVersion: field(25, u64),
  catalogDigest: field(26, octets(32)),
  root: field(27, ROOT),
  rootDigest: field(28, octets(32)),
  time: field(29, u64),
  windowSeconds: field(30, u16),
  tokenId: optional(31, octets(16)),
  allowed: optional(32, octets(32)),
});

export function encodeTranscript(
  facts: Omit<Transcript, "mode" | "version" | "sender" | "receiver">,
): Uint8Array {
  return transcript.encode({
    ...facts,
    mode: "sound",
    version: VERSION,
    sender: "agent",
    receiver: "sec-em",
  });
}

/** What a document of a root of trust must contain to be fresh. */
export function rootChallenge(parts: {
  readonly exporter: Uint8Array;
  readonly secEmNonce: Uint8Array;
  readonly agentNonce: Uint8Array;
  readonly instanceKey: Uint8Array;
}): Uint8Array {
  const label = Buffer.from("evpnd asmn 1 root of trust\0", "latin1");
  return sha256(label, parts.exporter, parts.secEmNonce, parts.agentNonce, parts.instanceKey);
}
