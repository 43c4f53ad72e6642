/** Settings, catalog and members worked out: the table, who is let in, what is counted for alarms. */
import type { Catalog } from "../catalog/index.js";
import { addressesOpened, letIn, placesOfGlass, type HeldGlass } from "./glass.js";
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

/** What a plan is made from, beside settings and catalog. */
export interface PlanParts {
  readonly members: readonly Member[];
  /** Interfaces that have the slow class. */
  readonly shaped: readonly string[];
  readonly glass?: readonly HeldGlass[];
  /** The kernel can tell answers from what begins something; true unless given. */
  readonly tracked?: boolean;
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
  plan(settings: GatewayCoreSettings, catalog: Catalog | undefined, parts: PlanParts): Plan {
    const { members, glass = [] } = parts;
    const { script, policy, volumes } = this.made(settings, catalog, parts);
    const known = openingsFor(letIn(members, glass), settings.interfaces);
    const openings = addressesOpened(known, glass);
    const action = catalog === undefined ? "closed" : (catalog.abnormal ?? settings.defaultAction);
    const problems = openings.disputed.map(
      (place) => `${place} is claimed by two VNFs and closed: correct the descriptors`,
    );
    return { script, policy, volumes, openings, action, problems };
  }

  private made(
    settings: GatewayCoreSettings,
    catalog: Catalog | undefined,
    { members, shaped, glass = [], tracked = true }: PlanParts,
  ): Made {
    const { interfaces } = settings;
    const places = placesOf(catalog, members, interfaces, placesOfGlass(glass, members));
    const key = JSON.stringify([places, shaped, tracked]);
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
      tracked,
      volumes,
      homes: homesOf(places, interfaces),
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
