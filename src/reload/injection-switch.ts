/** Injection as a reload sees it: new limits refuse what is new and take nothing away. */
import type { DaemonSettings } from "../config/index.js";
import type { Injection } from "../inject/index.js";
import { sameSettings, type Applier } from "../util/applier.js";

export class InjectionSwitch implements Applier<DaemonSettings> {
  readonly name = "injection";
  private readonly injection: Pick<Injection, "configure">;

  constructor(injection: Pick<Injection, "configure">) {
    this.injection = injection;
  }

  apply(before: DaemonSettings, after: DaemonSettings): string[] {
    if (sameSettings(before.injection, after.injection)) return [];
    this.injection.configure(after.injection);
    const { maxRoutes, maxRoutesPerOwner } = after.injection;
    return [`injection: at most ${maxRoutes} routes, ${maxRoutesPerOwner} of an owner`];
  }
}
