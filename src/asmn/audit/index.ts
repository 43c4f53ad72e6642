/**
 * The audit log of the trust checks. In: notes of who did what. Out: lines on the disk, each chained to the
 * one before, heads signed by the root key now and then, and the proof that nothing was changed.
 *
 * - `entry.ts` a line and its digest; `log.ts` the log; `disk.ts` its files; `verify.ts` the check, offline.
 *
 * Not here: what is worth a note (`sec-em/`), protection from somebody who holds the root key.
 */
export { auditDirectory, type AuditDisk } from "./disk.js";
export { BEGINNING, type AuditEntry, type AuditNote } from "./entry.js";
export { AuditLog, type AuditMark, type AuditParts } from "./log.js";
export { ChainCheck, verifyAuditFiles, type AuditCheck } from "./verify.js";
