/** What the gateway holds, as its desk looks at it; and what it says of a catalog. */
import type { OpenedCatalog } from "../catalog/index.js";
import type { GatewayState } from "./control.js";
import type { HeldGlass } from "./glass.js";
import type { Member } from "./member.js";
import type { Plan } from "./plan.js";
import type { GatewayCoreSettings } from "./settings.js";

export type CatalogAnswer =
  | { readonly kind: "taken"; readonly version: number; readonly tookMs: number }
  | { readonly kind: "same"; readonly version: number }
  /** What was in force is. */
  | { readonly kind: "refused"; readonly reason: string };

export interface GatewayView {
  readonly state: GatewayState;
  readonly settings: GatewayCoreSettings;
  readonly catalog: OpenedCatalog | undefined;
  /** Of the catalog: wall-clock milliseconds, and how long it took. */
  readonly since: number;
  readonly tookMs: number;
  readonly plan: Plan;
  readonly members: readonly Member[];
  readonly glass: readonly HeldGlass[];
  readonly repairs: number;
  readonly problems: readonly string[];
  readonly shaped: readonly string[];
}
