/**
 * The memory ceiling at work in a speaker: what the process uses, what can be shed, who costs what, who
 * is closed. `limits/memory-guard.ts` decides.
 */
import { totalmem } from "node:os";
import { Cease } from "../fast-bgp-codec/iana.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import type { Feeds } from "./feeds/index.js";
import { MemoryGuard, type MemoryHost } from "./limits/memory-guard.js";
import { ceilingOctets, type MemoryLimit } from "./limits/memory-settings.js";
import { peerCosts } from "./limits/peer-costs.js";
import type { Reflector } from "./reflector.js";
import { forgetDecodedSets } from "./route-query.js";
import type { PeerTable } from "./session/index.js";

export interface MemoryParts {
  readonly reflector: Reflector;
  readonly peers: () => PeerTable;
  readonly feeds: () => Feeds;
  readonly clock: Clock;
  readonly log: Log;
}

const NO_DATA = new Uint8Array(0);

/** The ceiling in octets, 0 for none. */
export function memoryCeiling(limit: MemoryLimit): number {
  return ceilingOctets(limit, availableOctets());
}

/** What this machine has, or the container (cgroup) may have of it. */
export function availableOctets(): number {
  const total = totalmem();
  const constrained = process.constrainedMemory();
  return constrained > 0 && constrained < total ? constrained : total;
}

export function createMemoryGuard(parts: MemoryParts): MemoryGuard {
  return new MemoryGuard(memoryHost(parts), parts.clock, parts.log);
}

function memoryHost({ reflector, peers, feeds }: MemoryParts): MemoryHost {
  const { table, attrs } = reflector;
  const braked = new Set<number>();
  return {
    used() {
      const { rss, heapTotal, heapUsed } = process.memoryUsage();
      const free = table.freedBytes + attrs.freedBytes + Math.max(0, heapTotal - heapUsed);
      return Math.max(0, rss - free);
    },
    tableOctets: () => table.usedBytes + attrs.heldBytes,
    shedCaches() {
      forgetDecodedSets();
      reflector.policies.engine.clearKept();
      feeds().shed();
    },
    costs(done) {
      const slots = [...reflector.livePeers()].map((peer) => peer.slot);
      reflector.later(peerCosts(table, [...slots, ...reflector.restarts.slots()], done));
    },
    isSettling: () => reflector.isRemoving,
    brake(on) {
      for (const { session, limiter } of reflector.livePeers()) {
        if (on) {
          braked.add(session.id);
          session.pause();
        } else if (braked.has(session.id) && limiter?.pace.isPaused !== true) session.resume();
      }
      if (!on) braked.clear();
    },
    close(address, why) {
      const fault = { code: 6, subcode: Cease.OutOfResources, data: NO_DATA, hard: true };
      peers().end(address, fault, { reason: "notification-sent", detail: why });
      // Routes kept for its return go as well.
      reflector.abandon(address, why);
    },
    proceed: (address) => peers().proceed(address),
  };
}
