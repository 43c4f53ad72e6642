/**
 * Tunnels of the lab: one definition each, from which both sides are derived. Profiles are as they ship, but
 * for what userland ESP does not have: extended sequence numbers.
 */
import {
  PROFILES,
  sideOf,
  type ChildParameters,
  type Tunnel,
  type TunnelSide,
} from "../../../../src/ipsec/model/index.js";
import { modelOf } from "../../../ipsec/lib/sides.js";
import type { Site } from "./tunnel-net.js";

export interface LabTunnel {
  readonly name: string;
  readonly profile?: "modern" | "ssg" | "pix";
  readonly ends: readonly [Site, Site];
  /** Which of the sites' outside addresses and networks; the first by default. */
  readonly outside?: readonly [number, number];
  readonly network?: readonly [number, number];
  readonly more?: Partial<Tunnel>;
}

/** Both sides, the first end's first. */
export function sidesOf(tunnel: LabTunnel): [TunnelSide, TunnelSide] {
  const { name, profile = "modern", ends, outside = [0, 0], network = [0, 0], more } = tunnel;
  const child = withoutEsn(more?.child ?? PROFILES[profile]!.child);
  const model = modelOf({
    name,
    profile,
    addresses: [at(ends[0].options.outside, outside[0]), at(ends[1].options.outside, outside[1])],
    networks: [
      [at(ends[0].options.networks, network[0])],
      [at(ends[1].options.networks, network[1])],
    ],
    more: { ...more, child },
  });
  const sides = ([0, 1] as const).map((end) => sideOf(model, model.tunnels[0]!, end));
  return [sides[0]!, sides[1]!];
}

function withoutEsn(child: ChildParameters): ChildParameters {
  return { ...child, proposals: child.proposals.map((one) => ({ ...one, esn: false })) };
}

function at(list: readonly string[], index: number): string {
  const found = list[index];
  if (found === undefined) throw new Error(`there is no number ${String(index)} in ${list.join()}`);
  return found;
}
