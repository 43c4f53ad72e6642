/** What evpnctl reads of the answers about failures and what peers lack; see `wire.ts`. */
import type { DecisionAnswer, ExplainAnswer } from "./policy-wire.js";
import type { ExplanationAnswer } from "./fib-wire.js";

export interface WhatIfAnswer {
  readonly summary: readonly string[];
  readonly rows: readonly {
    readonly kind: string;
    readonly domain: string;
    readonly mac: string;
    readonly before: readonly HopAnswer[];
    readonly after: readonly HopAnswer[];
    readonly returns?: boolean | undefined;
  }[];
  readonly next?: string | undefined;
  readonly forwarders: readonly {
    readonly esi: string;
    readonly domain: string;
    readonly tag: number;
    readonly before?: string | undefined;
    readonly after?: string | undefined;
  }[];
  readonly forwardersChanged: number;
  readonly segments: readonly {
    readonly esi: string;
    readonly before: readonly string[];
    readonly after: readonly string[];
    readonly macs: number;
    readonly onOnePe: boolean;
  }[];
  readonly segmentsChanged: number;
  readonly updates: readonly {
    readonly peer: string;
    readonly announced: number;
    readonly withdrawn: number;
  }[];
  readonly notes: readonly string[];
}

export interface SinglePointAnswer {
  readonly looked: number;
  readonly shared: number;
  readonly pes: readonly {
    readonly pe: string;
    readonly macs: number;
    readonly returning: number;
  }[];
  readonly pesCut: boolean;
}

export interface HopAnswer {
  readonly address: string;
  readonly role: string;
}

export interface LackAnswer {
  readonly code: string;
  readonly reason: string;
  readonly routes: number;
  readonly examples: readonly {
    readonly family: string;
    readonly prefix: string;
    readonly from: string;
  }[];
}

export interface TraceAnswer {
  readonly mac: string;
  readonly explanations: readonly ExplanationAnswer[];
  readonly routes: readonly (Omit<ExplainAnswer["routes"][number], "receivers"> & {
    readonly receivers: readonly {
      readonly sent: boolean;
      readonly reason: string;
      readonly export: DecisionAnswer;
      readonly peers: number;
      readonly examples: readonly string[];
    }[];
  })[];
  readonly cut: boolean;
}
