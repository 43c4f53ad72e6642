/** What a peer's limits look like to people: those on what it sends and on what it is sent, together. */
import type { OutLimits } from "./out-limits.js";
import type { PeerLimiter } from "./peer-limiter.js";
import type { PeerLimitsView } from "./view.js";

const NOTHING: Omit<PeerLimitsView, "routes"> = {
  held: 0,
  refused: {
    discarded: 0,
    dropped: 0,
    attributeSize: 0,
    communities: 0,
    clusterList: 0,
    asPath: 0,
    withheld: 0,
  },
  reading: { paused: false, pauses: 0, pausedSeconds: 0 },
};

/** Undefined for a session without limits. */
export function limitsView(
  limiter: PeerLimiter | undefined,
  out: OutLimits,
  slot: number,
): PeerLimitsView | undefined {
  const outRules = out.view(slot);
  if (limiter === undefined && outRules.length === 0) return undefined;
  const { routes, ...rest } = limiter?.view() ?? { routes: [], ...NOTHING };
  return {
    ...rest,
    routes: [...routes, ...outRules],
    refused: { ...rest.refused, withheld: out.withheld(slot) },
  };
}
