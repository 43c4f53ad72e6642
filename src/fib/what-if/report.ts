/** What a what-if answers: plain data, counts of everything and rows of as much as is asked for. */

/** Where frames for a MAC go. */
export interface WhatIfHop {
  readonly address: string;
  readonly role: "advertised" | "aliased" | "backup";
}

/**
 * moved: its first next hop is another. dark: it has none any more. lit: it had none. hops: the first
 * stays, of the others or of the labels something is different.
 */
export type MacChangeKind = "moved" | "dark" | "lit" | "hops";

export interface MacChange {
  readonly kind: MacChangeKind;
  readonly domain: string;
  readonly mac: string;
  readonly esi: string | undefined;
  /** By address, the first next hop first. */
  readonly before: readonly WhatIfHop[];
  readonly after: readonly WhatIfHop[];
  /** Of a MAC that moved: it goes to a PE that was its next hop already. */
  readonly takenOver?: "aliased" | "backup" | "advertised";
  /** Of a dark one: other PEs are on its segment, and it is back when they learn it. */
  readonly returns?: boolean;
}

export interface MacCounts {
  /** MACs of all domains that were compared; of the others nothing differs. */
  readonly compared: number;
  readonly moved: number;
  /** Of those that moved: to a PE of the segment that shared the load or stood by. */
  readonly takenOver: number;
  readonly dark: number;
  /** Of the dark ones: back when another PE of their segment learns them. */
  readonly returning: number;
  readonly lit: number;
  readonly hops: number;
  /** Had several PEs, and would have one: the next failure takes them. */
  readonly onOnePe: number;
}

export interface ForwarderChange {
  readonly esi: string;
  readonly domain: string;
  readonly tag: number;
  readonly before: string | undefined;
  readonly after: string | undefined;
  /** Why it is the one after. */
  readonly reason: string;
}

export interface SegmentChange {
  readonly esi: string;
  readonly modeBefore: string;
  readonly modeAfter: string;
  /** PEs with per-ES A-D routes. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  readonly macs: number;
  /** One PE is left. */
  readonly onOnePe: boolean;
}

export interface WhatIfCost {
  readonly peer: string;
  readonly announced: number;
  readonly withdrawn: number;
}

export interface WhatIfReport {
  /** In sentences. */
  readonly summary: readonly string[];
  readonly routes: {
    readonly looked: number;
    /** Destinations without a path then, with another path, with the same path told otherwise, with one again. */
    readonly gone: number;
    readonly replaced: number;
    readonly changed: number;
    readonly fresh: number;
  };
  readonly macs: MacCounts;
  /** One page; the counts are of all. */
  readonly rows: readonly MacChange[];
  /** Undefined at the end. */
  readonly next: string | undefined;
  /** Per segment and domain that has per-EVI A-D routes; at most `MOST_SHOWN` of `forwardersChanged`. */
  readonly forwarders: readonly ForwarderChange[];
  readonly forwardersChanged: number;
  readonly segments: readonly SegmentChange[];
  readonly segmentsChanged: number;
  /** Routes announced and withdrawn, by client: at most `MOST_SHOWN`, the most expensive first. */
  readonly updates: readonly WhatIfCost[];
  readonly updatesTotal: { readonly announced: number; readonly withdrawn: number };
  /** Destinations that changed while it was worked out: with 0 the answer is exact. */
  readonly meanwhile: number;
  /** False: it took too long and was ended. */
  readonly complete: boolean;
  readonly notes: readonly string[];
}

export const MOST_SHOWN = 500;
