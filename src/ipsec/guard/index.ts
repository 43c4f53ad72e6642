/**
 * Protected prefixes never leave in clear. In: the prefixes behind the far ends of tunnels that fail closed.
 * Out: rules of the kernel's packet filter that need nobody alive.
 *
 * - `ruleset.ts` the rules; `nft.ts` how they get into the kernel; `guard.ts` what is guarded.
 * - `memory.ts` what stays guarded over a reboot; `sentry.ts` hears when somebody takes the rules away.
 * - `control.ts` an operator's view of it, and his way to release something; `desk.ts` behind it.
 *
 * Not here: the time between the machine's start and ours (`evpnctl ipsec guard script` gives the rules for
 * the machine's own packet filter), other people's tables.
 */
export type { GuardControl, GuardView } from "./control.js";
export { GuardDesk } from "./desk.js";
export { Guard, readStatus, type GuardStatus } from "./guard.js";
export { storedGuard, type GuardMemory } from "./memory.js";
export { GuardError, runNft, type Nft } from "./nft.js";
export { GUARD_TABLE, guardScript, type GuardContents, type GuardWays } from "./ruleset.js";
export { GuardSentry, monitorNft, type NftMonitor, type SentryParts } from "./sentry.js";
