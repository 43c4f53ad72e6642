/**
 * The local IKE daemon, driven. In: an installed policy's sides of this gateway (`Installer`), commands of
 * operators. Out: a daemon that holds what the policy says and nothing else under our names, tunnels that are
 * up when they should be, and events.
 *
 * - `plan.ts`, `connection.ts` a side as the daemon takes it; `coverage.ts` what negotiation left out.
 * - `loader.ts`, `credentials.ts` make the daemon hold it; `upkeep.ts` begins and ends; `succession.ts` makes
 *   before it breaks; `backup.ts` a backup tunnel's turn.
 * - `keeper.ts` looks and acts on these; `holds.ts` what operators ended; `guarding.ts` what the guard is told.
 * - `link.ts` the connection; `charon.ts` its commands; `sa.ts`, `event.ts` what it tells.
 * - `driver.ts` holds them together; `tunnel-table.ts` what is known; `control.ts` how others see it.
 *
 * Invariants: nothing is loaded before it is guarded; what does not carry our prefix is never touched; a
 * restart of either side tears nothing down. Not here: what states mean for operators (`../watch/`).
 */
export { IDLE_BACKUP, stepBackup, type BackupState, type BackupTimes } from "./backup.js";
export { Charon, type SaChoice } from "./charon.js";
export { connectionSection, espProposalText, identityText, ikeProposalText } from "./connection.js";
export {
  DriverError,
  type DaemonFacts,
  type DriverControl,
  type DriverErrorCode,
  type DriverEvent,
  type TunnelFacts,
} from "./control.js";
export { uncoveredOf, type Uncovered } from "./coverage.js";
export type { SecretSource } from "./credentials.js";
export { Driver, type DriverParts } from "./driver.js";
export { guardingOf, type Guarding } from "./guarding.js";
export { Holds } from "./holds.js";
export { readEvents, SA_EVENTS, type DaemonEvent, type LogEvent } from "./event.js";
export { OURS, planOf, protectedBy, type PlannedChild, type TunnelPlan } from "./plan.js";
export { isInstalled, readIkeSas, type ChildSa, type IkeSa } from "./sa.js";
