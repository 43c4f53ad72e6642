/** What may be supposed, as plain data. */
import type { PolicyCandidate } from "../policy-view.js";

/** Addresses and ESIs as people write them. */
export type WhatIf =
  | { readonly kind: "pe"; readonly address: string }
  | {
      readonly kind: "segment";
      readonly esi: string;
      /** At this PE; unless given at all. */
      readonly pe?: string | undefined;
      /** Types 1 and 4 only: the first moment of a mass withdraw (RFC 7432 section 8.2). */
      readonly firstMoment?: boolean | undefined;
    }
  | { readonly kind: "peer"; readonly address: string }
  /** A tunnel under the fabric: what it alone leads to goes, sessions included. */
  | { readonly kind: "tunnel"; readonly name: string }
  | { readonly kind: "policy"; readonly candidate: PolicyCandidate };
