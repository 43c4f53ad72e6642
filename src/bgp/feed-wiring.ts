/** What the feeds are given of the speaker: the table, who is up, what each peer was sent, a way to dial. */
import type { Family } from "../fast-bgp-codec/family.js";
import type { Clock } from "../util/clock.js";
import type { Log } from "../util/log.js";
import { Feeds, FEEDS_OFF, type FeedSources, type SentRoute } from "./feeds/index.js";
import type { Reflector } from "./reflector.js";
import type { Dialer, PeerTable, TapPoint } from "./session/index.js";
import { PEER_OPTION_DEFAULTS, type SpeakerSettings } from "./settings.js";

export interface FeedWiring {
  readonly settings: SpeakerSettings;
  /** As now in force. */
  readonly identity: { readonly as: number; readonly routerId: number };
  readonly reflector: Reflector;
  readonly peers: Pick<PeerTable, "establishedSessions">;
  readonly dialer: Dialer;
  readonly taps: TapPoint;
  readonly clock: Clock;
  readonly log: Log;
  readonly soon: (run: () => void) => void;
}

export function createFeeds(wiring: FeedWiring): Feeds {
  return new Feeds(wiring.settings.feeds ?? FEEDS_OFF, feedSources(wiring), wiring.taps);
}

export function feedSources(wiring: FeedWiring): FeedSources {
  const { identity, reflector, peers, dialer, clock, log, soon } = wiring;
  const { table, out, sources } = reflector;
  return {
    get as() {
      return identity.as;
    },
    get routerId() {
      return identity.routerId;
    },
    table,
    clock,
    log,
    soon,
    sessions: () => peers.establishedSessions(),
    slotOf: (id) => reflector.peer(id)?.slot,
    numbers(id) {
      const peer = reflector.peer(id);
      if (peer === undefined) return undefined;
      return {
        routesIn: (family) => sources.count(peer.slot, family),
        routesOut: (family) => out.sentCount(peer.slot, family as Family),
        loops: peer.faults.loops,
        treatAsWithdraw: peer.faults.treatAsWithdraw,
      };
    },
    sentRoutes: (slot, dest) => sentRoutes(reflector, slot, dest),
    attach: (place) => out.attachReader(place),
    detach: (place) => out.detachReader(place),
    kick: () => reflector.later({ step: () => true }),
    dial: (collector, connected, failed) =>
      dialer.dial(
        {
          address: collector.address,
          options: {
            ...PEER_OPTION_DEFAULTS,
            port: collector.port,
            localAddress: collector.localAddress,
            password: collector.password,
            ttlSecurityHops: collector.ttlSecurityHops,
          },
        },
        connected,
        failed,
      ),
  };
}

const NONE: readonly SentRoute[] = [];

function sentRoutes({ table, out }: Reflector, slot: number, dest: number): readonly SentRoute[] {
  const paths = out.pathsSent(slot, dest);
  if (paths.length === 0) return NONE;
  const family = table.family(dest);
  return paths.map((path) => {
    const { attributes, nextHop } = out.encode(slot, path);
    return { path, pathId: out.sentPathId(slot, path), set: { family, attributes, nextHop } };
  });
}
