/**
 * The check before an install. In: a model, or two sides; facts of secrets. Out: findings, each with a code,
 * a severity, both values where two ends differ, and what to do. Pure functions, no I/O, no clock.
 *
 * - `structure.ts` references and shapes; `tunnel.ts` a definition by itself; `compare.ts` (with
 *   `proposals.ts`, `selectors.ts`) both ends, clause by clause; `gateway.ts` policies and translation.
 * - `insecure.ts` weaknesses and who answers for them; `codes.ts` all findings.
 * - `mtu.ts` what is left of a path inside a tunnel.
 *
 * RFC 2409, 7296, 8221, 8247, 9395, 4303, 3948, 7348. Not here: what only the running tunnel shows.
 */
export { FINDINGS, findingSpec, WEAKNESSES, type FindingCode, type FindingSpec } from "./codes.js";
export { compareSides } from "./compare.js";
export type { CheckContext } from "./context.js";
export {
  formatFinding,
  sortFindings,
  type EndValue,
  type Finding,
  type FindingSeverity,
} from "./finding.js";
export { KEY_BITS } from "./insecure.js";
export { checkModel, checkModelInSlices } from "./model.js";
export {
  ipsecOverhead,
  largestInside,
  sealedLength,
  tunnelMtu,
  type EncapsulationOptions,
  type MtuReport,
} from "./mtu.js";
export {
  compareSelectors,
  describeUncovered,
  parseTrafficSelector,
  selectorsOfSa,
  selectorText,
  summaryOf,
  uncoveredSelectors,
  type MirrorResult,
  type Summary,
  type TrafficSelector,
  type Uncovered,
} from "./selectors.js";
export { structureFindings } from "./structure.js";
