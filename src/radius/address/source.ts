/**
 * Where addresses come from: the hook that is called when a subscriber was accepted, and when its session
 * is over. `local-source.ts` has pools of its own, `dhcp-source.ts` asks a server; a third is a class with
 * this shape.
 */
import type { EndReason, Lease, Session } from "../session/session.js";

/** Who asks. */
export interface Subscriber {
  /** MAC, access point, user, VLAN, class, and what else is known. */
  readonly session: Session;
  /** The Access-Accept as the home server said it: a checked packet. */
  readonly accept: Uint8Array;
}

/** Why there is no address: a sentence. */
export class AddressError extends Error {}

export interface AddressSource {
  /** Rejects with `AddressError`. */
  acquire(subscriber: Subscriber): Promise<Lease>;
  /** Prolongs; rejects with `AddressError` when it is not prolonged. */
  renew(session: Session, lease: Lease): Promise<Lease>;
  /** The session is over: what was lent goes back. Never throws. */
  release(session: Session, lease: Lease, reason: EndReason): void;
  /** A lease of an earlier run, or of the settings before: it is in use. */
  adopt(lease: Lease): void;
  close(): void;
}
