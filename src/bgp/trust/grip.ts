/** What trust lets an Established peer do. */
export interface TrustGrip {
  /** `hold`: it is sent nothing, and its routes count nowhere. */
  readonly effect: "admit" | "hold" | "mark";
  /** Where its routes are marked. */
  readonly community: number;
}

export const ADMITTED: TrustGrip = { effect: "admit", community: 0 };
