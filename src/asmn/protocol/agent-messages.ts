/** Messages between agent and Sec-EM (docs/asmn-protocol.md, "Agent and Sec-EM"). */
import { defineMessage, messageSet } from "./frame.js";
import type { MessageOf } from "./frame.js";
import { address, list, name, octets, octetsUpTo, sentence, u16, u32, u64 } from "./kinds.js";
import { field, optional } from "./struct.js";
import { BINDING, MODE, PURPOSE, REASON, ROOT, STATE, SUITE } from "./words.js";

/** Octets of a catalog in one message. */
export const CATALOG_PART = 48 * 1024;
export const MD5_KEY_OCTETS = 32;

/** Sec-EM, first on every connection. */
export const hello = defineMessage("hello", 1, {
  mode: field(1, MODE),
  secEm: field(2, name),
  suites: field(3, list(SUITE, 8)),
  /** The Sec-EM's wall clock, milliseconds. For people; nothing is decided by it. */
  time: field(4, u64),
  certificates: field(5, list(octetsUpTo(512), 16)),
});

export const begin = defineMessage("begin", 2, {
  purpose: field(1, PURPOSE),
  tenant: field(2, name),
  vnf: field(3, name),
  instance: field(4, name),
  nonce: field(5, octets(32)),
  suites: field(6, list(SUITE, 8)),
  /** What the agent has; none yet: 0 and zeros. */
  catalogVersion: field(7, u64),
  catalogDigest: field(8, octets(32)),
  /** With purpose enrol only. */
  tokenId: optional(9, octets(16)),
});

export const challenge = defineMessage("challenge", 3, {
  nonce: field(1, octets(32)),
  suite: field(2, SUITE),
  ephemeral: field(3, octets(32)),
  id: field(4, octets(32)),
  idNonce: field(5, octets(16)),
  epoch: field(6, u64),
  catalogVersion: field(7, u64),
  catalogDigest: field(8, octets(32)),
  time: field(9, u64),
  /** How long it may be answered. */
  windowSeconds: field(10, u16),
});

export const evidence = defineMessage("evidence", 4, {
  ephemeral: field(1, octets(32)),
  counter: field(2, u64),
  image: field(3, octets(32)),
  manifest: field(4, octets(32)),
  catalogVersion: field(5, u64),
  catalogDigest: field(6, octets(32)),
  root: field(7, ROOT),
  rootDocument: field(8, octetsUpTo(12_288)),
  signature: field(9, octets(64)),
  /** Under the chain's state; with purpose renew only. */
  proof: optional(10, octets(32)),
  /** By the token; with purpose enrol only. */
  tokenSignature: optional(11, octets(64)),
  /** Digest of what may differ in the manifest; none: nothing may. */
  allowed: optional(12, octets(32)),
});

export const result = defineMessage("result", 5, {
  counter: field(1, u64),
  state: field(2, STATE),
  reason: field(3, REASON),
  sentence: field(4, sentence),
  lifetimeSeconds: field(5, u32),
  renewSeconds: field(6, u32),
  binding: field(7, BINDING),
  /** The TCP-MD5 key, where the binding is that. */
  sealed: optional(8, octets(MD5_KEY_OCTETS + 16)),
  signature: field(9, octets(64)),
  confirmation: field(10, octets(32)),
});

export const confirm = defineMessage("confirm", 6, {
  counter: field(1, u64),
  confirmation: field(2, octets(32)),
});

export const done = defineMessage("done", 7, { counter: field(1, u64) });

/** From both sides, and the last. */
export const refused = defineMessage("refused", 8, {
  reason: field(1, REASON),
  sentence: field(2, sentence),
});

export const prompt = defineMessage("prompt", 9, { sentence: field(1, sentence) });

export const notice = defineMessage("notice", 10, {
  state: field(1, STATE),
  reason: field(2, REASON),
  sentence: field(3, sentence),
});

/** A signed catalog's octets, in parts numbered from 0. */
export const catalog = defineMessage("catalog", 11, {
  tenant: field(1, name),
  version: field(2, u64),
  digest: field(3, octets(32)),
  part: field(4, u16),
  parts: field(5, u16),
  octets: field(6, octetsUpTo(CATALOG_PART)),
});

/** "Verify that one" (ASM-16): by its names, or by its ID. */
export const ask = defineMessage("ask", 12, {
  request: field(1, u32),
  vnf: optional(2, name),
  instance: optional(3, name),
  id: optional(4, octets(32)),
  /** A verdict that is older is not enough: the other proves itself anew. 0 = whatever there is. */
  maxAgeSeconds: field(5, u32),
});

export const answer = defineMessage("answer", 13, {
  request: field(1, u32),
  time: field(2, u64),
  state: field(3, STATE),
  reason: field(4, REASON),
  sentence: field(5, sentence),
  /** Signed, for the asker as audience; none where nothing is known of it. */
  verdict: optional(6, octetsUpTo(4096)),
});

/** Signed: `heartbeat.ts`. On an agent's connection only while it has asked for somebody. */
export const heartbeat = defineMessage("heartbeat", 33, {
  document: field(1, octetsUpTo(512)),
});

/** New certificates of the Sec-EM's keys, when they change; on a feed as well. */
export const keys = defineMessage("keys", 38, {
  certificates: field(1, list(octetsUpTo(512), 16)),
});

export const agentLink = messageSet("the agent's connection", [
  hello,
  begin,
  challenge,
  evidence,
  result,
  confirm,
  done,
  refused,
  prompt,
  notice,
  catalog,
  ask,
  answer,
  heartbeat,
  keys,
]);

export type Hello = MessageOf<typeof hello>;
export type Begin = MessageOf<typeof begin>;
export type Challenge = MessageOf<typeof challenge>;
export type Evidence = MessageOf<typeof evidence>;
export type Result = MessageOf<typeof result>;
export type Confirm = MessageOf<typeof confirm>;
export type Done = MessageOf<typeof done>;
export type Refused = MessageOf<typeof refused>;
export type Prompt = MessageOf<typeof prompt>;
export type Notice = MessageOf<typeof notice>;
export type Catalog = MessageOf<typeof catalog>;
export type Ask = MessageOf<typeof ask>;
export type Answer = MessageOf<typeof answer>;
export type Heartbeat = MessageOf<typeof heartbeat>;
export type Keys = MessageOf<typeof keys>;
export type AgentMessage =
  | Hello
  | Begin
  | Challenge
  | Evidence
  | Result
  | Confirm
  | Done
  | Refused
  | Prompt
  | Notice
  | Catalog
  | Ask
  | Answer
  | Heartbeat
  | Keys;

/** Before the router's session goes through the gate's proxy (ASM-75). */
export const bind = defineMessage("bind", 48, {
  tenant: field(1, name),
  id: field(2, octets(32)),
  /** Where the router speaks BGP from, for the log. */
  router: optional(3, address),
});
export const bound = defineMessage("bound", 49, { audience: field(1, name) });
export const proxyLink = messageSet("the BGP proxy", [bind, bound, refused]);
export type ProxyMessage = MessageOf<typeof bind> | MessageOf<typeof bound> | Refused;
