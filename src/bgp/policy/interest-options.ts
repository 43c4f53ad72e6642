/** What a peer is sent and may announce, by route target, when it does not say so itself (RFC 4684). */
import type { InferenceMode } from "./target-inference.js";

export interface InterestOptions {
  /** It is sent only routes with one of these: hex, 16 digits each. Undefined = no list. */
  readonly targets: readonly string[] | undefined;
  /** The same, and it may announce only routes whose targets are all among these. */
  readonly allowed: readonly string[] | undefined;
  /** Whether its interest is inferred from what it announces; never beside `targets` or memberships. */
  readonly inference: InferenceMode;
  /** Seconds that a target counts after the last of the peer's routes with it has gone. */
  readonly inferenceHold: number;
  /** A peer that is no client is sent the default membership alone, as clients are, in place of what ours want. */
  readonly defaultMembership: boolean;
}

export const INTEREST_DEFAULTS: InterestOptions = {
  targets: undefined,
  allowed: undefined,
  inference: "off",
  inferenceHold: 300,
  defaultMembership: false,
};
