/**
 * Tunnels under the fabric: one definition with two ends, checked before, watched after. In: a model from the
 * configuration, secrets, what the local IKE daemon tells. Out: renderings for other people's boxes, an IKE
 * daemon that holds what was installed, prefixes that never leave in clear.
 *
 *   model/ -> check/ -> staging/ -> live/ (vici/) -> IKE daemon
 *                          |           guard/ -> packet filter
 *                       secrets/
 *
 * - `vendors/` texts of boxes, out and in. `service.ts` what runs, held together.
 *
 * Invariants: nothing takes effect before an install; nothing is loaded before it is guarded; secrets go in
 * and do not come out. It knows nothing of BGP: tunnels and VTEPs meet it in `src/contract.ts`.
 */
export * from "./live/control.js";
export * from "./secrets/control.js";
export * from "./staging/control.js";
export * from "./watch/index.js";
export type { Finding } from "./check/index.js";
export { GuardError, type GuardControl, type GuardView } from "./guard/index.js";
export { IpsecService, type IpsecParts } from "./service.js";
export type { IpsecSettings } from "./settings.js";
export * from "./vendors/index.js";
export { VENDORS, type Vendor } from "./model/index.js";
