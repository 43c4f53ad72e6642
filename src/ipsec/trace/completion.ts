/** Lines of a trace that say what a negotiation came to: lifetimes, SPIs, tunnel id. */
import type { DaemonEvent } from "../live/event.js";
import type { TunnelSide } from "../model/index.js";

/** Undefined for what completes nothing. */
export function completionText(
  event: DaemonEvent,
  side: TunnelSide,
  id: number,
): string | undefined {
  switch (event.kind) {
    case "ike-up":
    case "ike-rekeyed": {
      const seconds = side.ike.proposals[0]?.lifetimeSeconds ?? 0;
      const name = event.sa.version === 1 ? `${title(side.ike.mode)} mode` : "IKE_AUTH";
      return `Phase 1: completed ${name} negotiation with a ${seconds}-second lifetime`;
    }
    case "child-up":
    case "child-rekeyed": {
      const { child, sa } = event;
      const { lifetimeSeconds, lifetimeKilobytes } = side.child;
      const name = sa.version === 1 ? "Quick mode" : "CHILD_SA";
      return (
        `Phase 2: completed ${name} negotiation with SPI in ${child.spiIn}, out ${child.spiOut}, ` +
        `tunnel id ${id}, and lifetime ${lifetimeSeconds} seconds/${lifetimeKilobytes} kB`
      );
    }
    default:
      return undefined;
  }
}

function title(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1);
}
