/**
 * The agent: the side of the trust checks that runs in a VNF, beside its router.
 *
 * In: its settings, the image and what runs; messages of the Sec-EM. Out: proofs, and what hangs on them: the
 * router's BGP session bound to the instance (`binding/`), traffic to other VNFs (`traffic/`), a status file.
 *
 * - `home.ts` the directory: key, chain, one agent at a time; `measuring.ts` image and manifest
 * - `root-document.ts` what vouches for it; `documents.ts` the same for those that sign such documents
 * - `session.ts` one connection to a Sec-EM; `agent.ts` all of them, with back-off and renewal
 * - `run.ts` everything put together; `status.ts` what can be known of it
 *
 * Invariants: what docs/asmn-protocol.md wants stored is on the disk before the message behind it leaves; the
 * key and the chain never leave the directory; without trust nothing is carried.
 * Not supported: several instances in one process; measuring on behalf of another machine.
 */
export { DocumentError, platformDocument, platformKey, tpmDocument } from "./documents.js";
export { AgentHome, HomeError } from "./home.js";
export { measureAgent } from "./measuring.js";
export { runAgent } from "./run.js";
export type { AgentEnd, RunParts } from "./run.js";
export type { AgentSettings } from "./settings.js";
export type { AgentStatus } from "./status.js";
