/**
 * What each source of routes costs in memory: its paths, the NLRI and destinations that are there for
 * them, and its share of the attribute sets that they use. Walks every path, in slices.
 */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import type { SlicedJob } from "../../util/sliced-work.js";
import type { RouteTable } from "../rib/route-table.js";
import type { PeerCost } from "./memory-guard.js";

/** Octets of a path, and of a destination with its hash bucket, its NLRI left aside. */
const PATH_OCTETS = 48;
const DESTINATION_OCTETS = 36;
/** Octets of an attribute set beside its attributes. */
const SET_OCTETS = 64;
const SLICE = 20_000;

/** @param slots all that may have paths; two of one address are one peer */
export function peerCosts(
  table: RouteTable,
  slots: readonly number[],
  done: (costs: readonly PeerCost[]) => void,
): SlicedJob {
  const totals = new Map<string, { octets: number; routes: number }>();
  let at = 0;
  let family = 0;
  let walk: ReturnType<RouteTable["walkSource"]> | undefined;
  return {
    step: () => {
      for (let looked = 0; looked < SLICE; looked++) {
        if (at === slots.length) {
          done([...totals].map(([address, total]) => ({ address, ...total })));
          return true;
        }
        const slot = slots[at]!;
        walk ??= table.walkSource(slot, FAMILIES[family]!.family);
        const path = table.stepWalk(walk);
        if (path !== 0) {
          add(totals, table.sources.address[slot]!, octetsOf(table, path));
          continue;
        }
        table.endWalk(walk);
        walk = undefined;
        if (++family < FAMILIES.length) continue;
        family = 0;
        at++;
      }
      return false;
    },
  };
}

function add(
  totals: Map<string, { octets: number; routes: number }>,
  address: string,
  octets: number,
): void {
  const total = totals.get(address);
  if (total === undefined) {
    totals.set(address, { octets, routes: 1 });
    return;
  }
  total.octets += octets;
  total.routes++;
}

function octetsOf(table: RouteTable, path: number): number {
  const dest = table.pathDest(path);
  const alone = table.nextPath(table.firstPath(dest)) === 0;
  const received = table.pathReceived(path);
  const effective = table.pathAttr(path);
  const sets =
    setOctets(table, received) +
    (effective === 0 || effective === received ? 0 : setOctets(table, effective));
  return PATH_OCTETS + (alone ? DESTINATION_OCTETS + table.pathNlriLength(path) : 0) + sets;
}

/** A path's share of a set: it holds one reference, or two. */
function setOctets({ attrs }: RouteTable, set: number): number {
  const octets = SET_OCTETS + attrs.attributesEnd(set) - attrs.nextHopStart(set);
  return octets / Math.max(1, attrs.references(set) / 2);
}
