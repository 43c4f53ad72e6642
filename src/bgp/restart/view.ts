/** What restarts mean for one peer, as plain data: agreed, kept, and held back. */
import { FAMILIES } from "../../fast-bgp-codec/family.js";
import type { Negotiated } from "../session/types.js";
import type { RetentionView } from "./retained-peers.js";

export interface AgreedRestart {
  /** Seconds the peer asks to be waited for. */
  readonly restartTime: number;
  /** It had just restarted when this session began (R). */
  readonly restarting: boolean;
  /** Notification mode, on both sides (RFC 8538). */
  readonly notification: boolean;
  /** Families it wants kept, and those of them whose forwarding went on (F). */
  readonly families: readonly string[];
  readonly forwarding: readonly string[];
  /** RFC 9494: families kept as long-lived stale, with their seconds. */
  readonly longLived: readonly { readonly family: string; readonly staleTime: number }[];
}

export interface PeerRestartView {
  /** The peer's capabilities on the session there is; undefined without a session, or without capability 64. */
  readonly agreed: AgreedRestart | undefined;
  /** What is kept for its return, or waits for its End-of-RIB. */
  readonly retention: RetentionView | undefined;
  /** Families not sent yet: until the peer has named its route targets, or until the peers are in again after our restart. */
  readonly waitingForMemberships: readonly string[];
  readonly waitingForRestart: readonly string[];
}

export function agreedRestart(negotiated: Negotiated | undefined): AgreedRestart | undefined {
  if (negotiated?.gracefulRestart === undefined) return undefined;
  const { gracefulRestart, longLived } = negotiated;
  return {
    restartTime: gracefulRestart.time,
    restarting: gracefulRestart.restarting,
    notification: gracefulRestart.notification,
    families: familyNames(gracefulRestart.families),
    forwarding: familyNames(gracefulRestart.forwarding),
    longLived: FAMILIES.filter(
      ({ family }) => ((longLived?.families ?? 0) & (1 << family)) !== 0,
    ).map(({ family, name }) => ({ family: name, staleTime: longLived?.times[family] ?? 0 })),
  };
}

/** @param mask over `Family` */
export function familyNames(mask: number): string[] {
  return FAMILIES.filter(({ family }) => (mask & (1 << family)) !== 0).map(({ name }) => name);
}
