/**
 * Sec-catalogs: which traffic may pass between the VNFs of a tenant, and how much of it.
 * In: what an operator wrote with a VNF's descriptor. Out: signed, versioned documents, and what changes
 * between two of them.
 *
 * - `model.ts` what a catalog is; `words.ts` how its values are written; `check.ts` data as a catalog.
 * - `document.ts` the signed form; `ledger.ts` which version is in force, and that none goes back.
 * - `compare.ts` what a new one changes; `address.ts` one way of writing addresses.
 *
 * Not here: who may sign (the caller knows the keys), and what the kernel does with it (`gateway/`).
 */
export { isV6, prefixHolds, readAddress, readPrefix } from "./address.js";
export { readCatalog, type CatalogOutcome } from "./check.js";
export { compareCatalogs, limitsText, type CatalogChange } from "./compare.js";
export {
  catalogData,
  decodeCatalog,
  digestOf,
  encodeCatalog,
  openCatalog,
  signCatalog,
  type CatalogKeys,
  type OpenedCatalog,
  type OpenOutcome,
} from "./document.js";
export { CatalogLedger, type Floor, type TakeOutcome } from "./ledger.js";
export {
  entryText,
  EVERY,
  ICMP,
  ICMPV6,
  NAME,
  portsText,
  protocolText,
  TCP,
  UDP,
  WITH_PORTS,
  type Abnormal,
  type Catalog,
  type CatalogAlarm,
  type CatalogEntry,
  type CatalogNetwork,
  type Hours,
  type PortRange,
} from "./model.js";
export { hoursText, rateText, readHours, readRate, readSize } from "./words.js";
