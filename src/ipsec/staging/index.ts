/**
 * From a configuration to what is in force. In: a candidate. Out: the difference, findings, and plans for an
 * `Installer`; what is installed is kept in the store, with the policy before it.
 *
 * - `control.ts` the door, and what an installer is; `staging.ts` behind it; `plan.ts` what there is to do;
 *   `diff.ts` the difference for people; `archive.ts` what survives.
 *
 * Invariants: nothing takes effect before an install; an install is one policy, and one that fails is taken
 * back; a finding that is an error refuses it.
 */
export * from "./control.js";
export { describePolicyChange, diffModels } from "./diff.js";
export { localSides, planBetween } from "./plan.js";
export { digestOf, Staging, type StagingParts } from "./staging.js";
