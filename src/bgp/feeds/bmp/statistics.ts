/** Statistics reports (RFC 7854 section 4.8, RFC 8671 section 6.2, RFC 9069 section 5.4). */
import { FAMILIES } from "../../../fast-bgp-codec/family.js";
import type { MonitoredRib } from "../settings.js";
import { encodeStatistics, type PeerIdentity, type Stamp, type Statistic } from "./message.js";
import type { MonitoredPeer } from "./monitored-peer.js";
import type { FeedSources } from "./sources.js";

const StatisticType = {
  AsPathLoop: 4,
  AdjRibIn: 7,
  LocRib: 8,
  AdjRibInFamily: 9,
  LocRibFamily: 10,
  TreatAsWithdraw: 11,
  AdjRibOutPost: 15,
  AdjRibOutPostFamily: 17,
} as const;

/** Undefined when the session is gone. */
export function peerStatistics(
  sources: FeedSources,
  peer: MonitoredPeer,
  ribs: readonly MonitoredRib[],
): Uint8Array | undefined {
  const numbers = sources.numbers(peer.session.id);
  if (numbers === undefined) return undefined;
  const families = FAMILIES.filter(({ family }) => (peer.families & (1 << family)) !== 0);
  const statistics: Statistic[] = [
    { type: StatisticType.AsPathLoop, value: numbers.loops },
    { type: StatisticType.TreatAsWithdraw, value: numbers.treatAsWithdraw },
  ];
  const add = (total: number, each: number, routes: (family: number) => number): void => {
    const counts = families.map((spec) => ({ spec, value: routes(spec.family) }));
    statistics.push({ type: total, value: counts.reduce((sum, { value }) => sum + value, 0) });
    for (const { spec, value } of counts) {
      statistics.push({ type: each, value, family: { afi: spec.afi, safi: spec.safi } });
    }
  };
  add(StatisticType.AdjRibIn, StatisticType.AdjRibInFamily, (f) => numbers.routesIn(f));
  if (ribs.includes("adj-rib-out-post")) {
    add(StatisticType.AdjRibOutPost, StatisticType.AdjRibOutPostFamily, (f) =>
      numbers.routesOut(f),
    );
  }
  return encodeStatistics(peer.identity, stampOf(sources), statistics);
}

export function locRibStatistics(sources: FeedSources, peer: PeerIdentity): Uint8Array {
  const value = sources.table.destinationCount;
  return encodeStatistics(peer, stampOf(sources), [{ type: StatisticType.LocRib, value }]);
}

function stampOf(sources: FeedSources): Stamp {
  const wall = sources.clock.wall();
  const seconds = Math.floor(wall / 1000);
  return { seconds, micros: Math.floor((wall - seconds * 1000) * 1000) };
}
