/**
 * Why a path is held: kept and shown, but without effect: it is no candidate for best path, nobody is
 * sent it, the FIB does not see it. The table keeps the reason with the path; who decides gives it.
 */
export const HoldReason = {
  None: 0,
  /** An import rule rejected it. */
  Policy: 1,
  /** An import rule put it in quarantine. */
  Quarantine: 2,
  /** Beyond a limit. */
  Limit: 3,
  /** Its peer is not trusted, or not trusted yet. */
  Trust: 4,
  /** It has a route target that is not its peer's tenant's. */
  Tenant: 5,
  /** Duplicate detection put its MAC in quarantine. */
  Duplicate: 6,
  /** Its next hop is behind a tunnel that does not carry. */
  Tunnel: 7,
} as const;
export type HoldReason = (typeof HoldReason)[keyof typeof HoldReason];

/** Indexed by `HoldReason`: the words for people. */
export const HOLD_REASONS: readonly string[] = [
  "not held",
  "rejected by import policy",
  "in quarantine",
  "beyond a limit",
  "peer not trusted",
  "has a route target that its peer may not announce (allow-route-targets)",
  "its MAC is in quarantine as a duplicate",
  "its next hop is behind a tunnel that does not carry",
];
