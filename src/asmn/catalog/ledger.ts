/**
 * Which catalogs are in force, and which were: a lower version than the highest ever taken is refused, also
 * after a restart, and two catalogs of one version are a fault of who signs.
 */
import type { OpenedCatalog } from "./document.js";

export type TakeOutcome =
  /** `same`: it was in force already. */
  { readonly kind: "taken" | "same" } | { readonly kind: "refused"; readonly reason: string };

/** The highest version of a tenant that was ever taken. */
export interface Floor {
  readonly version: number;
  /** Digest of what it says. */
  readonly content: string;
}

export class CatalogLedger {
  private readonly floors = new Map<string, Floor>();
  private readonly held = new Map<string, OpenedCatalog>();

  /** From what the life before left. */
  restore(tenant: string, floor: Floor): void {
    const known = this.floors.get(tenant);
    if (known === undefined || known.version < floor.version) this.floors.set(tenant, floor);
  }

  /** What `take` would say; changes nothing. */
  judge({ catalog, content }: OpenedCatalog): TakeOutcome {
    const key = catalog.tenant;
    const floor = this.floors.get(key);
    if (floor === undefined || catalog.version > floor.version) return { kind: "taken" };
    if (catalog.version < floor.version) {
      return refused(
        `catalog ${catalog.version} of ${key} is older than ${floor.version}, which was in force: give the older content a higher version`,
      );
    }
    if (content !== floor.content) {
      return refused(
        `catalog ${catalog.version} of ${key} differs from the one of the same version that was taken: give it a higher version`,
      );
    }
    return { kind: this.held.get(key)?.content === content ? "same" : "taken" };
  }

  take(opened: OpenedCatalog): TakeOutcome {
    const outcome = this.judge(opened);
    if (outcome.kind !== "taken") return outcome;
    const { catalog, content } = opened;
    const key = catalog.tenant;
    this.floors.set(key, { version: catalog.version, content });
    this.held.set(key, opened);
    return outcome;
  }

  get(tenant: string): OpenedCatalog | undefined {
    return this.held.get(tenant);
  }

  floor(tenant: string): Floor | undefined {
    return this.floors.get(tenant);
  }
}

function refused(reason: string): TakeOutcome {
  return { kind: "refused", reason };
}
