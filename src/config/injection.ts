/** The `injection` block of a file that passed the schema. */
import { INJECTION_DEFAULTS, type InjectionSettings } from "../inject/settings.js";

export interface InjectionEntry {
  "max-routes"?: number;
  "max-routes-per-owner"?: number;
}

export function injectionSettings(entry: InjectionEntry = {}): InjectionSettings {
  return {
    maxRoutes: entry["max-routes"] ?? INJECTION_DEFAULTS.maxRoutes,
    maxRoutesPerOwner: entry["max-routes-per-owner"] ?? INJECTION_DEFAULTS.maxRoutesPerOwner,
  };
}
