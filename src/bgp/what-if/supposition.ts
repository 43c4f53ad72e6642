/**
 * A world that differs from this one in some paths or rules: failures, or other policies. Nothing of the
 * table is changed by it; it says of each path what would count, and of each session which rules it would have.
 */
import type { AdjRibOut } from "../adj-rib-out/adj-rib-out.js";
import type { PolicyEngine } from "../policy/rules/engine.js";
import type { ReflectedPeer } from "../reflected-peer.js";
import type { RouteTable } from "../rib/route-table.js";

export interface SuppositionHost {
  readonly table: RouteTable;
  readonly out: AdjRibOut;
  readonly engine: PolicyEngine;
  readonly identity: { readonly as: number };
  livePeers(): Iterable<ReflectedPeer>;
  /** `Policies.behindRules`. */
  behindRules(path: number, attr: number): number;
}

export interface Supposition {
  /** Rules of that world. */
  readonly engine: PolicyEngine;
  /** Sessions that are up in both worlds. */
  readonly receivers: readonly ReflectedPeer[];
  /** Of these the ones whose export rules are others. */
  readonly changedReceivers: readonly ReflectedPeer[];
  /** No path and no rule differs. */
  readonly isNothing: boolean;
  /** What it cannot tell, in sentences. */
  readonly notes: readonly string[];
  /** After all paths were asked for: a sentence when there is nothing of what was to fail. */
  readonly absent: string | undefined;
  /** Effective set of a path in that world, 0 where it is gone or held; good until `endSlice`. */
  attrAfter(path: number): number;
  /** Lets go what was made since the last call. */
  endSlice(): void;
  /** It is asked no more. */
  close(): void;
}
