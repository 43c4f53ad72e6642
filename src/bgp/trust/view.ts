/** Trust in peers, as the speaker's door shows it. Plain data, without keys. */
import type { TrustBinding, TrustEffect, TrustState } from "../../contract.js";

export interface TrustPeerView {
  readonly address: string;
  readonly state: TrustState;
  readonly reason: string;
  /** What is done to it; `admit` when it is served. */
  readonly effect: TrustEffect | "admit";
  /** What a dry run, or a grace, spares it. */
  readonly spared?: TrustEffect | undefined;
  /** `tenant/vnf/instance`, empty while nobody is known there. */
  readonly subject: string;
  readonly binding?: TrustBinding | undefined;
  /** It has a session; without one, whoever knocked last. */
  readonly established: boolean;
  /** Wall-clock milliseconds of the last change of state or effect. */
  readonly since: number;
}
