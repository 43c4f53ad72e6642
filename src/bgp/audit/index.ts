/**
 * The audit of the tables by themselves: every route of every source is in its indexes and only there,
 * every session has been sent what the table says under its interest, counts and references add up.
 *
 * In: `AuditSubject`, read only. Out: findings in words with the key in them; none when all is well.
 *
 * - `auditor.ts` rounds in slices, continuous and on demand; `round.ts` one round.
 * - `destination-check.ts` what one destination shows at one moment; `recount.ts` the counts, for which
 *   `tally.ts` says where to look.
 *
 * Invariants: a slice runs between two turns of the table's work and sees it whole; nothing that a walk
 * over a moving table counted is a finding by itself; damaged words are found, not followed.
 */
export { Auditor, type AuditStatus } from "./auditor.js";
export { auditNow } from "./round.js";
export { AUDIT_DEFAULTS, type AuditSettings } from "./settings.js";
export type { AuditSubject } from "./subject.js";
