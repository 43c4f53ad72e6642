/**
 * Vendors' texts: a gateway's tunnels as the gateway takes them, and the way back where there is one.
 *
 * In: a gateway of the model with its sides (`RenderOrder`), or a text. Out: a `Rendering` (files, findings, what is
 * to be done by hand), or an `Imported` (model, notes, kept lines).
 *
 * - `screenos/` and `pix/` render and import; `asa/`, `checkpoint/`, `junos/`, `strongswan/`, `linux/` and
 *   `vyos/` render. A folder each, none knows another but for what Linux and strongSwan share.
 * - `capability.ts` what a vendor can be told, as a table, and what of a tunnel it cannot.
 * - `configuration.ts` an imported model as a block of the configuration file; `control.ts` what the API asks for.
 * - `importing/` what importers share; `text/` lines, words, comments, placeholders.
 *
 * Invariants: no secret is in a rendering, a note or a kept line, only its name and keyed fingerprint; what a vendor
 * cannot be told is a finding; no line of an imported text is dropped without a note; the time that a text
 * takes is bounded by its length. Not here: sending anything to a gateway.
 */
export { configurationOf } from "./configuration.js";
export {
  LocalVendors,
  VendorError,
  type KeepOrder,
  type KeptSecret,
  type RenderMaterial,
  type RenderQuery,
  type VendorControl,
} from "./control.js";
export {
  importText,
  IMPORTERS,
  renderGateway,
  renderSides,
  type ImportVendor,
  type RenderOptions,
} from "./vendors.js";
export type { Imported, ImportedSecret, ImportNote, ImportOptions } from "./importing/imported.js";
export type { RenderedSecret, RenderedFile, Rendering, RenderOrder } from "./rendering.js";
