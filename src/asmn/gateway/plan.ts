/** Settings, catalog and members worked out: the table, who is let in, what is counted for alarms. */
import type { Catalog } from "../catalog/index.js";
import { openingsFor, homesOf, placesOf } from "./roster.js";
import type { Member, Openings } from "./member.js";
import { compilePolicy, type Policy } from "./policy.js";
import { tableScript } from "./script.js";
import type { GatewayCoreSettings } from "./settings.js";
import { volumesOf, type Volumes } from "./volumes.js";

export interface Plan {
  /** The table with nobody let in. */
  readonly script: string;
  readonly policy: Policy;
  readonly volumes: Volumes;
  readonly openings: Openings;
  readonly action: "closed" | "drop" | "lower";
  /** Sentences that say what to do. */
  readonly problems: readonly string[];
}

interface Made {
  readonly key: string;
  readonly catalog: Catalog | undefined;
  readonly settings: GatewayCoreSettings;
  readonly script: string;
  readonly policy: Policy;
  readonly volumes: Volumes;
}

/** Works plans out; what did not change since the last one (all but verdicts, mostly) is not made again. */
export class Planner {
  private last: Made | undefined;

  /** Rejects what is too large with `GatewayError`. */
  plan(
    settings: GatewayCoreSettings,
    catalog: Catalog | undefined,
    members: readonly Member[],
    shaped: readonly string[],
  ): Plan {
    const { script, policy, volumes } = this.made(settings, catalog, members, shaped);
    const openings = openingsFor(members, settings.interfaces);
    const action = catalog === undefined ? "closed" : (catalog.abnormal ?? settings.defaultAction);
    const problems = openings.disputed.map(
      (place) => `${place} is claimed by two VNFs and closed: correct the descriptors`,
    );
    return { script, policy, volumes, openings, action, problems };
  }

  private made(
    settings: GatewayCoreSettings,
    catalog: Catalog | undefined,
    members: readonly Member[],
    shaped: readonly string[],
  ): Made {
    const places = placesOf(catalog, members, settings.interfaces);
    const key = JSON.stringify([places, shaped]);
    const { last } = this;
    if (last?.key === key && last.catalog === catalog && last.settings === settings) return last;
    const policy = compilePolicy(catalog, places);
    const volumes = volumesOf([...(catalog?.alarms ?? []), ...settings.alarms], places);
    const script = tableScript({
      rules: settings,
      action: catalog === undefined ? "closed" : (catalog.abnormal ?? settings.defaultAction),
      policy,
      entries: catalog?.entries ?? [],
      shaped,
      volumes,
      homes: homesOf(places, settings.interfaces),
    });
    this.last = { key, catalog, settings, script, policy, volumes };
    return this.last;
  }
}

/** A member that is trusted with a later catalog than the one in force is not let in before that has come. */
export function admitted(
  members: readonly Member[],
  version: number,
  opened: ReadonlySet<string>,
): Member[] {
  return members.map((member) =>
    member.state !== "trusted" || member.catalogVersion <= version || opened.has(member.id)
      ? member
      : {
          ...member,
          state: "unknown",
          reason: `it waits for catalog ${member.catalogVersion}, which has not come`,
        },
  );
}
