/**
 * The operations of a model run: plain data, each meaningful whatever came before it, so that any
 * part of a sequence can be run again.
 */
import { Family } from "../../../src/fast-bgp-codec/family.js";
import { afterDiscard, faultEffect, spoilOf, type FaultName } from "./faults.js";
import type { Word } from "./model.js";
import { evpnVerdict, nlriKey } from "./nlri.js";
import { hexOf } from "./hex.js";
import { has, type PeerSpec } from "./peer.js";
import type { Loss } from "./retention.js";
import { encodeUpdate, type UpdateParts } from "./wire.js";

export interface UpdateOp {
  readonly kind: "update";
  readonly peer: number;
  readonly parts: UpdateParts;
  readonly fault?: FaultName;
  /** Seed of the writer's habits; 0 writes canonically. */
  readonly shape: number;
  /** Of all its EVPN routes, from a peer that sends path ids. */
  readonly pathId?: number;
}

export type Op =
  | UpdateOp
  | { readonly kind: "up"; readonly peer: number; readonly over?: Partial<PeerSpec> }
  | { readonly kind: "down"; readonly peer: number; readonly loss?: Loss }
  /** Options of a live peer change, as a reload does it; with `rest` the reflector then has time for it. */
  | {
      readonly kind: "change";
      readonly peer: number;
      readonly over: Partial<PeerSpec>;
      readonly rest: boolean;
    }
  | { readonly kind: "end-of-rib"; readonly peer: number; readonly family: Family }
  /** ROUTE-REFRESH from the peer: 0 request, 1 BoRR, 2 EoRR. */
  | {
      readonly kind: "refresh";
      readonly peer: number;
      readonly family: Family;
      readonly subtype: 0 | 1 | 2;
    }
  /** The peer stops reading with so much in the socket. */
  | { readonly kind: "block"; readonly peer: number; readonly pending: number }
  /** The peer reads down to so much; at 0 it reads on without end, unless the next portion chokes it. */
  | {
      readonly kind: "drain";
      readonly peer: number;
      readonly to: number;
      readonly choke?: boolean;
    }
  /** What was put off to the end of the event loop's turn runs, once. */
  | { readonly kind: "soon" }
  | { readonly kind: "tick"; readonly milliseconds: number }
  /** Everybody reads, everything runs until nothing is left; all tables are compared. */
  | { readonly kind: "settle" };

function isFaultActive(op: UpdateOp, peer: PeerSpec): boolean {
  const { reach, nlri4 } = op.parts;
  if (reach !== undefined) return has(peer.families, reach.family) && reach.nlri.length > 0;
  return nlri4 !== undefined && nlri4.length > 0 && has(peer.families, Family.Ipv4Unicast);
}

export function encodeOp(op: UpdateOp, peer: PeerSpec): Buffer {
  const spoil = op.fault !== undefined && isFaultActive(op, peer) ? spoilOf(op.fault) : undefined;
  return encodeUpdate(withPathId(op, peer), peer.as4, op.shape, spoil);
}

function withPathId({ parts, pathId = 0 }: UpdateOp, peer: PeerSpec): UpdateParts {
  if (peer.sendsPaths !== true) return parts;
  const { reach, unreach } = parts;
  const named = (nlri: readonly string[]): string[] => nlri.map((one) => hexOf(pathId, 4) + one);
  return {
    ...parts,
    ...(reach?.family === Family.Evpn ? { reach: { ...reach, nlri: named(reach.nlri) } } : {}),
    ...(unreach?.family === Family.Evpn
      ? { unreach: { ...unreach, nlri: named(unreach.nlri) } }
      : {}),
  };
}

/** What a receiver must understand; "reset" when it must end the session instead. */
export function judge(op: UpdateOp, peer: PeerSpec): Word | "reset" {
  const { parts } = op;
  const pathId = peer.sendsPaths === true ? (op.pathId ?? 0) : 0;
  const fault = isFaultActive(op, peer) ? op.fault : undefined;
  const effect = fault === undefined ? "ignore" : faultEffect(fault, peer.kind !== "ebgp");
  if (effect === "reset") return "reset";
  const attributes = parts.attributes ?? [];
  const withdrawn: { family: Family; nlri: string }[] = [];
  const announced: { family: Family; nlri: string; nextHop: string }[] = [];
  for (const nlri of parts.withdrawn4 ?? []) withdrawn.push({ family: Family.Ipv4Unicast, nlri });
  if (parts.unreach !== undefined) {
    const { family } = parts.unreach;
    for (const nlri of parts.unreach.nlri) withdrawn.push({ family, nlri });
  }
  for (const nlri of parts.nlri4 ?? [])
    announced.push({ family: Family.Ipv4Unicast, nlri, nextHop: parts.nextHop4 ?? "" });
  if (parts.reach !== undefined) {
    const { family, nextHop } = parts.reach;
    for (const nlri of parts.reach.nlri) {
      const verdict = family === Family.Evpn ? evpnVerdict(nlri) : "good";
      if (verdict === "good") announced.push({ family, nlri, nextHop });
      if (verdict === "keyed") withdrawn.push({ family, nlri });
    }
  }
  if (effect === "withdraw")
    return { withdrawn: [...withdrawn, ...announced], announced: [], attributes, pathId };
  const kept = fault === undefined ? attributes : afterDiscard(fault, attributes);
  return { withdrawn, announced, attributes: kept, pathId };
}

/** One line for people: what happens when a failing run is printed. */
export function describeOp(op: Op): string {
  const { kind, ...rest } = op;
  if (op.kind !== "update") return `${kind} ${JSON.stringify(rest)}`;
  const { parts } = op;
  const words = [`update from ${String(op.peer)}, shape ${String(op.shape)}`];
  if (op.fault !== undefined) words.push(`fault "${op.fault}"`);
  const list = (family: Family, run: readonly string[]): string =>
    run.length > 4
      ? `${String(run.length)} NLRI from ${nlriKey(family, run[0] as string)}`
      : run.map((one) => nlriKey(family, one)).join(", ");
  if (parts.withdrawn4) words.push(`withdraw ${list(Family.Ipv4Unicast, parts.withdrawn4)}`);
  if (parts.unreach) words.push(`withdraw ${list(parts.unreach.family, parts.unreach.nlri)}`);
  if (parts.nlri4) words.push(`announce ${list(Family.Ipv4Unicast, parts.nlri4)}`);
  if (parts.reach) words.push(`announce ${list(parts.reach.family, parts.reach.nlri)}`);
  for (const { code, value } of parts.attributes ?? [])
    words.push(`${String(code)}=${value.length > 60 ? `${value.slice(0, 60)}…` : value}`);
  return words.join(" | ");
}
