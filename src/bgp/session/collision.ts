/**
 * Connection collision (RFC 4271 section 6.8, RFC 6286 section 2.3): of two connections with one peer
 * the one survives that the speaker with the higher BGP identifier opened; with equal identifiers, the
 * one of the higher AS.
 */
export type Initiator = "local" | "remote";

/** Whose connection is kept. Identifiers and ASes are unsigned 32-bit numbers. */
export function survivingInitiator(
  local: { readonly id: number; readonly as: number },
  remote: { readonly id: number; readonly as: number },
): Initiator {
  if (local.id !== remote.id) return local.id > remote.id ? "local" : "remote";
  return local.as > remote.as ? "local" : "remote";
}

/** What is known of another connection of the same peer when an OPEN arrives. */
export interface OtherConnection {
  readonly initiator: Initiator;
  readonly state: "OpenSent" | "OpenConfirm" | "Established";
  /** Established, and a message since then shows that the peer is, too. */
  readonly confirmed: boolean;
  /** Its peer offered graceful restart with a family (RFC 4724 section 5). */
  readonly graceful: boolean;
}

/**
 * An OPEN arrived on a connection opened by `initiator` while `other` exists. Which one goes?
 *
 * "none": not decided yet, the other one's OPEN will tell. "other-quietly": without NOTIFICATION.
 * "wait": by the letter this one goes, because the other one is Established here; but the peer may still be
 * in OpenConfirm there and, by the same letter, be closing it in favour of this one, and both would be
 * lost. The next message on the other one, or its end, decides.
 */
export function resolveCollision(
  initiator: Initiator,
  other: OtherConnection,
  local: { readonly id: number; readonly as: number },
  remote: { readonly id: number; readonly as: number },
): "this" | "other" | "other-quietly" | "wait" | "none" {
  if (other.state === "OpenSent") return "none";
  if (other.confirmed) return other.graceful ? "other-quietly" : "this";
  // Twice from the same side is no collision: the peer gave up the older one.
  if (other.initiator === initiator) return other.state === "Established" ? "this" : "other";
  if (survivingInitiator(local, remote) !== initiator) return "this";
  return other.state === "Established" ? "wait" : "other";
}
