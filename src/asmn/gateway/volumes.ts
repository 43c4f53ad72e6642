/** What has to be counted for the alarms, and which count is whose. */
import { EVERY, isV6, type CatalogAlarm } from "../catalog/index.js";
import type { VnfPlaces } from "./policy.js";

export interface Volumes {
  /** Addresses between which octets are counted. */
  readonly pairs: readonly { readonly from: string; readonly to: string }[];
  /** Addresses of which octets to everywhere but the tenant's VNFs are counted. */
  readonly out: readonly string[];
  /** For each alarm and VNF that it watches: elements of the two. */
  readonly watched: readonly Watched[];
}

export interface Watched {
  readonly alarm: CatalogAlarm;
  readonly vnf: string;
  /** `a . b` of the pairs, `a` of what goes out. */
  readonly keys: readonly string[];
}

export function volumesOf(alarms: readonly CatalogAlarm[], places: readonly VnfPlaces[]): Volumes {
  const pairs = new Map<string, { from: string; to: string }>();
  const out = new Set<string>();
  const watched: Watched[] = [];
  for (const alarm of alarms) {
    for (const vnf of places) {
      if (alarm.from !== EVERY && alarm.from !== vnf.vnf) continue;
      const keys: string[] = [];
      for (const from of exactOf(vnf)) {
        if (alarm.to === undefined) {
          out.add(from);
          keys.push(from);
          continue;
        }
        for (const to of places.filter((one) => one.vnf === alarm.to).flatMap(exactOf)) {
          if (isV6(from) !== isV6(to)) continue;
          pairs.set(`${from} . ${to}`, { from, to });
          keys.push(`${from} . ${to}`);
        }
      }
      if (keys.length > 0) watched.push({ alarm, vnf: vnf.vnf, keys });
    }
  }
  return { pairs: [...pairs.values()], out: [...out], watched };
}

function exactOf({ instances }: VnfPlaces): string[] {
  return instances.flatMap(({ addresses }) => addresses);
}
