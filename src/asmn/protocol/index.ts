/**
 * The trust protocol of sound mode (docs/asmn-protocol.md): messages, transcripts, the chain, verdicts,
 * heartbeats, and the exchange between two VNFs. In: octets and what the caller passes of clock, randomness
 * and storage. Out: messages to send, records to store, and faults with a reason.
 *
 *   frame -> messages -> sec-em-link | agent-link -> chain          agent and Sec-EM
 *                     -> verdict-check, heartbeat                   feed
 *                     -> sigma -> channel                           VNF and VNF
 *
 * Invariants: nothing here throws for octets that came from outside; one encoding for each value; nothing is
 * answered before what it rests on is stored; nothing is trusted before both sides have confirmed.
 *
 * Not here: sockets, TLS, files, threads, retries, limits of connections.
 */
export * from "./agent-link.js";
export * from "./agent-messages.js";
export * from "./agent-ports.js";
export * from "./agent-state.js";
export * from "./break-glass.js";
export * from "./catalog-parts.js";
export * from "./chain.js";
export * from "./channel.js";
export * from "./evidence.js";
export * from "./feed-messages.js";
export * from "./frame.js";
export * from "./heartbeat.js";
export * from "./key-certificate.js";
export * from "./peer-messages.js";
export * from "./ratchet.js";
export * from "./root-of-trust.js";
export * from "./sec-em-link.js";
export * from "./sec-em-ports.js";
export * from "./sigma.js";
export * from "./token.js";
export * from "./tpm-pcr.js";
export * from "./tpm-quote.js";
export * from "./tpm-signature.js";
export * from "./transport.js";
export * from "./verdict-check.js";
export * from "./verdict.js";
export * from "./words.js";
export type { Decoded } from "./struct.js";
