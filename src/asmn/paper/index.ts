/**
 * Paper mode: the mechanism of the paper "Auto-configurable Security Mechanism for NFV" as written, to compare
 * and to measure with, **never to protect anything** (docs/asmn-paper.md says why).
 *
 *   VIM --- hash chain of the image ---> Sec-EM            1. authenticate
 *    | renewals E_{Hash^(n-1)}{Hash^n}     | verify (a), (b)
 *   VNFM ---> VNF1, VNF2 <-----------------+
 *             VNF1 <--- R_i, R_j ---> VNF2                 2. a secret from the chain
 *             VNF-G/W <--- catalog ---                     3. control the traffic
 *
 * In: image files, names, a hash. Out: a report with every message, each role in this process with a listener
 * of its own on loopback. Where the paper leaves something open, the simplest choice is made and said in the
 * head of the file: encryption and integrity (cipher.ts), the proof (proof.ts), the group (group.ts).
 *
 * Invariants: nothing here is imported by the daemon or by sound mode; every report says that it is of paper
 * mode; nothing that leaves this folder is a verdict that a gate could take. Not built: the paper's
 * performance claims about traffic, which `perf/asmn` measures with the real gateway.
 */
export { PAPER_WARNING } from "./report.js";
export type { AttackReport, PaperReport, PaperStep } from "./report.js";
export { PaperError } from "./paper-error.js";
export { CHAIN_HASHES, HASH_BITS, decimalDigits, hashOf } from "./hash.js";
export type { ChainHash } from "./hash.js";
export { generatedGroup, standardGroup } from "./group.js";
export { hashImage } from "./image.js";
export type { ImageSource } from "./image.js";
export { runPaper } from "./run.js";
export type { PaperOptions } from "./run.js";
export { ATTACKS, runAttack } from "./attacks/index.js";
export type { AttackName } from "./attacks/index.js";
