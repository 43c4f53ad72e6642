/** VTEPs that the speaker knows, for the views: it decides nothing about tunnels. */
import type { VtepChange } from "../../contract.js";
import { parseRange, rangesOverlap } from "../model/index.js";

export interface SeenVtep {
  readonly address: string;
  readonly present: boolean;
  /** Of the last time that it was present. */
  readonly routes: number;
}

export class VtepBook {
  private readonly vteps = new Map<string, SeenVtep>();
  private stale: Set<string> | undefined;

  take(changes: readonly VtepChange[]): void {
    for (const change of changes) {
      switch (change.kind) {
        case "reset":
          this.stale = new Set(this.vteps.keys());
          break;
        case "item": {
          const { key, state, routes } = change.item;
          this.vteps.set(key, { address: key, present: state === "present", routes });
          this.stale?.delete(key);
          break;
        }
        case "gone":
          this.vteps.delete(change.key);
          break;
        case "sync":
          for (const key of this.stale ?? []) this.vteps.delete(key);
          this.stale = undefined;
      }
    }
  }

  behind(prefixes: readonly string[]): SeenVtep[] {
    if (this.vteps.size === 0 || prefixes.length === 0) return [];
    const ranges = prefixes.flatMap((text) => parseRange(text) ?? []);
    return [...this.vteps.values()].filter(({ address }) => {
      const at = parseRange(address);
      return at !== undefined && ranges.some((range) => rangesOverlap(range, at));
    });
  }
}
