/**
 * A changed tunnel is made anew before the old one is broken: SAs of the definition before carry until those
 * of the new one are up, then they go. Where the new one does not come up (the other end was not changed
 * yet), the old ones live on to the end of their lifetime.
 */
import type { TunnelPlan } from "./plan.js";
import { isInstalled, type IkeSa } from "./sa.js";

export type SuccessionAction =
  | { readonly kind: "end-ike"; readonly id: number }
  | { readonly kind: "end-child"; readonly id: number };

export class Succession {
  /** Children of the definition before, by tunnel; the daemon's numbers. */
  private readonly old = new Map<string, ReadonlySet<number>>();

  /** What it has now is of the definition before. */
  changed(tunnel: string, sas: readonly IkeSa[]): void {
    const ids = sas.flatMap(({ children }) => children.map(({ uniqueId }) => uniqueId));
    if (ids.length === 0) return;
    this.old.set(tunnel, new Set([...(this.old.get(tunnel) ?? []), ...ids]));
  }

  /** The numbers begin again: it is another daemon. */
  forget(): void {
    this.old.clear();
  }

  isPending(tunnel: string): boolean {
    return this.old.has(tunnel);
  }

  /** Its SAs as far as they are of the definition that holds. */
  current(tunnel: string, sas: readonly IkeSa[]): readonly IkeSa[] {
    const old = this.old.get(tunnel);
    if (old === undefined) return sas;
    return sas.map((sa) => ({
      ...sa,
      children: sa.children.filter(({ uniqueId }) => !old.has(uniqueId)),
    }));
  }

  /** What may go, now that there is a successor. */
  decide({ tunnel, children }: TunnelPlan, sas: readonly IkeSa[]): SuccessionAction[] {
    const old = this.old.get(tunnel);
    if (old === undefined) return [];
    const present = sas.flatMap((sa) => sa.children);
    const fresh = new Set(
      present.filter((sa) => isInstalled(sa) && !old.has(sa.uniqueId)).map(({ name }) => name),
    );
    if (!children.every(({ name }) => fresh.has(name))) return [];
    this.old.delete(tunnel);
    return sas.flatMap(({ uniqueId, children: own }): SuccessionAction[] => {
      const outdated = own.filter((child) => old.has(child.uniqueId));
      if (outdated.length === 0) return [];
      if (outdated.length === own.length) return [{ kind: "end-ike", id: uniqueId }];
      return outdated.map((child) => ({ kind: "end-child", id: child.uniqueId }));
    });
  }
}
