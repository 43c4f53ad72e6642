/**
 * Which of our NOTIFICATIONs mean that nothing is to be kept (RFC 8538 section 5.1), and the hard reset
 * that says so to a peer in notification mode: Cease 6/9 around the NOTIFICATION meant.
 */
import { Cease } from "../../fast-bgp-codec/iana.js";
import type { Notification } from "../../fast-bgp-codec/notification.js";

const CEASE = 6;
/** Somebody decided, or the peer sends too much: not an accident that a new session mends. */
const HARD: ReadonlySet<number> = new Set([
  Cease.MaximumPrefixes,
  Cease.AdministrativeShutdown,
  Cease.PeerDeconfigured,
  Cease.AdministrativeReset,
  Cease.HardReset,
]);

export function isHard(code: number, subcode: number): boolean {
  return code === CEASE && HARD.has(subcode);
}

/** What the peer sent ends everything even in notification mode. */
export function isHardReset({ code, subcode }: Pick<Notification, "code" | "subcode">): boolean {
  return code === CEASE && subcode === Cease.HardReset;
}

export function wrapHardReset({ code, subcode, data }: Notification): Notification {
  if (isHardReset({ code, subcode })) return { code, subcode, data };
  const inner = new Uint8Array(2 + data.length);
  inner[0] = code;
  inner[1] = subcode;
  inner.set(data, 2);
  return { code: CEASE, subcode: Cease.HardReset, data: inner };
}
