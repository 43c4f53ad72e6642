/** A what-if's counts in sentences, and the costs in order. */
import { MOST_SHOWN, type WhatIfCost, type WhatIfReport } from "./report.js";

export type Found = Omit<WhatIfReport, "summary" | "updates" | "updatesTotal"> & {
  readonly costs: readonly WhatIfCost[];
};

export function finishReport({ costs, ...found }: Found): WhatIfReport {
  const updatesTotal = costs.reduce(
    (sum, { announced, withdrawn }) => ({
      announced: sum.announced + announced,
      withdrawn: sum.withdrawn + withdrawn,
    }),
    { announced: 0, withdrawn: 0 },
  );
  const size = ({ announced, withdrawn }: WhatIfCost): number => announced + withdrawn;
  const updates = [...costs]
    .filter((cost) => size(cost) > 0)
    .sort((a, b) => size(b) - size(a))
    .slice(0, MOST_SHOWN);
  return { summary: sentences(found, updatesTotal), ...found, updates, updatesTotal };
}

function sentences(
  found: Omit<Found, "costs">,
  updates: WhatIfReport["updatesTotal"],
): readonly string[] {
  const { routes, macs, segmentsChanged, forwardersChanged, meanwhile, complete } = found;
  const differ = routes.gone + routes.replaced + routes.changed + routes.fresh;
  if (differ === 0 && macs.compared === 0) return ["Nothing would be different."];
  return [
    `${many(differ, "route")} would differ: ${routes.gone} gone, ${routes.replaced} by another path, ${routes.changed} with other attributes, ${routes.fresh} new.`,
    macs.dark === 0
      ? "No MAC would go dark."
      : `${many(macs.dark, "MAC")} would go dark${macs.returning === 0 ? "." : `; ${macs.returning} of them on a segment that other PEs have, where they come back when learnt.`}`,
    macs.moved === 0
      ? "No MAC would move."
      : `${many(macs.moved, "MAC")} would move${macs.takenOver === 0 ? "." : `, ${macs.takenOver} of them to a PE of their segment that stands by or shares the load.`}`,
    ...(macs.lit > 0 ? [`${many(macs.lit, "MAC")} would be reachable that are not now.`] : []),
    ...(macs.hops > 0 ? [`${many(macs.hops, "MAC")} would stay, with other next hops.`] : []),
    ...(macs.onOnePe > 0
      ? [
          `${many(macs.onOnePe, "MAC")} would be left with a single PE: the next failure takes them.`,
        ]
      : []),
    ...(segmentsChanged > 0 || forwardersChanged > 0
      ? [
          `${many(segmentsChanged, "segment")} would have other PEs, ${many(forwardersChanged, "designated forwarder")} would change.`,
        ]
      : []),
    `Clients would be sent ${many(updates.announced, "route")} and ${many(updates.withdrawn, "withdrawal")}.`,
    ...(meanwhile > 0
      ? [`${many(meanwhile, "route")} changed while this was worked out: it may be off by these.`]
      : []),
    ...(complete ? [] : ["It took too long and was ended: there may be more."]),
  ];
}

function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? "" : "s"}`;
}
